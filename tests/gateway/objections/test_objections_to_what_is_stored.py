"""Who objects later is not read any more out of what was stored, and not stored again."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from gateway.guard.objections import Objections
from gateway.jobs.marks import Mark, MarkStore, Reply
from gateway.jobs.queue import NewJob, Queue
from gateway.jobs.records import Request, Result
from gateway.lookup.lookup import Caller
from gateway.money.ledger import Ledger
from gateway.money.terms import Place
from gateway.store.connection import Store
from tests.gateway.lookup.scene import Scene, body_of, until
from tests.gateway.money.books import bid, claim, ending, reserve
from tests.gateway.money.books import kept as kept_as
from tests.gateway.objections.objecting import post, suppress

ROOT = "{pgw}:live:"
DOMAIN = "blue-harbor.example"
SEARCH: dict[str, Any] = {"domain": DOMAIN, "limit": 5, "routing": {"providers": ["hunter"]}}
CALLER = Caller(team="default", key="", scopes=frozenset({"jobs"}))
WORK = Request(
    operation="emails.find",
    caller=CALLER,
    routing=None,
    request_id="req",
    currency="USD",
)
KEPT = Result(outcome="accepted", cost=7, body=b"kept", persons=["p"], rows=["r"])
INSTEAD = Result(outcome="failed", cost=7, body=b"instead", objected=True)


async def kept(store: Store, pattern: str) -> bytes:
    """All that is stored under such keys."""
    found = b""
    async for key in store.scan(ROOT + pattern):
        found += b"".join(await store.call("HGETALL", key))
    return found


@pytest.mark.parametrize("by", ["email", "domain"])
async def test_a_job_of_one_lookup_shows_its_result_to_nobody_any_more(
    scene: Scene, by: str
) -> None:
    person = scene.person(sixtyfour="valid")
    body = {**body_of(person), "routing": {"providers": ["sixtyfour"]}}
    headers = {"prefer": "respond-async", "idempotency_key": "k"}
    first = await post(scene, "emails.find", body, **headers)
    job = await scene.job(first)
    assert job["result"]["data"]["email"] == person.email
    identifier = {"email": person.email, "domain": person.company.domain}
    await suppress(scene, **{by: identifier[by]})
    path = f"/v1/jobs/{job['id']}"
    for reply in (
        await scene.gateway.client.get(path),
        await scene.gateway.client.delete(path),
        await post(scene, "emails.find", body, **headers),
    ):
        assert reply.json()["data"]["result"]["code"] == "suppressed"
        assert person.email not in reply.text
    rows = await scene.gateway.client.get(f"{path}/results")
    assert rows.json()["data"][0]["error"]["code"] == "suppressed"
    assert rows.json()["data"][0]["data"] is None


async def test_a_row_that_ends_suppressed_does_not_keep_its_question(
    scene: Scene, store: Store
) -> None:
    one, two = scene.person(hunter="valid"), scene.person(hunter="valid")
    # Known by the address: the question has to be asked before that is seen.
    await suppress(scene, email=one.email)
    body = {
        "operation": "emails.find",
        "items": [body_of(one), body_of(two)],
        "routing": {"providers": ["hunter"]},
    }
    job = await scene.job(await scene.gateway.client.post("/v1/jobs", json=body))
    rows = (await scene.gateway.client.get(f"/v1/jobs/{job['id']}/results")).json()["data"]
    assert [row["status"] for row in rows] == ["failed", "completed"]
    assert [row["input"] for row in rows] == [None, body_of(two)]
    assert one.last_name.encode() not in await kept(store, "job:*")


async def test_a_reply_that_names_someone_suppressed_is_not_shown_beside_the_list(
    scene: Scene,
) -> None:
    path = "/v1/domains/search?include=raw"
    before = (await scene.gateway.post(path, SEARCH)).json()
    gone = before["data"]["emails"][0]["email"]
    assert gone in str(before["meta"]["raw"]["hunter"])
    await suppress(scene, email=gone)
    for age in (3600, 0):
        asked = {**SEARCH, "routing": {"providers": ["hunter"], "max_age": age}}
        reply = await scene.gateway.post(path, asked)
        assert gone not in reply.text
        assert reply.json()["meta"]["raw"] == {}
        assert reply.json()["data"]["emails"][0]["email"] == before["data"]["emails"][1]["email"]


async def test_a_list_and_its_reply_in_a_job_lose_the_row(scene: Scene) -> None:
    path = "/v1/domains/search?include=raw"
    job = await scene.job(await scene.gateway.post(path, SEARCH, prefer="respond-async"))
    gone = job["result"]["data"]["emails"][0]["email"]
    assert gone in str(job["result"]["meta"]["raw"])
    await suppress(scene, email=gone)
    reply = await scene.gateway.client.get(f"/v1/jobs/{job['id']}")
    assert gone not in reply.text
    assert len(reply.json()["data"]["result"]["data"]["emails"]) == 4
    assert "raw" not in reply.json()["data"]["result"]["meta"]


async def test_a_list_is_cached_without_whoever_objected_before(
    scene: Scene, store: Store
) -> None:
    listed = (await post(scene, "domains.search", SEARCH)).json()["data"]["emails"]
    gone = listed[0]["email"].encode()
    assert gone in await kept(store, "cache:*")
    await suppress(scene, email=listed[0]["email"])
    asked = {**SEARCH, "routing": {"providers": ["hunter"], "max_age": 0}}
    await post(scene, "domains.search", asked)
    assert gone not in await kept(store, "cache:*")
    assert listed[1]["email"].encode() in await kept(store, "cache:*")


async def opened(store: Store) -> tuple[Queue, Place]:
    """A job of one item, on loan."""
    queue = Queue(store, ROOT, keep_days=1)
    query = b'{"full_name": "Ada Lovelace", "domain": "a.example"}'
    await queue.open(NewJob(id="job_1", request=WORK, queries=[query], results={}))
    [claimed] = await queue.claim(interactive=0, bulk=1, fresh=1)
    return queue, Place(claimed.job, claimed.index, claimed.token)


@pytest.mark.parametrize("mark, body", [("p", b"instead"), ("r", b"instead"), ("x", b"kept")])
async def test_an_item_that_ends_as_someone_objects_keeps_neither_question_nor_answer(
    store: Store, mark: str, body: bytes
) -> None:
    queue, place = await opened(store)
    await Objections(store, ROOT).add("email", [mark], source="admin")
    assert await queue.finish(place, KEPT, instead=INSTEAD)
    [found] = await queue.results("job_1", [0])
    assert found is not None
    assert found.body == body
    job = await queue.load("job_1")
    assert job is not None
    assert (job.counts.accepted, job.counts.failed) == ((0, 1) if body == b"instead" else (1, 0))
    [question] = await queue.queries("job_1", [0])
    assert (question is None) == (body == b"instead")


@pytest.mark.parametrize("mark, kind", [("p", "objected"), ("r", "free"), ("x", "stored")])
async def test_a_reply_that_ends_as_someone_objects_is_not_kept(
    store: Store, mark: str, kind: str
) -> None:
    marks, one = MarkStore(store, ROOT, keep_hours=24), Mark("m", "f")
    assert (await marks.begin(one, "job_1", WORK, b"{}")).kind == "claimed"
    await Objections(store, ROOT).add("email", [mark], source="admin")
    reply = Reply(status=200, headers={}, body=b"whom", persons=["p"], rows=["r"])
    assert await marks.end(one, "job_1", reply)
    assert (b"whom" in await kept(store, "mark:*")) == (kind == "stored")
    assert (await marks.look(one)).kind == kind


async def test_a_ticket_of_someone_who_objected_is_kept_without_them_and_collected(
    scene: Scene, store: Store
) -> None:
    person = scene.person(sixtyfour="valid")
    scene.slow_down("sixtyfour", task=1.0)
    body = {**body_of(person), "routing": {"providers": ["sixtyfour"]}}
    reply = await post(scene, "emails.find", body, prefer="respond-async")

    async def tickets() -> bytes:
        found = await kept(store, "entry:*")
        return found if b"task_id" in found else b""

    assert person.last_name.encode() in await until(tickets)
    await suppress(scene, domain=person.company.domain)

    async def bare() -> bool:
        found = await tickets()
        return not found or person.last_name.encode() not in found

    await until(bare)
    job = await scene.job(reply)
    assert job["result"]["code"] == "suppressed"
    assert scene.charges() == 1
    assert person.email.encode() not in await kept(store, "cache:*")


@pytest.mark.parametrize("bare", [b"", b"without the reply"])
async def test_an_answer_that_names_someone_else_who_objected_is_kept_without_them_or_not(
    store: Store, bare: bytes
) -> None:
    ledger = Ledger(store, root=ROOT, zone=ZoneInfo("UTC"))
    await Objections(store, ROOT).add("email", ["other"], source="admin")
    keepsake = kept_as("s", "m")
    keepsake.others = ["other"]
    rid = await reserve(ledger)
    settled = await ledger.settle(ending(rid, cache=keepsake), answer=b"whole", bare=bare)
    assert settled.kind == "done"
    assert await store.call("HGET", f"{ROOT}cache:s", "body") == (bare or None)
    found = await ledger.admit(claim(bid()))
    assert (found.kind, found.blob) == (("cached", bare) if bare else ("reserved", b""))


async def test_more_marks_than_a_script_takes_at_once_are_all_heeded(store: Store) -> None:
    ledger = Ledger(store, root=ROOT, zone=ZoneInfo("UTC"))
    await Objections(store, ROOT).add("email", ["last"], source="admin")
    many = [f"m{number}" for number in range(20_000)]
    assert (await ledger.admit(claim(bid(), persons=many))).kind == "reserved"
    assert (await ledger.admit(claim(bid("t"), persons=[*many, "last"]))).kind == "suppressed"
