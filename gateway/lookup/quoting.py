"""What is to be expected of a lookup, before it is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.lookup.course import Course
from gateway.lookup.lookup import Lookup
from gateway.lookup.trying import seek

if TYPE_CHECKING:
    from gateway.lookup.waterfall import Waterfall

NOBODYS = ""


async def expected(waterfall: Waterfall, lookup: Lookup) -> Course:
    """The course of a lookup like it, without a draw, up to its first step. Raises StoreDown."""
    lookup.id = NOBODYS
    await waterfall.inform(lookup)
    bids = waterfall.bids_of(lookup)
    course = Course(lookup, bids, waterfall.shelf)
    course.decide(0)
    if trial := await seek(waterfall, lookup, bids):
        _ = course.consider(trial.hunch)
    return course
