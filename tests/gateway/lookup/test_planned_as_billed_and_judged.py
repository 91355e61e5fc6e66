"""The order goes by what is billed and what will be accepted, where that is not what it seems."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gateway.lookup import bookshelf
from gateway.lookup.course import seconds_of_call
from gateway.lookup.planning.estimation import confident
from tests.gateway.lookup.scene import Scene, until
from tests.gateway.lookup.supposing import HITS, known, quote, suppose

PAIR = {"order": "learned", "providers": ["hunter", "snov"]}


@pytest.fixture(autouse=True)
def _read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookshelf, "FRESH", 0.0)


async def first(scene: Scene, **routing: Any) -> str:
    return str((await quote(scene, **PAIR, **routing))["steps"][0]["provider"])


async def test_who_never_says_how_sure_it_is_is_not_asked_for_it(scene: Scene) -> None:
    """Snov.io and Sixtyfour give no confidence, which counts as 0."""
    await suppose(scene, {"hunter": {"": HITS}, "snov": {"": HITS}})
    assert await first(scene, accept={"min_confidence": 50}) == "snov", "nobody knows yet"
    for _ in range(20):
        await scene.find(scene.person(snov="valid"), providers=["snov"])
    assert (await known(scene, "snov"))["@valid"] == (20, 0, 0, 0, 0)

    async def has_learned() -> bool:
        return await first(scene, accept={"min_confidence": 50}) == "hunter"

    await until(has_learned, 2)
    assert await first(scene) == "snov"


def test_no_confidence_is_never_enough() -> None:
    cells = {"@valid": (10**6, 0, 0, 0, 0)}
    assert confident(cells, "valid", 1) == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(
    "bulk, replied, took, upstream, seconds",
    [
        (False, 0.2, 1.0, 9.0, 9.0),
        (True, 0.2, 1.0, 90.0, 1.2),
        (True, 0.0, 40.0, 0.1, 40.0),
        (True, 0.0, 0.0, 0.3, 0.3),
    ],
)
def test_the_turn_that_a_row_waits_for_is_not_its_providers_time(
    bulk: bool, replied: float, took: float, upstream: float, seconds: float
) -> None:
    lookup = SimpleNamespace(head=SimpleNamespace(bulk=bulk))
    call: Any = SimpleNamespace(lookup=lookup, replied=replied, took=took)
    called: Any = SimpleNamespace(upstream=upstream)
    assert seconds_of_call(call, called) == pytest.approx(seconds)
