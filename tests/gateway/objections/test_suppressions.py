"""Objections: added, listed, tested, taken back; and what they stop."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gateway.store.connection import Store
from providers.simulator.testing import RunningSimulator
from tests.gateway.api.replies import pointers, problem_of
from tests.gateway.conftest import make_settings
from tests.gateway.lookup.scene import HUNTER_FIND, Scene
from tests.gateway.objections.objecting import PATH, lift, post, sent, suppress, suppressions

DOMAIN = "blue-harbor.example"
ADA = {"full_name": "Ada Lovelace", "domain": DOMAIN}
ADDRESS = f"ada.lovelace@{DOMAIN}"
PROFILE = "https://www.linkedin.com/in/ada-lovelace-sim0"


async def test_a_suppression_is_added_shown_tested_and_taken_back(scene: Scene) -> None:
    reply = await scene.gateway.client.post(PATH, json={"email": ADDRESS, "reason": "letter 4"})
    assert reply.status_code == 201
    made = reply.json()["data"]
    assert made == {
        "id": made["id"],
        "kind": "email",
        "reason": "letter 4",
        "source": "admin",
        "created_at": made["created_at"],
    }
    assert made["created_at"].endswith("Z")
    assert await suppressions(scene) == [made]
    assert await suppressions(scene, email="Ada.Lovelace+news@BLUE-HARBOR.example") == [made]
    assert await suppressions(scene, email=f"other@{DOMAIN}") == []
    shown = await scene.gateway.client.get(f"{PATH}/{made['id']}")
    assert shown.json()["data"] == made
    assert await lift(scene, made["id"]) == 204
    assert await lift(scene, made["id"]) == 404
    assert await suppressions(scene) == await suppressions(scene, email=ADDRESS) == []
    problem_of(await scene.gateway.client.get(f"{PATH}/{made['id']}"), 404, "not_found")


async def test_saying_it_twice_is_one_record_with_the_newer_reason(scene: Scene) -> None:
    first = await suppress(scene, email=ADDRESS, reason="a call")
    again = await scene.gateway.client.post(PATH, json={"email": f"A{ADDRESS[1:]}"})
    assert (again.status_code, again.json()["data"]) == (200, first)
    other = await suppress(scene, email=ADDRESS, reason="a letter")
    assert other == {**first, "reason": "a letter"}
    assert len(await suppressions(scene)) == 1


async def test_the_list_comes_in_pages_newest_first(scene: Scene) -> None:
    made = [await suppress(scene, domain=f"d{number}.example") for number in range(5)]
    names: list[str] = []
    params: dict[str, Any] = {"limit": 2}
    for number in range(3):
        body = (await scene.gateway.client.get(PATH, params=params)).json()
        names += [row["domain"] for row in body["data"]]
        assert body["meta"]["total"] == 5 + number
        # What is added meanwhile is not in the way.
        await suppress(scene, domain=f"later{number}.example")
        params["cursor"] = body["meta"]["next_cursor"]
    assert params["cursor"] is None
    assert names == [row["domain"] for row in reversed(made)]


@pytest.mark.parametrize(
    "body, pointer",
    [
        ({}, ""),
        ({"reason": "r"}, ""),
        ({"email": "a@b.example", "domain": "b.example"}, ""),
        ({"email": "nobody"}, "/email"),
        ({"domain": "co.uk"}, "/domain"),
        ({"linkedin_url": "https://example.com/in/ada"}, "/linkedin_url"),
        ({"email": "a@b.example", "reason": "r" * 501}, "/reason"),
        ({"email": "a@b.example", "until": "2027"}, "/until"),
    ],
)
async def test_what_names_nobody_is_refused(
    scene: Scene, body: dict[str, Any], pointer: str
) -> None:
    assert pointers(await scene.gateway.client.post(PATH, json=body)) == [pointer]
    assert await suppressions(scene) == []


@pytest.mark.parametrize("params", [{"email": "nobody"}, {"email": "a@b.c", "domain": "b.c"}])
async def test_a_test_of_nobody_is_refused(scene: Scene, params: dict[str, str]) -> None:
    reply = await scene.gateway.client.get(PATH, params=params)
    problem_of(reply, 422, "invalid_query")


async def test_only_an_administrator_may(scene: Scene) -> None:
    async with scene.gateway.caller(await scene.gateway.key("default", "lookup")) as client:
        problem_of(await client.post(PATH, json={"email": ADDRESS}), 403, "forbidden")
        problem_of(await client.get(PATH), 403, "forbidden")
        problem_of(await client.delete(f"{PATH}/sup_1"), 403, "forbidden")


async def test_the_trail_tells_of_it_without_the_person(scene: Scene) -> None:
    made = await suppress(scene, email=ADDRESS, reason="a letter")
    await lift(scene, made["id"])
    trail = await scene.gateway.client.get("/v1/admin/audit")
    told = [(row["action"], row["object_id"], row["fields"]) for row in trail.json()["data"]]
    assert told == [
        ("suppression.removed", made["id"], []),
        ("suppression.added", made["id"], ["email", "reason"]),
    ]
    assert "lovelace" not in trail.text


async def test_persons_are_in_the_store_as_hashes_alone(scene: Scene, store: Store) -> None:
    await suppress(scene, email=ADDRESS)
    await suppress(scene, linkedin_url=PROFILE)
    marks = await store.call("SMEMBERS", "{pgw}:live:suppressed")
    assert len(marks) == 2
    assert all(len(mark) == 32 and int(mark, 16) for mark in marks)


EMAILS = [{"email": ADDRESS}, {"email": f"Ada.Lovelace+x@{DOMAIN.upper()}"}]
STOPPED = [
    ({"email": ADDRESS}, "emails.verify", EMAILS),
    ({"email": ADDRESS}, "people.enrich", EMAILS),
    (
        {"linkedin_url": PROFILE},
        "people.enrich",
        [{"linkedin_url": PROFILE}, {"linkedin_url": "de.LinkedIn.com/in/Ada-Lovelace-sim0/?x=1"}],
    ),
    ({"linkedin_url": PROFILE}, "emails.find", [{"linkedin_url": PROFILE}]),
    ({"domain": DOMAIN}, "emails.find", [ADA, {**ADA, "domain": f"www.shop.{DOMAIN}"}]),
    ({"domain": DOMAIN}, "emails.verify", [*EMAILS, {"email": f"x@mail.{DOMAIN}"}]),
    ({"domain": DOMAIN}, "people.enrich", EMAILS),
    ({"domain": DOMAIN}, "companies.enrich", [{"domain": f"https://WWW.{DOMAIN}/about"}]),
    ({"domain": DOMAIN}, "domains.search", [{"domain": DOMAIN}, {"domain": f"a.b.{DOMAIN}"}]),
    ({"domain": DOMAIN}, "emails.count", [{"domain": DOMAIN}]),
]


@pytest.mark.parametrize("identifier, operation, bodies", STOPPED)
async def test_what_is_suppressed_is_asked_of_nobody_until_it_is_taken_back(
    scene: Scene, identifier: dict[str, str], operation: str, bodies: list[dict[str, Any]]
) -> None:
    before = await post(scene, operation, bodies[0])
    assert before.status_code == 200
    made, asked = await suppress(scene, **identifier), sent(scene)
    for body in bodies:
        for routing in ({}, {"max_age": 0}):
            reply = await post(scene, operation, {**body, "routing": routing})
            assert problem_of(reply, 451, "suppressed").get("attempts") is None
    assert sent(scene) == asked
    await lift(scene, made["id"])
    after = await post(scene, operation, bodies[0])
    assert (after.status_code, after.headers["x-gateway-cache"]) == (200, "hit")
    assert after.json()["data"].keys() == before.json()["data"].keys()


async def test_a_domain_does_not_stop_its_neighbours(scene: Scene) -> None:
    await suppress(scene, domain=f"mail.{DOMAIN}")
    assert (await post(scene, "emails.find", ADA)).status_code == 200
    await suppress(scene, domain=DOMAIN)
    other = scene.person(hunter="valid")
    assert (await scene.find(other)).status_code == 200


async def test_rows_of_a_suppressed_domain_are_in_no_list(scene: Scene) -> None:
    for operation, member in (("contacts.search", "domain"), ("companies.search", "domain")):
        body = {"locations": [{"country": "DE"}], "limit": 10}
        rows = (await post(scene, operation, body)).json()["data"]
        gone = rows[0][member]
        made = await suppress(scene, domain=gone)
        later = await post(scene, operation, body)
        assert gone not in later.text
        left = [row for row in rows if row[member] != gone]
        assert [row[member] for row in later.json()["data"]] == [row[member] for row in left]
        await lift(scene, made["id"])
        assert len((await post(scene, operation, body)).json()["data"]) == len(rows)


async def test_a_mark_that_two_records_hold_is_free_when_both_are_gone(scene: Scene) -> None:
    person = scene.person(hunter="valid")
    scene.fault("hunter", "status", path="/email-verifier", status=451)
    verified = await post(scene, "emails.verify", {"email": person.email})
    problem_of(verified, 451, "suppressed")
    await scene.recover()
    [theirs] = await suppressions(scene, email=person.email)
    ours = await suppress(scene, email=person.email)
    assert {theirs["source"], ours["source"]} == {"hunter", "admin"}
    for one, status in ((ours, 451), (theirs, 200)):
        await lift(scene, one["id"])
        found = await post(scene, "emails.verify", {"email": person.email})
        assert found.status_code == status


async def test_a_person_found_out_by_an_answer_is_known_by_the_question_until_taken_back(
    scene: Scene,
) -> None:
    person = scene.person(hunter="valid")
    made = await suppress(scene, email=person.email)
    for charged in (1, 1):
        reply = await scene.find(person, providers=["hunter"], max_age=0)
        assert reply.status_code == 451
        assert scene.charges() == charged
    assert [row["id"] for row in await suppressions(scene)] == [made["id"]]
    await lift(scene, made["id"])
    assert (await scene.find(person, providers=["hunter"])).status_code == 200


async def test_a_person_whose_other_address_objected_is_found_by_none(scene: Scene) -> None:
    """The reply that has the one names the other, too."""
    early, late = scene.person(sixtyfour="valid"), scene.person(sixtyfour="valid")
    asked = {"providers": ["sixtyfour"], "extra": {"kind": "personal"}}
    await suppress(scene, email=early.email)
    for _ in range(2):
        problem_of(await scene.find(early, **asked), 451, "suppressed")
        assert scene.charges() == 1
    assert (await scene.find(late, **asked)).json()["data"]["email"] == late.personal_email
    await suppress(scene, email=late.email)
    problem_of(await scene.find(late, **asked), 451, "suppressed")


async def test_a_company_found_out_to_be_a_suppressed_domain_is_bought_once(scene: Scene) -> None:
    await suppress(scene, domain=DOMAIN)
    for _ in range(2):
        reply = await post(scene, "companies.enrich", {"company": "Blue Harbor"})
        problem_of(reply, 451, "suppressed")
        assert scene.charges() == 1
    count = await post(scene, "emails.count", {"company": "BLUE  Harbor"})
    problem_of(count, 451, "suppressed")
    person = {"full_name": "Ada Lovelace", "company": "Blue Harbor"}
    problem_of(await post(scene, "emails.find", person), 451, "suppressed")


@pytest.mark.parametrize(
    "operation, body",
    [
        ("emails.find", {"full_name": "Ada Lovelace", "company": "Blue-Harbor.example"}),
        ("emails.find", {**ADA, "domain": "else.example", "company": f"https://{DOMAIN}/"}),
        ("companies.enrich", {"company": f"www.{DOMAIN.title()}"}),
        ("domains.search", {"company": DOMAIN}),
        ("emails.count", {"company": f"mail.{DOMAIN}"}),
    ],
)
async def test_a_company_called_by_a_suppressed_domain_is_asked_about_nowhere(
    scene: Scene, operation: str, body: dict[str, str]
) -> None:
    named = {**body, "company": "Inc. & Co."}
    assert (await post(scene, operation, named)).status_code == 200
    await suppress(scene, domain=DOMAIN)
    asked = sent(scene)
    problem_of(await post(scene, operation, body), 451, "suppressed")
    assert sent(scene) == asked


async def test_the_word_of_a_provider_is_listed_as_its_own(scene: Scene) -> None:
    person = scene.person(hunter="valid")
    scene.fault("hunter", "status", path=HUNTER_FIND, status=451)
    assert (await scene.find(person)).status_code == 451
    [row] = await suppressions(scene)
    assert (row["source"], row["kind"]) == ("hunter", "person")
    assert person.last_name.lower() not in str(row).lower()
    await scene.recover()
    await lift(scene, row["id"])
    assert (await scene.find(person, providers=["hunter"])).status_code == 200


async def test_an_address_hidden_at_snov_is_suppressed_everywhere_and_billed(
    start_scene: Any, store_url: str, simulator: RunningSimulator
) -> None:
    providers = dict(make_settings(store_url, simulator).providers)
    newer = msgspec.structs.replace(providers["snov"], options={"finder": "v2"})
    scene = await start_scene(providers={**providers, "snov": newer})
    claimed = next(person for person in scene.simulator.world.people if person.claimed)
    body = {"email": claimed.email, "routing": {"providers": ["snov"]}}
    problem_of(await post(scene, "emails.verify", body), 451, "suppressed")
    [row] = await suppressions(scene, email=claimed.email)
    assert (row["source"], row["kind"]) == ("snov", "email")
    assert scene.charges("snov") == 1
    asked = sent(scene)
    reply = await post(scene, "emails.verify", {"email": claimed.email})
    problem_of(reply, 451, "suppressed")
    assert sent(scene) == asked
