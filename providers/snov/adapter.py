"""Snov.io: addresses by name, profile and domain, their verification, persons and companies.

https://snov.io/api, read 2026-11-21. The finder and the verifier have two editions; the account
option `finder` = `v2` chooses the newer one.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import ClassVar

from providers.base import Charge, Offer, Rate, Resend
from providers.model import (
    COMPANIES_ENRICH,
    DOMAINS_SEARCH,
    EMAILS_COUNT,
    EMAILS_FIND,
    EMAILS_VERIFY,
    PEOPLE_ENRICH,
    Answer,
    CountEmails,
    EnrichCompany,
    EnrichPerson,
    FindEmail,
    SearchDomain,
    Ticket,
)
from providers.options import choice, number, web_url
from providers.snov.addresses import Addresses
from providers.snov.domains import Domains
from providers.snov.lists import is_searchable, worst_search
from providers.snov.mapping import named
from providers.snov.native import NATIVE
from providers.snov.profiles import Profiles

# Addresses for the verifier, rows for the finder of version 2.
MOST_AT_ONCE = 10


def has_name(query: FindEmail) -> bool:
    return bool(named(query) and query.domain)


def is_findable(query: FindEmail) -> bool:
    return query.kind == "professional" and (has_name(query) or bool(query.linkedin_url))


def has_domain(query: EnrichCompany) -> bool:
    return bool(query.domain)


def has_address(query: EnrichPerson) -> bool:
    return bool(query.email)


def is_countable(query: CountEmails) -> bool:
    return bool(query.domain) and query.address_type is None


_offer = partial(
    Offer,
    charge=Charge.PER_CALL,
    unit="credit",
    units=1000,
    price=Decimal("0.03"),
    source="public plan price per credit",
    read_on="2026-11-21",
    resend=Resend.BEFORE_BYTES_SENT,
)


# Per hour: requests of each finder, addresses of each verifier.
_PLANS = {
    "starter": (200, 500),
    "pro-5k": (400, 1000),
    "pro-20k": (600, 1400),
    "pro-50k": (800, 2000),
    "pro-100k": (1000, 4000),
}
_FINDERS = ("/v1/get-emails-from-names", "/v1/add-names-to-find-emails")
_VERIFIERS = ("/v1/get-emails-verification-status", "/v1/add-emails-to-verification")


def _hourly(searches: int, addresses: int) -> tuple[Rate, ...]:
    """Assumed: that each method, as each states it, has a limit of its own.

    A request of a verifier counts as one address: with a plan ours have no more.
    """
    return (
        *(Rate(searches, 3600, (path,)) for path in _FINDERS),
        *(Rate(addresses, 3600, (path,)) for path in _VERIFIERS),
    )


class Snov(Addresses, Profiles, Domains):
    native = NATIVE
    options: ClassVar = {
        "finder": choice("v1", "v2"),
        "profile_reads": number(1, 1000),
        "plan": choice(*_PLANS),
        "webhook_url": web_url(),
    }
    # "Limited to 60 requests per minute." Hourly limits of finder and verifier depend on the plan:
    # name it as `plan`, or let the provider's own refusals slow the calls down.
    rates = (Rate(60, 60),)
    plans: ClassVar = {name: _hourly(*limits) for name, limits in _PLANS.items()}
    offers: ClassVar[Mapping[str, Offer]] = {
        EMAILS_FIND: _offer(
            peek="read_found",
            ask="find",
            collect="collect_found",
            fits=is_findable,
            ask_many="push_many_names",
            most=MOST_AT_ONCE,
        ),
        # An address that was never pushed stays not_verified; a name that was not is not_found,
        # as is one that was pushed and not found.
        EMAILS_VERIFY: _offer(
            peek="read_verdict",
            peek_denies="was_never_queued",
            ask="verify",
            collect="collect_verdict",
            ask_many="verify_many",
            most=MOST_AT_ONCE,
        ),
        # By address only a hit costs, by profile the question does.
        PEOPLE_ENRICH: _offer(
            peek="read_person",
            ask="enrich_person",
            collect="collect_person",
            hits_only=has_address,
        ),
        COMPANIES_ENRICH: _offer(
            ask="enrich_company",
            collect="collect_company",
            charge=Charge.PER_HIT,
            fits=has_domain,
        ),
        DOMAINS_SEARCH: _offer(
            ask="search",
            collect="collect_list",
            charge=Charge.PER_HIT,
            units=worst_search,
            fits=is_searchable,
            variants={
                "a page": SearchDomain(),
                "20 people with address": SearchDomain(required_fields=["email"], limit=20),
            },
        ),
        EMAILS_COUNT: _offer(
            ask="count",
            charge=Charge.FREE,
            units=0,
            price=Decimal(0),
            resend=Resend.SAFE,
            fits=is_countable,
        ),
    }

    async def read_found(self, query: FindEmail) -> Answer | Ticket | None:
        return await (self.read_names if has_name(query) else self.read_owner)(query)

    async def find(self, query: FindEmail) -> Ticket:
        return await (self.push_names if has_name(query) else self.push_profile)(query)

    async def collect_found(self, query: FindEmail, ticket: Ticket) -> Answer | Ticket:
        collect = self.collect_owner if "reads" in ticket.state else self.collect_names
        return await collect(query, ticket)
