"""Help everywhere with an example, and a start that loads nothing it does not need."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from gateway.cli.program import prospect


def walk(command: click.Command, *names: str) -> Iterator[tuple[str, ...]]:
    yield names
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from walk(child, *names, name)


@pytest.mark.parametrize("names", list(walk(prospect)), ids=" ".join)
def test_help_has_an_example_of_that_command(names: tuple[str, ...]) -> None:
    context = click.Context(prospect, info_name="prospect")
    command: click.Command = prospect
    for name in names:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    text = command.get_help(context)
    assert "Examples:\n" in text
    assert " ".join(("  prospect", *names)) in text.split("Examples:")[1]


@pytest.mark.parametrize("arguments", [["--help"], ["enrich", "--help"], ["serve", "--help"]])
def test_help_loads_neither_server_nor_http_client(arguments: list[str]) -> None:
    """What makes a start slow is what it imports; a clock would only measure the machine."""
    program = (
        "import sys; from gateway.cli.program import run; code = run(sys.argv[1:]);"
        "heavy = {'litestar', 'httpx', 'rich', 'msgspec', 'uvicorn', 'redis', 'asyncio'};"
        "sys.exit(code or ', '.join(heavy & set(sys.modules)) or 0)"
    )
    process = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert "Examples:" in process.stdout


def test_a_lookup_loads_no_server() -> None:
    program = (
        "import sys; import gateway.cli.client, gateway.cli.program;"
        "heavy = {'litestar', 'rich', 'pygments', 'uvicorn', 'redis'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    process = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert (process.returncode, process.stderr) == (0, "")
