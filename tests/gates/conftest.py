"""Long proofs: `make gates-short` and CI run them small, `make gates` in full size."""

import os
from pathlib import Path
from typing import TypeVar

import pytest

Size = TypeVar("Size")
HERE = Path(__file__).parent


class Campaign:
    """How much of a proof to run: `campaign.size(short=3, full=20)`."""

    def __init__(self, *, full: bool) -> None:
        self.full = full

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
