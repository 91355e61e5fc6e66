"""A person is taken out of everything that the store holds, and stays out."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.jobs import readers
from gateway.jobs.holdings import OF_ROOT
from gateway.jobs.queue import NewJob, Queue
from gateway.jobs.records import Request, Result
from gateway.lookup.lookup import Caller
from gateway.store.connection import Store
from tests.gateway.api.replies import pointers, problem_of
from tests.gateway.lookup.conftest import StartScene
from tests.gateway.lookup.scene import Scene, until
from tests.gateway.money.books import audit
from tests.gateway.objections.objecting import post, sent, suppress, suppressions
from tests.gateway.objections.places import (
    ADA,
    ADDRESS,
    DOMAIN,
    PLACES,
    PROFILE,
    Spread,
    files_with,
    left_in,
    store_folder,
)

PATH = "/v1/admin/erasures"
# Sent on at once, copied in a moment.
BRIEF = ("outbox", "outbox:copy")
# In no way that bytes would show.
SEALED = ("notices:*",)

RECEIVER = {"url": f"https://receiver.example/{ADDRESS}", "events": ["job.completed"]}


@pytest.fixture
async def scene(start_scene: StartScene) -> Scene:
    return await start_scene(public_url="https://gateway.example")


@pytest.fixture
def spread(scene: Scene, store: Store) -> Spread:
    return Spread(scene.gateway.client, scene.simulator.control, store)


async def totals(scene: Scene) -> Any:
    query = {"group_by": "provider,operation"}
    reply = await scene.gateway.client.get("/v1/admin/ledger/summary", params=query)
    return reply.json()["data"]


async def test_a_person_in_every_place_is_in_none_any_more(
    scene: Scene, spread: Spread, store: Store
) -> None:
    await spread.everywhere()
    before, spent = await left_in(store), await totals(scene)
    assert len({key for keys in before.values() for key in keys}) >= 12
    found = await spread.erase(email=ADDRESS.upper())
    assert (found["status"], found["left"]) == ("completed", {})
    # Whoever polls for a ticket may have kept it without her already.
    assert set(found["removed"]) - {"outbox"} | {"tickets"} == PLACES
    assert found["files"] == {
        "append_only_file": "rewritten",
        "snapshot": "off",
        "slow_log": "emptied",
    }
    assert await left_in(store) == {}
    await until(lambda: _gone(store))
    assert await totals(scene) == spent
    await audit(store)


async def _gone(store: Store) -> bool:
    """Old parts of the append-only file are deleted behind the rewriting."""
    return not files_with(await store_folder(store))


async def test_who_was_erased_is_asked_of_nobody_by_any_of_the_names_that_were_known(
    scene: Scene, spread: Spread
) -> None:
    await spread.lookups()
    found = await spread.erase(email=ADDRESS, reason="a letter")
    asked = sent(scene)
    for operation, body in (
        ("emails.verify", {"email": f"Ada.Lovelace+new@{DOMAIN}"}),
        ("emails.find", ADA),
        ("people.enrich", {"linkedin_url": PROFILE}),
    ):
        problem_of(
            await post(scene, operation, {**body, "routing": {"max_age": 0}}), 451, "suppressed"
        )
    assert sent(scene) == asked
    [row] = await suppressions(scene, email=ADDRESS)
    assert (row["id"], row["source"]) == (found["suppression_id"], "erasure")
    assert row["reason"] == found["reason"] == "a letter"
    await scene.gateway.client.delete(f"/v1/admin/suppressions/{row['id']}")
    assert (await post(scene, "emails.find", ADA)).status_code == 200


@pytest.mark.parametrize(
    "person",
    [{"linkedin_url": f"{PROFILE}?x=1"}, {"full_name": "LOVELACE, Ada", "domain": DOMAIN}],
)
async def test_a_person_is_erased_by_any_identifier(
    spread: Spread, store: Store, person: dict[str, str]
) -> None:
    await spread.lookups()
    await spread.lists()
    found = await spread.erase(person=person)
    assert found["status"] == "completed"
    assert await left_in(store) == {}


async def test_addresses_to_call_are_looked_into(
    scene: Scene, spread: Spread, store: Store
) -> None:
    """Of a job and of what is on its way: whoever makes one up may have put a person into it."""
    body = {"operation": "emails.verify", "items": [{"email": "someone@else.example"}]}
    job = await spread.ended(await scene.gateway.client.post("/v1/jobs", json=body))
    url = f"http://127.0.0.1:9/{ADDRESS}"
    fields = ("event", "job.completed", "team", "default", "data", '{"id":"x"}', "url", url)
    await store.call("HSET", f"{{pgw}}:live:job:{job['id']}", "url", url, "item_url", url)
    await store.call("XADD", "{pgw}:live:outbox", "*", *fields)
    await until(lambda: spread.has(":delivery:"))
    found = await spread.erase(email=ADDRESS)
    assert (found["status"], found["left"]) == ("completed", {})
    assert await left_in(store) == {}


async def test_a_receiver_named_after_the_person_is_told_nothing_any_more(
    scene: Scene, spread: Spread, store: Store
) -> None:
    path = "/v1/webhook-endpoints"
    made = await scene.gateway.client.post(path, json=RECEIVER)
    assert made.status_code == 201, made.text
    found = await spread.erase(email=ADDRESS)
    assert (found["status"], found["left"]) == ("completed", {})
    assert await left_in(store) == {}
    shown = await scene.gateway.client.get(f"{path}/{made.json()['data']['id']}")
    data = shown.json()["data"]
    assert (data["enabled"], data["url"]) == (False, "https://erased.invalid/")


async def test_others_stay(scene: Scene, spread: Spread, store: Store) -> None:
    await spread.jobs()
    other = scene.person(hunter="valid")
    await scene.find(other, providers=["hunter"])
    await spread.erase(email=ADDRESS)
    assert await left_in(store, [other.email])
    assert (await scene.find(other)).headers["x-gateway-cache"] == "hit"
    jobs = (await scene.gateway.client.get("/v1/jobs")).json()["data"]
    many = next(job["id"] for job in jobs if job["counts"]["total"] == 5)
    rows = (await scene.gateway.client.get(f"/v1/jobs/{many}/results")).json()["data"]
    assert [row["input"] for row in rows[:4]] == [None] * 4
    assert [row["error"]["code"] for row in rows[:4]] == ["suppressed"] * 4
    assert rows[4]["input"] == {"full_name": "Alan Allen", "domain": DOMAIN}


async def test_a_list_in_a_job_loses_the_row_alone(scene: Scene, spread: Spread) -> None:
    await spread.lists()
    [job] = (await scene.gateway.client.get("/v1/jobs")).json()["data"]
    path = f"/v1/jobs/{job['id']}/results"
    before = (await scene.gateway.client.get(path)).json()["data"][0]
    await spread.erase(email=ADDRESS)
    after = (await scene.gateway.client.get(path)).json()["data"][0]
    assert after["input"] == before["input"]
    kept = [row["email"] for row in before["data"]["emails"] if row["email"] != ADDRESS]
    assert [row["email"] for row in after["data"]["emails"]] == kept


@pytest.mark.parametrize(
    "pattern", [one.pattern for one in OF_ROOT if one.place and one.pattern not in BRIEF + SEALED]
)
async def test_a_place_that_is_not_read_is_noticed(
    spread: Spread, store: Store, pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each reader is needed: without it something is left."""

    async def read(*_: Any) -> None:
        return None

    patched = {**readers.READERS, pattern: read}
    monkeypatch.setattr(readers, "READERS", patched)
    await spread.everywhere()
    if pattern == "erasure:*":
        await spread.erase(email="x@else.example", reason=f"not {ADDRESS}")
    if pattern == "endpoint:*":
        await spread.post("/v1/webhook-endpoints", RECEIVER)
    await spread.erase(email=ADDRESS)
    assert await left_in(store)


async def test_messages_of_a_provider_are_erased_if_they_name_the_person(
    scene: Scene, spread: Spread, store: Store
) -> None:
    await spread.called_back()
    hook = "/v1/admin/credentials/env-snov/hook"
    url = (await scene.gateway.client.post(hook)).json()["data"]["url"]
    other = {"what": "else", "email": "someone@else.example"}
    await scene.gateway.client.post(urlsplit(url).path, json=other)
    notices = f"{hook}/notices"
    told = (await scene.gateway.client.get(notices)).json()["data"]
    assert [ADDRESS in row["body"] for row in told] == [False, True]
    await suppress(scene, email=ADDRESS)
    assert ADDRESS not in (await scene.gateway.client.get(notices)).text
    found = await spread.erase(email=ADDRESS)
    assert found["removed"] == {"notices": 1}
    left = (await scene.gateway.client.get(notices)).json()["data"]
    assert ["someone@else.example" in row["body"] for row in left] == [True]


async def test_nor_are_they_shown_if_they_name_someone_of_a_domain_that_objected(
    scene: Scene, spread: Spread
) -> None:
    await spread.called_back()
    await suppress(scene, domain=DOMAIN)
    told = await scene.gateway.client.get("/v1/admin/credentials/env-snov/hook/notices")
    assert told.json()["data"]
    assert ADDRESS not in told.text


async def test_an_apostrophe_in_an_address_hides_it_nowhere(spread: Spread, store: Store) -> None:
    pat, only = f"pat.o'neil@{DOMAIN}", {"providers": ["hunter"]}
    await spread.post("/v1/emails/verify", {"email": pat, "routing": only}, key="pat")
    assert await left_in(store, ["o'neil"])
    found = await spread.erase(email=pat.title())
    assert set(found["removed"]) == {"cache", "idempotency"}
    assert await left_in(store, ["neil"]) == {}


async def test_a_long_command_is_quoted_nowhere(spread: Spread, store: Store) -> None:
    """Valkey keeps the beginnings of commands of a megabyte and more."""
    key = "{pgw}:live:job:job_0:in"
    await store.call("HSET", key, 0, ADDRESS, 1, "x" * 2**20)
    await store.call("DEL", key)
    quoted = ("COMMANDLOG", "GET", -1, "large-request")
    assert ADDRESS in str(await store.call(*quoted))
    found = await spread.erase(email=ADDRESS)
    assert found["files"]["slow_log"] == "emptied"
    assert ADDRESS not in str(await store.call(*quoted))


async def test_a_person_in_an_address_to_call_is_erased(spread: Spread, store: Store) -> None:
    """Of a job, and of what is on its way there."""
    url = f"http://127.0.0.1:9/?for={ADDRESS}"
    caller = Caller(team="default", key="", scopes=frozenset({"jobs"}))
    work = Request(
        operation="emails.find", caller=caller, routing=None, request_id="r", currency="USD"
    )
    ended = {0: Result(outcome="failed", cost=0, body=b"{}")}
    job = NewJob(id="job_1", request=work, queries=[b"{}"], results=ended, url=url, item_url=url)
    await Queue(store, "{pgw}:live:", keep_days=1).open(job)
    await until(lambda: spread.has(":delivery:"))
    found = await spread.erase(email=ADDRESS)
    assert (found["status"], found["removed"]) == ("completed", {"jobs": 2, "deliveries": 1})
    assert await left_in(store) == {}


@pytest.mark.parametrize(
    "body, pointer",
    [
        ({}, ""),
        ({"reason": "r"}, ""),
        ({"full_name": "Ada Lovelace"}, "/domain"),
        ({"domain": DOMAIN}, "/full_name"),
        ({"email": "nobody"}, "/email"),
        ({"email": ADDRESS, "who": "x"}, "/who"),
    ],
)
async def test_what_names_nobody_is_not_erased(
    scene: Scene, body: dict[str, Any], pointer: str
) -> None:
    assert pointers(await scene.gateway.client.post(PATH, json=body)) == [pointer]
    assert (await scene.gateway.client.get(PATH)).json()["data"] == []


async def test_erasures_are_listed_and_the_trail_tells_of_them_without_the_person(
    scene: Scene, spread: Spread
) -> None:
    made = [await spread.erase(email=f"x{number}@else.example") for number in range(3)]
    page = (await scene.gateway.client.get(PATH, params={"limit": 2})).json()
    assert page["data"] == [made[2], made[1]]
    cursor = {"limit": 2, "cursor": page["meta"]["next_cursor"]}
    rest = (await scene.gateway.client.get(PATH, params=cursor)).json()
    assert (rest["data"], rest["meta"]["next_cursor"]) == ([made[0]], None)
    problem_of(await scene.gateway.client.get(f"{PATH}/era_0"), 404, "not_found")
    trail = await scene.gateway.client.get("/v1/admin/audit", params={"object_id": made[0]["id"]})
    told = [(row["actor"], row["action"], row["fields"]) for row in trail.json()["data"]]
    assert told == [
        ("gateway", "erasure.ended", []),
        ("bootstrap", "erasure.requested", ["email"]),
    ]
    assert "else.example" not in trail.text
