"""Long proofs: `make gates-short` and CI run them small, `make gates` in full size."""

import os
from pathlib import Path
from typing import TypeVar

import pytest

Size = TypeVar("Size")
HERE = Path(__file__).parent
FIGURES: list[str] = []


class Campaign:
    """How much of a proof to run: `campaign.size(short=3, full=20)`."""

    def __init__(self, *, full: bool) -> None:
        self.full = full

    def tell(self, figure: str) -> None:
        """Have the run end with this line among its figures."""
        FIGURES.append(figure)

    def size(self, *, short: Size, full: Size) -> Size:
        return full if self.full else short


@pytest.fixture(scope="session")
def campaign() -> Campaign:
    return Campaign(full=os.environ.get("GATES") == "long")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What lies in this folder is a gate; `gate_long` is said by the test itself."""
    for item in items:
        if item.path.is_relative_to(HERE) and not item.get_closest_marker("gate_long"):
            item.add_marker("gate")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if FIGURES:
        terminalreporter.section("figures")
    for figure in FIGURES:
        terminalreporter.write_line(figure)
