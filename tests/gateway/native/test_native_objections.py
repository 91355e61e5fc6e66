"""Persons and domains that objected: no native request that carries one leaves the gateway."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from gateway.guard.suppression import marks_of_domains, marks_of_person
from gateway.lookup import transits
from gateway.settings import Secret
from gateway.vault.datakey import DataKey
from gateway.vault.sealing import Sealer
from providers.simulator.faults import Fault
from tests.gateway.api.replies import problem_of
from tests.gateway.conftest import MASTER_KEY
from tests.gateway.native.harness import Native

EMAIL, DOMAIN = "grace.hopper@old-oak.example", "quiet.example"
PROFILE = "https://www.linkedin.com/in/grace-hopper-1"
NAME = "Grace Hopper"
PAT = "pat.o'neil@old-oak.example"


def twice(text: str) -> str:
    return quote(quote(text, safe=""), safe="")


def part(head: str) -> bytes:
    """Of a form; the head says what few readers of forms heed."""
    lines = ("--b", 'Content-Disposition: form-data; name="email"', head, "", EMAIL, "--b--", "")
    return "\r\n".join(lines).encode()


EMAILS: list[dict[str, Any]] = [
    {"params": {"email": EMAIL}},
    {"params": {"email": EMAIL.upper()}},
    {"params": {"email": " grace.hopper+news@old-oak.example "}},
    {"params": {"emails[]": ["a@b.example", EMAIL]}},
    {"params": {"q": f"mailto:{EMAIL}?subject=x"}},
    {"params": {"q": f"Grace <{EMAIL}>, others"}},
    {"params": {EMAIL: "1"}},
    {"params": {"q": twice(EMAIL)}},
    {"params": {"emails": f"a@b.example,{PAT}"}},
    {"data": {"email": EMAIL}},
    {"data": {"emails[]": EMAIL}},
    {"data": {"q": twice(EMAIL)}},
    {"json": {"emails": ["a@b.example", EMAIL]}},
    {"json": {"leads": [{"x": [{"deep": EMAIL}]}]}},
    {"json": {EMAIL: 1}},
    {"json": {"text": f"write to {EMAIL}."}},
    {"content": b'{"email": "grace.hopper\\u0040old-oak.example"}'},
    {"content": b'{"email": "grace.hopper@old-oak.example", "email": "a@b.example"}'},
    {"content": '{"email": "grace.hopper@old-oak.example"}'.encode("utf-16")},
    {"content": '{"email": "grace.hopper@old-oak\uff0eexample"}'.encode()},
    {"content": b"email=grace.hopper%40old-oak.example&x=1"},
    {"content": b"just text, " + EMAIL.encode() + b", and more"},
    {"json": {"notes": f"l'adresse d'{EMAIL}"}},
    {"files": {"email": (None, EMAIL)}},
    {"files": {"file": ("people.csv", f"name;email\nGrace;{EMAIL}\n")}},
    # What nobody here reads as JSON, and a provider may.
    {"content": b'{"email": "\\u0067race.hopper@old-oak.example", "n": %b}' % (b"1" * 5000)},
    {"content": b'{"email": "\\u0067race.hopper@old-oak.example", "name": "\xff"}'},
    {"content": b'{/**/"email": "\\u0067race.hopper\\u0040old-oak.example"}'},
    *(
        {"content": part(head), "headers": {"content-type": "multipart/form-data; boundary=b"}}
        for head in ("Content-Type: message/rfc822", "Content-Transfer-Encoding: base64")
    ),
    {"content": EMAIL.encode(), "headers": {"content-type": "multipart/form-data"}},
    {
        "json": {
            "query": json.dumps({"email": "grace.hopper@old-oak.example"}).replace("@", "\\u0040")
        }
    },
]
PROFILES: list[dict[str, Any]] = [
    {"params": {"url": PROFILE}},
    {"params": {"url": "https://www.linkedin.com:443/in/grace-hopper-1"}},
    {"params": {"linkedin_handle": "grace-hopper-1"}},
    {"params": {"linkedin_handle": "in/grace-hopper-1"}},
    {"params": {"linkedin_handle": "/in/Grace-Hopper-1/"}},
    {"data": {"url": "http://uk.linkedin.com/in/Grace-Hopper-1/?trk=x"}},
    {"json": {"urls": ["linkedin.com/in/grace-hopper-1"]}},
    {"json": {"urls": ["https://www.linkedin.com/comm/in/grace-hopper-1?midToken=x"]}},
    {"json": {"urls": ["https://www.linkedin.com/mwlite/in/grace-hopper-1"]}},
    {"json": {"lead": {"linkedin": "grace-hopper-1"}}},
    {"json": {"lead": {"linkedin_url": "https://www.linkedin.com/in/grace%2Dhopper%2D1"}}},
]
DOMAINS: list[dict[str, Any]] = [
    {"params": {"domain": DOMAIN}},
    {"params": {"domain": "https://www.Quiet.Example/about"}},
    {"params": {"email": f"anyone@{DOMAIN}"}},
    {"params": {"email": f"anyone@mail.{DOMAIN}"}},
    {"data": {"items[]": ["x.example", DOMAIN]}},
    {"json": {"rows": [{"domain": f"deep.below.{DOMAIN}."}]}},
    {"content": '{"domain": "quiet\u3002example"}'.encode()},
    {"params": {"domain": "qui\u00adet.example"}},
    {"params": {"domain": "\u0909\u0926\u093e\u0939\u0930\u0923.example"}},
]
NAMES: list[dict[str, Any]] = [
    {"params": {"first_name": "Grace", "last_name": "Hopper", "domain": "old-oak.example"}},
    {"params": {"full_name": "HOPPER, Grace", "domain": "www.old-oak.example"}},
    {"data": {"firstName": "grace", "lastName": "hópper", "domain": "old-oak.example"}},
    {
        "json": {
            "rows": [{"first_name": "Grace", "last_name": "Hopper", "domain": "old-oak.example"}]
        }
    },
    {"json": {"lead": {"name": "Grace Hopper", "company": "Old Oak"}}},
    # As leads are written: Hunter's have a website, and an address that nobody objected by.
    {
        "json": {
            "first_name": "G",
            "last_name": "H",
            "full_name": "Grace Hopper",
            "website": "https://old-oak.example/team",
        }
    },
    {
        "json": {
            "first_name": "Grace",
            "last_name": "Hopper",
            "full_name": "G H",
            "domain": "old-oak.example",
        }
    },
    {"json": {"first_name": "Grace", "last_name": "Hopper", "email": "gh@Old-Oak.example"}},
    {
        "data": {
            "firstName": "Grace",
            "lastName": "Hopper",
            "domain": "new-oak.example",
            "email": "gh@old-oak.example",
        }
    },
    {
        "content": b'{"name": "Grace Hopper", "company": "Old Oak", "n": %b}' % (b"1" * 5000),
        "headers": {"content-type": "application/json"},
    },
]
OTHERS: list[dict[str, Any]] = [
    {"params": {"email": "grace.hopper@old-oak.example.org"}},
    {"params": {"email": "ace.hopper@old-oak.example"}},
    {"params": {"domain": "notquiet.example"}},
    {"params": {"domain": "quiet.example.org"}},
    {"json": {"urls": ["https://www.linkedin.com/in/grace-hopper-12"]}},
    {"params": {"first_name": "Grace", "last_name": "Hopper", "domain": "new-oak.example"}},
    {"json": {"a": 1, "b": None, "c": [True, 1.5], "d": "no @ one", "e": "@", "f": "a@"}},
]


@pytest.fixture
async def quiet(native: Native) -> Native:
    """A gateway that knows of one person's objection and one domain's."""
    key = DataKey()
    await key.load(native.store, Sealer([Secret(MASTER_KEY).decode()]))
    names = [b"grace hopper\0old-oak.example", b"grace hopper\0old oak"]
    marks = [*marks_of_person([EMAIL], PROFILE, names, key.value), f"domain:{DOMAIN}"]
    marks += ["domain:xn--p1b6ci4b4b3a.example", *marks_of_person([PAT], None, [], key.value)]
    await native.store.call("SADD", "{pgw}:live:suppressed", *marks)
    return native


@pytest.mark.parametrize("carried", [EMAILS, PROFILES, DOMAINS, NAMES])
async def test_whoever_objected_is_asked_about_nowhere(
    quiet: Native, carried: list[dict[str, Any]]
) -> None:
    for rest in carried:
        for provider in ("hunter", "snov"):
            reply = await quiet.ask("POST", provider, "/x", **rest)
            problem_of(reply, 451, "suppressed")
            assert reply.headers["x-gateway-refused"] == "1"
    assert quiet.visits() == 0
    assert await quiet.entries() == []


async def test_a_path_may_carry_one_too(quiet: Native) -> None:
    for path in (f"/logos/{DOMAIN}", f"/x/{quote(EMAIL)}", f"/x/{EMAIL}", "/x/www.quiet.example"):
        problem_of(await quiet.ask("GET", "hunter", path), 451, "suppressed")
    assert quiet.visits() == 0


async def test_others_are_asked_about(quiet: Native) -> None:
    for rest in OTHERS:
        assert (await quiet.ask("POST", "hunter", "/x", **rest)).status_code == 404, rest
    assert quiet.visits() == len(OTHERS)


async def test_one_among_many_is_found(quiet: Native, monkeypatch: pytest.MonkeyPatch) -> None:
    """More marks than one script takes, and more text than is read at once."""
    crowd = [f"person.{n}@crowd-{n}.example" for n in range(3000)]
    reply = await quiet.ask("POST", "hunter", "/x", json={"emails": crowd})
    assert reply.status_code == 404
    reply = await quiet.ask("POST", "hunter", "/x", json={"emails": [*crowd, EMAIL]})
    problem_of(reply, 451, "suppressed")
    monkeypatch.setattr(transits, "MARKS_AT_ONCE", 3)
    reply = await quiet.ask("POST", "hunter", "/x", json={"emails": [*crowd[:9], EMAIL]})
    problem_of(reply, 451, "suppressed")
    assert quiet.visits() == 1


async def test_a_providers_451_is_remembered_for_that_person(native: Native) -> None:
    """Natively and in lookups, for every provider; nobody else is meant."""
    fault = Fault(provider="hunter", kind="status", status=451, times=1)
    native.simulator.faults.put(fault)
    person = next(p for p in native.simulator.world.people if p.has_mailbox and not p.claimed)
    reply = await native.ask("GET", "hunter", "/email-verifier", params={"email": person.email})
    assert (reply.status_code, "x-gateway-refused" in reply.headers) == (451, False)
    reply = await native.ask(
        "POST", "snov", "/v1/get-profile-by-email", data={"email": person.email}
    )
    assert reply.headers["x-gateway-refused"] == "1"
    reply = await native.gateway.post("/v1/emails/verify", {"email": person.email})
    problem_of(reply, 451, "suppressed")
    params = {"email": f"someone.else@{person.company.domain}"}
    reply = await native.ask("GET", "hunter", "/email-verifier", params=params)
    assert reply.status_code == 200


async def test_a_451_about_several_is_nobodys(native: Native) -> None:
    native.simulator.faults.put(Fault(provider="hunter", kind="status", status=451, times=1))
    emails = {"emails": ["a@b.example", "c@d.example"]}
    reply = await native.ask("POST", "hunter", "/campaigns/3/recipients", json=emails)
    assert reply.status_code == 451
    reply = await native.ask("POST", "hunter", "/campaigns/3/recipients", json=emails)
    assert reply.status_code == 201


async def test_nor_is_one_about_several_names_anybodys(native: Native) -> None:
    path, key = "/v2/emails-by-domain-by-name/start", "{pgw}:live:suppressed"
    one, other = (
        {"first_name": name, "last_name": "Hopper", "domain": "old-oak.example"}
        for name in ("Grace", "Vincent")
    )
    for rows, objected in (([one, other], 0), ([one], 1)):
        native.simulator.faults.put(Fault(provider="snov", kind="status", status=451, path=path))
        reply = await native.ask("POST", "snov", path, json={"rows": rows})
        assert (reply.status_code, "x-gateway-refused" in reply.headers) == (451, False)
        assert await native.store.call("SCARD", key) == objected


async def test_one_whose_name_is_written_in_two_ways_is_one_person(native: Native) -> None:
    native.simulator.faults.put(Fault(provider="hunter", kind="status", status=451, times=1))
    lead = {"email": EMAIL, "first_name": "Grace", "last_name": "Hopper", "company": "Old Oak"}
    carried = lead | {"full_name": "Grace B. Hopper"}
    reply = await native.ask("POST", "hunter", "/leads", json=carried)
    assert (reply.status_code, "x-gateway-refused" in reply.headers) == (451, False)
    reply = await native.ask("POST", "snov", "/v1/get-profile-by-email", data={"email": EMAIL})
    assert reply.headers["x-gateway-refused"] == "1"


def test_a_domain_covers_what_is_below_it() -> None:
    found = marks_of_domains(["a.b.quiet.example", "quiet.example"])
    assert "domain:quiet.example" in found
    assert "domain:example" not in found
    assert len(found) == len(set(found)) == 3
