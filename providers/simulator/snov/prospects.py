"""Snov.io's prospects and the lists they are in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from providers.simulator.dialect import Call, Handlers, Section, as_number
from providers.simulator.snov.book import Book, Campaign, Prospect, ProspectList
from providers.simulator.snov.profiles import to_job, to_past
from providers.simulator.snov.replies import missed, php_date, wrong
from providers.simulator.spelling import is_address
from providers.simulator.wire import Fields, Reply, Request, reply
from providers.simulator.world import Mailbox

PLAIN = ("fullName", "firstName", "lastName", "country", "locality", "position", "companyName",
         "companySite")  # fmt: skip
MOST_A_PAGE = 5000
# In lists the status of an address is a number; the words behind them are not documented.
NUMBERS: dict[Mailbox, int | None] = {"valid": 1, "invalid": 2, "catch_all": 3, "unknown": None}


class Prospects(Section):
    def handlers(self) -> Handlers:
        return {
            "POST /v1/add-prospect-to-list": self._add,
            "POST /v1/get-prospect-by-id": self._by_id,
            "POST /v1/get-prospects-by-email": self._by_email,
            "GET /v1/prospect-custom-fields": self._custom_fields,
            "GET /v1/get-user-lists": self._lists,
            "POST /v1/prospect-list": self._members,
            "POST /v1/lists": self._create_list,
        }

    def _book(self, call: Call) -> Book:
        return self.stage.book(call.account, lambda: Book(self.world))

    def _add(self, call: Call) -> Reply:
        """An address that is known is updated when `updateContact` says so."""
        book, request = self._book(call), call.request
        email = request.text("email")
        if not is_address(email):
            raise wrong("The email field must be a valid email address")
        made = _list_of(book, request)
        known = book.prospects_of(email)
        if known and not request.flag("createDuplicates"):
            return self._put_again(known[0], made, request)
        prospect = book.add_prospect(email, _fields(book, request), made.id)
        return reply(200, {"success": True, "id": prospect.id, "added": True, "updated": False})

    def _put_again(self, prospect: Prospect, made: ProspectList, request: Request) -> Reply:
        added = made.id not in prospect.list_ids
        if added:
            prospect.list_ids.append(made.id)
        updated = bool(request.flag("updateContact"))
        if updated:
            prospect.fields |= {k: v for k, v in _given(request).items() if v not in ("", None)}
            prospect.updated = datetime.now(UTC)
        body = {"success": True, "id": prospect.id, "added": added, "updated": updated}
        return reply(200, body)

    def _by_id(self, call: Call) -> Reply:
        book, id_ = self._book(call), call.request.text("id")
        if not id_:
            raise wrong("The id field is required")
        prospect = book.prospects.get(id_)
        if prospect is None:
            raise missed(f"Prospect with id '{id_}' not found")
        return reply(200, {"success": True, "data": self._shown(book, prospect)})

    def _by_email(self, call: Call) -> Reply:
        """An array, because two prospects may share an address; a miss is a string."""
        book, email = self._book(call), call.request.text("email")
        if not email:
            raise wrong("The email field is required")
        found = book.prospects_of(email)
        if not found:
            raise missed(f"Prospect with email '{email}' not found")
        return reply(200, {"success": True, "data": [self._shown(book, p) for p in found]})

    def _shown(self, book: Book, prospect: Prospect) -> Fields:
        person, (first, last) = prospect.person, prospect.names
        social = prospect.fields.get("socialLinks") or {}
        jobs = [to_job(person.company, person.job_title, started=2020)] if person else []
        return {
            "id": prospect.id,
            "name": prospect.name,
            "firstName": first,
            "lastName": last,
            "industry": person.company.industry if person else None,
            "country": prospect.fields.get("country"),
            "locality": prospect.fields.get("locality"),
            "social": [{"link": link, "type": network} for network, link in social.items()],
            "lastUpdateDate": php_date(prospect.updated),
            "currentJob": jobs,
            "previousJob": to_past(self.world, person) if person else [],
            "lists": [{"id": i, "name": book.lists[i].name} for i in prospect.list_ids],
            "campaigns": [
                _participation(campaign, prospect)
                for campaign in book.campaigns.values()
                if prospect.email in campaign.statuses
            ],
        }

    def _custom_fields(self, call: Call) -> Reply:
        """A bare array; the key looks like PHP."""
        return reply(
            200,
            [
                {"key": f"customFields['{name}']", "label": name, "required": False, "type": kind}
                for name, kind in self._book(call).fields.items()
            ],
        )

    def _lists(self, call: Call) -> Reply:
        """A bare array, with those that were deleted."""
        book = self._book(call)
        return reply(200, [_to_list(book, made) for made in reversed(book.lists.values())])

    def _members(self, call: Call) -> Reply:
        book, request = self._book(call), call.request
        made = _list_of(book, request)
        page = as_number(request.fields.get("page"), 1)
        size = as_number(request.fields.get("perPage"), 100)
        if page is None or page < 1 or size is None or not 1 <= size <= MOST_A_PAGE:
            raise wrong("The page or perPage field is invalid")
        members = book.members(made.id)
        shown = members[(page - 1) * size : page * size]
        about = {
            "name": made.name,
            "contacts": len(members),
            "creationDate": php_date(made.created),
            "emailsCount": [],
        }
        rows = [self._member(prospect, place) for place, prospect in enumerate(shown)]
        return reply(200, {"success": True, "list": about, "prospects": rows})

    def _member(self, prospect: Prospect, place: int) -> Fields:
        """Every other address was never checked."""
        checked = place % 2 == 0
        mailbox, domain = self.world.mailbox(prospect.email), prospect.email.rpartition("@")[2]
        checks: Fields = {
            "isValidFormat": True,
            "isDisposable": self.world.is_disposable(domain),
            "isWebmail": self.world.is_webmail(domain),
            "isGibberish": False,
            "smtpStatus": NUMBERS.get(mailbox),
        }
        first, last = prospect.names
        email = {
            "email": prospect.email,
            "probability": 99,
            "isVerified": None,
            "jobStatus": "any",
            "domainType": "linkedin_email",
            **(checks if checked else dict.fromkeys(checks)),
        }
        return {
            "id": prospect.id,
            "name": prospect.name,
            "firstName": first,
            "lastName": last,
            "emails": [email],
        }

    def _create_list(self, call: Call) -> Reply:
        """An array of one object."""
        name = call.request.text("name")
        if not name:
            raise wrong("The name field is required")
        made = self._book(call).add_list(name)
        return reply(200, [{"success": True, "data": {"id": made.id}}])


def _list_of(book: Book, request: Request) -> ProspectList:
    number = as_number(request.fields.get("listId"), 0)
    if not number:
        raise wrong("The listId field is required")
    made = book.lists.get(number)
    if made is None or made.deleted is not None:
        raise missed("List not found")
    return made


def _given(request: Request) -> Fields:
    """The fields of a prospect that were sent, under their own names."""
    fields: Fields = {name: request.text(name) for name in PLAIN if name in request.fields}
    if phones := request.texts("phones"):
        fields["phones"] = phones
    for name in ("socialLinks", "customFields"):
        if isinstance(request.fields.get(name), dict):
            fields[name] = request.fields[name]
    return fields


def _fields(book: Book, request: Request) -> Fields:
    """Only custom fields that exist are kept."""
    fields = _given(request)
    custom: dict[str, Any] = fields.get("customFields") or {}
    return {**fields, "customFields": {k: v for k, v in custom.items() if k in book.fields}}


def _participation(campaign: Campaign, prospect: Prospect) -> Fields:
    counts = {
        kind: sum(1 for event in campaign.of_kind(kind) if event.prospect is prospect)
        for kind in ("sent", "opened", "replied")
    }
    return {
        "id": campaign.id,
        "name": campaign.name,
        "status": campaign.statuses[prospect.email],
        "sent": counts["sent"],
        "opens": counts["opened"],
        "replies": counts["replied"],
    }


def _to_list(book: Book, made: ProspectList) -> Fields:
    return {
        "id": made.id,
        "name": made.name,
        "contacts": len(book.members(made.id)),
        "isDeleted": made.deleted is not None,
        "creationDate": php_date(made.created),
        "deletionDate": php_date(made.deleted),
    }
