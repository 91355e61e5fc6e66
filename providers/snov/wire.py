"""What Snov.io sends. A field that decides hit or miss has no default.

Bodies whose shape depends on a status beside them (PHP sends `[]` for an empty object) are kept
raw until that status is known.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Raw, Struct, field

NOTHING = Raw(b"null")
Count = Annotated[int, Meta(ge=0)]


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
    """`people` is the name that was asked for."""

    result: list[FoundAddress]
    people: str = ""


class CheckedItem(Struct):
    result: CheckedAddress
    email: str = ""


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


class Social(Struct):
    link: str | None = None
    type: str | None = None


class Job(Struct):
    """Numbers and dates come as text, number or PHP object, hence Any."""

    companyName: str | None = None
    position: str | None = None
    site: str | None = None
    state: str | None = None
    city: str | None = None
    street: str | None = None
    postal: str | None = None
    startDate: Any = None
    endDate: Any = None
    size: Any = None
    industry: str | None = None
    country: str | None = None


class Profile(Struct, kw_only=True):
    """v1, from get-profile-by-email; the documents spell its lists of jobs two ways."""

    name: str | None
    firstName: str | None = None
    lastName: str | None = None
    country: str | None = None
    locality: str | None = None
    social: list[Social] | None = None
    skills: Any = None
    currentJob: list[Job] | None = None
    currentJobs: list[Job] | None = None
    previousJob: list[Job] | None = None
    previousJobs: list[Job] | None = None


class ProfileEmail(Struct):
    email: str
    status: str | None = None


class Prospect(Profile, kw_only=True):
    """v1, from get-emails-from-url."""

    emails: list[ProfileEmail]


class ProspectReply(Struct):
    """A list in the document, an object in the one recorded reply."""

    data: list[Prospect] | Prospect


class Accepted(Struct):
    """v1, from add-url-for-search."""

    success: bool


class CountReply(Struct):
    result: Count
    domain: str | None = None
    webmail: bool | None = None


class ListMeta(Struct):
    next: str | None = None
    total_count: int | None = None


class ListReply(TaskReply):
    meta: ListMeta = field(default_factory=ListMeta)


class ListedAddress(Struct):
    email: str


class ListedProspect(Struct):
    """`search_emails_start` is a whole URL; its last segment names the prospect."""

    first_name: str | None
    last_name: str | None
    position: str | None = None
    search_emails_start: str | None = None


class ProspectEmail(Struct):
    email: str
    smtp_status: str | None = None


class ProspectEmails(Struct):
    emails: list[ProspectEmail]


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
