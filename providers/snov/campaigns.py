"""Snov.io's campaigns, their events, webhooks and the balance in our words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from msgspec import Raw

from providers.accounts.objects import (
    AccountInformation,
    Campaign,
    CampaignEvent,
    CampaignProgress,
    CampaignStats,
    CampaignStatus,
    EventType,
    LinkedInStats,
    Webhook,
    WebhookEvent,
    WebhookStatus,
)
from providers.accounts.refusals import Lacking
from providers.base import decode
from providers.snov.accounts_wire import (
    CampaignRow,
    FinishedRow,
    Information,
    ProgressReply,
    SentRow,
    VisitRow,
    WebhookRow,
)
from providers.snov.prospects import to_location
from providers.values.moments import to_midnight, to_moment, to_share
from providers.vocabulary import note

# Active, Paused and Draft are documented; Completed and Archived are assumed.
STATUSES: Mapping[str, CampaignStatus] = {
    "active": "active",
    "paused": "paused",
    "draft": "draft",
    "completed": "completed",
    "archived": "archived",
}
STATS: Mapping[str, str] = {
    "contacted": "total_contacted",
    "contacted_by_email": "contacted_by_email",
    "sent": "emails_sent",
    "first_emails": "first_emails",
    "follow_ups": "follow_ups",
    "delivered": "delivered",
    "bounced": "bounced",
    "opened": "email_opens",
    "clicked": "link_clicks",
    "replied": "email_replies",
    "unsubscribed": "unsubscribed",
    "auto_replied": "auto_replied",
    "interested": "interested",
    "maybe": "maybe",
    "not_interested": "not_interested",
}
LINKEDIN: Mapping[str, str] = {
    "contacted": "contacted_by_linkedin",
    "replied": "linkedin_total_replies",
    "connection_request_replies": "connection_request_replies",
    "message_replies": "message_replies",
    "in_mail_replies": "in_mail_replies",
    "connection_requests": "connection_requests",
    "accepted_requests": "accepted_requests",
    "failed_connection_requests": "failed_connection_requests",
    "messages_sent": "messages_sent",
    "in_mail_sent": "in_mail_sent",
    "views": "linkedin_views",
    "likes": "linkedin_likes",
    "follows": "linkedin_follows",
}
EVENT_PATHS: Mapping[EventType, str] = {
    "sent": "/v1/emails-sent",
    "opened": "/v1/get-emails-opened",
    "clicked": "/v1/get-emails-clicked",
    "replied": "/v1/get-emails-replies",
    "finished": "/v1/prospect-finished",
}
CUSTOM = "customField_"
# Object and action; those after the fifth are of the newer edition.
EVENTS: Mapping[tuple[str, str], WebhookEvent] = {
    ("campaign_email", "sent"): "email.sent",
    ("campaign_email", "first_sent"): "email.first_sent",
    ("campaign_email", "opened"): "email.opened",
    ("campaign_reply", "received"): "email.replied",
    ("campaign_reply", "first_received"): "email.first_replied",
    ("campaign_email", "clicked"): "email.clicked",
    ("campaign_email", "bounced"): "email.bounced",
    ("campaign_reply", "autoreply_received"): "email.auto_replied",
    ("email_verification", "verified"): "email.verified",
}
WEBHOOKS: Mapping[str, WebhookStatus] = {"active": "active", "deactivated": "deactivated"}


def to_information(found: Information, today: date) -> AccountInformation:
    """Both ends of a period are told as days to come."""
    recipients = found.unique_recipients_used
    recipients = found.recipients_used if recipients is None else recipients
    resets, expires = found.limit_resets_in, found.expires_in
    return AccountInformation(
        balance={"credits": found.balance},
        used={} if recipients is None else {"recipients": recipients},
        resets_at=None if resets is None else to_midnight(today, resets),
        expires_at=None if expires is None else to_midnight(today, expires),
    )


def to_campaign(row: CampaignRow) -> Campaign:
    return Campaign(
        id=str(row.id),
        name=row.campaign,
        status=to_campaign_status(row.status),
        list_id=None if row.list_id is None else str(row.list_id),
        started_at=to_moment(row.started_at),
        created_at=to_moment(row.created_at),
        updated_at=to_moment(row.updated_at),
    )


def to_campaign_status(word: str | None) -> CampaignStatus:
    found = STATUSES.get((word or "").lower())
    if word and found is None:
        note("snov", "status", word)
    return found or "unknown"


def to_progress(found: ProgressReply) -> CampaignProgress:
    return CampaignProgress(
        status=to_campaign_status(found.status),
        progress=to_share(found.progress),
        unfinished=found.unfinished,
    )


def to_stats(found: Mapping[str, Any]) -> CampaignStats:
    """Each figure and, where there is one, its rate."""
    figures = _figures(found, STATS, CampaignStats.__struct_fields__)
    linkedin = _figures(found, LINKEDIN, LinkedInStats.__struct_fields__)
    return CampaignStats(**figures, linkedin=LinkedInStats(**linkedin))


def _figures(
    found: Mapping[str, Any], table: Mapping[str, str], members: tuple[str, ...]
) -> dict[str, Any]:
    counts = {ours: to_count(found.get(theirs)) for ours, theirs in table.items()}
    rates = {
        f"{ours}_rate": to_share(found.get(f"{theirs}_rate"))
        for ours, theirs in table.items()
        if f"{ours}_rate" in members
    }
    return counts | rates


def to_count(value: Any) -> int | None:
    return int(value) if isinstance(value, int) or str(value).isdigit() else None


def to_event(kind: EventType, campaign: str, raw: Raw) -> CampaignEvent:
    if kind == "sent":
        return _to_sent(campaign, decode(raw, SentRow))
    if kind == "finished":
        return _to_finished(campaign, decode(raw, FinishedRow))
    return _to_visit(kind, campaign, raw)


def _to_sent(campaign: str, row: SentRow) -> CampaignEvent:
    return CampaignEvent(
        id=_id(row.id),
        type="sent",
        at=to_moment(row.sentDate),
        campaign_id=campaign,
        campaign=row.campaign,
        email=row.userEmail or None,
        full_name=row.userName,
    )


def _to_finished(campaign: str, row: FinishedRow) -> CampaignEvent:
    return CampaignEvent(
        id=_id(row.id),
        type="finished",
        campaign_id=campaign,
        campaign=row.campaign,
        lead_id=_id(row.prospectId),
        email=row.userEmail or None,
        full_name=row.userName,
    )


def _to_visit(kind: EventType, campaign: str, raw: Raw) -> CampaignEvent:
    row = decode(raw, VisitRow)
    return CampaignEvent(
        id=_id(row.id),
        type=kind,
        at=to_moment(row.visitedAt),
        campaign_id=campaign,
        campaign=row.campaign,
        lead_id=_id(row.prospectId),
        email=row.prospectEmail or None,
        first_name=row.prospectFirstName,
        last_name=row.prospectLastName,
        full_name=row.prospectName,
        industry=row.industry,
        location=to_location(row.locality, row.country),
        email_subject=row.emailSubject,
        email_body=row.emailBody,
        custom_fields={
            name.removeprefix(CUSTOM): str(value)
            for name, value in decode(raw, dict[str, Any]).items()
            if name.startswith(CUSTOM) and value is not None
        },
    )


def _id(value: int | str | None) -> str | None:
    return None if value is None else str(value)


def to_webhook(row: WebhookRow) -> Webhook:
    event = EVENTS.get((row.event_object, row.event_action))
    if event is None:
        note("snov", "event", f"{row.event_object} {row.event_action}")
    status = WEBHOOKS.get(row.status, "unknown") if row.status else None
    return Webhook(
        id=str(row.id),
        url=row.end_point,
        event=event or "unknown",
        provider_event=f"{row.event_object}.{row.event_action}",
        status=status,
        created_at=to_moment(row.created_at),
    )


def from_event(event: str) -> tuple[str, str]:
    """Object and action. Raises Lacking for what Snov.io tells nobody of."""
    for theirs, ours in EVENTS.items():
        if ours == event:
            return theirs
    raise Lacking("/event", f"Snov.io tells of {', '.join(EVENTS.values())}")
