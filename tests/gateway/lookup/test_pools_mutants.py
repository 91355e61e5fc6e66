"""Pools of accounts and rotated keys, without what upholds them: each check must notice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.lookup.descent import Descent
from gateway.store.connection import Script, Store
from gateway.vault import credentials, roster
from gateway.vault.bench import Bench
from gateway.vault.roster import Roster
from tests.gateway.lookup import test_pools_of_credentials as pools
from tests.gateway.lookup.conftest import StartScene
from tests.gateway.lookup.scene import Scene
from tests.gateway.vault.test_rotation_of_keys import (
    test_a_second_rotation_shortens_every_grace as graces_are_shortened,
)
from tests.gateway.vault.test_rotation_of_keys import (
    test_of_rotations_at_once_one_is_made as one_rotation_is_made,
)

Pool = tuple[Scene, dict[str, str]]
Check = Callable[[Any], Awaitable[None]]


async def never(*_: Any) -> None:
    """Does nothing."""


POOLS: list[tuple[Check, object, str, object]] = [
    (
        pools.test_a_refused_account_is_benched_and_the_next_is_used_at_once,
        Bench,
        "put",
        never,
    ),
    (
        pools.test_a_refused_account_is_benched_and_the_next_is_used_at_once,
        Descent,
        "_has_account",
        lambda *_: False,
    ),
    (pools.test_when_all_are_benched_nobody_is_asked, Bench, "rest", lambda *_: None),
    (pools.test_accounts_share_the_calls_by_weight, None, "", None),
]


@pytest.fixture
async def pool(start_scene: StartScene) -> Pool:
    scene = await start_scene(only=())
    for key in ("one", "two"):
        pools.open_account(scene, key)
    return scene, {
        "one": await pools.add(scene, "one"),
        "two": await pools.add(scene, "two", weight=3),
    }


@pytest.mark.parametrize("check, place, name, mutant", POOLS)
async def test_a_pool_without_its_rule_is_noticed(
    pool: Pool,
    monkeypatch: pytest.MonkeyPatch,
    check: Check,
    place: object,
    name: str,
    mutant: object,
) -> None:
    if place is None:
        monkeypatch.setattr("gateway.lookup.market.choose", lambda several: several[0])
    else:
        monkeypatch.setattr(place, name, mutant)
    with pytest.raises((AssertionError, IndexError)):
        await check(pool)


async def test_a_delete_that_does_not_look_for_tickets_is_noticed(
    start_scene: StartScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = credentials.DELETE.source
    assert "found = found + 1" in source
    blind = Script.of("delete_credential", source.replace("found = found + 1", "found = 0"))
    monkeypatch.setattr(credentials, "DELETE", blind)
    with pytest.raises(AssertionError):
        await pools.test_a_credential_with_open_tickets_stays(start_scene)


async def test_a_change_that_brings_an_old_text_back_is_noticed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, guard = roster.CHANGE_KEY.source, "cjson.decode(record).digest ~= ARGV[1]"
    assert guard in source
    careless = Script.of("change_key", source.replace(guard, "false"))
    monkeypatch.setattr(roster, "CHANGE_KEY", careless)
    with pytest.raises(AssertionError):
        await one_rotation_is_made(store)


async def test_an_old_text_that_lives_on_is_noticed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotate = Roster.rotate_key
    monkeypatch.setattr(Roster, "rotate_key", lambda self, key, _grace: rotate(self, key, 99))
    with pytest.raises(AssertionError):
        await graces_are_shortened(store)
