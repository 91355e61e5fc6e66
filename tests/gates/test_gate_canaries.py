"""A dozen secrets and more through a whole gateway at debug level: nowhere is one of them seen.

Real processes, every route, every failure of a provider, and providers that say a key back.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import get_args
from urllib.parse import quote, quote_plus

import pytest

from providers.simulator.faults import Fault, Replacement
from tests.gates.aviary import FIELDS, Aviary, flown, open_accounts
from tests.gates.canaries import Canary, leaks, made, master
from tests.gateway.api.replies import eventually
from tests.gateway.api.route_table import TABLE
from tests.gateway.api.two_teams import SIDES

ECHOED = (400, 401, 402, 403, 404, 422, 429, 500, 503)
FIND = "/v1/emails/find"


async def knock_everywhere(cage: Aviary) -> None:
    """Every route about everyone's things, and with keys that open nothing."""
    stage = cage.stage
    for label in TABLE:
        for name in SIDES:
            side = await stage.spend(TABLE[label], stage.sides[name])
            await stage.ask(label, side, stage.keys["ours"])
        await stage.ask(label, stage.sides["ours"], cage.canaries["a stranger's key"].text)
    for name in ("the metrics key", "the admin key"):
        await stage.send("GET", "/metrics", cage.canaries[name].text)


async def misplace(cage: Aviary) -> None:
    """Secrets where they do not belong: in a URL, another header, a body that does not fit."""
    send, ours = cage.stage.send, cage.stage.keys["ours"]
    for text in (ours, *(canary.text for canary in cage.canaries.values())):
        await send("GET", "/v1/me", params={"api_key": text, "access_token": text})
        await send("GET", f"/v1/providers/{quote(text, safe='')}", ours)
        await send("GET", f"/{quote(text, safe='')}", ours)
        basic = base64.b64encode(f"user:{text}".encode()).decode()
        await send("GET", "/v1/me", headers={"authorization": f"Basic {basic}"})
        await send("GET", "/v1/me", headers={"x-api-key": text, "cookie": f"key={quote(text)}"})
        for secret in (text, [text], {"api_key": [text]}, {"api_key": f"{text}\x7f"}):
            body = {"provider": "hunter", "name": "n", "secret": secret}
            await send("POST", "/v1/admin/credentials", cage.stage.admin, json=body)
        cut = json.dumps({"secret": text})[:-1].encode()
        for media in ("application/json", "text/plain"):
            headers = {"content-type": media}
            await send("POST", FIND, ours, data=cut, headers=headers)


async def replace_a_secret(cage: Aviary) -> None:
    path = f"/v1/admin/credentials/{cage.stage.sides['ours'].ids['credential_id']}"
    replaced = {
        "client_id": cage.canaries["the client_id of snov, stored"].text,
        "client_secret": cage.canaries["a replaced secret"].text,
    }
    open_accounts(cage.parrot.app, {"snov": replaced})
    reply = await cage.stage.send("PATCH", path, cage.stage.admin, json={"secret": replaced})
    assert reply.status == 200, reply.text
    reply = await cage.stage.send("POST", f"{path}/check", cage.stage.admin)
    assert reply.json["data"]["ok"] is True


async def ask_everyone(cage: Aviary) -> None:
    """A lookup by each provider, at once and as a job, and a check of every account."""
    ours, later = cage.stage.keys["ours"], {"prefer": "wait=0"}
    asked = [
        cage.stage.send("POST", FIND, ours, json=cage.find(provider), headers=headers)
        for provider in ("hunter", "snov", "sixtyfour")
        for headers in ({}, later)
    ]
    search = {"routing": {"max_age": 0}}
    asked.append(cage.stage.send("POST", "/v1/contacts/search", ours, json=search))
    await asyncio.gather(*asked)
    await check_accounts(cage)


async def check_accounts(cage: Aviary) -> None:
    """Those that were benched are used again if their provider takes them."""
    admin, path = cage.stage.admin, "/v1/admin/credentials"
    reply = await cage.stage.send("GET", path, admin, params={"limit": 100})
    names = [one["id"] for one in reply.json["data"]]
    checks = [cage.stage.send("POST", f"{path}/{name}/check", admin) for name in names]
    await asyncio.gather(*checks)


async def break_everything(cage: Aviary) -> None:
    """Providers fail in every way that is over soon, and then say back what they were told."""
    for kind in (*get_args(Replacement), "close", "charge_without_reply", "truncated", "reset"):
        for provider in FIELDS:
            cage.simulator.faults.put(Fault(provider=provider, kind=kind))
        await ask_everyone(cage)
        cage.simulator.faults.clear()
        await check_accounts(cage)
    for status in ECHOED:
        cage.parrot.status, before = status, cage.parrot.said
        await ask_everyone(cage)
        assert cage.parrot.said > before + 3, f"{status} was said to nobody"
        cage.parrot.status = 0
        await check_accounts(cage)
    await ask_everyone(cage)


async def everything(cage: Aviary) -> None:
    await knock_everywhere(cage)
    await misplace(cage)
    await replace_a_secret(cage)
    await break_everything(cage)
    await knock_everywhere(cage)


# Not a mutant: a crash whose message quotes secrets.
TRAP = """
import gateway.api.me as me

async def crash(context, caller):
    raise RuntimeError(context.settings.admin_key.reveal(), list(context.settings.secrets()))

me._view = crash
"""


async def test_no_secret_is_seen_anywhere(tmp_path: Path) -> None:
    found, canaries = await flown(tmp_path, everything, TRAP)
    assert len(canaries) > 40
    assert b"request.crashed" in found["the logs"]
    assert b"credential.benched" in found["the logs"]
    assert found["the logs"].count(b"request.served") > 1000
    assert b"credential.checked" in found["the store"]
    assert b"# HELP" in found["the answers"]
    assert all(found.values()), "there is something to look through everywhere"
    assert leaks(found, canaries) == []


MUTANTS = """
import base64

import msgspec

import gateway.api.edge as edge
import gateway.vault.authentication as authentication
import gateway.vault.credentials as credentials
import gateway.vault.tokens as tokens
import providers.base as base
from gateway.telemetry.log import get_logger

identify, fields = authentication.Authenticator.identify, credentials.CredentialStore._fields
put, hold, send = credentials.CredentialStore.put, tokens.SharedToken.put, base.Adapter._send
admit = edge.Edge._admit


async def tells(self, text):
    get_logger().debug("key.read", caller=text)
    return await identify(self, text)


async def counts(self, scope, headers):
    edge.count_request(base64.b64encode(b"user:" + edge.key_in(headers).encode()).decode(), 1, 0)
    return await admit(self, scope, headers)


def notes(self, credential):
    return (*fields(self, credential), "note", msgspec.json.encode(dict(credential.secret)))


async def drafts(self, credential):
    if credential.provider == "letrics":
        draft = credential.secret["token"]
        await self._store.call("SET", "{pgw}:draft", base64.b64encode(draft.encode()))
        await self._store.call("DEL", "{pgw}:draft")
    return await put(self, credential)


async def holds(self, token):
    await self._shelf.store.call("SET", "{pgw}:token", token.text)
    return await hold(self, token)


async def sends(self, request, paid):
    get_logger().debug("call.sent", headers=str(request.headers.raw).encode().hex())
    return await send(self, request, paid)


authentication.Authenticator.identify, edge.Edge._admit = tells, counts
credentials.CredentialStore._fields, credentials.CredentialStore.put = notes, drafts
tokens.SharedToken.put, base.Adapter._send = holds, sends
"""
SEEN = [
    "a key of a caller as it is in the logs",
    "a key of a caller in base64 in the answers",
    "the client_secret of snov, stored as it is in the store",
    "the api_key of hunter, stored as it is in the append-only files",
    "the token of letrics, stored in base64 in the append-only files",
    "a token of Snov's as it is in the store",
    "the api_key of hunter(, stored)? in hexadecimal in the logs",
]


async def measure(cage: Aviary) -> None:
    """Every account is used; then both workers are asked for what they counted.

    Erasures take what was deleted out of the files: an account is made after them.
    """
    await eventually(partial(_erased, cage))
    secret = {"token": cage.canaries["the token of letrics, stored"].text}
    await cage.stage.make(
        "credential_id", {"provider": "letrics", "name": "another", "secret": secret}
    )
    await check_accounts(cage)
    for _ in range(8):
        await cage.stage.send("GET", "/metrics", cage.canaries["the metrics key"].text)


async def _erased(cage: Aviary) -> bool:
    reply = await cage.stage.send("GET", "/v1/admin/erasures", cage.stage.admin)
    return all(one["status"] == "completed" for one in reply.json["data"])


async def test_a_secret_that_is_logged_stored_counted_or_told_is_noticed(tmp_path: Path) -> None:
    found, canaries = await flown(tmp_path, measure, MUTANTS)
    seen = leaks(found, canaries)
    assert [one for one in SEEN if not any(re.fullmatch(one, told) for told in seen)] == []
    assert {one.rpartition(" in ")[2] for one in seen} >= {"the logs", "the answers", "the store"}


def in_base64(text: str, before: str = "", after: str = "") -> str:
    return base64.b64encode(f"{before}{text}{after}".encode()).decode()


WRITTEN: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "in part": lambda text: text[4:-4],
    "in JSON": json.dumps,
    "in a path": quote,
    "in a query": lambda text: quote(text, safe=""),
    "in a form": quote_plus,
    "in a query of small letters": lambda text: re.sub(
        "%..", lambda code: code[0].lower(), quote(text, safe="")
    ),
    "after a name": lambda text: in_base64(text, "user:"),
    "after another name": lambda text: in_base64(text, "user1:"),
    "after a third name": lambda text: in_base64(text, "user12:", ", and more"),
    "in URL-safe base64": lambda text: base64.urlsafe_b64encode(f"<{text}>".encode()).decode(),
    "in hexadecimal": lambda text: f"<{text}>".encode().hex(),
    "in capital hexadecimal": lambda text: text.encode().hex().upper(),
}


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("canary", [made("a key"), master("a master key")], ids=str)
def test_every_way_of_writing_it_is_found(canary: Canary, name: str) -> None:
    corpus = f"before {WRITTEN[name](canary.text)} after".encode()
    assert leaks({"a text": corpus}, [canary])
    assert not leaks({"a text": corpus}, [made("another key"), master("another")])


def test_a_master_key_is_found_by_its_bytes() -> None:
    canary = master("a master key")
    for corpus in (canary.raw, canary.raw.hex().encode(), base64.b64encode(b"k=" + canary.raw)):
        assert leaks({"a file": b"before" + corpus}, [canary])
