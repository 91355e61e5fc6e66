"""What every provider's account objects declare, and how they are reached."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import ClassVar, Literal, NamedTuple, Self, TypeVar
from urllib.parse import quote

from providers.accounts.drafts import (
    Asked,
    BlockDraft,
    CampaignFilters,
    CustomFieldDraft,
    EventQuery,
    LeadDraft,
    LeadFilters,
    ListDraft,
    RecipientChange,
    RecipientsDraft,
    Span,
    WebhookChange,
    WebhookDraft,
)
from providers.accounts.objects import (
    AccountInformation,
    Added,
    Blocked,
    Campaign,
    CampaignEvent,
    CampaignProgress,
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
from providers.accounts.refusals import Missing, Refused, to_complaints
from providers.base import Adapter, Response
from providers.errors import InvalidQuery, ProviderError, Unsupported

T = TypeVar("T")
NOT_FOUND = 404


class Action(NamedTuple):
    """`method` of Accounts. `names` is where the caller names what must be there already."""

    method: str
    writes: bool = False
    names: Literal["path", "input", ""] = ""


ACTIONS: Mapping[str, Action] = {
    "account.read": Action("read_account"),
    "leads.list": Action("list_leads", names="input"),
    "leads.create": Action("create_lead", writes=True, names="input"),
    "leads.upsert": Action("upsert_lead", writes=True, names="input"),
    "leads.get": Action("get_lead", names="path"),
    "leads.update": Action("update_lead", writes=True, names="path"),
    "leads.delete": Action("delete_lead", writes=True, names="path"),
    "lists.list": Action("list_lists"),
    "lists.create": Action("create_list", writes=True),
    "lists.get": Action("get_list", names="path"),
    "lists.update": Action("rename_list", writes=True, names="path"),
    "lists.delete": Action("delete_list", writes=True, names="path"),
    "custom_fields.list": Action("list_custom_fields"),
    "custom_fields.create": Action("create_custom_field", writes=True),
    "custom_fields.get": Action("get_custom_field", names="path"),
    "custom_fields.update": Action("rename_custom_field", writes=True, names="path"),
    "custom_fields.delete": Action("delete_custom_field", writes=True, names="path"),
    "campaigns.list": Action("list_campaigns"),
    "campaigns.get": Action("get_campaign", names="path"),
    "campaigns.stats": Action("read_stats", names="path"),
    "campaigns.progress": Action("read_progress", names="path"),
    "campaigns.events": Action("list_events", names="path"),
    "recipients.list": Action("list_recipients", names="path"),
    "recipients.add": Action("add_recipients", writes=True, names="path"),
    "recipients.cancel": Action("cancel_recipients", writes=True, names="path"),
    "recipients.change": Action("change_recipient", writes=True, names="path"),
    "do_not_email.add": Action("block", writes=True, names="input"),
    "webhooks.list": Action("list_webhooks"),
    "webhooks.create": Action("create_webhook", writes=True),
    "webhooks.get": Action("get_webhook", names="path"),
    "webhooks.update": Action("change_webhook", writes=True, names="path"),
    "webhooks.delete": Action("delete_webhook", writes=True, names="path"),
}


class Accounts(Adapter):
    """An adapter that reaches what its account keeps; stands before the provider's own class.

    `endpoints` are the actions there are, each with what it calls, all of it free.
    `pointers` say what the native names in a refusal are called here. Nothing is sent again.
    """

    endpoints: ClassVar[Mapping[str, Sequence[str]]]
    endpoints_read_on: ClassVar[str]
    pointers: ClassVar[Mapping[str, str]]

    @classmethod
    def beside(cls, adapter: Adapter) -> Self:
        """For the account of `adapter`, signed in as it is."""
        made = cls(adapter.account, adapter.transport)
        made.auth = adapter.auth
        return made

    def is_clean(self, status: int) -> bool:
        return status in (200, 201, 202, 204)

    def words_of(self, body: bytes) -> list[str]:
        """What a refusal says; empty if it is not the provider's own."""
        raise NotImplementedError

    def is_miss(self, words: Sequence[str]) -> bool:
        """Whether these words, whatever their status, say that something is not there."""
        return False

    def _failure(self, found: type[ProviderError] | None, response: Response) -> ProviderError:
        error = super()._failure(found, response)
        if not isinstance(error, InvalidQuery | Unsupported):
            return error
        words, status = self.words_of(response.content), response.status_code
        if not words:
            return error
        complaints = to_complaints(words, self.pointers)
        if status == NOT_FOUND or self.is_miss(words):
            return Missing(complaints[0], status=status)
        return Refused(complaints, status=status) if isinstance(error, InvalidQuery) else error

    async def read_account(self) -> Done[AccountInformation]:
        raise Unsupported

    async def list_leads(self, filters: LeadFilters, page: Asked) -> Listed[Lead]:
        raise Unsupported

    async def create_lead(self, draft: LeadDraft) -> Done[Lead]:
        raise Unsupported

    async def upsert_lead(self, draft: LeadDraft) -> Done[Lead]:
        raise Unsupported

    async def get_lead(self, lead: str) -> Done[Lead]:
        raise Unsupported

    async def update_lead(self, lead: str, draft: LeadDraft) -> Done[None]:
        raise Unsupported

    async def delete_lead(self, lead: str) -> Done[None]:
        raise Unsupported

    async def list_lists(self, page: Asked) -> Listed[LeadsList]:
        raise Unsupported

    async def create_list(self, draft: ListDraft) -> Done[LeadsList]:
        raise Unsupported

    async def get_list(self, number: str) -> Done[LeadsList]:
        raise Unsupported

    async def rename_list(self, number: str, draft: ListDraft) -> Done[None]:
        raise Unsupported

    async def delete_list(self, number: str) -> Done[None]:
        raise Unsupported

    async def list_custom_fields(self, page: Asked) -> Listed[CustomField]:
        raise Unsupported

    async def create_custom_field(self, draft: CustomFieldDraft) -> Done[CustomField]:
        raise Unsupported

    async def get_custom_field(self, name: str) -> Done[CustomField]:
        raise Unsupported

    async def rename_custom_field(self, name: str, draft: CustomFieldDraft) -> Done[None]:
        raise Unsupported

    async def delete_custom_field(self, name: str) -> Done[None]:
        raise Unsupported

    async def list_campaigns(self, filters: CampaignFilters, page: Asked) -> Listed[Campaign]:
        raise Unsupported

    async def get_campaign(self, campaign: str) -> Done[Campaign]:
        raise Unsupported

    async def read_stats(self, campaign: str, span: Span) -> Done[CampaignStats]:
        raise Unsupported

    async def read_progress(self, campaign: str) -> Done[CampaignProgress]:
        raise Unsupported

    async def list_events(self, query: EventQuery, page: Asked) -> Listed[CampaignEvent]:
        raise Unsupported

    async def list_recipients(self, campaign: str, page: Asked) -> Listed[Recipient]:
        raise Unsupported

    async def add_recipients(self, campaign: str, draft: RecipientsDraft) -> Done[Added]:
        raise Unsupported

    async def cancel_recipients(self, campaign: str, emails: list[str]) -> Done[Cancelled]:
        raise Unsupported

    async def change_recipient(self, campaign: str, change: RecipientChange) -> Done[Recipient]:
        raise Unsupported

    async def block(self, draft: BlockDraft) -> Done[Blocked]:
        raise Unsupported

    async def list_webhooks(self, page: Asked) -> Listed[Webhook]:
        raise Unsupported

    async def create_webhook(self, draft: WebhookDraft) -> Done[Webhook]:
        raise Unsupported

    async def get_webhook(self, number: str) -> Done[Webhook]:
        raise Unsupported

    async def change_webhook(self, number: str, change: WebhookChange) -> Done[Webhook]:
        raise Unsupported

    async def delete_webhook(self, number: str) -> Done[None]:
        raise Unsupported


def segment(name: str) -> str:
    """`name` as one segment of a path; one that would leave its place names nothing."""
    if name in {".", ".."}:
        raise Missing
    return quote(name, safe="")


def cut(rows: Sequence[T], page: Asked, *, raw: bytes) -> Listed[T]:
    """A page of what came as one."""
    end = page.offset + page.limit
    after = str(end) if end < len(rows) else None
    return Listed(rows=list(rows[page.offset : end]), next=after, total=len(rows), raw=raw)


async def or_none(work: Awaitable[T]) -> T | None:
    """What is found, None if the provider says that it is not there."""
    try:
        return await work
    except Missing:
        return None
