"""Hunter: addresses of a domain's people with the pages they were seen on, and their verification.

https://hunter.io/api-documentation/v2, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from functools import partial
from typing import ClassVar

from providers.base import (
    Adapter,
    Auth,
    Charge,
    Headers,
    Offer,
    Rate,
    Reply,
    Resend,
    decode,
    glance,
    seconds_left,
)
from providers.errors import (
    AuthenticationFailed,
    MalformedResponse,
    OutOfCredits,
    ProviderError,
    RateLimited,
    TaskFailed,
    Unavailable,
)
from providers.hunter import params
from providers.hunter.mapping import to_count, to_domain_emails, to_email, to_verification
from providers.hunter.native import NATIVE
from providers.hunter.profiles import (
    to_company,
    to_discovered,
    to_person,
    to_searched_company,
)
from providers.hunter.wire import (
    AccountReply,
    CompanyReply,
    CountedReply,
    DiscoveredReply,
    Fault,
    Faults,
    FoundReply,
    PersonReply,
    SearchedReply,
    VerifiedReply,
)
from providers.model import (
    COMPANIES_ENRICH,
    COMPANIES_SEARCH,
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
    SearchCompanies,
    SearchDomain,
    Ticket,
    VerifyEmail,
)
from providers.options import number
from providers.signin import HeaderKey

STILL_VERIFYING = 202
ODD_SMTP_REPLY = 222
# The same Idempotency-Key is still being worked on: wait, as its Retry-After says.
STILL_RUNNING = 409
UNKNOWN = 404
# In two editions of the documents; when the count begins anew is in neither.
LEFT_FOR_DOMAIN = ("x-rate-limit-remaining", "x-ratelimit-remaining")
BILLED = frozenset({"valid", "invalid", "accept_all"})
NO_PERMISSION = frozenset({"no_discover_access", "forbidden"})
# A 429 is a used-up plan as often as it is a throttle: only its prose tells them apart. That of
# a 401 is assumed to be the same.
USED_UP = ("billing period", " plan", "usage limit")

_offer = partial(
    Offer,
    charge=Charge.PER_HIT,
    unit="search",
    units=1000,
    price=Decimal("0.049"),
    source="public plan price per credit",
    read_on="2026-11-21",
    resend=Resend.BEFORE_BYTES_SENT,
)
_free = partial(_offer, charge=Charge.FREE, units=0, price=Decimal(0), resend=Resend.SAFE)
# What a credit of enrichment costs is not published; that only a hit takes one is.
_enrich = partial(_offer, source="assumed: as a search; free without a hit")
# "15 requests per second and 500 requests per minute", of each endpoint; fewer of some.
_RATES: Mapping[str, tuple[int, int]] = {
    "/domain-search": (15, 500),
    "/email-finder": (15, 500),
    "/email-verifier": (10, 300),
    "/email-count": (15, 500),
    "/people/find": (15, 500),
    "/companies/find": (15, 500),
    "/combined/find": (15, 500),
    "/discover": (5, 50),
}


class Hunter(Adapter):
    name = "hunter"
    title = "Hunter"
    base_url = "https://api.hunter.io/v2"
    secret_fields = ("api_key",)
    # The most rows of a page of Domain Search: Hunter's Free plan refuses more than 10.
    options: ClassVar = {"page_size": number(1, params.MOST_ROWS)}
    rates = tuple(
        Rate(number, seconds, (path,))
        for path, (second, minute) in _RATES.items()
        for number, seconds in ((second, 1), (minute, 60))
    )
    native = NATIVE
    offers: ClassVar[Mapping[str, Offer]] = {
        EMAILS_FIND: _offer(ask="find", fits=params.is_findable),
        EMAILS_VERIFY: _offer(
            ask="verify",
            collect="verify_again",
            charge=Charge.PER_CALL,
            answers_only=True,
            doubts_free=True,
            unit="verification",
            price=Decimal("0.0245"),
        ),
        PEOPLE_ENRICH: _enrich(ask="enrich_person"),
        COMPANIES_ENRICH: _enrich(ask="enrich_company"),
        DOMAINS_SEARCH: _offer(
            ask="search",
            units=params.worst_search,
            variants={f"{rows} rows": SearchDomain(limit=rows) for rows in (10, 25, 100)},
        ),
        EMAILS_COUNT: _free(ask="count"),
        COMPANIES_SEARCH: _free(ask="discover", fits=params.is_discoverable),
    }

    def sign_in(self, secret: Mapping[str, str]) -> Auth:
        return HeaderKey("X-API-KEY", secret["api_key"])

    def is_clean(self, status: int) -> bool:
        return status == STILL_VERIFYING or super().is_clean(status)

    def is_of_account(self, headers: Headers) -> bool:
        """Its verifier counts per domain and day, and nothing else tells what is left."""
        return not any(headers.get(name, "").strip() == "0" for name in LEFT_FOR_DOMAIN)

    def classify(self, status: int, body: bytes) -> type[ProviderError] | None:
        if status == ODD_SMTP_REPLY:
            return Unavailable
        if status == STILL_RUNNING:
            return RateLimited
        if status not in (401, 403, 429):
            return None
        fault = _fault(body)
        if status == 403:
            # Documented as the rate limit; a missing permission has an id of its own.
            return AuthenticationFailed if fault.id in NO_PERMISSION else RateLimited
        told = any(words in fault.details.lower() for words in USED_UP)
        if told or fault.id == "restricted_account":
            return OutOfCredits
        return RateLimited if status == 429 else None

    async def find(self, query: FindEmail) -> Answer:
        asked = params.to_finder(query) | {"max_duration": _max_duration()}
        reply = await self.call("GET", "/email-finder", FoundReply, params=asked)
        return Answer(data=to_email(reply.value.data), raw=reply.body)

    async def verify(self, query: VerifyEmail) -> Answer | Ticket:
        return _verdict(query, await self._verify(query))

    async def verify_again(self, query: VerifyEmail, _ticket: Ticket) -> Answer | Ticket:
        """A 222 ends it, without a charge: to "retry later" is another verification."""
        reply = await self._verify(query, clean=(ODD_SMTP_REPLY,))
        if reply.status == ODD_SMTP_REPLY:
            raise TaskFailed("the mail server gave an odd reply", units=0)
        return _verdict(query, reply)

    async def _verify(self, query: VerifyEmail, *, clean: Collection[int] = ()) -> Reply[bytes]:
        params = {"email": query.email}
        return await self.send("GET", "/email-verifier", params=params, clean=clean)

    async def enrich_person(self, query: EnrichPerson) -> Answer:
        reply = await self._enrich("/people/find", params.to_person(query))
        if reply.status == UNKNOWN:
            return Answer(data=None, raw=reply.body)
        return Answer(data=to_person(decode(reply.body, PersonReply).data), raw=reply.body)

    async def enrich_company(self, query: EnrichCompany) -> Answer:
        if not query.domain:
            return await self._enrich_by_name(query)
        reply = await self._enrich("/companies/find", {"domain": query.domain})
        if reply.status == UNKNOWN:
            return Answer(data=None, raw=reply.body)
        return Answer(data=to_company(decode(reply.body, CompanyReply).data), raw=reply.body)

    async def _enrich(self, path: str, asked: Mapping[str, str | None]) -> Reply[bytes]:
        """A 404 in Hunter's own words is a miss; any other is not Hunter's."""
        reply = await self.send("GET", path, params=asked, clean=(UNKNOWN,))
        if reply.status == UNKNOWN and glance(reply.body, Faults) is None:
            raise MalformedResponse(f"{self.name} answered {UNKNOWN} without an error")
        return reply

    async def _enrich_by_name(self, query: EnrichCompany) -> Answer:
        """What a domain's list says of its company; a list without addresses is free."""
        asked = {**params.to_target(query), "limit": 1}
        reply = await self.call("GET", "/domain-search", SearchedReply, params=asked)
        found = reply.value.data
        data = to_searched_company(found) if found.organization else None
        return Answer(data=data, units=params.to_units(len(found.emails)), raw=reply.body)

    async def search(self, query: SearchDomain, after: str | None = None) -> Answer:
        """A page of whole credits; what it holds beyond `limit` is the next page's."""
        offset, most = int(after or 0), int(self.account.options.get("page_size", 100))
        asked = params.to_search(query, most=most, offset=offset)
        reply = await self.call("GET", "/domain-search", SearchedReply, params=asked)
        total, rows = reply.value.meta.results, len(reply.value.data.emails)
        return Answer(
            data=to_domain_emails(reply.value.data),
            units=params.to_units(rows),
            rows=rows,
            next=_following(offset, rows, total),
            total=total,
            raw=reply.body,
        )

    async def discover(self, query: SearchCompanies, after: str | None = None) -> Answer:
        """A page of 100, which is free: choosing its size or turning it takes a paid plan."""
        offset = int(after or 0)
        json = params.to_filters(query) | ({"offset": offset} if offset else {})
        reply = await self.call("POST", "/discover", DiscoveredReply, json=json)
        total, rows = reply.value.meta.results, len(reply.value.data)
        return Answer(
            data=[to_discovered(one) for one in reply.value.data],
            rows=rows,
            next=_following(offset, rows, total),
            total=total,
            raw=reply.body,
        )

    async def count(self, query: CountEmails) -> Answer:
        asked = params.to_target(query) | {"type": params.TYPES.get(query.address_type)}
        reply = await self.call("GET", "/email-count", CountedReply, params=asked)
        echo = reply.value.meta.params if reply.value.meta else None
        domain = query.domain or (echo.domain if echo else None)
        return Answer(data=to_count(domain, reply.value.data), raw=reply.body)

    async def reading(self) -> Mapping[str, float]:
        """`used` begins again with each billing period."""
        reply = await self.call("GET", "/account", AccountReply)
        meters = reply.value.data.requests
        return {UNITS[name]: meter.used for name, meter in meters.items() if name in UNITS}

    async def balance(self) -> Mapping[str, float]:
        reply = await self.call("GET", "/account", AccountReply)
        found: dict[str, float] = {}
        for name, meter in reply.value.data.requests.items():
            # The documented example has used more than is available: no difference is taken.
            found |= {f"{name}_used": meter.used, f"{name}_available": meter.available}
        return found


UNITS = {"searches": "search", "verifications": "verification"}


def _max_duration() -> int | None:
    """Hunter searches 10 seconds unless told; 3 is the least it takes."""
    left = int(seconds_left()) - 1
    return max(3, left) if left < 10 else None


def _verdict(query: VerifyEmail, reply: Reply[bytes]) -> Answer | Ticket:
    if reply.status == STILL_VERIFYING:
        # Its body is not documented; asking again is counted once.
        return Ticket(state={})
    found = decode(reply.body, VerifiedReply).data
    units = 1000 if found.status in BILLED else 0
    return Answer(data=to_verification(query.email, found), units=units, raw=reply.body)


def _following(offset: int, rows: int, total: int | None) -> str | None:
    more = rows > 0 and total is not None and offset + rows < total
    return str(offset + rows) if more else None


def _fault(body: bytes) -> Fault:
    faults = glance(body, Faults)
    if faults is None:
        return Fault()
    if isinstance(faults.errors, Fault):
        return faults.errors
    return faults.errors[0] if faults.errors else Fault()
