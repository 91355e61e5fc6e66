"""What Snov.io charges a single time is booked a single time, whoever asks, and how."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from gateway.lookup import dues, settling, tickets
from gateway.money.ledger import Ledger
from gateway.store.connection import StoreDown
from providers.simulator.accounts import Account
from tests.gateway.jobs.test_reconciliation import reconcile
from tests.gateway.lookup.conftest import StartScene
from tests.gateway.lookup.scene import NOTHING, Scene, cost, until
from tests.gateway.money.books import entries

DOMAIN = "blue-harbor.example"
SEARCH, COMPANY = "/v1/domains/search", "/v1/companies/enrich"
NATIVE = "/native/snov/v2/domain-search"
CREDIT = Decimal("0.03")

Check = Callable[[Scene], Awaitable[None]]


async def ask(scene: Scene, path: str, *, fresh: bool = True, **more: Any) -> httpx.Response:
    routing = {"providers": ["snov"], **({"max_age": 0} if fresh else {})}
    reply = await scene.gateway.post(path, {"domain": DOMAIN, "routing": routing, **more})
    assert reply.status_code == 200, reply.text
    return reply


async def natively(scene: Scene, part: str, **params: str) -> None:
    """A list as a client of the provider's own asks for it."""
    client = scene.gateway.client
    begun = await client.post(f"{NATIVE}{part}/start", params={"domain": DOMAIN, **params})
    task = begun.json()["meta"]["task_hash"]

    async def done() -> bool:
        found = await client.get(f"{NATIVE}{part}/result/{task}")
        return bool(found.json()["status"] == "completed")

    await until(done)


async def units(scene: Scene, state: str = "posted") -> int:
    return sum(int(row["units"]) for row in await entries(scene.store) if row["state"] == state)


async def fits_the_bill(scene: Scene, count: int) -> None:
    """As many as were charged, to a thousandth, and nothing is held any more."""
    rows = scene.simulator.bill.select("snov")
    assert sum(row.units for row in rows) == count
    assert await units(scene) == 1000 * count


async def of_a_page_another_part(scene: Scene) -> None:
    costs = [cost(await ask(scene, SEARCH, fresh=False, limit=limit)) for limit in (10, 25)]
    assert costs == [CREDIT, NOTHING]
    await fits_the_bill(scene, 1)


async def a_list_once_more(scene: Scene) -> None:
    costs = [cost(await ask(scene, SEARCH)) for _ in range(3)]
    assert costs == [CREDIT, NOTHING, NOTHING]
    await fits_the_bill(scene, 1)


async def a_company_once_more(scene: Scene) -> None:
    costs = [cost(await ask(scene, COMPANY)) for _ in range(3)]
    assert costs == [CREDIT, NOTHING, NOTHING]
    await fits_the_bill(scene, 1)


async def what_was_asked_natively(scene: Scene) -> None:
    await natively(scene, "")
    await natively(scene, "/domain-emails")
    await natively(scene, "/prospects", page="1")
    assert cost(await ask(scene, COMPANY)) == cost(await ask(scene, SEARCH)) == NOTHING
    assert cost(await ask(scene, SEARCH, address_type="person")) == NOTHING
    await fits_the_bill(scene, 3)


async def what_is_asked_natively_afterwards(scene: Scene) -> None:
    await ask(scene, COMPANY)
    await ask(scene, SEARCH, address_type="role")
    await ask(scene, SEARCH, address_type="person", job_titles=["engineer", "manager"])
    await natively(scene, "")
    await natively(scene, "/generic-contacts")
    await natively(scene, "/prospects", **{"positions[]": "manager,engineer"})
    await fits_the_bill(scene, len(scene.simulator.bill.select("snov")))


async def addresses_of_prospects(scene: Scene) -> None:
    """Each is charged once, however many are asked for the next time."""
    first = await ask(scene, SEARCH, required_fields=["email"], limit=2)
    second = await ask(scene, SEARCH, required_fields=["email"], limit=4)
    assert len(second.json()["data"]["emails"]) > len(first.json()["data"]["emails"])
    rows = scene.simulator.bill.select("snov")
    assert cost(first) + cost(second) == scene.billed()
    assert cost(second) > NOTHING
    await fits_the_bill(scene, sum(row.units for row in rows))


async def what_a_later_read_tells(scene: Scene) -> None:
    """Of a task whose result nobody could read at first."""
    await ask(scene, COMPANY)
    scene.fault("snov", "garbage", path="/v2/domain-search/result/*")
    routing = {"providers": ["snov"], "max_age": 0}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tickets, "LIFE", 0)
        reply = await scene.gateway.post(COMPANY, {"domain": DOMAIN, "routing": routing})
    assert reply.status_code == 502, reply.text
    scene.heal()
    report = await reconcile(scene)
    assert [line["evidence"] for line in report["lines"]] == ["its task"]
    await fits_the_bill(scene, 1)


CHECKS: list[Check] = [
    of_a_page_another_part,
    a_list_once_more,
    a_company_once_more,
    what_was_asked_natively,
    what_is_asked_natively_afterwards,
    addresses_of_prospects,
    what_a_later_read_tells,
]


@pytest.mark.parametrize("check", CHECKS)
async def test_charged_once(scene: Scene, check: Check) -> None:
    await check(scene)


@pytest.mark.parametrize("check", CHECKS)
async def test_booked_each_time_is_noticed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, check: Check
) -> None:
    monkeypatch.setattr(dues, "marks_of", lambda *_: {})
    with pytest.raises(AssertionError):
        await check(scene)


async def a_doubt_is_judged_by_what_was_charged(scene: Scene) -> None:
    """What costs nothing any more does not hide the charge of what is in doubt."""
    account = Account(provider="snov", name="own", allowance={"credits": 1000})
    scene.simulator.app.stage.accounts.put("own-id:own-secret", account)
    secret = {"client_id": "own-id", "client_secret": "own-secret"}
    body = {"provider": "snov", "name": "own", "secret": secret, "exclusive": True}
    assert (await scene.gateway.post("/v1/admin/credentials", body)).status_code == 201
    await reconcile(scene)
    for limit in (10, 25):
        await ask(scene, SEARCH, limit=limit)
    scene.fault("snov", "charge_without_reply", path="/v2/domain-search/start", times=1)
    reply = await scene.gateway.post(COMPANY, {"domain": DOMAIN})
    assert reply.status_code == 502, reply.text
    scene.heal()
    report = await reconcile(scene)
    assert (report["posted"], report["voided"], report["differences"]) == (1, 0, [])
    await fits_the_bill(scene, 2)


async def while_the_store_is_away(scene: Scene, patch: pytest.MonkeyPatch) -> None:
    """It is found out with the end of the entry."""
    await ask(scene, SEARCH)
    charges, asked = Ledger.charges, []

    async def away_at_first(self: Ledger, rid: str, mark: str) -> bool:
        asked.append(mark)
        if len(asked) == 1:
            raise StoreDown("away")
        return await charges(self, rid, mark)

    patch.setattr(Ledger, "charges", away_at_first)
    await ask(scene, SEARCH)
    assert len(asked) == 2
    await fits_the_bill(scene, 1)


async def test_what_is_not_known_at_once_is_found_out(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await while_the_store_is_away(scene, monkeypatch)


async def test_what_is_never_found_out_is_noticed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "owe", lambda *_: None)
    with pytest.raises(AssertionError):
        await while_the_store_is_away(scene, monkeypatch)


@pytest.fixture
async def alone(start_scene: StartScene) -> Scene:
    """A gateway without accounts."""
    return await start_scene(only=())


async def test_a_doubt_is_judged(alone: Scene) -> None:
    await a_doubt_is_judged_by_what_was_charged(alone)


async def test_a_doubt_beside_what_is_booked_twice_is_noticed(
    alone: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dues, "marks_of", lambda *_: {})
    with pytest.raises(AssertionError):
        await a_doubt_is_judged_by_what_was_charged(alone)
