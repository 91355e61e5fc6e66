"""Requests that carry an idempotency key: claimed, renewed, answered again."""

from __future__ import annotations

from typing import Any, Literal, cast

import msgspec
from msgspec import Struct

from gateway.jobs.queue import LEASE, single
from gateway.jobs.records import Request
from gateway.money.terms import Place
from gateway.store.connection import Store, StoreDown
from gateway.store.script import Script

HOUR = 3600 * 1000

Kind = Literal["free", "claimed", "mismatch", "running", "stored", "job", "objected"]


class Mark(Struct, frozen=True):
    """One key of one team on one path, and what it was first sent with; both keyed hashes."""

    name: str
    fingerprint: str


class Reply(Struct, kw_only=True):
    """A reply to be given again; `persons` and `rows` are marks that an objection would match.

    One of `persons` who objects silences the reply; one of `rows` has the list made anew.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    persons: list[str] = []
    rows: list[str] = []


class Found(Struct):
    """What a mark led to: `reply` if stored, the id of the `job` that the request became.

    `place` is what a claim gives: the job that would carry the request out instead.
    """

    kind: Kind
    reply: Reply | None = None
    job: str | None = None
    place: Place | None = None


class MarkStore:
    """Marks in the store; every change is one script. They and what they keep expire."""

    def __init__(self, store: Store, root: str, *, keep_hours: int):
        self._store = store
        self._root = root
        self._keep = keep_hours * HOUR
        self._begin = Script.load("begin_mark")
        self._end = Script.load("end_mark")

    async def look(self, mark: Mark) -> Found:
        """What came of the first request, if there was one."""
        return await self._run(mark, "", "", b"")

    async def begin(self, mark: Mark, job: str, request: Request, query: bytes) -> Found:
        """Claim the key; should this process die, `job` carries `request` out instead."""
        fields = [part for pair in single(request).items() for part in pair]
        found = await self._run(mark, job, request.caller.team, query, *fields)
        if found.place is not None:
            found.place = Place(job, 0, found.place.token)
        return found

    async def _run(self, mark: Mark, job: str, team: str, query: bytes, *fields: Any) -> Found:
        # A 202 is given up to a minute after the claim, and is kept as long as the rest.
        keep = self._keep + HOUR
        args = (mark.name, mark.fingerprint, job, team, LEASE, keep, query, *fields)
        found = await self._store.run(self._begin, [self._root], args)
        return _to_found(*found)

    async def end(self, mark: Mark, job: str, reply: Reply | None) -> bool:
        """Keep the reply, or free the key; False if the request is a job that others know of."""
        fields: tuple[str | bytes | int, ...] = ()
        if reply is not None:
            fields += ("status", reply.status, "body", reply.body)
            fields += ("headers", msgspec.json.encode(reply.headers))
            fields += ("persons", " ".join(reply.persons), "rows", " ".join(reply.rows))
        args = (mark.name, job, self._keep, *fields)
        return bool(await self._store.run(self._end, [self._root], args))


def _to_found(kind: bytes, *rest: bytes) -> Found:
    match kind:
        case b"gone":
            raise StoreDown("the claim was given up")
        case b"stored":
            status, headers, body = rest
            named = msgspec.json.decode(headers, type=dict[str, str])
            reply = Reply(status=int(status), headers=named, body=body)
            return Found("stored", reply=reply)
        case b"job":
            return Found("job", job=rest[0].decode())
        case b"claimed":
            return Found("claimed", place=Place("", 0, rest[0].decode()))
    return Found(cast("Kind", kind.decode()))
