"""The recipients of Hunter's campaigns; a DELETE with a body cancels, and answers 201."""

from __future__ import annotations

from providers.simulator.dialect import Call, Handlers, Section, as_number
from providers.simulator.hunter.book import Book, Lead, Recipient, Sequence
from providers.simulator.hunter.replies import bounds, invalid, lost, refuse
from providers.simulator.hunter.sequences import find_sequence
from providers.simulator.spelling import is_address
from providers.simulator.wire import Fields, Reply, Request, reply

MOST = 50
WAITING = {"pending"}


class Recipients(Section):
    def handlers(self) -> Handlers:
        return {
            "GET /campaigns/{id}/recipients": self._list,
            "POST /campaigns/{id}/recipients": self._add,
            "DELETE /campaigns/{id}/recipients": self._cancel,
        }

    def _book(self, call: Call) -> Book:
        return self.stage.book(call.account, lambda: Book(self.world))

    def _list(self, call: Call) -> Reply:
        """In the order in which they were added."""
        book = self._book(call)
        sequence = find_sequence(book, call.request)
        limit, offset = bounds(call.request)
        chosen = list(sequence.recipients.values())[offset : offset + limit]
        data = {"recipients": [_to_recipient(book, recipient) for recipient in chosen]}
        return reply(200, {"data": data, "meta": {"limit": limit, "offset": offset}})

    def _add(self, call: Call) -> Reply:
        book, request = self._book(call), call.request
        sequence = find_sequence(book, request)
        emails, leads = _emails(request), _leads(book, request)
        if not emails and not leads:
            raise refuse(400, "wrong_params", "You are missing the emails or lead_ids")
        skipped: list[Fields] = []
        added = 0
        for email in [*emails, *(lead.email for lead in leads)]:
            if reason := self._objection(book, sequence, email):
                skipped.append({"email": email, "reason": reason})
                continue
            lead = book.lead_of(email) or book.add_lead(email, {}, book.current_list)
            sequence.recipients[lead.email] = Recipient(lead.email, lead.id)
            added += 1
        data = {"recipients_added": added, "skipped_recipients": skipped}
        return reply(201, {"data": data, "meta": _echo(request)})

    def _objection(self, book: Book, sequence: Sequence, email: str) -> str | None:
        """Assumed: an address with no sound domain is skipped, one without `@` refused."""
        lead, person = book.lead_of(email), self.world.person(email=email)
        status = lead.sending_status if lead else None
        reasons = {
            "duplicate": email in sequence.recipients,
            "removed": email in sequence.removed,
            "invalid": not is_address(email),
            "claimed": person is not None and person.claimed,
            "bounced": status == "bounced",
            "unsubscribed": status == "unsubscribed",
        }
        if reasons["removed"]:
            return "removed"
        return next((reason for reason, holds in reasons.items() if holds), None)

    def _cancel(self, call: Call) -> Reply:
        request = call.request
        sequence = find_sequence(self._book(call), request)
        emails = _emails(request)
        if not emails:
            raise refuse(400, "wrong_params", "You are missing the emails parameter")
        waiting = [
            sequence.recipients[email]
            for email in emails
            if email in sequence.recipients and sequence.recipients[email].status in WAITING
        ]
        for recipient in waiting:
            recipient.status = "canceled"
            sequence.removed.add(recipient.email)
        messages = len(waiting) * max(1, len(sequence.steps))
        data = {
            "recipients_canceled": [recipient.email for recipient in waiting],
            "messages_canceled": messages if waiting else 0,
        }
        return reply(201, {"data": data, "meta": _echo(request)})


def _emails(request: Request) -> list[str]:
    """A string or an array; one that is no address at all refuses the whole request."""
    emails = request.texts("emails")
    if len(emails) > MOST:
        raise invalid(f"You can send at most {MOST} emails.", "invalid_argument")
    if any("@" not in email for email in emails):
        raise invalid("An email is invalid.", "wrong_field_value")
    return emails


def _leads(book: Book, request: Request) -> list[Lead]:
    numbers = [as_number(number, 0) or 0 for number in request.texts("lead_ids")]
    if len(numbers) > MOST:
        raise invalid(f"You can send at most {MOST} lead ids.", "invalid_argument")
    if not all(number in book.leads for number in numbers):
        raise lost("Lead")
    return [book.leads[number] for number in numbers]


def _echo(request: Request) -> Fields:
    names = [name for name in ("emails", "lead_ids") if name in request.fields]
    return {"params": {name: request.fields[name] for name in names}}


def _to_recipient(book: Book, recipient: Recipient) -> Fields:
    lead = book.leads.get(recipient.lead_id)
    shown = ("first_name", "last_name", "position", "company", "website")
    return {
        "email": recipient.email,
        **{name: lead.fields.get(name) if lead else None for name in shown},
        "sending_status": recipient.status,
        "lead_id": recipient.lead_id if lead else None,
    }
