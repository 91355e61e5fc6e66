"""Every change of administration is on the trail, by name only, for as long as it is kept."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.store.connection import Store
from gateway.vault import audit
from gateway.vault.audit import TRAIL, AuditTrail
from tests.gateway.api.replies import pointers
from tests.gateway.conftest import Gateway

ADMIN = "/v1/admin"
AUDIT = f"{ADMIN}/audit"


async def trail(gateway: Gateway, **query: Any) -> list[dict[str, Any]]:
    reply = await gateway.client.get(AUDIT, params={"limit": 100, **query})
    assert reply.status_code == 200, reply.text
    found: list[dict[str, Any]] = reply.json()["data"]
    return found


async def change_everything(gateway: Gateway) -> dict[str, str]:
    """One of each change; the ids of what was changed."""
    client = gateway.client
    team = await gateway.team("Canary Team", rate_limit_per_minute=5)
    await client.patch(f"{ADMIN}/teams/{team}", json={"name": "Canary Two"})
    key = (await gateway.key(team)).split("_")[1]
    await client.patch(f"{ADMIN}/keys/{key}", json={"scopes": ["jobs"]})
    await client.post(f"{ADMIN}/keys/{key}/rotate", json={"grace_seconds": 5})
    await client.delete(f"{ADMIN}/keys/{key}")
    body = {"provider": "hunter", "name": "Canary", "secret": {"api_key": "canary-secret"}}
    made = await client.post(f"{ADMIN}/credentials", json=body)
    credential = made.json()["data"]["id"]
    await client.patch(f"{ADMIN}/credentials/{credential}", json={"weight": 3, "enabled": False})
    await client.post(f"{ADMIN}/credentials/{credential}/check")
    await client.delete(f"{ADMIN}/credentials/{credential}")
    await client.put(f"{ADMIN}/routes/emails.find?team_id={team}", json={"order": "cheapest"})
    await client.delete(f"{ADMIN}/teams/{team}")
    return {"team": team, "key": key, "credential": credential}


async def test_every_change_is_on_the_trail_newest_first(gateway: Gateway, store: Store) -> None:
    ids = await change_everything(gateway)
    told = [(one["action"], one["object_id"], one["fields"]) for one in await trail(gateway)]
    team, key, credential = ids["team"], ids["key"], ids["credential"]
    assert told == [
        ("team.deleted", team, []),
        ("route.set", f"emails.find|{team}", ["order"]),
        ("credential.deleted", credential, []),
        ("credential.checked", credential, []),
        ("credential.changed", credential, ["weight", "enabled"]),
        ("credential.created", credential, ["provider", "name", "secret"]),
        ("key.revoked", key, []),
        ("key.rotated", key, ["key"]),
        ("key.changed", key, ["scopes"]),
        ("key.created", key, ["name", "scopes", "team_id"]),
        ("team.changed", team, ["name"]),
        ("team.created", team, ["name", "rate_limit_per_minute"]),
    ]
    kept = str(await store.call("XRANGE", TRAIL, "-", "+")).lower()
    assert team in kept
    assert "canary" not in kept


async def test_who_did_it_is_a_key_or_the_bootstrap_key(gateway: Gateway) -> None:
    text = await gateway.key("default", "admin")
    async with gateway.caller(text) as client:
        await client.post(f"{ADMIN}/teams", json={"name": "x"})
    actors = [one["actor"] for one in await trail(gateway)]
    assert actors == [text.split("_")[1], "bootstrap"]


async def test_what_is_refused_is_no_change(gateway: Gateway) -> None:
    for path in ("teams/default", "keys/none", "credentials/env-hunter"):
        assert (await gateway.client.delete(f"{ADMIN}/{path}")).status_code in (404, 409)
    assert await trail(gateway) == []


async def test_the_trail_is_read_by_object_and_by_page(gateway: Gateway) -> None:
    for number in range(5):
        await gateway.client.patch(f"{ADMIN}/teams/default", json={"name": f"n{number}"})
        await gateway.team(f"t{number}")
    whole = await trail(gateway)
    assert len(whole) == 10
    mine = await trail(gateway, object_id="default")
    assert [one["action"] for one in mine] == ["team.changed"] * 5
    pages: list[list[dict[str, Any]]] = []
    cursor: str | None = None
    while True:
        query: dict[str, Any] = {
            "limit": 2,
            "object_id": "default",
            **({"cursor": cursor} if cursor else {}),
        }
        body = (await gateway.client.get(AUDIT, params=query)).json()
        pages.append(body["data"])
        if (cursor := body["meta"]["next_cursor"]) is None:
            break
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [one for page in pages for one in page] == mine
    first = (await gateway.client.get(AUDIT, params={"limit": 1})).json()["meta"]["next_cursor"]
    other = await gateway.client.get(AUDIT, params={"cursor": first, "object_id": "default"})
    assert pointers(other) == ["/cursor"]


async def test_the_trail_ends_with_its_age(store: Store) -> None:
    told = ("actor", "a", "action", "b", "object", "c", "fields", "")
    for name in (TRAIL, f"{TRAIL}:of:t"):
        await store.call("XADD", name, "1000-0", *told)
    kept = AuditTrail(store, keep=60_000)
    await kept.append("bootstrap", "team.changed", "t", ["name"])
    assert [one.object_id for one in await kept.page(9)] == ["t"]
    assert [one.fields for one in await kept.page(9, object_id="t")] == [["name"]]
    assert 0 < await store.call("PTTL", TRAIL) <= 60_000


async def test_the_trail_is_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "LONGEST", 100)
    kept = AuditTrail(store, keep=60_000)
    for _ in range(400):
        await kept.append("bootstrap", "team.changed", "t", ["name"])
    assert 100 <= await store.call("XLEN", TRAIL) < 300, "blocks are dropped whole"
