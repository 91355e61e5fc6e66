"""The README tells the truth: tables, commands, files, codes and replies are the code's."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import pytest

from gateway.api.problems import CODES
from gateway.cli.program import prospect, run
from gateway.lookup.routing import Route
from gateway.money.amounts import cost_of, to_micros, to_money, to_units
from gateway.settings import load_settings, variables
from gateway.store import inspection
from gateway.store.connection import Store
from gateway.telemetry import metrics
from gateway.vault.keys import SCOPES
from providers.base import Charge
from providers.model import OPERATIONS
from providers.registry import ADAPTERS, Capability, capabilities
from providers.simulator.testing import running_simulator
from providers.simulator.world import World
from tests.gateway.conftest import Gateway, make_settings, running_gateway

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
LONGEST = 760
UPDATE = 'UPDATE_README=1 make test ARGS="-k readme"'
BILLED = {
    Charge.PER_CALL: "per call",
    Charge.PER_HIT: "on a hit",
    Charge.PER_ROW: "per row",
    Charge.FREE: "free",
}
# Different at every call.
VOLATILE = {"request_id", "fetched_at", "elapsed_ms"}

Check = Callable[[str], Iterator[str]]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n".replace("| --- ", "|---") for line in lines)


def operations_table() -> str:
    rows = [[f"`{name}`", f"`POST {path_of(name)}`", *cells(name)] for name in OPERATIONS]
    return table(["operation", "endpoint", *ADAPTERS], rows)


def path_of(operation: str) -> str:
    return "/v1/" + operation.replace(".", "/")


def cells(operation: str) -> list[str]:
    offered = [row for row in capabilities() if row.operation == operation]
    return [cell([row for row in offered if row.provider == name]) for name in ADAPTERS]


def cell(offered: Sequence[Capability]) -> str:
    if not offered:
        return "-"
    billed = BILLED[offered[0].charge]
    if offered[0].charge is Charge.FREE:
        return billed
    return f"{', '.join(f'{row.variant} {worst(row)}'.strip() for row in offered)} {billed}"


def worst(row: Capability) -> str:
    """What one call (per row: one row) costs at most, at the default price."""
    return to_money(cost_of(row.units, to_micros(row.price))) if row.price else "unpriced"


def prices_table() -> str:
    head = ["operation", "provider", "units", "billed", "price of a unit", "source", "read on"]
    return table(head, [price_row(row) for row in capabilities()])


def price_row(row: Capability) -> list[str]:
    operation = f"`{row.operation}` {row.variant}".strip()
    units = f"{to_units(row.units)} {row.unit}"
    price = str(row.price) if row.price or row.charge is Charge.FREE else "unpriced"
    return [operation, row.provider, units, BILLED[row.charge], price, row.source, row.read_on]


def variables_table() -> str:
    rows = [[f"`{name}`", meaning, default] for name, meaning, default in variables()]
    return table(["variable", "meaning", "default"], rows)


TABLES: Mapping[str, Callable[[], str]] = {
    "operations": operations_table,
    "prices": prices_table,
    "variables": variables_table,
}


def filled(text: str) -> str:
    """The README with its tables generated anew."""
    for name, render in TABLES.items():
        opening, closing = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, _, rest = text.partition(opening)
        _, found, after = rest.partition(closing)
        assert found, f"no marks around the table of {name}"
        text = before + opening + render() + closing + after
    return text


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def spans(text: str) -> list[str]:
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return [span.replace("\n", " ") for span in re.findall(r"`([^`]+)`", prose)]


def commands(text: str) -> Iterator[list[str]]:
    """The words of every command line shown, variables before it left out."""
    shell = "".join(blocks(text, "sh")).replace("\\\n", " ")
    lines = [line for line in shell.splitlines() if line.startswith(("prospect ", "make "))]
    for line in [*lines, *spans(text)]:
        if re.match(r"(\w+=\S+ )*(prospect|make)( |$)", line):
            words = shlex.split(line)
            while "=" in words[0]:
                del words[0]
            yield words


def first_cells(text: str, heading: str) -> list[str]:
    """The first column of the table whose first heading is `heading`."""
    rows = text.partition(f"\n| {heading} |")[2].partition("\n\n")[0].splitlines()[2:]
    return [row.split("|")[1].strip() for row in rows]


def table_faults(text: str) -> Iterator[str]:
    if filled(text) != text:
        yield f"a generated table is out of date; run: {UPDATE}"


def command_faults(text: str) -> Iterator[str]:
    for words in commands(text):
        if words[0] == "prospect":
            with (
                contextlib.redirect_stdout(io.StringIO()),
                contextlib.redirect_stderr(io.StringIO()),
            ):
                code = run([*words[1:], "--help"])
            if code != 0:
                yield f"{shlex.join(words)}: no such command or option"


def option_faults(text: str) -> Iterator[str]:
    known = set(options_of(prospect))
    for span in spans(text):
        if span.startswith("--") and span.split()[0] not in known:
            yield f"{span}: no command has this option"


def options_of(command: click.Command) -> Iterator[str]:
    for parameter in [*command.params, *filter(None, [command.get_help_option(as_context())])]:
        yield from (*parameter.opts, *parameter.secondary_opts)
    if isinstance(command, click.Group):
        for each in command.commands.values():
            yield from options_of(each)


def as_context() -> click.Context:
    return click.Context(click.Command("any"), help_option_names=["--help"])


def target_faults(text: str) -> Iterator[str]:
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    for words in commands(text):
        if words[0] == "make":
            wanted = {word for word in words[1:] if "=" not in word}
            yield from (f"make {word}: no such target" for word in wanted - {*phony[1].split()})


def path_faults(text: str) -> Iterator[str]:
    named = re.findall(r"(?<![\w/.])((?:deploy|gateway|providers|tests|\.ci)/[\w./-]*\w)", text)
    named += re.findall(r"\]\(([^)#:]+)\)", text) + re.findall(r"`(\.\w[\w.]+)`", text)
    yield from (f"{path}: no such file" for path in named if not is_here(path))


def is_here(path: str) -> bool:
    # Made by `make`, not part of a clone.
    return path == ".venv" or (ROOT / path).exists()


def anchor_faults(text: str) -> Iterator[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    for anchor in re.findall(r"\]\(#([\w-]+)\)", text):
        if anchor not in slugs:
            yield f"#{anchor}: no such heading"


def name_faults(text: str) -> Iterator[str]:
    """Codes, findings, metrics and scopes: all of them and no other."""
    statuses = re.findall(r"^\| (\d{3}) \| `(\w+)` \|", text, re.MULTILINE)
    yield from differing("code", statuses, [(str(CODES[code][0]), code) for code in CODES])
    yield from differing("finding", quoted(text, "finding"), findings())
    yield from differing("metric", quoted(text, "metric"), families())
    yield from differing("scope", quoted(text, "scope"), SCOPES)


def quoted(text: str, heading: str) -> list[str]:
    return re.findall(r"`([^`]+)`", " ".join(first_cells(text, heading)))


def differing(what: str, shown: Sequence[object], real: Sequence[object]) -> Iterator[str]:
    if sorted(map(str, shown)) != sorted(map(str, real)):
        yield f"{what}: {sorted(map(str, {*shown} ^ {*real})) or 'one twice'}"


def findings() -> list[str]:
    source = Path(inspection.__file__).read_text()
    demanded = [name for name, _, _ in inspection.DEMANDS.values()]
    return [*{*re.findall(r'Finding\("(\w+)"', source), *demanded}]


def families() -> list[str]:
    suffix = {"counter": "_total"}
    counted = [each.name + suffix.get(each.type, "") for each in metrics._registry.collect()]
    return [*counted, metrics.BREAKERS]


def variable_faults(text: str) -> Iterator[str]:
    known = {name for name, _, _ in variables()}
    for name in re.findall(r"\b(?:GATEWAY|HUNTER|SNOV|SIXTYFOUR|LETRICS)_[A-Z_]*[A-Z]\b", text):
        if name not in known:
            yield f"{name}: no such variable"


def format_faults(text: str) -> Iterator[str]:
    for language, parse in (("json", json.loads), ("toml", tomllib.loads)):
        for block in blocks(text, language):
            try:
                parse(block)
            except ValueError as error:
                yield f"a block of {language} is none: {error}"


def length_faults(text: str) -> Iterator[str]:
    if (lines := len(text.splitlines())) > LONGEST:
        yield f"{lines} lines, at most {LONGEST}"


CHECKS: tuple[Check, ...] = (
    table_faults,
    command_faults,
    option_faults,
    target_faults,
    path_faults,
    anchor_faults,
    name_faults,
    variable_faults,
    format_faults,
    length_faults,
)
MUTANTS: list[tuple[Check, str, str]] = [
    (table_faults, "0.049 on a hit", "0.05 on a hit"),
    (table_faults, "| `GATEWAY_TIMEZONE` |", "| `GATEWAY_TIME_ZONE` |"),
    (table_faults, "public plan price per credit", "a guess"),
    (command_faults, "prospect keys revoke", "prospect keys drop"),
    (command_faults, "--budget 100/month", "--allowance 100/month"),
    (command_faults, "`prospect worker`", "`prospect workers`"),
    (option_faults, "`--no-jobs`", "`--no-job`"),
    (option_faults, "`--map domain=Homepage`", "`--column domain=Homepage`"),
    (target_faults, "`make bench`", "`make benchmark`"),
    (target_faults, "make format lint types imports", "make format lint typing imports"),
    (path_faults, "deploy/compose.yaml", "deploy/compose.yml"),
    (path_faults, "(LICENSE)", "(LICENCE)"),
    (path_faults, "`.env.example`", "`.env.sample`"),
    (path_faults, "people-200.csv -o", "people.csv -o"),
    (anchor_faults, "(#performance)", "(#speed)"),
    (name_faults, "| 413 | `too_large` |", "| 414 | `too_large` |"),
    (name_faults, "| 451 | `suppressed` |", "| 451 | `objected` |"),
    (name_faults, "| `eviction` |", "| `evicting` |"),
    (name_faults, "| `gateway_jobs_running` |", "| `gateway_jobs` |"),
    (name_faults, "| `admin` |", "| `administration` |"),
    (variable_faults, "GATEWAY_STORE_ACCEPT_RISK`;", "GATEWAY_ACCEPT_RISK`;"),
    (format_faults, '"in_doubt": "0",', '"in_doubt": "0"'),
    (format_faults, 'max_cost = "0.10"', "max_cost = 0.10 USD"),
    (length_faults, "## Licence", "\n" * LONGEST),
]


@pytest.fixture(scope="module")
def readme() -> str:
    """The README, its tables made anew first if UPDATE_README is set."""
    text = README.read_text(encoding="utf-8")
    if os.environ.get("UPDATE_README"):
        text = filled(text)
        # Whole or not at all: another test process may read it now.
        draft = README.with_name(f".README.{os.getpid()}")
        draft.write_text(text, encoding="utf-8")
        draft.replace(README)
    return text


@pytest.mark.parametrize("check", CHECKS)
def test_the_readme_is_right(readme: str, check: Check) -> None:
    assert not list(check(readme))


@pytest.mark.parametrize("check, before, after", MUTANTS)
def test_a_wrong_readme_is_caught(readme: str, check: Check, before: str, after: str) -> None:
    assert before in readme, "the mutant no longer applies"
    assert list(check(readme.replace(before, after, 1)))


def test_configuration_in_the_readme_is_accepted(readme: str, tmp_path: Path) -> None:
    shown = blocks(readme, "toml")
    assert shown
    for block in shown:
        (tmp_path / "gateway.toml").write_text(block, encoding="utf-8")
        load_settings(tmp_path / "gateway.toml", {})


def test_the_defaults_of_routing_are_those_in_the_readme(readme: str) -> None:
    shown = json.loads(blocks(readme.partition("## The waterfall")[2], "json")[0])
    route = Route()
    assert shown == {
        "order": route.order,
        "accept": {
            "statuses": [*route.accept.statuses],
            "min_confidence": route.accept.min_confidence,
        },
        "verify": route.verify,
        "max_cost": route.max_cost,
        "max_age": route.max_age,
    }


def replies(text: str) -> list[tuple[list[str], Any]]:
    """Every `curl` that sends a body, with the reply that is shown after it."""
    pairs = re.findall(r"^curl (.+?)^```$.*?^```json\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(shlex.split(line.replace("\\\n", " ")), json.loads(shown)) for line, shown in pairs]


def differences(shown: Any, real: Any, at: str = "") -> Iterator[str]:
    """Where `real` is not as shown; an object may be shown shortened by some of its members."""
    if isinstance(shown, dict) and isinstance(real, dict):
        for name in shown:
            if name not in real:
                yield f"{at}/{name} is missing"
            elif name not in VOLATILE:
                yield from differences(shown[name], real[name], f"{at}/{name}")
    elif isinstance(shown, list) and isinstance(real, list) and len(shown) == len(real):
        for number, pair in enumerate(zip(shown, real, strict=True)):
            yield from differences(*pair, f"{at}/{number}")
    elif shown != real:
        yield f"{at}: {shown!r} is shown, {real!r} is real"


async def ask(gateway: Gateway, words: list[str]) -> Any:
    """The reply to what `curl` with these arguments would send, as the admin."""
    url = next(word for word in words if word.startswith("http://"))
    body = json.loads(words[words.index("-d") + 1])
    reply = await gateway.post(url.removeprefix("http://127.0.0.1:8080"), body)
    assert reply.status_code == 200, reply.text
    return reply.json()


async def test_the_replies_in_the_readme_are_what_the_gateway_answers(
    readme: str, store: Store, store_url: str
) -> None:
    shown = replies(readme)
    assert len(shown) == 2
    # The whole world, as in the sandbox.
    async with running_simulator(World()) as simulator:
        settings = make_settings(store_url, simulator, sandbox=True)
        async with running_gateway(settings, simulator) as gateway:
            for words, reply in shown:
                real = await ask(gateway, words)
                assert not list(differences(reply, real))
                assert list(differences({"meta": {"cost": "0.1"}}, real))
