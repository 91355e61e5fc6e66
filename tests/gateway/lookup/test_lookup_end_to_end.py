"""A lookup through the whole gateway, over real HTTP and the real store."""

from __future__ import annotations

from tests.gateway.conftest import Gateway

PERSON = {"full_name": "Ada Lovelace", "domain": "blue-harbor.example"}


async def test_an_accepted_answer_is_bought_once(gateway: Gateway) -> None:
    first = await gateway.post("/v1/emails/find", PERSON)
    again = await gateway.post("/v1/emails/find", {**PERSON, "full_name": "LOVELACE, ada"})
    assert (first.status_code, again.status_code) == (200, 200), first.text
    assert first.json()["data"]["email"] == "ada.lovelace@blue-harbor.example"
    assert first.json()["meta"]["cost"] == "0.049"
    assert again.json()["meta"]["cost"] == "0"
    assert again.json()["meta"]["attempts"][0]["cached"] is True
    assert gateway.simulator is not None
    assert len(gateway.simulator.bill.rows) == 1
