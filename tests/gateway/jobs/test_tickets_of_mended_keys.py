"""What is bought is collected once its key is mended, or its provider answers properly again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
import pytest

from gateway.jobs.sweeper import Sweeper
from gateway.lookup import tickets
from gateway.lookup.calls import Dialler
from gateway.lookup.market import Market
from gateway.store.connection import Store
from gateway.vault.bench import Bench
from gateway.vault.credentials import Credential
from providers.errors import AuthenticationFailed, MalformedResponse, ProviderError
from providers.simulator.accounts import Account
from tests.gateway.jobs.conftest import StartWorker, Worker
from tests.gateway.jobs.rows import asked, people, stage, submit
from tests.gateway.lookup.scene import SIXTYFOUR_POLL, SIXTYFOUR_START, Scene, until
from tests.gateway.money.books import open_entries, spent

__all__ = ["stage"]

POLLS = "/job-status/*"
MANY, ROWS = "/find-email-bulk-async", 30
OWN, OLD, NEW = "cred_own", "old-key", "new-key"
HIT = Decimal("0.05")
# More than any provider would have been allowed to fail.
OFTEN = 3 * tickets.STRIKES


class Site(NamedTuple):
    start: StartWorker
    stage: Scene
    store: Store
    patch: pytest.MonkeyPatch

    async def worker(self, **limits: int) -> Worker:
        """One at work, with an account of its own at Sixtyfour."""
        worker = await self.start(work=True, only=())
        account = Account(provider="sixtyfour", name=OWN)
        self.stage.simulator.app.stage.accounts.put(OLD, account)
        await put_key(worker, self.stage, OLD, **limits)
        return worker

    def change_key(self) -> None:
        """At the provider."""
        accounts = self.stage.simulator.app.stage.accounts
        account = accounts.named("sixtyfour", OWN)
        assert account is not None
        accounts.drop("sixtyfour", OLD)
        accounts.put(NEW, account)

    async def fails_often(self, worker: Worker, name: str) -> None:
        """Until polls have failed OFTEN more times; its job goes on all the while."""
        enough = self.stage.requests(SIXTYFOUR_POLL) + OFTEN

        async def is_over() -> bool:
            job = await worker.process.jobs.load(name)
            assert job is not None
            assert not job.finished_at, "a ticket was given up"
            return self.stage.requests(SIXTYFOUR_POLL) >= enough

        await until(is_over)


@pytest.fixture
def site(
    start_worker: StartWorker, stage: Scene, store: Store, monkeypatch: pytest.MonkeyPatch
) -> Site:
    monkeypatch.setattr(tickets, "wait_after", lambda _error, _poll: 0.02)
    return Site(start_worker, stage, store, monkeypatch)


async def put_key(worker: Worker, stage: Scene, key: str, **limits: int) -> None:
    held = Credential(
        id=OWN,
        provider="sixtyfour",
        name="own",
        base_url=stage.simulator.endpoints.sixtyfour,
        secret={"api_key": key},
        limits=limits,
    )
    await worker.process.kept.put(held)
    await worker.desk.market.changed()


Begin = Callable[[Worker, Scene], Awaitable[str]]


async def a_lookup(worker: Worker, stage: Scene) -> str:
    """One that its caller waited for."""
    return await worker.begin(stage.person(sixtyfour="valid"), providers=["sixtyfour"])


async def a_row(worker: Worker, stage: Scene) -> str:
    return await submit(worker, people(stage, 1, sixtyfour="valid"), "sixtyfour")


async def rows_in_one_request(worker: Worker, stage: Scene) -> str:
    return await submit(worker, people(stage, ROWS, sixtyfour="valid"), "sixtyfour")


async def a_changed_key_collects(site: Site, begin: Begin, bought: int = 1) -> None:
    stage = site.stage
    stage.fault("sixtyfour", "never_ready", path=POLLS)
    worker = await site.worker()
    name = await begin(worker, stage)
    await asked(stage, SIXTYFOUR_POLL, 1)
    site.change_key()
    stage.heal()
    await site.fails_often(worker, name)
    assert set(await open_entries(site.store)) == {"dispatched"}
    rest = worker.desk.market.bench.rest(OWN)
    assert rest is not None
    assert rest.reason == "authentication_failed"
    await put_key(worker, stage, NEW)
    # Whoever goes on with the old key is soon at its end.
    site.patch.setattr(tickets, "LIFE", 0)
    job = await worker.ended(name)
    assert (job.counts.accepted, Decimal(job.cost)) == (bought, bought * HIT)
    assert stage.billed() == bought * HIT
    assert +(await spent(site.store)) == {"posted": bought * 50_000}
    assert OWN not in worker.desk.market.bench


@pytest.mark.parametrize("begin", [a_lookup, a_row])
async def test_a_ticket_is_collected_with_the_key_that_its_account_has_now(
    site: Site, begin: Begin
) -> None:
    await a_changed_key_collects(site, begin)
    assert site.stage.requests(SIXTYFOUR_START) == 1


async def test_rows_that_share_a_request_are_collected_with_the_key_of_now(site: Site) -> None:
    site.patch.setattr("gateway.lookup.batching.LINGER", 0.5)
    await a_changed_key_collects(site, rows_in_one_request, ROWS)
    assert (site.stage.requests(MANY), site.stage.requests(SIXTYFOUR_START)) == (1, 0)


async def a_sick_provider_is_waited_for(site: Site, kind: str = "garbage", **options: Any) -> None:
    site.stage.fault("sixtyfour", kind, path=POLLS, **options)
    worker = await site.worker()
    name = await a_row(worker, site.stage)
    await site.fails_often(worker, name)
    site.stage.heal()
    job = await worker.ended(name)
    assert (job.counts.accepted, Decimal(job.cost)) == (1, HIT)
    assert (site.stage.requests(SIXTYFOUR_START), site.stage.billed()) == (1, HIT)


@pytest.mark.parametrize(
    "kind, options",
    [("garbage", {}), ("unauthorized", {}), ("status", {"status": 402}), ("status", {})],
)
async def test_a_ticket_waits_until_its_provider_answers_properly(
    site: Site, kind: str, options: dict[str, Any]
) -> None:
    await a_sick_provider_is_waited_for(site, kind, **options)


async def laid_aside_its_failures_count_on(site: Site) -> None:
    """So that the waits between its polls grow, whoever makes them."""
    told: list[int] = []

    def wait(_error: ProviderError, poll: int) -> float:
        told.append(poll)
        return 0.1

    site.patch.setattr(tickets, "wait_after", wait)
    site.patch.setattr("gateway.jobs.seats.PARK_AFTER", 0.05)
    await a_sick_provider_is_waited_for(site)
    assert told == list(range(1, len(told) + 1))


async def test_failures_of_a_row_that_is_laid_aside_count_on(site: Site) -> None:
    await laid_aside_its_failures_count_on(site)


async def an_old_ticket_is_asked_for_once(site: Site, *, is_done: bool = True) -> None:
    """All processes were away until its life was over."""
    site.stage.fault("sixtyfour", "never_ready", path=POLLS)
    site.patch.setattr(Sweeper, "run", never)
    worker = await site.worker()
    name = await a_lookup(worker, site.stage)
    await asked(site.stage, SIXTYFOUR_POLL, 1)
    await worker.die()
    before = site.stage.requests(SIXTYFOUR_POLL)
    if is_done:
        site.stage.heal()
    site.patch.setattr(tickets, "LIFE", 0)
    await site.store.call("INCRBY", "{pgw}:clock_offset", 2 * 3_600_000)
    heir = await site.start(work=True, only=())
    job = await heir.ended(name)
    assert site.stage.requests(SIXTYFOUR_POLL) == before + 1
    assert site.stage.requests(SIXTYFOUR_START) == 1
    state = "posted" if is_done else "in_doubt"
    assert +(await spent(site.store)) == {state: 50_000}
    assert job.counts.accepted == int(is_done)


async def never(_: Sweeper) -> None:
    """Sweeps nothing."""


@pytest.mark.parametrize("is_done", [True, False])
async def test_a_ticket_older_than_its_life_is_asked_for_once(site: Site, is_done: bool) -> None:
    await an_old_ticket_is_asked_for_once(site, is_done=is_done)


async def the_sweeper_asks_once(site: Site) -> None:
    site.stage.fault("sixtyfour", "never_ready", path=POLLS)
    worker = await site.worker()
    await a_lookup(worker, site.stage)
    await asked(site.stage, SIXTYFOUR_POLL, 1)
    await worker.die()
    site.stage.heal()
    site.patch.setattr(tickets, "LIFE", 0)
    await site.store.call("INCRBY", "{pgw}:clock_offset", 2 * 3_600_000)
    sweeper = Sweeper((await site.start(only=())).desk)
    await sweeper.sweep()
    await asyncio.gather(*sweeper._collecting)
    assert +(await spent(site.store)) == {"posted": 50_000}
    assert site.stage.requests(SIXTYFOUR_START) == 1


async def test_what_nobody_comes_back_for_is_asked_for_once(site: Site) -> None:
    await the_sweeper_asks_once(site)


async def a_poll_that_waits_for_a_permit_is_none(site: Site) -> None:
    """After an outage many old tickets want to be asked for within the limits of one account."""
    refused = asyncio.Event()

    def wait(_error: ProviderError, poll: int) -> float:
        if poll > tickets.STRIKES:
            refused.set()
        return 0.02

    site.patch.setattr(tickets, "wait_after", wait)
    site.patch.setattr(tickets, "LIFE", 0)
    worker = await site.worker(per_day=1)
    name = await a_row(worker, site.stage)
    ended = asyncio.create_task(worker.ended(name))
    early = asyncio.create_task(refused.wait())
    await asyncio.wait({ended, early}, return_when=asyncio.FIRST_COMPLETED)
    early.cancel()
    assert not ended.done(), "a ticket was given up"
    assert site.stage.requests(SIXTYFOUR_POLL) == 0
    await put_key(worker, site.stage, OLD)
    assert (await ended).counts.accepted == 1
    assert +(await spent(site.store)) == {"posted": 50_000}


async def test_a_poll_that_waits_for_a_permit_is_none(site: Site) -> None:
    await a_poll_that_waits_for_a_permit_is_none(site)


Check = Callable[[Site], Awaitable[None]]
poll, is_final, heard, put = Dialler._poll, tickets.is_final, Market.heard, Bench.put


async def key_of_a_lookup(site: Site) -> None:
    await a_changed_key_collects(site, a_lookup)


async def poll_in_its_life(self: Dialler, call: Any, kept: Any) -> Any:
    """As before: one that is too old is not asked for."""
    return (
        await poll(self, call, kept) if kept.left else tickets.last_word(call.query, kept.ticket)
    )


def is_final_at_once(error: ProviderError) -> bool:
    return isinstance(error, AuthenticationFailed | MalformedResponse) or is_final(error)


async def deaf(self: Market, credential: Credential, error: ProviderError | None) -> None:
    if not isinstance(error, AuthenticationFailed):
        await heard(self, credential, error)


def forgetful(kept: tickets.OpenTicket) -> bytes:
    return msgspec.msgpack.encode(msgspec.structs.replace(kept, strikes=0))


MUTANTS: list[tuple[Check, object, str, object]] = [
    (key_of_a_lookup, Dialler, "_renew", lambda *_: None),
    (key_of_a_lookup, tickets, "is_final", is_final_at_once),
    (key_of_a_lookup, Market, "heard", deaf),
    (a_sick_provider_is_waited_for, tickets, "is_final", is_final_at_once),
    (laid_aside_its_failures_count_on, tickets, "pack", forgetful),
    (an_old_ticket_is_asked_for_once, Dialler, "_poll", poll_in_its_life),
    (the_sweeper_asks_once, Dialler, "_poll", poll_in_its_life),
    (a_poll_that_waits_for_a_permit_is_none, tickets, "RateLimited", ()),
]


@pytest.mark.parametrize("check, place, name, mutant", MUTANTS)
async def test_tickets_without_their_rule_are_noticed(
    site: Site, check: Check, place: object, name: str, mutant: object
) -> None:
    site.patch.setattr(place, name, mutant)
    with pytest.raises(AssertionError):
        await check(site)
