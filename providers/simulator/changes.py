"""What the control API is told: accounts, times, prices, charges, deliveries and events."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from providers.simulator.accounts import Refusal
from providers.simulator.latency import ProfileName


class AccountChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Without a key the account of that name is changed; allowances not named stay."""

    provider: str
    name: str = "default"
    key: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    allowance: dict[str, int] = {}
    enabled: bool | None = None
    refusal: Refusal | None = None
    plan: str | None = None
    congested: bool | None = None


class LatencyChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Seconds override the profile's medians and take away their spread."""

    profile: ProfileName = "fast"
    provider: str | None = None
    call_seconds: float | None = None
    task_seconds: float | None = None
    greylist_seconds: float | None = None
    polls: int | None = None


class PriceChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    provider: str
    meter: str
    price: Decimal


class ChargeChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Units that an operation, as the bill names it, costs from now on; none is free."""

    provider: str
    operation: str
    units: int


class DeliveryChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Seconds before each further attempt, and how long an answer is waited for."""

    pauses: tuple[float, ...]
    timeout: float = 10


class SnovEvent(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Something that happens in a campaign at Snov.io."""

    account: str = "default"
    event_object: str
    event_action: str
    data: dict[str, Any] = {}


class TokenChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    expires_in: float
