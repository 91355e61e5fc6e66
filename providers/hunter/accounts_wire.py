"""What Hunter sends of an account's objects. A field that says which one it is has no default."""

from __future__ import annotations

from typing import Any

from msgspec import Raw, Struct


class Meter(Struct):
    used: float
    available: float


class Information(Struct):
    requests: dict[str, Meter]
    plan_name: str | None = None
    reset_date: Any = None


class InformationReply(Struct):
    data: Information


class Verification(Struct):
    """The status of a lead's check also speaks the verifier's older words."""

    date: str | None = None
    status: str | None = None


class ListOfLead(Struct):
    """It is there, with nothing in it, when the lead is in no list."""

    id: int | None = None
    name: str | None = None


class LeadRow(Struct):
    """Custom attributes stand beside these, named by their slugs."""

    id: int
    email: str | None
    first_name: str | None = None
    last_name: str | None = None
    position: str | None = None
    company: str | None = None
    company_industry: str | None = None
    company_size: str | int | None = None
    confidence_score: int | None = None
    website: str | None = None
    country_code: str | None = None
    source: str | None = None
    linkedin_url: str | None = None
    phone_number: str | int | None = None
    twitter: str | None = None
    sync_status: str | None = None
    notes: str | None = None
    sending_status: str | None = None
    last_activity_at: str | None = None
    last_contacted_at: str | None = None
    verification: Verification | None = None
    leads_list: ListOfLead | None = None
    leads_list_id: int | None = None
    created_at: str | None = None


class LeadReply(Struct):
    data: Raw


class LeadRows(Struct):
    leads: list[Raw]


class LeadsMeta(Struct):
    """`count` is of the filtered leads, `total` of all."""

    count: int | None = None


class LeadsReply(Struct):
    data: LeadRows
    meta: LeadsMeta


class ListRow(Struct):
    id: int
    name: str | None
    leads_count: int | None = None
    created_at: str | None = None


class ListReply(Struct):
    data: ListRow


class ListRows(Struct):
    leads_lists: list[ListRow]


class TotalMeta(Struct):
    total: int | None = None


class ListsReply(Struct):
    data: ListRows
    meta: TotalMeta


class Attribute(Struct):
    id: int
    label: str
    slug: str


class AttributeReply(Struct):
    data: Attribute


class Attributes(Struct):
    leads_custom_attributes: list[Attribute]


class AttributesReply(Struct):
    data: Attributes


class CampaignRow(Struct):
    """`status` and the moments are only in the details of one."""

    id: int
    name: str | None
    started: bool
    recipients_count: int | None = None
    archived: bool = False
    paused: bool = False
    status: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class CampaignReply(Struct):
    data: CampaignRow


class CampaignRows(Struct):
    campaigns: list[CampaignRow]


class CampaignsReply(Struct):
    data: CampaignRows


class StatsRow(Struct):
    """Rates are shares of one."""

    sent: int
    delivered: int
    recipients_count: int | None = None
    opened: int | None = None
    clicked: int | None = None
    replied: int | None = None
    bounced: int | None = None
    unsubscribed_recipients: int | None = None
    open_rate: float | None = None
    click_rate: float | None = None
    reply_rate: float | None = None
    bounce_rate: float | None = None
    unsubscribed_recipients_rate: float | None = None


class StatsReply(Struct):
    data: StatsRow


class RecipientRow(Struct):
    email: str
    sending_status: str | None
    lead_id: int | None = None
    first_name: str | None = None
    last_name: str | None = None
    position: str | None = None
    company: str | None = None
    website: str | None = None


class RecipientRows(Struct):
    recipients: list[RecipientRow]


class RecipientsReply(Struct):
    data: RecipientRows


class SkippedRow(Struct):
    email: str
    reason: str | None


class AddedRow(Struct):
    recipients_added: int
    skipped_recipients: list[SkippedRow]


class AddedReply(Struct):
    data: AddedRow


class CancelledRow(Struct):
    recipients_canceled: list[str]
    messages_canceled: int | None = None


class CancelledReply(Struct):
    data: CancelledRow


class WebhookRow(Struct):
    id: int
    target_url: str
    event: str


class WebhookReply(Struct):
    data: WebhookRow | list[WebhookRow]


class WebhooksReply(Struct):
    data: list[WebhookRow]
    meta: TotalMeta | None = None
