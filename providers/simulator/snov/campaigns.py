"""Snov.io's campaigns: the list, the figures, the progress, recipients, and who gets no mail."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from providers.simulator.dialect import Call, Handlers, Section, as_number
from providers.simulator.snov.book import Book, Campaign, Event
from providers.simulator.snov.replies import lost, missed, percent, wrong
from providers.simulator.spelling import is_address, is_domain
from providers.simulator.wire import Fields, Reply, Request, reply

SETTABLE = ("Active", "Paused", "Unsubscribed")
FINAL = {"Finished", "Moved"}
# Every campaign is sent from one address and one profile, by the account's owner.
SENDER_EMAIL, SENDER_LINKEDIN = 21, 31


class Campaigns(Section):
    def handlers(self) -> Handlers:
        return {
            "GET /v1/get-user-campaigns": self._list,
            "GET /v2/statistics/campaign-analytics": self._analytics,
            "GET /v2/campaigns/{campaign_id}/progress": self._progress,
            "POST /v1/change-recipient-status": self._change_status,
            "POST /v1/do-not-email-list": self._block,
        }

    def _book(self, call: Call) -> Book:
        return self.stage.book(call.account, lambda: Book(self.world))

    def _list(self, call: Call) -> Reply:
        """A bare array; `campaign` is the name, moments are whole seconds."""
        return reply(200, [_to_row(campaign) for campaign in self._book(call).campaigns.values()])

    def _analytics(self, call: Call) -> Reply:
        request = call.request
        chosen = _chosen(self._book(call), request, f"{call.account.name}@customer.example")
        first, last = (_day(request, name) for name in ("date_from", "date_to"))
        events = [
            event
            for campaign in chosen
            for event in campaign.events
            if (first is None or event.at.date() >= first)
            and (last is None or event.at.date() <= last)
        ]
        return reply(200, _figures(chosen, events))

    def _progress(self, call: Call) -> Reply:
        number = as_number(call.request.segments["campaign_id"], 0) or 0
        campaign = self._book(call).campaigns.get(number)
        if campaign is None:
            raise lost()
        ended = sum(1 for status in campaign.statuses.values() if status in FINAL)
        body = {
            "status": campaign.status,
            "unfinished": len(campaign.statuses) - ended,
            "progress": percent(ended, len(campaign.statuses)),
        }
        return reply(200, body)

    def _change_status(self, call: Call) -> Reply:
        book, request = self._book(call), call.request
        email, status = request.text("email"), request.text("status")
        if not email or not request.text("campaign_id"):
            raise wrong("The email and campaign_id fields are required")
        if status not in SETTABLE:
            raise wrong("The selected status is invalid")
        campaign = book.campaigns.get(as_number(request.fields.get("campaign_id"), 0) or 0)
        if campaign is None or email not in campaign.statuses:
            raise missed("Recipient not found in this campaign")
        if campaign.statuses[email] in FINAL:
            raise missed("You can not change the status of a finished recipient")
        campaign.statuses[email] = status
        return reply(200, {"success": True})

    def _block(self, call: Call) -> Reply:
        """An array of one object."""
        book, request = self._book(call), call.request
        items = request.texts("items")
        if not items or not all(is_address(item) or is_domain(item) for item in items):
            raise wrong("The items field must hold emails or domains")
        number = as_number(request.fields.get("listId"), 0)
        if not number:
            raise wrong("The listId field is required")
        blocked = book.blocked.get(number)
        if blocked is None:
            raise missed("Do-not-email list not found")
        known = [item for item in items if item.casefold() in blocked]
        blocked |= {item.casefold() for item in items}
        return reply(200, [{"success": True, "data": {"duplicates": known}}])


def _to_row(campaign: Campaign) -> Fields:
    started = campaign.started
    return {
        "id": campaign.id,
        "campaign": campaign.name,
        "list_id": campaign.list_id,
        "status": campaign.status,
        "created_at": int(campaign.created.timestamp()),
        "updated_at": int((started or campaign.created).timestamp()),
        "started_at": int(started.timestamp()) if started else None,
        "hash": campaign.hash,
    }


def _chosen(book: Book, request: Request, owner: str) -> list[Campaign]:
    """Those asked for by number; without one all that are active."""
    numbers = {as_number(number, 0) for number in request.texts("campaign_id")}
    senders = {as_number(number, 0) for number in request.texts("sender_email")}
    profiles = {as_number(number, 0) for number in request.texts("sender_linkedin")}
    owners = request.texts("campaign_owner")
    if (
        (senders and SENDER_EMAIL not in senders)
        or (profiles and SENDER_LINKEDIN not in profiles)
        or (owners and owner not in owners)
    ):
        return []
    return [
        campaign
        for campaign in book.campaigns.values()
        if (campaign.id in numbers if numbers else campaign.status == "Active")
    ]


def _day(request: Request, name: str) -> date | None:
    text = request.text(name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise wrong(f"The {name} field must be a date yyyy-mm-dd") from None


def _figures(campaigns: list[Campaign], events: list[Event]) -> Fields:
    """Half of those who replied are interested."""

    def people(kind: str) -> int:
        return len({event.prospect.id for event in events if event.kind == kind})

    sent = sum(1 for event in events if event.kind == "sent")
    reached, replies = people("sent"), people("replied")
    return {
        "total_contacted": reached,
        "emails_sent": sent,
        **_rated("first_emails", reached, sent),
        **_rated("follow_ups", sent - reached, sent),
        **_rated("delivered", sent, sent),
        **_rated("bounced", 0, sent),
        "contacted_by_email": reached,
        **_rated("email_opens", people("opened"), reached),
        **_rated("link_clicks", people("clicked"), reached),
        **_rated("email_replies", replies, reached),
        **_rated("unsubscribed", _count(campaigns, "Unsubscribed"), reached),
        **_rated("auto_replied", 0, reached),
        **_on_linkedin(reached // 4),
        **_rated("interested", replies // 2, replies),
        **_rated("maybe", replies - replies // 2, replies),
        **_rated("not_interested", 0, replies),
    }


def _on_linkedin(contacted: int) -> Fields:
    """One recipient in four was written to there, and half of those answered."""
    answered = contacted // 2
    return {
        "contacted_by_linkedin": contacted,
        **_rated("linkedin_total_replies", answered, contacted),
        **_rated("connection_request_replies", 0, contacted),
        **_rated("message_replies", answered, contacted),
        **_rated("in_mail_replies", 0, contacted),
        "connection_requests": contacted,
        **_rated("accepted_requests", answered, contacted),
        **dict.fromkeys(("failed_connection_requests", "linkedin_likes", "linkedin_follows"), 0),
        **dict.fromkeys(("messages_sent", "linkedin_views"), contacted),
        "in_mail_sent": 0,
    }


def _rated(name: str, part: int, whole: int) -> Fields:
    return {name: part, f"{name}_rate": percent(part, whole)}


def _count(campaigns: Iterable[Campaign], status: str) -> int:
    return sum(1 for campaign in campaigns for s in campaign.statuses.values() if s == status)
