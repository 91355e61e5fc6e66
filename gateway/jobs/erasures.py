"""Erasures in the store: taken in, lent to whoever carries them out, and what came of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from gateway.lookup.subject import Subject
from gateway.money.ledger import DAY, new_id
from gateway.money.terms import ObjectionKind
from gateway.store.connection import Argument, Store
from gateway.store.script import Script
from gateway.vault.sealing import Sealer

LEASE = 15_000
REMOVED = "removed:"

Status = Literal["queued", "running", "completed", "failed"]


class Erasure(Struct, kw_only=True):
    """`removed` and `left` by place; `files` by what became of them. Times in ms."""

    id: str
    status: Status
    reason: str
    suppression: str
    created: int
    started: int | None = None
    finished: int | None = None
    passes: int = 0
    removed: dict[str, int] = {}
    left: dict[str, int] = {}
    files: dict[str, str] = {}


class Charge(Struct):
    """An erasure on loan; only the newest token may write of it."""

    id: str
    token: int
    subject: Subject


class Lost(Exception):
    """Another process has it by now."""


class Erasures:
    """Every change is one script. Every method raises StoreDown."""

    def __init__(self, store: Store, root: str, sealer: Sealer, *, keep_days: int):
        self._store = store
        self._root = root
        self._sealer = sealer
        self._keep = keep_days * DAY
        self._open = Script.load("open_erasure")
        self._claim = Script.load("claim_erasure")
        self._note = Script.load("note_erasure")

    async def open(self, subject: Subject, key: bytes, reason: str) -> Erasure:
        """Take it in; the person is suppressed from then on."""
        name = new_id("era")
        sealed, kind = self._seal(name, subject), _kind(subject)
        args: list[Argument] = [name, sealed, reason, kind, *subject.marks(key)]
        await self._store.run(self._open, [self._root], args)
        found = await self.get(name)
        assert found is not None
        return found

    async def get(self, name: str) -> Erasure | None:
        flat = await self._store.call("HGETALL", f"{self._root}erasure:{name}")
        told = {field.decode(): value for field, value in zip(flat[::2], flat[1::2], strict=True)}
        return _to_erasure(name, told) if told else None

    async def page(self, *, offset: int, limit: int) -> tuple[list[Erasure], bool]:
        """Newest first, and whether there are more."""
        key = f"{self._root}erasures"
        names = await self._store.call("ZREVRANGE", key, offset, offset + limit)
        found = await asyncio.gather(*(self.get(name.decode()) for name in names[:limit]))
        return [one for one in found if one], len(names) > limit

    async def claim(self) -> Charge | None:
        """One that nobody works on. Raises SealBroken."""
        found = await self._store.run(self._claim, [self._root], [LEASE])
        if not found:
            return None
        name = found[0].decode()
        body = self._sealer.open(found[2], place=self._place(name))
        return Charge(name, found[1], msgspec.msgpack.decode(body, type=Subject))

    async def note(
        self,
        charge: Charge,
        counts: Mapping[str, int],
        fields: Mapping[str, str | bytes | int],
        marks: Sequence[str] = (),
        *,
        lease: int = LEASE,
    ) -> None:
        """Write how far it is. Raises Lost."""
        told = [part for pair in counts.items() for part in pair]
        said = [part for pair in fields.items() for part in pair]
        args = (charge.id, charge.token, lease, self._keep, len(counts), *told, len(fields), *said)
        if not await self._store.run(self._note, [self._root], (*args, *marks)):
            raise Lost

    async def learn(self, charge: Charge, key: bytes) -> None:
        """Keep what else the person is called, for whoever may have to go on. Raises Lost."""
        sealed = self._seal(charge.id, charge.subject)
        await self.note(charge, {}, {"sealed": sealed}, charge.subject.marks(key))

    def _seal(self, name: str, subject: Subject) -> bytes:
        body = msgspec.msgpack.encode(subject)
        return self._sealer.seal(body, place=self._place(name))

    def _place(self, name: str) -> str:
        return f"{self._root}erasure:{name}"


def _kind(subject: Subject) -> ObjectionKind:
    if subject.emails:
        return "email"
    return "linkedin_url" if subject.profiles else "person"


def _to_erasure(name: str, told: Mapping[str, bytes]) -> Erasure:
    texts = {field: value.decode() for field, value in told.items() if field != "sealed"}
    counts = {
        field.removeprefix(REMOVED): int(text)
        for field, text in texts.items()
        if field.startswith(REMOVED)
    }
    return Erasure(
        id=name,
        status=msgspec.convert(texts["status"], Status),
        reason=texts.get("reason", ""),
        suppression=texts["suppression"],
        created=int(texts["created"]),
        started=int(texts["started"]) if "started" in texts else None,
        finished=int(texts["finished"]) if "finished" in texts else None,
        passes=int(texts.get("passes", 0)),
        removed=counts,
        left=msgspec.json.decode(texts.get("left", "{}")),
        files=msgspec.json.decode(texts.get("files", "{}")),
    )
