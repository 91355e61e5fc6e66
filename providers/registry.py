"""The providers there are, and what each of them offers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from providers.accounts.base import ACTIONS, Accounts
from providers.base import Account, Adapter, AsyncTransport, Charge, Offer
from providers.hunter import Hunter
from providers.hunter import notices as hunter_notices
from providers.hunter.accounts import HunterAccounts
from providers.letrics import Letrics
from providers.model import OPERATIONS
from providers.native import Access
from providers.notices import Reader
from providers.sixtyfour import READER, Sixtyfour
from providers.snov import Snov
from providers.snov import notices as snov_notices
from providers.snov.accounts import SnovAccounts

# In the order of a waterfall that nobody has set.
ADAPTERS: Mapping[str, type[Adapter]] = {
    adapter.name: adapter for adapter in (Hunter, Snov, Sixtyfour, Letrics)
}

# Those who call back.
READERS: Mapping[str, Reader] = {
    Hunter.name: hunter_notices.READER,
    Snov.name: snov_notices.READER,
    Sixtyfour.name: READER,
}

# Those that keep anything that can be reached.
ACCOUNTS: Mapping[str, type[Accounts]] = {
    accounts.name: accounts for accounts in (HunterAccounts, SnovAccounts)
}


@dataclass(frozen=True, kw_only=True)
class Capability:
    """One operation of one provider; `units` in thousandths of `unit`, `price` of one unit.

    `variant` names what the price depends on, empty if on nothing.
    """

    operation: str
    provider: str
    variant: str
    charge: Charge
    unit: str
    units: int
    price: Decimal
    source: str
    read_on: str


@dataclass(frozen=True, kw_only=True)
class NativeCapability:
    """Paths of a provider's own API that are alike; `charged` is empty for free ones."""

    provider: str
    access: Access
    unit: str
    charged: str
    paths: tuple[str, ...]


def native_capabilities() -> list[NativeCapability]:
    """A row for each provider, kind of access and way of charging, in the order of the tables."""
    found: dict[tuple[str, Access, str, str], list[str]] = {}
    for adapter in ADAPTERS.values():
        for row in adapter.native.paths:
            kind = (adapter.name, row.access, row.unit, row.charged_by)
            found.setdefault(kind, []).append(row.name)
    return [
        NativeCapability(
            provider=provider, access=access, unit=unit, charged=charged, paths=tuple(paths)
        )
        for (provider, access, unit, charged), paths in found.items()
    ]


def create(name: str, account: Account, transport: AsyncTransport) -> Adapter:
    """The adapter of provider `name` for `account`. Raises KeyError."""
    return ADAPTERS[name](account, transport)


def accounts_of(adapter: Adapter) -> Accounts:
    """What the account of `adapter` keeps. Raises KeyError."""
    return ACCOUNTS[adapter.name].beside(adapter)


def account_actions(provider: str) -> list[str]:
    """What can be done with the objects of an account, in the order of ACTIONS."""
    found = ACCOUNTS.get(provider)
    return [action for action in ACTIONS if found is not None and action in found.endpoints]


def capabilities() -> list[Capability]:
    """A row per operation, provider and price, in the order of the operations."""
    return [
        row
        for operation in OPERATIONS
        for adapter in ADAPTERS.values()
        if (offer := adapter.offers.get(operation)) is not None
        for row in _rows(operation, adapter.name, offer)
    ]


def _rows(operation: str, provider: str, offer: Offer) -> list[Capability]:
    return [
        Capability(
            operation=operation,
            provider=provider,
            variant=variant,
            charge=offer.charge,
            unit=offer.unit,
            units=units,
            price=offer.price,
            source=offer.source,
            read_on=offer.read_on,
        )
        for variant, units in _variants(offer)
    ]


def _variants(offer: Offer) -> list[tuple[str, int]]:
    if isinstance(offer.units, int):
        return [("", offer.units)]
    assert offer.variants, "units that depend on the query need examples for a price list"
    return [(name, offer.units(query)) for name, query in offer.variants.items()]
