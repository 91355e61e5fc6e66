"""Snov.io's five lists of what happened in a campaign, bare arrays all of them."""

from __future__ import annotations

from collections.abc import Callable

from providers.simulator.dialect import Call, Handlers, Section, as_number
from providers.simulator.snov.book import Book, Campaign, Event, digest
from providers.simulator.snov.replies import lost, php_date, wrong
from providers.simulator.wire import Fields, Reply, reply

A_PAGE = 10_000
SUBJECT = '"Special content for you"'
BODY = '"<p>Lorem ipsum dolor sit amet, consectetur adipiscing elit.</p>"'

Show = Callable[[Campaign, Event], Fields]


class Events(Section):
    def handlers(self) -> Handlers:
        return {
            "GET /v1/prospect-finished": self._of("finished", _to_finished),
            "GET /v1/get-emails-replies": self._of("replied", _to_visit),
            "GET /v1/get-emails-opened": self._of("opened", _to_visit),
            "GET /v1/get-emails-clicked": self._of("clicked", _to_visit),
            "GET /v1/emails-sent": self._of("sent", _to_sent),
        }

    def _of(self, kind: str, show: Show) -> Callable[[Call], Reply]:
        def listed(call: Call) -> Reply:
            book = self.stage.book(call.account, lambda: Book(self.world))
            number = as_number(call.request.fields.get("campaignId"), 0)
            offset = as_number(call.request.fields.get("offset"), 0)
            if not number or offset is None or offset < 0:
                raise wrong("The campaignId field is required")
            campaign = book.campaigns.get(number)
            if campaign is None:
                raise lost()
            events = list(reversed(campaign.of_kind(kind)))[offset : offset + A_PAGE]
            return reply(200, [show(campaign, event) for event in events])

        return listed


def _id(campaign: Campaign, event: Event) -> str:
    return digest(f"{campaign.id}:{event.kind}:{event.prospect.id}")[:32]


def _to_finished(campaign: Campaign, event: Event) -> Fields:
    return {
        "id": _id(campaign, event),
        "prospectId": event.prospect.id,
        "userName": event.prospect.name,
        "userEmail": event.prospect.email,
        "campaign": campaign.name,
        "hash": campaign.hash,
    }


def _to_sent(campaign: Campaign, event: Event) -> Fields:
    """`sentDate` here, `visitedAt` elsewhere."""
    return {
        "sentDate": php_date(event.at),
        "userName": event.prospect.name,
        "userEmail": event.prospect.email,
        "campaign": campaign.name,
        "hash": campaign.hash,
        "id": _id(campaign, event),
    }


def _to_visit(campaign: Campaign, event: Event) -> Fields:
    prospect = event.prospect
    first, last = prospect.names
    return {
        "visitedAt": php_date(event.at),
        "campaignId": campaign.id,
        "campaign": campaign.name,
        "prospectId": prospect.id,
        "prospectFirstName": first,
        "prospectLastName": last,
        "prospectName": prospect.name,
        "sourcePage": None,
        "source": "copy",
        "locality": prospect.fields.get("locality"),
        "industry": prospect.person.company.industry if prospect.person else None,
        "country": prospect.fields.get("country"),
        "prospectEmail": prospect.email,
        "hash": campaign.hash,
        "emailSubject": SUBJECT,
        "emailBody": BODY,
        "skills": "",
        "links": None,
        "customFields": None,
        "id": _id(campaign, event),
        "customField_Phone": "",
    }
