"""Snov.io's prospects, lists and custom fields in our words, and ours in Snov.io's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET

from providers.accounts.drafts import LeadDraft, LeadFilters
from providers.accounts.objects import (
    CustomField,
    FieldType,
    Lead,
    LeadsList,
    ListName,
    Participation,
    RecipientStatus,
)
from providers.accounts.refusals import Complaint, Lacking, Refused
from providers.accounts.values import checked_country, checked_phone
from providers.model import Employment, Location, Place, Status
from providers.snov.accounts_wire import (
    FieldRow,
    InCampaign,
    Job,
    ListRow,
    MemberRow,
    ProspectRow,
    PutProspect,
)
from providers.snov.mapping import STATUSES
from providers.values.countries import to_country, to_country_name
from providers.values.dates import to_day
from providers.values.headcount import to_headcount
from providers.values.links import to_domain, to_linkedin_url
from providers.values.moments import to_moment
from providers.values.names import join_name
from providers.vocabulary import note, to_status

# Ours and Snov.io's: of a prospect, as it is written.
MEMBERS: Mapping[str, str] = {
    "email": "email",
    "full_name": "fullName",
    "first_name": "firstName",
    "last_name": "lastName",
    "job_title": "position",
    "company": "companyName",
}
UNKNOWN = ("industry", "headcount", "confidence", "notes", "source")
FILTERS = ("list_id", "email")
RECIPIENTS: Mapping[str, RecipientStatus] = {
    "active": "active",
    "paused": "paused",
    "unsubscribed": "unsubscribed",
    "finished": "finished",
    "moved": "moved",
}
TYPES: Mapping[str, FieldType] = {"string": "text", "number": "number", "date": "date"}
_KEY = re.compile(r"customFields\[['\"]?(.*?)['\"]?\]")


def to_lead(row: ProspectRow, email: str | None = None) -> Lead:
    """The document shows no address of a prospect; it is known when it was asked for."""
    jobs = [*_jobs(row.currentJob, row.currentJobs, current=True)]
    now = jobs[0] if jobs else Employment()
    links = {(one.type or "").lower(): one.link for one in row.social or ()}
    return Lead(
        id=str(row.id),
        email=email,
        first_name=row.firstName,
        last_name=row.lastName,
        full_name=row.name or join_name(row.firstName, row.lastName),
        job_title=now.job_title,
        company=now.company,
        domain=now.domain,
        industry=row.industry,
        location=to_location(row.locality, row.country),
        linkedin_url=to_linkedin_url(links.get("linkedin")),
        twitter=to_handle(links.get("twitter") or links.get("x")),
        lists=[ListName(id=str(one.id), name=one.name) for one in row.lists or ()],
        campaigns=[to_participation(one) for one in row.campaigns or ()],
        jobs=[*jobs, *_jobs(row.previousJob, row.previousJobs, current=False)],
        updated_at=to_moment(row.lastUpdateDate),
    )


def _jobs(one: list[Job] | None, other: list[Job] | None, *, current: bool) -> list[Employment]:
    return [to_employment(job, current=current) for job in one or other or ()]


def to_employment(job: Job, *, current: bool) -> Employment:
    return Employment(
        company=job.companyName,
        job_title=job.position,
        domain=to_domain(job.site),
        start=to_day(job.startDate),
        end=to_day(job.endDate),
        current=current,
        industry=job.industry,
        headcount=to_headcount(job.size).label,
        location=Location(
            street=job.street,
            city=job.city,
            state=job.state,
            postal_code=job.postal,
            country=to_country(job.country),
        ),
    )


def to_location(locality: str | None, country: str | None) -> Location | None:
    """The locality is a free text, such as `Greater Atlanta Area`."""
    code = to_country(country)
    return Location(city=locality or None, country=code) if locality or code else None


def to_handle(link: str | None) -> str | None:
    """`ada`, from `https://x.com/ada`."""
    return (link or "").rstrip("/").rpartition("/")[2] or None


def to_participation(row: InCampaign) -> Participation:
    return Participation(
        id=str(row.id),
        name=row.name,
        status=to_recipient_status(row.status),
        sent=row.sent,
        opened=row.opens,
        replied=row.replies,
    )


def to_recipient_status(word: str | None) -> RecipientStatus:
    found = RECIPIENTS.get((word or "").lower())
    if word and found is None:
        note("snov", "status", word)
    return found or "unknown"


def to_member(row: MemberRow, list_id: str) -> Lead:
    """A prospect as its list shows it; the first of its addresses counts."""
    first = row.emails[0] if row.emails else None
    return Lead(
        id=str(row.id),
        email=first.email if first else None,
        status=to_address_status(first.smtpStatus) if first else "unknown",
        first_name=row.firstName,
        last_name=row.lastName,
        full_name=row.name or join_name(row.firstName, row.lastName),
        lists=[ListName(id=list_id)],
    )


def to_address_status(value: int | str | None) -> Status:
    """The numbers of `smtpStatus` say nothing to anybody but Snov.io."""
    if not isinstance(value, str) or value.isdigit():
        return "unknown"
    return to_status(STATUSES, value, provider="snov", field="smtpStatus")


def to_put(row: PutProspect, draft: LeadDraft) -> Lead:
    """What a write is answered with: the id, and that it is in the list."""
    email = None if draft.email is UNSET else draft.email
    return Lead(id=str(row.id), email=email, lists=[ListName(id=_list_of(draft))])


def from_draft(draft: LeadDraft, *, update: bool) -> dict[str, Any]:
    """The form of a prospect. Raises Lacking for what Snov.io has no member for, Refused."""
    for name in UNKNOWN:
        if getattr(draft, name) is not UNSET:
            raise Lacking(f"/{name}", f"Snov.io keeps no {name} of a lead")
    for name in LeadDraft.__struct_fields__:
        if getattr(draft, name) is None:
            raise Lacking(f"/{name}", "Snov.io empties no member of a lead")
    form = {theirs: getattr(draft, ours) for ours, theirs in MEMBERS.items()}
    form |= _extras(draft)
    form |= {"listId": _list_of(draft), "updateContact": "true" if update else "false"}
    return {name: value for name, value in form.items() if value is not UNSET}


def _extras(draft: LeadDraft) -> dict[str, Any]:
    """What Snov.io writes in another form than we."""
    form: dict[str, Any] = {}
    country = checked_country(draft.location or None)
    if draft.domain:
        form["companySite"] = f"https://{draft.domain}"
    if draft.phone:
        form["phones[]"] = [checked_phone(draft.phone, country)]
    if draft.linkedin_url:
        form["socialLinks[linkedIn]"] = draft.linkedin_url
    if draft.twitter:
        # Assumed: the documents name X as a network, their example misspells it.
        form["socialLinks[X]"] = f"https://x.com/{draft.twitter.lstrip('@')}"
    if draft.location:
        form |= _place(draft.location, country)
    custom = draft.custom_fields or {}
    return form | {f"customFields[{key}]": _text(key, value) for key, value in custom.items()}


def _text(key: str, value: Any) -> str:
    if value is None:
        raise Lacking(f"/custom_fields/{key}", "Snov.io empties no member of a lead")
    return str(value)


def _place(place: Place, country: str | None) -> dict[str, Any]:
    """A country goes by the name that Snov.io lists it under."""
    locality = ", ".join(part for part in (place.city, place.state) if part)
    form = {"locality": locality, "country": to_country_name(country)}
    return {name: value for name, value in form.items() if value}


def _list_of(draft: LeadDraft) -> str:
    ids: Sequence[Any] = draft.list_ids or ()
    if len(ids) != 1:
        raise Refused([Complaint("Snov.io keeps a lead in a list: give one", "/list_ids")])
    return str(ids[0])


def check_filters(filters: LeadFilters) -> None:
    """Raises Lacking unless it is the leads of one list, or of one address."""
    for name in LeadFilters.__struct_fields__:
        if name not in FILTERS and getattr(filters, name):
            raise Lacking(f"/{name}", "Snov.io lists leads by list_id or email alone")
    if bool(filters.list_id) is bool(filters.email):
        details = "Snov.io lists the leads of one list or of one address: give list_id or email"
        raise Lacking("/email" if filters.email else "/list_id", details)


def to_list(row: ListRow) -> LeadsList:
    return LeadsList(
        id=str(row.id),
        name=row.name,
        leads_count=row.contacts,
        created_at=to_moment(row.creationDate),
        deleted_at=to_moment(row.deletionDate),
    )


def to_custom_field(row: FieldRow) -> CustomField:
    """Snov.io numbers none: the key is its name."""
    found = _KEY.fullmatch(row.key)
    key = found[1] if found else row.key
    if row.type and row.type not in TYPES:
        note("snov", "type", row.type)
    kind = TYPES.get(row.type, "unknown") if row.type else None
    return CustomField(id=key, label=row.label, key=key, type=kind, required=row.required)
