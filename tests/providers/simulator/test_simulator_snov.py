"""Snov's dialect: tokens, queues that must be pushed, tasks by hash, and its many shapes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from providers.simulator.testing import RunningSimulator

SECRET = {
    "grant_type": "client_credentials",
    "client_id": "sim-snov-client",
    "client_secret": "sim-snov-secret",
}
ADA = {"firstName": "ada", "lastName": "lovelace", "domain": "blue-harbor.example"}
MAIL = "ada.lovelace@blue-harbor.example"


class Snov:
    """A client that has signed in."""

    def __init__(self, base: str, client: httpx.AsyncClient, token: str) -> None:
        self.base = base
        self.client = client
        self.token = token
        self.headers = {"Authorization": f"Bearer {token}"}

    async def post(self, path: str, body: Any) -> Any:
        answer = await self.client.post(self.base + path, json=body, headers=self.headers)
        return answer.json()

    async def get(self, path: str, **params: str) -> Any:
        url = self.base + path
        return (await self.client.get(url, params=params, headers=self.headers)).json()


@pytest.fixture
async def snov(simulator: RunningSimulator, client: httpx.AsyncClient) -> Snov:
    base = simulator.endpoints.snov
    answer = await client.post(base + "/v1/oauth/access_token", json=SECRET)
    return Snov(base, client, answer.json()["access_token"])


@pytest.mark.parametrize("encoding", ["json", "data"])
async def test_a_token_is_had_by_form_and_by_json(
    simulator: RunningSimulator, client: httpx.AsyncClient, encoding: str
) -> None:
    url = simulator.endpoints.snov + "/v1/oauth/access_token"
    body = (await client.post(url, **{encoding: SECRET})).json()  # type: ignore[arg-type]
    assert set(body) == {"access_token", "token_type", "expires_in"}
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    assert (await simulator.control.get("/tokens"))["requests"] == 1


async def test_wrong_secrets_get_no_token(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    url = simulator.endpoints.snov + "/v1/oauth/access_token"
    answer = await client.post(url, data={**SECRET, "client_secret": "wrong"})
    assert answer.status_code == 401
    answer = await client.post(url, data={**SECRET, "grant_type": "password"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "placement",
    [
        "header:authorization",
        "bare header",
        "query:access_token",
        "form:access_token",
        "json:access_token",
        "body on get",
    ],
)
async def test_the_token_is_taken_in_every_place(
    simulator: RunningSimulator, snov: Snov, placement: str
) -> None:
    method, path = "POST", "/v1/get-domain-emails-count"
    domain, token = {"domain": "blue-harbor.example"}, {"access_token": snov.token}
    options: dict[str, Any] = {
        "header:authorization": {"data": domain, "headers": snov.headers},
        "bare header": {"data": domain, "headers": {"Authorization": snov.token}},
        "query:access_token": {"data": domain, "params": token},
        "form:access_token": {"data": domain | token},
        "json:access_token": {"json": domain | token},
        "body on get": {"data": token},
    }[placement]
    if placement == "body on get":
        method, path = "GET", "/v1/get-balance"
    answer = await snov.client.request(method, snov.base + path, **options)
    assert answer.status_code == 200
    seen = (await simulator.control.get("/requests"))["requests"][-1]["placement"]
    known = {"bare header": "header:authorization", "body on get": "form:access_token"}
    assert seen == known.get(placement, placement)


async def test_an_expired_or_foreign_token_is_401(simulator: RunningSimulator, snov: Snov) -> None:
    await simulator.control.post("/expire-tokens")
    for headers in (snov.headers, {}, {"Authorization": "Bearer nonsense"}):
        answer = await snov.client.get(snov.base + "/v1/get-balance", headers=headers)
        assert answer.status_code == 401
        assert answer.json()["errors"]["code"] == 401


async def test_tokens_live_as_long_as_set(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    await simulator.control.put("/tokens", {"expires_in": 0})
    base = simulator.endpoints.snov
    body = (await client.post(base + "/v1/oauth/access_token", data=SECRET)).json()
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    assert (await client.get(base + "/v1/get-balance", headers=headers)).status_code == 401


async def test_reading_a_name_starts_nothing_and_pushing_it_does(
    simulator: RunningSimulator, snov: Snov
) -> None:
    for _ in range(3):
        body = await snov.post("/v1/get-emails-from-names", ADA)
        assert (body["success"], body["status"]["identifier"]) == (False, "not_found")
        assert body["data"]["emails"] == []
    pushed = await snov.post("/v1/add-names-to-find-emails", ADA)
    assert pushed == {"success": True, **ADA, "userId": 1, "sent": True}
    running = await snov.post("/v1/get-emails-from-names", ADA)
    assert running["status"]["identifier"] == "in_progress"
    done = await snov.post("/v1/get-emails-from-names", ADA)
    assert done["status"] == {
        "identifier": "complete",
        "description": "Emails search is completed",
    }
    assert done["data"]["emails"] == [{"email": MAIL, "emailStatus": "valid"}]
    assert done["params"] == ADA
    assert [row.what for row in simulator.bill.rows] == ["ada lovelace@blue-harbor.example"]


async def test_a_pushed_name_that_nobody_has_ends_not_found(
    simulator: RunningSimulator, snov: Snov
) -> None:
    nobody = {**ADA, "firstName": "Nobody"}
    await snov.post("/v1/add-names-to-find-emails", nobody)
    identifiers = [
        (await snov.post("/v1/get-emails-from-names", nobody))["status"]["identifier"]
        for _ in range(2)
    ]
    assert identifiers == ["in_progress", "not_found"]
    assert simulator.bill.totals()["snov"].units == 1


async def test_some_names_are_there_without_a_push(
    simulator: RunningSimulator, snov: Snov
) -> None:
    world = simulator.world
    person = next(
        p for p in world.people if (k := world.known("snov", p)) and k.prompt and not p.claimed
    )
    names = {
        "firstName": person.first_name,
        "lastName": person.last_name,
        "domain": person.company.domain,
    }
    body = await snov.post("/v1/get-emails-from-names", names)
    assert body["status"]["identifier"] == "complete"
    assert not simulator.bill.rows


@pytest.mark.parametrize("encoding", ["raw query", "query", "form", "json"])
async def test_addresses_are_read_pushed_and_read_again(
    simulator: RunningSimulator, snov: Snov, encoding: str
) -> None:
    addresses = [MAIL, "nobody@blue-harbor.example"]

    async def ask(path: str) -> Any:
        url = f"{snov.base}/v1/{path}"
        options: dict[str, Any] = {"headers": snov.headers}
        if encoding == "raw query":
            url += "?emails[]=" + "&emails[]=".join(addresses)
        elif encoding == "query":
            options["params"] = {f"emails[{i}]": a for i, a in enumerate(addresses)}
        elif encoding == "form":
            options["data"] = {"emails[]": addresses}
        else:
            options["json"] = {"emails": addresses}
        return (await snov.client.post(url, **options)).json()

    fresh = await ask("get-emails-verification-status")
    assert fresh["success"] is True
    assert [fresh[a]["status"]["identifier"] for a in addresses] == ["not_verified"] * 2
    assert fresh[MAIL]["data"] == []
    assert (await ask("add-emails-to-verification"))[MAIL] == {"sent": True}
    running = await ask("get-emails-verification-status")
    assert running[MAIL]["status"]["identifier"] == "in_progress"
    done = await ask("get-emails-verification-status")
    assert [done[a]["data"]["smtpStatus"] for a in addresses] == ["valid", "not_valid"]
    assert [row.what for row in simulator.bill.rows] == addresses


async def test_greylisted_addresses_are_charged_when_they_are_done(
    simulator: RunningSimulator, snov: Snov
) -> None:
    company = next(
        c for c in simulator.world.companies if c.smtp == "greylists" and not c.catch_all
    )
    address = f"somebody.else@{company.domain}"
    await snov.post("/v1/add-emails-to-verification", {"emails": [address]})
    path, body = "/v1/get-emails-verification-status", {"emails": [address]}
    assert (await snov.post(path, body))[address]["status"]["identifier"] == "in_progress"
    assert (await snov.post(path, body))[address]["data"]["smtpStatus"] == "greylisted"
    assert not simulator.app.stage.bill.rows
    assert (await snov.post(path, body))[address]["data"]["smtpStatus"] == "not_valid"
    assert [row.what for row in simulator.bill.rows] == [address]


@pytest.mark.parametrize(
    "path, body",
    [
        ("/v1/get-emails-from-names", {"firstName": "Ada"}),
        ("/v1/add-names-to-find-emails", {**ADA, "domain": "not a domain"}),
        ("/v1/get-emails-verification-status", {}),
        ("/v1/add-emails-to-verification", {"emails": ["nonsense"]}),
        ("/v1/add-emails-to-verification", {"emails": [MAIL] * 11}),
        ("/v2/domain-search/start", {}),
        ("/v2/emails-by-domain-by-name/start", {"rows": [{"first_name": "Ada"}]}),
        ("/v2/email-verification/start", {"emails": []}),
    ],
)
async def test_wrong_queries_are_refused_and_free(
    simulator: RunningSimulator, snov: Snov, path: str, body: Any
) -> None:
    answer = await snov.client.post(snov.base + path, json=body, headers=snov.headers)
    assert answer.status_code == 400
    assert answer.json()["success"] is False
    assert isinstance(answer.json()["errors"], list)
    assert not simulator.bill.rows


async def test_a_domain_search_has_its_hash_in_meta_and_takes_it_in_the_path(
    simulator: RunningSimulator, snov: Snov
) -> None:
    done: Any = None
    for _ in range(2):
        started = await snov.post("/v2/domain-search/start", {"domain": "blue-harbor.example"})
        assert started["data"] == []
        url = started["links"]["result"]
        assert url.endswith(started["meta"]["task_hash"])
        path = url.removeprefix(snov.base)
        assert (await snov.get(path))["status"] == "in progress"
        done = await snov.get(path)
    assert done["status"] == "completed"
    assert done["data"]["company_name"] == "Blue Harbor"
    assert done["data"]["founded"].isdigit()
    assert set(done["meta"]) >= {"prospects_count", "emails_count", "generic_contacts_count"}
    assert [row.what for row in simulator.bill.rows] == ["blue-harbor.example"]


async def test_a_domain_search_without_result_is_free(
    simulator: RunningSimulator, snov: Snov
) -> None:
    started = await snov.post("/v2/domain-search/start", {"domain": "unheard-of.example"})
    path = "/v2/domain-search/result/" + started["meta"]["task_hash"]
    await snov.get(path)
    assert (await snov.get(path))["data"] == []
    assert not simulator.bill.rows


async def test_version_two_finds_by_name_with_the_hash_in_data(
    simulator: RunningSimulator, snov: Snov
) -> None:
    rows = [
        {"first_name": "Ada", "last_name": "Lovelace", "domain": "blue-harbor.example"},
        {"first_name": "No", "last_name": "Body", "domain": "blue-harbor.example"},
    ]
    started = await snov.post("/v2/emails-by-domain-by-name/start", {"rows": rows})
    path, hash_ = "/v2/emails-by-domain-by-name/result", started["data"]["task_hash"]
    assert (await snov.get(path, task_hash=hash_))["status"] == "in_progress"
    done = await snov.get(path, task_hash=hash_)
    assert [item["people"] for item in done["data"]] == ["Ada Lovelace", "No Body"]
    assert done["data"][0]["result"][0]["email"] == MAIL
    assert done["data"][0]["result"][0]["smtp_status"] == "valid"
    assert done["data"][1]["result"] == []
    assert simulator.bill.totals()["snov"].units == 2


async def test_version_two_verifies(simulator: RunningSimulator, snov: Snov) -> None:
    claimed = next(p for p in simulator.world.people if p.claimed)
    emails = [MAIL, "nobody@blue-harbor.example", claimed.email]
    started = await snov.post("/v2/email-verification/start", {"emails": emails})
    path, hash_ = "/v2/email-verification/result", started["data"]["task_hash"]
    await snov.get(path, task_hash=hash_)
    results = [i["result"] for i in (await snov.get(path, task_hash=hash_))["data"]]
    assert [r["smtp_status"] for r in results] == ["valid", "not_valid", "unknown"]
    assert results[2]["unknown_status_reason"] == "hidden_by_owner"


async def test_out_of_credits_is_a_400_with_its_text(
    simulator: RunningSimulator, snov: Snov
) -> None:
    await simulator.control.put("/accounts", {"provider": "snov", "allowance": {"credits": 1}})
    await snov.post("/v1/add-names-to-find-emails", ADA)
    url = snov.base + "/v1/add-names-to-find-emails"
    answer = await snov.client.post(url, json=ADA, headers=snov.headers)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Sorry, you ran out of credits")
    assert (await snov.get("/v1/get-balance"))["data"]["balance"] == "0.00"


async def test_the_count_is_flat_and_webmail_has_none(snov: Snov) -> None:
    count = await snov.post("/v1/get-domain-emails-count", {"domain": "blue-harbor.example"})
    assert set(count) == {"success", "domain", "webmail", "result"}
    assert count["result"] > 0
    webmail = await snov.post("/v1/get-domain-emails-count", {"domain": "webmail.example"})
    assert (webmail["webmail"], webmail["result"]) == (True, 0)


async def test_unknown_paths_have_the_routers_shape(snov: Snov) -> None:
    body = await snov.get("/v2/nowhere")
    assert body["errors"]["title"] == "Sorry, but url or entity not found"


async def test_a_hash_belongs_to_one_account(simulator: RunningSimulator, snov: Snov) -> None:
    started = await snov.post("/v2/domain-search/start", {"domain": "blue-harbor.example"})
    other = {"provider": "snov", "name": "other", "client_id": "o", "client_secret": "s"}
    await simulator.control.put("/accounts", other)
    secret = {**SECRET, "client_id": "o", "client_secret": "s"}
    answer = await snov.client.post(snov.base + "/v1/oauth/access_token", data=secret)
    stranger = Snov(snov.base, snov.client, answer.json()["access_token"])
    path = "/v2/domain-search/result/" + started["meta"]["task_hash"]
    assert (await stranger.get(path))["errors"]["code"] == 404


async def test_tasks_take_the_time_that_was_set(simulator: RunningSimulator, snov: Snov) -> None:
    identifiers = []
    for seconds, name in ((3600, ADA), (0, {**ADA, "firstName": "Nobody"})):
        await simulator.control.put("/latency", {"profile": "fast", "task_seconds": seconds})
        await snov.post("/v1/add-names-to-find-emails", name)
        for _ in range(3):
            body = await snov.post("/v1/get-emails-from-names", name)
            identifiers.append(body["status"]["identifier"])
    assert identifiers == ["in_progress"] * 3 + ["not_found"] * 3
