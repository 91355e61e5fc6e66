"""Jobs as the queue alone sees them: opened, claimed and ended without anybody being asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.jobs.queue import NewJob, Queue
from gateway.jobs.records import Claimed, Job, Lane, Request, Result
from gateway.lookup.attempts import Tally
from gateway.lookup.lookup import Caller, Progress
from gateway.money.ledger import new_id
from gateway.money.terms import Place
from gateway.store.connection import Store

ROOT = "{pgw}:live:"
MINUTE = 60_000
MANY = 1000


def queue_of(store: Store) -> Queue:
    return Queue(store, ROOT, keep_days=7)


def request_of(team: str = "t") -> Request:
    caller = Caller(team=team, key="", scopes=frozenset({"jobs"}))
    return Request(
        operation="emails.find", caller=caller, routing=None, request_id="r", currency="USD"
    )


def result(outcome: Any = "accepted", cost: int = 0) -> Result:
    return Result(outcome=outcome, cost=cost, body=b"{}")


async def opened(
    queue: Queue,
    rows: int = 1,
    *,
    team: str = "t",
    lane: Lane = "bulk",
    broken: Sequence[int] = (),
    **more: Any,
) -> str:
    """A job of so many rows, of which the `broken` ones can't be asked; its id."""
    job = NewJob(
        id=new_id("job"),
        request=request_of(team),
        queries=[msgspec.json.encode({"full_name": f"Row {at}"}) for at in range(rows)],
        results={at: result("failed") for at in broken},
        lane=lane,
        **more,
    )
    return await queue.open(job)


async def claimed(
    queue: Queue, *, interactive: int = MANY, bulk: int = MANY, fresh: int = MANY
) -> list[Claimed]:
    return await queue.claim(interactive=interactive, bulk=bulk, fresh=fresh)


def place_of(one: Claimed) -> Place:
    return Place(one.job, one.index, one.token)


async def loaded(queue: Queue, name: str) -> Job:
    found = await queue.load(name)
    assert found is not None
    return found


def progress(posted: int = 0) -> bytes:
    return msgspec.msgpack.encode(Progress([], Tally(posted=posted)))


async def events(store: Store) -> list[dict[str, str]]:
    """The outbox, oldest first."""
    rows = await store.call("XRANGE", f"{ROOT}outbox", "-", "+")
    return [
        dict(zip(map(bytes.decode, flat[::2]), map(bytes.decode, flat[1::2]), strict=True))
        for _, flat in rows
    ]


async def field(store: Store, job: str, name: str) -> int:
    return int(await store.call("HGET", f"{ROOT}job:{job}", name) or 0)
