"""What each provider knows of each person: partly its own, partly copied from a shared source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from providers.simulator.population import Person
from providers.simulator.spelling import to_local_part

Claim = Literal["valid", "catch_all", "unknown"]

PROVIDERS = ("hunter", "snov", "sixtyfour", "letrics")
COVERAGE: Mapping[str, float] = {"hunter": 0.62, "snov": 0.55, "sixtyfour": 0.52, "letrics": 0.6}
# How much better a provider is at large employers than at small ones.
LARGE_BIAS: Mapping[str, float] = {
    "hunter": 0.12,
    "snov": 0.0,
    "sixtyfour": -0.12,
    "letrics": 0.05,
}


@dataclass(slots=True, frozen=True, kw_only=True)
class Known:
    """A provider's record of a person.

    `stale` means that the address is wrong, whatever `claim` says. `prompt` records are answered
    without a search where the provider makes that difference.
    """

    email: str
    claim: Claim
    confidence: int
    stale: bool
    personal: bool
    prompt: bool


@dataclass(slots=True, frozen=True, kw_only=True)
class Chances:
    """`rho`: the chance that a provider's record is copied from the source all of them copy."""

    coverage: Mapping[str, float]
    rho: float
    stale: float
    prompt: float
    personal: float


def draw_knowledge(
    random: Random, person: Person, chances: Chances, taken: set[str]
) -> dict[str, Known]:
    """Who knows the person, and what; `taken` are the addresses that belong to somebody."""
    if person.id == 0:
        return {name: _truthful(person) for name in PROVIDERS}
    shared = random.random(), random.random()
    records: dict[str, Known] = {}
    for provider, coverage in chances.coverage.items():
        luck = shared if random.random() < chances.rho else (random.random(), random.random())
        bias = LARGE_BIAS.get(provider, 0.0)
        reach = coverage + (bias if person.company.headcount >= 200 else -bias)
        record = _draw_record(random, person, luck[1], chances, taken)
        if luck[0] < reach and record is not None:
            records[provider] = record
    return records


def _truthful(person: Person) -> Known:
    return Known(
        email=person.email, claim="valid", confidence=98, stale=False, personal=True, prompt=False
    )


def _draw_record(
    random: Random, person: Person, luck: float, chances: Chances, taken: set[str]
) -> Known | None:
    """`luck` decides staleness, so that copied records are wrong together."""
    stale = luck < (chances.stale if person.has_mailbox else 2 * chances.stale)
    trusting, prompt, personal, score = (random.random() for _ in range(4))
    if not person.has_mailbox and not stale:
        return None
    claim: Claim = "catch_all" if person.company.catch_all else "valid"
    if stale and claim == "valid":
        claim = "valid" if trusting < 0.5 else "unknown"
    elif claim == "valid" and trusting < 0.06:
        claim = "unknown"
    floor = {"valid": 90, "catch_all": 60, "unknown": 40}[claim]
    return Known(
        email=_former_address(person, taken) if stale else person.email,
        claim=claim,
        confidence=floor + int(score * 10),
        stale=stale,
        personal=person.personal_email is not None and personal < chances.personal,
        prompt=prompt < chances.prompt,
    )


def _former_address(person: Person, taken: set[str]) -> str:
    first, last = (to_local_part(word) for word in person.latin_name.split(" ", 1))
    domain = person.company.domain
    spellings = (
        f"{last}.{first}@{domain}",
        f"{first}_{last}@{domain}",
        f"{first}.{last}.old@{domain}",
    )
    return next((s for s in spellings if s not in taken), f"{first}-{person.id}@{domain}")
