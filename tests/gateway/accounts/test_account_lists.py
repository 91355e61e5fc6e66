"""Lists turn their pages whole, filters choose what they say, and providers agree with us."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest

from providers.accounts.base import Accounts
from providers.accounts.drafts import Asked, CampaignFilters, EventQuery, LeadFilters, Span
from providers.base import Account, Bounded
from providers.registry import accounts_of, create
from providers.transport import Transport
from tests.gateway.accounts.conftest import Desk
from tests.gateway.accounts.walk import PROSPECT
from tests.gateway.conftest import SECRETS

PAGED = [
    ("/hunter/leads", 40),
    ("/hunter/lists", 4),
    ("/hunter/custom-fields", 3),
    ("/hunter/campaigns", 5),
    ("/hunter/campaigns/1/recipients", 8),
    ("/hunter/webhooks", 3),
    ("/snov/leads?list_id=1001", 12),
    ("/snov/lists", 3),
    ("/snov/custom-fields", 3),
    ("/snov/campaigns", 3),
    ("/snov/campaigns/2001/events?type=sent", 12),
    ("/snov/campaigns/2001/events?type=finished", 4),
    ("/snov/webhooks", 2),
]


async def pages(desk: Desk, path: str, limit: int) -> list[list[dict[str, Any]]]:
    found, cursor = [], ""
    joint = "&" if "?" in path else "?"
    for _ in range(60):
        reply = await desk.send("GET", f"{path}{joint}limit={limit}{cursor}")
        assert reply.status_code == 200, reply.text
        found.append(reply.json()["data"])
        after = reply.json()["meta"]["next_cursor"]
        if after is None:
            return found
        cursor = f"&cursor={after}"
    raise AssertionError("the list never ends")


@pytest.mark.parametrize("path, count", PAGED)
async def test_pages_of_any_size_make_up_the_same_list(desk: Desk, path: str, count: int) -> None:
    [whole] = [page for page in await pages(desk, path, 100) if page]
    assert len(whole) == count
    for limit in (1, 3) if count < 10 else (4, 7):
        cut = await pages(desk, path, limit)
        assert [row for page in cut for row in page] == whole
        assert all(len(page) == limit for page in cut[:-1])


FILTERS: list[tuple[str, Callable[[dict[str, Any]], bool]]] = [
    ("list_id=1", lambda lead: [one["id"] for one in lead["lists"]] == ["1"]),
    ("first_name=a", lambda lead: "a" in lead["first_name"].lower()),
    ("job_title=~", lambda lead: lead["job_title"] is None),
    ("job_title=*", lambda lead: lead["job_title"] is not None),
    ("domain=.example", lambda lead: lead["domain"].endswith(".example")),
    ("industry=~", lambda lead: lead["industry"] is None),
    ("country=Germany", lambda lead: lead["location"]["country"] == "DE"),
    ("country=us", lambda lead: lead["location"]["country"] == "US"),
    ("status=valid", lambda lead: lead["status"] == "valid"),
    ("status=valid,catch_all", lambda lead: lead["status"] in ("valid", "catch_all")),
    ("status[]=valid&status[]=catch_all", lambda lead: lead["status"] in ("valid", "catch_all")),
    ("sending_status=none", lambda lead: lead["sending_status"] is None),
    ("sending_status=sent,replied", lambda lead: lead["sending_status"] in ("sent", "replied")),
    ("sync_status=failed", lambda lead: lead["sync_status"] == "failed"),
    ("last_contacted=any", lambda lead: lead["last_contacted_at"] is not None),
    ("last_activity=none", lambda lead: lead["last_activity_at"] is None),
    ("custom_fields[customer_id]=*", lambda lead: "customer_id" in lead["custom_fields"]),
    ("custom_fields[customer_id]=~", lambda lead: "customer_id" not in lead["custom_fields"]),
    ("query=lovelace", lambda lead: lead["last_name"] == "Lovelace"),
    ("email=lovelace&company=~", lambda _lead: False),
]


@pytest.mark.parametrize("query, wanted", FILTERS, ids=[query for query, _ in FILTERS])
async def test_a_filter_selects_what_it_says_and_nothing_else(
    desk: Desk, query: str, wanted: Callable[[dict[str, Any]], bool]
) -> None:
    everyone = (await desk.send("GET", "/hunter/leads?limit=100")).json()["data"]
    reply = await desk.send("GET", f"/hunter/leads?limit=100&{query}")
    found = reply.json()["data"]
    assert found == [lead for lead in everyone if wanted(lead)]
    assert reply.json()["meta"]["total"] == len(found)
    assert len(found) < len(everyone) or "domain" in query


async def test_campaigns_are_filtered_by_what_became_of_them(desk: Desk) -> None:
    for path in ("/hunter/campaigns", "/snov/campaigns"):
        every = (await desk.send("GET", path)).json()["data"]
        started = (await desk.send("GET", f"{path}?started=true")).json()["data"]
        drafts = (await desk.send("GET", f"{path}?started=false")).json()["data"]
        assert {row["status"] for row in drafts} == {"draft"}
        assert "draft" not in {row["status"] for row in started}
        assert sorted(row["id"] for row in started + drafts) == sorted(r["id"] for r in every)


@pytest.fixture
async def natively(desk: Desk) -> AsyncIterator[Callable[[str], Accounts]]:
    """The account itself, past the gateway."""
    transport = Transport()

    def reach(provider: str) -> Accounts:
        url = str(getattr(desk.simulator.endpoints, provider))
        return accounts_of(create(provider, Account(url, SECRETS[provider]), transport))

    yield reach
    await transport.aclose()


def at(value: Any, place: str) -> Any:
    """None in the place of a row that is not there."""
    for step in place.split("."):
        if isinstance(value, list) and int(step) >= len(value):
            return None
        value = value[int(step) if isinstance(value, list) else step]
    return value


HUNTER_LEAD = {
    "id": "id", "email": "email", "first_name": "first_name", "last_name": "last_name",
    "job_title": "position", "company": "company", "domain": "website",
    "industry": "company_industry", "headcount": "company_size",
    "confidence": "confidence_score", "notes": "notes", "source": "source",
    "twitter": "twitter", "linkedin_url": "linkedin_url", "lists.0.id": "leads_list.id",
    "lists.0.name": "leads_list.name",
}  # fmt: skip
PROSPECTED = {
    "id": "id", "full_name": "name", "first_name": "firstName", "last_name": "lastName",
    "industry": "industry", "linkedin_url": "social.0.link", "lists.0.name": "lists.0.name",
    "job_title": "currentJob.0.position", "company": "currentJob.0.companyName",
    "campaigns.0.sent": "campaigns.0.sent", "campaigns.0.opened": "campaigns.0.opens",
}  # fmt: skip
VISITED = {
    "id": "id", "campaign": "campaign", "lead_id": "prospectId", "email": "prospectEmail",
    "full_name": "prospectName", "email_subject": "emailSubject", "email_body": "emailBody",
}  # fmt: skip
FIGURES = {
    "contacted": "total_contacted", "sent": "emails_sent", "opened": "email_opens",
    "clicked": "link_clicks", "replied": "email_replies", "delivered": "delivered",
    "bounced": "bounced", "unsubscribed": "unsubscribed", "interested": "interested",
    "linkedin.contacted": "contacted_by_linkedin", "linkedin.views": "linkedin_views",
}  # fmt: skip
Asking = Callable[[Accounts], Any]
PAGE = Asked(limit=3)
SENT = EventQuery(campaign="2001", type="sent")
REPLIED = EventQuery(campaign="2001", type="replied")
AGREED: list[tuple[str, str, Asking, str, Mapping[str, str]]] = [
    ("hunter", "/leads?limit=3", lambda a: a.list_leads(LeadFilters(), PAGE), "data.leads",
     HUNTER_LEAD),
    ("hunter", "/leads/1", lambda a: a.get_lead("1"), "data", HUNTER_LEAD),
    ("hunter", "/lists?limit=3", lambda a: a.list_lists(PAGE), "data.leads_lists",
     {"id": "id", "name": "name", "leads_count": "leads_count"}),
    ("hunter", "/lists/1", lambda a: a.get_list("1"), "data", {"id": "id", "name": "name"}),
    ("hunter", "/custom-fields?limit=3", lambda a: a.list_custom_fields(PAGE),
     "data.leads_custom_attributes", {"id": "id", "label": "label", "key": "slug"}),
    ("hunter", "/campaigns?limit=3", lambda a: a.list_campaigns(CampaignFilters(), PAGE),
     "data.campaigns", {"id": "id", "name": "name", "recipients_count": "recipients_count"}),
    ("hunter", "/campaigns/1", lambda a: a.get_campaign("1"), "data",
     {"id": "id", "name": "name", "status": "status"}),
    ("hunter", "/campaigns/1/stats", lambda a: a.read_stats("1", Span()), "data",
     {"sent": "sent", "opened": "opened", "opened_rate": "open_rate", "replied": "replied",
      "bounced_rate": "bounce_rate", "unsubscribed": "unsubscribed_recipients"}),
    ("hunter", "/campaigns/1/recipients?limit=3", lambda a: a.list_recipients("1", PAGE),
     "data.recipients",
     {"email": "email", "lead_id": "lead_id", "job_title": "position", "status": "sending_status",
      "company": "company", "domain": "website"}),
    ("hunter", "/webhooks?limit=3", lambda a: a.list_webhooks(PAGE), "data",
     {"id": "id", "url": "target_url", "provider_event": "event"}),
    ("hunter", "/account", lambda a: a.read_account(), "data",
     {"plan": "plan_name", "balance.searches": "requests.searches.available"}),
    ("snov", "/leads?list_id=1001&limit=3",
     lambda a: a.list_leads(LeadFilters(list_id="1001"), PAGE), "prospects",
     {"id": "id", "email": "emails.0.email", "full_name": "name"}),
    ("snov", f"/leads/{PROSPECT}", lambda a: a.get_lead(PROSPECT), "data", PROSPECTED),
    ("snov", "/lists?limit=3", lambda a: a.list_lists(PAGE), "",
     {"id": "id", "name": "name", "leads_count": "contacts"}),
    ("snov", "/custom-fields?limit=3", lambda a: a.list_custom_fields(PAGE), "",
     {"label": "label", "required": "required"}),
    ("snov", "/campaigns?limit=3", lambda a: a.list_campaigns(CampaignFilters(), PAGE), "",
     {"id": "id", "name": "campaign", "list_id": "list_id"}),
    ("snov", "/campaigns/2001/stats", lambda a: a.read_stats("2001", Span()), "", FIGURES),
    ("snov", "/campaigns/2001/progress", lambda a: a.read_progress("2001"), "",
     {"unfinished": "unfinished"}),
    ("snov", "/campaigns/2001/events?type=replied&limit=3",
     lambda a: a.list_events(REPLIED, PAGE), "", VISITED),
    ("snov", "/campaigns/2001/events?type=sent&limit=3", lambda a: a.list_events(SENT, PAGE), "",
     {"id": "id", "email": "userEmail", "full_name": "userName", "campaign": "campaign"}),
    ("snov", "/webhooks?limit=3", lambda a: a.list_webhooks(PAGE), "data",
     {"id": "data.id", "url": "data.end_point", "status": "data.status"}),
    ("snov", "/account", lambda a: a.read_account(), "data",
     {"balance.credits": "balance", "used.recipients": "unique_recipients_used"}),
]  # fmt: skip


@pytest.mark.parametrize(
    "provider, path, ask, place, members", AGREED, ids=[f"{p}{q}" for p, q, *_ in AGREED]
)
async def test_unified_and_native_answers_of_the_same_fact_agree(
    desk: Desk,
    natively: Callable[[str], Accounts],
    provider: str,
    path: str,
    ask: Asking,
    place: str,
    members: Mapping[str, str],
) -> None:
    reply = await desk.send("GET", f"/{provider}{path}")
    unified = reply.json()["data"]
    async with Bounded(10):
        raw = json.loads((await ask(natively(provider))).raw)
    native = at(raw, place) if place else raw
    if not isinstance(unified, list):
        unified, native = [unified], [native]
    assert unified
    for ours, theirs in zip(unified, native[: len(unified)], strict=True):
        for name, other in members.items():
            assert same(at(ours, name), at(theirs, other)), (name, ours, theirs)


def same(ours: Any, theirs: Any) -> bool:
    """Ids are text here, and what Snov.io sends as text may be a number."""
    if isinstance(ours, float):
        return ours == float(theirs)
    return ours == theirs or str(ours) == str(theirs).rstrip("/")
