"""Generated requests against a running server: all that is answered is in its document."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from tests.gates.conftest import Campaign
from tests.gateway.supervisor.processes import Served, environment, sabotaged, serving

SEED = 20261121
load_all_checks()
CHECKED = CHECKS.get_by_names(
    [
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    ]
)
# Generated values alone would seldom get past validation, so some are replaced by what is there.
Known = dict[str, list[Any]]
KNOWN: Known = {
    "domain": ["blue-harbor.example", "nowhere.example"],
    "email": ["ada.lovelace@blue-harbor.example", "nobody@nowhere.example"],
    "linkedin_url": ["https://www.linkedin.com/in/ada-lovelace-sim0"],
    "full_name": ["Ada Lovelace", "Nobody Atall"],
    "company": ["Blue Harbor"],
    "team_id": ["default"],
    "secret": [{"api_key": "a-key"}],
    "operation": ["emails.find", "domains.search"],
    "name": ["hunter", "snov", "letrics"],
    "lead_id": ["1", "2"],
    "list_id": ["1", "1001"],
    "field_id": ["1", "company"],
    "campaign_id": ["1", "2001"],
    "webhook_id": ["1", "2"],
    "emails": [["ada.lovelace@blue-harbor.example"]],
    "list_ids": [["1"], ["1001"]],
    "credential_id": ["env-hunter"],
    "provider": ["hunter", "snov"],
    "endpoint_id": ["inline"],
    "url": ["https://receiver.example/hook", "https://127.0.0.1/"],
    "events": [["job.completed"]],
    "Prefer": ["respond-async", "wait=1"],
    "Idempotency-Key": ["a key", "another key"],
}


# A mutant: a status, and a body, that the document does not know.
BREWING = """
from gateway.api.edge import Edge

serve = Edge.__call__
REPLIES = {"/v1/providers": (418, b"{}"), "/v1/admin/teams": (200, b'{"data": 5}')}


async def brew(self, scope, receive, send):
    if scope["type"] != "http" or scope["path"] not in REPLIES:
        return await serve(self, scope, receive, send)
    status, body = REPLIES[scope["path"]]
    headers = [(b"content-type", b"application/json"), (b"x-request-id", b"r")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


Edge.__call__ = brew
"""


def operations_of(url: str) -> list[APIOperation[Any, Any, Any, Any]]:
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    schema.validate()
    found = list(schema.get_all_operations())
    assert all(isinstance(one, Ok) for one in found), found
    return [one.ok() for one in found if isinstance(one, Ok)]


def strategy_of(operation: APIOperation[Any, Any, Any, Any]) -> st.SearchStrategy[Any]:
    """What fits the document, and, where that can be, what does not."""
    fitting = operation.as_strategy(GenerationMode.POSITIVE)
    if operation.path_parameters or operation.query or operation.body:
        return fitting | operation.as_strategy(GenerationMode.NEGATIVE)
    return fitting


def known_of(session: requests.Session, url: str) -> Known:
    """KNOWN, and a team, a key and a job that are there."""
    team = session.post(f"{url}/v1/admin/teams", json={"name": "n"}).json()["data"]["id"]
    body: dict[str, Any] = {"name": "k", "scopes": ["lookup"]}
    key = session.post(f"{url}/v1/admin/keys", json=body).json()["data"]["id"]
    search: dict[str, Any] = {"domain": "blue-harbor.example", "limit": 1}
    cursor = session.post(f"{url}/v1/domains/search", json=search).json()["meta"]["next_cursor"]
    later = {"prefer": "respond-async"}
    job = session.post(f"{url}/v1/domains/search", json=search, headers=later)
    endpoint = {"url": KNOWN["url"][0], "events": ["job.completed"]}
    receiver = session.post(f"{url}/v1/webhook-endpoints", json=endpoint).json()["data"]["id"]
    made = {"team_id": [team], "key_id": [key], "job_id": [job.json()["data"]["id"]]}
    return {**KNOWN, **made, "cursor": [cursor], "endpoint_id": ["inline", receiver]}


def ground(members: Any, known: Known, data: st.DataObject) -> None:
    """Replace some of the generated values by known ones."""
    for name in sorted(set(known) & set(members)):
        if data.draw(st.booleans()):
            members[name] = data.draw(st.sampled_from(known[name]))


def campaign_of(
    operation: APIOperation[Any, Any, Any, Any],
    session: requests.Session,
    url: str,
    known: Known,
    size: int,
) -> Callable[[], None]:
    @hypothesis.seed(SEED)
    @hypothesis.settings(
        max_examples=size,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(data=st.data())
    def run(data: st.DataObject) -> None:
        case = data.draw(strategy_of(operation))
        for members in (case.path_parameters, case.headers, case.body):
            if hasattr(members, "items"):
                ground(members, known, data)
        # A lookup may take its wait of 20 s.
        response = case.call(base_url=url, session=session, timeout=60)
        assert response.status_code != 500, case.as_curl_command()
        case.validate_response(response, checks=CHECKED)

    return run


class Counting(requests.Session):
    """Knows how many answers it has had."""

    answers = 0

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        self.answers += 1
        return super().send(request, **options)


def undocumented(
    served: Served, size: int, *, path: str = "", counted: Callable[[int], None] = lambda _: None
) -> dict[str, str]:
    """What went wrong, by operation; only that of `path`, if given. `counted` hears the cases."""
    found = {}
    with Counting() as session:
        session.headers["authorization"] = f"Bearer {served.key}"
        known = known_of(session, served.url) if path == "" else KNOWN
        for operation in operations_of(served.url):
            if path not in {"", operation.path}:
                continue
            # These are passed on to simulators that take their time.
            share = -(-size // 20) if operation.path.startswith("/native/") else size
            try:
                campaign_of(operation, session, served.url, known, share)()
            except FailureGroup as group:
                found[operation.label] = "\n".join(map(str, (group, *group.exceptions)))
            except Exception as failure:  # noqa: BLE001 - every operation is to have its turn
                found[operation.label] = repr(failure)
        counted(session.answers)
    return found


@pytest.mark.timeout(7200)
async def test_every_answer_is_documented(tmp_path: Path, campaign: Campaign) -> None:
    size, cases = campaign.size(short=25, full=600), [0]
    async with serving(tmp_path, "--sandbox") as served:
        found = await asyncio.to_thread(undocumented, served, size, counted=cases.append)
    campaign.tell(f"generated requests: {cases[-1]}, {len(found)} operations undocumented")
    assert cases[-1] >= campaign.size(short=1_000, full=50_000)
    assert not found, "\n\n".join(f"{label}: {failure}" for label, failure in found.items())


async def test_an_undocumented_answer_is_found(tmp_path: Path) -> None:
    environ = environment(tmp_path / "data", **sabotaged(tmp_path / "mutant", BREWING))
    async with serving(tmp_path, "--sandbox", environ=environ) as served:
        teapot = await asyncio.to_thread(undocumented, served, 5, path="/v1/providers")
        malformed = await asyncio.to_thread(undocumented, served, 5, path="/v1/admin/teams")
        sound = await asyncio.to_thread(undocumented, served, 5, path="/livez")
    assert "Undocumented status code" in teapot["GET /v1/providers"]
    assert "schema" in malformed["GET /v1/admin/teams"]
    assert not sound
