"""From a finished attempt to its lesson: which cells it counts in, and how surprising it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import UNSET, UnsetType

from gateway.lookup.planning.estimation import (
    BANDS,
    ROOT,
    WEIGHT,
    band_of,
    cell_of,
    levels_of,
    path_of,
    places_of,
    posterior,
    prior_of,
)
from gateway.lookup.planning.lessons import RECENT, Lesson, pace, reply
from gateway.lookup.planning.terms import Cells, Counts, Prior, State

# What came of a call: nothing, an answer that counts as nothing, or one with a status.
Found = Literal["empty", "useless", "valid", "catch_all", "unknown"]
DELTAS: dict[Found, Counts] = {
    "empty": (1, 0, 0, 0, 0),
    "useless": (1, 1, 0, 0, 0),
    "valid": (1, 1, 1, 0, 0),
    "catch_all": (1, 1, 0, 1, 0),
    "unknown": (1, 1, 0, 0, 1),
}


NOTHING: Mapping[str, bool] = {}


def book_of(operation: str, provider: str) -> str:
    return f"{operation}:{provider}"


def teach(
    book: str,
    segment: str,
    state: State,
    found: Found,
    *,
    cells: Cells,
    prior: Prior,
    millis: int = 0,
    replied: int = 0,
    rows: int = 0,
    confidence: int | UnsetType | None = UNSET,
    had: Mapping[str, bool] = NOTHING,
) -> Lesson:
    """The lesson of one call in `state`; `cells` are what was known when it was planned.

    `millis` are those until the answer was there, `replied` those that the provider took for its
    replies, 0 if nobody knows. An address without `confidence` (None) is as sure as one of 0; what
    is no address has none (UNSET). `had` says of each wanted field whether it was there. Where
    nothing was known, nothing was expected that it could be measured by. Calls that failed, are in
    doubt, or were served from the cache teach nothing.
    """
    path = path_of(segment, state)
    residual, variance = 0, 0
    if ROOT in cells:
        residual, variance = _surprise(cells, levels_of(path), prior, good=found == "valid")
    answered = found != "empty"
    adds = [pace(millis, rows, answered=answered)]
    if replied:
        adds.append(reply(replied, cells))
    if confidence is not UNSET and found in ("valid", "catch_all", "unknown"):
        adds.append((f"@{found}", _band(confidence)))
    adds += [(cell_of(name), (1, int(there), 0, 0, 0)) for name, there in had.items()]
    return Lesson(
        book=book,
        path=path,
        deltas=DELTAS[found],
        residual=residual,
        variance=variance,
        adds=adds,
    )


def _surprise(
    cells: Cells, levels: tuple[str, ...], prior: Prior, *, good: bool
) -> tuple[int, int]:
    """Residual and variance of a valid answer.

    An expectation that rests on n calls is itself off, in all of the ring alike: that adds to the
    variance of the sum what `RECENT / (n + WEIGHT)` of each would.
    """
    places, chances = places_of(("valid",)), prior_of(prior, ("valid",))
    known = posterior(cells, levels, places, chances)
    hit = known.hits / (known.hits + known.misses)
    chance = hit * known.wanted / (known.wanted + known.unwanted)
    variance = chance * (1 - chance) * (1 + RECENT / (known.calls + WEIGHT))
    return int(good) * 1000 - round(chance * 1000), max(1, round(variance * 1_000_000))


def _band(confidence: int | None) -> Counts:
    bands = [0] * (len(BANDS) + 1)
    if confidence is not None:
        bands[band_of(confidence)] = 1
    return (1, *bands)
