"""Keys: their form, what is kept of them, and what recognising one costs."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any

import pytest

from gateway.store.connection import Store, StoreDown
from gateway.vault import authentication, keys
from gateway.vault.authentication import Authenticator
from gateway.vault.keys import ALPHABET, SCOPES, digest_of, key_id_of, make_key
from gateway.vault.passes import make_pass
from gateway.vault.roster import Key, Roster, Team, live_until

ADMIN = "an-admin-key-of-this-test"


def test_a_key_has_an_id_a_secret_and_a_checksum() -> None:
    made = [make_key() for _ in range(200)]
    for key in made:
        assert re.fullmatch(r"pgw_[0-9a-f]{12}_[0-9A-Za-z]{38}", key.text)
        assert key_id_of(key.text) == key.id
        assert key.digest == digest_of(key.text)
        assert key.text.split("_")[2] not in repr(key)
    assert len({key.text for key in made}) == len({key.id for key in made}) == 200


def test_a_secret_has_at_least_160_random_bits() -> None:
    assert len(ALPHABET) ** keys.SECRET_LENGTH > 2**160
    assert len(set(ALPHABET)) == len(ALPHABET)


def test_any_single_wrong_character_is_found_by_the_checksum() -> None:
    text = make_key().text
    for at, char in enumerate(text):
        other = "0" if char != "0" else "1"
        assert key_id_of(text[:at] + other + text[at + 1 :]) is None, at
    for wrong in ("", "pgw_", text[:-1], text + "0", text.upper(), f" {text}", f"{text}\n"):
        assert key_id_of(wrong) is None, wrong


class Counting(Store):
    """Counts calls; fails when `down`."""

    calls = 0
    down = False

    async def call(self, *command: Any) -> Any:
        self.calls += 1
        if self.down:
            raise StoreDown("down")
        return await super().call(*command)


@pytest.fixture
async def counting(store: Store, store_url: str) -> Any:
    connected = Counting(store_url, timeout=5, test_clock=False, pool=2)
    await Roster(connected).put_team(Team(id="t", name="t"))
    yield connected
    await connected.close()


async def issue(store: Store, **members: Any) -> str:
    issued = await Roster(store).issue_key(
        Key(**{"id": "", "team_id": "t", "name": "k", "scopes": ("lookup",), **members})
    )
    assert issued is not None
    return issued[1].text


async def test_a_damaged_key_costs_no_store_call(counting: Counting) -> None:
    text = await issue(counting)
    authenticator = Authenticator(Roster(counting), ADMIN)
    counting.calls = 0
    for wrong in (
        text[:-1] + "~",
        text[:-7] + "0000000",
        "pgw_x",
        "",
        "é",
        ADMIN + "x",
        ADMIN[1:],
    ):
        assert await authenticator.identify(wrong) is None
    identity = await authenticator.identify(ADMIN)
    assert identity is not None
    assert identity.scopes == frozenset(SCOPES)
    assert (identity.team, identity.key, counting.calls) == ("default", "", 0)


async def test_a_key_is_remembered_for_half_a_second(
    counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = await issue(counting)
    authenticator = Authenticator(Roster(counting), None)
    counting.calls = 0
    for _ in range(5):
        assert await authenticator.identify(text)
    assert counting.calls == 1
    monkeypatch.setattr(authentication, "FRESH", 0)
    assert await authenticator.identify(text)
    assert counting.calls == 2


async def test_a_key_with_another_secret_is_nobody(counting: Counting) -> None:
    """The right id and a good checksum are not enough."""
    text = await issue(counting)
    forged = "pgw_" + (name := text.split("_")[1]) + "_" + (secret := "A" * 32)
    forged += keys._checksum(name + secret)
    assert key_id_of(forged) == name
    authenticator = Authenticator(Roster(counting), None)
    assert await authenticator.identify(text)
    assert await authenticator.identify(forged) is None


async def test_known_keys_live_on_for_a_minute_without_the_store(
    counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, unknown = await issue(counting), await issue(counting)
    authenticator = Authenticator(Roster(counting), ADMIN)
    assert await authenticator.identify(known)
    counting.down = True
    monkeypatch.setattr(authentication, "FRESH", 0)
    assert await authenticator.identify(known)
    assert await authenticator.identify(ADMIN)
    with pytest.raises(StoreDown):
        await authenticator.identify(unknown)
    monkeypatch.setattr(authentication, "STALE", 0)
    with pytest.raises(StoreDown):
        await authenticator.identify(known)


async def test_passes_live_on_for_a_minute_without_the_store(
    counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, secret = await issue(counting), b"s" * 32
    known, unknown, forged = (
        make_pass(name, digest_of(proof), secret)
        for name, proof in (
            (text.split("_")[1], text),
            ("0123456789ab", text),
            (text.split("_")[1], "x"),
        )
    )
    authenticator = Authenticator(Roster(counting), ADMIN)
    assert await authenticator.identify_pass(known, secret)
    assert await authenticator.identify_pass(forged, secret) is None
    counting.down = True
    found = await authenticator.identify_pass(known, secret)
    assert found is not None
    assert (found.team, found.key) == ("t", text.split("_")[1])
    for other in (unknown, forged):
        with pytest.raises(StoreDown):
            await authenticator.identify_pass(other, secret)
    monkeypatch.setattr(authentication, "STALE", 0)
    with pytest.raises(StoreDown):
        await authenticator.identify_pass(known, secret)


async def test_a_pass_ends_with_its_key(counting: Counting) -> None:
    """At once, unlike a key."""
    text, secret = await issue(counting), b"s" * 32
    token = make_pass(text.split("_")[1], digest_of(text), secret)
    authenticator = Authenticator(Roster(counting), ADMIN)
    assert await authenticator.identify_pass(token, secret)
    held = await Roster(counting).key(text.split("_")[1])
    assert held is not None
    await Roster(counting).revoke_key(held)
    assert await authenticator.identify_pass(token, secret) is None
    counting.down = True
    with pytest.raises(StoreDown):
        await authenticator.identify_pass(token, secret)


async def test_an_expired_key_is_nobody_even_while_remembered(
    counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = await issue(counting, expires_at="2030-01-01T00:00:00Z")
    authenticator = Authenticator(Roster(counting), None)
    assert await authenticator.identify(text)
    monkeypatch.setattr(time, "time", lambda: 1893456000.0)
    assert await authenticator.identify(text) is None


async def test_memory_of_keys_is_bounded(
    counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "REMEMBERED", 3)
    authenticator = Authenticator(Roster(counting), None)
    for text in [await issue(counting) for _ in range(6)]:
        assert await authenticator.identify(text)
    assert len(authenticator._known) == 3


async def test_what_is_stored_of_a_key_does_not_tell_it(counting: Counting) -> None:
    text = await issue(counting)
    secret = text.split("_")[2]
    record = await Roster(counting).key(text.split("_")[1])
    assert record is not None
    assert secret not in repr(record)
    assert record.digest == digest_of(text)


async def test_a_key_of_a_team_that_is_gone_is_not_issued(counting: Counting) -> None:
    roster = Roster(counting)
    key = Key(id="", team_id="nobody", name="k", scopes=("lookup",))
    assert await roster.issue_key(key) is None
    text = await issue(counting)
    assert await roster.delete_team("t") is False
    held = await roster.key(text.split("_")[1])
    assert held is not None
    await roster.revoke_key(held)
    assert await roster.change_key(held) is False
    assert await roster.delete_team("t") is True
    assert await roster.change_team(Team(id="t", name="again")) is False
    assert await roster.teams() == []
    assert await roster.keys() == []


async def test_whether_there_is_an_admin_key(counting: Counting) -> None:
    assert not await Roster(counting).has_admin()
    await asyncio.gather(issue(counting), issue(counting, scopes=("lookup", "admin")))
    assert await Roster(counting).has_admin()


@pytest.mark.parametrize(
    "expires_at, millis",
    [
        (None, 2**52),
        ("1970-01-01T00:00:01Z", 1000),
        ("2030-01-01T00:00:00.250000Z", 1893456000250),
        ("0001-01-01T00:00:00Z", -62135596800000),
    ],
)
def test_an_expiry_in_milliseconds(expires_at: str | None, millis: int) -> None:
    key = Key(id="k", team_id="t", name="k", scopes=("lookup",), expires_at=expires_at)
    assert live_until(key) == millis
