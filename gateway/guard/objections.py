"""Records of objections in the store: whose word it was, when, and the marks that they hold."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from gateway.store.connection import Store
from gateway.store.script import Script

# Who says so, beside the providers.
ADMIN, ERASURE = "admin", "erasure"


class Objection(Struct, frozen=True, kw_only=True):
    """`kind` is email, domain, linkedin_url or person (by name at a place); `created` in ms.

    Nobody can be read out of it; only a `domain` is in clear.
    """

    id: str
    kind: str
    reason: str
    source: str
    created: int
    domain: str = ""


class Objections:
    """Every change is one script, and holds for all processes once it returns.

    Every method raises StoreDown.
    """

    def __init__(self, store: Store, root: str):
        self._store = store
        self._root = root
        self._suppress = Script.load("suppress")
        self._lift = Script.load("lift_suppression")
        self._listed = Script.load("list_suppressions")

    async def add(
        self, kind: str, marks: Sequence[str], *, source: str, reason: str = "", domain: str = ""
    ) -> tuple[Objection, bool]:
        """The record, and whether it is new: the same word of the same source is one record."""
        args = (kind, source, reason, domain, *marks)
        name, new = await self._store.run(self._suppress, [self._root], args)
        found = await self.get(name.decode())
        if found is None:
            # Taken back in the same moment.
            found = Objection(id=name.decode(), kind=kind, reason=reason, source=source, created=0)
        return found, bool(new)

    async def lift(self, name: str) -> bool:
        """Take a record back, and every mark that no other holds; False if there is none."""
        return bool(await self._store.run(self._lift, [self._root], [name]))

    async def get(self, name: str) -> Objection | None:
        key = f"{self._root}suppression:{name}"
        found = await self._store.call("HMGET", key, *FIELDS)
        return None if found[0] is None else _to_objection(name, found)

    async def holding(self, marks: Sequence[str]) -> list[Objection]:
        """The records that any of the marks is held by, oldest first."""
        if not marks:
            return []
        held = await self._store.call("HMGET", f"{self._root}suppressed:by", *marks)
        names = {name.decode() for text in held if text for name in text.split()}
        found = await asyncio.gather(*(self.get(name) for name in names))
        known = [one for one in found if one is not None]
        return sorted(known, key=lambda one: (one.created, one.id))

    async def page(self, below: str, limit: int) -> tuple[dict[str, Objection], int]:
        """At most `limit` by their place in the list, newest first, whose place is below `below`,
        if that is given; and how many there are in all.
        """
        found = await self._store.run(self._listed, [self._root], (below, limit, *FIELDS))
        rows = zip(found[1::3], found[2::3], found[3::3], strict=True)
        listed = {place.decode(): _to_objection(name, values) for place, name, values in rows}
        return listed, found[0]


FIELDS = ("kind", "reason", "source", "created", "domain")


def _to_objection(name: str | bytes, values: Sequence[bytes | None]) -> Objection:
    kind, reason, source, created, domain = ((value or b"").decode() for value in values)
    return Objection(
        id=name if isinstance(name, str) else name.decode(),
        kind=kind,
        reason=reason,
        source=source,
        created=int(created or 0),
        domain=domain,
    )
