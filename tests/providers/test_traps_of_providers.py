"""What adapters commonly get wrong: each trap of FACTS 7 (numbered) and each status of 3.4."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import pytest

from gateway.lookup.judge import Accept, judge
from providers import errors
from providers.base import Account, Adapter, Bounded
from providers.letrics import to_place
from providers.model import (
    CountEmails,
    DomainEmails,
    Email,
    EmailCount,
    EnrichPerson,
    FindEmail,
    Place,
    SearchContacts,
    SearchDomain,
    Ticket,
    Verification,
    VerifyEmail,
)
from providers.registry import ADAPTERS, create
from providers.signatures import is_signed
from providers.simulator.testing import running_simulator
from providers.simulator.world import World
from providers.transport import Transport

if TYPE_CHECKING:
    from tests.providers.conftest import StageMaker

ADDRESS = "ada@engine.example"
PROFILE = "https://www.linkedin.com/in/ada"
CHECK = VerifyEmail(email=ADDRESS)
PERSON = FindEmail(first_name="Ada", last_name="Lovelace", domain="engine.example")
DOMAIN = SearchDomain(domain="engine.example")
PERSONS = [CHECK, PERSON, EnrichPerson(email=ADDRESS), DOMAIN]
NO_CREDITS = "Sorry, you ran out of credits, please order more credits"


def refused(status: int, id: str = "", details: str = "", **headers: str) -> dict[str, Any]:  # noqa: A002
    fault = {"id": id, "code": status, "details": details}
    return {"status": status, "reply": {"errors": [fault]}, "headers": headers}


async def failure(stage: StageMaker, provider: str, query: Any, *exchanges: Any) -> Any:
    with pytest.raises(errors.ProviderError) as caught:
        await stage(provider, list(exchanges)).lookup(query)
    return caught.value


@pytest.mark.parametrize("body", ['{"data": {"email": "x"}}', '{"errors": [{"id": ""}]}', ""])
async def test_1_hunter_a_202_of_the_verifier_is_no_verdict(body: str, stage: StageMaker) -> None:
    staged = stage("hunter", [{"status": 202, "reply": body}])
    assert isinstance(await staged.adapter.ask(CHECK, seconds=5), Ticket)


async def test_1_hunter_a_222_of_the_verifier_is_no_verdict(stage: StageMaker) -> None:
    verdict = {"status": 222, "reply": {"data": {"status": "valid"}}}
    error = await failure(stage, "hunter", CHECK, verdict)
    assert type(error) is errors.Unavailable
    assert not error.uncertain


STATUSES: list[tuple[str, dict[str, Any], type[errors.ProviderError]]] = [
    ("400", refused(400, "wrong_params"), errors.InvalidQuery),
    ("400 paging", refused(400, "pagination_error"), errors.InvalidQuery),
    ("401", refused(401, "authentication_failed"), errors.AuthenticationFailed),
    ("401 other id", refused(401, "unauthorized"), errors.AuthenticationFailed),
    ("402", refused(402, "payment_required"), errors.OutOfCredits),
    ("403 is throttling", refused(403), errors.RateLimited),
    ("403 any id is throttling", refused(403, "too_many_requests"), errors.RateLimited),
    ("403 discover", refused(403, "no_discover_access"), errors.AuthenticationFailed),
    ("403 forbidden", refused(403, "forbidden"), errors.AuthenticationFailed),
    ("409", refused(409, "idempotency_conflict", **{"retry-after": "2"}), errors.RateLimited),
    ("422", refused(422, "validation_failed"), errors.InvalidQuery),
    (
        "429 is a used-up plan",
        refused(429, "too_many_requests", "searches per billing period included in your plan"),
        errors.OutOfCredits,
    ),
    ("429 frozen", refused(429, "restricted_account"), errors.OutOfCredits),
    ("429 throttled", refused(429, "too_many_requests", "slow down"), errors.RateLimited),
    ("451", refused(451, "claimed_email"), errors.Suppressed),
]


@pytest.mark.parametrize(
    "reply, kind", [row[1:] for row in STATUSES], ids=[r[0] for r in STATUSES]
)
async def test_2_and_3_4_hunter_a_status_is_read_with_its_id_and_details(
    reply: dict[str, Any], kind: type[errors.ProviderError], stage: StageMaker
) -> None:
    error = await failure(stage, "hunter", PERSON, reply)
    assert type(error) is kind
    if isinstance(error, errors.RateLimited):
        after = reply["headers"].get("retry-after")
        assert error.retry_after == (float(after) if after else None)


async def test_3_4_hunter_a_404_of_a_lookup_that_has_no_misses_is_no_miss(
    stage: StageMaker,
) -> None:
    error = await failure(stage, "hunter", PERSON, refused(404, "not_found"))
    assert type(error) is errors.Unsupported


@pytest.mark.parametrize("query", PERSONS, ids=lambda query: type(query).__name__)
async def test_3_a_451_is_final_for_every_lookup_and_keeps_nothing(
    query: Any, stage: StageMaker
) -> None:
    details = f"{ADDRESS} asked us to stop"
    error = await failure(stage, "hunter", query, refused(451, "claimed_email", details))
    assert type(error) is errors.Suppressed
    assert ADDRESS not in str(error)


async def test_4_hunter_a_body_travels_with_a_delete_and_its_201_is_clean(
    stage: StageMaker,
) -> None:
    body = {"emails": [ADDRESS]}
    gone = {"request": "DELETE /campaigns/1/recipients", "json": body, "status": 201, "reply": {}}
    reply = await call(stage, gone, "DELETE", "/campaigns/1/recipients", json=body)
    assert reply.status == 201


@pytest.mark.parametrize(
    "method, path, status",
    [("PUT", "/leads/1", 204), ("DELETE", "/leads/1", 204), ("DELETE", "/leads_lists/1", 202)],
)
async def test_4_and_5_hunter_an_empty_body_is_clean_where_nothing_is_to_be_said(
    method: str, path: str, status: int, stage: StageMaker
) -> None:
    """A lead is updated with PUT; there is no PATCH."""
    asked = {"request": f"{method} {path}", "status": status, "reply": ""}
    assert (await call(stage, asked, method, path)).body == b""


async def call(stage: StageMaker, exchange: Any, *asked: str, **more: Any) -> Any:
    async with Bounded(5):
        return await stage("hunter", [exchange]).adapter.send(*asked, **more)


async def test_5_hunter_a_miss_of_the_finder_is_a_200_and_of_enrichment_a_404(
    stage: StageMaker,
) -> None:
    found = await stage("hunter", [{"reply": {"data": {"email": None}}}]).lookup(PERSON)
    enriched = await stage("hunter", [refused(404, "not_found")]).lookup(
        EnrichPerson(email=ADDRESS)
    )
    assert found.data is enriched.data is None


async def test_6_snov_out_of_credits_is_a_400(stage: StageMaker) -> None:
    reply = {"status": 400, "reply": {"success": False, "message": NO_CREDITS}}
    assert type(await failure(stage, "snov", PERSON, reply)) is errors.OutOfCredits


async def test_6_snov_a_miss_is_a_200_with_success_false(stage: StageMaker) -> None:
    """The life of its token is in test_oauth_token."""
    missed = {"success": False, "status": {"identifier": "not_found"}, "data": {"emails": []}}
    exchanges = [{"reply": missed}, {"reply": {"sent": True}}, {"reply": missed}]
    assert (await stage("snov", exchanges).lookup(PERSON)).data is None


@pytest.mark.parametrize(
    "query, unknown, push",
    [
        (PERSON, {"status": {"identifier": "not_found"}}, "/v1/add-names-to-find-emails"),
        (
            CHECK,
            {ADDRESS: {"status": {"identifier": "not_verified"}, "data": []}},
            "/v1/add-emails-to-verification",
        ),
        (
            FindEmail(linkedin_url=PROFILE),
            {"success": True, "message": "We couldn't find profile with this url"},
            "/v1/add-url-for-search",
        ),
    ],
)
async def test_7_snov_reading_starts_nothing_and_comes_before_paying(
    query: Any, unknown: dict[str, Any], push: str, stage: StageMaker
) -> None:
    staged = stage("snov", [{"reply": unknown}, {"reply": {"sent": True, "success": True}}])
    assert await staged.adapter.peek(query, seconds=5) is None
    assert isinstance(await staged.adapter.ask(query, seconds=5), Ticket)
    assert staged.player.requests[-1].url.path.endswith(push)


async def test_7_snov_greylisted_means_minutes(stage: StageMaker) -> None:
    data = {"smtpStatus": "greylisted"}
    entry = {ADDRESS: {"status": {"identifier": "complete"}, "data": data}}
    ticket = await stage("snov", [{"reply": entry}]).adapter.peek(CHECK, seconds=5)
    assert isinstance(ticket, Ticket)
    assert ticket.slow


@pytest.mark.parametrize("word", ["in progress", "in_progress", "In Progress", "queued"])
async def test_7_snov_whatever_is_not_final_is_pending(word: str, stage: StageMaker) -> None:
    started = {"reply": {"data": {"task_hash": "h"}}}
    staged = stage("snov", [started, {"reply": {"status": word, "data": []}}], finder="v2")
    ticket = await staged.adapter.ask(PERSON, seconds=5)
    assert isinstance(ticket, Ticket)
    assert await staged.adapter.collect(PERSON, ticket, seconds=5) == ticket


async def test_7_snov_the_task_hash_stands_and_travels_where_its_family_has_it(
    stage: StageMaker,
) -> None:
    newer = [
        {"reply": {"data": {"task_hash": "a/b"}, "meta": {"task_hash": "wrong"}}},
        {"request": "GET /v2/email-verification/result", "params": {"task_hash": "a/b"},
         "reply": {"status": "completed", "data": []}},
    ]  # fmt: skip
    await stage("snov", newer, finder="v2").lookup(CHECK)
    listed = {"status": "completed", "data": [{"email": ADDRESS}], "links": []}
    older = [{"reply": {"data": [], "meta": {"task_hash": "a/b"}}}, {"reply": listed}]
    staged = stage("snov", older)
    await staged.lookup(DOMAIN)
    raw = staged.player.requests[-1].url.raw_path
    assert raw.endswith(b"/v2/domain-search/domain-emails/result/a%2Fb")


@pytest.mark.parametrize("links", [[], {"next": ""}, None])
async def test_7_snov_links_may_be_an_array(links: Any, stage: StageMaker) -> None:
    listed = {"status": "completed", "data": [{"email": ADDRESS}], "links": links}
    exchanges = [{"reply": {"data": [], "meta": {"task_hash": "h"}}}, {"reply": listed}]
    assert (await stage("snov", exchanges).lookup(DOMAIN)).rows == 1


async def test_7_snov_a_balance_is_text(stage: StageMaker) -> None:
    async with Bounded(5):
        staged = stage("snov", [{"reply": {"data": {"balance": "25000.00"}}}])
        assert await staged.adapter.balance() == {"credits": 25000.0}


async def test_8_snov_no_addresses_at_a_webmail_domain_is_weak(stage: StageMaker) -> None:
    query = CountEmails(domain="gmail.com")
    reply = {"success": True, "domain": "gmail.com", "webmail": True, "result": 0}
    answer = await stage("snov", [{"reply": reply}]).lookup(query)
    assert isinstance(answer.data, EmailCount)
    assert judge(query, answer.data, Accept()) == "weak"


@pytest.mark.parametrize("key", [ADDRESS, ADDRESS.upper()])
async def test_9_snov_a_verdict_is_keyed_by_its_address(key: str, stage: StageMaker) -> None:
    def entry(word: str) -> dict[str, Any]:
        return {"status": {"identifier": "complete"}, "data": {"smtpStatus": word}}

    reply = {"success": True, "other@engine.example": entry("not_valid"), key: entry("valid")}
    answer = await stage("snov", [{"reply": reply}]).lookup(CHECK)
    assert isinstance(answer.data, Verification)
    assert answer.data.status == "valid"
    listed = {"success": True, "data": [{"email": ADDRESS, **entry("valid")}]}
    assert type(await failure(stage, "snov", CHECK, {"reply": listed})) is errors.MalformedResponse


STARTED = {"reply": {"task_id": "t1", "status": "RUNNING"}}


@pytest.mark.parametrize("word", ["RUNNING", "running", "Pending", "queued", "processing"])
async def test_10_sixtyfour_a_status_has_any_case(word: str, stage: StageMaker) -> None:
    staged = stage("sixtyfour", [STARTED, {"reply": {"status": word}}])
    ticket = await staged.adapter.ask(PERSON, seconds=5)
    assert isinstance(ticket, Ticket)
    assert await staged.adapter.collect(PERSON, ticket, seconds=5) == ticket


@pytest.mark.parametrize("word", ["cancelled", "CANCELLED", "failed", "terminated", "timed_out"])
async def test_10_sixtyfour_cancelled_is_an_end(word: str, stage: StageMaker) -> None:
    ended = {"reply": {"status": word, "charge_amount": 0}}
    error = await failure(stage, "sixtyfour", PERSON, STARTED, ended)
    assert type(error) is errors.TaskFailed


@pytest.mark.parametrize("entry", [[ADDRESS, "OK"], [ADDRESS, "OK", "COMPANY"]])
async def test_10_sixtyfour_an_address_is_a_pair_or_a_triple_and_costs_cents(
    entry: list[str], stage: StageMaker
) -> None:
    done = {"status": "completed", "charge_amount": 5, "result": {"email": [entry]}}
    staged = stage("sixtyfour", [STARTED, {"reply": done}])
    answer = await staged.lookup(PERSON)
    assert isinstance(answer.data, Email)
    assert answer.data.status == "valid"
    offer = ADAPTERS["sixtyfour"].offers["emails.find"]
    assert (offer.unit, offer.charged_units(PERSON, answer)) == ("cent", 5000)
    assert json.loads(staged.player.requests[0].content)["mode"] == "PROFESSIONAL"


SECRET = "sk_whsec_of-the-organisation"


def signature(at: int, body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, "sha256").hexdigest()


@pytest.mark.parametrize(
    "header, fits",
    [
        (f"t=100,v1={signature(100, b'{ }')}", True),
        (f"t=100,v1={'0' * 64},v1={signature(100, b'{ }')}", True),
        (f"t=100, v1={signature(100, b'{ }')}", True),
        (f"t=100,v1={signature(100, b'{}')}", False),
        (f"t=100,v1={signature(101, b'{ }')}", False),
        (f"t=100,v1={signature(100, b'{ }', SECRET.removeprefix('sk_whsec_'))}", False),
        (f"t=100,v0={signature(100, b'{ }')}", False),
        (f"t=-201,v1={signature(-201, b'{ }')}", False),
        (f"v1={signature(100, b'{ }')}", False),
        ("t=100,v1=ü", False),
        ("", False),
    ],
)
def test_10_sixtyfour_signs_the_bytes_as_they_come_under_the_whole_secret(
    header: str, fits: bool
) -> None:
    assert is_signed(header, b"{ }", SECRET, now=110.0) is fits
    assert not is_signed(header, b"{ }", SECRET, now=401.0)


def test_11_letrics_an_absent_middle_part_of_a_place_stays_empty() -> None:
    assert to_place(Place(city="London", country="GB")) == "city:London||||United Kingdom"


@pytest.mark.parametrize("name", ["has_personal_emails", "has_personal_email"])
async def test_11_letrics_the_renamed_flag_can_be_set(name: str, stage: StageMaker) -> None:
    staged = stage("letrics", [{"reply": {"data": []}}], filter__has_personal_email=name)
    await staged.lookup(
        SearchContacts(has_personal_email=True, added_after="2026-01-01T00:00:00Z")
    )
    sent = json.loads(staged.player.requests[0].content)
    assert sent[name] is True
    assert sent["added_after"], "of the company's making, also for contacts"


async def test_12_hunter_the_same_facts_have_two_names(stage: StageMaker) -> None:
    """`value`, `confidence`, `linkedin` listed; `email`, `score`, `linkedin_url` found."""
    found = {"email": ADDRESS, "score": 97, "linkedin_url": PROFILE}
    entry = {"value": ADDRESS, "confidence": 97, "linkedin": PROFILE}
    listed = {"data": {"emails": [entry]}, "meta": {"results": 1}}
    one = await stage("hunter", [{"reply": {"data": found}}]).lookup(PERSON)
    several = await stage("hunter", [{"reply": listed}]).lookup(DOMAIN)
    assert isinstance(several.data, DomainEmails)
    for email in (one.data, several.data.emails[0]):
        assert isinstance(email, Email)
        assert (email.email, email.confidence, email.linkedin_url) == (ADDRESS, 97, PROFILE)


@pytest.fixture
async def account() -> AsyncIterator[Callable[[str], Adapter]]:
    """An account at a simulated provider, for what no operation of ours asks yet."""
    secrets = {
        "hunter": {"api_key": "sim-hunter-key"},
        "snov": {"client_id": "sim-snov-client", "client_secret": "sim-snov-secret"},
    }
    transport = Transport()
    async with running_simulator(World(people=20)) as simulator:
        yield lambda name: create(
            name, Account(getattr(simulator.endpoints, name), secrets[name]), transport
        )
    await transport.aclose()


async def told(adapter: Adapter, *asked: str, **more: Any) -> Any:
    async with Bounded(5):
        reply = await adapter.send(*asked, **more)
    return json.loads(reply.body) if reply.body else None


async def test_12_hunter_attributes_are_sent_nested_and_come_back_flat(
    account: Callable[[str], Adapter],
) -> None:
    hunter = account("hunter")
    await told(hunter, "POST", "/leads_custom_attributes", json={"label": "Shoe size"})
    lead = {"email": ADDRESS, "custom_attributes": {"shoe_size": "38"}}
    made = (await told(hunter, "POST", "/leads", json=lead))["data"]
    assert made["shoe_size"] == "38"
    assert "custom_attributes" not in made


async def test_5_hunter_a_lead_is_updated_with_put_and_not_with_patch(
    account: Callable[[str], Adapter],
) -> None:
    hunter = account("hunter")
    made = (await told(hunter, "POST", "/leads", json={"email": ADDRESS}))["data"]
    path = f"/leads/{made['id']}"
    assert await told(hunter, "PUT", path, json={"first_name": "Ada"}) is None
    with pytest.raises(errors.Unsupported):
        await told(hunter, "PATCH", path, json={"first_name": "Eve"})
    assert (await told(hunter, "GET", path))["data"]["first_name"] == "Ada"


async def test_7_snov_a_webhook_has_two_names_for_its_address_and_two_datas(
    account: Callable[[str], Adapter],
) -> None:
    snov, address = account("snov"), "https://receiver.example/hook"
    asked = {"event_object": "campaign_email", "event_action": "sent", "endpoint_url": address}
    made = await told(snov, "POST", "/v2/webhooks", json=asked)
    listed = await told(snov, "GET", "/v2/webhooks")
    assert made["data"]["end_point"] == address
    assert address in [item["data"]["end_point"] for item in listed["data"]]


def test_every_trap_has_a_test() -> None:
    numbers = {int(number) for name in globals() for number in re.findall(r"(?<=_)\d+(?=_)", name)}
    assert set(range(1, 13)) <= numbers
