"""Hunter's leads; what is written nested in `custom_attributes` is shown flat."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from providers.simulator.dialect import Call, Handlers, Section, as_number
from providers.simulator.hunter.book import Book, Lead
from providers.simulator.hunter.filters import choose
from providers.simulator.hunter.replies import bounds, invalid, lost, number_of, refuse, stamp
from providers.simulator.spelling import is_address
from providers.simulator.wire import NO_CONTENT, Fields, Reply, Request, reply

WRITABLE = (
    "first_name", "last_name", "position", "company", "company_industry", "company_size",
    "confidence_score", "website", "country_code", "source", "linkedin_url", "phone_number",
    "twitter", "notes",
)  # fmt: skip
LIST_WAYS = ("leads_list_id", "leads_list_ids", "leads_list_name")
# So many go at once; more of them go later.
AT_ONCE = 10


class Leads(Section):
    def handlers(self) -> Handlers:
        return {
            "GET /leads": self._list,
            "POST /leads": self._create,
            "PUT /leads": self._upsert,
            "GET /leads/exist": self._exists,
            "GET /leads/{id}": self._show,
            "PUT /leads/{id}": self._update,
            "DELETE /leads/{id}": self._delete,
            "POST /leads/bulk/move": self._move_many,
            "POST /leads/bulk/delete": self._delete_many,
        }

    def _book(self, call: Call) -> Book:
        return self.stage.book(call.account, lambda: Book(self.world))

    def _list(self, call: Call) -> Reply:
        """`count` is of the filtered leads, `total` of all."""
        book, request = self._book(call), call.request
        limit, offset = bounds(request, most=1000, furthest=100_000)
        found = choose(request, list(reversed(book.leads.values())))
        leads = [to_lead(book, lead) for lead in found[offset : offset + limit]]
        params = {k: v for k, v in request.fields.items() if k != "api_key"}
        meta = {
            "count": len(found),
            "total": len(book.leads),
            "params": {**params, "limit": limit, "offset": offset},
        }
        return reply(200, {"data": {"leads": leads}, "meta": meta})

    def _exists(self, call: Call) -> Reply:
        """There is no boolean: all is null when there is none."""
        book, email = self._book(call), call.request.text("email")
        if not email:
            raise refuse(400, "wrong_params", "You are missing the email parameter")
        lead = book.lead_of(email)
        listed = book.lists.get(lead.list_ids[0]) if lead and lead.list_ids else None
        data = {
            "id": lead.id if lead else None,
            "leads_list_id": listed.id if listed else None,
            "leads_list_name": listed.name if listed else None,
        }
        return reply(200, {"data": data})

    def _lead(self, call: Call) -> Lead:
        lead = self._book(call).leads.get(number_of(call.request))
        if lead is None:
            raise lost("Lead")
        return lead

    def _show(self, call: Call) -> Reply:
        return reply(200, {"data": to_lead(self._book(call), self._lead(call))})

    def _create(self, call: Call) -> Reply:
        book, email = self._book(call), _email(call.request)
        if book.lead_of(email) is not None:
            raise invalid("A lead with this email already exists.")
        lead = self._add(book, call.request, email)
        return reply(201, {"data": to_lead(book, lead)})

    def _upsert(self, call: Call) -> Reply:
        book, email = self._book(call), _email(call.request)
        lead = book.lead_of(email)
        if lead is None:
            return reply(201, {"data": to_lead(book, self._add(book, call.request, email))})
        _write(book, lead, call.request)
        return reply(200, {"data": to_lead(book, lead)})

    def _add(self, book: Book, request: Request, email: str) -> Lead:
        lists = read_lists(book, request)
        lead = book.add_lead(email, {}, book.current_list if lists is None else lists)
        _write(book, lead, request, lists=False)
        return lead

    def _update(self, call: Call) -> Reply:
        book, lead, request = self._book(call), self._lead(call), call.request
        email = request.text("email")
        if email and email.casefold() != lead.email.casefold():
            if not is_address(email) or book.lead_of(email) is not None:
                raise invalid("The email is invalid or already taken.")
            book.rename_lead(lead, email)
        _write(book, lead, request)
        return NO_CONTENT

    def _delete(self, call: Call) -> Reply:
        self._book(call).drop_lead(self._lead(call))
        return NO_CONTENT

    def _move_many(self, call: Call) -> Reply:
        book, request = self._book(call), call.request
        source, target = (
            read_list(book, request.fields.get(name))
            for name in ("leads_list_id", "target_leads_list_id")
        )
        if source == target:
            raise invalid("The lists must be different.", "invalid_argument")
        leads = self._selected(book, request, source)
        for lead in leads:
            book.file(lead, [target if number == source else number for number in lead.list_ids])
        data = {
            "source_leads_list_id": source,
            "target_leads_list_id": target,
            "leads_count": len(leads),
            "status": "queued",
        }
        return reply(202, {"data": data, "meta": _echo(request, "target_leads_list_id")})

    def _delete_many(self, call: Call) -> Reply:
        book, request = self._book(call), call.request
        given = request.fields.get("leads_list_id")
        if given in (None, "") and not request.texts("lead_ids"):
            raise refuse(400, "wrong_params", "You are missing the lead_ids or leads_list_id")
        leads = self._selected(book, request, read_list(book, given) if given else None)
        for lead in leads:
            book.drop_lead(lead)
        data: Fields = {"requested_count": len(leads), "status": "queued"}
        if len(leads) <= AT_ONCE:
            data |= {"deleted_count": len(leads), "status": "completed"}
        return reply(200 if len(leads) <= AT_ONCE else 202, {"data": data, "meta": _echo(request)})

    def _selected(self, book: Book, request: Request, list_id: int | None) -> list[Lead]:
        """An empty array of ids selects the whole list, as if it were absent."""
        wanted = {as_number(number, 0) for number in request.texts("lead_ids")}
        leads = [
            lead
            for lead in book.leads.values()
            if (list_id is None or list_id in lead.list_ids) and (not wanted or lead.id in wanted)
        ]
        if not leads:
            raise invalid("No leads match the selection.", "invalid_argument")
        return leads


def _email(request: Request) -> str:
    email = request.text("email")
    if not email:
        raise invalid("The email is required.", "empty_required_field")
    if not is_address(email):
        raise invalid("The email is invalid.", "wrong_field_value")
    return email


def read_list(book: Book, value: Any) -> int:
    number = as_number(value, 0) or 0
    if number not in book.lists:
        raise lost("Leads list")
    return number


def read_lists(book: Book, request: Request) -> list[int] | None:
    """The lists that a lead is to be in, None when nothing was said of them."""
    given = [name for name in LIST_WAYS if request.fields.get(name) not in (None, "")]
    if "leads_list_name" in given and len(given) > 1:
        raise invalid("leads_list_name cannot be combined with other lists.", "invalid_argument")
    if "leads_list_name" in given:
        name = request.text("leads_list_name")
        known = (x for x in book.lists.values() if x.name.casefold() == name.casefold())
        return [(next(known, None) or book.add_list(name)).id]
    if "leads_list_ids" in given:
        return [read_list(book, number) for number in request.texts("leads_list_ids")]
    return [read_list(book, request.fields["leads_list_id"])] if given else None


def _write(book: Book, lead: Lead, request: Request, *, lists: bool = True) -> None:
    """Fields that were not sent stay; an empty custom attribute is taken away."""
    given = request.fields
    for name in WRITABLE:
        if name in given:
            lead.fields[name] = given[name] or None
    if "confidence_score" in given:
        lead.fields["confidence_score"] = as_number(given["confidence_score"], 0)
    custom = given.get("custom_attributes")
    slugs = {attribute.slug for attribute in book.attributes.values()}
    for slug, value in (custom if isinstance(custom, dict) else {}).items():
        if slug in slugs and value not in (None, ""):
            lead.custom[slug] = str(value)
        elif slug in slugs:
            lead.custom.pop(slug, None)
    if lists and (chosen := read_lists(book, request)) is not None:
        book.file(lead, chosen)


def to_lead(book: Book, lead: Lead, *, in_list: int | None = None) -> Fields:
    """`leads_list` is there even if the lead is in none; within a list only its id is shown."""
    date, status = lead.verified or (None, None)
    contacted = stamp(lead.contacted) if lead.contacted else None
    listed = book.lists.get(lead.list_ids[0]) if lead.list_ids else None
    where: Fields = {
        "leads_list": {
            "id": listed.id if listed else None,
            "name": listed.name if listed else None,
            "leads_count": book.sizes[listed.id] if listed else None,
        }
    }
    return {
        "id": lead.id,
        "email": lead.email,
        **{name: lead.fields.get(name) for name in WRITABLE},
        "sync_status": lead.sync_status,
        "sending_status": lead.sending_status,
        "last_activity_at": contacted,
        "last_contacted_at": contacted,
        "verification": {"date": date, "status": status},
        **lead.custom,
        **(where if in_list is None else {"leads_list_id": in_list}),
        "created_at": stamp(lead.created.astimezone(UTC)),
    }


def _echo(request: Request, *more: str) -> Fields:
    return {"params": {n: request.fields.get(n) for n in ("lead_ids", "leads_list_id", *more)}}
