"""A request repeated with its Idempotency-Key is carried out once, and answered again."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from gateway.jobs.marks import MarkStore
from gateway.settings.model import RetentionSettings
from gateway.store.connection import Store, StoreDown
from tests.gateway.api.replies import pointers, problem_of
from tests.gateway.lookup.scene import HUNTER_FIND, SIXTYFOUR_START, Scene, body_of, until

PATH = "/v1/emails/find"
KEY = "order 66/a"
HOUR = 3600 * 1000


async def ask(
    scene: Scene, body: dict[str, Any], key: str = KEY, **headers: str
) -> httpx.Response:
    return await scene.gateway.post(PATH, body, idempotency_key=key, **headers)


def question(scene: Scene, *, max_age: int = 0, **claims: Any) -> dict[str, Any]:
    """About a new person, for whom only Hunter is asked, and nothing is served from the cache."""
    routing = {"providers": ["hunter"], "max_age": max_age}
    return {**body_of(scene.person(**claims)), "routing": routing}


def is_replay(reply: httpx.Response) -> bool:
    return "idempotency-replayed" in reply.headers


async def marks(store: Store) -> list[str]:
    return sorted([key.decode() async for key in store.scan("{pgw}:live:mark:*")])


async def test_an_answer_is_given_again_word_by_word(scene: Scene) -> None:
    body = question(scene, hunter="valid")
    first = await ask(scene, body)
    again = await ask(scene, body)
    assert (first.status_code, is_replay(first)) == (200, False)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert again.content == first.content
    for name in ("x-gateway-provider", "x-gateway-cost", "x-gateway-cache", "content-type"):
        assert again.headers[name] == first.headers[name]
    assert {"server-timing", "ratelimit", "x-request-id"} <= set(again.headers)
    assert scene.requests(HUNTER_FIND) == scene.charges() == 1


async def test_nothing_found_is_an_answer_too(scene: Scene) -> None:
    body = question(scene)
    first, again = await ask(scene, body), await ask(scene, body)
    assert (first.json()["meta"]["outcome"], is_replay(again)) == ("empty", True)
    assert again.content == first.content


async def test_without_the_key_it_is_asked_again(scene: Scene) -> None:
    body = question(scene, hunter="valid")
    await ask(scene, body)
    plain = await scene.gateway.post(PATH, body)
    other = await ask(scene, body, "another key")
    assert not is_replay(plain)
    assert not is_replay(other)
    assert scene.requests(HUNTER_FIND) == 3


async def test_the_same_question_spelled_otherwise_is_the_same_request(scene: Scene) -> None:
    body = question(scene, hunter="valid")
    first = await ask(scene, body)
    turned = dict(reversed(body.items()))
    turned["routing"] = dict(reversed(body["routing"].items()))
    loud = {**body, "full_name": body["full_name"].upper(), "domain": f"WWW.{body['domain']}"}
    patient = await ask(scene, body, prefer="wait=3")
    for again in (await ask(scene, turned), await ask(scene, loud), patient):
        assert is_replay(again)
        assert again.content == first.content


@pytest.mark.parametrize(
    "change",
    [
        {"full_name": "Somebody Else"},
        {"tag": "spring"},
        {"routing": {"providers": ["hunter"], "max_age": 1}},
        {"routing": None},
        {"kind": "personal"},
    ],
)
async def test_another_body_is_a_mismatch(scene: Scene, change: dict[str, Any]) -> None:
    body = question(scene, hunter="valid")
    first = await ask(scene, body)
    problem_of(await ask(scene, {**body, **change}), 422, "idempotency_mismatch")
    assert (await ask(scene, body)).content == first.content
    assert scene.charges() == 1


async def test_a_key_belongs_to_its_team_and_path(scene: Scene) -> None:
    body = question(scene, hunter="valid")
    await ask(scene, body)
    address = {"email": "somebody@nowhere.example"}
    verified = await scene.gateway.post("/v1/emails/verify", address, idempotency_key=KEY)
    assert (verified.status_code, is_replay(verified)) == (200, False)
    async with scene.gateway.caller(await scene.gateway.key(await scene.gateway.team())) as other:
        foreign = await other.post(PATH, json=body, headers={"idempotency-key": KEY})
    assert (foreign.status_code, is_replay(foreign)) == (200, False)
    colleague = await scene.gateway.key("default")
    async with scene.gateway.caller(colleague) as same:
        own = await same.post(PATH, json=body, headers={"idempotency-key": KEY})
    assert is_replay(own)


async def test_a_request_under_way_is_in_flight(scene: Scene) -> None:
    scene.slow_down("hunter", call=0.5)
    body = question(scene, hunter="valid")
    first = asyncio.create_task(ask(scene, body))
    await until(lambda: _seen(scene))
    refused = await ask(scene, body)
    problem_of(refused, 409, "idempotency_in_flight")
    assert refused.headers["retry-after"] == "1"
    problem_of(await ask(scene, {**body, "tag": "x"}), 422, "idempotency_mismatch")
    listed = await scene.gateway.client.get("/v1/jobs")
    assert listed.json()["data"] == []
    assert (await ask(scene, body, "other")).status_code == 200
    assert (await first).status_code == 200
    assert is_replay(await ask(scene, body))


async def _seen(scene: Scene) -> bool:
    return scene.requests(HUNTER_FIND) > 0


async def test_many_at_once_buy_once(scene: Scene) -> None:
    scene.slow_down("hunter", call=0.2)
    body = question(scene, hunter="valid")
    replies = await asyncio.gather(*(ask(scene, body) for _ in range(30)))
    assert sorted(reply.status_code for reply in replies) == [200] + [409] * 29
    assert scene.requests(HUNTER_FIND) == scene.charges() == 1


async def test_a_promise_is_answered_with_its_job_as_it_is_now(scene: Scene) -> None:
    scene.slow_down("sixtyfour", task=0.6)
    body = {**body_of(scene.person(sixtyfour="valid")), "routing": {"providers": ["sixtyfour"]}}
    promised = await ask(scene, body, prefer="respond-async")
    early = await ask(scene, body)
    job = await scene.job(promised)
    late = await ask(scene, body, prefer="wait=60")
    for again, status in ((early, "running"), (late, "completed")):
        assert (again.status_code, is_replay(again)) == (202, True)
        assert again.headers["location"] == promised.headers["location"]
        assert (again.json()["data"]["id"], again.json()["data"]["status"]) == (job["id"], status)
    assert late.json()["data"]["result"] == job["result"]
    assert late.json()["meta"]["request_id"] == late.headers["x-request-id"]
    assert scene.requests(SIXTYFOUR_START) == scene.charges() == 1
    listed = await scene.gateway.client.get("/v1/jobs")
    assert [one["id"] for one in listed.json()["data"]] == [job["id"]]


async def test_what_outlives_the_wait_is_a_job_for_its_repeats(scene: Scene) -> None:
    scene.slow_down("sixtyfour", task=1.4)
    body = {**body_of(scene.person(sixtyfour="valid")), "routing": {"providers": ["sixtyfour"]}}
    promised = await ask(scene, body, prefer="wait=1")
    again = await ask(scene, body)
    assert (promised.status_code, again.status_code) == (202, 202)
    assert again.json()["data"]["id"] == promised.json()["data"]["id"]
    assert (await scene.job(again))["status"] == "completed"


async def test_an_objection_is_given_again(scene: Scene) -> None:
    scene.fault("hunter", "status", status=451)
    body = question(scene)
    first, again = await ask(scene, body), await ask(scene, body)
    problem_of(first, 451, "suppressed")
    assert (again.status_code, again.content, is_replay(again)) == (451, first.content, True)
    assert again.headers["content-type"] == "application/problem+json"


async def test_a_failure_that_holds_money_is_given_again(scene: Scene) -> None:
    scene.fault("hunter", "charge_without_reply", path=HUNTER_FIND)
    body = question(scene, hunter="valid")
    first = await ask(scene, body)
    scene.heal()
    again = await ask(scene, body)
    problem_of(first, 502, "all_providers_failed")
    assert first.json()["attempts"][0]["outcome"] == "in_doubt"
    assert (again.status_code, again.content, is_replay(again)) == (502, first.content, True)
    assert scene.requests(HUNTER_FIND) == 1


async def test_a_failure_that_cost_nothing_frees_the_key(scene: Scene, store: Store) -> None:
    scene.fault("hunter", "status", status=500)
    body = question(scene, hunter="valid")
    problem_of(await ask(scene, body), 502, "all_providers_failed")
    assert await marks(store) == []
    assert await store.call("ZCARD", "{pgw}:live:leases:interactive") == 0
    scene.heal()
    again = await ask(scene, body)
    assert (again.status_code, is_replay(again)) == (200, False)


async def test_a_refusal_by_the_budget_frees_the_key(scene: Scene, store: Store) -> None:
    body = question(scene, hunter="valid")
    body["routing"]["max_cost"] = "0"
    problem_of(await ask(scene, body), 402, "budget_exhausted")
    assert await marks(store) == []


async def test_a_query_that_does_not_fit_claims_nothing(scene: Scene, store: Store) -> None:
    assert pointers(await ask(scene, {"full_name": "Ada Lovelace"})) == [""]
    assert await marks(store) == []


async def test_an_answer_is_given_again_though_nobody_could_be_asked_any_more(
    start_scene: Any,
) -> None:
    scene = await start_scene()
    body = question(scene, hunter="valid")
    first = await ask(scene, body)
    bare = await start_scene(only=("letrics",))
    assert (await ask(bare, body)).content == first.content
    problem_of(await ask(bare, {**body, "tag": "x"}), 422, "idempotency_mismatch")
    problem_of(await ask(bare, body, "new"), 503, "no_provider_configured")


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "caf\u00e9"])
async def test_a_key_that_can_not_be_one_is_refused(scene: Scene, key: str) -> None:
    headers = [(b"idempotency-key", key.encode("latin-1"))]
    reply = await scene.gateway.client.post(PATH, json=question(scene), headers=headers)
    problem = problem_of(reply, 422, "invalid_query")
    assert problem["errors"][0]["pointer"] == ""
    assert "Idempotency-Key" in problem["detail"]
    assert scene.requests(HUNTER_FIND) == 0


async def test_two_keys_are_refused_and_the_longest_is_not(scene: Scene) -> None:
    body = question(scene, hunter="valid")
    headers = [(b"idempotency-key", b"a"), (b"idempotency-key", b"b")]
    reply = await scene.gateway.client.post(PATH, json=body, headers=headers)
    problem_of(reply, 422, "invalid_query")
    assert (await ask(scene, body, "~" * 255)).status_code == 200


async def test_a_get_has_no_use_for_a_key(scene: Scene, store: Store) -> None:
    path = "/v1/domains/blue-harbor.example/email-count"
    reply = await scene.gateway.client.get(path, headers={"idempotency-key": KEY})
    assert reply.status_code == 200
    assert await marks(store) == []


@pytest.mark.parametrize("hours", [24, 48])
async def test_what_is_kept_expires(start_scene: Any, store: Store, hours: int) -> None:
    scene = await start_scene(retention=RetentionSettings(idempotency_hours=hours))
    await ask(scene, question(scene, hunter="valid"))
    (name,) = await marks(store)
    assert hours * HOUR - 60_000 < await store.call("PTTL", name) <= hours * HOUR
    assert [key async for key in store.scan("{pgw}:live:job:*")] == []


async def test_an_answer_about_somebody_who_objected_since_is_not_given_again(
    scene: Scene, store: Store
) -> None:
    person = scene.person(hunter="valid")
    body = {**body_of(person), "routing": {"providers": ["hunter"]}}
    await ask(scene, body)
    scene.fault("hunter", "status", status=451)
    objection = await scene.gateway.post("/v1/emails/verify", {"email": person.email})
    problem_of(objection, 451, "suppressed")
    for _ in range(2):
        again = await ask(scene, body)
        problem_of(again, 451, "suppressed")
        assert is_replay(again)
    (name,) = await marks(store)
    assert await store.call("HGET", name, "body") == b""


async def test_a_list_is_made_anew_without_those_who_objected_since(
    scene: Scene, store: Store
) -> None:
    body = {"domain": "blue-harbor.example", "limit": 5}
    path = "/v1/domains/search"
    first = await scene.gateway.post(path, body, idempotency_key=KEY)
    gone = first.json()["data"]["emails"][0]["email"]
    scene.fault("hunter", "status", status=451, path="/email-verifier")
    objection = await scene.gateway.post("/v1/emails/verify", {"email": gone})
    problem_of(objection, 451, "suppressed")
    again = await scene.gateway.post(path, body, idempotency_key=KEY)
    assert (again.status_code, is_replay(again)) == (200, False)
    assert gone not in again.text
    assert again.json()["meta"]["cost"] == "0"
    once_more = await scene.gateway.post(path, body, idempotency_key=KEY)
    assert (once_more.content, is_replay(once_more)) == (again.content, True)


async def test_a_store_that_is_away_buys_nothing_and_claims_nothing(
    scene: Scene, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim's reply is lost: what it did is undone."""
    begin, end, undone = MarkStore.begin, MarkStore.end, asyncio.Event()

    async def lose(self: MarkStore, *arguments: Any) -> Any:
        await begin(self, *arguments)
        raise StoreDown("lost")

    async def undo(self: MarkStore, *arguments: Any) -> bool:
        found = await end(self, *arguments)
        undone.set()
        return found

    monkeypatch.setattr(MarkStore, "begin", lose)
    monkeypatch.setattr(MarkStore, "end", undo)
    refused = await ask(scene, question(scene, hunter="valid"))
    problem_of(refused, 503, "ledger_unavailable")
    await undone.wait()
    assert await marks(store) == []
    assert await store.call("ZCARD", "{pgw}:live:leases:interactive") == 0
    assert scene.requests(HUNTER_FIND) == 0


async def test_an_answer_is_kept_as_soon_as_the_store_is_back(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    end, failing = MarkStore.end, iter([True, True])

    async def fail(self: MarkStore, *arguments: Any) -> bool:
        if next(failing, False):
            raise StoreDown("away")
        return await end(self, *arguments)

    monkeypatch.setattr(MarkStore, "end", fail)
    body = question(scene, hunter="valid")
    first = await ask(scene, body)
    assert first.status_code == 200

    async def kept() -> bool:
        return (await ask(scene, body)).content == first.content

    await until(kept)
    assert scene.charges() == 1
