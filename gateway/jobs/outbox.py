"""Events on their way: from the outbox to deliveries, lent to whoever sends them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from gateway.settings import WebhookSettings
from gateway.store.connection import Store
from gateway.store.script import Script

State = Literal["pending", "sending", "delivered", "failed", "withheld"]
SECOND = 1000
DAY = 24 * 3600 * SECOND
# Longer than an attempt with all its store calls: whoever is silent for so long is gone.
LEASE_MARGIN = 15 * SECOND
# Of one call: the store does nothing else meanwhile.
ROWS, MADE = 100, 300
FIELDS = (
    *("owner", "event", "team", "data", "url", "at", "state", "attempts", "failures"),
    *("error", "status", "made", "tried", "due", "delivered"),
)
COUNTS = ("at", "attempts", "failures", "status", "made", "tried", "due", "delivered")


class Lent(Struct, frozen=True):
    """A delivery on loan; a result counts only with the newest token."""

    id: str
    token: int


class Delivery(Struct, kw_only=True):
    """A row of the outbox for one receiver; times in ms, 0 for what has not happened.

    `url` is '' for an endpoint's. `failures` count since it was last asked for.
    """

    id: str
    owner: str
    event: str
    team: str
    data: bytes
    url: str
    at: int
    state: State
    attempts: int
    failures: int
    error: str
    status: int
    made: int
    tried: int
    due: int
    delivered: int


class Verdict(Struct, kw_only=True):
    """What came of an attempt; `wait` until the next and `hold` of the whole receiver in ms.

    `gone` receivers are sent nothing more, `swift` ones more at once.
    """

    state: State
    error: str = ""
    status: int = 0
    wait: int = 0
    hold: int = 0
    gone: bool = False
    swift: bool = False


class Outbox:
    """Every change is one script. Every method raises StoreDown."""

    def __init__(self, store: Store, root: str, settings: WebhookSettings):
        self._store = store
        self._root = root
        self._each = settings.per_endpoint
        self._keep = settings.keep_days * DAY
        # The log lists what still waits, too.
        self._listed = self._keep + 2 * sum(settings.retries) * SECOND
        self._lease = round(settings.timeout * SECOND) + LEASE_MARGIN
        self._fan_out = Script.load("fan_out")
        self._claim = Script.load("claim_deliveries")
        self._end = Script.load("end_delivery")
        self._redeliver = Script.load("redeliver")

    @property
    def lease(self) -> float:
        """Seconds that a delivery is lent for."""
        return self._lease / SECOND

    async def fan_out(self) -> int:
        """Make deliveries of some new rows; how many rows that were."""
        args = (ROWS, self._each, self._listed, MADE)
        return int(await self._store.run(self._fan_out, [self._root], args))

    async def claim(self, most: int) -> tuple[list[Lent], float | None]:
        """At most so many that are due, and seconds until there is more to do, None if never."""
        args = (most, self._each, self._lease, self._keep)
        wait, *found = await self._store.run(self._claim, [self._root], args)
        names, tokens = found[::2], found[1::2]
        lent = [Lent(name.decode(), token) for name, token in zip(names, tokens, strict=True)]
        return lent, None if wait < 0 else wait / SECOND

    async def end(self, lent: Lent, verdict: Verdict) -> bool:
        """Write what came of it; False if another process has it by now."""
        args = (
            *(lent.id, lent.token, verdict.state, verdict.wait, verdict.error, verdict.status),
            *(self._each, int(verdict.swift), verdict.hold, self._keep, int(verdict.gone)),
        )
        return bool(await self._store.run(self._end, [self._root], args))

    async def redeliver(self, name: str, owner: str) -> str:
        """`ok`, or why not: `missing`, `disabled`, `sending`."""
        args = (name, owner, self._each)
        found: bytes = await self._store.run(self._redeliver, [self._root], args)
        return found.decode()

    async def load(self, name: str, *, data: bool = True) -> Delivery | None:
        """The delivery, on demand without what it says."""
        fields = FIELDS if data else [field for field in FIELDS if field != "data"]
        found = await self._store.call("HMGET", f"{self._root}delivery:{name}", *fields)
        if found[0] is None:
            return None
        return _to_delivery(name, {"data": b""} | dict(zip(fields, found, strict=True)))

    async def page(self, owner: str, *, offset: int, limit: int) -> tuple[list[Delivery], bool]:
        """Newest first, and whether there are more."""
        log = f"{self._root}deliveries:of:{owner}"
        names = await self._store.call("ZREVRANGE", log, offset, offset + limit)
        found = await asyncio.gather(
            *(self.load(name.decode(), data=False) for name in names[:limit])
        )
        return [one for one in found if one], len(names) > limit


def _to_delivery(name: str, found: Mapping[str, bytes | None]) -> Delivery:
    held: dict[str, Any] = {field: value or b"" for field, value in found.items()}
    for field, value in held.items():
        if field in COUNTS:
            held[field] = int(float(value or 0))
        elif field != "data":
            held[field] = value.decode()
    return Delivery(id=name, **held)
