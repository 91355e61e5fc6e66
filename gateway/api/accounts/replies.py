"""Replies about account objects, and what OpenAPI says of their routes."""

from __future__ import annotations

from msgspec import Struct

from gateway.api.accounts.visits import ObjectMeta, PageMeta
from gateway.api.documents import AUTHENTICATED, READ, WITH_BODY
from providers.accounts.objects import (
    AccountInformation,
    Added,
    Blocked,
    Campaign,
    CampaignEvent,
    CampaignProgress,
    CampaignStats,
    Cancelled,
    CustomField,
    Lead,
    LeadsList,
    Recipient,
    Webhook,
)

ASKED = (
    *AUTHENTICATED,
    *READ,
    "invalid_query",
    "unsupported",
    "rate_limited",
    "suppressed",
    "all_providers_failed",
    "no_provider_configured",
    "no_provider_available",
)
WRITTEN = (*ASKED, *WITH_BODY, "conflict")


class AccountReply(Struct):
    data: AccountInformation
    meta: ObjectMeta


class Changed(Struct):
    """What was changed; the provider does not say what it looks like now."""

    id: str


class ChangedReply(Struct):
    data: Changed
    meta: ObjectMeta


class LeadReply(Struct):
    data: Lead
    meta: ObjectMeta


class LeadsReply(Struct):
    data: list[Lead]
    meta: PageMeta


class LeadsListReply(Struct):
    data: LeadsList
    meta: ObjectMeta


class LeadsListsReply(Struct):
    data: list[LeadsList]
    meta: PageMeta


class CustomFieldReply(Struct):
    data: CustomField
    meta: ObjectMeta


class CustomFieldsReply(Struct):
    data: list[CustomField]
    meta: PageMeta


class CampaignReply(Struct):
    data: Campaign
    meta: ObjectMeta


class CampaignsReply(Struct):
    data: list[Campaign]
    meta: PageMeta


class StatsReply(Struct):
    data: CampaignStats
    meta: ObjectMeta


class ProgressReply(Struct):
    data: CampaignProgress
    meta: ObjectMeta


class EventsReply(Struct):
    data: list[CampaignEvent]
    meta: PageMeta


class RecipientReply(Struct):
    data: Recipient
    meta: ObjectMeta


class RecipientsReply(Struct):
    data: list[Recipient]
    meta: PageMeta


class AddedReply(Struct):
    data: Added
    meta: ObjectMeta


class CancelledReply(Struct):
    data: Cancelled
    meta: ObjectMeta


class BlockedMeta(ObjectMeta, kw_only=True):
    """`suppressed` are the items that are suppressed here from now on: of domains, an
    administrator's alone.
    """

    suppressed: list[str]


class BlockedReply(Struct):
    data: Blocked
    meta: BlockedMeta


class WebhookReply(Struct):
    data: Webhook
    meta: ObjectMeta


class WebhooksReply(Struct):
    data: list[Webhook]
    meta: PageMeta
