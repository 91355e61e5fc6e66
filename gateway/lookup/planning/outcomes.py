"""What became of delivered addresses, counted per provider, status and confidence.

The book `outcomes:<provider>` has paths `status/decile`; `outcomes:*` the same of all providers.
Counts are deliveries, and among them those that bounced, were replied to, were somebody else's.
"""

from __future__ import annotations

from typing import Literal

from gateway.lookup.planning.lessons import Lesson
from gateway.lookup.planning.terms import Counts

Outcome = Literal["delivered", "bounced", "replied", "wrong_person"]

EVERYBODY = "*"
UNRATED = "-"
PLACES: dict[Outcome, int] = {"bounced": 1, "replied": 2, "wrong_person": 3}
# Bounces are rare: a hundred times as much has to be remembered of them as of hits.
CAP = 65_536


def decile_of(confidence: int | None) -> str:
    """The band of a provider's own confidence, 0..9; `-` if it gives none."""
    return UNRATED if confidence is None else str(min(9, max(0, confidence) // 10))


def book_of(provider: str) -> str:
    return f"outcomes:{provider}"


def teach_outcome(
    provider: str,
    status: str,
    confidence: int | None,
    outcome: Outcome,
    *,
    before: Outcome | None = None,
) -> list[Lesson]:
    """The lessons of one address's outcome, which may take back what was said `before`.

    A bounce may come days after the delivery was reported; it is one delivery all the same.
    """
    return teach_path(provider, path_of(status, confidence), outcome, before=before)


def path_of(status: str, confidence: int | None) -> str:
    return f"{status}/{decile_of(confidence)}"


def teach_path(
    provider: str, path: str, outcome: Outcome, *, before: Outcome | None = None
) -> list[Lesson]:
    """`teach_outcome` of a path."""
    deltas = _counted(outcome)
    if before is not None:
        deltas = tuple(new - old for new, old in zip(deltas, _counted(before), strict=True))
    return [
        Lesson(book=book_of(book), path=path, deltas=deltas, cap=CAP)
        for book in (EVERYBODY, provider)
    ]


def _counted(outcome: Outcome) -> Counts:
    place = PLACES.get(outcome, 0)
    return tuple(int(at in (0, place)) for at in range(5))
