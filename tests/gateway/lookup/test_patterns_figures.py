"""What guessing is worth: half of the simulated people, by one provider, with it and without."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import pytest

from gateway.lookup.guessing import Guesses
from tests.gateway.lookup.scene import NOTHING, Scene, cost, outcome

PEOPLE = 200
# By Hunter alone: 91 accepted, each for 0.0684; with guesses 97, each for 0.0619.
LEAST, DEAREST = 94, Decimal("0.065")


class Found(NamedTuple):
    """Answers accepted, those that name the right mailbox, and what all lookups cost."""

    accepted: int
    right: int
    cost: Decimal


async def find_all(scene: Scene, *providers: str) -> Found:
    accepted, right, total = 0, 0, NOTHING
    for person in scene.simulator.world.people[1 : PEOPLE + 1]:
        reply = await scene.find(person, providers=[*providers])
        total += cost(reply)
        if reply.status_code == 200 and outcome(reply) == "accepted":
            accepted += 1
            right += reply.json()["data"]["email"] == person.email
    assert total == scene.billed()
    return Found(accepted, right, total)


async def guesses_find_more_for_less(scene: Scene) -> None:
    found = await find_all(scene, "hunter", "pattern")
    assert found.right >= 0.97 * found.accepted, found
    assert found.accepted >= LEAST, found
    assert found.cost / found.accepted < DEAREST, found


async def test_guesses_find_more_for_less(scene: Scene) -> None:
    await guesses_find_more_for_less(scene)


async def test_a_pattern_that_is_never_tried_is_caught(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(*_: object) -> None:
        return None

    monkeypatch.setattr(Guesses, "of", none)
    with pytest.raises(AssertionError):
        await guesses_find_more_for_less(scene)
