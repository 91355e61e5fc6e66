"""Messages of providers, taken in: hints to whoever waits for a task, events for teams."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec

from gateway.jobs.queue import Queue
from gateway.lookup.market import Market
from gateway.store.connection import Store
from gateway.store.script import Script
from gateway.telemetry.log import get_logger
from gateway.telemetry.metrics import count_notice
from gateway.vault.hooks import Hook, HookStore
from gateway.vault.roster import Roster
from gateway.vault.sealing import SealBroken, Sealer
from providers.notices import CampaignEvent, Notice
from providers.registry import READERS

log = get_logger()

DAY = 24 * 3600 * 1000
# Longer than any provider goes on repeating a message: Snov.io stops after 38 hours.
REMEMBERED = 3 * DAY
MOST_KEPT = 1000
LONGEST_KEPT = 32 * 1024
MOST_TASKS = 100


class UnknownHook(Exception):
    """No address of ours; which of its parts is wrong nobody is told."""


class Forged(Exception):
    """Not signed by whom it says it is from, or too long ago."""


class Reception:
    """What comes in is never an answer and never money: whoever waits asks the provider.

    Every method raises StoreDown.
    """

    def __init__(
        self,
        store: Store,
        root: str,
        hooks: HookStore,
        *,
        sealer: Sealer,
        market: Market,
        roster: Roster,
        queue: Queue,
    ):
        self._store = store
        self._root = root
        self._hooks = hooks
        self._sealer = sealer
        self._market = market
        self._roster = roster
        self._queue = queue
        self._receive = Script.load("receive_notice")

    async def receive(
        self, provider: str, token: str, headers: Mapping[str, str], body: bytes
    ) -> None:
        """Raises UnknownHook, Forged, SealBroken."""
        hook = await self._hooks.find(provider, token)
        if hook is None or self._market.credential(hook.credential) is None:
            raise UnknownHook
        reader = READERS[provider]
        if hook.signed and reader.verify is not None:
            secrets = await self._hooks.secrets(hook.credential)
            if not reader.verify(headers, body, secrets, time.time()):
                count_notice(provider, "forged")
                log.warning("notice.forged", provider=provider, credential=hook.credential)
                raise Forged
        notice = reader.read(headers, body)
        await asyncio.gather(*(self._hint(task) for task in notice.tasks[:MOST_TASKS]))
        result = "hint" if notice.tasks else "unread"
        if not notice.tasks or notice.events:
            result = await self._keep(hook, notice, body) or result
        count_notice(provider, result)
        log.info("notice.received", provider=provider, credential=hook.credential, result=result)

    async def _hint(self, task: str) -> None:
        """To those who wait first: who takes an item that was laid aside must have heard of it."""
        await self._store.call("PUBLISH", f"{self._root}hints", task)
        await self._queue.hint(task)

    async def _keep(self, hook: Hook, notice: Notice, body: bytes) -> str:
        credential = self._market.credential(hook.credential)
        assert credential is not None
        mark = hashlib.sha256(f"{hook.credential} {notice.id}".encode()).hexdigest()
        events = [
            _to_data(hook, f"{mark[:24]}-{at}", event) for at, event in enumerate(notice.events)
        ]
        teams = [one.id for one in await self._roster.teams() if credential.serves(one.id)]
        sealed = self._sealer.seal(body[:LONGEST_KEPT], place=_place(self._root, hook.credential))
        args: list[str | bytes | int] = [hook.credential, mark, REMEMBERED, sealed, MOST_KEPT, DAY]
        args += [len(events), *events, *teams]
        if not await self._store.run(self._receive, [self._root], args):
            return "repeated"
        return "event" if events else ""

    async def kept(self, credential: str, limit: int) -> AsyncIterator[tuple[int, bytes]]:
        """When (ms) and what came of late that was no hint, newest first, for a day."""
        place = _place(self._root, credential)
        rows = await self._store.call("XREVRANGE", place, "+", "-", "COUNT", limit)
        for name, (_, sealed) in rows:
            try:
                yield int(name.partition(b"-")[0]), self._sealer.open(sealed, place=place)
            except SealBroken:
                log.error("vault.unreadable", row=place)

    async def forget(self, credential: str) -> bool:
        """Its addresses end, and what came for it goes; False if it had none."""
        await self._store.call("DEL", _place(self._root, credential))
        return await self._hooks.delete(credential)


def _place(root: str, credential: str) -> str:
    return f"{root}notices:{credential}"


def _to_data(hook: Hook, name: str, event: CampaignEvent) -> bytes:
    data: dict[str, Any] = {"id": name, "provider": hook.provider, "credential": hook.credential}
    return msgspec.json.encode(data | msgspec.to_builtins(event))
