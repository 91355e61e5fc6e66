"""Long proofs: `make gates-short` and CI run them small, `make gates` in full size."""

import os
from pathlib import Path
from typing import TypeVar

import pytest

Size = TypeVar("Size")
HERE = Path(__file__).parent
# Of the test that runs; afterwards they are with its report.
FIGURES: list[str] = []
# Those that measure time have the machine to themselves.
PACED = (
    *("bombs", "breakers", "cancellations", "fault_pairs", "faults", "job_pace"),
    *("keys_everywhere", "permits", "polling", "soak", "store_outages"),
)


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
        if item.path.stem in {f"test_gate_{name}" for name in PACED}:
            item.add_marker("paced")


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """A report finds its way from whichever process the test ran in."""
    item.user_properties += [("figure", figure) for figure in FIGURES]
    FIGURES.clear()
