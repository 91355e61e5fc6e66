"""The trail of administration: who changed what, and when; ids and names of fields, no values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from gateway.store.connection import Script, Store

TRAIL = "{pgw}:audit"
LONGEST = 100_000

# One entry in two streams, the second of them about one object; both end with their age.
APPEND = Script.of(
    "append_audit",
    "local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', unpack(ARGV, 3)) "
    "redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[1], id, unpack(ARGV, 3)) "
    "local keep = tonumber(ARGV[2]) "
    "local oldest = string.format('%.0f', tonumber(string.match(id, '%d+')) - keep) "
    "redis.call('XTRIM', KEYS[1], 'MINID', '=', oldest) "
    "redis.call('XTRIM', KEYS[2], 'MINID', '=', oldest) "
    "redis.call('PEXPIRE', KEYS[1], keep) redis.call('PEXPIRE', KEYS[2], keep) return id",
)


class AuditEntry(Struct, frozen=True):
    """`actor` is a key's id or `bootstrap`; `action` such as `key.rotated`."""

    id: str
    at: str
    actor: str
    action: str
    object_id: str
    fields: list[str]


class AuditTrail:
    """Appended to, read newest first; kept for `keep` milliseconds and LONGEST entries."""

    def __init__(self, store: Store, *, keep: int):
        self._store = store
        self._keep = keep

    async def append(
        self, actor: str, action: str, object_id: str, fields: Sequence[str] = ()
    ) -> None:
        told = ("actor", actor, "action", action, "object", object_id, "fields", " ".join(fields))
        keys = (TRAIL, _trail_of(object_id))
        await self._store.run(APPEND, keys, (LONGEST, self._keep, *told))

    async def page(
        self, limit: int, *, before: str | None = None, object_id: str | None = None
    ) -> list[AuditEntry]:
        """At most `limit` entries older than the one with the id `before`."""
        trail = TRAIL if object_id is None else _trail_of(object_id)
        newest = "+" if before is None else f"({before}"
        rows = await self._store.call("XREVRANGE", trail, newest, "-", "COUNT", limit)
        return [_to_entry(name.decode(), told) for name, told in rows]


def _trail_of(object_id: str) -> str:
    return f"{TRAIL}:of:{object_id}"


def _to_entry(name: str, told: Sequence[bytes]) -> AuditEntry:
    texts = [text.decode() for text in told]
    found = dict(zip(texts[::2], texts[1::2], strict=True))
    moment = datetime.fromtimestamp(int(name.partition("-")[0]) / 1000, UTC)
    return AuditEntry(
        id=name,
        at=moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        actor=found["actor"],
        action=found["action"],
        object_id=found["object"],
        fields=found["fields"].split(),
    )
