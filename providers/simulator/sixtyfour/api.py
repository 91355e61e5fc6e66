"""Sixtyfour: its credentials, its words for refusals, and the sections of its documentation."""

from __future__ import annotations

from typing import ClassVar

from providers.simulator.accounts import Account
from providers.simulator.dialect import Dialect, Presented, Section, bearer
from providers.simulator.sixtyfour.finder import Finder
from providers.simulator.sixtyfour.signing import Signing
from providers.simulator.wire import Reply, Request, reply

REFUSALS: dict[int, tuple[str, str]] = {
    401: ("Unauthorized", "Invalid or missing API key"),
    402: ("Payment Required", "Insufficient balance"),
    403: ("Forbidden", "Your plan does not include this endpoint"),
    404: ("Not Found", "The requested resource was not found"),
    405: ("Method Not Allowed", "Method Not Allowed"),
    429: ("Too Many Requests", "Rate limit of 500 requests per minute exceeded"),
}


class Sixtyfour(Dialect):
    name: ClassVar[str] = "sixtyfour"
    prefix: ClassVar[str] = "/sixtyfour"
    misused: ClassVar[int] = 405
    sections: ClassVar[tuple[type[Section], ...]] = (Finder, Signing)

    def credential(self, request: Request) -> Presented | None:
        if key := request.header(b"x-api-key"):
            return Presented(key, "header:x-api-key")
        if key := request.header(b"authorization"):
            return Presented(bearer(key), "header:authorization")
        return None

    def refuse(self, status: int, request: Request) -> Reply:
        error, message = REFUSALS.get(status, ("Internal Server Error", "Something went wrong"))
        return reply(status, {"error": error, "message": message})

    def refuse_credits(self, account: Account) -> Reply:
        error, message = REFUSALS[402]
        return reply(402, {"error": error, "message": message})

    def refuse_unreadable(self, request: Request) -> Reply:
        detail = [{"loc": ["body", 0], "msg": "JSON decode error", "type": "json_invalid"}]
        return reply(422, {"detail": detail})
