"""Hunter's account objects: leads, lists, custom attributes, campaigns, recipients, webhooks.

https://hunter.io/api-documentation/v2, read 2026-11-21. All these calls are free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from msgspec import UNSET

from providers.accounts.base import Accounts, cut, segment
from providers.accounts.drafts import (
    Asked,
    CampaignFilters,
    CustomFieldDraft,
    LeadDraft,
    LeadFilters,
    ListDraft,
    RecipientsDraft,
    Span,
    WebhookChange,
    WebhookDraft,
)
from providers.accounts.objects import (
    AccountInformation,
    Added,
    Campaign,
    CampaignStats,
    Cancelled,
    CustomField,
    Done,
    Lead,
    LeadsList,
    Listed,
    Recipient,
    Webhook,
)
from providers.accounts.refusals import Lacking
from providers.base import glance
from providers.errors import MalformedResponse
from providers.hunter import accounts_wire as wire
from providers.hunter import campaigns, leads
from providers.hunter.adapter import Hunter
from providers.hunter.wire import Fault, Faults

CREATED = 201


class HunterAccounts(Accounts, Hunter):
    endpoints_read_on = "2026-11-21"
    endpoints: ClassVar[Mapping[str, Sequence[str]]] = {
        "account.read": ["GET /account"],
        "leads.list": ["GET /leads"],
        "leads.create": ["POST /leads"],
        "leads.upsert": ["PUT /leads"],
        "leads.get": ["GET /leads/{id}"],
        "leads.update": ["PUT /leads/{id}"],
        "leads.delete": ["DELETE /leads/{id}"],
        "lists.list": ["GET /leads_lists"],
        "lists.create": ["POST /leads_lists"],
        "lists.get": ["GET /leads_lists/{id}"],
        "lists.update": ["PUT /leads_lists/{id}"],
        "lists.delete": ["DELETE /leads_lists/{id}"],
        "custom_fields.list": ["GET /leads_custom_attributes"],
        "custom_fields.create": ["POST /leads_custom_attributes"],
        "custom_fields.get": ["GET /leads_custom_attributes/{id}"],
        "custom_fields.update": ["PUT /leads_custom_attributes/{id}"],
        "custom_fields.delete": ["DELETE /leads_custom_attributes/{id}"],
        "campaigns.list": ["GET /campaigns"],
        "campaigns.get": ["GET /sequences/{id}"],
        "campaigns.stats": ["GET /sequences/{id}/stats"],
        "recipients.list": ["GET /campaigns/{id}/recipients"],
        "recipients.add": ["POST /campaigns/{id}/recipients"],
        "recipients.cancel": ["DELETE /campaigns/{id}/recipients"],
        "webhooks.list": ["GET /webhooks"],
        "webhooks.create": ["POST /webhooks"],
        "webhooks.get": ["GET /webhooks/{id}"],
        "webhooks.update": ["PUT /webhooks/{id}"],
        "webhooks.delete": ["DELETE /webhooks"],
    }
    pointers: ClassVar[Mapping[str, str]] = {
        **{theirs: f"/{ours}" for ours, theirs in leads.FILTERS.items()},
        **{theirs: f"/{ours}" for ours, theirs in leads.MEMBERS.items()},
        "leads_list": "/list_ids",
        "leads_list_id": "/list_ids",
        "leads_list_ids": "/list_ids",
        "custom_attributes": "/custom_fields",
        "sending_status": "/sending_status",
        "verification_status": "/status",
        "sync_status": "/sync_status",
        "emails": "/emails",
        "lead_ids": "/lead_ids",
        "label": "/label",
        "name": "/name",
        "target_url": "/url",
        "event": "/event",
    }

    def words_of(self, body: bytes) -> list[str]:
        faults = glance(body, Faults)
        if faults is None:
            return []
        listed = [faults.errors] if isinstance(faults.errors, Fault) else faults.errors
        return [fault.details or fault.id for fault in listed if fault.details or fault.id]

    async def read_account(self) -> Done[AccountInformation]:
        reply = await self.call("GET", "/account", wire.InformationReply)
        return Done(data=campaigns.to_information(reply.value.data), raw=reply.body)

    async def list_leads(self, filters: LeadFilters, page: Asked) -> Listed[Lead]:
        params = leads.from_filters(filters) | _bounds(page)
        reply = await self.call("GET", "/leads", wire.LeadsReply, params=params)
        rows = [leads.to_lead(row) for row in reply.value.data.leads]
        total = reply.value.meta.count
        return Listed(rows=rows, next=_next(page, rows, total), total=total, raw=reply.body)

    async def create_lead(self, draft: LeadDraft) -> Done[Lead]:
        json = leads.from_draft(draft)
        reply = await self.call("POST", "/leads", wire.LeadReply, json=json)
        return Done(data=leads.to_lead(reply.value.data), created=True, raw=reply.body)

    async def upsert_lead(self, draft: LeadDraft) -> Done[Lead]:
        json = leads.from_draft(draft)
        reply = await self.call("PUT", "/leads", wire.LeadReply, json=json)
        created = reply.status == CREATED
        return Done(data=leads.to_lead(reply.value.data), created=created, raw=reply.body)

    async def get_lead(self, lead: str) -> Done[Lead]:
        reply = await self.call("GET", f"/leads/{segment(lead)}", wire.LeadReply)
        return Done(data=leads.to_lead(reply.value.data), raw=reply.body)

    async def update_lead(self, lead: str, draft: LeadDraft) -> Done[None]:
        return await self._write("PUT", f"/leads/{segment(lead)}", leads.from_draft(draft))

    async def delete_lead(self, lead: str) -> Done[None]:
        return await self._write("DELETE", f"/leads/{segment(lead)}")

    async def _write(
        self, method: str, path: str, json: Any = None, *, params: Any = None
    ) -> Done[None]:
        """What is answered with an empty body; 202 for what is done a little later."""
        reply = await self.send(method, path, json=json, params=params)
        if reply.body:
            raise MalformedResponse("the reply is not what is documented", uncertain=True)
        return Done(data=None)

    async def list_lists(self, page: Asked) -> Listed[LeadsList]:
        reply = await self.call("GET", "/leads_lists", wire.ListsReply, params=_bounds(page))
        rows = [leads.to_list(row) for row in reply.value.data.leads_lists]
        total = reply.value.meta.total
        return Listed(rows=rows, next=_next(page, rows, total), total=total, raw=reply.body)

    async def create_list(self, draft: ListDraft) -> Done[LeadsList]:
        json = {"name": draft.name}
        reply = await self.call("POST", "/leads_lists", wire.ListReply, json=json)
        return Done(data=leads.to_list(reply.value.data), created=True, raw=reply.body)

    async def get_list(self, number: str) -> Done[LeadsList]:
        """With it come some of its leads, which nobody asked for."""
        path = f"/leads_lists/{segment(number)}"
        reply = await self.call("GET", path, wire.ListReply, params={"limit": 1})
        return Done(data=leads.to_list(reply.value.data), raw=reply.body)

    async def rename_list(self, number: str, draft: ListDraft) -> Done[None]:
        return await self._write("PUT", f"/leads_lists/{segment(number)}", {"name": draft.name})

    async def delete_list(self, number: str) -> Done[None]:
        return await self._write("DELETE", f"/leads_lists/{segment(number)}")

    async def list_custom_fields(self, page: Asked) -> Listed[CustomField]:
        """All at once: there are no pages."""
        reply = await self.call("GET", "/leads_custom_attributes", wire.AttributesReply)
        found = reply.value.data.leads_custom_attributes
        rows = [leads.to_custom_field(row) for row in found]
        return cut(rows, page, raw=reply.body)

    async def create_custom_field(self, draft: CustomFieldDraft) -> Done[CustomField]:
        json = {"label": draft.label}
        path = "/leads_custom_attributes"
        reply = await self.call("POST", path, wire.AttributeReply, json=json)
        return Done(data=leads.to_custom_field(reply.value.data), created=True, raw=reply.body)

    async def get_custom_field(self, name: str) -> Done[CustomField]:
        path = f"/leads_custom_attributes/{segment(name)}"
        reply = await self.call("GET", path, wire.AttributeReply)
        return Done(data=leads.to_custom_field(reply.value.data), raw=reply.body)

    async def rename_custom_field(self, name: str, draft: CustomFieldDraft) -> Done[None]:
        path = f"/leads_custom_attributes/{segment(name)}"
        return await self._write("PUT", path, {"label": draft.label})

    async def delete_custom_field(self, name: str) -> Done[None]:
        return await self._write("DELETE", f"/leads_custom_attributes/{segment(name)}")

    async def list_campaigns(self, filters: CampaignFilters, page: Asked) -> Listed[Campaign]:
        params = {
            "started": _flag(filters.started),
            "archived": _flag(filters.archived),
            **_bounds(page),
        }
        reply = await self.call("GET", "/campaigns", wire.CampaignsReply, params=params)
        rows = [campaigns.to_campaign(row) for row in reply.value.data.campaigns]
        return Listed(rows=rows, next=_next(page, rows), raw=reply.body)

    async def get_campaign(self, campaign: str) -> Done[Campaign]:
        path = f"/sequences/{segment(campaign)}"
        reply = await self.call("GET", path, wire.CampaignReply)
        return Done(data=campaigns.to_campaign(reply.value.data), raw=reply.body)

    async def read_stats(self, campaign: str, span: Span) -> Done[CampaignStats]:
        if span.date_from or span.date_to:
            pointer = "/date_from" if span.date_from else "/date_to"
            raise Lacking(pointer, "Hunter counts a campaign from its beginning on")
        path = f"/sequences/{segment(campaign)}/stats"
        reply = await self.call("GET", path, wire.StatsReply)
        return Done(data=campaigns.to_stats(reply.value.data), raw=reply.body)

    async def list_recipients(self, campaign: str, page: Asked) -> Listed[Recipient]:
        path = f"/campaigns/{segment(campaign)}/recipients"
        reply = await self.call("GET", path, wire.RecipientsReply, params=_bounds(page))
        rows = [campaigns.to_recipient(row) for row in reply.value.data.recipients]
        return Listed(rows=rows, next=_next(page, rows), raw=reply.body)

    async def add_recipients(self, campaign: str, draft: RecipientsDraft) -> Done[Added]:
        leads_given = leads.to_numbers(draft.lead_ids)
        json: dict[str, Any] = {"emails": draft.emails, "lead_ids": leads_given}
        json = {name: value for name, value in json.items() if value}
        path = f"/campaigns/{segment(campaign)}/recipients"
        reply = await self.call("POST", path, wire.AddedReply, json=json)
        found = reply.value.data
        skipped = [campaigns.to_skipped(row) for row in found.skipped_recipients]
        data = Added(added=found.recipients_added, skipped=skipped)
        return Done(data=data, created=data.added > 0, raw=reply.body)

    async def cancel_recipients(self, campaign: str, emails: list[str]) -> Done[Cancelled]:
        """A DELETE with a body, which is answered with 201."""
        path = f"/campaigns/{segment(campaign)}/recipients"
        reply = await self.call("DELETE", path, wire.CancelledReply, json={"emails": emails})
        found = reply.value.data
        data = Cancelled(cancelled=found.recipients_canceled, messages=found.messages_canceled)
        return Done(data=data, raw=reply.body)

    async def list_webhooks(self, page: Asked) -> Listed[Webhook]:
        reply = await self.call("GET", "/webhooks", wire.WebhooksReply, params=_bounds(page))
        rows = [campaigns.to_webhook(row) for row in reply.value.data]
        total = reply.value.meta.total if reply.value.meta else None
        return Listed(rows=rows, next=_next(page, rows, total), total=total, raw=reply.body)

    async def create_webhook(self, draft: WebhookDraft) -> Done[Webhook]:
        json = {"target_url": draft.url, "event": campaigns.from_event(draft.event)}
        return await self._webhook("POST", "/webhooks", json)

    async def get_webhook(self, number: str) -> Done[Webhook]:
        return await self._webhook("GET", f"/webhooks/{segment(number)}")

    async def change_webhook(self, number: str, change: WebhookChange) -> Done[Webhook]:
        if change.status is not UNSET:
            raise Lacking("/status", "Hunter's webhooks are on for as long as they are there")
        json = {} if change.url is UNSET else {"target_url": change.url}
        if change.event is not UNSET:
            json["event"] = campaigns.from_event(change.event)
        return await self._webhook("PUT", f"/webhooks/{segment(number)}", json)

    async def _webhook(self, method: str, path: str, json: Any = None) -> Done[Webhook]:
        """The documents show `data` as an array, of one."""
        reply = await self.call(method, path, wire.WebhookReply, json=json)
        found = reply.value.data
        row = found[0] if isinstance(found, list) else found
        return Done(data=campaigns.to_webhook(row), created=method == "POST", raw=reply.body)

    async def delete_webhook(self, number: str) -> Done[None]:
        """Its id travels in the query."""
        return await self._write("DELETE", "/webhooks", params={"id": number})


def _bounds(page: Asked) -> dict[str, Any]:
    return {"limit": page.limit, "offset": page.offset}


def _next(page: Asked, rows: Sequence[object], total: int | None = None) -> str | None:
    """Where the next page begins; without a total a full page may be followed by an empty one."""
    end = page.offset + len(rows)
    more = len(rows) == page.limit if total is None else bool(rows) and end < total
    return str(end) if more else None


def _flag(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()
