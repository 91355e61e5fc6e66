"""What an account keeps at its provider: leads, lists, campaigns, webhooks, a balance.

Ids are the provider's own, as text. Moments are ISO 8601 UTC, rates shares of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from msgspec import Struct

from providers.model import Employment, Location, Status

T = TypeVar("T")

# Of a recipient of a campaign; `status` of an address is another thing.
RecipientStatus = Literal[
    "pending",
    "active",
    "paused",
    "sent",
    "opened",
    "clicked",
    "replied",
    "bounced",
    "unsubscribed",
    "cancelled",
    "finished",
    "moved",
    "failed",
    "unknown",
]
CampaignStatus = Literal[
    "draft",
    "planned",
    "preparing",
    "active",
    "paused",
    "completed",
    "archived",
    "failed",
    "unknown",
]
SyncStatus = Literal["pending", "success", "failed", "unknown"]
FieldType = Literal["text", "number", "date", "unknown"]
SkipReason = Literal[
    "duplicate", "invalid", "removed", "bounced", "unsubscribed", "suppressed", "unknown"
]
WebhookStatus = Literal["active", "deactivated", "unknown"]
WebhookEvent = Literal[
    "lead.created",
    "email.sent",
    "email.first_sent",
    "email.opened",
    "email.clicked",
    "email.bounced",
    "email.replied",
    "email.first_replied",
    "email.auto_replied",
    "email.verified",
    "export.completed",
    "import.completed",
    "campaign.paused",
    "campaign.resumed",
    "unknown",
]
EventType = Literal["sent", "opened", "clicked", "replied", "finished"]


class AccountInformation(Struct, kw_only=True):
    """`balance` and `used` by the provider's unit, as the provider says them.

    Hunter's `balance` is what the plan holds: its own example has used more than that.
    """

    plan: str | None = None
    balance: Mapping[str, float]
    used: Mapping[str, float]
    resets_at: str | None = None
    expires_at: str | None = None


class ListName(Struct, kw_only=True):
    id: str
    name: str | None = None


class Participation(Struct, kw_only=True):
    """A campaign that a lead is a recipient of."""

    id: str
    name: str | None = None
    status: RecipientStatus = "unknown"
    sent: int | None = None
    opened: int | None = None
    replied: int | None = None


class Lead(Struct, kw_only=True):
    """A person whom the account keeps; `status` and `verified_at` are of the address.

    `custom_fields` by the key of the field.
    """

    id: str
    email: str | None = None
    status: Status = "unknown"
    verified_at: str | None = None
    confidence: int | None = None
    first_name: str | None = None
    last_name: str | None = None
    full_name: str | None = None
    job_title: str | None = None
    company: str | None = None
    domain: str | None = None
    industry: str | None = None
    headcount: str | None = None
    headcount_min: int | None = None
    headcount_max: int | None = None
    location: Location | None = None
    linkedin_url: str | None = None
    twitter: str | None = None
    phone: str | None = None
    notes: str | None = None
    source: str | None = None
    sending_status: RecipientStatus | None = None
    sync_status: SyncStatus | None = None
    custom_fields: dict[str, str] = {}
    lists: list[ListName] = []
    campaigns: list[Participation] = []
    jobs: list[Employment] = []
    last_activity_at: str | None = None
    last_contacted_at: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class LeadsList(Struct, kw_only=True):
    """Some providers go on showing lists that were deleted."""

    id: str
    name: str | None = None
    leads_count: int | None = None
    created_at: str | None = None
    deleted_at: str | None = None


class CustomField(Struct, kw_only=True):
    """`key` is its name in the `custom_fields` of a lead."""

    id: str
    label: str
    key: str
    type: FieldType | None = None
    required: bool | None = None


class Campaign(Struct, kw_only=True):
    id: str
    name: str | None = None
    status: CampaignStatus = "unknown"
    recipients_count: int | None = None
    list_id: str | None = None
    started_at: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class Recipient(Struct, kw_only=True):
    email: str
    lead_id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    full_name: str | None = None
    job_title: str | None = None
    company: str | None = None
    domain: str | None = None
    status: RecipientStatus = "unknown"


class Skipped(Struct, kw_only=True):
    email: str
    reason: SkipReason


class Added(Struct, kw_only=True):
    """What came of adding recipients."""

    added: int
    skipped: list[Skipped] = []


class Cancelled(Struct, kw_only=True):
    """Whose scheduled messages were cancelled, and how many of them."""

    cancelled: list[str] = []
    messages: int | None = None


class LinkedInStats(Struct, kw_only=True):
    contacted: int | None = None
    replied: int | None = None
    replied_rate: float | None = None
    connection_request_replies: int | None = None
    connection_request_replies_rate: float | None = None
    message_replies: int | None = None
    message_replies_rate: float | None = None
    in_mail_replies: int | None = None
    in_mail_replies_rate: float | None = None
    connection_requests: int | None = None
    accepted_requests: int | None = None
    accepted_requests_rate: float | None = None
    failed_connection_requests: int | None = None
    messages_sent: int | None = None
    in_mail_sent: int | None = None
    views: int | None = None
    likes: int | None = None
    follows: int | None = None


class CampaignStats(Struct, kw_only=True):
    """Figures of recipients, each counted once, but for those of e-mails.

    Those are `bounced`, and at Snov.io `sent`, `first_emails`, `follow_ups` and `delivered` too.
    """

    recipients: int | None = None
    contacted: int | None = None
    contacted_by_email: int | None = None
    sent: int | None = None
    first_emails: int | None = None
    first_emails_rate: float | None = None
    follow_ups: int | None = None
    follow_ups_rate: float | None = None
    delivered: int | None = None
    delivered_rate: float | None = None
    bounced: int | None = None
    bounced_rate: float | None = None
    opened: int | None = None
    opened_rate: float | None = None
    clicked: int | None = None
    clicked_rate: float | None = None
    replied: int | None = None
    replied_rate: float | None = None
    unsubscribed: int | None = None
    unsubscribed_rate: float | None = None
    auto_replied: int | None = None
    auto_replied_rate: float | None = None
    interested: int | None = None
    interested_rate: float | None = None
    maybe: int | None = None
    maybe_rate: float | None = None
    not_interested: int | None = None
    not_interested_rate: float | None = None
    linkedin: LinkedInStats | None = None


class CampaignProgress(Struct, kw_only=True):
    """`progress` is the share of recipients who are done, `unfinished` how many are not."""

    status: CampaignStatus
    progress: float | None = None
    unfinished: int | None = None


class CampaignEvent(Struct, kw_only=True):
    """What happened with one recipient; the provider dates no `finished`."""

    id: str | None = None
    type: EventType
    at: str | None = None
    campaign_id: str
    campaign: str | None = None
    lead_id: str | None = None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    full_name: str | None = None
    industry: str | None = None
    location: Location | None = None
    email_subject: str | None = None
    email_body: str | None = None
    custom_fields: dict[str, str] = {}


class Blocked(Struct, kw_only=True):
    """Addresses and domains that get no mail any more; `duplicates` got none before."""

    added: int
    duplicates: list[str] = []


class Webhook(Struct, kw_only=True):
    """`provider_event` is the event in the provider's own words."""

    id: str
    url: str
    event: WebhookEvent
    provider_event: str
    status: WebhookStatus | None = None
    created_at: str | None = None


@dataclass(frozen=True, kw_only=True)
class Listed(Generic[T]):
    """A page; `next` is how the provider's next one is asked for, `total` its own count."""

    rows: list[T]
    next: str | None = None
    total: int | None = None
    raw: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Done(Generic[T]):
    """What a provider says of one thing; `created` if that was not there before."""

    data: T
    created: bool = False
    raw: bytes = b""
