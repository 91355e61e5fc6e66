"""Every lookup by every provider that offers it, through the gateway: billed as it is booked."""

from __future__ import annotations

from typing import Any

import pytest

from providers.registry import ADAPTERS
from tests.gateway.conftest import Gateway

ADA = {"full_name": "Ada Lovelace", "domain": "blue-harbor.example"}
PROFILE = "https://www.linkedin.com/in/ada-lovelace-sim0"
ADDRESS = "ada.lovelace@blue-harbor.example"
HARBOR = {"domain": "blue-harbor.example"}
# Where six work.
SMALL = {"domain": "maple-harbor.example"}
BODIES: dict[str, list[dict[str, Any]]] = {
    "emails.find": [ADA, {"linkedin_url": PROFILE}, {**ADA, "kind": "personal"}],
    "emails.verify": [{"email": ADDRESS}],
    "people.enrich": [{"email": ADDRESS}, {"linkedin_url": PROFILE}],
    "companies.enrich": [HARBOR, {"company": "Blue Harbor"}],
    "domains.search": [
        {**HARBOR, "limit": 3},
        {**HARBOR, "address_type": "person"},
        {**HARBOR, "required_fields": ["email"], "job_titles": ["a"], "limit": 3},
        {**HARBOR, "address_type": "role"},
    ],
    "emails.count": [HARBOR, {"company": "Blue Harbor"}],
    "contacts.search": [{"job_titles": ["manager"], "limit": 3}],
    "companies.search": [{"locations": [{"country": "DE"}], "limit": 3}],
}
OFFERED = [(name, operation) for name, adapter in ADAPTERS.items() for operation in adapter.offers]


def rows_of(data: Any) -> list[Any]:
    if isinstance(data, list):
        return data
    return [*data["emails"], *data["people"]] if "emails" in data and "people" in data else []


@pytest.mark.parametrize("provider, operation", OFFERED)
async def test_a_lookup_is_answered_and_booked_as_it_is_billed(
    gateway: Gateway, provider: str, operation: str
) -> None:
    assert gateway.simulator is not None
    offer, answered, units = ADAPTERS[provider].offers[operation], 0, 0.0
    for body in BODIES[operation]:
        asked = {**body, "routing": {"providers": [provider], "max_age": 0}}
        reply = await gateway.post(f"/v1/{operation.replace('.', '/')}", asked, prefer="wait=30")
        if reply.status_code == 422:
            assert reply.json()["code"] == "unsupported"
            continue
        assert reply.status_code == 200, reply.text
        meta, data = reply.json()["meta"], reply.json()["data"]
        answered += meta["outcome"] == "accepted"
        units += sum(attempt["units"] for attempt in meta["attempts"])
        assert meta["attempts"][0]["provider"] == provider
        assert len(rows_of(data)) <= body.get("limit", 25)
        assert all(row["provenance"]["provider"] == provider for row in rows_of(data))
    assert answered
    billed = sum(row.units for row in gateway.simulator.bill.rows)
    assert units == (billed if offer.charge != "per_row" else units)


async def test_pages_of_prospects_with_addresses_are_booked_as_they_are_billed(
    gateway: Gateway,
) -> None:
    """The dearest chain there is: a list, then one search for each prospect on the page."""
    assert gateway.simulator is not None
    body: dict[str, Any] = {**SMALL, "required_fields": ["email"], "limit": 1}
    body["routing"] = {"providers": ["snov"]}
    emails, units, cursor = [], 0.0, None
    for _page in range(30):
        asked = {**body, "cursor": cursor} if cursor else body
        reply = await gateway.post("/v1/domains/search", asked, prefer="wait=30")
        assert reply.status_code == 200, reply.text
        meta = reply.json()["meta"]
        emails += [row["email"] for row in reply.json()["data"]["emails"]]
        units += sum(attempt["units"] for attempt in meta["attempts"])
        cursor = meta["next_cursor"]
        if cursor is None:
            break
    assert cursor is None
    assert len(emails) == len(set(emails)) > 2
    assert units == sum(row.units for row in gateway.simulator.bill.rows)


async def test_a_person_who_objected_is_not_among_the_people_of_a_domain(
    gateway: Gateway,
) -> None:
    """Known by a 451 of another provider, and listed without an address."""
    assert gateway.simulator is not None
    world = gateway.simulator.world
    body = {**HARBOR, "address_type": "person", "routing": {"providers": ["snov"]}}
    listed = (await gateway.post("/v1/domains/search", body)).json()["data"]["people"]
    one = listed[0]
    person = next(p for p in world.people if p.full_name == one["full_name"])
    await gateway.simulator.control.fault("hunter", "status", status=451)
    query = {"full_name": person.full_name, "domain": person.company.domain}
    refused = await gateway.post(
        "/v1/emails/find", {**query, "routing": {"providers": ["hunter"]}}
    )
    assert refused.status_code == 451
    later = (await gateway.post("/v1/domains/search", body)).json()["data"]["people"]
    assert one["full_name"] not in [row["full_name"] for row in later]
    assert len(later) == len(listed) - 1
