"""How each kind of key that may hold a person is read, and how the person is taken out of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import msgspec

from gateway.jobs.facts import decoded, facts_of, rows_about, sources_of
from gateway.jobs.holdings import holding_of
from gateway.jobs.items import Items
from gateway.jobs.records import Request
from gateway.jobs.traces import Change, Spot, Trace
from gateway.lookup import tickets
from gateway.lookup.desk import Desk
from gateway.lookup.subject import Subject, links_of
from gateway.store.connection import Store
from gateway.vault.sealing import Sealer

ERASED = b"erased"
WITHHELD = b'{"withheld":true}'
# In place of a receiver's address.
NOWHERE = b"https://erased.invalid/"
NAMED = ("provider", "operation", "team", "lookup", "at")

Reader = Callable[["Readers", Spot, Subject], Awaitable[Trace | None]]


class Readers:
    """Every method raises StoreDown."""

    def __init__(self, desk: Desk, items: Items, sealer: Sealer):
        self._store: Store = desk.store
        self._sealer = sealer
        self._root = desk.root
        self._items = items

    async def read(self, spot: Spot, subject: Subject) -> Trace | None:
        """What the value says of the person; None if it does not.

        What can't be read, and names the person all the same, has nothing that would change it.
        """
        try:
            return await READERS[spot.pattern](self, spot, subject)
        except (msgspec.MsgspecError, ValueError):
            place = holding_of(spot.key, self._root)
            held = await self._store.call("HGET", spot.key, spot.field) if spot.field else b""
            if place is None or place.place is None or not subject.may_be_named_in(held or b""):
                return None
            return Trace(place=place.place, reference=spot.key, changes=[])

    async def of_cache(self, spot: Spot, subject: Subject) -> Trace | None:
        if spot.field != "body":
            return None
        found = await self._store.call("HMGET", spot.key, "body", "rid", "at", "life")
        if found[0] is None:
            return None
        data, _, _, raw = msgspec.msgpack.decode(found[0])
        if not (subject.may_be_named_in(data) or subject.may_be_named_in(raw)):
            return None
        at, value = int(found[2]), msgspec.json.decode(data)
        trace = Trace(
            place="cache",
            reference=spot.key.rpartition(":")[2],
            changes=[Change("answer", spot.key, "body", found[0])],
            obtained=at,
            until=at + int(found[3]),
            sources=sources_of(value),
            data=rows_about(value, subject),
            links=links_of(value, subject),
        )
        return await self._explained(trace, found[1].decode())

    async def _explained(self, trace: Trace, rid: str) -> Trace:
        """With what the ledger knows of the call."""
        entry = await self._store.call("HMGET", f"{self._root}entry:{rid}", *NAMED)
        provider, operation, team, lookup, at = ((value or b"").decode() for value in entry)
        trace.provider, trace.operation = provider, operation
        trace.team, trace.lookup = team, lookup
        trace.obtained = trace.obtained or int(at or 0) or None
        return trace

    async def of_item(self, spot: Spot, subject: Subject) -> Trace | None:
        return await self._items.read(spot, subject)

    async def of_job(self, spot: Spot, subject: Subject) -> Trace | None:
        """What its team says of it: a text of theirs, a tag, an address to call."""
        held = await self._store.call("HGET", spot.key, spot.field)
        if held is None:
            return None
        fresh = b""
        if spot.field == "request":
            request = msgspec.msgpack.decode(held, type=Request)
            named = request.tag.encode()
            fresh = msgspec.msgpack.encode(msgspec.structs.replace(request, tag="erased"))
        elif spot.field in ("metadata", "url", "item_url"):
            named = held
        else:
            return None
        if not subject.may_be_meant_in(named):
            return None
        change = Change("field", spot.key, spot.field, held, fresh)
        return Trace(place="jobs", reference=spot.key.rpartition(":")[2], changes=[change])

    async def of_reply(self, spot: Spot, subject: Subject) -> Trace | None:
        body = await self._store.call("HGET", spot.key, "body")
        if spot.field != "body" or body is None or not subject.may_be_named_in(body):
            return None
        left = await self._store.call("PEXPIRETIME", spot.key)
        return Trace(
            place="idempotency",
            reference=spot.key.rpartition(":")[2],
            changes=[Change("key", spot.key, "body", body)],
            until=left if left > 0 else None,
            **facts_of(decoded(body), subject),
        )

    async def of_entry(self, spot: Spot, subject: Subject) -> Trace | None:
        held = await self._store.call("HGET", spot.key, spot.field)
        rid = spot.key.rpartition(":")[2]
        if held is None or spot.field not in ("ticket", "tag", "note"):
            return None
        if spot.field != "ticket":
            if not subject.may_be_meant_in(held):
                return None
            change = Change("field", spot.key, spot.field, held, ERASED)
            return await self._explained(
                Trace(place="labels", reference=rid, changes=[change]), rid
            )
        if not held:
            return None
        kept = tickets.unpack(held)
        said = msgspec.json.encode([msgspec.Raw(kept.query), *kept.ticket.state.values()])
        if kept.is_bare or not subject.may_be_named_in(said):
            return None
        fresh = tickets.pack(kept.bare())
        trace = Trace(
            place="tickets",
            reference=rid,
            changes=[Change("field", spot.key, "ticket", held, fresh)],
            links=links_of(msgspec.json.decode(kept.query), subject),
        )
        return await self._explained(trace, rid)

    async def of_sum(self, spot: Spot, subject: Subject) -> Trace | None:
        """The tag of calls is part of a sum's name."""
        kind, bracket, rest = spot.field.partition("[")
        *_, tag = msgspec.json.decode(bracket + rest, type=list[str])
        if not subject.may_be_meant_in(tag.encode()):
            return None
        held = await self._store.call("HGET", spot.key, spot.field)
        if held is None:
            return None
        change = Change("sum", spot.key, spot.field, held, ERASED)
        return Trace(place="labels", reference=f"{kind} {spot.key[-10:]}", changes=[change])

    async def of_question(self, spot: Spot, subject: Subject) -> Trace | None:
        held = await self._store.call("GET", spot.key)
        if held is None or not subject.may_be_named_in(held):
            return None
        rid = spot.key.rpartition(":")[2]
        trace = Trace(
            place="questions",
            reference=rid,
            changes=[Change("key", spot.key, "", held)],
            data=msgspec.json.decode(held),
            links=links_of(msgspec.json.decode(held), subject),
        )
        return await self._explained(trace, rid)

    async def of_event(self, spot: Spot, subject: Subject) -> Trace | None:
        rows = await self._store.call("XRANGE", spot.key, spot.field, spot.field)
        if not rows:
            return None
        values = rows[0][1]
        told = dict(zip(values[::2], values[1::2], strict=True))
        if not any(subject.is_named_in(value) for value in told.values()):
            return None
        return Trace(
            place="outbox",
            reference=spot.field,
            changes=[Change("event", spot.key, spot.field, b"")],
            operation=told.get(b"event", b"").decode(),
            team=told.get(b"team", b"").decode(),
            obtained=int(spot.field.partition("-")[0]),
            data=rows_about(decoded(told.get(b"data", b"")), subject),
        )

    async def of_delivery(self, spot: Spot, subject: Subject) -> Trace | None:
        """What is sent, or was, says no more than that something was taken out of it; where an
        address names the person, nothing is sent.
        """
        names = (spot.field, "event", "team", "at")
        found = await self._store.call("HMGET", spot.key, *names)
        if found[0] is None or not _is_told_of(spot.field, found[0], subject):
            return None
        fresh = WITHHELD if spot.field == "data" else b""
        return Trace(
            place="deliveries",
            reference=spot.key.rpartition(":")[2],
            changes=[Change("field", spot.key, spot.field, found[0], fresh)],
            operation=(found[1] or b"").decode(),
            team=(found[2] or b"").decode(),
            obtained=int(found[3] or 0) or None,
            data=rows_about(decoded(found[0]), subject),
        )

    async def of_endpoint(self, spot: Spot, subject: Subject) -> Trace | None:
        """A receiver whose address names the person is told nothing any more."""
        found = await self._store.call("HMGET", spot.key, "url", "enabled", "reason", "team")
        if spot.field != "url" or found[0] is None or not subject.may_be_meant_in(found[0]):
            return None
        fresh = {"url": NOWHERE, "enabled": b"0", "reason": ERASED}
        seen = zip(fresh, found, strict=False)
        return Trace(
            place="deliveries",
            reference=spot.key.rpartition(":")[2],
            changes=[Change("field", spot.key, one, held, fresh[one]) for one, held in seen],
            team=(found[3] or b"").decode(),
        )

    async def of_notice(self, spot: Spot, subject: Subject) -> Trace | None:
        rows = await self._store.call("XRANGE", spot.key, spot.field, spot.field)
        if not rows:
            return None
        body = self._sealer.open(rows[0][1][1], place=spot.key)
        if not subject.may_be_named_in(body):
            return None
        return Trace(
            place="notices",
            reference=spot.field,
            changes=[Change("event", spot.key, spot.field, b"")],
            obtained=int(spot.field.partition("-")[0]),
        )

    async def of_reason(self, spot: Spot, subject: Subject) -> Trace | None:
        held = await self._store.call("HGET", spot.key, spot.field)
        if spot.field != "reason" or held is None or not subject.may_be_meant_in(held):
            return None
        change = Change("field", spot.key, "reason", held)
        return Trace(place="reasons", reference=spot.key.rpartition(":")[2], changes=[change])


def _is_told_of(field: str, held: bytes, subject: Subject) -> bool:
    """Whether a field of a delivery names the person."""
    if field == "url":
        return subject.may_be_meant_in(held)
    return field == "data" and subject.is_named_in(held)


READERS: Mapping[str, Reader] = {
    "cache:*": Readers.of_cache,
    "job:*": Readers.of_job,
    "job:*:in": Readers.of_item,
    "job:*:out": Readers.of_item,
    "mark:*": Readers.of_reply,
    "entry:*": Readers.of_entry,
    "asked:*": Readers.of_question,
    "sums:*": Readers.of_sum,
    "outbox": Readers.of_event,
    "outbox:copy": Readers.of_event,
    "delivery:*": Readers.of_delivery,
    "endpoint:*": Readers.of_endpoint,
    "notices:*": Readers.of_notice,
    "suppression:*": Readers.of_reason,
    "erasure:*": Readers.of_reason,
}
