"""A job followed to its end: by its events, by asking where there are none."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from typing import Any
from urllib.parse import quote

from gateway.cli.client import FINISHED, FIRST_POLL, LAST_POLL, Gateway, Pause
from gateway.cli.enrich.operations import to_money
from gateway.cli.enrich.tally import Tally
from gateway.cli.failure import Failure

EVENTS = "text/event-stream"
JobRecord = Mapping[str, Any]


def path_of(job: str) -> str:
    return f"/v1/jobs/{quote(job, safe='')}"


def has_ended(job: JobRecord) -> bool:
    return job.get("status") in FINISHED


async def follow(gateway: Gateway, job: str, pause: Pause) -> AsyncGenerator[JobRecord, None]:
    """The job as it is, then whenever it has changed; the last one has ended."""
    told: JobRecord = {}
    async with aclosing(listen(gateway, job)) as events:
        async for told in events:
            yield told
    delay = FIRST_POLL
    while not has_ended(told):
        record = await read_job(gateway, job, pause)
        if record != told:
            told, delay = record, FIRST_POLL
            yield record
            continue
        await pause(delay, "")
        delay = min(delay * 1.5, LAST_POLL)


async def listen(gateway: Gateway, job: str) -> AsyncGenerator[JobRecord, None]:
    """The job with each of its events, until one cannot be had; why is told by asking."""
    with suppress(Failure, ValueError):
        async with aclosing(read_events(gateway, job)) as events:
            async for event in events:
                yield json.loads(event)


async def read_job(gateway: Gateway, job: str, pause: Pause) -> JobRecord:
    reply = await gateway.ask_patiently(lambda: gateway.send("GET", path_of(job)), pause)
    found: JobRecord = gateway.expect(reply).body.get("data") or {}
    return found


async def read_events(gateway: Gateway, job: str) -> AsyncGenerator[bytes, None]:
    """The `data` of each event; comments, which keep the connection alive, are passed over."""
    rest = b""
    async with aclosing(gateway.receive(f"{path_of(job)}/events", accept=EVENTS)) as chunks:
        async for chunk in chunks:
            *events, rest = (rest + chunk).split(b"\n\n")
            for data in filter(None, map(data_of, events)):
                yield data


def data_of(event: bytes) -> bytes:
    return b"".join(line[5:] for line in event.split(b"\n") if line.startswith(b"data:"))


def to_tally(job: JobRecord) -> Tally:
    """The counts of a job as those of a file."""
    counts = job.get("counts") or {}
    return Tally(
        **{name: counts.get(name, 0) for name in ("accepted", "weak", "empty", "failed")},
        cost=to_money(job.get("cost")),
        currency=job.get("currency") or "",
    )
