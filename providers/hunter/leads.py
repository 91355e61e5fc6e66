"""Hunter's leads, lists and custom attributes in our words, and ours in Hunter's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET, Raw
from msgspec.structs import replace

from providers.accounts.drafts import LeadDraft, LeadFilters
from providers.accounts.objects import (
    CustomField,
    Lead,
    LeadsList,
    ListName,
    RecipientStatus,
    SyncStatus,
)
from providers.accounts.refusals import Complaint, Lacking, Refused
from providers.accounts.values import checked_country, checked_phone
from providers.base import decode
from providers.hunter.accounts_wire import Attribute, LeadRow, ListRow
from providers.hunter.mapping import STATUSES
from providers.model import Location, Status
from providers.values.countries import to_country
from providers.values.headcount import to_headcount
from providers.values.links import to_domain, to_linkedin_url
from providers.values.moments import to_moment
from providers.values.names import join_name, split_name
from providers.values.phones import to_phone
from providers.vocabulary import note, to_status

# Ours and Hunter's: of a lead, as it is written and shown.
MEMBERS: Mapping[str, str] = {
    "email": "email",
    "first_name": "first_name",
    "last_name": "last_name",
    "job_title": "position",
    "company": "company",
    "domain": "website",
    "industry": "company_industry",
    "headcount": "company_size",
    "confidence": "confidence_score",
    "linkedin_url": "linkedin_url",
    "twitter": "twitter",
    "phone": "phone_number",
    "notes": "notes",
    "source": "source",
}
# Of the filters, `industry` and `company_size` among them, which a lead calls otherwise.
FILTERS: Mapping[str, str] = {
    "list_id": "leads_list_id",
    "query": "query",
    "email": "email",
    "first_name": "first_name",
    "last_name": "last_name",
    "job_title": "position",
    "company": "company",
    "domain": "website",
    "industry": "industry",
    "headcount": "company_size",
    "country": "country_code",
    "source": "source",
    "linkedin_url": "linkedin_url",
    "twitter": "twitter",
    "phone": "phone_number",
}
PRESENCE = {"any": "*", "none": "~"}
# Besides LeadRow's: what an edition of the documents shows and nobody here reads.
UNREAD = frozenset({"leads_lists", "leads_list_ids", "tags", "company_id", "owner", "updated_at"})

ADDRESS_STATUSES: Mapping[str, Status] = {
    **STATUSES,
    "deliverable": "valid",
    "undeliverable": "invalid",
    "risky": "unknown",
    "pending": "unknown",
}
SENDING: Mapping[str, RecipientStatus] = {
    "pending": "pending",
    "sent": "sent",
    "opened": "opened",
    "clicked": "clicked",
    "replied": "replied",
    "bounced": "bounced",
    "unsubscribed": "unsubscribed",
    "error": "failed",
    # Assumed: the documents do not say how a cancelled one is shown.
    "canceled": "cancelled",
}
SYNC: Mapping[str, SyncStatus] = {"pending": "pending", "success": "success", "error": "failed"}
STATUS_FILTER: Mapping[str, str] = {
    "valid": "valid",
    "invalid": "invalid",
    "catch_all": "accept_all",
    "disposable": "disposable",
    "unknown": "unknown",
    "webmail": "webmail",
    "pending": "pending",
}
SENDING_FILTER: Mapping[str, str] = {
    **{ours: theirs for theirs, ours in SENDING.items() if ours != "cancelled"},
    "none": "~",
}
SYNC_FILTER = {ours: theirs for theirs, ours in SYNC.items()}


def to_lead(raw: Raw) -> Lead:
    row = decode(raw, LeadRow)
    lead = to_person(row)
    checked = row.verification
    if checked is not None:
        lead.status = to_address_status(checked.status)
        lead.verified_at = to_moment(checked.date)
    if row.sending_status:
        lead.sending_status = to_sending_status(row.sending_status)
    if row.sync_status:
        lead.sync_status = to_sync_status(row.sync_status)
    lead.custom_fields = to_custom_fields(raw)
    lead.lists = to_lists(row)
    lead.last_activity_at = to_moment(row.last_activity_at)
    lead.last_contacted_at = to_moment(row.last_contacted_at)
    lead.created_at = to_moment(row.created_at)
    return lead


def to_person(row: LeadRow) -> Lead:
    """Who it is; nothing of what became of them."""
    band, country = to_headcount(row.company_size), to_country(row.country_code)
    return Lead(
        id=str(row.id),
        email=row.email or None,
        confidence=row.confidence_score,
        first_name=row.first_name,
        last_name=row.last_name,
        full_name=join_name(row.first_name, row.last_name),
        job_title=row.position,
        company=row.company,
        domain=to_domain(row.website),
        industry=row.company_industry,
        headcount=band.label,
        headcount_min=band.least,
        headcount_max=band.most,
        location=Location(country=country) if country else None,
        linkedin_url=to_linkedin_url(row.linkedin_url),
        twitter=row.twitter,
        phone=to_phone(row.phone_number, country),
        notes=row.notes,
        source=row.source,
    )


def to_address_status(word: str | None) -> Status:
    return to_status(ADDRESS_STATUSES, word, provider="hunter", field="verification.status")


def to_sending_status(word: str | None) -> RecipientStatus:
    if word and word not in SENDING:
        note("hunter", "sending_status", word)
    return SENDING.get(word or "", "unknown")


def to_sync_status(word: str) -> SyncStatus:
    if word not in SYNC:
        note("hunter", "sync_status", word)
    return SYNC.get(word, "unknown")


def to_custom_fields(raw: Raw) -> dict[str, str]:
    """What stands in a lead beside its own fields: custom attributes by slug, texts all."""
    own = {*LeadRow.__struct_fields__, *UNREAD}
    return {
        slug: str(value)
        for slug, value in decode(raw, dict[str, Any]).items()
        if slug not in own and isinstance(value, str | int | float)
    }


def to_lists(row: LeadRow) -> list[ListName]:
    """A list shows its leads with its id alone."""
    if row.leads_list is not None and row.leads_list.id is not None:
        return [ListName(id=str(row.leads_list.id), name=row.leads_list.name)]
    return [ListName(id=str(row.leads_list_id))] if row.leads_list_id is not None else []


def from_draft(draft: LeadDraft) -> dict[str, Any]:
    """A lead as Hunter takes it. Raises Lacking for what Hunter has no member for, Refused."""
    draft = _parted(draft)
    given: dict[str, Any] = {
        theirs: value
        for ours, theirs in MEMBERS.items()
        if (value := getattr(draft, ours)) is not UNSET
    }
    # The documents: an empty text clears a field.
    given = {name: "" if value is None else value for name, value in given.items()}
    country = _country(draft)
    if draft.location is not UNSET:
        given["country_code"] = country or ""
    if draft.phone:
        given["phone_number"] = checked_phone(draft.phone, country)
    if draft.list_ids is not UNSET:
        given |= _lists(draft.list_ids)
    if draft.custom_fields is not UNSET:
        custom = draft.custom_fields.items()
        given["custom_attributes"] = {
            slug: "" if value is None else str(value) for slug, value in custom
        }
    return given


def _parted(draft: LeadDraft) -> LeadDraft:
    """Hunter keeps the parts of a name, and no whole one."""
    if draft.full_name is UNSET or (
        draft.first_name is not UNSET and draft.last_name is not UNSET
    ):
        return draft
    if draft.full_name is None:
        return replace(draft, first_name=None, last_name=None)
    parts = split_name(draft.full_name)
    if parts is None:
        details = "can't be parted with certainty; give first_name and last_name"
        raise Refused([Complaint(details, "/full_name")])
    return replace(draft, first_name=parts[0], last_name=parts[1])


def _country(draft: LeadDraft) -> str | None:
    place = draft.location or None
    for name in ("city", "state"):
        if place and getattr(place, name):
            raise Lacking(f"/location/{name}", "Hunter keeps the country of a lead alone")
    return checked_country(place)


def _lists(ids: list[Any]) -> dict[str, Any]:
    """The member for several is not in every edition of the documents."""
    numbers = to_numbers(ids)
    if len(numbers) == 1:
        return {"leads_list_id": numbers[0]}
    return {"leads_list_ids": numbers}


def to_numbers(ids: Sequence[int | str]) -> list[int | str]:
    """What is no number is nobody's id, and Hunter says so."""
    return [int(item) if str(item).isdecimal() else item for item in ids]


def from_filters(filters: LeadFilters) -> dict[str, Any]:
    """The query of a list of leads. Raises Lacking for words that Hunter does not filter by."""
    params: dict[str, Any] = {theirs: getattr(filters, ours) for ours, theirs in FILTERS.items()}
    params |= {
        "verification_status[]": [
            _native(word, STATUS_FILTER, "/status") for word in filters.status
        ],
        "sending_status[]": [
            _native(word, SENDING_FILTER, "/sending_status") for word in filters.sending_status
        ],
        "sync_status": filters.sync_status and SYNC_FILTER[filters.sync_status],
        "last_activity_at": filters.last_activity and PRESENCE[filters.last_activity],
        "last_contacted_at": filters.last_contacted and PRESENCE[filters.last_contacted],
        "country_code": to_country(filters.country) or filters.country,
    }
    custom = filters.custom_fields.items()
    return params | {f"custom_attributes[{slug}]": value for slug, value in custom}


def _native(word: str, table: Mapping[str, str], pointer: str) -> str:
    if word not in table:
        raise Lacking(pointer, f"Hunter does not filter by {word}; it does by {', '.join(table)}")
    return table[word]


def to_list(row: ListRow) -> LeadsList:
    return LeadsList(
        id=str(row.id),
        name=row.name,
        leads_count=row.leads_count,
        created_at=to_moment(row.created_at),
    )


def to_custom_field(row: Attribute) -> CustomField:
    return CustomField(id=str(row.id), label=row.label, key=row.slug)
