"""Hunter: addresses of a domain's people with the pages they were seen on, and their verification.

https://hunter.io/api-documentation/v2, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import ClassVar

from providers.base import (
    Adapter,
    Auth,
    Charge,
    Offer,
    Resend,
    decode,
    glance,
    seconds_left,
)
from providers.errors import (
    AuthenticationFailed,
    OutOfCredits,
    ProviderError,
    RateLimited,
    Unavailable,
)
from providers.hunter.mapping import to_count, to_domain_emails, to_email, to_verification
from providers.hunter.wire import (
    AccountReply,
    CountedReply,
    Fault,
    Faults,
    FoundReply,
    SearchedReply,
    VerifiedReply,
)
from providers.model import (
    DOMAINS_SEARCH,
    EMAILS_COUNT,
    EMAILS_FIND,
    EMAILS_VERIFY,
    AddressType,
    Answer,
    CountEmails,
    FindEmail,
    SearchDomain,
    Ticket,
    VerifyEmail,
)
from providers.signin import HeaderKey

STILL_VERIFYING = 202
ODD_SMTP_REPLY = 222
BILLED = frozenset({"valid", "invalid", "accept_all"})
TYPES: Mapping[AddressType | None, str] = {"person": "personal", "role": "generic"}
REQUIRED = {"job_title": "position", "phone": "phone_number"}
NO_PERMISSION = frozenset({"no_discover_access", "forbidden"})
# A 429 is a used-up plan as often as it is a throttle: only its prose tells them apart.
USED_UP = ("billing period", " plan", "usage limit")


def is_findable(query: FindEmail) -> bool:
    named = (query.first_name and query.last_name) or query.full_name
    return bool(named and (query.domain or query.company) and query.kind == "professional")


_offer = partial(
    Offer,
    charge=Charge.PER_HIT,
    units=1000,
    source="public plan price per credit",
    read_on="2026-11-21",
    resend=Resend.BEFORE_BYTES_SENT,
)


class Hunter(Adapter):
    name = "hunter"
    base_url = "https://api.hunter.io/v2"
    secret_fields = ("api_key",)
    offers: ClassVar[Mapping[str, Offer]] = {
        EMAILS_FIND: _offer(ask="find", unit="search", price=Decimal("0.049"), fits=is_findable),
        EMAILS_VERIFY: _offer(
            ask="verify",
            collect="verify_again",
            charge=Charge.PER_CALL,
            unit="verification",
            price=Decimal("0.0245"),
        ),
        DOMAINS_SEARCH: _offer(ask="search", unit="search", price=Decimal("0.049")),
        EMAILS_COUNT: _offer(
            ask="count",
            charge=Charge.FREE,
            unit="search",
            units=0,
            price=Decimal(0),
            resend=Resend.SAFE,
        ),
    }

    def sign_in(self, secret: Mapping[str, str]) -> Auth:
        return HeaderKey("X-API-KEY", secret["api_key"])

    def is_clean(self, status: int) -> bool:
        return status in (200, 201, STILL_VERIFYING)

    def classify(self, status: int, body: bytes) -> type[ProviderError] | None:
        if status == ODD_SMTP_REPLY:
            return Unavailable
        if status not in (403, 429):
            return None
        fault = _fault(body)
        if status == 403:
            # Documented as the rate limit; a missing permission has an id of its own.
            return AuthenticationFailed if fault.id in NO_PERMISSION else RateLimited
        used_up = any(words in fault.details.lower() for words in USED_UP)
        return OutOfCredits if used_up or fault.id == "restricted_account" else RateLimited

    async def find(self, query: FindEmail) -> Answer:
        params = {
            "domain": query.domain,
            "company": None if query.domain else query.company,
            "first_name": query.first_name,
            "last_name": query.last_name,
            "full_name": None if query.first_name and query.last_name else query.full_name,
            "max_duration": _max_duration(),
        }
        reply = await self.call("GET", "/email-finder", FoundReply, params=params)
        return Answer(data=to_email(reply.value.data), raw=reply.body)

    async def verify(self, query: VerifyEmail) -> Answer | Ticket:
        reply = await self.send("GET", "/email-verifier", params={"email": query.email})
        if reply.status == STILL_VERIFYING:
            # Its body is not documented; asking again is counted once.
            return Ticket(state={})
        found = decode(reply.body, VerifiedReply).data
        units = 1000 if found.status in BILLED else 0
        return Answer(data=to_verification(query.email, found), units=units, raw=reply.body)

    async def verify_again(self, query: VerifyEmail, _ticket: Ticket) -> Answer | Ticket:
        return await self.verify(query)

    async def search(self, query: SearchDomain, after: str | None = None) -> Answer:
        offset = int(after or 0)
        params = {
            "domain": query.domain,
            "company": None if query.domain else query.company,
            "type": TYPES.get(query.address_type),
            "seniority": _listed(query.seniorities),
            "department": _listed(query.departments),
            "job_titles": _listed(query.job_titles),
            "required_field": _listed(
                [REQUIRED.get(name, name) for name in query.required_fields]
            ),
            "limit": query.limit,
            "offset": offset,
        }
        reply = await self.call("GET", "/domain-search", SearchedReply, params=params)
        total, rows = reply.value.meta.results, len(reply.value.data.emails)
        more = rows > 0 and total is not None and offset + rows < total
        return Answer(
            data=to_domain_emails(reply.value.data),
            rows=rows,
            next=str(offset + rows) if more else None,
            total=total,
            raw=reply.body,
        )

    async def count(self, query: CountEmails) -> Answer:
        params = {
            "domain": query.domain,
            "company": None if query.domain else query.company,
            "type": TYPES.get(query.address_type),
        }
        reply = await self.call("GET", "/email-count", CountedReply, params=params)
        asked = reply.value.meta.params if reply.value.meta else None
        domain = query.domain or (asked.domain if asked else None)
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


def _listed(words: Sequence[str]) -> str | None:
    return ",".join(words) or None


def _fault(body: bytes) -> Fault:
    faults = glance(body, Faults)
    if faults is None:
        return Fault()
    if isinstance(faults.errors, Fault):
        return faults.errors
    return faults.errors[0] if faults.errors else Fault()
