"""A person or a domain as an administrator names one: in any spelling, by one identifier."""

from __future__ import annotations

from msgspec import Struct

from gateway.guard.suppression import (
    mark_of_domain,
    marks_of_address,
    marks_of_domains,
    marks_of_person,
)
from gateway.lookup.identity import QueryError
from gateway.lookup.spelling import clean_domain, clean_email, clean_linkedin_url
from gateway.money.terms import ObjectionKind

KINDS: tuple[ObjectionKind, ...] = ("email", "domain", "linkedin_url")


class Identifier(Struct, frozen=True):
    """`text` in its one spelling."""

    kind: ObjectionKind
    text: str

    @property
    def domain(self) -> str:
        """In clear, if it is one."""
        return self.text if self.kind == "domain" else ""

    def marks(self, key: bytes) -> list[str]:
        """Of an objection by it."""
        match self.kind:
            case "email":
                return marks_of_address(self.text, key)
            case "domain":
                return [mark_of_domain(self.text)]
            case _:
                return marks_of_person([], self.text, [], key)

    def covering(self, key: bytes) -> list[str]:
        """Of every objection that would stop it: an address has a domain, a domain parents."""
        if self.kind == "linkedin_url":
            return self.marks(key)
        hosts = marks_of_domains([self.text.rpartition("@")[2]])
        return [*self.marks(key), *hosts] if self.kind == "email" else hosts


def identify(
    email: str | None = None, domain: str | None = None, linkedin_url: str | None = None
) -> Identifier | None:
    """The one that is given, None for none. Raises QueryError."""
    given: dict[ObjectionKind, str | None] = {
        "email": email,
        "domain": domain,
        "linkedin_url": linkedin_url,
    }
    named = [(kind, text) for kind, text in given.items() if text is not None]
    if len(named) > 1:
        raise QueryError("", f"give only one of {', '.join(KINDS)}")
    for kind, text in named:
        clean = {"email": clean_email, "domain": clean_domain}.get(kind, clean_linkedin_url)
        return Identifier(kind, clean(text, f"/{kind}"))
    return None
