"""What an account keeps at Snov: prospects, campaigns with their events, webhooks."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from providers.simulator.testing import RunningSimulator
from tests.providers.simulator.walking import Walker

MAIL = "ada.lovelace@blue-harbor.example"
EVENTS = {
    "/v1/prospect-finished": None,
    "/v1/get-emails-replies": "visitedAt",
    "/v1/get-emails-opened": "visitedAt",
    "/v1/get-emails-clicked": "visitedAt",
    "/v1/emails-sent": "sentDate",
}

# As the documentation's example has them.
FIGURES = [
    "total_contacted", "emails_sent", "first_emails", "first_emails_rate", "follow_ups",
    "follow_ups_rate", "delivered", "delivered_rate", "bounced", "bounced_rate",
    "contacted_by_email", "email_opens", "email_opens_rate", "link_clicks", "link_clicks_rate",
    "email_replies", "email_replies_rate", "unsubscribed", "unsubscribed_rate", "auto_replied",
    "auto_replied_rate", "contacted_by_linkedin", "linkedin_total_replies",
    "linkedin_total_replies_rate", "connection_request_replies",
    "connection_request_replies_rate", "message_replies", "message_replies_rate",
    "in_mail_replies", "in_mail_replies_rate", "connection_requests", "accepted_requests",
    "accepted_requests_rate", "failed_connection_requests", "messages_sent", "linkedin_views",
    "linkedin_likes", "linkedin_follows", "in_mail_sent", "interested", "interested_rate",
    "maybe", "maybe_rate", "not_interested", "not_interested_rate",
]  # fmt: skip


class Snov:
    def __init__(self, walker: Walker) -> None:
        self.walker = walker

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        options = {} if body is None else {"json": body}
        return (await self.walker.ask("snov", method, path, params=query, **options)).json()


@pytest.fixture
def snov(simulator: RunningSimulator, client: httpx.AsyncClient) -> Snov:
    return Snov(Walker(simulator, client))


def is_php_date(value: Any) -> bool:
    return (
        set(value) == {"date", "timezone_type", "timezone"}
        and re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}", value["date"]) is not None
        and (value["timezone_type"], value["timezone"]) == (3, "UTC")
    )


async def test_lists_are_a_bare_array_with_php_dates(snov: Snov) -> None:
    lists = await snov.ask("GET", "/v1/get-user-lists")
    assert [made["id"] for made in lists] == [1003, 1002, 1001]
    assert all(is_php_date(made["creationDate"]) for made in lists)
    assert [made["isDeleted"] for made in lists] == [True, False, False]
    assert is_php_date(lists[0]["deletionDate"])
    assert lists[1]["deletionDate"] is None
    made = await snov.ask("POST", "/v1/lists", {"name": "New list"})
    assert made == [{"success": True, "data": {"id": 1004}}]
    refused = await snov.ask("POST", "/v1/lists", {})
    assert refused == {"success": False, "errors": ["The name field is required"]}


async def test_a_list_shows_its_prospects_from_last_to_first(snov: Snov) -> None:
    body = {"email": "x@y.example", "firstName": "Ix", "lastName": "Ypsilon", "listId": 1001}
    added = await snov.ask("POST", "/v1/add-prospect-to-list", body)
    page = await snov.ask("POST", "/v1/prospect-list", {"listId": "1001", "perPage": "2"})
    assert page["success"] is True
    assert (page["list"]["contacts"], page["list"]["emailsCount"]) == (13, [])
    assert page["prospects"][0]["id"] == added["id"]
    assert page["prospects"][0]["name"] == "Ix Ypsilon"
    checked, unchecked = (row["emails"][0] for row in page["prospects"])
    assert checked["isValidFormat"] is True
    assert (unchecked["isValidFormat"], unchecked["smtpStatus"]) == (None, None)
    second = await snov.ask("POST", "/v1/prospect-list", {"listId": 1001, "perPage": 2, "page": 2})
    assert not {row["id"] for row in page["prospects"]} & {
        row["id"] for row in second["prospects"]
    }
    for wrong in ({"listId": 9}, {"listId": 1003}, {}, {"listId": 1001, "perPage": 5001}):
        assert (await snov.ask("POST", "/v1/prospect-list", wrong))["success"] is False


async def test_a_known_prospect_is_updated_only_when_told(snov: Snov) -> None:
    path = "/v1/add-prospect-to-list"
    body = {"email": MAIL, "position": "Countess", "listId": 1001}
    kept = await snov.ask("POST", path, body)
    assert (kept["added"], kept["updated"]) == (False, False)
    changed = await snov.ask("POST", path, {**body, "listId": 1002, "updateContact": True})
    assert (changed["added"], changed["updated"], changed["id"]) == (True, True, kept["id"])
    twice = await snov.ask("POST", path, {**body, "createDuplicates": 1})
    assert twice["id"] != kept["id"]
    found = await snov.ask("POST", "/v1/get-prospects-by-email", {"email": MAIL})
    assert [prospect["id"] for prospect in found["data"]] == [kept["id"], twice["id"]]
    assert [made["id"] for made in found["data"][0]["lists"]] == [1001, 1002]
    refused = await snov.ask("POST", path, {"email": "nonsense", "listId": 1001})
    assert refused["success"] is False
    assert refused["errors"]


async def test_prospects_are_found_with_their_jobs_lists_and_campaigns(snov: Snov) -> None:
    found = (await snov.ask("POST", "/v1/get-prospects-by-email", {"email": MAIL}))["data"][0]
    by_id = await snov.ask("POST", "/v1/get-prospect-by-id", {"id": found["id"]})
    assert by_id == {"success": True, "data": found}
    assert is_php_date(found["lastUpdateDate"])
    assert set(found) == {
        "id", "name", "firstName", "lastName", "industry", "country", "locality", "social",
        "lastUpdateDate", "currentJob", "previousJob", "lists", "campaigns",
    }  # fmt: skip
    assert found["campaigns"][0]["status"] == "Finished"
    assert found["campaigns"][0]["sent"] == 1


async def test_a_missing_prospect_is_a_200_without_success(snov: Snov) -> None:
    answer = await snov.walker.ask(
        "snov", "POST", "/v1/get-prospects-by-email", json={"email": "no@body.example"}
    )
    assert answer.status_code == 200
    assert answer.json() == {
        "success": False, "errors": "Prospect with email 'no@body.example' not found",
    }  # fmt: skip
    assert (await snov.ask("POST", "/v1/get-prospect-by-id", {"id": "x"}))["success"] is False


async def test_custom_fields_have_keys_like_php(snov: Snov) -> None:
    fields = await snov.ask("GET", "/v1/prospect-custom-fields")
    assert fields[0] == {
        "key": "customFields['company']", "label": "company", "required": False, "type": "string",
    }  # fmt: skip


async def test_campaigns_have_whole_seconds_and_their_name_in_campaign(snov: Snov) -> None:
    campaigns = await snov.ask("GET", "/v1/get-user-campaigns")
    assert [campaign["status"] for campaign in campaigns] == ["Active", "Paused", "Draft"]
    assert set(campaigns[0]) == {
        "id", "campaign", "list_id", "status", "created_at", "updated_at", "started_at", "hash",
    }  # fmt: skip
    assert isinstance(campaigns[0]["started_at"], int)
    assert campaigns[2]["started_at"] is None


@pytest.mark.parametrize("path, moment", EVENTS.items())
async def test_events_are_bare_arrays(snov: Snov, path: str, moment: str | None) -> None:
    events = await snov.ask("GET", path, campaignId=2001)
    assert events
    assert moment is None or all(is_php_date(event[moment]) for event in events)
    assert len({event["id"] for event in events}) == len(events)
    assert {event["campaign"] for event in events} == {"Zipari - Salesforce Developer"}
    assert await snov.ask("GET", path, campaignId=2001, offset=2) == events[2:]
    assert await snov.ask("GET", path, campaignId=2003) == []
    assert (await snov.ask("GET", path))["success"] is False
    assert (await snov.ask("GET", path, campaignId=9))["errors"]["code"] == 404


async def test_analytics_agree_with_the_events_and_rates_are_percent_strings(
    snov: Snov,
) -> None:
    path = "/v2/statistics/campaign-analytics"
    figures = await snov.ask("GET", path, campaign_id=2001)
    events = {name: await snov.ask("GET", name, campaignId=2001) for name in EVENTS}
    assert figures["emails_sent"] == len(events["/v1/emails-sent"]) == 12
    assert figures["email_opens"] == len(events["/v1/get-emails-opened"])
    assert figures["link_clicks"] == len(events["/v1/get-emails-clicked"])
    assert figures["email_replies"] == len(events["/v1/get-emails-replies"])
    opened = round(100 * figures["email_opens"] / figures["contacted_by_email"])
    assert figures["email_opens_rate"] == f"{opened}%"
    rates = [value for name, value in figures.items() if name.endswith("_rate")]
    assert set(figures) == set(FIGURES)
    assert all(re.fullmatch(r"\d+%", rate) for rate in rates)
    assert await snov.ask("GET", path) == figures
    both = await snov.ask("GET", path, campaign_id="2001,2002")
    assert both["emails_sent"] == 24
    for nobody in ({"sender_email": 5}, {"campaign_owner": "x@y.example"}):
        assert (await snov.ask("GET", path, **nobody))["emails_sent"] == 0
    day = events["/v1/emails-sent"][0]["sentDate"]["date"][:10]
    one = await snov.ask("GET", path, campaign_id=2001, date_from=day, date_to=day)
    assert one["emails_sent"] == 1
    assert (await snov.ask("GET", path, date_from="yesterday"))["success"] is False


async def test_progress_is_a_percent_string(snov: Snov) -> None:
    body = await snov.ask("GET", "/v2/campaigns/2001/progress")
    assert body == {"status": "Active", "unfinished": 8, "progress": "33%"}
    assert (await snov.ask("GET", "/v2/campaigns/9/progress"))["errors"]["code"] == 404


@pytest.mark.parametrize(
    "change, success",
    [
        ({}, True),
        ({"status": "Unsubscribed"}, True),
        ({"status": "paused"}, False),
        ({"campaign_id": 2001}, False),
        ({"email": "no@body.example"}, False),
        ({"campaign_id": ""}, False),
    ],
)
async def test_only_unfinished_recipients_change(
    snov: Snov, change: dict[str, Any], success: bool
) -> None:
    body = {"email": MAIL, "campaign_id": 2003, "status": "Paused", **change}
    answer = await snov.ask("POST", "/v1/change-recipient-status", body)
    assert answer["success"] is success
    assert success or answer["errors"]


async def test_nobody_is_blocked_twice(snov: Snov) -> None:
    path = "/v1/do-not-email-list"
    query = {"items[]": ["x@y.example", "blocked.example"]}
    first = await snov.ask("POST", path, {"listId": 3001}, **query)
    assert first == [{"success": True, "data": {"duplicates": ["blocked.example"]}}]
    second = await snov.ask("POST", path, {"listId": 3001}, **query)
    assert second[0]["data"]["duplicates"] == ["x@y.example", "blocked.example"]
    assert (await snov.ask("POST", path, {"items": ["x@y.example"]}))["success"] is False


async def test_webhooks_are_wrapped_twice_and_renamed_once(snov: Snov) -> None:
    listed = await snov.ask("GET", "/v2/webhooks")
    assert [entry["data"]["id"] for entry in listed["data"]] == [1, 2]
    assert listed["meta"]["webhooks_count"] == 2
    body = {"event_object": "campaign_reply", "event_action": "received"}
    made = await snov.ask(
        "POST", "/v2/webhooks", {**body, "endpoint_url": "https://x.example/hook"}
    )
    assert made["data"]["end_point"] == "https://x.example/hook"
    assert "endpoint_url" not in made["data"]
    changed = await snov.ask("PUT", "/v2/webhooks/3", {"status": "deactivated"})
    assert changed["data"]["status"] == "deactivated"
    assert (await snov.ask("PUT", "/v2/webhooks/3", {"status": "x"}))["success"] is False
    assert await snov.ask("DELETE", "/v2/webhooks/3", {}) == {"data": {"success": True}}
    assert (await snov.ask("DELETE", "/v2/webhooks/3"))["errors"]["code"] == 404
    wrong = {**body, "event_action": "sent", "endpoint_url": "https://x.example"}
    assert (await snov.ask("POST", "/v2/webhooks", wrong))["success"] is False


async def test_the_balance_knows_who_was_written_to(snov: Snov) -> None:
    data = (await snov.ask("GET", "/v1/get-balance"))["data"]
    assert data["balance"] == "10000000.00"
    assert data["unique_recipients_used"] == 24
