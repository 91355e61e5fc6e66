"""What Snov.io sends of an account's objects. A field that says which one has no default.

Moments come as PHP's date object, as text or as seconds since 1970, hence Any.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

Number = int | str


class Information(Struct):
    """`balance` is sent as text; one table of the documents calls the recipients otherwise."""

    balance: float
    unique_recipients_used: int | None = None
    recipients_used: int | None = None
    limit_resets_in: int | None = None
    expires_in: int | None = None


class InformationReply(Struct):
    data: Information


class PutProspect(Struct):
    """`added` to the list, `updated` if there was one of this address."""

    id: Number
    added: bool
    updated: bool


class Social(Struct):
    link: str | None = None
    type: str | None = None


class Job(Struct):
    companyName: str | None = None
    position: str | None = None
    site: str | None = None
    street: str | None = None
    city: str | None = None
    state: str | None = None
    postal: str | None = None
    country: str | None = None
    startDate: Any = None
    endDate: Any = None
    size: Any = None
    industry: str | None = None


class InList(Struct):
    id: Number
    name: str | None = None


class InCampaign(Struct):
    """Assumed but for the id: the documents name its figures and show none."""

    id: Number
    name: str | None = None
    status: str | None = None
    sent: int | None = None
    opens: int | None = None
    replies: int | None = None


class ProspectRow(Struct):
    """One of the account's; the documents spell its lists of jobs two ways."""

    id: Number
    name: str | None = None
    firstName: str | None = None
    lastName: str | None = None
    industry: str | None = None
    country: str | None = None
    locality: str | None = None
    social: list[Social] | None = None
    lastUpdateDate: Any = None
    currentJob: list[Job] | None = None
    currentJobs: list[Job] | None = None
    previousJob: list[Job] | None = None
    previousJobs: list[Job] | None = None
    lists: list[InList] | None = None
    campaigns: list[InCampaign] | None = None


class ProspectReply(Struct):
    data: ProspectRow


class ProspectsReply(Struct):
    data: list[ProspectRow]


class MemberEmail(Struct):
    """The numbers of `smtpStatus` are not documented."""

    email: str
    smtpStatus: int | str | None = None


class MemberRow(Struct):
    """A prospect as its list shows it."""

    id: Number
    emails: list[MemberEmail]
    name: str | None = None
    firstName: str | None = None
    lastName: str | None = None


class AboutList(Struct):
    contacts: int | None = None


class MembersReply(Struct):
    prospects: list[MemberRow]
    about: AboutList | None = field(name="list", default=None)


class FieldRow(Struct):
    """`key` looks like `customFields['Project name']`."""

    key: str
    label: str
    required: bool | None = None
    type: str | None = None


class ListRow(Struct):
    id: Number
    name: str | None
    contacts: int | None = None
    creationDate: Any = None
    deletionDate: Any = None


class MadeList(Struct):
    id: Number


class MadeListReply(Struct):
    """One of an array; a refusal has no data."""

    data: MadeList


class Duplicates(Struct):
    duplicates: list[str]


class BlockedReply(Struct):
    """One of an array."""

    data: Duplicates


class CampaignRow(Struct):
    """`campaign` is its name."""

    id: Number
    campaign: str | None
    list_id: Number | None = None
    status: str | None = None
    created_at: Any = None
    updated_at: Any = None
    started_at: Any = None


class ProgressReply(Struct):
    """`progress` such as `90%`."""

    status: str
    progress: Any
    unfinished: int | None = None


class Figures(Struct):
    """The first of some fifty figures and rates."""

    emails_sent: int


class Confirmed(Struct):
    success: bool


class ConfirmedReply(Struct):
    data: Confirmed


class SentRow(Struct):
    sentDate: Any
    userEmail: str | None
    userName: str | None = None
    campaign: str | None = None
    id: Number | None = None


class FinishedRow(Struct):
    prospectId: Number
    userEmail: str | None = None
    userName: str | None = None
    campaign: str | None = None
    id: Number | None = None


class VisitRow(Struct):
    """Opened, clicked or replied; custom fields stand beside, `customField_` before each."""

    visitedAt: Any
    prospectId: Number | None
    prospectEmail: str | None = None
    prospectName: str | None = None
    prospectFirstName: str | None = None
    prospectLastName: str | None = None
    campaign: str | None = None
    industry: str | None = None
    locality: str | None = None
    country: str | None = None
    emailSubject: str | None = None
    emailBody: str | None = None
    id: Number | None = None


class WebhookRow(Struct):
    """`endpoint_url` goes in, `end_point` comes out."""

    id: Number
    end_point: str
    event_object: str
    event_action: str
    status: str | None = None
    created_at: Any = None


class WebhookReply(Struct):
    data: WebhookRow


class WebhooksReply(Struct):
    """Each in a `data` of its own, within `data`."""

    data: list[WebhookReply]


class Complaint(Struct):
    code: Any = None
    title: str | None = None


class Envelope(Struct):
    """All three ways to refuse."""

    errors: Complaint | list[Any] | str | None = None
    message: str | None = None
    result: Any = None
