"""Keys in URLs, secrets of providers and persons: looked for everywhere after native calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from gateway.store.connection import Store
from providers.simulator.faults import Fault, Kind
from providers.simulator.testing import RunningSimulator
from tests.gateway.store_dump import everything_in
from tests.gateway.supervisor.processes import ADMIN_KEY, external, serving, simulated

PERSON = {"full_name": "Wilhelmina Canary", "domain": "blue-harbor.example"}
FINDER = "/native/hunter/email-finder"


async def exercise(client: httpx.AsyncClient, key: str, simulator: RunningSimulator) -> str:
    """Everything that was answered while all went wrong that can."""
    params: dict[str, Any] = {**PERSON, "api_key": key}
    paths = (FINDER, "/native/hunter/%2e%2e/x", "/native/hunter/w.canary@x.example")
    replies = [await client.get(path, params=params) for path in paths]
    replies.append(await client.get(FINDER, params={**params, "api_key": key + "x"}))
    replies.append(await client.get(FINDER, params={**params, "q": f"x{key}x"}))
    kinds: tuple[Kind, ...] = ("status", "garbage", "close", "reset", "unauthorized")
    for kind in kinds:
        simulator.faults.put(Fault(provider="hunter", kind=kind))
        try:
            replies.append(await client.get(FINDER, params=params))
        except httpx.HTTPError:
            continue
        finally:
            simulator.faults.clear()
    body = {"grant_type": "client_credentials", "client_id": "x", "client_secret": key}
    reply = await client.post("/native/snov/v1/oauth/access_token", data=body)
    token = str(reply.json()["access_token"])
    query = {"access_token": token, "email": "w.canary@x.example"}
    replies.append(await client.post("/native/snov/v1/get-profile-by-email", params=query))
    assert {reply.status_code for reply in replies} >= {200, 400, 401, 404, 502, 503}
    assert token not in "".join(reply.text for reply in replies)
    return token + "".join(reply.text + str(reply.headers) for reply in replies)


async def test_no_key_in_a_url_and_no_person_is_left_anywhere(
    tmp_path: Path, store: Store, store_url: str, simulator: RunningSimulator
) -> None:
    environ = external(
        tmp_path / "data",
        store_url,
        GATEWAY_LOG_LEVEL="debug",
        GATEWAY_LOG_FORMAT="json",
        **simulated(simulator.endpoints, "hunter", "snov"),
    )
    async with serving(tmp_path, environ=environ) as served:
        body = {"team_id": "default", "name": "k", "scopes": ["native"]}
        made = await served.client.post("/v1/admin/keys", json=body)
        key = made.json()["data"]["key"]
        async with httpx.AsyncClient(base_url=served.client.base_url, timeout=70) as client:
            answered = await exercise(client, key, simulator)
        stored = (await everything_in(store)).lower()
    token, logged = answered[:67], served.log
    assert token.startswith("pgt_")
    assert '"route":"/native/hunter/{path}"' in logged
    assert b"native get /email-finder" in stored
    for secret in (key, token, ADMIN_KEY, "sim-hunter-key", "sim-snov-secret"):
        assert secret not in logged
        assert secret not in answered[67:]
        assert secret.lower().encode() not in stored
    for person in ("wilhelmina", "canary@", "w.canary"):
        assert person not in logged.lower()
        assert person.encode() not in stored
