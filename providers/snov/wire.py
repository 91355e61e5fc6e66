"""What Snov.io sends. A field that decides hit or miss has no default, and none is lesser.

Bodies whose shape depends on a status beside them (PHP sends `[]` for an empty object) are kept
raw until that status is known.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Raw, Struct, field

from providers.values.lesser import Lesser

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
    firstName: Lesser[str] = None
    lastName: Lesser[str] = None
    domain: Lesser[str] = None


class Pushed(Struct):
    """v1, from add-names-to-find-emails."""

    sent: bool


class PushedAddress(Struct):
    sent: bool = True


class VerifierEntry(Struct):
    """v1: one member of a reply keyed by address."""

    status: State
    data: Raw = NOTHING


class SmtpStatus(Struct):
    smtpStatus: str | None


class VerifiedAddress(SmtpStatus):
    isValidFormat: Lesser[bool] = None
    isDisposable: Lesser[bool] = None
    isWebmail: Lesser[bool] = None
    isGibberish: Lesser[bool] = None
    isCatchall: bool | None = None
    isGreylist: Lesser[bool] = None
    isBannedError: Lesser[bool] = None
    isConnectionError: Lesser[bool] = None


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
    is_valid_format: Lesser[bool] = None
    is_disposable: Lesser[bool] = None
    is_webmail: Lesser[bool] = None
    is_gibberish: Lesser[bool] = None
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
    city: Lesser[str] = None
    founded: Any = None
    website: Lesser[str] = None
    hq_phone: Any = None
    industry: Lesser[str] = None
    size: Any = None
    related_domains: Lesser[list[str]] = None


class Social(Struct):
    link: Lesser[str] = None
    type: Lesser[str] = None


class Job(Struct):
    """Numbers and dates come as text, number or PHP object, hence Any."""

    companyName: Lesser[str] = None
    position: Lesser[str] = None
    site: Lesser[str] = None
    state: Lesser[str] = None
    city: Lesser[str] = None
    street: Lesser[str] = None
    postal: Lesser[str] = None
    startDate: Any = None
    endDate: Any = None
    size: Any = None
    industry: Lesser[str] = None
    country: Lesser[str] = None


class Profile(Struct, kw_only=True):
    """v1, from get-profile-by-email; the documents spell its lists of jobs two ways."""

    name: str | None
    firstName: Lesser[str] = None
    lastName: Lesser[str] = None
    country: Lesser[str] = None
    locality: Lesser[str] = None
    social: Lesser[list[Social]] = None
    skills: Any = None
    currentJob: Lesser[list[Job]] = None
    currentJobs: Lesser[list[Job]] = None
    previousJob: Lesser[list[Job]] = None
    previousJobs: Lesser[list[Job]] = None


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
    domain: Lesser[str] = None
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
    position: Lesser[str] = None
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
