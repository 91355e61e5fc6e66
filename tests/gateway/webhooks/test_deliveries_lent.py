"""Deliveries are made once and lent to one process at a time, whatever the others do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from gateway.jobs.outbox import MADE, Lent, Outbox, Verdict
from gateway.settings import WebhookSettings
from gateway.store.connection import Store
from gateway.vault.endpoints import MOST, Endpoint, EndpointStore
from gateway.vault.sealing import Sealer
from tests.gateway.webhooks.conftest import ROOT

SETTINGS = WebhookSettings(per_endpoint=2)
DONE = Verdict(state="delivered", status=200, swift=True)
LATER = Verdict(state="pending", error="refused", wait=60_000)


@pytest.fixture
async def shelf(store_url: str, store: Store) -> AsyncIterator[Store]:
    """The store on a clock that a test may move."""
    moved = await Store.connect(store_url, timeout=5, test_clock=True)
    yield moved
    await moved.close()


async def endpoint(store: Store, name: str, team: str = "default") -> None:
    made = Endpoint(id=name, team=team, url="https://x.example/", events=("job.completed",))
    assert await EndpointStore(store, Sealer([bytes(32)]), ROOT).add(made)


async def emit(store: Store, number: int, **more: str) -> None:
    for at in range(number):
        row = {"event": "job.completed", "team": "default", "data": f'{{"id": {at}}}'} | more
        await store.call(
            "XADD", f"{ROOT}outbox", "*", *(part for pair in row.items() for part in pair)
        )


def outbox(store: Store) -> Outbox:
    return Outbox(store, ROOT, SETTINGS)


async def drain(box: Outbox) -> int:
    rows = 0
    while found := await box.fan_out():
        rows += found
    return rows


async def test_each_row_becomes_one_delivery_for_each_endpoint(shelf: Store) -> None:
    """Though ten processes fan out at once."""
    for name in ("a", "b"):
        await endpoint(shelf, name)
    await endpoint(shelf, "c", team="other")
    await emit(shelf, 60)
    await emit(shelf, 5, event="campaign.event")
    await emit(shelf, 5, team="nobody")
    await emit(shelf, 1, data="")
    assert sum(await asyncio.gather(*(drain(outbox(shelf)) for _ in range(10)))) == 71
    for name in ("a", "b"):
        found, more = await outbox(shelf).page(name, offset=0, limit=100)
        assert not more
        loaded = [await outbox(shelf).load(one.id) for one in found]
        said = sorted(msgspec.json.decode(one.data)["id"] for one in loaded if one and one.data)
        assert said == list(range(60))
    assert (await outbox(shelf).page("c", offset=0, limit=100)) == ([], False)
    assert await shelf.call("XLEN", f"{ROOT}outbox") == 0


async def test_a_late_result_of_a_lost_lease_is_refused(shelf: Store) -> None:
    await endpoint(shelf, "a")
    await emit(shelf, 1)
    frozen, heir = outbox(shelf), outbox(shelf)
    await drain(frozen)
    [lent], wait = await frozen.claim(5)
    assert (await heir.claim(5))[0] == []
    assert wait == pytest.approx(frozen.lease, abs=1)
    await shelf.call("INCRBY", "{pgw}:clock_offset", round(frozen.lease * 1000) + 1)
    [again], _ = await heir.claim(5)
    assert (again.id, again.token) == (lent.id, lent.token + 1)
    assert await frozen.end(lent, LATER) is False
    assert await heir.end(again, DONE) is True
    assert await heir.end(again, LATER) is False, "it is over"
    assert (await heir.claim(5)) == ([], None)


async def test_a_late_result_counts_if_nobody_has_taken_over(shelf: Store) -> None:
    await endpoint(shelf, "a")
    await emit(shelf, 1)
    box = outbox(shelf)
    await drain(box)
    [lent], _ = await box.claim(5)
    await shelf.call("INCRBY", "{pgw}:clock_offset", round(box.lease * 1000) + 1)
    assert await box.end(lent, DONE) is True
    assert (await box.claim(5)) == ([], None)


async def test_one_at_a_time_until_a_receiver_is_seen_to_be_swift(shelf: Store) -> None:
    await endpoint(shelf, "a")
    await emit(shelf, 9)
    box, sizes = outbox(shelf), []
    await drain(box)
    for verdict in (DONE, DONE, DONE, LATER, DONE):
        lent, _ = await box.claim(9)
        sizes.append(len(lent))
        for one in lent:
            await box.end(one, verdict)
    assert sizes == [1, 2, 2, 2, 1]


async def test_a_claim_takes_no_more_than_asked(shelf: Store) -> None:
    for number in range(10):
        await endpoint(shelf, f"e{number}")
    await emit(shelf, 3)
    box = outbox(shelf)
    await drain(box)
    lent: list[Lent] = []
    for _ in range(4):
        more, _ = await box.claim(3)
        lent += more
    assert len({one.id for one in lent}) == len(lent) == 10, "one of each endpoint"


async def test_what_a_disabled_endpoint_waited_for_is_given_up(shelf: Store) -> None:
    await endpoint(shelf, "a")
    await emit(shelf, 3)
    box = outbox(shelf)
    await drain(box)
    [lent], _ = await box.claim(1)
    gone = Verdict(state="failed", error="gone", status=410, gone=True)
    assert await box.end(lent, gone)
    assert (await box.claim(9)) == ([], None)
    rows, _ = await box.page("a", offset=0, limit=9)
    assert sorted(row.error for row in rows) == ["endpoint_disabled", "endpoint_disabled", "gone"]
    await emit(shelf, 1)
    await drain(box)
    assert len((await box.page("a", offset=0, limit=9))[0]) == 3


async def test_what_is_over_is_kept_for_its_days(shelf: Store) -> None:
    await endpoint(shelf, "a")
    await emit(shelf, 1)
    box = outbox(shelf)
    await drain(box)
    [lent], _ = await box.claim(1)
    key = f"{ROOT}delivery:{lent.id}"
    assert await shelf.call("PTTL", key) == -1, "what is still to be sent stays"
    await box.end(lent, DONE)
    assert await shelf.call("PTTL", key) == pytest.approx(7 * 86_400_000, abs=60_000)
    assert await box.redeliver(lent.id, "a") == "ok"
    assert await shelf.call("PTTL", key) == -1
    assert await box.redeliver(lent.id, "b") == "missing"
    await box.claim(1)
    assert await box.redeliver(lent.id, "a") == "sending"


async def test_a_full_fan_out_reaches_as_many_endpoints_as_a_team_may_have(shelf: Store) -> None:
    for number in range(MOST):
        await endpoint(shelf, f"e{number}")
    await emit(shelf, 10)
    assert [await outbox(shelf).fan_out() for _ in range(3)] == [MADE // MOST, 4, 0]
    lent, _ = await outbox(shelf).claim(1000)
    assert len(lent) == MOST
