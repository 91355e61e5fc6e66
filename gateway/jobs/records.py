"""What the store holds of a job."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from gateway.lookup.lookup import Caller
from gateway.lookup.routing import Routing
from gateway.store.connection import Store
from gateway.store.script import Script

LEASE = 15_000
DAY = 24 * 3600 * 1000

JobStatus = Literal["queued", "running", "completed", "cancelled", "failed"]


class Counts(Struct, kw_only=True):
    total: int = 1
    done: int = 0
    accepted: int = 0
    weak: int = 0
    empty: int = 0
    failed: int = 0
    cancelled: int = 0


class Job(Struct, kw_only=True):
    """A job as its team reads it; `result` is the body the exchange would have had."""

    id: str
    operation: str
    status: JobStatus
    counts: Counts
    cost: str
    currency: str
    created_at: str
    metadata: dict[str, Any] | None = None
    started_at: str | None = None
    finished_at: str | None = None
    result: msgspec.Raw | UnsetType = UNSET


class Request(Struct, kw_only=True):
    """All that is needed to run a job again."""

    operation: str
    query: bytes
    caller: Caller
    routing: Routing | None
    request_id: str
    lookup: str
    tag: str = ""
    after: str | None = None
    credential: str | None = None
    raw: bool = False


class JobRecord(Struct, kw_only=True):
    job: Job
    request: Request
    progress: bytes | None = None
    takeovers: int = 0


class JobStore:
    """Jobs in the store; every change is one script."""

    def __init__(self, store: Store, root: str, *, keep_days: int):
        self._store = store
        self._root = root
        self._keep = keep_days * DAY
        self._save = Script.load("save_job")
        self._claim = Script.load("claim_job")
        self._renew = Script.load("renew_job")

    async def save(self, job: Job, request: Request, progress: bytes | None = None) -> bool:
        """Write the job, and its progress if given; False if it had finished already."""
        fields: tuple[str | bytes, ...] = ("job", msgspec.json.encode(job))
        fields += ("request", msgspec.msgpack.encode(request))
        if progress is not None:
            fields += ("progress", progress)
        if job.finished_at is not None:
            fields += ("finished_at", job.finished_at)
        running = int(job.finished_at is None)
        args = (job.id, request.caller.team, running, LEASE, self._keep, *fields)
        return bool(await self._store.run(self._save, [self._root], args))

    async def claim(self) -> str | None:
        """A running job whose owner has gone."""
        found = await self._store.run(self._claim, [self._root], [LEASE])
        return None if found is None else found.decode()

    async def renew(self, name: str) -> None:
        """Stay the owner of a running job."""
        await self._store.run(self._renew, [self._root], [name, LEASE])

    async def load(self, name: str) -> JobRecord | None:
        key = f"{self._root}job:{name}"
        fields = ("job", "request", "progress", "takeovers")
        job, request, progress, takeovers = await self._store.call("HMGET", key, *fields)
        if job is None:
            return None
        return JobRecord(
            job=msgspec.json.decode(job, type=Job),
            request=msgspec.msgpack.decode(request, type=Request),
            progress=progress,
            takeovers=int(takeovers or 0),
        )

    async def list(self, team: str, *, offset: int, limit: int) -> tuple[list[Job], bool]:
        """Newest first, expired ones left out; and whether there are more."""
        index = f"{self._root}jobs:of:{team}"
        names = await self._store.call("ZREVRANGE", index, offset, offset + limit)
        found = await asyncio.gather(*(self.load(name.decode()) for name in names[:limit]))
        return [record.job for record in found if record], len(names) > limit


def count(outcome: str) -> Counts:
    """The counts of a finished one-lookup job."""
    counts = Counts(done=1)
    setattr(counts, outcome, 1)
    return counts
