"""The customers of the simulated providers: their keys, allowances and access tokens."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from providers.simulator.bill import Bill

Refusal = Literal["too_many_requests", "payment_required", "restricted_account"]

DEFAULT_KEYS: Mapping[str, str] = {
    "hunter": "sim-hunter-key",
    "snov": "sim-snov-client:sim-snov-secret",
    "sixtyfour": "sim-sixtyfour-key",
    "letrics": "sim-letrics-token",
}
ALLOWANCES: Mapping[str, Mapping[str, int]] = {
    "hunter": {"searches": 10_000_000, "verifications": 10_000_000},
    "snov": {"credits": 10_000_000},
    "sixtyfour": {"cents": 100_000_000},
    "letrics": {},
}


@dataclass(slots=True, kw_only=True)
class Account:
    """`allowance` is what the plan holds, by meter; a meter that is absent is unlimited.

    `refusal` says which of Hunter's words for a used-up plan this account hears; the `Free` plan
    may not turn Hunter's pages. A `congested` account has used up its hour at Snov's queues.
    """

    provider: str
    name: str
    allowance: dict[str, int] = field(default_factory=dict)
    enabled: bool = True
    refusal: Refusal = "too_many_requests"
    plan: str = "Pro"
    congested: bool = False

    def left(self, bill: Bill, meter: str) -> int:
        allowed = self.allowance.get(meter)
        return 10**9 if allowed is None else allowed - bill.used(self.provider, self.name, meter)


class Accounts:
    """A Snov key is `client_id:client_secret`."""

    def __init__(self) -> None:
        self._by_key: dict[tuple[str, str], Account] = {}
        for provider, key in DEFAULT_KEYS.items():
            allowance = dict(ALLOWANCES[provider])
            self.put(key, Account(provider=provider, name="default", allowance=allowance))

    def put(self, key: str, account: Account) -> None:
        self._by_key[account.provider, key] = account

    def drop(self, provider: str, key: str) -> None:
        self._by_key.pop((provider, key), None)

    def get(self, provider: str, key: str) -> Account | None:
        account = self._by_key.get((provider, key))
        return account if account is not None and account.enabled else None

    def named(self, provider: str, name: str) -> Account | None:
        return next((a for a in self.all() if (a.provider, a.name) == (provider, name)), None)

    def all(self) -> list[Account]:
        return list(self._by_key.values())


class Tokens:
    """Snov's access tokens; every one that was handed out is counted."""

    def __init__(self) -> None:
        self.expires_in: float = 3600
        self.requests = 0
        self._held: dict[str, tuple[Account, float]] = {}

    def issue(self, account: Account) -> str:
        token = secrets.token_hex(20)
        self._held[token] = account, time.monotonic() + self.expires_in
        return token

    def holder(self, token: str) -> Account | None:
        account, until = self._held.get(token, (None, 0.0))
        if account is None or not account.enabled or time.monotonic() >= until:
            return None
        return account

    def expire(self) -> None:
        self._held.clear()
