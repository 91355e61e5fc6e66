"""What is in doubt is cleared up by evidence, by a balance, or by a person; never by a guess."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from providers.simulator.accounts import Account
from providers.simulator.testing import RunningSimulator
from tests.gateway.api.replies import problem_of
from tests.gateway.conftest import make_settings
from tests.gateway.lookup.conftest import StartScene, audited, start_scene
from tests.gateway.lookup.scene import (
    HUNTER_FIND,
    HUNTER_VERIFY,
    SIXTYFOUR_START,
    SNOV_PUSH,
    Scene,
)
from tests.gateway.money.books import MINUTE, ROOT
from tests.gateway.money.conftest import shift

__all__ = ["audited", "start_scene"]

PUSH_ADDRESS = "/v1/add-emails-to-verification"
NO_PROOF = "no free read finds it, which proves nothing"
LEDGER, RECONCILE = "/v1/admin/ledger", "/v1/admin/reconcile"


@pytest.fixture
async def scene(start_scene: StartScene) -> Scene:
    return await start_scene()


async def entries(scene: Scene, **query: str) -> list[dict[str, Any]]:
    reply = await scene.gateway.client.get(LEDGER, params=query)
    rows: list[dict[str, Any]] = reply.json()["data"]
    return rows


async def reconcile(scene: Scene) -> dict[str, Any]:
    reply = await scene.gateway.client.post(RECONCILE)
    assert reply.status_code == 200, reply.text
    report: dict[str, Any] = reply.json()["data"]
    assert (await scene.gateway.client.get(RECONCILE)).json()["data"] == report
    return report


def outcomes(report: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {line["operation"]: (line["action"], line["evidence"]) for line in report["lines"]}


async def posted(scene: Scene) -> Decimal:
    rows = await entries(scene, state="posted")
    return sum((Decimal(row["cost"]) for row in rows), Decimal(0))


async def verify_in_doubt(scene: Scene, kind: Any, path: str) -> None:
    scene.fault("snov", kind, path=path)
    body = {"email": scene.person(snov="valid").email, "routing": {"providers": ["snov"]}}
    reply = await scene.gateway.post("/v1/emails/verify", body)
    assert reply.status_code == 502, reply.text
    scene.heal()


async def test_a_free_read_tells_that_an_address_was_queued(scene: Scene) -> None:
    await verify_in_doubt(scene, "charge_without_reply", PUSH_ADDRESS)
    report = await reconcile(scene)
    assert outcomes(report) == {"emails.verify": ("posted", "a free read")}
    assert await posted(scene) == scene.billed() == Decimal("0.03")
    assert (report["posted"], report["voided"], report["kept"]) == (1, 0, 0)


async def test_an_address_that_is_not_verified_may_wait_in_the_queue_for_an_hour(
    start_scene: StartScene,
) -> None:
    scene = await start_scene(test_clock=True)
    await verify_in_doubt(scene, "close", PUSH_ADDRESS)
    await shift(scene.store, 50 * MINUTE)
    report = await reconcile(scene)
    assert outcomes(report) == {"emails.verify": ("kept", NO_PROOF)}
    await shift(scene.store, 61 * MINUTE)
    report = await reconcile(scene)
    assert outcomes(report) == {"emails.verify": ("voided", "a free read")}
    assert (report["posted"], report["voided"], report["kept"]) == (0, 1, 0)
    assert await posted(scene) == scene.billed() == 0


@pytest.mark.parametrize("kind", ["charge_without_reply", "close"])
async def test_where_nothing_is_read_nothing_is_proved(
    start_scene: StartScene, store_url: str, simulator: RunningSimulator, kind: str
) -> None:
    """The newer verifier starts tasks, and one whose hash was lost can't be found again."""
    providers = dict(make_settings(store_url, simulator).providers)
    newer = msgspec.structs.replace(providers["snov"], options={"finder": "v2"})
    scene = await start_scene(providers={**providers, "snov": newer}, test_clock=True)
    await verify_in_doubt(scene, kind, "/v2/email-verification/start")
    await shift(scene.store, 48 * 60 * MINUTE)
    report = await reconcile(scene)
    assert outcomes(report) == {"emails.verify": ("kept", NO_PROOF)}
    assert (report["posted"], report["voided"], report["kept"]) == (0, 0, 1)


async def test_a_name_that_was_queued_is_posted_and_its_answer_kept(scene: Scene) -> None:
    scene.fault("snov", "charge_without_reply", path=SNOV_PUSH)
    person = scene.person(snov="valid")
    assert (await scene.find(person, providers=["snov"])).status_code == 502
    scene.heal()
    assert outcomes(await reconcile(scene)) == {"emails.find": ("posted", "a free read")}
    again = await scene.find(person, providers=["snov"])
    assert again.json()["data"]["email"] == person.email
    assert await posted(scene) == scene.billed() == Decimal("0.03")


async def test_a_name_that_is_not_found_proves_nothing(scene: Scene) -> None:
    scene.fault("snov", "close", path=SNOV_PUSH)
    await scene.find(scene.person(snov="valid"), providers=["snov"])
    scene.heal()
    report = await reconcile(scene)
    assert outcomes(report) == {"emails.find": ("kept", NO_PROOF)}
    assert (report["kept"], await posted(scene)) == (1, Decimal(0))


def open_account(scene: Scene) -> None:
    account = Account(provider="hunter", name="own")
    account.allowance.update({"searches": 1000, "verifications": 1000})
    scene.simulator.app.stage.accounts.put("own-key", account)


async def exclusive_hunter(start_scene: StartScene, *, exclusive: bool) -> Scene:
    """A gateway whose only account is Hunter's, and whose baseline is taken."""
    scene = await start_scene(only=())
    open_account(scene)
    body = {"provider": "hunter", "name": "own", "secret": {"api_key": "own-key"}}
    reply = await scene.gateway.post("/v1/admin/credentials", {**body, "exclusive": exclusive})
    assert reply.status_code == 201, reply.text
    await reconcile(scene)
    return scene


async def doubt(scene: Scene, *kinds: Any) -> None:
    for kind in kinds:
        scene.fault("hunter", kind, path=HUNTER_FIND, times=1)
        reply = await scene.find(scene.person(hunter="valid"))
        assert reply.status_code == 502, reply.text
        scene.heal()


async def test_the_balance_of_an_exclusive_account_resolves_the_group(
    start_scene: StartScene,
) -> None:
    scene = await exclusive_hunter(start_scene, exclusive=True)
    await scene.find(scene.person(hunter="valid"))
    await doubt(scene, "charge_without_reply", "close", "charge_without_reply")
    report = await reconcile(scene)
    assert (report["posted"], report["voided"], report["kept"]) == (2, 1, 0)
    assert {line["evidence"] for line in report["lines"]} == {"the account's own count"}
    # Which of them were charged nobody can tell: the oldest.
    states = [(row["state"], row["resolved_by"]) for row in (await entries(scene))[:3]]
    assert states == [("voided", "reconciliation"), *[("posted", "reconciliation")] * 2]
    assert await posted(scene) == scene.billed() == 3 * Decimal("0.049")
    assert (await reconcile(scene))["differences"] == []


async def test_another_accounts_balance_only_makes_a_line(start_scene: StartScene) -> None:
    scene = await exclusive_hunter(start_scene, exclusive=False)
    await doubt(scene, "charge_without_reply", "close")
    report = await reconcile(scene)
    [line] = report["differences"]
    assert (line["unit"], line["charged"], line["posted"], line["in_doubt"]) == ("search", 1, 0, 2)
    assert "exclusive" in line["note"]
    assert (report["posted"], report["voided"], report["kept"]) == (0, 0, 2)


async def test_a_charge_that_the_ledger_does_not_know_is_listed(start_scene: StartScene) -> None:
    scene = await exclusive_hunter(start_scene, exclusive=True)
    stage = scene.simulator.app.stage
    stage.bill.charge(
        *("hunter", "own", "email-finder", "elsewhere"), meter="searches", units=2, request_id="x"
    )
    [line] = (await reconcile(scene))["differences"]
    assert (line["charged"], line["posted"], line["note"]) == (
        *(2, 0),
        "the provider and the ledger counted differently",
    )
    assert (await reconcile(scene))["differences"] == []


async def test_a_busy_account_is_not_judged(
    start_scene: StartScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await exclusive_hunter(start_scene, exclusive=True)
    monkeypatch.setattr("gateway.jobs.accounts.PAUSE", 0.01)
    await doubt(scene, "charge_without_reply")
    monkeypatch.setattr("gateway.jobs.accounts.TRIES", 3)
    scene.slow_down("hunter", call=1)
    accepted = await scene.find(scene.person(hunter="valid"), prefer="respond-async")
    assert accepted.status_code == 202
    await scene.simulator.app.traffic.busy.wait()
    report = await reconcile(scene)
    assert list(report["unchecked"].values()) == [
        "calls of the account are under way all the time"
    ]
    assert report["kept"] == 1


async def resolve(scene: Scene, name: str, **body: Any) -> Any:
    return await scene.gateway.post(f"{LEDGER}/{name}/resolve", body)


@pytest.mark.parametrize(
    "body, state, units, cost",
    [
        ({"state": "posted"}, "posted", 5, "0.05"),
        ({"state": "posted", "units": 3}, "posted", 3, "0.03"),
        ({"state": "posted", "units": 7.5}, "posted", 7.5, "0.075"),
        ({"state": "voided"}, "voided", 0, "0"),
    ],
)
async def test_a_person_ends_a_doubt(
    scene: Scene, body: dict[str, Any], state: str, units: float, cost: str
) -> None:
    scene.fault("sixtyfour", "close", path=SIXTYFOUR_START)
    person = scene.person(sixtyfour="valid")
    await scene.find(person, providers=["sixtyfour"])
    scene.heal()
    [entry] = await entries(scene, state="in_doubt")
    reply = await resolve(scene, entry["id"], note="on the invoice", **body)
    data = reply.json()["data"]
    assert (data["state"], data["units"], data["cost"]) == (state, units, cost)
    assert (data["note"], data["resolved_by"], data["overrun"]) == (
        *("on the invoice", "bootstrap"),
        cost == "0.075",
    )
    problem_of(await resolve(scene, entry["id"], note="again", **body), 409, "conflict")
    trail = (await scene.gateway.client.get("/v1/admin/audit")).json()["data"]
    assert (trail[0]["action"], trail[0]["object_id"]) == ("ledger.resolved", entry["id"])
    assert set(trail[0]["fields"]) == {"note", *body}
    # The question may be asked again.
    assert (await scene.find(person, providers=["sixtyfour"])).status_code == 200


@pytest.mark.parametrize(
    "body, pointer",
    [
        ({"state": "voided", "units": 1, "note": "n"}, "/units"),
        ({"state": "posted", "units": 1.2345, "note": "n"}, "/units"),
        ({"state": "posted", "units": -1, "note": "n"}, "/units"),
        ({"state": "reserved", "note": "n"}, "/state"),
        ({"state": "posted", "note": ""}, "/note"),
    ],
)
async def test_what_a_person_says_is_checked(
    scene: Scene, body: dict[str, Any], pointer: str
) -> None:
    scene.fault("sixtyfour", "close", path=SIXTYFOUR_START)
    await scene.find(scene.person(), providers=["sixtyfour"])
    [entry] = await entries(scene, state="in_doubt")
    problem = problem_of(await resolve(scene, entry["id"], **body), 422, "invalid_query")
    assert problem["errors"][0]["pointer"] == pointer
    assert len(await entries(scene, state="in_doubt")) == 1


async def test_an_unknown_entry_is_not_found_and_an_ended_one_a_conflict(scene: Scene) -> None:
    problem_of(await resolve(scene, "res_none", state="voided", note="n"), 404, "not_found")
    await scene.find(scene.person(hunter="valid"), providers=["hunter"])
    [entry] = await entries(scene)
    problem_of(await resolve(scene, entry["id"], state="voided", note="n"), 409, "conflict")


async def test_entries_without_a_price_are_listed(scene: Scene) -> None:
    reply = await scene.gateway.post(
        "/v1/companies/search",
        {"industries": ["software"], "routing": {"providers": ["letrics"]}},
    )
    assert reply.status_code == 200, reply.text
    [entry] = await entries(scene, state="posted")
    assert entry["unpriced"]
    assert (await reconcile(scene))["unpriced"] == [entry["id"]]


async def test_a_verifier_without_a_free_read_stays_in_doubt(scene: Scene) -> None:
    scene.fault("hunter", "charge_without_reply", path=HUNTER_VERIFY)
    body = {"email": "ada@blue-harbor.example", "routing": {"providers": ["hunter"]}}
    await scene.gateway.post("/v1/emails/verify", body)
    scene.heal()
    report = await reconcile(scene)
    assert outcomes(report) == {"emails.verify": ("kept", "no free read tells")}


async def test_whom_an_old_doubt_asks_about_is_forgotten(
    start_scene: StartScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await start_scene(test_clock=True)
    monkeypatch.setattr("gateway.lookup.tickets.LIFE", 0.05)
    scene.slow_down("sixtyfour", task=3600)
    person = scene.person(sixtyfour="valid")
    await scene.find(person, providers=["sixtyfour"])
    [entry] = await entries(scene, state="in_doubt")

    async def is_named() -> bool:
        ticket = await scene.store.call("HGET", f"{ROOT}entry:{entry['id']}", "ticket")
        assert ticket
        return person.last_name.encode() in ticket

    for days, named in ((0, True), (34, True), (36, False)):
        await shift(scene.store, days * 24 * 60 * MINUTE)
        assert (await reconcile(scene))["kept"] == 1
        assert await is_named() == named
