"""Sixtyfour's replies, and the words in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from providers.model import Kind, Status

Cents = Annotated[float, Meta(ge=0, le=1e9)]
# [address, status, type]; webhooks leave the type out.
Entry = list[str | None]


class Started(Struct):
    task_id: str


class Job(Struct):
    """`charge_amount` is in cents. `result` may be missing, its members then stand beside it."""

    status: str
    charge_amount: Cents | None = None
    result: Raw | UnsetType = UNSET


class Results(Struct):
    results: list[Raw]


class Professional(Struct):
    email: list[Entry]
    cost_cents: Cents | None = None

    @property
    def entries(self) -> list[Entry]:
        return self.email


class Personal(Struct):
    personal_email: list[Entry]
    cost_cents: Cents | None = None

    @property
    def entries(self) -> list[Entry]:
        return self.personal_email


class Fault(Struct):
    error: str = ""
    message: str = ""
    detail: object = ""


# The public page and the provider's own tools disagree on the words; these are all of both.
STATUSES: Mapping[str, Status] = {
    "ok": "valid",
    "unknown": "catch_all",
    "catch_all": "catch_all",
    "risky": "unknown",
    "invalid": "invalid",
}
NOT_FOUND = "NOT_FOUND"
MODES: Mapping[str, Kind] = {"professional": "professional", "personal": "personal"}
KINDS: Mapping[str, Kind] = {"COMPANY": "professional", "PERSONAL": "personal"}
BEST_FIRST: tuple[Status, ...] = ("valid", "catch_all", "unknown", "disposable", "invalid")
DONE = "completed"
ENDED = frozenset({"failed", "cancelled", "terminated", "timed_out"})
# Which of 402 and 403 means an empty account is not documented; that a 401 may is assumed.
USED_UP = ("credit", "balance", "funds", "billing")
