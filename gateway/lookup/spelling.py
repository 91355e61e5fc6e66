"""One spelling for names, domains, addresses and profile URLs."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from urllib.parse import SplitResult, quote, unquote, urlsplit

import idna
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from publicsuffixlist import PublicSuffixList

LONGEST_HOST = 253
# Of the registries alone: under github.io there are companies' pages, but github.io is one's own.
_REGISTRIES = PublicSuffixList(only_icann=True)
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?(Z|[+-]\d\d(:?\d\d)?)?)?",
    re.ASCII | re.IGNORECASE,
)
_SPACES = re.compile(r"\s+")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?")
# What comes before a host, if anything does.
_BEGUN = re.compile(r"([a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
# The same page in LinkedIn's mails and to telephones.
_PROFILE = re.compile(r"/(?:(?:comm|mwlite)/)?(?:in|pub)/([^/]+)", re.IGNORECASE)
_NUMBERED = re.compile(r"/pub/([^/]+)" + r"/([0-9a-f]{1,3})" * 3, re.IGNORECASE)


class QueryError(ValueError):
    """A query that can't be asked; `pointer` is a JSON pointer into it."""

    def __init__(self, pointer: str, details: str):
        super().__init__(details)
        self.pointer = pointer
        self.details = details


def clean_text(value: str, pointer: str) -> str:
    """NFC, single spaces, no control characters."""
    if value.isascii() and value.isprintable() and "  " not in value:
        text = value.strip()
    else:
        text = _SPACES.sub(" ", unicodedata.normalize("NFC", value)).strip()
    kinds = set() if text.isprintable() else set(map(unicodedata.category, text))
    if not text or (kinds and kinds <= {"Cf", "Zs"}):
        raise QueryError(pointer, "is empty; leave it out or give a value")
    if kinds & {"Cc", "Cs"}:
        raise QueryError(pointer, "has control characters, which are not allowed")
    return text


def clean_full_name(value: str, pointer: str) -> str:
    """Turn "LAST, First" into "First LAST"; a suffix such as ", Jr." goes last."""
    text = clean_text(value, pointer)
    parts = [part for part in map(str.strip, text.split(",")) if part]
    if not parts:
        raise QueryError(pointer, "has no letters")
    suffixes = [part for part in parts[1:] if _is_suffix(part)]
    names = parts[:1] + [part for part in parts[1:] if not _is_suffix(part)]
    if len(names) == 2:
        names = [f"{names[1]} {names[0]}"]
    return ", ".join(names + suffixes)


def _is_suffix(part: str) -> bool:
    return part.replace(".", "").lower() in _SUFFIXES


# Of those that adapters know all but what may as well be a first name, or its letter.
_SUFFIXES = frozenset(
    ["jr", "sr", "ii", "iii", "iv", "phd", "ph d", "md", "dds", "esq", "mba", "cpa", "rn"]
)


def clean_domain(value: str, pointer: str) -> str:
    """Lower-case, IDNA, without scheme, path, port or `www.`; no bare public suffix (`co.uk`)."""
    fault = QueryError(pointer, "is not a domain name such as example.com")
    host = _split(clean_text(value, pointer), fault).netloc.rpartition("@")[2]
    host = host.partition(":")[0].strip(".").lower()
    try:
        host = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        raise fault from None
    while host.startswith("www.") and host.count(".") > 1:
        host = host.removeprefix("www.")
    labels = host.split(".")
    if len(labels) < 2 or labels[-1].isdigit() or not all(map(_LABEL.fullmatch, labels)):
        raise fault
    if len(host) > LONGEST_HOST or _REGISTRIES.is_public(host):
        raise fault
    return host


def _split(text: str, fault: QueryError) -> SplitResult:
    """`text` as a URL, with or without a scheme. Raises `fault`."""
    try:
        return urlsplit(text if _BEGUN.match(text) else f"//{text}")
    except ValueError:
        raise fault from None


# Names of intranets and of tests are domains here, so they are addresses, too.
SPECIAL_USE_DOMAIN_NAMES.clear()


def clean_email(value: str, pointer: str) -> str:
    """Lower-case, the domain in IDNA; plus-tags stay."""
    try:
        found = validate_email(value.strip(), check_deliverability=False, allow_smtputf8=True)
    except EmailNotValidError:
        raise QueryError(pointer, "is not an e-mail address such as ada@example.com") from None
    local = unicodedata.normalize("NFC", found.local_part.lower())
    return f"{local}@{(found.ascii_domain or found.domain).lower()}"


def clean_linkedin_url(value: str, pointer: str) -> str:
    """`https://www.linkedin.com/in/<slug>` from any spelling of a profile's address."""
    fault = QueryError(
        pointer, "is not a LinkedIn profile such as https://www.linkedin.com/in/ada-lovelace"
    )
    parts = _split(clean_text(value, pointer), fault)
    host = (parts.hostname or "").lower()
    if not (host == "linkedin.com" or host.endswith(".linkedin.com")):
        raise fault
    slug = unicodedata.normalize("NFC", unquote(_slug_of(parts.path)).lower())
    if not slug.isprintable() or "\ufffd" in slug or not slug.strip():
        raise fault
    return f"https://www.linkedin.com/in/{quote(slug, safe='')}"


def _slug_of(path: str) -> str:
    # An address of old, /pub/ada-lovelace/1/2a/3b4, is /in/ada-lovelace-3b402a1 today.
    if old := _NUMBERED.match(path):
        return f"{old[1]}-{old[4].zfill(3)}{old[3].zfill(3)}{old[2]}"
    found = _PROFILE.match(path)
    return found[1] if found else ""


def clean_moment(value: str, pointer: str) -> str:
    """UTC to the second; a day is its first moment, a time without offset is UTC."""
    fault = QueryError(
        pointer, "is not an ISO 8601 date or time such as 2026-01-31 or 2026-01-31T08:00:00Z"
    )
    text = clean_text(value, pointer).upper()
    if not _MOMENT.fullmatch(text):
        raise fault
    try:
        found = datetime.fromisoformat(text)
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise fault from None
    return found.replace(tzinfo=None, microsecond=0).isoformat() + "Z"
