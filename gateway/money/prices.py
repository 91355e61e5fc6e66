"""What one unit costs: the provider's default, the installation's, the credential's."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from gateway.money.amounts import to_micros
from providers.base import Offer

# Who may say what a unit costs here.
OURS = ("credential", "settings")


class Price(Struct, frozen=True):
    """Micro-units per provider unit, and who said so."""

    micros: int
    source: str

    @property
    def is_set(self) -> bool:
        """Whether it is known: of a provider that publishes none, 0 says nothing."""
        return self.micros > 0 or self.source in OURS


def price_of(operation: str, offer: Offer, *overrides: tuple[str, Mapping[str, Decimal]]) -> Price:
    """The first override that names the operation, else the offer's default."""
    for source, prices in overrides:
        if operation in prices:
            return Price(to_micros(prices[operation]), source)
    return Price(to_micros(offer.price), offer.source)
