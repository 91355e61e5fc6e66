"""Who can verify an address, and at what price."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.lookup.market import Market
from gateway.lookup.planner import Stall, to_step
from providers.model import EMAILS_VERIFY, VerifyEmail

ANYBODY = VerifyEmail(email="anybody@nowhere.example")


def verifiers_for(market: Market, team: str, finder: str) -> list[Stall]:
    """Those with an account; nobody checks what is its own."""
    return [
        stall
        for stall in market.stalls(EMAILS_VERIFY, team)
        if stall.provider != finder and stall.credential and stall.offer.fits(ANYBODY)
    ]


def prices_for(market: Market, team: str, finders: Iterable[str]) -> Mapping[str, int]:
    """What the cheapest other verifier takes at most, by finder; without those who have none."""
    costs = {
        finder: [to_step(ANYBODY, stall).cost for stall in verifiers_for(market, team, finder)]
        for finder in finders
    }
    return {finder: min(found) for finder, found in costs.items() if found}
