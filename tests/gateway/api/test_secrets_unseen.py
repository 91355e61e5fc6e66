"""Canaries: secrets and persons sent through a real server, looked for everywhere afterwards."""

from __future__ import annotations

from pathlib import Path

from gateway.store.connection import Store
from providers.simulator.faults import Fault, Kind
from providers.simulator.testing import RunningSimulator
from tests.gateway.store_dump import everything_in
from tests.gateway.supervisor.processes import ADMIN_KEY, Served, external, serving, simulated

FIND, PATH = "/v1/emails/find", "/v1/admin/credentials"
SECRET = "canary-secret-of-an-account-7f3a"
PERSON = {"full_name": "Wilhelmina Canary", "domain": "blue-harbor.example"}
PEOPLE = ("wilhelmina", "canary@", "w.canary")


async def exercise(served: Served, simulator: RunningSimulator) -> str:
    """Everything that was answered while all went wrong that can."""
    client = served.client
    body = {"provider": "letrics", "name": "n", "secret": {"token": SECRET}}
    made = await client.post(PATH, json=body)
    assert made.status_code == 201, made.text
    path = f"{PATH}/{made.json()['data']['id']}"
    replies = [made, await client.get(path), await client.get(PATH)]
    replies.append(await client.patch(path, json={"secret": {"token": SECRET + "-2"}}))
    replies.append(await client.post(PATH, json={**body, "secret": {"api_key": SECRET}}))
    replies.append(await client.post(PATH, json={**body, "secret": SECRET}))
    replies.append(await client.post("/v1/contacts/search", json={"limit": 1}))
    kinds: tuple[Kind, ...] = ("status", "garbage", "unauthorized", "close")
    for kind in kinds:
        simulator.faults.put(Fault(provider="hunter", kind=kind))
        replies.append(await client.post(FIND, json=PERSON))
        simulator.faults.clear()
    replies.append(await client.get(f"/v1/jobs/{PERSON['full_name']}"))
    replies.append(await client.get(f"/{SECRET}?api_key={SECRET}&email=w.canary@x.example"))
    replies.append(await client.post(f"{FIND}?email=w.canary@x.example", content=b"{"))
    bad = await client.get("/v1/providers", headers={"authorization": f"Bearer {SECRET}"})
    assert {reply.status_code for reply in replies} >= {200, 201, 404, 415, 422}
    return "".join(reply.text + str(reply.headers) for reply in [*replies, bad])


def made_id(answered: str) -> str:
    """The id of the credential, as it is shown: a control of the search for what must not be."""
    return answered.partition('"id":"')[2].partition('"')[0]


async def test_no_secret_and_no_person_is_left_anywhere(
    tmp_path: Path, store: Store, store_url: str, simulator: RunningSimulator
) -> None:
    environ = external(
        tmp_path / "data",
        store_url,
        GATEWAY_LOG_LEVEL="debug",
        GATEWAY_LOG_FORMAT="json",
        **simulated(simulator.endpoints, "hunter"),
        LETRICS_BASE_URL=simulator.endpoints.letrics,
    )
    async with serving(tmp_path, environ=environ) as served:
        answered = await exercise(served, simulator)
        stored = (await everything_in(store)).lower()
    logged = served.log
    assert "request.served" in logged
    assert b"emails.find" in stored
    assert made_id(answered).encode() in stored
    for secret in (SECRET, ADMIN_KEY, "sim-hunter-key"):
        assert secret not in logged
        assert secret not in answered
        assert secret.encode() not in stored
    for person in PEOPLE:
        assert person not in logged.lower()
        assert person.encode() not in stored, "an unanswered person leaves hashes only"
