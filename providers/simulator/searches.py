"""What a search finds is looked for once for all of its pages: nobody moves in this world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from providers.simulator.wire import Fields

KEPT = 256

Row = TypeVar("Row")


class SearchCache:
    """One search of a large world would hold up every other call for some ten milliseconds."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, bytes], list[Any]] = {}

    def rows(self, path: str, filters: Fields, find: Callable[[], list[Row]]) -> list[Row]:
        key = path, msgspec.json.encode(filters, order="sorted")
        if key not in self._rows:
            if len(self._rows) >= KEPT:
                self._rows.clear()
            self._rows[key] = find()
        return self._rows[key]
