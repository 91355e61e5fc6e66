"""A key is given a new text; the old one lives out its grace, and both end with the key."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway.store.connection import Store
from gateway.vault import authentication
from gateway.vault.authentication import Authenticator
from gateway.vault.roster import Key, Roster, Team
from tests.gateway.api.replies import eventually, problem_of
from tests.gateway.conftest import Gateway, GatewayFactory

KEYS = "/v1/admin/keys"


async def issue(store: Store) -> tuple[Roster, Key, str]:
    roster = Roster(store)
    await roster.put_team(Team(id="t", name="t"))
    issued = await roster.issue_key(Key(id="", team_id="t", name="k", scopes=("lookup",)))
    assert issued is not None
    return roster, issued[0], issued[1].text


async def test_the_old_text_works_for_its_grace(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "FRESH", 0)
    roster, key, old = await issue(store)
    rotated = await roster.rotate_key(key, 60)
    assert rotated is not None
    assert (rotated[0].id, rotated[1].id) == (key.id, key.id)
    doors = [Authenticator(Roster(store), None) for _ in range(2)]
    for door in doors:
        found = [await door.identify(text) for text in (old, rotated[1].text)]
        assert [item and item.key for item in found] == [key.id, key.id]
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)
    for door in doors:
        assert await door.identify(old) is None
        assert await door.identify(rotated[1].text)


async def test_a_second_rotation_shortens_every_grace(store: Store) -> None:
    roster, key, first = await issue(store)
    again = await roster.rotate_key(key, 1000)
    assert again is not None
    last = await roster.rotate_key(again[0], 0)
    assert last is not None
    assert last[0].retired == ()
    door = Authenticator(roster, None)
    assert [bool(await door.identify(text)) for text in (first, again[1].text, last[1].text)] == [
        False,
        False,
        True,
    ]


async def test_of_rotations_at_once_one_is_made(store: Store) -> None:
    roster, key, _ = await issue(store)
    tried = await asyncio.gather(*[roster.rotate_key(key, 9) for _ in range(5)])
    made = [one for one in tried if one]
    assert len(made) == 1
    assert await roster.change_key(key) is False, "it would bring the old text back"
    assert await Authenticator(roster, None).identify(made[0][1].text)


async def test_revoking_ends_both_texts_in_every_process(start_gateway: GatewayFactory) -> None:
    """Within a second; of three tries, as a busy machine may stop for as long as that."""
    first, second = await start_gateway(), await start_gateway()
    assert min([await until_dead(first, second) for _ in range(3)]) < 1.0


async def until_dead(first: Gateway, second: Gateway) -> float:
    """Seconds from the revoking of a rotated key until nobody takes either text of it."""
    old = await first.key("default", "jobs")
    name = old.split("_")[1]
    reply = await first.client.post(f"{KEYS}/{name}/rotate", json={"grace_seconds": 600})
    assert reply.status_code == 200
    new = reply.json()["data"]["key"]
    assert (reply.json()["data"]["id"], new.split("_")[1]) == (name, name)
    assert new != old

    async def statuses() -> set[int]:
        found = set()
        for place in (first, second):
            for text in (old, new):
                async with place.caller(text) as client:
                    found.add((await client.get("/v1/jobs")).status_code)
        return found

    async def dead() -> bool:
        return await statuses() == {401}

    assert await statuses() == {200}
    assert (await first.client.delete(f"{KEYS}/{name}")).status_code == 204
    seconds = await eventually(dead)
    problem_of(await first.client.post(f"{KEYS}/{name}/rotate", json={}), 404, "not_found")
    return seconds


async def test_a_grace_has_bounds(gateway: Gateway) -> None:
    name = (await gateway.key()).split("_")[1]
    for body in ({"grace_seconds": -1}, {"grace_seconds": 10**9}, {"grace": 1}):
        reply = await gateway.client.post(f"{KEYS}/{name}/rotate", json=body)
        problem_of(reply, 422, "invalid_query")
