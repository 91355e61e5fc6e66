"""What a finished call teaches, as the few integers that the settle script adds up.

A lesson names a *book* (`emails.find:hunter`), the `path` of the call's cell and up to five
`deltas`, which are added to the path and to each of its prefixes. `adds` are further cells of the
book with deltas of their own; cells that begin with `@` survive a reset. A cell whose first count
reaches `cap` is halved: what is long past weighs less, and no cell grows.

`residual` (thousandths: what happened less what was expected) and `variance` (millionths) keep
watch over drift: the last RECENT of them, with what they added, lie in a ring. If their sum is
more than Z standard deviations from 0 the provider is not what it was: the book is made anew from
the newest part of the ring, the one that differs most. `variance` 0 means nobody watches.

`gateway/store/lua/learn.lua` does the same inside the settle script, and
`tests/gateway/lookup/test_planning_lua.py` holds the two together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from msgspec import Struct

from gateway.lookup.planning.estimation import NEWEST_REPLIES, PACE, REPLY, levels_of
from gateway.lookup.planning.terms import Cells, Counts

WIDTH = 5
CAP = 1024
RECENT, ENOUGH, NEWEST = 50, 20, 10
# Z squared, as integers are compared: residuals are thousandths, variances millionths.
Z_SQUARED = 16
DRIFT = "@drift"


class Lesson(Struct, kw_only=True):
    """The wire form; see the module."""

    book: str
    path: str
    deltas: Counts
    residual: int = 0
    variance: int = 0
    adds: list[tuple[str, Counts]] = []
    cap: int = CAP


class Watched(Struct, frozen=True, array_like=True):
    """One place of the ring."""

    residual: int
    variance: int
    path: str
    deltas: Counts


class Book:
    """The reference of what the script does to one book's hash and list."""

    def __init__(self) -> None:
        self.cells: dict[str, Counts] = {}
        self.ring: deque[Watched] = deque()

    def learn(self, lesson: Lesson) -> bool:
        """Add it up; True if the provider was found to have drifted."""
        for level in levels_of(lesson.path):
            self._add(level, lesson.deltas, lesson.cap)
        for cell, deltas in lesson.adds:
            self._add(cell, deltas, lesson.cap)
        if lesson.variance == 0:
            return False
        self._watch(lesson)
        _, residuals, variances, *_ = self.cells[DRIFT]
        drifted = len(self.ring) >= ENOUGH and residuals**2 > Z_SQUARED * variances
        if drifted:
            self._begin_anew(lesson.cap)
        return drifted

    def _add(self, cell: str, deltas: Sequence[int], cap: int) -> None:
        old = self.cells.get(cell, (0,) * WIDTH)
        new = tuple(max(0, a + b) for a, b in zip(old, deltas, strict=True))
        self.cells[cell] = tuple(count // 2 for count in new) if new[0] >= cap else new

    def _watch(self, lesson: Lesson) -> None:
        resets, residuals, variances, *rest = self.cells.get(DRIFT, (0,) * WIDTH)
        newest = Watched(lesson.residual, lesson.variance, lesson.path, lesson.deltas)
        self.ring.appendleft(newest)
        residuals, variances = residuals + newest.residual, variances + newest.variance
        if len(self.ring) > RECENT:
            oldest = self.ring.pop()
            residuals, variances = residuals - oldest.residual, variances - oldest.variance
        self.cells[DRIFT] = (resets, residuals, variances, *rest)

    def _begin_anew(self, cap: int) -> None:
        kept = self._newest_part()
        resets = self.cells[DRIFT][0] + 1
        self.cells = {cell: held for cell, held in self.cells.items() if cell[:1] == "@"}
        self.cells[DRIFT] = (resets, 0, 0, 0, 0)
        for watched in reversed(kept):
            for level in levels_of(watched.path):
                self._add(level, watched.deltas, cap)
        self.ring.clear()

    def _newest_part(self) -> list[Watched]:
        """From the newest back to where the sum is furthest from what was expected."""
        ring = list(self.ring)
        residuals = variances = 0
        furthest, size = -1.0, 0
        for count, watched in enumerate(ring, 1):
            residuals, variances = residuals + watched.residual, variances + watched.variance
            if count >= NEWEST and residuals**2 / variances > furthest:
                furthest, size = residuals**2 / variances, count
        return ring[:size]


def pace(millis: int, rows: int, *, answered: bool) -> tuple[str, Counts]:
    """How long a call took, and how many rows its answer had."""
    return PACE, (1, millis, int(answered), rows, 0)


def reply(millis: int, cells: Cells) -> tuple[str, Counts]:
    """How soon a provider replied; once enough is known it takes the place of a mean reply."""
    calls, total = cells.get(REPLY, (0, 0))[:2]
    if calls < NEWEST_REPLIES:
        return REPLY, (1, millis, 0, 0, 0)
    return REPLY, (0, millis - total // calls, 0, 0, 0)


def to_cells(hash_: Mapping[bytes, bytes]) -> dict[str, Counts]:
    """A book as the store keeps it."""
    return {cell.decode(): to_counts(counts) for cell, counts in hash_.items()}


def to_counts(text: bytes) -> Counts:
    return tuple(map(int, text.split()))
