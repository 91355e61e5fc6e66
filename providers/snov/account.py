"""One account at Snov.io: its sign-in, its refusals, and the tasks of the v2 methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from msgspec import Raw

from providers.base import Account, Adapter, AsyncTransport, Auth, Reply, glance
from providers.batches import Replies
from providers.errors import InvalidQuery, OutOfCredits, ProviderError, RateLimited, TaskFailed
from providers.model import Ticket
from providers.signin import ClientCredentials
from providers.snov.wire import BalanceReply, Refused, Started, TaskReply

# Snov.io has no codes: out of credits is a 400, throttling a 200 or a 400, told apart by prose.
TEXTS: tuple[tuple[str, type[ProviderError]], ...] = (
    ("ran out of credits", OutOfCredits),
    ("not enough credits", OutOfCredits),
    ("too many prospects processing", RateLimited),
    ("too many requests", RateLimited),
)
# So is a person whom it does not know: with `success` true or false, in `message` or `result`.
MISS = "couldn't find profile"


class SnovAccount(Adapter):
    name = "snov"
    title = "Snov.io"
    base_url = "https://api.snov.io"
    secret_fields = ("client_id", "client_secret")

    def __init__(self, account: Account, transport: AsyncTransport):
        super().__init__(account, transport)
        self._replies = Replies[Reply[TaskReply]]()

    def sign_in(self, secret: Mapping[str, str]) -> Auth:
        url = self.account.base_url + "/v1/oauth/access_token"
        return ClientCredentials(url, {name: secret[name] for name in self.secret_fields})

    async def reading(self) -> Mapping[str, float]:
        reply = await self.call("GET", "/v1/get-balance", BalanceReply)
        return {"credit": -reply.value.data.balance}

    async def balance(self) -> Mapping[str, float]:
        reply = await self.call("GET", "/v1/get-balance", BalanceReply)
        if reply.value.data.balance <= 0:
            raise OutOfCredits("no credits are left")
        return {"credits": reply.value.data.balance}

    def classify(self, status: int, body: bytes) -> type[ProviderError] | None:
        refused = glance(body, Refused)
        if refused is None or (status < 400 and refused.success):
            return None
        told = _told(refused)
        for text, error in TEXTS:
            if text in told:
                return error
        is_miss = refused.status is not None or MISS in told
        return InvalidQuery if status < 400 and not is_miss else None

    @property
    def is_v2(self) -> bool:
        return self.account.options.get("finder") == "v2"

    @property
    def callback(self) -> dict[str, str]:
        """What a task is started with to be told of its end; what is said there is only a hint."""
        found = self.account.options.get("webhook_url")
        return {"webhook_url": found} if found else {}

    async def start(self, family: str, json: Mapping[str, Any]) -> Ticket:
        """Begin a task of the newer family, which hands its hash over in `data`."""
        told = {**json, **self.callback}
        reply = await self.call("POST", family + "/start", Started, json=told)
        return Ticket(state={"family": family, "task_hash": reply.value.data.task_hash})

    async def task(self, ticket: Ticket) -> Reply[Raw] | Ticket:
        """What has come of a task of the newer family, or its ticket.

        One of many is read once for all who wait for it.
        """
        name = ticket.state["task_hash"]

        async def ask() -> Reply[TaskReply]:
            path = ticket.state["family"] + "/result"
            return await self.call("GET", path, TaskReply, params={"task_hash": name})

        is_shared = "at" in ticket.state
        reply = await (self._replies.read(name, ask, _is_over) if is_shared else ask())
        if not is_done(reply.value):
            return ticket
        return Reply(reply.value.data, reply.body, reply.status, reply.headers)


def _is_over(reply: Reply[TaskReply]) -> bool:
    return reply.value.status.lower().replace(" ", "_") != "in_progress"


def segment(text: str) -> str:
    return quote(text, safe="")


def _told(refused: Refused) -> str:
    return str((refused.errors, refused.message, refused.result)).lower().replace("\u2019", "'")


def is_miss(body: bytes) -> bool:
    """Whether Snov.io says that it has nobody like this."""
    refused = glance(body, Refused)
    return refused is not None and MISS in _told(refused)


def is_done(task: TaskReply) -> bool:
    """Only what is known to be final ends the polling. Raises OutOfCredits, TaskFailed."""
    word = task.status.lower().replace(" ", "_")
    if word == "not_enough_credits":
        raise OutOfCredits("the task ended without credits")
    if word in ("failed", "error"):
        raise TaskFailed("the task failed", uncertain=True)
    return word in ("completed", "complete")
