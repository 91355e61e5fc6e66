"""Snov.io's account objects: prospects, lists, campaigns and their events, webhooks, the balance.

https://snov.io/api, read 2026-11-21. All these calls are free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar

from msgspec import UNSET, Raw

from providers.accounts.base import Accounts, cut, or_none, segment
from providers.accounts.drafts import (
    Asked,
    BlockDraft,
    CampaignFilters,
    EventQuery,
    LeadDraft,
    LeadFilters,
    ListDraft,
    RecipientChange,
    Span,
    WebhookChange,
    WebhookDraft,
)
from providers.accounts.objects import (
    AccountInformation,
    Blocked,
    Campaign,
    CampaignEvent,
    CampaignProgress,
    CampaignStats,
    CustomField,
    Done,
    Lead,
    LeadsList,
    Listed,
    Recipient,
    Webhook,
)
from providers.accounts.refusals import Clash, Lacking, Missing
from providers.base import decode, glance
from providers.errors import MalformedResponse
from providers.snov import accounts_wire as wire
from providers.snov import campaigns, prospects
from providers.snov.adapter import Snov

T = TypeVar("T")


class SnovAccounts(Accounts, Snov):
    endpoints_read_on = "2026-11-21"
    endpoints: ClassVar[Mapping[str, Sequence[str]]] = {
        "account.read": ["GET /v1/get-balance"],
        "leads.list": ["POST /v1/prospect-list", "POST /v1/get-prospects-by-email"],
        "leads.create": ["POST /v1/add-prospect-to-list"],
        "leads.upsert": ["POST /v1/add-prospect-to-list"],
        "leads.get": ["POST /v1/get-prospect-by-id"],
        "lists.list": ["GET /v1/get-user-lists"],
        "lists.create": ["POST /v1/lists"],
        "lists.get": ["GET /v1/get-user-lists"],
        "custom_fields.list": ["GET /v1/prospect-custom-fields"],
        "custom_fields.get": ["GET /v1/prospect-custom-fields"],
        "campaigns.list": ["GET /v1/get-user-campaigns"],
        "campaigns.get": ["GET /v1/get-user-campaigns"],
        "campaigns.stats": ["GET /v2/statistics/campaign-analytics"],
        "campaigns.progress": ["GET /v2/campaigns/{campaign_id}/progress"],
        "campaigns.events": [f"GET {path}" for path in campaigns.EVENT_PATHS.values()],
        "recipients.change": ["POST /v1/change-recipient-status"],
        "do_not_email.add": ["POST /v1/do-not-email-list"],
        "webhooks.list": ["GET /v2/webhooks"],
        "webhooks.create": ["POST /v2/webhooks"],
        "webhooks.get": ["GET /v2/webhooks"],
        "webhooks.update": ["PUT /v2/webhooks/{id}"],
        "webhooks.delete": ["DELETE /v2/webhooks/{id}"],
    }
    pointers: ClassVar[Mapping[str, str]] = {
        **{theirs: f"/{ours}" for ours, theirs in prospects.MEMBERS.items()},
        "companySite": "/domain",
        "country": "/location/country",
        "locality": "/location/city",
        "phones": "/phone",
        "socialLinks": "/linkedin_url",
        "customFields": "/custom_fields",
        "listId": "/list_id",
        "list": "/list_id",
        "status": "/status",
        "items": "/items",
        "name": "/name",
        "endpoint_url": "/url",
        "event_object": "/event",
        "event_action": "/event",
        "date_from": "/date_from",
        "date_to": "/date_to",
    }

    def words_of(self, body: bytes) -> list[str]:
        told = glance(body, wire.Envelope)
        if told is None:
            return []
        if isinstance(told.errors, wire.Complaint):
            return [told.errors.title] if told.errors.title else []
        listed = told.errors if isinstance(told.errors, list) else [told.errors]
        # Elsewhere `result` is a number.
        result = told.result if isinstance(told.result, str) else None
        return [str(text) for text in (*listed, told.message, result) if text]

    def is_miss(self, words: Sequence[str]) -> bool:
        """A miss of version 1 is a 200 that says so in a sentence."""
        return any("not found" in text.lower() for text in words)

    async def read_account(self) -> Done[AccountInformation]:
        reply = await self.call("GET", "/v1/get-balance", wire.InformationReply)
        today = datetime.now(UTC).date()
        data = campaigns.to_information(reply.value.data, today)
        return Done(data=data, raw=reply.body)

    async def list_leads(self, filters: LeadFilters, page: Asked) -> Listed[Lead]:
        prospects.check_filters(filters)
        if filters.email:
            return await self._leads_of(filters.email, page)
        number = int(page.after or 1)
        list_id = str(filters.list_id)
        form = {"listId": list_id, "page": number, "perPage": page.limit}
        reply = await self.call("POST", "/v1/prospect-list", wire.MembersReply, form=form)
        rows = [prospects.to_member(row, list_id) for row in reply.value.prospects]
        total = reply.value.about.contacts if reply.value.about else None
        more = len(rows) == page.limit if total is None else number * page.limit < total
        after = str(number + 1) if rows and more else None
        return Listed(rows=rows, next=after, total=total, raw=reply.body)

    async def _leads_of(self, email: str, page: Asked) -> Listed[Lead]:
        path, form = "/v1/get-prospects-by-email", {"email": email}
        reply = await or_none(self.call("POST", path, wire.ProspectsReply, form=form))
        if reply is None:
            return Listed(rows=[], total=0)
        rows = [prospects.to_lead(row, email) for row in reply.value.data]
        return cut(rows, page, raw=reply.body)

    async def create_lead(self, draft: LeadDraft) -> Done[Lead]:
        done = await self._put(draft, update=False)
        if not done.created:
            raise Clash("the list has a lead of this address already")
        return done

    async def upsert_lead(self, draft: LeadDraft) -> Done[Lead]:
        return await self._put(draft, update=True)

    async def _put(self, draft: LeadDraft, *, update: bool) -> Done[Lead]:
        """Only one that was updated was there before, or one that is neither."""
        form = prospects.from_draft(draft, update=update)
        path = "/v1/add-prospect-to-list"
        reply = await self.call("POST", path, wire.PutProspect, form=form)
        created = reply.value.added and not reply.value.updated
        data = prospects.to_put(reply.value, draft)
        return Done(data=data, created=created, raw=reply.body)

    async def get_lead(self, lead: str) -> Done[Lead]:
        path = "/v1/get-prospect-by-id"
        reply = await self.call("POST", path, wire.ProspectReply, form={"id": lead})
        return Done(data=prospects.to_lead(reply.value.data), raw=reply.body)

    async def _lists(self) -> tuple[list[LeadsList], bytes]:
        reply = await self.call("GET", "/v1/get-user-lists", list[wire.ListRow])
        return [prospects.to_list(row) for row in reply.value], reply.body

    async def list_lists(self, page: Asked) -> Listed[LeadsList]:
        rows, raw = await self._lists()
        return cut(rows, page, raw=raw)

    async def get_list(self, number: str) -> Done[LeadsList]:
        rows, raw = await self._lists()
        return Done(data=_one(rows, number), raw=raw)

    async def create_list(self, draft: ListDraft) -> Done[LeadsList]:
        reply = await self.send("POST", "/v1/lists", form={"name": draft.name})
        made = _only(reply.body, wire.MadeListReply)
        data = LeadsList(id=str(made.data.id), name=draft.name)
        return Done(data=data, created=True, raw=reply.body)

    async def _custom_fields(self) -> tuple[list[CustomField], bytes]:
        reply = await self.call("GET", "/v1/prospect-custom-fields", list[wire.FieldRow])
        return [prospects.to_custom_field(row) for row in reply.value], reply.body

    async def list_custom_fields(self, page: Asked) -> Listed[CustomField]:
        rows, raw = await self._custom_fields()
        return cut(rows, page, raw=raw)

    async def get_custom_field(self, name: str) -> Done[CustomField]:
        rows, raw = await self._custom_fields()
        return Done(data=_one(rows, name), raw=raw)

    async def _campaigns(self) -> tuple[list[Campaign], bytes]:
        reply = await self.call("GET", "/v1/get-user-campaigns", list[wire.CampaignRow])
        return [campaigns.to_campaign(row) for row in reply.value], reply.body

    async def list_campaigns(self, filters: CampaignFilters, page: Asked) -> Listed[Campaign]:
        if filters.archived is not None:
            raise Lacking("/archived", "Snov.io does not say which campaigns are archived")
        rows, raw = await self._campaigns()
        kept = [
            row
            for row in rows
            if filters.started is None or (row.started_at is not None) is filters.started
        ]
        return cut(kept, page, raw=raw)

    async def get_campaign(self, campaign: str) -> Done[Campaign]:
        rows, raw = await self._campaigns()
        return Done(data=_one(rows, campaign), raw=raw)

    async def read_stats(self, campaign: str, span: Span) -> Done[CampaignStats]:
        params = {"campaign_id": campaign, "date_from": span.date_from, "date_to": span.date_to}
        path = "/v2/statistics/campaign-analytics"
        reply = await self.call("GET", path, wire.Figures, params=params)
        data = campaigns.to_stats(decode(reply.body, dict[str, Any]))
        return Done(data=data, raw=reply.body)

    async def read_progress(self, campaign: str) -> Done[CampaignProgress]:
        path = f"/v2/campaigns/{segment(campaign)}/progress"
        reply = await self.call("GET", path, wire.ProgressReply)
        return Done(data=campaigns.to_progress(reply.value), raw=reply.body)

    async def list_events(self, query: EventQuery, page: Asked) -> Listed[CampaignEvent]:
        """Up to 10,000 come at once from an offset on, without a count."""
        params = {"campaignId": query.campaign}
        finished = query.type == "finished"
        if page.offset and not finished:
            params["offset"] = str(page.offset)
        path = campaigns.EVENT_PATHS[query.type]
        reply = await self.call("GET", path, list[Raw], params=params)
        # Of those that finished all come, whatever is asked for.
        start = page.offset if finished else 0
        shown = reply.value[start : start + page.limit]
        rows = [campaigns.to_event(query.type, query.campaign, row) for row in shown]
        more = len(reply.value) > start + page.limit
        after = str(page.offset + page.limit) if more else None
        return Listed(rows=rows, next=after, raw=reply.body)

    async def change_recipient(self, campaign: str, change: RecipientChange) -> Done[Recipient]:
        form = {
            "email": change.email,
            "campaign_id": campaign,
            "status": change.status.capitalize(),
        }
        path = "/v1/change-recipient-status"
        reply = await self.call("POST", path, wire.Confirmed, form=form)
        data = Recipient(email=change.email, status=change.status)
        return Done(data=data, raw=reply.body)

    async def block(self, draft: BlockDraft) -> Done[Blocked]:
        form = {"items[]": draft.items, "listId": draft.list_id}
        reply = await self.send("POST", "/v1/do-not-email-list", form=form)
        duplicates = _only(reply.body, wire.BlockedReply).data.duplicates
        added = len(set(draft.items)) - len(set(duplicates))
        return Done(data=Blocked(added=added, duplicates=duplicates), raw=reply.body)

    async def _webhooks(self) -> tuple[list[Webhook], bytes]:
        reply = await self.call("GET", "/v2/webhooks", wire.WebhooksReply)
        return [campaigns.to_webhook(row.data) for row in reply.value.data], reply.body

    async def list_webhooks(self, page: Asked) -> Listed[Webhook]:
        rows, raw = await self._webhooks()
        return cut(rows, page, raw=raw)

    async def get_webhook(self, number: str) -> Done[Webhook]:
        rows, raw = await self._webhooks()
        return Done(data=_one(rows, number), raw=raw)

    async def create_webhook(self, draft: WebhookDraft) -> Done[Webhook]:
        kind, action = campaigns.from_event(draft.event)
        json = {"event_object": kind, "event_action": action, "endpoint_url": draft.url}
        reply = await self.call("POST", "/v2/webhooks", wire.WebhookReply, json=json)
        data = campaigns.to_webhook(reply.value.data)
        return Done(data=data, created=True, raw=reply.body)

    async def change_webhook(self, number: str, change: WebhookChange) -> Done[Webhook]:
        for name in ("url", "event"):
            if getattr(change, name) is not UNSET:
                raise Lacking(f"/{name}", "Snov.io changes the status of a webhook alone")
        path, json = f"/v2/webhooks/{segment(number)}", {"status": change.status}
        reply = await self.call("PUT", path, wire.WebhookReply, json=json)
        return Done(data=campaigns.to_webhook(reply.value.data), raw=reply.body)

    async def delete_webhook(self, number: str) -> Done[None]:
        path = f"/v2/webhooks/{segment(number)}"
        reply = await self.call("DELETE", path, wire.ConfirmedReply)
        if not reply.value.data.success:
            raise Missing
        return Done(data=None, raw=reply.body)


def _one(rows: Sequence[T], name: str) -> T:
    """The one of this id in a list of them all. Raises Missing."""
    found = next((row for row in rows if getattr(row, "id", None) == name), None)
    if found is None:
        raise Missing
    return found


def _only(body: bytes, kind: type[T]) -> T:
    """The first of an array that holds one. Raises MalformedResponse."""
    found = decode(body, list[kind])  # type: ignore[valid-type]
    if not found:
        raise MalformedResponse("the reply is not what is documented", uncertain=True)
    return found[0]
