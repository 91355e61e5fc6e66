"""Hunter's account: plan, usage, members, keys; and the logos that need none."""

from __future__ import annotations

import secrets
import struct
import zlib
from datetime import UTC, datetime
from functools import lru_cache

from providers.simulator.dialect import Call, Handlers, Refused, Section
from providers.simulator.hunter.book import Book, Key
from providers.simulator.hunter.replies import (
    bounds,
    instant,
    invalid,
    lost,
    number_of,
    refuse_used_up,
)
from providers.simulator.wire import NO_CONTENT, Fields, Reply, reply

METERS = ("searches", "verifications")
RESET_DATE = "2027-01-01"
MOST_KEYS = 100
PNG = (b"content-type", b"image/png")


class Team(Section):
    def handlers(self) -> Handlers:
        return {
            "GET /account": self._account,
            "GET /usage": self._usage,
            "GET /team/members": self._members,
            "GET /api-keys": self._list_keys,
            "POST /api-keys": self._create_key,
            "PUT /api-keys/{id}": self._rename_key,
            "DELETE /api-keys/{id}": self._delete_key,
            "GET /logos/{domain}": self._logo,
        }

    def _book(self, call: Call) -> Book:
        return self.stage.book(call.account, lambda: Book(self.world))

    def _account(self, call: Call) -> Reply:
        meters = {name: self._used(call, name) for name in METERS}
        data = {
            "first_name": "Simulated",
            "last_name": "Customer",
            "email": f"{call.account.name}@customer.example",
            "plan_name": call.account.plan,
            "plan_level": 0 if call.account.plan == "Free" else 3,
            "reset_date": RESET_DATE,
            "team_id": 1,
            "calls": {
                "_deprecation_notice": "Sums the searches and the verifications, giving an "
                "unprecise look of the requests available",
                **{k: sum(m[k] for m in meters.values()) for k in ("used", "available")},
            },
            "requests": meters,
        }
        return reply(200, {"data": data})

    def _usage(self, call: Call) -> Reply:
        left = call.account.left(self.stage.bill, "searches")
        if left <= 0 and call.account.refusal == "restricted_account":
            raise Refused(refuse_used_up(call.account))
        requests = {name: self._used(call, name) for name in METERS}
        if call.request.flag("show_overage_requests"):
            for meter in requests.values():
                meter["over_quota"] = max(0, meter["used"] - meter["available"])
        return reply(200, {"data": {"reset_date": RESET_DATE, "requests": requests}})

    def _used(self, call: Call, meter: str) -> dict[str, int]:
        used = self.stage.bill.used("hunter", call.account.name, meter)
        return {"used": used, "available": call.account.allowance.get(meter, 0)}

    def _members(self, call: Call) -> Reply:
        limit, offset = bounds(call.request)
        name = call.account.name
        members = [
            {"id": 1, "name": "Simulated Customer", "email": f"{name}@customer.example"},
            {"id": 2, "name": "Simulated Colleague", "email": f"{name}.2@customer.example"},
        ]
        meta = {"total": len(members), "limit": limit, "offset": offset}
        return reply(200, {"data": members[offset : offset + limit], "meta": meta})

    def _keys(self, call: Call) -> dict[int, Key]:
        """The first is made up: nobody is shown the key that the account came with."""
        book = self._book(call)
        if not book.keys:
            number = book.number("key")
            book.keys[number] = Key(number, None, secrets.token_hex(20), datetime.now(UTC))
        return book.keys

    def _list_keys(self, call: Call) -> Reply:
        limit, offset = bounds(call.request)
        keys = sorted(self._keys(call).values(), key=lambda key: -key.id)
        meta = {"total": len(keys), "limit": limit, "offset": offset}
        data = [_masked(key) for key in keys[offset : offset + limit]]
        return reply(200, {"status": "success", "data": data, "meta": meta})

    def _create_key(self, call: Call) -> Reply:
        """The new key opens the account at once."""
        keys, name = self._keys(call), call.request.text("name") or None
        self._check_name(call, name)
        if len(keys) >= MOST_KEYS:
            raise invalid("You cannot have more than 100 API keys.")
        number = self._book(call).number("key")
        key = keys[number] = Key(number, name, secrets.token_hex(20), datetime.now(UTC))
        self.stage.accounts.put(key.token, call.account)
        data = {**_masked(key), "token": key.token}
        return reply(201, {"status": "success", "data": data})

    def _check_name(self, call: Call, name: str | None) -> None:
        if name and any(key.name == name for key in self._keys(call).values()):
            raise invalid("Name has already been taken.")

    def _key(self, call: Call) -> Key:
        key = self._keys(call).get(number_of(call.request))
        if key is None:
            raise lost("API key")
        return key

    def _rename_key(self, call: Call) -> Reply:
        key, name = self._key(call), call.request.text("name")
        if not name:
            raise invalid("Name can't be blank.", "empty_required_field")
        self._check_name(call, name)
        key.name = name
        return reply(200, {"status": "success", "data": _masked(key)})

    def _delete_key(self, call: Call) -> Reply:
        key, keys = self._key(call), self._keys(call)
        if len(keys) == 1:
            raise invalid("You cannot delete your last API key.")
        del keys[key.id]
        self.stage.accounts.drop("hunter", key.token)
        return NO_CONTENT

    def _logo(self, call: Call) -> Reply:
        if self.world.company(call.request.segments["domain"]) is None:
            raise lost("Logo")
        return Reply(200, _pixel(), (PNG,))


def _masked(key: Key) -> Fields:
    token = f"********{key.token[-4:]}"
    return {"id": key.id, "name": key.name, "token": token, "created_at": instant(key.created)}


@lru_cache(maxsize=1)
def _pixel() -> bytes:
    """The smallest picture there is."""
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0\0")),
        (b"IEND", b""),
    )
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
