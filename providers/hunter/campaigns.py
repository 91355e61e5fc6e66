"""Hunter's campaigns, recipients, webhooks and balance in our words."""

from __future__ import annotations

from collections.abc import Mapping

from providers.accounts.objects import (
    AccountInformation,
    Campaign,
    CampaignStats,
    CampaignStatus,
    Recipient,
    Skipped,
    SkipReason,
    Webhook,
    WebhookEvent,
)
from providers.accounts.refusals import Lacking
from providers.hunter.accounts_wire import (
    CampaignRow,
    Information,
    RecipientRow,
    SkippedRow,
    StatsRow,
    WebhookRow,
)
from providers.hunter.leads import to_sending_status
from providers.values.links import to_domain
from providers.values.moments import to_moment
from providers.values.names import join_name
from providers.vocabulary import note

CAMPAIGNS: Mapping[str, CampaignStatus] = {
    "draft": "draft",
    "planned": "planned",
    "preparing": "preparing",
    "active": "active",
    "paused": "paused",
    "completed": "completed",
    "archived": "archived",
    "error": "failed",
}
REASONS: Mapping[str, SkipReason] = {
    "duplicate": "duplicate",
    "invalid": "invalid",
    "removed": "removed",
    "bounced": "bounced",
    "unsubscribed": "unsubscribed",
    # Whoever claimed an address decided to get no mail from anyone.
    "claimed": "suppressed",
}
EVENTS: Mapping[str, WebhookEvent] = {
    "lead.created": "lead.created",
    "message.sent": "email.sent",
    "message.read": "email.opened",
    "message.clicked": "email.clicked",
    "message.replied": "email.replied",
    "export.completed": "export.completed",
    "import.completed": "import.completed",
    "sequence.paused": "campaign.paused",
    "sequence.resumed": "campaign.resumed",
}


def to_information(found: Information) -> AccountInformation:
    return AccountInformation(
        plan=found.plan_name,
        balance={unit: meter.available for unit, meter in found.requests.items()},
        used={unit: meter.used for unit, meter in found.requests.items()},
        resets_at=to_moment(found.reset_date),
    )


def to_campaign(row: CampaignRow) -> Campaign:
    return Campaign(
        id=str(row.id),
        name=row.name,
        status=to_campaign_status(row),
        recipients_count=row.recipients_count,
        created_at=to_moment(row.created_at),
        updated_at=to_moment(row.updated_at),
    )


def to_campaign_status(row: CampaignRow) -> CampaignStatus:
    """A list tells it by three flags, the details of one by a word."""
    if row.status is not None:
        if row.status not in CAMPAIGNS:
            note("hunter", "status", row.status)
        return CAMPAIGNS.get(row.status, "unknown")
    if row.archived:
        return "archived"
    if row.paused:
        return "paused"
    return "active" if row.started else "draft"


def to_stats(row: StatsRow) -> CampaignStats:
    """Recipients, each once, but for the bounces, which are messages."""
    return CampaignStats(
        recipients=row.recipients_count,
        contacted=row.sent,
        contacted_by_email=row.sent,
        sent=row.sent,
        delivered=row.delivered,
        bounced=row.bounced,
        bounced_rate=row.bounce_rate,
        opened=row.opened,
        opened_rate=row.open_rate,
        clicked=row.clicked,
        clicked_rate=row.click_rate,
        replied=row.replied,
        replied_rate=row.reply_rate,
        unsubscribed=row.unsubscribed_recipients,
        unsubscribed_rate=row.unsubscribed_recipients_rate,
    )


def to_recipient(row: RecipientRow) -> Recipient:
    return Recipient(
        email=row.email,
        lead_id=None if row.lead_id is None else str(row.lead_id),
        first_name=row.first_name,
        last_name=row.last_name,
        full_name=join_name(row.first_name, row.last_name),
        job_title=row.position,
        company=row.company,
        domain=to_domain(row.website),
        status=to_sending_status(row.sending_status),
    )


def to_skipped(row: SkippedRow) -> Skipped:
    if row.reason and row.reason not in REASONS:
        note("hunter", "reason", row.reason)
    return Skipped(email=row.email, reason=REASONS.get(row.reason or "", "unknown"))


def to_webhook(row: WebhookRow) -> Webhook:
    if row.event not in EVENTS:
        note("hunter", "event", row.event)
    return Webhook(
        id=str(row.id),
        url=row.target_url,
        event=EVENTS.get(row.event, "unknown"),
        provider_event=row.event,
    )


def from_event(event: str) -> str:
    """Raises Lacking for what Hunter tells nobody of."""
    for theirs, ours in EVENTS.items():
        if ours == event:
            return theirs
    raise Lacking("/event", f"Hunter tells of {', '.join(EVENTS.values())}")
