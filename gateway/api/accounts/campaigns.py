"""Campaigns: which there are, how they are doing, and what happened with their recipients."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from litestar import Controller, Request, get
from litestar.params import FromPath, QueryParameter

from gateway.api.accounts.replies import (
    ASKED,
    CampaignReply,
    CampaignsReply,
    EventsReply,
    ProgressReply,
    StatsReply,
)
from gateway.api.accounts.visits import READS, Visit
from gateway.api.documents import responses
from gateway.api.lists import CursorParam, Limit
from gateway.api.problems import invalid
from gateway.lookup.drafts import clean_span
from providers.accounts.drafts import CampaignFilters, EventQuery, Span
from providers.accounts.objects import EventType

Req = Request[Any, Any, Any]
PATH = "/v1/providers/{name:str}/campaigns"
Flag = Annotated[bool | None, QueryParameter(required=False)]
Day = Annotated[
    str | None, QueryParameter(required=False, max_length=10, description="yyyy-mm-dd, included")
]
EVENT_TYPES = get_args(EventType)
# Read by hand: a refusal is to speak of `type`.
TypeParam = Annotated[
    str | None,
    QueryParameter(
        name="type",
        required=False,
        description="must be given",
        schema_extra={"oneOf": [{"type": "string", "enum": EVENT_TYPES}]},
    ),
]


class Campaigns(Controller):
    """All that can be read of campaigns but their recipients."""

    tags = ["Provider accounts"]
    opt = READS

    @get(PATH, responses=responses({}, ASKED))
    async def list_campaigns(
        self,
        request: Req,
        name: FromPath[str],
        started: Flag = None,
        archived: Flag = None,
        *,
        limit: Limit = 25,
        cursor: CursorParam = None,
    ) -> CampaignsReply:
        visit = Visit(request, name, "campaigns.list")
        filters = CampaignFilters(started=started, archived=archived)
        rows, meta = await visit.page(
            lambda accounts, page: accounts.list_campaigns(filters, page),
            limit,
            cursor,
            query=[filters],
        )
        return CampaignsReply(rows, meta)

    @get(PATH + "/{campaign_id:str}", responses=responses({}, ASKED))
    async def show_campaign(
        self, request: Req, name: FromPath[str], campaign_id: FromPath[str]
    ) -> CampaignReply:
        visit = Visit(request, name, "campaigns.get")
        found = await visit.run(lambda accounts: accounts.get_campaign(campaign_id))
        return CampaignReply(found.data, visit.meta)

    @get(PATH + "/{campaign_id:str}/stats", responses=responses({}, ASKED))
    async def show_stats(
        self,
        request: Req,
        name: FromPath[str],
        campaign_id: FromPath[str],
        date_from: Day = None,
        date_to: Day = None,
    ) -> StatsReply:
        visit = Visit(request, name, "campaigns.stats", Span.__struct_fields__)
        span = clean_span(Span(date_from=date_from, date_to=date_to))
        found = await visit.run(lambda accounts: accounts.read_stats(campaign_id, span))
        return StatsReply(found.data, visit.meta)

    @get(PATH + "/{campaign_id:str}/progress", responses=responses({}, ASKED))
    async def show_progress(
        self, request: Req, name: FromPath[str], campaign_id: FromPath[str]
    ) -> ProgressReply:
        visit = Visit(request, name, "campaigns.progress")
        found = await visit.run(lambda accounts: accounts.read_progress(campaign_id))
        return ProgressReply(found.data, visit.meta)

    @get(PATH + "/{campaign_id:str}/events", responses=responses({}, ASKED))
    async def list_events(
        self,
        request: Req,
        name: FromPath[str],
        campaign_id: FromPath[str],
        event_type: TypeParam = None,
        *,
        limit: Limit = 25,
        cursor: CursorParam = None,
    ) -> EventsReply:
        visit = Visit(request, name, "campaigns.events")
        query = EventQuery(campaign=campaign_id, type=_checked(event_type))
        rows, meta = await visit.page(
            lambda accounts, page: accounts.list_events(query, page),
            limit,
            cursor,
            query=[query],
        )
        return EventsReply(rows, meta)


def _checked(event_type: str | None) -> EventType:
    for known in EVENT_TYPES:
        if event_type == known:
            found: EventType = known
            return found
    raise invalid("/type", f"must be one of {', '.join(EVENT_TYPES)}")
