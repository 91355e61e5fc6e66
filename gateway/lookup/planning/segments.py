"""Which lookups are alike: by the domain's country, the employer's size, the kind of address."""

from __future__ import annotations

from gateway.lookup.flags import ROLES, WEBMAIL
from providers.model import EnrichPerson, FindEmail, Query, VerifyEmail

GENERIC = frozenset(
    [
        "net",
        "org",
        "io",
        "ai",
        "co",
        "app",
        "dev",
        "info",
        "biz",
        "eu",
        "tech",
        "cloud",
        "online",
        "shop",
        "me",
        "xyz",
    ]
)
PUBLIC = frozenset(["edu", "gov", "mil", "int", "museum"])
# Domains of countries of which enough is bought to tell them apart; the others are one.
COUNTRIES = frozenset(
    [
        "at",
        "au",
        "be",
        "br",
        "ca",
        "ch",
        "cn",
        "cz",
        "de",
        "dk",
        "es",
        "fi",
        "fr",
        "ie",
        "il",
        "in",
        "it",
        "jp",
        "kr",
        "mx",
        "nl",
        "no",
        "nz",
        "pl",
        "pt",
        "se",
        "sg",
        "tr",
        "uk",
        "us",
        "za",
    ]
)
SMALL, MIDDLE = 50, 500


def segment_of(query: Query, headcount: int | None = None) -> str:
    """`tld.size.kind`, each from a short list, so that there are never many segments."""
    domain = getattr(query, "domain", None) or _domain_of(getattr(query, "email", None))
    return f"{_place(domain)}.{_size(headcount)}.{_kind(query, domain)}"


def _domain_of(email: str | None) -> str | None:
    return email.rpartition("@")[2] if email else None


def _place(domain: str | None) -> str:
    """`com`, a country, or a group of the others; `-` if there is no domain."""
    if not domain:
        return "-"
    top = domain.rpartition(".")[2]
    if top == "com" or top in COUNTRIES:
        return top
    if top in GENERIC:
        return "generic"
    return "public" if top in PUBLIC else "other"


def _size(headcount: int | None) -> str:
    if headcount is None:
        return ""
    if headcount <= SMALL:
        return "s"
    return "m" if headcount <= MIDDLE else "l"


def _kind(query: Query, domain: str | None) -> str:
    """Whose mailbox is looked for or at, and by what."""
    match query:
        case FindEmail(kind="personal"):
            return "h"
        case FindEmail(linkedin_url=str()) if not domain:
            return "u"
        case EnrichPerson(email=None):
            return "u"
        case VerifyEmail() | EnrichPerson() if domain in WEBMAIL:
            return "h"
        case VerifyEmail(email=email) if email.partition("@")[0].partition("+")[0] in ROLES:
            return "r"
    return "p"
