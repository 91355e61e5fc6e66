"""Credentials at rest: sealed, bound to their place, readable through a rotation of keys."""

from __future__ import annotations

import os
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.settings import ProviderSettings
from gateway.store.connection import Store
from gateway.vault.credentials import Credential, CredentialStore, choose, pool
from gateway.vault.datakey import DataKey
from gateway.vault.sealing import NONCE, SealBroken, Sealer, key_id

OLD, NEW = bytes(32), bytes(range(32))
CANARY = "canary-of-a-provider-key"


def credential(name: str = "cred_1", **members: object) -> Credential:
    given_members = {"provider": "hunter", "name": "n", "base_url": "http://h", **members}
    return msgspec.convert(
        {"id": name, "secret": {"api_key": CANARY}, **given_members}, Credential
    )


@given(secret=st.binary(max_size=200), place=st.text(max_size=40))
def test_what_is_sealed_is_opened_at_its_place_only(secret: bytes, place: str) -> None:
    sealer = Sealer([NEW, OLD])
    sealed = sealer.seal(secret, place=place)
    assert sealer.open(sealed, place=place) == secret
    assert not secret or len(secret) < 4 or secret not in sealed
    with pytest.raises(SealBroken):
        sealer.open(sealed, place=place + "x")


def test_nothing_can_be_changed_in_a_ciphertext() -> None:
    sealer = Sealer([NEW])
    sealed = sealer.seal(b"secret", place="p")
    for at in range(len(sealed)):
        damaged = bytearray(sealed)
        damaged[at] ^= 1
        with pytest.raises(SealBroken):
            sealer.open(bytes(damaged), place="p")
    lengths = (0, 1, 8, 9, 12, 9 + NONCE, len(sealed) - 1)
    for short in (b".", b"\xff" * 40, *(sealed[:length] for length in lengths)):
        with pytest.raises(SealBroken):
            sealer.open(short, place="p")


def test_a_rotation_reads_the_old_and_writes_the_new() -> None:
    sealed = Sealer([OLD]).seal(b"secret", place="p")
    rotated = Sealer([NEW, OLD])
    assert rotated.open(sealed, place="p") == b"secret"
    again = rotated.seal(b"secret", place="p")
    assert again.startswith(key_id(NEW).encode())
    with pytest.raises(SealBroken, match=key_id(OLD)):
        Sealer([NEW]).open(sealed, place="p")


def test_the_same_secret_is_never_sealed_alike() -> None:
    sealer = Sealer([NEW])
    assert len({sealer.seal(b"secret", place="p") for _ in range(100)}) == 100


async def test_a_stored_secret_is_nowhere_in_clear(store: Store) -> None:
    kept = CredentialStore(store, Sealer([NEW]))
    await kept.put(credential())
    row = b"".join(await store.call("HGETALL", "{pgw}:credential:cred_1"))
    assert b"hunter" in row
    assert CANARY.encode() not in row
    found = await kept.get("cred_1")
    assert found is not None
    assert found.secret == {"api_key": CANARY}
    assert CANARY not in repr(found) + str(found)


async def test_rows_cannot_be_swapped(store: Store) -> None:
    kept = CredentialStore(store, Sealer([NEW]))
    await kept.put(credential("cred_1"))
    await kept.put(credential("cred_2"))
    sealed = await store.call("HGET", "{pgw}:credential:cred_1", "sealed")
    await store.call("HSET", "{pgw}:credential:cred_2", "sealed", sealed)
    with pytest.raises(SealBroken):
        await kept.get("cred_2")


async def test_an_older_version_cannot_be_put_back(store: Store) -> None:
    kept = CredentialStore(store, Sealer([NEW]))
    await kept.put(credential())
    sealed = await store.call("HGET", "{pgw}:credential:cred_1", "sealed")
    await kept.put(credential(version=2, secret={"api_key": "another"}))
    await store.call("HSET", "{pgw}:credential:cred_1", "sealed", sealed)
    with pytest.raises(SealBroken):
        await kept.get("cred_1")


async def test_one_that_does_not_open_is_as_it_was_read_and_stops_no_other(store: Store) -> None:
    writer, reader = CredentialStore(store, Sealer([NEW])), CredentialStore(store, Sealer([NEW]))
    for name in ("cred_1", "cred_2"):
        await writer.put(credential(name))
    assert [item.id for item in await reader.all()] == ["cred_1", "cred_2"]
    elsewhere = CredentialStore(store, Sealer([OLD]))
    for name in ("cred_2", "cred_3"):
        await elsewhere.put(credential(name))
    found = await reader.all()
    assert [(item.id, item.secret["api_key"]) for item in found] == [
        ("cred_1", CANARY),
        ("cred_2", CANARY),
    ]
    assert [item.id for item in await writer.all()] == ["cred_1"], "it had read neither"
    await elsewhere.put(credential("cred_2", version=2, secret={"api_key": "another"}))
    assert [item.id for item in await reader.all()] == ["cred_1"], "that secret was replaced"
    with pytest.raises(SealBroken, match=key_id(OLD)):
        await reader.check()
    await elsewhere.delete("cred_2")
    await elsewhere.delete("cred_3")
    await reader.check()


async def test_the_store_remembers_that_it_once_held_a_credential(store: Store) -> None:
    kept = CredentialStore(store, Sealer([NEW]))
    assert not await kept.ever_held()
    await kept.put(credential())
    assert await kept.holds("cred_1")
    await kept.delete("cred_1")
    assert (await kept.all(), await kept.get("cred_1")) == ([], None)
    assert not await kept.holds("cred_1")
    assert await kept.ever_held()


async def test_credentials_come_in_the_order_of_their_making(store: Store) -> None:
    kept = CredentialStore(store, Sealer([NEW]))
    for number in (3, 1, 2):
        made = f"2026-01-0{number}T00:00:00.000Z"
        await kept.put(credential(f"cred_{9 - number}", created_at=made))
    assert [item.id for item in await kept.all()] == ["cred_8", "cred_7", "cred_6"]


async def test_address_and_options_are_those_of_today(store: Store) -> None:
    await CredentialStore(store, Sealer([NEW])).put(credential(base_url="http://old"))
    today = ProviderSettings(base_url="http://new", options={"a": "b"})
    found = await CredentialStore(store, Sealer([NEW]), {"hunter": today}).get("cred_1")
    assert found is not None
    assert (found.base_url, found.options) == ("http://new", {"a": "b"})


def test_accounts_are_chosen_by_weight_among_those_a_team_may_use() -> None:
    several = [
        credential("light", weight=1),
        credential("heavy", weight=3),
        credential("last", weight=0),
        credential("theirs", weight=9, team_ids=["them"]),
        credential("off", weight=99, enabled=False),
        credential("other", weight=99, provider="snov"),
    ]
    ours = pool(several, "hunter", "us")
    assert [item.id for item in ours] == ["light", "heavy", "last"]
    assert [item.id for item in pool(several, "hunter", "them")] == [
        "light",
        "heavy",
        "last",
        "theirs",
    ]
    counts = Counter(choose(ours).id for _ in range(4000))
    assert set(counts) == {"light", "heavy"}
    assert 0.70 < counts["heavy"] / 4000 < 0.80
    assert choose(several[2:3]).id == choose([several[2]] * 2).id == "last"
    assert pool(several, "letrics", "us") == []
    assert several[3].space == "credential:theirs"
    assert several[0].space == ""


async def test_the_data_key_survives_a_rotation_and_is_made_once(store: Store) -> None:
    first, second, third = DataKey(), DataKey(), DataKey()
    await first.load(store, Sealer([OLD]))
    await second.load(store, Sealer([NEW, OLD]))
    assert first.value == second.value
    assert len(first.value) == 32
    assert str(first.value) not in repr(first)
    with pytest.raises(SealBroken):
        await third.load(store, Sealer([os.urandom(32)]))
