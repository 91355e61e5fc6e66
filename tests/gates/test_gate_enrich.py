"""The shipped file of 200 people through `prospect enrich`, whole and in two halves."""

from __future__ import annotations

import asyncio
import csv
import re
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

import providers.simulator
from tests.gateway.supervisor.processes import (
    PROSPECT,
    Served,
    bill_of,
    environment,
    sabotaged,
    serving,
    simulators_of,
    until,
)

SHIPPED = Path(providers.simulator.__file__).with_name("people-200.csv")
ROWS, BAD = 200, 6
# What was bought is not remembered.
AMNESIA = """
import gateway.store.script as s
read, head = s._read, "local function cached_at(a, s, now, slot)\\n"
def read_without(name):
    text = read(name)
    assert name != "admission" or head in text
    return text.replace(head, head + "  if a then return nil end\\n", 1)
s._read = read_without
"""


class Ended(NamedTuple):
    code: int
    text: str

    @property
    def cost(self) -> Decimal:
        found = re.search(r"^cost ([\d.]+) USD", self.text, re.MULTILINE)
        assert found, self.text
        return Decimal(found[1])

    @property
    def share(self) -> int:
        found = re.search(r"rows: found (\d+) %", self.text)
        assert found, self.text
        return int(found[1])


@dataclass
class Desktop:
    """Where somebody runs `prospect enrich` on a file."""

    served: Served
    source: Path = SHIPPED
    sabotage: dict[str, str] = field(default_factory=dict)
    """Of the command, not of the gateway."""

    @property
    def folder(self) -> Path:
        return self.served.folder

    @asynccontextmanager
    async def started(
        self, target: str, *arguments: str
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await asyncio.create_subprocess_exec(
            *(str(PROSPECT), "enrich", str(self.source), "-o", target, "--yes"),
            *("--operation", "emails.find", "--concurrency", "16", *arguments),
            cwd=self.folder,
            env=environment(self.folder / "data", PROSPECT_URL=self.served.url) | self.sabotage,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def enrich(
        self, target: str, *arguments: str, until_bought: int = 0, end: int = 0
    ) -> Ended:
        """Run it; with `end`, only until so many charges were made and it got that signal."""
        async with self.started(target, *arguments) as process:
            if end:
                await until(lambda: len(self.bill()) >= until_bought, 60, "half of the file")
                process.send_signal(end)
            output, _ = await asyncio.wait_for(process.communicate(), 100)
            assert process.returncode is not None
            return Ended(process.returncode, output.decode())

    def rows(self, target: str) -> list[dict[str, str]]:
        with (self.folder / target).open(newline="", encoding="utf-8-sig") as file:
            return list(csv.DictReader(file))

    def bill(self) -> list[tuple[str, ...]]:
        kinds = ("provider", "account", "operation", "what")
        return [tuple(row[kind] for kind in kinds) for row in bill_of(self.folder / "data")]

    def billed(self) -> Decimal:
        return sum((Decimal(row["cost"]) for row in bill_of(self.folder / "data")), Decimal(0))


@asynccontextmanager
async def desktop(
    folder: Path, *, sabotage: dict[str, str] | None = None, source: Path = SHIPPED
) -> AsyncIterator[Desktop]:
    """A gateway in sandbox mode whose providers are quicker than real ones."""
    environ = environment(folder / "data") | (sabotage or {})
    async with serving(folder, environ=environ) as served:
        await (await simulators_of(served)).put("/latency", {"profile": "fast"})
        yield Desktop(served, source)


def assert_every_row_is_answered(desk: Desktop, target: str, ended: Ended) -> None:
    rows = desk.rows(target)
    assert len(rows) == ROWS
    failed = [row for row in rows if row["error"]]
    assert len(failed) == BAD
    assert ended.code == 1
    found = [row for row in rows if row["outcome"] in {"accepted", "weak"}]
    assert all("@" in row["email"] for row in found)
    assert all(row["outcome"] == "empty" for row in rows if not row["error"] and row not in found)
    assert ended.share == round(100 * len(found) / ROWS)


def assert_nothing_is_bought_twice(desk: Desktop) -> None:
    bought = Counter(desk.bill())
    twice = {what: times for what, times in bought.items() if times > 1}
    assert not twice, f"bought more than once: {twice}"


async def assert_a_repetition_costs_nothing(desk: Desktop, target: str, ended: Ended) -> None:
    """The plain command again on its own finished file."""
    assert (desk.folder / target).exists()
    before = len(desk.bill())
    again = await desk.enrich(target)
    assert again.code == ended.code, again.text
    assert again.cost == 0, again.text
    assert len(desk.bill()) == before


def without_cost(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{**row, "cost": ""} for row in rows]


async def test_a_file_is_answered_and_a_second_run_is_free(tmp_path: Path) -> None:
    async with desktop(tmp_path) as desk:
        ended = await desk.enrich("found.csv")
        assert_every_row_is_answered(desk, "found.csv", ended)
        assert ended.cost == desk.billed()
        assert_nothing_is_bought_twice(desk)
        before = without_cost(desk.rows("found.csv"))
        await assert_a_repetition_costs_nothing(desk, "found.csv", ended)
        assert without_cost(desk.rows("found.csv")) == before


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill-9"])
async def test_a_run_interrupted_at_half_buys_nothing_twice(end: int, tmp_path: Path) -> None:
    async with desktop(tmp_path) as desk:
        interrupted = await desk.enrich("found.csv", until_bought=ROWS // 2, end=end)
        assert interrupted.code not in {0, 1}
        assert not (tmp_path / "found.csv").exists()
        assert ROWS // 2 <= len(desk.bill()) < ROWS

        resumed = await desk.enrich("found.csv")
        assert "Resuming at row" in resumed.text
        assert_every_row_is_answered(desk, "found.csv", resumed)
        assert_nothing_is_bought_twice(desk)
        if end == signal.SIGINT:
            assert resumed.cost == desk.billed()
        await assert_a_repetition_costs_nothing(desk, "found.csv", resumed)


async def test_a_gateway_that_forgets_is_noticed(tmp_path: Path) -> None:
    """Mutant: nothing is kept of what was bought; the first 20 rows come twice in the file."""
    head, *rows = SHIPPED.read_text().splitlines(keepends=True)
    source = tmp_path / "people.csv"
    source.write_text("".join([head, *rows[:20], *rows[:20]]))
    sabotage = sabotaged(tmp_path / "sabotage", AMNESIA)
    async with desktop(tmp_path, sabotage=sabotage, source=source) as desk:
        ended = await desk.enrich("found.csv")
        with pytest.raises(AssertionError, match="bought more than once"):
            assert_nothing_is_bought_twice(desk)
        with pytest.raises(AssertionError, match="cost"):
            await assert_a_repetition_costs_nothing(desk, "found.csv", ended)


async def test_a_row_left_out_is_noticed(tmp_path: Path) -> None:
    """Mutant: a file whose last row is missing, and one whose cell was lost."""
    async with desktop(tmp_path) as desk:
        ended = await desk.enrich("found.csv")
        whole = (tmp_path / "found.csv").read_text()
        short = "".join(whole.splitlines(keepends=True)[:-1])
        hollow = re.sub(r",hunter,[\d.]+,accepted,", ",hunter,0,,", whole, count=1)
        for text in (short, hollow):
            assert text != whole
            (tmp_path / "found.csv").write_text(text)
            with pytest.raises(AssertionError):
                assert_every_row_is_answered(desk, "found.csv", ended)
