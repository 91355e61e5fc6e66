"""Whoever objected is asked about nowhere, by no process, in no spelling; erased, is nowhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.gates.conftest import Campaign
from tests.gates.fleet import Fleet, fleet
from tests.gateway.money.books import audit
from tests.gateway.objections.places import (
    ADA,
    ADDRESS,
    DOMAIN,
    PROFILE,
    TRACES,
    Spread,
    files_with,
    left_in,
    store_folder,
)
from tests.gateway.supervisor.processes import ADMIN_KEY, until

GATEWAYS = 4
PROVIDERS = ("hunter", "snov", "sixtyfour", "letrics")
KNOWN_WITHIN, ERASED_WITHIN = 0.1, 60.0
FIND, VERIFY, PERSON = "/v1/emails/find", "/v1/emails/verify", "/v1/people/enrich"
Spellings = list[tuple[str, dict[str, Any]]]
SPELLINGS: Spellings = [
    (VERIFY, {"email": ADDRESS}),
    (VERIFY, {"email": ADDRESS.upper()}),
    (VERIFY, {"email": f"Ada.Lovelace+news@{DOMAIN}"}),
    (VERIFY, {"email": f"ada.lovelace+a+b@{DOMAIN.title()}"}),
    (PERSON, {"email": f"ADA.lovelace@{DOMAIN}"}),
    (PERSON, {"email": f"ada.lovelace+x@{DOMAIN}"}),
    (PERSON, {"linkedin_url": PROFILE}),
    (PERSON, {"linkedin_url": f"{PROFILE}/?trk=x"}),
    (PERSON, {"linkedin_url": PROFILE.replace("https://www.", "http://uk.")}),
    (PERSON, {"linkedin_url": PROFILE.replace("ada-l", "Ada-L")}),
    (PERSON, {"email": f"ADA.LOVELACE+1+2@{DOMAIN}"}),
    (VERIFY, {"email": f"ada.lovelace+@{DOMAIN.upper()}"}),
    (FIND, {"linkedin_url": PROFILE}),
    (FIND, {"linkedin_url": f"{PROFILE}/"}),
    (FIND, {"linkedin_url": f"{PROFILE}?utm_source=x#top"}),
    (FIND, {"linkedin_url": PROFILE.removeprefix("https://")}),
    (FIND, {"linkedin_url": PROFILE.removeprefix("https://www.")}),
    (FIND, {"linkedin_url": PROFILE.replace("https://www.", "https://de.")}),
    (FIND, {"linkedin_url": PROFILE.replace("https", "HTTP")}),
    (FIND, {"linkedin_url": PROFILE.replace("lovelace", "LOVELACE")}),
]
assert len(SPELLINGS) == 20
# Names are no identifiers that can be listed: what a provider answers is withheld, and remembered.
NAMES: Spellings = [
    (FIND, ADA),
    (FIND, {"full_name": "ADA LOVELACE", "domain": DOMAIN}),
    (FIND, {"full_name": "LOVELACE, Ada", "domain": DOMAIN}),
    (FIND, {"full_name": "Áda  Lovelace", "domain": f"https://www.{DOMAIN}/about"}),
    (FIND, {"first_name": "ada", "last_name": "LOVELACE", "domain": DOMAIN.upper()}),
]
ROUTES: list[dict[str, Any]] = [
    *({"providers": [name]} for name in PROVIDERS),
    {},
    {"max_age": 0},
]
OPERATIONS = {FIND: "emails.find", VERIFY: "emails.verify", PERSON: "people.enrich"}


class Site:
    def __init__(self, made: Fleet, folder: Path):
        self.made = made
        self.folder = folder

    async def sent(self) -> int:
        """Requests that any provider has seen, signing in left out."""
        counts = (await self.made.control.get("/requests"))["counts"]
        routes = [item for found in counts.values() for item in found.items()]
        return sum(number for route, number in routes if "oauth" not in route)

    async def suppress(self, at: int, **identifier: str) -> float:
        """When it was said."""
        client = self.made.gateways[at].client
        reply = await client.post("/v1/admin/suppressions", json=identifier)
        assert reply.status_code in (200, 201), reply.text
        return time.monotonic()

    async def buy(self) -> None:
        """Answers of everybody who has one, for the cache."""
        for path, body in SPELLINGS + NAMES:
            await self.made.post(0, path, body)

    async def native(self, at: int, target: str, body: Any = None) -> int:
        url = f"{self.made.gateways[at % len(self.made.gateways)].url}/native/{target}"
        headers = {"authorization": f"Bearer {ADMIN_KEY}"}
        method = "GET" if body is None else "POST"
        async with self.made.session.request(method, url, headers=headers, json=body) as reply:
            return reply.status


@asynccontextmanager
async def scene(folder: Path, code: str = "", size: int = GATEWAYS) -> AsyncIterator[Site]:
    async with fleet(
        folder,
        size=size,
        code=code,
        people=400,
        providers=PROVIDERS,
        GATEWAY_PUBLIC_URL="https://gateway.example",
    ) as made:
        await made.control.put("/latency", {"profile": "zero"})
        yield Site(made, folder)


async def assert_nobody_asks(site: Site) -> str:
    """Every spelling, by every provider, from the cache and not, in bulk and natively."""
    await site.buy()
    said = await site.suppress(0, email=ADDRESS)
    everywhere = range(len(site.made.gateways))
    calls = (site.made.post(at, VERIFY, {"email": ADDRESS}) for at in everywhere)
    known = await asyncio.gather(*calls)
    assert {one.status for one in known} == {451}, "not known everywhere"
    delay = max(one.ended for one in known) - said
    assert max(one.began for one in known) - said <= KNOWN_WITHIN
    await site.suppress(1, linkedin_url=PROFILE)
    refused = await assert_lookups_refused(site, NAMES)
    before = await site.sent()
    refused += await assert_lookups_refused(site, SPELLINGS)
    refused += await assert_lookups_refused(site, NAMES) + await assert_jobs_refused(site)
    refused += await assert_native_refused(site)
    asked = await site.sent() - before
    assert not asked, f"{asked} provider calls"
    return f"{refused} requests refused, known everywhere after {delay * 1000:.0f} ms"


async def assert_lookups_refused(site: Site, spellings: Spellings) -> int:
    asked = [
        (path, {**body, "routing": routing}) for path, body in spellings for routing in ROUTES
    ]
    calls = (site.made.post(at, *one) for at, one in enumerate(asked))
    for one, heard in zip(asked, await asyncio.gather(*calls), strict=True):
        # Who offers no such operation says so, and nothing else.
        unsupported = "providers" in one[1]["routing"] and heard.status == 422
        assert heard.status == 451 or unsupported, f"{one}: {heard.status} {heard.body}"
        assert not heard.body.get("data"), one
    return len(asked)


async def assert_jobs_refused(site: Site) -> int:
    client, rows = site.made.gateways[-1].client, 0
    for path, operation in OPERATIONS.items():
        items = [body for at, body in SPELLINGS if at == path]
        reply = await client.post("/v1/jobs", json={"operation": operation, "items": items})
        job = reply.headers["location"]

        async def is_over(job: str = job) -> bool:
            found = (await client.get(job)).json()["data"]
            return bool(found["finished_at"])

        await until(is_over, 30, "the job's end")
        results = (await client.get(f"{job}/results")).json()["data"]
        assert len(results) == len(items)
        assert {(row["data"], row["error"]["code"]) for row in results} == {(None, "suppressed")}
        rows += len(results)
    return rows


async def assert_native_refused(site: Site) -> int:
    carried = [
        f"{name}={quote(str(body[name]))}"
        for _, body in SPELLINGS
        for name in ("email", "linkedin_url")
        if name in body
    ]
    number = 0
    for provider in PROVIDERS:
        for query in carried:
            status = await site.native(number, f"{provider}/email-verifier?{query}")
            assert status == 451, f"{provider} {query}: {status}"
            number += 1
        for _, body in SPELLINGS:
            status = await site.native(number, f"{provider}/x", {"rows": [body]})
            assert status == 451, f"{provider} {body}: {status}"
            number += 1
    return number


async def assert_erased(site: Site, within: float = ERASED_WITHIN) -> str:
    """From every place of the store, its files, the gateways' files and their logs."""
    store, client = site.made.store, site.made.gateways[0].client
    spread = Spread(client, site.made.control, store)
    await spread.everywhere()
    held = {key for keys in (await left_in(store)).values() for key in keys}
    assert len(held) >= 12
    query = {"group_by": "provider,operation"}
    spent = (await client.get("/v1/admin/ledger/summary", params=query)).json()["data"]
    began = time.monotonic()
    found = await spread.erase(email=ADDRESS)
    assert (found["status"], found["left"]) == ("completed", {})
    folder = await store_folder(store)
    left = await left_in(store)
    assert not left, f"left in the store: {left}"
    await until(lambda: not files_with(folder), within, "files of the store")
    seconds = time.monotonic() - began
    assert seconds <= within
    for served in site.made.gateways:
        logged = [trace for trace in TRACES if trace in served.log.lower()]
        assert not logged, logged
    data = site.folder / "data"
    assert not files_with(data), files_with(data)
    after = (await client.get("/v1/admin/ledger/summary", params=query)).json()["data"]
    assert after == spent
    await audit(store)
    return f"erased from {len(held)} values in {seconds:.1f} s"


@pytest.mark.timeout(300)
async def test_an_objection_holds_everywhere(tmp_path: Path, campaign: Campaign) -> None:
    async with scene(tmp_path) as site:
        campaign.tell(f"objections: {await assert_nobody_asks(site)}")


@pytest.mark.timeout(300)
async def test_who_was_erased_is_nowhere(tmp_path: Path, campaign: Campaign) -> None:
    async with scene(tmp_path, size=2) as site:
        campaign.tell(f"erasures: {await assert_erased(site)}")


# The store keeps its old files, and another mailbox of an address is somebody else.
NARROW = """
import gateway.guard.suppression as s, gateway.store.rewriting as r
async def append_only(store, beat): return "rewritten"
r._append_only = append_only
s.fold_tag = lambda email: email
"""


async def test_a_file_and_a_spelling_left_out_are_noticed(tmp_path: Path) -> None:
    async with scene(tmp_path, NARROW, size=2) as site:
        with pytest.raises(AssertionError, match="files of the store"):
            await assert_erased(site, within=3.0)
        await site.made.control.put("/latency", {"profile": "zero"})
        with pytest.raises(AssertionError, match=r"lovelace\+"):
            await assert_nobody_asks(site)
