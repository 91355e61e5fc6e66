"""With `verify: uncertain` a plan reckons with the verifications that will be bought."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from gateway.lookup import bookshelf, desk, questions
from gateway.lookup.bookshelf import Bookshelf
from tests.gateway.lookup.scene import Scene, attempts, until
from tests.gateway.lookup.supposing import explained, quote, suppose

Check = Callable[[Scene], Awaitable[None]]
PAIR = ["hunter", "snov"]
# Of nine in ten hunter has an address, but is not sure of more than half of those.
CELLS: Mapping[str, Any] = {
    "hunter": {"": (500, 450, 200, 0, 250)},
    "snov": {"": (500, 150, 150, 0, 0)},
}
CONFIRMS = "{pgw}:live:learn:confirms:hunter"


_read: list[str] = []


@pytest.fixture(autouse=True)
def _read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read = Bookshelf._read

    async def noted(self: Bookshelf, operation: str) -> None:
        await read(self, operation)
        _read.append(operation)

    monkeypatch.setattr(bookshelf, "FRESH", 0.0)
    monkeypatch.setattr(Bookshelf, "_read", noted)


async def planned(scene: Scene, **routing: Any) -> dict[str, dict[str, Any]]:
    found = await quote(scene, **{"order": "learned", "providers": PAIR, **routing})
    return {one["provider"]: one for one in found["steps"]}


async def seldom_confirmed(scene: Scene) -> None:
    await scene.store.call("HSET", CONFIRMS, "unknown", "90 0 0 0 0")

    async def has_read() -> bool:
        await quote(scene, verify="uncertain")
        # One may have begun before it was written.
        return _read.count("confirms") > 1

    _read.clear()
    await until(has_read)


async def a_verification_has_its_price(scene: Scene) -> None:
    """Of hunter's uncertain addresses half are there, and Snov.io's verifier takes 0.03."""
    await suppose(scene, CELLS)
    plain, checked = await planned(scene), await planned(scene, verify="uncertain")
    assert list(plain) == ["snov", "hunter"]
    assert list(checked) == ["hunter", "snov"]
    more = float(checked["hunter"]["expected_cost"]) - float(plain["hunter"]["expected_cost"])
    assert more == pytest.approx(0.9 * 0.55 * 0.03, rel=0.05)
    assert (plain["hunter"]["worst_cost"], checked["hunter"]["worst_cost"]) == ("0.049", "0.079")
    chances = [float(plan["hunter"]["expected_chance"]) for plan in (plain, checked)]
    assert chances[1] - chances[0] == pytest.approx(0.9 * 0.55 / 2, rel=0.05)
    whole = await quote(scene, order="learned", providers=PAIR, verify="uncertain")
    # Hunter's verifier checks what Snov.io finds.
    assert float(whole["worst_cost"]) == pytest.approx(0.049 + 0.03 + 0.03 + 0.0245)


async def a_verifier_that_hardly_ever_confirms_makes_dear(scene: Scene) -> None:
    await suppose(scene, CELLS)
    plain = await planned(scene)
    await seldom_confirmed(scene)
    checked = await planned(scene, verify="uncertain")
    assert list(checked) == ["snov", "hunter"]
    prices = [float(plan["hunter"]["cost_per_accepted"]) for plan in (plain, checked)]
    assert prices[1] > 1.2 * prices[0]


async def what_will_not_be_bought_is_not_reckoned_with(scene: Scene) -> None:
    """An answer by a verification that hardly ever confirms costs more than half a dollar."""
    await suppose(scene, CELLS)
    await seldom_confirmed(scene)
    plain = await planned(scene, value="0.3")
    checked = await planned(scene, value="0.3", verify="uncertain")
    assert checked["hunter"] == plain["hunter"]
    assert await planned(scene, value="0.8", verify="uncertain") != await planned(
        scene, value="0.8"
    )
    accept = {"statuses": ["valid", "unknown"]}
    plain = await planned(scene, accept=accept)
    assert await planned(scene, accept=accept, verify="uncertain") == plain, "all are accepted"
    short: Any = {"max_cost": "0.078", "providers": ["hunter"]}
    checked = await planned(scene, **short, verify="uncertain")
    assert checked == await planned(scene, **short), "there is no money for both"


async def it_decides_and_is_made_again(scene: Scene) -> None:
    """So much is known that the lookup's draw decides nothing."""
    known = {
        name: {"": tuple(100 * count for count in cells[""])} for name, cells in CELLS.items()
    }
    await suppose(scene, known)
    person = scene.person(hunter="unknown", snov="valid")
    reply = await scene.find(person, order="learned", providers=PAIR, verify="uncertain")
    assert attempts(reply) == [("hunter", "weak", None), ("snov", "accepted", None)]
    assert [one["operation"] for one in reply.json()["meta"]["attempts"]] == [
        "emails.find",
        "emails.verify",
    ]
    data = await explained(scene, reply)
    assert data["replayed"] is True
    first = data["decisions"][0]["ratings"][0]
    assert (first["provider"], first["worst_cost"]) == ("hunter", "0.079")
    assert "what is verified of its answers included" in data["sentences"][0]


CHECKS: list[tuple[Check, Any, str, Any]] = [
    (a_verification_has_its_price, desk, "prices_for", {}),
    (a_verifier_that_hardly_ever_confirms_makes_dear, questions, "chance_of", 0.5),
    (what_will_not_be_bought_is_not_reckoned_with, questions, "is_worth", True),
    (it_decides_and_is_made_again, desk, "prices_for", {}),
]


@pytest.mark.parametrize("check", [row[0] for row in CHECKS])
async def test_verifications(scene: Scene, check: Check) -> None:
    await check(scene)


@pytest.mark.parametrize("check, place, name, instead", CHECKS)
async def test_plans_that_reckon_otherwise_are_caught(
    scene: Scene,
    monkeypatch: pytest.MonkeyPatch,
    check: Check,
    place: Any,
    name: str,
    instead: Any,
) -> None:
    monkeypatch.setattr(place, name, lambda *_: instead)
    with pytest.raises(AssertionError):
        await check(scene)
