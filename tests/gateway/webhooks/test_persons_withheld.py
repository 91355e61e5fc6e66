"""Whoever objected between an event and its delivery is not in what is sent."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.guard.suppression import marks_of, marks_of_domains, marks_of_person
from gateway.jobs.payloads import Withholder, _persons
from gateway.lookup.identity import names_of, normalise
from gateway.lookup.marking import marks_of_row
from gateway.store.connection import Store
from gateway.vault.datakey import DataKey
from gateway.vault.sealing import Sealer
from providers.model import Company, Email, FindEmail, Person
from tests.gateway.api.replies import eventually
from tests.gateway.conftest import MASTER_KEY
from tests.gateway.webhooks.conftest import ROOT, Post
from tests.gateway.webhooks.receiver import Receiver

KEY = b"k" * 32
ADA = {"full_name": "Ada Lovelace", "domain": "blue-harbor.example"}
PROFILE = "https://www.linkedin.com/in/ada-lovelace"
ITEM: dict[str, Any] = {
    "job_id": "job_1",
    "index": 3,
    "status": "completed",
    "input": ADA,
    "data": {"email": "ada@blue-harbor.example", "linkedin_url": PROFILE, "full_name": "A. Other"},
}
ROWS: dict[str, Any] = {
    "job_id": "job_1",
    "input": {"domain": "blue-harbor.example"},
    "data": {"emails": [{"email": "ada@blue-harbor.example"}, {"email": "bob@x.example"}]},
}
CONTACTS: dict[str, Any] = {
    "data": [
        {"full_name": "Ada Lovelace", "domain": "blue-harbor.example"},
        {"full_name": "Bob", "emails": [{"email": "bob@x.example"}, {"email": "ada@y.example"}]},
    ]
}
EVENT = {"id": "e", "type": "replied", "email": "ada+spring@blue-harbor.example"}

BY_EMAIL = marks_of_person(["ada@blue-harbor.example"], None, [], KEY)
BY_PROFILE = marks_of_person([], PROFILE, [], KEY)
ASKED = FindEmail(full_name=ADA["full_name"], domain=ADA["domain"])
BY_NAME = marks_of(ASKED, names_of(normalise(ASKED)), KEY)
BY_URL = ITEM | {"input": {"linkedin_url": "LinkedIn.com/in/Ada-Lovelace/"}, "data": None}
ELSEWHERE = ITEM | {"input": {"full_name": "LOVELACE, Ada", "domain": "x.example"}}
ACME = marks_of(
    FindEmail(full_name="Ada Lovelace", company="Acme Ltd."),
    names_of(normalise(FindEmail(full_name="Ada Lovelace", company="Acme Ltd."))),
    KEY,
)
# As answers name someone: at a company, at its domain, at that of an address.
ROW: dict[str, Any] = {"full_name": "Ada Lovelace", "domain": None, "emails": []}
AT_COMPANY = ROW | {"company": {"name": "ACME Ltd.", "domain": None}}
AT_ITS_DOMAIN = ROW | {"company": {"name": "x", "domain": "blue-harbor.example"}}
BY_ADDRESS = ROW | {"emails": [{"email": "post@blue-harbor.example"}]}
REVERSED = {"full_name": "LOVELACE, Ada", "domain": "blue-harbor.example"}
IN_PARTS = {"first_name": "Ada", "last_name": "Lovelace", "email": "al@blue-harbor.example"}
NOBODY = {"input": None, "data": None, "withheld": True}
CASES: list[tuple[Any, list[str], Any]] = [
    (ITEM, [], ITEM),
    (ITEM, marks_of_person(["bob@x.example"], None, [], KEY), ITEM),
    (ITEM, BY_EMAIL, ITEM | NOBODY),
    (ITEM, BY_PROFILE, ITEM | NOBODY),
    (ITEM, BY_NAME, ITEM | NOBODY),
    (BY_URL, BY_PROFILE, BY_URL | NOBODY),
    (ELSEWHERE, BY_NAME, ELSEWHERE),
    (ROWS, BY_EMAIL, ROWS | {"data": {"emails": [{"email": "bob@x.example"}]}}),
    (CONTACTS, BY_NAME, {"data": CONTACTS["data"][1:]}),
    (CONTACTS, marks_of_person(["ada@y.example"], None, [], KEY), {"data": CONTACTS["data"][:1]}),
    (EVENT, BY_EMAIL, None),
    (EVENT, BY_NAME, EVENT),
    *(
        (
            {"id": "e", "data": [one, {"full_name": "Bob"}]},
            marks,
            {"id": "e", "data": [{"full_name": "Bob"}]},
        )
        for one, marks in (
            (AT_COMPANY, ACME),
            (AT_ITS_DOMAIN, BY_NAME),
            (BY_ADDRESS, BY_NAME),
            (REVERSED, BY_NAME),
            (IN_PARTS, BY_NAME),
            (AT_ITS_DOMAIN, marks_of_domains(["blue-harbor.example"])),
        )
    ),
    (
        {"data": [REVERSED, ROW | {"full_name": "Bob", "company": {"domain": "x.example"}}]},
        BY_NAME,
        {"data": [ROW | {"full_name": "Bob", "company": {"domain": "x.example"}}]},
    ),
    ({"data": [AT_COMPANY]}, BY_NAME, {"data": [AT_COMPANY]}),
    ({"id": "job_1"}, BY_EMAIL, {"id": "job_1"}),
    ([1, "ada@blue-harbor.example"], BY_EMAIL, [1, "ada@blue-harbor.example"]),
]


@pytest.mark.parametrize("data, marks, sent", CASES)
async def test_who_objected_is_taken_out(
    store: Store, data: Any, marks: list[str], sent: Any
) -> None:
    if marks:
        await store.call("SADD", f"{ROOT}suppressed", *marks)
    withholder = Withholder(store, ROOT, lambda: KEY)
    assert await withholder.withhold(copy.deepcopy(data)) == sent


async def test_an_event_about_someone_who_objected_is_never_sent(
    post: Post, store: Store, receiver: Receiver
) -> None:
    key = DataKey()
    await key.load(store, Sealer([bytes(range(32))]))
    assert MASTER_KEY, "the gateway's own"
    marks = marks_of_person(["ada@blue-harbor.example"], None, [], key.value)
    await store.call("SADD", f"{ROOT}suppressed", *marks)
    name, _ = await post.endpoint(receiver.url)
    await post.emit("campaign.event", EVENT)
    await post.emit("job.item.completed", ITEM)
    [message] = await receiver.wait(1)
    assert message.json["data"] == ITEM | NOBODY

    async def withheld() -> bool:
        found = {row["event"]: row["status"] for row in await post.log(name)}
        return found == {"campaign.event": "withheld", "job.item.completed": "delivered"}

    await eventually(withheld)
    assert len(receiver.messages) == 1


WORDS, NAMES = ("Ada", "LOVELACE", "O'Neil, Ada", "Zoë"), ("Ada Lovelace", "LOVELACE, Ada", "ada")
HOSTS = st.none() | st.sampled_from(("x.example", "mail.blue-harbor.example"))
ADDRESSES = st.sampled_from(("ada@blue-harbor.example", "A.Lovelace+x@X.example"))
TEXTS = st.none() | st.sampled_from(WORDS)
PERSONS = st.builds(
    Person,
    full_name=st.none() | st.sampled_from(NAMES),
    first_name=TEXTS,
    last_name=TEXTS,
    emails=st.lists(st.builds(Email, email=ADDRESSES), max_size=2),
    company=TEXTS | st.builds(Company, name=TEXTS, domain=HOSTS),
    domain=HOSTS,
    linkedin_url=st.none() | st.just(PROFILE),
)
EMAILS = st.builds(
    Email,
    email=ADDRESSES,
    full_name=st.none() | st.sampled_from(NAMES),
    first_name=TEXTS,
    last_name=TEXTS,
    company=TEXTS,
    domain=HOSTS,
)


@given(row=PERSONS | EMAILS)
def test_an_event_names_whomever_the_answer_names(row: Person | Email) -> None:
    """So that an objection which stops the one stops the other."""
    told = {"data": msgspec.json.decode(msgspec.json.encode(row))}
    outermost = next(_persons([told], 0, KEY), None)
    assert set(marks_of_row(row, KEY)) <= set(outermost.marks if outermost else [])
