"""Traps of the two providers' account objects, each by name."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from providers.accounts.drafts import LeadDraft, LeadFilters
from providers.accounts.refusals import (
    LONGEST,
    Lacking,
    Missing,
    Refused,
    to_complaints,
    told,
)
from providers.hunter import leads
from providers.model import Place
from providers.registry import ACCOUNTS
from providers.snov import prospects
from providers.snov.accounts_wire import Job, MemberEmail, ProspectRow, WebhookRow
from providers.snov.campaigns import to_webhook
from providers.values.moments import to_midnight, to_moment, to_share
from tests.providers.accounts.stage import Played, accounts_at, perform, shown

LEAD = {"id": 1, "email": "ada@example.com"}


NOTHINGS: list[Any] = [None, "", "soon", {}, [], True, 10**30, "0000-00-00"]
MOMENTS: list[tuple[Any, str | None]] = [
    ("2021-01-01 12:00:00 UTC", "2021-01-01T12:00:00Z"),
    ("2026-01-10T14:32:11.000Z", "2026-01-10T14:32:11Z"),
    ("2026-01-15T02:00:00+02:00", "2026-01-15T00:00:00Z"),
    ("2024-11-01", "2024-11-01T00:00:00Z"),
    (1639469976, "2021-12-14T08:19:36Z"),
    ("1639469976", "2021-12-14T08:19:36Z"),
    ({"date": "2020-07-06 06:58:10.000000", "timezone": "UTC"}, "2020-07-06T06:58:10Z"),
    ({"date": "2020-07-06 06:58:10.0", "timezone": "Europe/Kyiv"}, "2020-07-06T03:58:10Z"),
    ({"date": "2020-07-06 06:58:10.0", "timezone": "+02:00"}, "2020-07-06T04:58:10Z"),
    ({"date": "2020-07-06 06:58:10.0"}, "2020-07-06T06:58:10Z"),
    ({"date": "2020-07-06 06:58:10.0", "timezone": "Mars/Base"}, None),
    *[(value, None) for value in NOTHINGS],
]


@pytest.mark.parametrize("value, moment", MOMENTS)
def test_moments_are_utc_however_they_are_written(value: Any, moment: str | None) -> None:
    assert to_moment(value) == moment


SHARES: list[tuple[Any, float | None]] = [
    ("77%", 0.77), ("0%", 0.0), (" 12.5 % ", 0.125), ("100%", 1.0), ("77", None), (77, None),
]  # fmt: skip


@pytest.mark.parametrize("value, share", SHARES)
def test_percent_strings_are_shares_of_one(value: Any, share: float | None) -> None:
    assert to_share(value) == share


def test_days_to_come_are_midnights() -> None:
    assert to_midnight(date(2026, 2, 27), 29) == "2026-03-28T00:00:00Z"
    assert to_midnight(date(2026, 2, 27), 2**70) is None


def test_a_providers_words_are_shown_without_persons_and_links() -> None:
    text = told("Prospect  'ada@example.com' at https://x.example/?k=1 \n not found")
    assert text == "Prospect '(address)' at (link) not found"
    assert len(told("x" * 5000)) == LONGEST


@pytest.mark.parametrize(
    "provider, words, pointer",
    [
        ("hunter", "You are missing the email parameter", "/email"),
        ("hunter", "Target url is invalid.", "/url"),
        ("hunter", "Label has already been taken.", "/label"),
        ("hunter", "company_industry is too long", "/industry"),
        ("hunter", "The leads_list_ids are unknown", "/list_ids"),
        ("hunter", "Something else", ""),
        ("snov", "The listId field is required", "/list_id"),
        ("snov", "The endpoint_url field must be a valid URL", "/url"),
        ("snov", "The firstName is too long", "/first_name"),
    ],
)
def test_a_refusal_points_to_our_member(provider: str, words: str, pointer: str) -> None:
    [complaint] = to_complaints([words], ACCOUNTS[provider].pointers)
    assert complaint.pointer == pointer


async def test_hunter_shows_custom_attributes_flat_and_takes_them_nested() -> None:
    reply = {"data": {**LEAD, "customer_id": "cus-1", "tier": 3, "tags": [1], "region": None}}
    found = await perform("hunter", "leads.get", ["1"], Played(reply))
    assert found.data.custom_fields == {"customer_id": "cus-1", "tier": "3"}
    sent = leads.from_draft(LeadDraft(custom_fields={"customer_id": "cus-1", "region": None}))
    assert sent == {"custom_attributes": {"customer_id": "cus-1", "region": ""}}


async def test_hunters_leads_list_is_there_even_when_the_lead_is_in_none() -> None:
    nothing = {"id": None, "name": None, "leads_count": None}
    found = await perform(
        "hunter", "leads.get", ["1"], Played({"data": {**LEAD, "leads_list": nothing}})
    )
    assert found.data.lists == []
    within = await perform(
        "hunter", "leads.get", ["1"], Played({"data": {**LEAD, "leads_list_id": 7}})
    )
    assert [one.id for one in within.data.lists] == ["7"]


async def test_hunter_calls_the_filter_industry_and_the_member_company_industry() -> None:
    assert leads.from_filters(LeadFilters(industry="Law"))["industry"] == "Law"
    assert leads.from_draft(LeadDraft(industry="Law")) == {"company_industry": "Law"}


async def test_hunter_counts_filtered_leads_apart_from_all() -> None:
    reply = {"data": {"leads": [LEAD]}, "meta": {"count": 3, "total": 40}}
    found = await perform("hunter", "leads.list", [{}, {"limit": 1}], Played(reply))
    assert (found.total, found.next) == (3, "1")


@pytest.mark.parametrize("status", [200, 202, 204])
async def test_hunter_says_done_with_an_empty_body(status: int) -> None:
    """A list with many leads is deleted a little later, and says so with a 202."""
    found = await perform("hunter", "lists.delete", ["1"], Played("", status))
    assert found.data is None


@pytest.mark.parametrize("status, created", [(201, True), (200, False)])
async def test_hunters_upsert_says_by_its_status_what_it_did(status: int, created: bool) -> None:
    stage = Played({"data": LEAD}, status)
    found = await perform("hunter", "leads.upsert", [{"email": "ada@example.com"}], stage)
    assert found.created is created


@pytest.mark.parametrize(
    "flags, status",
    [
        ({"started": False}, "draft"),
        ({"started": True}, "active"),
        ({"started": True, "paused": True}, "paused"),
        ({"started": True, "paused": True, "archived": True}, "archived"),
    ],
)
async def test_hunters_campaigns_have_flags_in_lists(flags: Any, status: str) -> None:
    reply = {"data": {"campaigns": [{"id": 1, "name": "n", **flags}]}, "meta": {}}
    found = await perform("hunter", "campaigns.list", [{}, {}], Played(reply))
    assert found.rows[0].status == status


async def test_a_claimed_recipient_is_one_who_objected() -> None:
    skipped = [{"email": "a@b.example", "reason": "claimed"}]
    reply = {"data": {"recipients_added": 0, "skipped_recipients": skipped}}
    stage = Played(reply, 201)
    found = await perform("hunter", "recipients.add", ["1", {"emails": ["a@b.example"]}], stage)
    assert (found.data.added, found.data.skipped[0].reason) == (0, "suppressed")


async def test_errors_of_hunter_may_be_an_object() -> None:
    fault = {"id": "wrong_params", "code": 400, "details": "The name is too long"}
    with pytest.raises(Refused) as refused:
        await perform("hunter", "lists.create", [{"name": "n"}], Played({"errors": fault}, 400))
    assert refused.value.complaints == [("The name is too long", "/name", ())]


@pytest.mark.parametrize(
    "draft, pointer",
    [
        ({"industry": "Law"}, "/industry"),
        ({"notes": "n"}, "/notes"),
        ({"first_name": None}, "/first_name"),
        ({"custom_fields": {"x": None}}, "/custom_fields/x"),
    ],
)
def test_what_snov_has_no_member_for_is_refused(draft: Any, pointer: str) -> None:
    with pytest.raises(Lacking) as lacking:
        prospects.from_draft(LeadDraft(email="a@b.example", list_ids=["1"], **draft), update=True)
    assert lacking.value.pointer == pointer


@pytest.mark.parametrize("ids", [[], ["1", "2"]])
def test_snov_keeps_a_lead_in_one_list(ids: list[Any]) -> None:
    with pytest.raises(Refused) as refused:
        prospects.from_draft(LeadDraft(email="a@b.example", list_ids=ids), update=False)
    assert refused.value.complaints[0].pointer == "/list_ids"


@pytest.mark.parametrize(
    "filters, pointer",
    [
        (LeadFilters(), "/list_id"),
        (LeadFilters(list_id="1", email="a@b.example"), "/email"),
        (LeadFilters(list_id="1", company="x"), "/company"),
        (LeadFilters(list_id="1", status=["valid"]), "/status"),
    ],
)
def test_snov_lists_the_leads_of_a_list_or_an_address(filters: LeadFilters, pointer: str) -> None:
    with pytest.raises(Lacking) as lacking:
        prospects.check_filters(filters)
    assert lacking.value.pointer == pointer


@pytest.mark.parametrize(
    "place, pointer",
    [(Place(country="Atlantis"), "/location/country"), (Place(city="Paris"), "/location/city")],
)
def test_places_are_checked_before_they_travel(place: Place, pointer: str) -> None:
    with pytest.raises((Refused, Lacking)) as refused:
        leads.from_draft(LeadDraft(location=place))
    error: Any = refused.value
    assert pointer in (
        getattr(error, "pointer", ""),
        *(c.pointer for c in getattr(error, "complaints", [])),
    )


def test_phones_are_e164_with_the_country_as_a_hint() -> None:
    home = LeadDraft(phone="030 123456", location=Place(country="Germany"))
    assert leads.from_draft(home) == {"country_code": "DE", "phone_number": "+4930123456"}
    with pytest.raises(Refused) as refused:
        leads.from_draft(LeadDraft(phone="5"))
    assert refused.value.complaints[0].pointer == "/phone"


def test_hunter_keeps_the_parts_of_a_name() -> None:
    whole = LeadDraft(full_name="Ludwig van Beethoven")
    assert leads.from_draft(whole) == {"first_name": "Ludwig", "last_name": "van Beethoven"}
    assert leads.from_draft(LeadDraft(full_name=None)) == {"first_name": "", "last_name": ""}
    with pytest.raises(Refused):
        leads.from_draft(LeadDraft(full_name="Ana Garc\u00eda L\u00f3pez"))


def test_snov_spells_its_lists_of_jobs_two_ways() -> None:
    jobs = [Job(companyName="Acme", position="CEO", site="https://acme.example/")]
    for row in (ProspectRow("x", currentJob=jobs), ProspectRow("x", currentJobs=jobs)):
        lead = prospects.to_lead(row)
        assert (lead.company, lead.job_title, lead.domain) == ("Acme", "CEO", "acme.example")


@pytest.mark.parametrize(
    "value, status", [(3, "unknown"), (None, "unknown"), ("not_valid", "invalid")]
)
def test_snovs_numbers_of_an_address_say_nothing(value: Any, status: str) -> None:
    assert prospects.to_address_status(MemberEmail("a@b.example", value).smtpStatus) == status


async def test_snovs_webhooks_go_in_as_endpoint_url_and_come_out_as_end_point() -> None:
    row = WebhookRow(id=1, end_point="https://x.example", event_object="campaign_reply",
                     event_action="first_received", status="active")  # fmt: skip
    assert (to_webhook(row).url, to_webhook(row).event) == (
        "https://x.example",
        "email.first_replied",
    )


@pytest.mark.parametrize(
    "reply",
    [
        {"success": False, "errors": "List not found"},
        {"success": False, "errors": ["List not found"]},
        {"success": False, "message": "List not found"},
        {"success": False, "result": "List not found"},
    ],
)
async def test_a_miss_of_snov_is_a_200_that_says_so(reply: Any) -> None:
    given = [{"list_id": "7"}, {"limit": 5}]
    with pytest.raises(Missing) as missing:
        await perform("snov", "leads.list", given, Played(reply))
    assert missing.value.complaint.pointer == "/list_id"


async def test_snovs_events_are_asked_for_by_offset_but_for_those_that_finished() -> None:
    rows = [{"prospectId": str(at), "userEmail": f"p{at}@x.example"} for at in range(5)]
    stage = Played(rows)
    given = [{"campaign": "1", "type": "finished"}, {"limit": 2, "after": "2"}]
    found = await perform("snov", "campaigns.events", given, stage)
    assert [row.lead_id for row in found.rows] == ["2", "3"]
    assert found.next == "4"
    assert "offset" not in stage.requests[0].url.params
    sent = Played([{"sentDate": None, "userEmail": "p@x.example"}])
    given = [{"campaign": "1", "type": "sent"}, {"limit": 2, "after": "2"}]
    found = await perform("snov", "campaigns.events", given, sent)
    assert (len(found.rows), found.next) == (1, None)
    assert sent.requests[0].url.params["offset"] == "2"


def test_accounts_share_the_sign_in_of_their_adapter() -> None:
    accounts = accounts_at("snov", Played({}))
    again = type(accounts).beside(accounts)
    assert again.auth is accounts.auth
    assert again.account is accounts.account


async def test_an_upsert_at_snov_creates_what_was_not_updated() -> None:
    for added, updated, created in (
        (True, False, True),
        (True, True, False),
        (False, False, False),
    ):
        reply = {"success": True, "id": "x", "added": added, "updated": updated}
        given = [{"email": "a@b.example", "list_ids": ["1"]}]
        found = await perform("snov", "leads.upsert", given, Played(reply))
        assert found.created is created
        assert shown(found)["data"]["lists"] == [{"id": "1"}]
