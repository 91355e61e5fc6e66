"""Items of jobs that name a person: question and result together."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.jobs.carrying import Conclude
from gateway.jobs.facts import decoded, facts_of
from gateway.jobs.records import Request, Result
from gateway.jobs.traces import Change, Spot, Trace
from gateway.lookup.endings import Objected
from gateway.lookup.marking import marks_of_row, rows_of
from gateway.lookup.subject import Subject, kin_of
from gateway.lookup.withholding import without
from gateway.store.connection import Store
from gateway.vault.datakey import DataKey
from providers.model import ANSWERS, EMAILS_FIND, EMAILS_VERIFY, PEOPLE_ENRICH

# Of one person each: question and answer go together.
SINGLE = (EMAILS_FIND, EMAILS_VERIFY, PEOPLE_ENRICH)

_request = msgspec.msgpack.Decoder(Request)
_result = msgspec.msgpack.Decoder(Result)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Item(msgspec.Struct):
    """`name` is its job's key."""

    name: str
    index: str
    request: Request
    created: int | None
    until: int | None
    question: bytes
    result: bytes


class Items:
    """`conclude` makes the result that takes the place of an erased one."""

    def __init__(self, store: Store, conclude: Conclude, key: DataKey):
        self._store = store
        self._conclude = conclude
        self._key = key

    async def read(self, spot: Spot, subject: Subject) -> Trace | None:
        """Raises StoreDown."""
        item = await self._load(spot.key.rpartition(":")[0], spot.field)
        if item is None:
            return None
        single = item.request.operation in SINGLE
        asked = subject.may_be_named_in(item.question)
        body = _result.decode(item.result).body if item.result else b""
        told = subject.may_be_named_in(body)
        if not (asked or told):
            return None
        changes = [Change("field", f"{item.name}:in", item.index, item.question)]
        if item.result and (single or told):
            fresh = self._erased(item, subject)
            changes.append(Change("field", f"{item.name}:out", item.index, item.result, fresh))
        trace = _to_trace(item, subject, body)
        trace.changes = changes if asked or single else changes[1:]
        return trace

    async def _load(self, name: str, index: str) -> Item | None:
        request, created = await self._store.call("HMGET", name, "request", "created")
        if request is None:
            return None
        until = await self._store.call("PEXPIRETIME", name)
        return Item(
            name=name,
            index=index,
            request=_request.decode(request),
            created=int(created or 0) or None,
            until=until if until > 0 else None,
            question=await self._store.call("HGET", f"{name}:in", index) or b"",
            result=await self._store.call("HGET", f"{name}:out", index) or b"",
        )

    def _erased(self, item: Item, subject: Subject) -> bytes:
        """The result without the person: that of an objection, or the list without the rows."""
        held = _result.decode(item.result)
        left = None
        if item.request.operation not in SINGLE and held.outcome in ("accepted", "weak"):
            left = self._without_rows(item.request.operation, held, subject)
        if left is None:
            left = self._conclude(None, Objected(), item.request)
            left.cost = held.cost
        return msgspec.msgpack.encode(left)

    def _without_rows(self, operation: str, held: Result, subject: Subject) -> Result | None:
        """None if the person is still in what is left."""
        body: dict[str, Any] = _members.decode(held.body)
        data = msgspec.json.decode(body["data"], type=ANSWERS[operation] | None)
        key = self._key.value
        marks = {id(row): marks_of_row(row, key) for row in rows_of(data)}
        hits = frozenset(subject.marks(key))
        meta = _members.decode(body["meta"])
        meta.pop("raw", None)
        left = {**body, "data": without(data, hits, marks), "meta": meta}
        text = msgspec.json.encode(left)
        if subject.is_named_in(text):
            return None
        rows = [mark for mark in held.rows if mark not in hits]
        return msgspec.structs.replace(held, body=text, rows=rows)


def _to_trace(item: Item, subject: Subject, body: bytes) -> Trace:
    asked, told = decoded(item.question), decoded(body)
    facts = facts_of(told, subject)
    if item.request.operation in SINGLE:
        data = told.get("data") if isinstance(told, dict) else None
        facts["links"] = kin_of([asked, data], subject)
    facts["operation"] = item.request.operation
    facts["data"] = facts.get("data") or asked
    job = item.name.rpartition(":")[2]
    return Trace(
        place="jobs",
        reference=f"{job}/{item.index}",
        changes=[],
        team=item.request.caller.team,
        lookup=item.request.lookup or f"{job}.{item.index}",
        until=item.until,
        **{**facts, "obtained": facts.get("obtained") or item.created},
    )
