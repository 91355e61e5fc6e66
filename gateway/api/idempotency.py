"""`Idempotency-Key`: one request however often it is sent, and its reply again."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from gateway.api.bodies import to_query
from gateway.api.encoded import Encoded
from gateway.api.problems import Problem, invalid, of_error
from gateway.jobs.marks import Found, Mark, MarkStore, Reply
from gateway.jobs.records import Request
from gateway.lookup.desk import Desk
from gateway.lookup.endings import Objected
from gateway.lookup.identity import canonical, normalise
from gateway.lookup.lookup import Lookup
from gateway.lookup.marking import named_in
from gateway.money.ledger import new_id
from gateway.store.connection import StoreDown

HEADER = b"idempotency-key"
REPLAYED = {"idempotency-replayed": "true"}
LONGEST = 255
RETRY = 1.0
PATIENCE = 600.0
PAUSE = 0.25
PRINTABLE = range(0x20, 0x7F)

_encode = msgspec.json.Encoder(order="sorted").encode


def key_of(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """The key in a request's headers. Raises Problem (422)."""
    given = [value for name, value in headers if name == HEADER]
    if not given:
        return None
    if len(given) > 1:
        raise invalid("", "the header Idempotency-Key is given more than once")
    if not 1 <= len(given[0]) <= LONGEST or not all(byte in PRINTABLE for byte in given[0]):
        details = f"the header Idempotency-Key is not 1 to {LONGEST} printable ASCII characters"
        raise invalid("", details)
    return given[0]


def mark_of(
    scope: Any, operation: str, body: Any, parts: Collection[str], *, secret: bytes
) -> Mark | None:
    """The mark of a POST with a key. Raises Problem (422), QueryError.

    The same question in another spelling is the same request; how long its caller waits for the
    answer is not part of it.
    """
    key = key_of(scope["headers"]) if scope["method"] == "POST" else None
    if key is None:
        return None
    place = f"{scope['caller'].team}\0POST {scope['path'].rstrip('/')}\0"
    asked = canonical(normalise(to_query(operation, body)))
    more = _encode((body.routing, body.tag or "", getattr(body, "cursor", None), sorted(parts)))
    return Mark(_digest(place.encode() + key, secret), _digest(asked + b"\0" + more, secret))


def _digest(text: bytes, secret: bytes) -> str:
    return hashlib.blake2b(text, digest_size=16, key=secret).hexdigest()


def check(found: Found) -> None:
    """Raise Problem for a repeat that can't be answered with what was answered first."""
    match found.kind:
        case "mismatch":
            detail = "This Idempotency-Key was sent with another body; use a new one."
            raise Problem("idempotency_mismatch", detail)
        case "running":
            detail = "The first request with this Idempotency-Key is not answered yet."
            raise Problem("idempotency_in_flight", detail, retry_after=RETRY)
        case "objected":
            problem = of_error(Objected())
            problem.headers |= REPLAYED
            raise problem


class Repeats:
    """Marks of one process's requests, whatever the store does meanwhile."""

    def __init__(self, desk: Desk):
        self._desk = desk
        hours = desk.settings.retention.idempotency_hours
        self._marks = MarkStore(desk.store, desk.root, keep_hours=hours)

    async def look(self, mark: Mark) -> Found:
        """What came of the first request; nothing is claimed. Raises StoreDown."""
        return await self._marks.look(mark)

    async def begin(self, mark: Mark, lookup: Lookup, work: Request) -> Found:
        """Claim the mark for `lookup`, unless there was a request before. Raises StoreDown."""
        job = new_id("job")
        try:
            found = await self._marks.begin(mark, job, work, msgspec.json.encode(lookup.query))
        except StoreDown:
            # It may have been claimed: nobody must carry out what was refused.
            _ = self._desk.waterfall.go_on(self._insist(mark, job, None))
            raise
        lookup.place = found.place
        return found

    async def end(
        self, mark: Mark, lookup: Lookup, answer: Encoded | Problem, request_id: str
    ) -> bool:
        """Keep the answer or free the mark; False if the lookup is a job that others know of."""
        assert lookup.place is not None
        job = lookup.place.job
        reply = self._to_reply(lookup, answer, request_id)
        try:
            return await self._marks.end(mark, job, reply)
        except StoreDown:
            # Should this process die before it succeeds, the job behind the mark is taken over.
            _ = self._desk.waterfall.go_on(self._insist(mark, job, reply))
            return True

    async def _insist(self, mark: Mark, job: str, reply: Reply | None) -> None:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with contextlib.suppress(StoreDown):
                _ = await self._marks.end(mark, job, reply)
                return
            await asyncio.sleep(PAUSE)

    def _to_reply(
        self, lookup: Lookup, answer: Encoded | Problem, request_id: str
    ) -> Reply | None:
        """What is kept of an answer: of its headers, not what they say of the moment."""
        if isinstance(answer, Problem):
            if not _is_kept(answer, lookup):
                return None
            lasting = _lasting(answer.headers.items())
            return Reply(status=answer.status, headers=lasting, body=answer.body(request_id))
        data = lookup.answer.data if lookup.answer else None
        named = named_in(lookup.asked, data, lookup.raws, self._desk.data_key.value)
        return Reply(
            status=answer.status_code,
            headers=_lasting(answer.named),
            body=answer.body,
            persons=named.persons,
            rows=named.rows,
        )


def _is_kept(problem: Problem, lookup: Lookup) -> bool:
    """Objections, and failures that cost something: repeating others is free, and may end well."""
    if problem.code != "all_providers_failed":
        return problem.code == "suppressed"
    return lookup.spent > 0 or any(
        item.outcome == "in_doubt" or item.units for item in lookup.attempts
    )


def _lasting(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: text for name, text in headers if name.startswith("x-gateway-")}
