"""Two teams of one gateway with something of everything, and requests about either's things."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import aiohttp

from tests.gateway.api.route_table import TABLE, Entry, Side
from tests.gateway.conftest import ADMIN_KEY, SECRETS

SIDES = ("ours", "theirs", "nobody")
PLACES = {
    "team_id": "/v1/admin/teams",
    "key_id": "/v1/admin/keys",
    "credential_id": "/v1/admin/credentials",
    "endpoint_id": "/v1/webhook-endpoints",
    "suppression_id": "/v1/admin/suppressions",
}
RECEIVER = {"url": "https://receiver.example/events", "events": ["budget.threshold"]}
# The last is the one that is asked about.
ACCOUNTS = {"ours": ("hunter", "snov"), "theirs": ("hunter", "snov", "sixtyfour")}
SEARCHES = ("/v1/domains/search", "/v1/contacts/search", "/v1/companies/search")
EVERYWHERE = {"domain": "blue-harbor.example", "operation": "emails.find"}
KINDS = ("job_id", "entry_id", "erasure_id", *PLACES)
NOBODY = {name: f"{name}-of-nobody" for name in KINDS}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """None if it is none; read when it is asked for, as most answers are only refusals."""
        return json.loads(self.text) if "json" in self.headers.get("content-type", "") else None


@dataclass
class Stage:
    """`session` sends; `keys` are the texts of each side's key, `replies` what was answered.

    `secrets` are those of the accounts, by provider.
    """

    session: aiohttp.ClientSession
    admin: str
    secrets: Mapping[str, Mapping[str, str]]
    replies: list[Answer] = field(default_factory=list)
    sides: dict[str, Side] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    async def send(self, method: str, path: str, key: str | None = None, **more: Any) -> Answer:
        headers = {**more.pop("headers", {})}
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        async with self.session.request(method, path, headers=headers, **more) as reply:
            text = await reply.text()
            self.replies.append(Answer(reply.status, reply.headers, text))
            return self.replies[-1]

    async def make(
        self, kind: str, body: Mapping[str, Any], key: str | None = None
    ) -> dict[str, Any]:
        """What a new object's maker is told: the administrator, unless `key` says otherwise."""
        reply = await self.send("POST", PLACES[kind], key or self.admin, json=body)
        assert reply.status == 201, reply.text
        made: dict[str, Any] = reply.json["data"]
        return made

    async def ask(
        self, label: str, side: Side, key: str | None, *, caller: str = "ours", **members: Any
    ) -> Answer:
        """The route of `label`, about `side`'s object; `members` are added to its body."""
        method, path = label.split()
        entry = TABLE[label]
        names = {**EVERYWHERE, **side.ids, **entry.names}
        headers = {"x-request-id": f"{caller}-{next(self.numbers)}"}
        if entry.repeats and side.name != "nobody":
            headers["idempotency-key"] = f"repeat of {side.name}"
        more: dict[str, Any] = {"params": dict(entry.query(side)), "headers": headers}
        if entry.body is not None:
            places = ("/admin/", "/providers/")
            tagged = entry.tagged and not any(place in path for place in places)
            tag = {"tag": caller} if tagged else {}
            more["json"] = {**entry.body(side), **tag, **members}
        return await self.send(method, path.format(**names), key, **more)

    async def spend(self, entry: Entry, side: Side) -> Side:
        """The side with a new object of the kind that the route uses up."""
        if not entry.fresh or side.name == "nobody":
            return side
        if entry.fresh == "team_id":
            if side.name == "ours":
                return side
            made = await self.make("team_id", {"name": f"a team to go {next(self.numbers)}"})
        elif entry.fresh == "endpoint_id":
            if side.name == "theirs":
                return side
            made = await self.make(entry.fresh, RECEIVER, self.keys[side.name])
        else:
            made = await self.make(entry.fresh, self.of_team(entry.fresh, side.ids["team_id"]))
            if entry.hooked:
                await self.hook(made["id"])
        return Side(side.name, {**side.ids, entry.fresh: made["id"]}, side.cursors, side.marks)

    def of_team(self, kind: str, team: str, provider: str = "hunter") -> dict[str, Any]:
        """What makes a key or an account of the team's own."""
        if kind == "key_id":
            return {"name": "k", "scopes": ["usage"], "team_id": team}
        if kind == "suppression_id":
            return {"email": f"left.alone.{next(self.numbers)}@gone.example"}
        name = f"{next(self.numbers)} of {team}"
        named = {"provider": provider, "name": name, "secret": self.secrets[provider]}
        return {**named, "team_ids": [team]}

    async def hook(self, credential: str) -> None:
        """Give the account's provider an address to call."""
        path = f"{PLACES['credential_id']}/{credential}/hook"
        reply = await self.send("POST", path, self.admin)
        assert reply.status == 201, reply.text

    async def undo(self, entry: Entry, reply: Answer) -> None:
        if entry.made and reply.status == 201:
            path = f"{PLACES[entry.made]}/{reply.json['data']['id']}"
            key = self.keys["ours"] if entry.made == "endpoint_id" else self.admin
            assert (await self.send("DELETE", path, key)).status == 204


@asynccontextmanager
async def two_teams(
    url: str, *, admin: str = ADMIN_KEY, secrets: Mapping[str, Mapping[str, str]] = SECRETS
) -> AsyncIterator[Stage]:
    """Each has accounts of its own, theirs alone one at Sixtyfour; that at Letrics is for all."""
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(url, timeout=timeout) as session:
        stage = Stage(session, admin, secrets)
        shared = {"provider": "letrics", "name": "all", "secret": secrets["letrics"]}
        await stage.make("credential_id", shared)
        for name in ("ours", "theirs"):
            stage.sides[name] = await _side(stage, name)
        stage.sides["nobody"] = Side("nobody", {**NOBODY, "name": "nobody"})
        yield stage


async def _side(stage: Stage, name: str) -> Side:
    team = (await stage.make("team_id", {"name": name}))["id"]
    scopes = ["lookup", "jobs", "usage", "admin", "accounts:read", "accounts:write"]
    key = await stage.make("key_id", {"name": name, "scopes": scopes, "team_id": team})
    stage.keys[name] = key["key"]
    made = {}
    for provider in ACCOUNTS[name]:
        made = await stage.make("credential_id", stage.of_team("credential_id", team, provider))
    await stage.hook(made["id"])
    endpoint = (await stage.make("endpoint_id", RECEIVER, key["key"]))["id"]
    own = ACCOUNTS[name][-1]
    ids = {"team_id": team, "key_id": key["id"], "credential_id": made["id"], "name": own}
    ids["endpoint_id"] = endpoint
    alone = stage.of_team("suppression_id", team)
    ids["suppression_id"] = (await stage.make("suppression_id", alone))["id"]
    erased = await stage.send("POST", "/v1/admin/erasures", stage.admin, json=alone)
    ids["erasure_id"] = erased.json["data"]["id"]
    side = Side(name, ids, marks={name, team, key["id"], made["id"], endpoint})
    await _live(stage, side)
    return side


async def _live(stage: Stage, side: Side) -> None:
    """Look up everything once, search on, and leave two jobs behind."""
    key = stage.keys[side.name]
    for label, entry in TABLE.items():
        if "/admin/" not in label and label.startswith("POST /v1/") and not entry.settled:
            reply = await stage.ask(label, side, key, caller=side.name)
            assert reply.status == entry.answers[2], reply.text
            if reply.json.get("meta", {}).get("next_cursor"):
                side.cursors[label.split()[1]] = reply.json["meta"]["next_cursor"]
    assert set(side.cursors) == set(SEARCHES)
    for _ in range(2):
        headers = {"prefer": "respond-async", "x-request-id": f"{side.name}-job"}
        body = {"domain": "blue-harbor.example", "tag": side.name, "limit": 1}
        path = "/v1/domains/search"
        reply = await stage.send("POST", path, key, json=body, headers=headers)
        assert reply.status == 202, reply.text
        side.ids["job_id"] = reply.json["data"]["id"]
        side.marks.add(side.ids["job_id"])
    entries = await stage.send("GET", f"/v1/admin/ledger?team={side.ids['team_id']}", stage.admin)
    side.ids["entry_id"] = next(one["id"] for one in entries.json["data"] if one["closed_at"])
    listed = await stage.send("GET", "/v1/jobs?limit=1", key)
    side.cursors["/v1/jobs"] = listed.json["meta"]["next_cursor"]
