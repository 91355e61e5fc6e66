"""What Snov.io sends. A field that decides hit or miss has no default.

Bodies whose shape depends on a status beside them (PHP sends `[]` for an empty object) are kept
raw until that status is known.
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw, Struct

NOTHING = Raw(b"null")


class State(Struct):
    identifier: str


class FinderReply(Struct):
    """v1, from get-emails-from-names."""

    status: State
    data: Raw = NOTHING


class FoundEmail(Struct):
    email: str
    emailStatus: str | None = None


class FoundPerson(Struct):
    emails: list[FoundEmail]
    firstName: str | None = None
    lastName: str | None = None
    domain: str | None = None


class Pushed(Struct):
    """v1, from add-names-to-find-emails."""

    sent: bool


class PushedAddress(Struct):
    sent: bool = True


class VerifierEntry(Struct):
    """v1: one member of a reply keyed by address."""

    status: State
    data: Raw = NOTHING


class VerifiedAddress(Struct):
    smtpStatus: str | None
    isValidFormat: bool | None = None
    isDisposable: bool | None = None
    isWebmail: bool | None = None
    isGibberish: bool | None = None
    isCatchall: bool | None = None
    isGreylist: bool | None = None
    isBannedError: bool | None = None
    isConnectionError: bool | None = None


class TaskHash(Struct):
    task_hash: str


class Started(Struct):
    """The newer v2 family: the hash is in `data`."""

    data: TaskHash


class StartedSearch(Struct):
    """The domain-search family: the hash is in `meta`."""

    meta: TaskHash


class TaskReply(Struct):
    """v2: `completed`, `in progress` or `in_progress`, `not_enough_credits`."""

    status: str
    data: Raw = NOTHING


class CheckedAddress(Struct):
    smtp_status: str | None
    is_valid_format: bool | None = None
    is_disposable: bool | None = None
    is_webmail: bool | None = None
    is_gibberish: bool | None = None
    unknown_status_reason: str | None = None


class FoundAddress(CheckedAddress, kw_only=True):
    email: str


class FoundForPerson(Struct):
    result: list[FoundAddress]


class CheckedItem(Struct):
    result: CheckedAddress


class CompanyInfo(Struct):
    """Types differ between the documents' editions, hence Any; only the name decides."""

    company_name: str | None
    city: str | None = None
    founded: Any = None
    website: str | None = None
    hq_phone: Any = None
    industry: str | None = None
    size: Any = None
    related_domains: list[str] | None = None


class Refused(Struct):
    """All three envelopes: `errors` as object, list or text; `message`; `result` as text.

    A miss is `success: false` too, but has a `status`.
    """

    success: bool = True
    status: Any = None
    errors: Any = None
    message: Any = None
    result: Any = None


class Balance(Struct):
    """Sent as text, such as `25000.00`."""

    balance: float


class BalanceReply(Struct):
    data: Balance
