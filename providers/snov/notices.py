"""Snov.io's webhooks: events of campaigns, and results of tasks that were given a `webhook_url`.

https://snov.io/api, read 2026-11-21. Their bodies are not published and they are not signed; the
knowledge base names recipient, time, campaign and subject. All names of members are assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.notices import (
    CampaignEvent,
    EventType,
    Headers,
    Notice,
    Reader,
    address_in,
    digest_of,
    moment_in,
    objects_in,
    text_in,
)
from providers.vocabulary import note

# Object and action as subscriptions name them.
WORDS: Mapping[str, EventType] = {
    "campaign_email.sent": "sent",
    "campaign_email.first_sent": "sent",
    "campaign_email.opened": "opened",
    "campaign_email.clicked": "clicked",
    "campaign_email.bounced": "bounced",
    "campaign_email.unsubscribed": "unsubscribed",
    "campaign_reply.received": "replied",
    "campaign_reply.first_received": "replied",
    "campaign_reply.autoreply_received": "auto_replied",
    "campaign_email.autoreply_received": "auto_replied",
}


def read(_headers: Headers, body: bytes) -> Notice:
    """Anything else that names a task is the result of that task."""
    found = list(objects_in(body))
    events = [event for each in found if (event := _event(each))]
    hashes = [hash_ for each in found if (hash_ := _task(each))]
    return Notice(id=digest_of(body), tasks=tuple(hashes), events=tuple(events))


def _event(message: Mapping[str, Any]) -> CampaignEvent | None:
    kind, action = text_in([message], "event_object"), text_in([message], "event_action")
    if kind is None or action is None:
        return None
    word = f"{kind}.{action}".lower()
    if word not in WORDS:
        note("snov", "event", word.replace(".", " "))
        return None
    data = message.get("data")
    places = [data, message]
    campaign = [place.get("campaign") for place in places if isinstance(place, dict)]
    return CampaignEvent(
        type=WORDS[word],
        word=word,
        first=".first_" in word,
        email=address_in(places, "recipient_email", "recipient", "prospect_email", "email"),
        occurred_at=moment_in(places, "event_time", "timestamp", "created_at", "date"),
        campaign_id=text_in(places, "campaign_id", "campaignId") or text_in(campaign, "id"),
        campaign=text_in(places, "campaign_name", "campaign") or text_in(campaign, "name"),
        subject=text_in(places, "email_subject", "subject"),
    )


def _task(message: Mapping[str, Any]) -> str | None:
    """Where it stands differs between families of methods."""
    return text_in([message.get("meta"), message.get("data"), message], "task_hash")


READER = Reader(read)
