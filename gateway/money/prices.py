"""What one unit costs: the provider's default, the installation's, the credential's."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from gateway.money.amounts import to_micros
from providers.base import Offer


class Price(Struct, frozen=True):
    """Micro-units per provider unit, and who said so."""

    micros: int
    source: str


def price_of(operation: str, offer: Offer, *overrides: tuple[str, Mapping[str, Decimal]]) -> Price:
    """The first override that names the operation, else the offer's default."""
    for source, prices in overrides:
        if operation in prices:
            return Price(to_micros(prices[operation]), source)
    return Price(to_micros(offer.price), offer.source)
