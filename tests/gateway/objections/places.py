"""A person in every place of a running gateway where one can be, and a look for what is left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from gateway.store.connection import Store
from providers.simulator.testing import ControlClient
from tests.gateway.lookup.scene import until
from tests.gateway.objections.dump import Dump

DOMAIN = "blue-harbor.example"
ADDRESS = f"ada.lovelace@{DOMAIN}"
PROFILE = "https://www.linkedin.com/in/ada-lovelace-sim0"
ADA = {"full_name": "Ada Lovelace", "domain": DOMAIN}
# None of which may be anywhere once she is erased.
TRACES = (ADDRESS, "ada-lovelace", "lovelace")
SNOV_PUSH = "/v1/add-names-to-find-emails"
# By the words of the erasure's own report.
PLACES = {
    "cache",
    "jobs",
    "idempotency",
    "tickets",
    "questions",
    "labels",
    "deliveries",
    "notices",
    "reasons",
}


@dataclass
class Spread:
    """`client` is an administrator's; the books of `control` say what the providers charged."""

    client: httpx.AsyncClient
    control: ControlClient
    store: Store

    async def everywhere(self) -> None:
        """In all the PLACES, in more than twelve values."""
        await self.lookups()
        await self.lists()
        await self.jobs()
        await self.open_ends()
        await self.words()

    async def lookups(self) -> None:
        """Answers in the cache, replies under idempotency keys, a tag in the ledger."""
        only = {"routing": {"providers": ["hunter"]}}
        await self.post("/v1/emails/find", {**ADA, **only, "tag": "for Ada Lovelace"})
        await self.post("/v1/emails/find?include=raw", {**ADA, **only}, key="find")
        await self.post("/v1/emails/verify", {"email": ADDRESS, **only})
        await self.post("/v1/people/enrich", {"linkedin_url": PROFILE, **only})

    async def lists(self) -> None:
        body = {"domain": DOMAIN, "limit": 5, "routing": {"providers": ["hunter"]}}
        await self.post("/v1/domains/search?include=raw", body, key="list")
        job = {"operation": "domains.search", "items": [{"domain": DOMAIN}]}
        await self.ended(await self.client.post("/v1/jobs", json=job))

    async def jobs(self) -> None:
        spellings = [
            ADA,
            {"full_name": "LOVELACE, ada", "domain": f"https://www.{DOMAIN.upper()}/"},
            {"first_name": "Ada", "last_name": "Lovelace",
             "domain": DOMAIN},
            {"email": ADDRESS, "what": "no question"},
            {"full_name": "Alan Allen", "domain": DOMAIN},
        ]  # fmt: skip
        body = {
            "operation": "emails.find",
            "items": spellings,
            "routing": {"providers": ["hunter"]},
            "metadata": {"for": "Ada Lovelace", "at": DOMAIN},
            "tag": f"{DOMAIN} lovelace ada",
        }
        await self.ended(await self.client.post("/v1/jobs", json=body))
        headers = {"prefer": "respond-async"}
        reply = await self.client.post(
            "/v1/emails/verify", json={"email": ADDRESS}, headers=headers
        )
        await self.ended(reply)

    async def open_ends(self) -> None:
        """A call that nobody knows the end of, and one whose provider takes its time."""
        await self.control.fault("snov", "charge_without_reply", path=SNOV_PUSH, times=1)
        await self.post("/v1/emails/find", {**ADA, "routing": {"providers": ["snov"]}}, ok=False)
        await self.control.put("/latency", {"profile": "zero", "task_seconds": 600})
        body = {**ADA, "routing": {"providers": ["sixtyfour"]}}
        headers = {"prefer": "respond-async"}
        await self.client.post("/v1/emails/find", json=body, headers=headers)
        await until(self._has_ticket)

    async def _has_ticket(self) -> bool:
        return bool((await Dump.of(self.store)).keys_with("task_id"))

    async def words(self) -> None:
        """What others wrote of her, and an event on its way."""
        body = {"email": "someone@else.example", "reason": f"asked together with {ADDRESS}"}
        assert (await self.client.post("/v1/admin/suppressions", json=body)).is_success
        event = f'{{"id":"job_1","index":0,"data":{{"email":"{ADDRESS}"}}}}'
        fields = ("event", "job.item.completed", "team", "default", "data", event)
        # Nobody may be reached at this address: the event waits to be sent again.
        url = ("url", "http://127.0.0.1:9/")
        await self.store.call("XADD", "{pgw}:live:outbox", "*", *fields, *url)
        await until(lambda: self.has(":delivery:"))
        # What is left of old entries: their sums, by their tags.
        who = '["default","","hunter","env-hunter","emails.find","for Ada Lovelace"]'
        await self.store.call("HINCRBY", "{pgw}:live:sums:2026-01-31", f"cost{who}", 5)
        await self.called_back()

    async def has(self, name: str) -> bool:
        """Whether there are such keys."""
        return bool((await Dump.of(self.store)).keys_with(name))

    async def called_back(self) -> None:
        """A provider tells of her in words that are kept for a while."""
        hook = await self.client.post("/v1/admin/credentials/env-snov/hook")
        assert hook.is_success, hook.text
        path = urlsplit(hook.json()["data"]["url"]).path
        reply = await self.client.post(path, json={"what": "unheard of", "email": ADDRESS})
        assert reply.is_success, reply.text

    async def post(self, path: str, body: Any, *, key: str = "", ok: bool = True) -> None:
        headers = {"idempotency-key": key} if key else {}
        reply = await self.client.post(path, json=body, headers=headers)
        assert reply.is_success or not ok, reply.text

    async def ended(self, reply: httpx.Response) -> dict[str, Any]:
        assert reply.status_code == 202, reply.text

        async def finished() -> Any:
            found = (await self.client.get(reply.headers["location"])).json()["data"]
            return found["finished_at"] and found

        found: dict[str, Any] = await until(finished, 30)
        return found

    async def erase(self, person: dict[str, str] | None = None, **more: str) -> dict[str, Any]:
        """The erasure once it has ended."""
        body = {**(person or {}), **more}
        reply = await self.client.post("/v1/admin/erasures", json=body)
        assert reply.status_code == 202, reply.text
        path = f"/v1/admin/erasures/{reply.json()['data']['id']}"

        async def ended() -> Any:
            found = (await self.client.get(path)).json()["data"]
            return found["finished_at"] and found

        found: dict[str, Any] = await until(ended, 60)
        return found


async def left_in(store: Store, traces: Iterable[str] = TRACES) -> dict[str, list[str]]:
    """Keys that hold any of the traces."""
    dump = await Dump.of(store)
    return {trace: keys for trace in traces if (keys := dump.keys_with(trace))}


async def store_folder(store: Store) -> Path:
    return Path((await store.call("CONFIG", "GET", "dir"))[1].decode())


def files_with(folder: Path, traces: Iterable[str] = TRACES) -> dict[str, list[str]]:
    """Files below the folder that hold any of the traces."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            body = path.read_bytes().lower()
            held = [trace for trace in traces if trace.encode() in body]
            if held:
                found[str(path.relative_to(folder))] = held
    return found
