"""What is asked of an account: filters, and what shall be written.

Members that are not given are UNSET and left as they are; null empties.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from providers.accounts.objects import EventType, RecipientStatus, WebhookEvent
from providers.model import Address, Domain, Link, Place, Status, Text

# Providers number what they keep, and write the numbers either way.
Id = Annotated[str, Meta(min_length=1, max_length=256)] | Annotated[int, Meta(ge=0)]
Ids = Annotated[list[Id], Meta(max_length=100)]
Name = Annotated[str, Meta(min_length=1, max_length=255)]
Notes = Annotated[str, Meta(max_length=10_000)]
Confidence = Annotated[int, Meta(ge=0, le=100)]
Value = Annotated[str, Meta(max_length=10_000)] | int | float
Fields = Annotated[dict[Name, Value | None], Meta(max_length=100)]
# Hunter takes 50 at most.
Few = Annotated[list[Address], Meta(max_length=50)]
FewIds = Annotated[list[Id], Meta(max_length=50)]
SettableStatus = Literal["active", "paused", "unsubscribed"]
Presence = Literal["any", "none"]
SyncFilter = Literal["pending", "success", "failed"]


class Draft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What shall be written."""


class LeadDraft(Draft, frozen=True, kw_only=True):
    """A lead, or a change of one. `custom_fields` are merged by key; null empties one."""

    email: Address | UnsetType = UNSET
    first_name: Text | UnsetType | None = UNSET
    last_name: Text | UnsetType | None = UNSET
    full_name: Text | UnsetType | None = UNSET
    job_title: Text | UnsetType | None = UNSET
    company: Text | UnsetType | None = UNSET
    domain: Domain | UnsetType | None = UNSET
    industry: Text | UnsetType | None = UNSET
    headcount: Text | UnsetType | None = UNSET
    confidence: Confidence | UnsetType | None = UNSET
    location: Place | UnsetType | None = UNSET
    linkedin_url: Link | UnsetType | None = UNSET
    twitter: Text | UnsetType | None = UNSET
    phone: Text | UnsetType | None = UNSET
    notes: Notes | UnsetType | None = UNSET
    source: Text | UnsetType | None = UNSET
    custom_fields: Fields | UnsetType = UNSET
    list_ids: Ids | UnsetType = UNSET


class ListDraft(Draft, frozen=True, kw_only=True):
    name: Name


class CustomFieldDraft(Draft, frozen=True, kw_only=True):
    label: Name


class RecipientsDraft(Draft, frozen=True, kw_only=True):
    """At least one of either."""

    emails: Few = []
    lead_ids: FewIds = []


class CancelDraft(Draft, frozen=True, kw_only=True):
    emails: Annotated[list[Address], Meta(min_length=1, max_length=50)]


class RecipientChange(Draft, frozen=True, kw_only=True):
    email: Address
    status: SettableStatus


class BlockDraft(Draft, frozen=True, kw_only=True):
    """Addresses and domains, into the provider's list of this id."""

    items: Annotated[list[Address], Meta(min_length=1, max_length=100)]
    list_id: Id


class WebhookDraft(Draft, frozen=True, kw_only=True):
    url: Annotated[str, Meta(min_length=1, max_length=500)]
    event: WebhookEvent


class WebhookChange(Draft, frozen=True, kw_only=True):
    url: Annotated[str, Meta(min_length=1, max_length=500)] | UnsetType = UNSET
    event: WebhookEvent | UnsetType = UNSET
    status: Literal["active", "deactivated"] | UnsetType = UNSET


class LeadFilters(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which leads; a text selects those that contain it, `*` any value, `~` none."""

    list_id: Id | None = None
    query: Text | None = None
    email: Text | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    job_title: Text | None = None
    company: Text | None = None
    domain: Text | None = None
    industry: Text | None = None
    headcount: Text | None = None
    country: Text | None = None
    source: Text | None = None
    linkedin_url: Link | None = None
    twitter: Text | None = None
    phone: Text | None = None
    status: list[Status | Literal["webmail", "pending"]] = []
    sending_status: list[RecipientStatus | Literal["none"]] = []
    sync_status: SyncFilter | None = None
    last_activity: Presence | None = None
    last_contacted: Presence | None = None
    custom_fields: dict[str, Text] = {}


class CampaignFilters(Struct, frozen=True, kw_only=True):
    started: bool | None = None
    archived: bool | None = None


class Span(Struct, frozen=True, kw_only=True):
    """Days, both included; None for all."""

    date_from: str | None = None
    date_to: str | None = None


class EventQuery(Struct, frozen=True, kw_only=True):
    campaign: str
    type: EventType


class Asked(Struct, frozen=True, kw_only=True):
    """Which page: at most `limit` rows, `after` as the page before said."""

    limit: int = 25
    after: str | None = None

    @property
    def offset(self) -> int:
        """For what is counted in rows."""
        return int(self.after or 0)
