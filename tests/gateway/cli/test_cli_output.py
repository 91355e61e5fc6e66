"""The output file: order, resume arithmetic, money, cells that no spreadsheet runs."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.enrich.gauge import to_duration, to_line
from gateway.cli.enrich.operations import (
    OPERATIONS,
    defuse,
    spent,
    to_cells,
    to_failed_cells,
    to_query,
)
from gateway.cli.enrich.output import Files, Output, Progress, changed
from gateway.cli.enrich.tally import Tally

FIND = OPERATIONS["emails.find"].columns
SOURCE = {"sha256": "0", "size": 1}


def begin(files: Files) -> Output:
    output = Output(files, Progress(input=SOURCE, options={}))
    output.begin(["n"], bom=False)
    return output


def resume(files: Files) -> Output:
    progress = files.load()
    assert progress is not None
    return Output(files, progress)


@given(order=st.permutations(range(12)), cut=st.integers(0, 12), lost=st.integers(0, 12))
def test_rows_in_any_order_with_a_crash_anywhere_come_out_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], cut: int, lost: int
) -> None:
    """`cut` rows are answered before the last sync, up to `lost` more are written after it."""
    files = Files(tmp_path_factory.mktemp("output") / "out.csv")
    crashed = begin(files)
    for index in order[:cut]:
        crashed.put(index, [str(index)])
    crashed.sync()
    for index in order[cut : cut + lost]:
        crashed.put(index, ["longer than what will stand here" * 20])
    crashed._file.close()
    output = resume(files)
    again = [index for index in range(12) if not output.has(index)]
    assert sorted(again) == sorted(order[cut:])
    for index in again:
        output.put(index, [str(index)])
    output.close()
    files.finish(output.progress)
    assert files.target.read_text().split() == ["n", *map(str, range(12))]
    left = {path.name for path in files.target.parent.iterdir()}
    assert left == {"out.csv", ".out.csv.enriched"}


def test_the_sidecar_never_promises_what_is_not_in_the_part(tmp_path: Path) -> None:
    files = Files(tmp_path / "out.csv")
    output = begin(files)
    output.put(0, ["a"])
    assert json.loads(files.sidecar.read_bytes())["rows"] == 0
    output.close()
    saved = json.loads(files.sidecar.read_bytes())
    assert (saved["rows"], saved["bytes"]) == (1, files.part.stat().st_size)


def test_a_part_cut_short_is_refused(tmp_path: Path) -> None:
    files = Files(tmp_path / "out.csv")
    begin(files).close()
    files.part.write_bytes(b"")
    with pytest.raises(click.UsageError, match="--restart"):
        files.load()


def test_a_damaged_sidecar_is_refused(tmp_path: Path) -> None:
    files = Files(tmp_path / "out.csv")
    begin(files).close()
    files.sidecar.write_bytes(b"{")
    with pytest.raises(click.UsageError, match="--restart"):
        files.load()


def test_two_runs_cannot_write_one_output(tmp_path: Path) -> None:
    files = Files(tmp_path / "out.csv")
    first = begin(files)
    with pytest.raises(click.UsageError, match="another run"):
        resume(files)
    first.close()


@pytest.mark.parametrize(
    "source,options,text",
    [
        (SOURCE, {"tag": "a", "kind": "x"}, ""),
        ({**SOURCE, "size": 2}, {"tag": "a", "kind": "x"}, "the input file has changed"),
        (SOURCE, {"tag": "b", "kind": "x"}, "other options: tag"),
        (SOURCE, {"routing": {}}, "other options: kind, routing, tag"),
    ],
)
def test_what_differs_is_named(source: Any, options: Any, text: str) -> None:
    progress = Progress(input=SOURCE, options={"tag": "a", "kind": "x"})
    assert changed(progress, source, options) == text


@pytest.mark.parametrize("start", [*"=+-@\t\r\n", " =", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_formulas_are_defused(start: str) -> None:
    assert defuse(f"{start}a") == f"'{start}a"
    assert defuse(f"a{start}1") == f"a{start}1"


@pytest.mark.parametrize("text", ["+4915112345678", "-12.5", "-0", "12", "+1.2.3"])
def test_phones_and_numbers_stay_as_they_are(text: str) -> None:
    assert defuse(text) == text


@pytest.mark.parametrize("text", ["+1+1", "-1-cmd()", "+", "-.5", "+1\n", "+1 2", "-1e3"])
def test_what_only_begins_like_a_number_is_defused(text: str) -> None:
    assert defuse(text) == f"'{text}"


def test_no_cell_of_an_answer_starts_a_formula() -> None:
    evil = "=HYPERLINK()"
    meta = {"provider": evil, "outcome": evil, "cost": "0.1"}
    body = {"data": {"email": evil, "status": "+A1", "confidence": 1}, "meta": meta}
    cells = to_cells(FIND, body)
    assert cells == [f"'{evil}", "'+A1", "1", f"'{evil}", "0.1", f"'{evil}", ""]
    assert to_failed_cells(FIND, {"title": "@x", "status": 422})[-1] == "'@x"


def test_a_failure_keeps_what_it_cost_and_why() -> None:
    errors = [{"pointer": "/domain", "details": "not a\ndomain", "code": "invalid"}]
    attempts = [{"cost": "0.03"}, {"cost": "0.049"}, {"reason": "timed_out"}]
    problem = {"status": 502, "code": "all_providers_failed", "title": "All providers failed"}
    cells = to_failed_cells(FIND, {**problem, "errors": errors, "attempts": attempts})
    text = "all_providers_failed: All providers failed; /domain: not a domain"
    assert cells == ["", "", "", "", "0.079", "failed", text]


def test_nothing_found_leaves_the_cells_empty() -> None:
    body = {"data": None, "meta": {"outcome": "empty", "cost": "0.03", "provider": None}}
    assert to_cells(FIND, body) == ["", "", "", "", "0.03", "empty", ""]


def test_a_person_becomes_cells() -> None:
    emails = [{"email": "a@b.example"}, {"email": "c@d.example"}]
    place = {"city": "Kyoto", "country": "JP", "street": None}
    data = {"full_name": "Ada", "emails": emails, "company": {"name": "Blue"}, "location": place}
    columns = ("full_name", "emails", "company", "city", "country", "phone")
    cells = to_cells(columns, {"data": data, "meta": {}})
    assert cells == ["Ada", "a@b.example; c@d.example", "Blue", "Kyoto", "JP", ""]


@pytest.mark.parametrize(
    "values,query",
    [
        ({"first_name": "A", "last_name": "B", "full_name": "A B", "domain": ""},
         {"first_name": "A", "last_name": "B"}),
        ({"first_name": "", "last_name": "B", "full_name": "A B"},
         {"last_name": "B", "full_name": "A B"}),
        ({"linkedin_url": "x", "job_title": "CTO"},
         {"linkedin_url": "x", "hints": {"job_title": "CTO"}}),
        ({"domain": "", "job_title": "CTO"}, {}),
    ],
)  # fmt: skip
def test_a_row_becomes_a_query(values: dict[str, str], query: dict[str, Any]) -> None:
    assert to_query(values) == query


def test_money_is_exact() -> None:
    tally = Tally()
    for _ in range(1000):
        tally.add("accepted", {"meta": {"cost": "0.1", "currency": "EUR", "cached": True}})
    tally.add("empty", {"meta": {"cost": None, "attempts": [{"cached": True}]}})
    tally.add("failed", {"attempts": [{"cost": "0.049"}]})
    assert (tally.cost, tally.money) == (Decimal("100.049"), "100.049 EUR")
    assert (tally.done, tally.found, tally.share, tally.cached) == (1002, 1000, 100, 1001)
    assert spent({"meta": {"cost": "much"}}) == 0


def test_the_line_tells_rate_share_cost_and_time_left() -> None:
    tally = Tally(accepted=60, weak=10, empty=25, failed=5, cost=Decimal("3.20"), currency="USD")
    line = to_line(tally, 200, since=20, seconds=2.0)
    assert line == "100/200 rows · 40.0 rows/s · found 70 % · cost 3.2 USD · 2 s left"
    assert "left" not in to_line(tally, 100, since=0, seconds=1)


@pytest.mark.parametrize(
    "seconds,text", [(0.4, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (7260, "2 h 1 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert to_duration(seconds) == text
