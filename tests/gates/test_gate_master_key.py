"""The master key is replaced while a gateway serves: no call fails, and the old key can go."""

from __future__ import annotations

import asyncio
import base64
from contextlib import AsyncExitStack

import pytest

from gateway.settings import Secret, Settings
from gateway.store.connection import Store
from gateway.vault import resealing
from gateway.vault.credentials import Credential, CredentialStore
from gateway.vault.datakey import DataKey
from gateway.vault.sealing import SealBroken, Sealer, key_id
from providers.simulator.accounts import Account
from providers.simulator.testing import RunningSimulator, running_simulator
from tests.gates.conftest import Campaign
from tests.gateway.api.replies import eventually
from tests.gateway.conftest import Gateway, make_settings, running_gateway

OLD, NEW = bytes(range(32)), bytes(range(32, 64))
SECRETS = 1000


def secret(key: bytes) -> Secret:
    return Secret(base64.b64encode(key).decode())


async def fill(store: Store, simulator: RunningSimulator) -> None:
    """SECRETS accounts, each with its own secret."""
    kept = CredentialStore(store, Sealer([OLD]))
    for number in range(SECRETS):
        account = Account(provider="hunter", name=f"a{number}")
        account.allowance.update({"searches": 10_000, "verifications": 10_000})
        simulator.app.stage.accounts.put(f"key-{number}", account)
        await kept.put(
            Credential(
                id=f"cred_{number}",
                provider="hunter",
                name=f"a{number}",
                base_url="",
                secret={"api_key": f"key-{number}"},
            )
        )


async def rows_under(store: Store, key: bytes) -> int:
    found = 0
    for number in range(SECRETS):
        sealed = await store.call("HGET", f"{{pgw}}:credential:cred_{number}", "sealed")
        found += sealed.startswith(key_id(key).encode())
    data_key = await store.call("GET", "{pgw}:datakey")
    return found + int(data_key.startswith(key_id(key).encode()))


async def serve(gateway: Gateway, people: list[dict[str, str]], done: asyncio.Event) -> list[int]:
    """Statuses of lookups, until `done`; each is made by an account of its own."""
    found = []
    for body in people:
        reply = await gateway.client.post(
            "/v1/emails/find", json={**body, "routing": {"providers": ["hunter"], "max_age": 0}}
        )
        found.append(reply.status_code)
        if done.is_set():
            break
    return found


async def rotate(
    store: Store, simulator: RunningSimulator, settings: list[Settings], size: int
) -> list[int]:
    """Statuses of all lookups made while processes with OLD, NEW and OLD, and NEW alone serve."""
    people = [
        {"full_name": person.full_name, "domain": person.company.domain}
        for person in simulator.world.people
        if not person.claimed
    ] * size
    done = asyncio.Event()
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        served = []
        for each in settings:
            gateway = await stack.enter_async_context(running_gateway(each, simulator))
            served.append(group.create_task(serve(gateway, people, done)))
            await asyncio.sleep(0.5)
            if len(served) == 2:

                async def moved() -> bool:
                    return await rows_under(store, NEW) == SECRETS + 1

                await eventually(moved)
        done.set()
        await asyncio.wait(served)
    return [status for task in served for status in task.result()]


async def test_the_master_key_is_rotated_while_serving(
    store: Store, store_url: str, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resealing, "PERIOD", 0.2)
    async with running_simulator() as simulator:
        await fill(store, simulator)
        settings = [
            make_settings(store_url, simulator, only=(), master_keys=tuple(map(secret, keys)))
            for keys in ([OLD], [NEW, OLD], [NEW])
        ]
        statuses = await rotate(store, simulator, settings, campaign.size(short=20, full=200))
        payers = {row.account for row in simulator.bill.select("hunter")}
    assert set(statuses) == {200}
    assert len(statuses) > 30
    assert len(payers) > 10, "many of the secrets were used"


async def test_a_row_that_was_not_resealed_is_noticed(store: Store) -> None:
    async with running_simulator() as simulator:
        await fill(store, simulator)
    await DataKey().load(store, Sealer([OLD]))
    assert await resealing.Resealer(store, Sealer([NEW, OLD])).reseal() == SECRETS + 1
    assert await resealing.Resealer(store, Sealer([NEW, OLD])).reseal() == 0
    one = await store.call("HGET", "{pgw}:credential:cred_1", "sealed")
    await store.call("HSET", "{pgw}:credential:cred_2", "sealed", one)
    kept = CredentialStore(store, Sealer([NEW]))
    assert await kept.get("cred_1")
    with pytest.raises(SealBroken):
        await kept.get("cred_2")
    sealed = Sealer([OLD]).seal(b"{}", place="credential/hunter/cred_3/1")
    await store.call("HSET", "{pgw}:credential:cred_3", "sealed", sealed)
    with pytest.raises(SealBroken, match=key_id(OLD)):
        await kept.get("cred_3")
