"""Acme: a provider that does not exist, written as one that does would be.

https://acme.example/api, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from msgspec import Struct

from providers.base import Adapter, Auth, Charge, Offer, Resend
from providers.model import EMAILS_FIND, Answer, Email, FindEmail, Status
from providers.options import choice
from providers.signin import HeaderKey
from providers.values.names import join_name
from providers.vocabulary import to_status

STATUSES: Mapping[str, Status] = {"good": "valid", "bad": "invalid", "catchall": "catch_all"}


class Found(Struct):
    mail: str | None
    quality: str | None = None


def is_findable(query: FindEmail) -> bool:
    return bool(query.first_name and query.last_name and query.domain)


class Acme(Adapter):
    name = "acme"
    title = "Acme"
    base_url = "https://api.acme.example"
    secret_fields = ("api_key",)
    options: ClassVar = {"depth": choice("shallow", "deep")}
    offers: ClassVar[Mapping[str, Offer]] = {
        EMAILS_FIND: Offer(
            ask="find",
            charge=Charge.PER_HIT,
            unit="lookup",
            units=1000,
            price=Decimal("0.02"),
            source="acme.example, prices",
            read_on="2026-11-21",
            resend=Resend.BEFORE_BYTES_SENT,
            fits=is_findable,
        ),
    }

    def sign_in(self, secret: Mapping[str, str]) -> Auth:
        return HeaderKey("x-acme-key", secret["api_key"])

    async def find(self, query: FindEmail) -> Answer:
        json = {"first": query.first_name, "last": query.last_name, "domain": query.domain}
        json["depth"] = self.account.options.get("depth", "shallow")
        reply = await self.call("POST", "/find", Found, json=json)
        return Answer(data=to_email(query, reply.value), raw=reply.body)


def to_email(query: FindEmail, found: Found) -> Email | None:
    if not found.mail:
        return None
    return Email(
        email=found.mail,
        status=to_status(STATUSES, found.quality, provider="acme", field="quality"),
        kind="professional",
        first_name=query.first_name,
        last_name=query.last_name,
        full_name=join_name(query.first_name, query.last_name),
        domain=query.domain,
    )
