"""Hunter's webhooks (beta): what became of a sequence's messages.

https://hunter.io/api-documentation, read 2026-11-21. Only the names of events are published; the
body and whether it is signed are not, so all names of members are assumed.
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

WORDS: Mapping[str, EventType] = {
    "message.sent": "sent",
    "message.read": "opened",
    "message.clicked": "clicked",
    "message.replied": "replied",
}
# Known, and nothing that a campaign did to a recipient.
OTHERS = frozenset(
    {
        "lead.created",
        "export.completed",
        "import.completed",
        "sequence.paused",
        "sequence.resumed",
    }
)


def read(_headers: Headers, body: bytes) -> Notice:
    events = [event for each in objects_in(body) if (event := _event(each))]
    return Notice(id=digest_of(body), events=tuple(events))


def _event(message: Mapping[str, Any]) -> CampaignEvent | None:
    word = (text_in([message], "event", "event_type", "type") or "").lower()
    if word not in WORDS:
        if word not in OTHERS:
            note("hunter", "event", word.replace(".", " "))
        return None
    data = message.get("data")
    inner = data if isinstance(data, dict) else {}
    places = [inner.get("message"), inner, message]
    lead, sequence = inner.get("lead"), inner.get("sequence") or inner.get("campaign")
    return CampaignEvent(
        type=WORDS[word],
        word=word,
        email=address_in([*places, lead], "recipient_email", "recipient", "to", "email"),
        occurred_at=moment_in(places, "occurred_at", "timestamp", "created_at", "sent_at"),
        campaign_id=text_in(places, "sequence_id", "campaign_id") or text_in([sequence], "id"),
        campaign=text_in(places, "sequence_name", "campaign_name") or text_in([sequence], "name"),
        subject=text_in(places, "subject"),
    )


READER = Reader(read)
