"""Two administrators and one credential: no change undoes another, none undoes a deletion."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.store.connection import Script, Store
from gateway.vault import credentials
from gateway.vault.credentials import Credential, CredentialStore
from gateway.vault.sealing import Sealer
from tests.gateway.api.replies import problem_of
from tests.gateway.conftest import Gateway, GatewayFactory

PATH = "/v1/admin/credentials"
ROUNDS = 8
GUARD = "if not held or cjson.decode(held).version ~= tonumber(ARGV[1]) then return 0 end "


@pytest.fixture
async def gateway(start_gateway: GatewayFactory) -> Gateway:
    return await start_gateway(only=())


async def add(gateway: Gateway, name: str = "main") -> str:
    body = {"provider": "hunter", "name": name, "secret": {"api_key": f"key-of-{name}"}}
    reply = await gateway.post(PATH, body)
    assert reply.status_code == 201, reply.text
    return str(reply.json()["data"]["id"])


async def check_changes(gateway: Gateway, store: Store) -> None:
    """Whatever was said to be done is there afterwards; what was not is refused by name."""
    kept, name = CredentialStore(store, Sealer([bytes(range(32))])), await add(gateway)
    weight, secret = 1, "key-of-main"
    for number in range(ROUNDS):
        changes: list[dict[str, Any]] = [
            {"weight": number + 2},
            {"secret": {"api_key": f"new-{number}"}},
        ]
        replies = await asyncio.gather(
            *[gateway.client.patch(f"{PATH}/{name}", json=change) for change in changes]
        )
        done = [reply.status_code == 200 for reply in replies]
        for reply in replies:
            if reply.status_code != 200:
                problem_of(reply, 409, "conflict")
        assert any(done)
        weight, secret = number + 2 if done[0] else weight, f"new-{number}" if done[1] else secret
        found = await kept.get(name)
        assert found is not None
        assert (found.weight, found.secret["api_key"]) == (weight, secret), "a change was lost"


async def test_of_changes_at_once_none_is_lost(gateway: Gateway, store: Store) -> None:
    await check_changes(gateway, store)


async def check_deletions(gateway: Gateway) -> None:
    for number in range(ROUNDS):
        path = f"{PATH}/{await add(gateway, f'n{number}')}"
        replies = await asyncio.gather(
            gateway.client.patch(path, json={"weight": 9}), gateway.client.delete(path)
        )
        assert replies[0].status_code in (200, 404)
        assert replies[1].status_code == 204
        assert (await gateway.client.get(path)).status_code == 404, "it is back"
    assert (await gateway.client.get(PATH)).json()["data"] == []


async def test_a_change_does_not_bring_a_deleted_credential_back(gateway: Gateway) -> None:
    await check_deletions(gateway)


async def test_a_change_that_is_not_compared_is_noticed(
    gateway: Gateway, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = credentials.CHANGE.source
    assert GUARD in source
    careless = Script.of("change_credential", source.replace(GUARD, ""))
    monkeypatch.setattr(credentials, "CHANGE", careless)
    with pytest.raises(AssertionError, match="a change was lost"):
        await check_changes(gateway, store)
    with pytest.raises(AssertionError):
        await check_deletions(gateway)


async def test_a_change_names_the_version_it_was_made_from(store: Store) -> None:
    kept = CredentialStore(store, Sealer([bytes(32)]))
    first = Credential(id="c", provider="hunter", name="n", base_url="", secret={"api_key": "k"})
    assert await kept.change(first) is None
    await kept.put(first)
    second = await kept.change(first)
    assert second is not None
    assert second.version == 2
    assert await kept.get("c") == second
    assert await kept.change(first) is None
