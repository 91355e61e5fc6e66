"""A master key that is not the store's: no start, the missing key named, not a byte changed."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.store.connection import Store
from gateway.vault.credentials import Credential, CredentialStore, key_of
from gateway.vault.datakey import PLACE, DataKey
from gateway.vault.sealing import SealBroken, Sealer, key_id
from tests.gateway.store_dump import contents, files_below
from tests.gateway.supervisor.processes import external, processes_of, running_store, sabotaged
from tests.gateway.supervisor.test_start_refusals import Start

OLD, NEW, OTHER = bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96))
ACCOUNTS = 5


class Held(NamedTuple):
    store: Store
    url: str
    folder: Path


@asynccontextmanager
async def used_store(folder: Path) -> AsyncIterator[Held]:
    """An external store whose secrets are sealed with OLD."""
    with running_store(folder / "s") as url:
        store = await Store.connect(url, timeout=5)
        await DataKey().load(store, Sealer([OLD]))
        for number in range(ACCOUNTS):
            account = Credential(
                id=f"cred_{number}",
                provider="hunter",
                name=f"n{number}",
                base_url="",
                secret={"api_key": f"key-{number}"},
            )
            await CredentialStore(store, Sealer([OLD])).put(account)
        yield Held(store, url, folder)
        await store.close()


async def as_it_is(_: Store) -> None:
    """Everything is sealed with OLD."""


async def without_data_key(store: Store) -> None:
    """As if the store had been restored in part."""
    await store.call("DEL", PLACE)


async def half_moved(store: Store) -> None:
    """A rotation to OTHER that ended after the data key."""
    sealer = Sealer([OTHER, OLD])
    opened = sealer.open(await store.call("GET", PLACE), place=PLACE)
    await store.call("SET", PLACE, sealer.seal(opened, place=PLACE))


States = Callable[[Store], Awaitable[None]]


async def check_refused(held: Held, sabotage: str = "") -> None:
    """OTHER is refused, as it would be by whoever mistypes one."""
    before = await contents(held.store), files_below(held.folder / "s" / "appendonlydir")
    given = base64.b64encode(OTHER).decode()
    mutant = sabotaged(held.folder / "mutant", sabotage) if sabotage else {}
    environ = external(held.folder / "data", held.url, GATEWAY_MASTER_KEY=given)
    ended = Start(held.folder, environ).run(mutant)
    assert ended.returncode == 2, "it was not refused"
    assert key_id(OLD) in ended.stderr, f"the key is not named: {ended.stderr}"
    assert "GATEWAY_MASTER_KEY" in ended.stderr
    assert given not in ended.stderr
    assert base64.b64encode(OLD).decode() not in ended.stderr
    after = await contents(held.store), files_below(held.folder / "s" / "appendonlydir")
    assert after == before, "the store was changed"


@pytest.mark.parametrize("state", [as_it_is, without_data_key, half_moved])
async def test_a_wrong_master_key_is_refused_and_changes_nothing(
    tmp_path: Path, state: States
) -> None:
    async with used_store(tmp_path) as held:
        await state(held.store)
        await check_refused(held)


MADE_FIRST = """
import gateway.vault.datakey as d

async def read(self, store, sealer):
    await store.call("SET", d.PLACE, sealer.seal(bytes(32), place=d.PLACE), "NX")

d.DataKey.read = read
"""
PROBED_FIRST = """
import gateway.supervisor.preparation as p

async def judge(store, settings):
    return await p.inspect(store, settings.store_accept_risk)

p._inspect = judge
"""
NAMELESS = """
import gateway.vault.sealing as s

opened = s.Sealer.open

def opens(self, sealed, *, place):
    try:
        return opened(self, sealed, place=place)
    except s.SealBroken:
        raise s.SealBroken("a master key is wrong") from None

s.Sealer.open = opens
"""
MUTANTS: list[tuple[States, str, str]] = [
    (without_data_key, MADE_FIRST, "the store was changed"),
    (as_it_is, PROBED_FIRST, "the store was changed"),
    (as_it_is, NAMELESS, "the key is not named"),
]


@pytest.mark.parametrize("state, sabotage, nature", MUTANTS)
async def test_a_start_that_is_refused_badly_is_noticed(
    tmp_path: Path, state: States, sabotage: str, nature: str
) -> None:
    async with used_store(tmp_path) as held:
        await state(held.store)
        with pytest.raises(AssertionError, match=nature):
            await check_refused(held, sabotage)
    assert not processes_of(tmp_path / "data")


async def is_shut(kept: CredentialStore, name: str) -> bool:
    try:
        await kept.get(name)
    except SealBroken:
        return True
    return False


async def check_swaps(store: Store) -> None:
    """Every pair of rows: with each other's ciphertext neither opens; put back, both do."""
    kept = CredentialStore(store, Sealer([NEW, OLD]))
    rows = [f"cred_{number}" for number in range(ACCOUNTS)]
    sealed = {name: await store.call("HGET", key_of(name), "sealed") for name in rows}
    for one in rows:
        for other in rows:
            await store.call("HSET", key_of(one), "sealed", sealed[other])
            if one != other:
                assert await is_shut(kept, one), f"{one} opens with what is of {other}"
        await store.call("HSET", key_of(one), "sealed", sealed[one])
        assert await kept.get(one)


async def test_ciphertexts_swapped_between_rows_do_not_open(tmp_path: Path) -> None:
    async with used_store(tmp_path) as held:
        await check_swaps(held.store)
        data_key = await held.store.call("GET", PLACE)
        await held.store.call("HSET", key_of("cred_1"), "sealed", data_key)
        with pytest.raises(SealBroken):
            await CredentialStore(held.store, Sealer([OLD])).check()


async def test_ciphertexts_that_are_bound_to_nothing_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal, opens = Sealer.seal, Sealer.open
    monkeypatch.setattr(Sealer, "seal", lambda self, secret, **_: seal(self, secret, place=""))
    monkeypatch.setattr(Sealer, "open", lambda self, sealed, **_: opens(self, sealed, place=""))
    async with used_store(tmp_path) as held:
        with pytest.raises(AssertionError, match="opens with what is of"):
            await check_swaps(held.store)
