"""The master key is replaced while a gateway serves: no call fails, and the old key can go."""

from __future__ import annotations

import asyncio
import base64
from contextlib import AsyncExitStack

import pytest

from gateway.lookup.market import REFRESH
from gateway.settings import Secret, Settings
from gateway.store.connection import Store
from gateway.vault import resealing, tokens
from gateway.vault.credentials import VERSION, Credential, CredentialStore, Row
from gateway.vault.datakey import PLACE, DataKey
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
    kept, made = CredentialStore(store, Sealer([OLD])), []
    for number in range(SECRETS):
        account = Account(provider="hunter", name=f"a{number}")
        account.allowance.update({"searches": 10_000, "verifications": 10_000})
        simulator.app.stage.accounts.put(f"key-{number}", account)
        credential = Credential(
            id=f"cred_{number}",
            provider="hunter",
            name=f"a{number}",
            base_url="",
            secret={"api_key": f"key-{number}"},
        )
        made.append(kept.put(credential))
    await asyncio.gather(*made)


async def rows_under(store: Store, key: bytes) -> int:
    rows = [f"{{pgw}}:credential:cred_{number}" for number in range(SECRETS)]
    sealed = await asyncio.gather(*(store.call("HGET", row, "sealed") for row in rows))
    sealed.append(await store.call("GET", PLACE))
    return sum(one.startswith(key_id(key).encode()) for one in sealed)


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
                # Whoever has the old key alone reads everything again, and can't.
                await store.call("INCR", VERSION)
                await asyncio.sleep(2 * REFRESH)
        done.set()
        await asyncio.wait(served)
    return [status for task in served for status in task.result()]


def settings_of(store_url: str, simulator: RunningSimulator) -> list[Settings]:
    """Those of a process with the old key, with both, and with the new one alone."""
    return [
        make_settings(store_url, simulator, only=("snov",), master_keys=tuple(map(secret, keys)))
        for keys in ([OLD], [NEW, OLD], [NEW])
    ]


async def test_the_master_key_is_rotated_while_serving(
    store: Store, store_url: str, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resealing, "PERIOD", 0.2)
    async with running_simulator() as simulator:
        await fill(store, simulator)
        settings = settings_of(store_url, simulator)
        statuses = await rotate(store, simulator, settings, campaign.size(short=20, full=200))
        payers = {row.account for row in simulator.bill.select("hunter")}
    assert set(statuses) == {200}
    assert len(statuses) > 30
    assert len(payers) > 10, "many of the secrets were used"


async def check_tokens(store: Store, store_url: str) -> None:
    """A sign-in that an older key sealed is nobody's trouble, and costs one more at most."""
    body = {"domain": "blue-harbor.example", "routing": {"providers": ["snov"], "max_age": 0}}
    async with running_simulator() as simulator, AsyncExitStack() as stack:
        for each in settings_of(store_url, simulator):
            gateway = await stack.enter_async_context(running_gateway(each, simulator))
            reply = await gateway.client.post("/v1/companies/enrich", json=body)
            assert reply.status_code == 200, reply.text
        assert simulator.app.stage.tokens.requests <= 2


async def test_sign_ins_outlive_a_rotation(store: Store, store_url: str) -> None:
    await check_tokens(store, store_url)


async def check_moved(store: Store) -> None:
    """All that the old key sealed is sealed anew, once, and opens with the new key alone."""
    async with running_simulator() as simulator:
        await fill(store, simulator)
    await DataKey().load(store, Sealer([OLD]))
    resealer = resealing.Resealer(store, Sealer([NEW, OLD]))
    assert await resealer.reseal() == SECRETS + 1
    assert await resealer.reseal() == 0
    assert await rows_under(store, NEW) == SECRETS + 1, "some need the old key"
    kept = CredentialStore(store, Sealer([NEW]))
    await kept.check()
    assert {one.secret["api_key"] for one in await kept.all()} == {
        f"key-{number}" for number in range(SECRETS)
    }


async def test_a_process_that_forgets_what_it_can_no_longer_read_is_noticed(
    store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resealing, "PERIOD", 0.2)
    opened = CredentialStore._opened_or_held

    def forget(self: CredentialStore, row: Row) -> Credential | None:
        self._held = {}
        return opened(self, row)

    monkeypatch.setattr(CredentialStore, "_opened_or_held", forget)
    async with running_simulator() as simulator:
        await fill(store, simulator)
        statuses = await rotate(store, simulator, settings_of(store_url, simulator)[:2], 20)
    assert set(statuses) == {200, 503}


async def test_a_row_left_behind_is_noticed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    move = resealing.Resealer._credential

    async def forgetful(self: resealing.Resealer, name: str) -> int:
        return 1 if name == "cred_7" else await move(self, name)

    monkeypatch.setattr(resealing.Resealer, "_credential", forgetful)
    with pytest.raises(AssertionError):
        await check_moved(store)


async def test_a_sealer_that_knows_the_newest_key_alone_is_noticed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = Sealer.__init__
    monkeypatch.setattr(Sealer, "__init__", lambda self, keys: start(self, keys[:1]))
    with pytest.raises(SealBroken, match="is not configured"):
        await check_moved(store)


async def test_a_token_that_must_open_is_noticed(
    store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "SealBroken", ZeroDivisionError)
    with pytest.raises(AssertionError):
        await check_tokens(store, store_url)


async def test_everything_moves_to_the_new_key(store: Store) -> None:
    await check_moved(store)
    sealed = Sealer([OLD]).seal(b"{}", place="credential/hunter/cred_3/1")
    await store.call("HSET", "{pgw}:credential:cred_3", "sealed", sealed)
    with pytest.raises(SealBroken, match=key_id(OLD)):
        await CredentialStore(store, Sealer([NEW])).get("cred_3")
