"""Jobs in the store: every change is one script, and only the holder of a lease may write."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from gateway.jobs.records import (
    Claimed,
    Job,
    Lane,
    Request,
    Result,
    Work,
    to_event,
    to_fields,
    to_job,
)
from gateway.lookup.hints import GAP
from gateway.money.terms import Place
from gateway.store.connection import Store
from gateway.store.script import Script

LEASE = 15_000
# An item whose owners died so often is not tried again at once, but after about so many ms, at
# first and at most: whatever it was that killed them meets fewer and fewer others.
SUSPECT = 3
ASIDE = (1_000, 60_000)
DAY = 24 * 3600 * 1000
# A job whose process died while its items were written.
STILLBORN = 3600 * 1000
CHUNK = 500
NOBODY: Mapping[str, int] = {}

_pack = msgspec.msgpack.Encoder().encode
_result = msgspec.msgpack.Decoder(Result)
_request = msgspec.msgpack.Decoder(Request)


class Mismatch(Exception):
    """The idempotency key was used with another body."""


class NewJob(Struct, kw_only=True):
    """A job of many items, as it is opened; `results` are those of rows that can't be asked.

    `url` is told of its end, `item_url` of each row's; '' for nobody.
    `mark` and `fingerprint` are of its idempotency key, if it has one.
    """

    id: str
    request: Request
    queries: Sequence[bytes]
    results: Mapping[int, Result]
    metadata: dict[str, Any] | None = None
    url: str = ""
    item_url: str = ""
    lane: Lane = "bulk"
    mark: str = ""
    fingerprint: str = ""
    mark_life: int = 0


class Queue:
    """Every method raises StoreDown."""

    def __init__(self, store: Store, root: str, *, keep_days: int):
        self.store = store
        self.root = root
        self._keep = keep_days * DAY
        self._scripts = {name: Script.load(name) for name in SCRIPTS}

    async def open(self, job: NewJob) -> str:
        """Store the items, then open the job in one step: nobody sees half of it.

        Returns its id, or that of the job that its idempotency key opened before. Raises Mismatch.
        """
        key = self._key(job.id)
        await self._write(f"{key}:in", list(enumerate(job.queries)))
        results = [(at, _pack(result)) for at, result in job.results.items()]
        await self._write(f"{key}:out", results)
        failed = len(job.results)
        fields = {
            **_described(job.request, total=len(job.queries)),
            "status": "queued",
            "done": failed,
            "failed": failed,
            "url": job.url,
            "item_url": job.item_url,
            "metadata": msgspec.json.encode(job.metadata) if job.metadata is not None else b"",
        }
        args = (job.id, job.request.caller.team, job.lane, self._keep)
        mark = (job.mark, job.fingerprint, max(self._keep, job.mark_life))
        events = _events_of(job)
        told = (len(events), *events)
        found: bytes = await self._run("open_job", *args, *mark, *told, *_flat(fields))
        if not found:
            raise Mismatch
        return found.decode()

    async def _write(self, key: str, rows: Sequence[tuple[int, bytes]]) -> None:
        for at in range(0, len(rows), CHUNK):
            chunk = [part for row in rows[at : at + CHUNK] for part in row]
            await self.store.call("HSET", key, *chunk)
            await self.store.call("PEXPIRE", key, STILLBORN)

    async def adopt(self, place: Place, request: Request, query: bytes) -> Place | None:
        """Make a job of a lookup that runs here; None if another process has taken it over."""
        fields = single(request)
        args = (place.job, request.caller.team, place.token, LEASE, self._keep, query)
        token: bytes = await self._run("adopt_job", *args, *_flat(fields))
        return Place(place.job, 0, token.decode()) if token else None

    async def claim(
        self, *, interactive: int, bulk: int, fresh: int, at_work: Mapping[str, int] = NOBODY
    ) -> list[Claimed]:
        """At most so many items of each lane that nobody works on; `fresh` bulk ones are new.

        `at_work` are bulk items that keep this process busy, by team.
        """
        room = (max(0, interactive), max(0, bulk), max(0, fresh))
        args = (LEASE, self._keep, SUSPECT, *ASIDE, *room, *_flat(at_work))
        found = await self._run("claim_items", *args)
        texts = [part.decode() for part in found]
        return [
            Claimed(job, int(index), token, int(deaths), lane, team)
            for job, index, token, deaths, lane, team in zip(*[iter(texts)] * 6, strict=True)
        ]

    async def keep(self, places: Sequence[Place]) -> list[Place]:
        """Prolong the leases; those that are lost."""
        args = [part for place in places for part in (place.job, place.item, place.token)]
        held = await self._run("keep_items", LEASE, *args)
        return [place for place, is_held in zip(places, held, strict=True) if not is_held]

    async def finish(
        self,
        place: Place,
        result: Result,
        *,
        instead: Result | None = None,
        tells: bool = False,
        booked: Sequence[str] | None = None,
    ) -> bool:
        """Write an item's end, or `instead` if someone in it has objected meanwhile.

        With `tells` it is an event, too. `booked` are the entries that its cost counts, if its
        lookup was given up and may have others that are open. False if it is no longer this
        process's.
        """
        args = (place.job, place.item, place.token, result.outcome, result.cost, self._keep)
        marks = " ".join([*result.persons, *result.rows]) if instead else ""
        other = _pack(instead) if instead else b""
        events = [to_event(place, one) if tells and one else b"" for one in (result, instead)]
        ending = (_pack(result), events[0], other, marks, int(result.objected), events[1])
        left = (int(booked is not None), *(booked or ()))
        return bool(await self._run("finish_item", *args, *ending, *left))

    async def park(
        self,
        place: Place,
        seconds: float,
        progress: bytes,
        tasks: Sequence[str] = (),
        *,
        in_line: bool = False,
    ) -> bool:
        """Lay an item aside for so long; False if it is no longer this process's.

        Without `progress` what was kept of it stays. `tasks` of a provider, told of, end it. With
        `in_line` it is lent as a new one, when its team's turn comes.
        """
        args = (place.job, place.item, place.token, max(1, round(seconds * 1000)), progress)
        marks = map(mark_of_task, tasks)
        return bool(await self._run("park_item", *args, int(in_line), *marks))

    async def hint(self, task: str) -> bool:
        """A provider told of a task; False if no item is laid aside for it, or if it just did."""
        return bool(await self._run("hint", mark_of_task(task), max(1, round(GAP * 1000))))

    async def cancel(self, name: str, team: str) -> bool | None:
        """False if it had ended, None if the team has no such job."""
        found = int(await self._run("cancel_job", name, team, self._keep))
        return None if found < 0 else bool(found)

    async def work(self, claimed: Claimed) -> Work | None:
        """What is needed to run an item; None if its job is gone."""
        key = self._key(claimed.job)
        fields, query, progress = await asyncio.gather(
            self.store.call("HMGET", key, "request", "created", "status"),
            self.store.call("HGET", f"{key}:in", claimed.index),
            self.store.call("HGET", f"{key}:progress", claimed.index),
        )
        if fields[0] is None:
            return None
        return Work(
            request=_request.decode(fields[0]),
            query=query or b"",
            progress=progress,
            created=int(fields[1]),
            cancelled=fields[2] == b"cancelled",
        )

    async def load(self, name: str, team: str | None = None) -> Job | None:
        """The job, if it is the team's and not hidden behind an idempotency key."""
        fields = to_fields(await self.store.call("HGETALL", self._key(name)))
        if "operation" not in fields or "hidden" in fields:
            return None
        if team is not None and fields["team"].decode() != team:
            return None
        found = (await self.results(name, [0]))[0] if "single" in fields else None
        return to_job(name, fields, found)

    async def results(self, name: str, indexes: Sequence[int]) -> list[Result | None]:
        """How these items ended, as far as they have."""
        bodies = await self.store.call("HMGET", f"{self._key(name)}:out", *indexes)
        return [None if body is None else _result.decode(body) for body in bodies]

    async def queries(self, name: str, indexes: Sequence[int]) -> list[bytes | None]:
        found: list[bytes | None] = await self.store.call(
            "HMGET", f"{self._key(name)}:in", *indexes
        )
        return found

    async def begun(self, name: str) -> int:
        """How many items were begun: those after them are queued."""
        return int(await self.store.call("HGET", self._key(name), "next") or 0)

    async def lent(self, name: str, indexes: Sequence[int]) -> Sequence[bool]:
        """Which of these items somebody works on."""
        members = (f"{name} {at}" for at in indexes)
        owners = await self.store.call("HMGET", f"{self.root}owners", *members)
        return [owner is not None for owner in owners]

    async def list(self, team: str, *, offset: int, limit: int) -> tuple[list[Job], bool]:
        """Newest first, expired ones left out; and whether there are more."""
        index = f"{self.root}jobs:of:{team}"
        names = await self.store.call("ZREVRANGE", index, offset, offset + limit)
        found = await asyncio.gather(*(self.load(name.decode(), team) for name in names[:limit]))
        return [job for job in found if job], len(names) > limit

    def _key(self, name: str) -> str:
        return f"{self.root}job:{name}"

    async def _run(self, name: str, *args: Any) -> Any:
        return await self.store.run(self._scripts[name], [self.root], args)


SCRIPTS = (
    *("open_job", "adopt_job", "claim_items", "keep_items"),
    *("finish_item", "park_item", "cancel_job", "hint"),
)


def mark_of_task(task: str) -> str:
    return hashlib.sha256(task.encode()).hexdigest()[:32]


def single(request: Request) -> dict[str, Any]:
    """The fields of a job of one lookup, which is always under way."""
    return {
        **_described(request, total=1),
        "status": "running",
        "done": 0,
        "next": 1,
        "single": 1,
        "lookup": request.lookup,
    }


def _described(request: Request, *, total: int) -> dict[str, Any]:
    return {
        "operation": request.operation,
        "currency": request.currency,
        "request": _pack(request),
        "total": total,
        "cancelled": 0,
        "failed": 0,
    }


def _events_of(job: NewJob) -> list[bytes]:
    """Rows that can't be asked have ended: whoever is told of rows is told of these, too."""
    if not job.request.events:
        return []
    return [to_event(Place(job.id, at), job.results[at]) for at in sorted(job.results)]


def _flat(fields: Mapping[str, Any]) -> list[Any]:
    return [part for pair in fields.items() for part in pair]
