"""Carries events to their receivers: lends deliveries, sends them, and writes what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time

import msgspec

from gateway.guard.receivers import ReceiverRefused
from gateway.jobs.delivery import NotDelivered, Reply, Sender
from gateway.jobs.outbox import SECOND, Delivery, Lent, Outbox, Verdict
from gateway.jobs.payloads import Composer, Writer
from gateway.jobs.signing import headers_of
from gateway.settings import WebhookSettings
from gateway.store.connection import StoreDown
from gateway.telemetry.log import get_logger
from gateway.telemetry.metrics import count_delivery
from gateway.vault.endpoints import EndpointStore
from gateway.vault.sealing import SealBroken

log = get_logger()

# How often the outbox is looked into, in seconds.
LOOK = 0.25
AWAY = 1.0
DRAIN = 5.0
SWIFT = 1.0
# Receivers are not let keep us waiting for longer.
LONGEST_HOLD = 24 * 3600.0
GONE = 410
BUSY = (429, 503)


class Courier:
    """One per process that works on jobs; any number of them share the deliveries."""

    def __init__(
        self,
        outbox: Outbox,
        endpoints: EndpointStore,
        sender: Sender,
        *,
        composer: Composer,
        writer: Writer,
        settings: WebhookSettings,
    ):
        self._outbox = outbox
        self._endpoints = endpoints
        self._sender = sender
        self.composer = composer
        self._writer = writer
        self._settings = settings
        self._running: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self._loop = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Let what is under way come to its end; what does not is taken over."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.gather(self._loop, return_exceptions=True)
        if self._running:
            await asyncio.wait(self._running, timeout=DRAIN)
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._sender.close()

    async def _run(self) -> None:
        while True:
            wait = AWAY
            try:
                wait = await self._step()
            except StoreDown:
                log.debug("webhook.postponed")
            except Exception as error:  # noqa: BLE001 - one broken row must not stop the others
                log.error("webhook.unreadable", error=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._ended.wait()

    async def _step(self) -> float:
        """Take what is there; seconds until there may be more."""
        self._ended.clear()
        rows = await self._outbox.fan_out()
        free = self._settings.at_once - len(self._running)
        if free <= 0:
            return LOOK
        lent, wait = await self._outbox.claim(free)
        for one in lent:
            task = asyncio.create_task(self._carry(one))
            self._running.add(task)
            task.add_done_callback(self._dropped)
        if rows:
            return 0.0
        return LOOK if wait is None else min(LOOK, wait)

    def _dropped(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._ended.set()
        if not task.cancelled() and task.exception() is not None:
            # Its lease runs out, and it is tried again.
            log.error("webhook.crashed", error=type(task.exception()).__name__)

    async def _carry(self, lent: Lent) -> None:
        began = time.monotonic()
        until = began + self._outbox.lease
        try:
            delivery = await self._outbox.load(lent.id)
            if delivery is None:
                return
            verdict = await self._attempt(delivery)
        except StoreDown:
            # Nothing was sent; its lease runs out while the store is away, or after.
            log.debug("webhook.postponed")
            return
        elapsed = time.monotonic() - began
        verdict.swift = verdict.state == "delivered" and elapsed < SWIFT
        if await self._write(lent, verdict, until):
            _tell(delivery, verdict, elapsed)

    async def _write(self, lent: Lent, verdict: Verdict, until: float) -> bool:
        """Again and again while the store is away: a result that is lost is sent twice."""
        while True:
            try:
                return await self._outbox.end(lent, verdict)
            except StoreDown:
                if time.monotonic() > until:
                    return False
                await asyncio.sleep(AWAY / 2)

    async def _attempt(self, delivery: Delivery) -> Verdict:
        """Raises StoreDown."""
        try:
            return await self._send(delivery)
        except (NotDelivered, ReceiverRefused) as failure:
            return self._put_off(delivery, failure.reason)
        except SealBroken:
            return self._put_off(delivery, "secret_unreadable")
        except StoreDown:
            raise
        except Exception as error:  # noqa: BLE001 - one broken row must not be tried for ever
            log.error("webhook.crashed", delivery=delivery.id, error=type(error).__name__)
            return self._put_off(delivery, "internal_error")

    async def _send(self, delivery: Delivery) -> Verdict:
        """Send it, unless there is a reason not to."""
        kept = msgspec.json.decode(delivery.data)
        data = await self.composer.compose(delivery.event, delivery.team, kept)
        if data is None:
            return Verdict(state="withheld", error="suppressed")
        url = delivery.url or await self._url_of(delivery.owner)
        if url is None:
            return Verdict(state="failed", error="endpoint_deleted")
        body = self._writer.write(delivery.event, delivery.at, data)
        secrets = await self._endpoints.secrets(delivery.owner)
        if not secrets:
            # It was deleted just now: nobody could tell whose message it is.
            return Verdict(state="failed", error="endpoint_deleted")
        headers = headers_of(delivery.id, int(time.time()), body, secrets)
        return self._judge(delivery, await self._sender.post(url, headers, body))

    async def _url_of(self, owner: str) -> str | None:
        endpoint = await self._endpoints.get(owner)
        return None if endpoint is None else endpoint.url

    def _judge(self, delivery: Delivery, reply: Reply) -> Verdict:
        status = reply.status
        if 200 <= status < 300:
            return Verdict(state="delivered", status=status)
        if status == GONE:
            gone = not delivery.url
            return Verdict(state="failed", error="gone", status=status, gone=gone)
        return self._put_off(delivery, _reason(status), status, reply.retry_after)

    def _put_off(
        self, delivery: Delivery, reason: str, status: int = 0, retry_after: float | None = None
    ) -> Verdict:
        """The next attempt is when the schedule says so, never before the receiver does."""
        retries = self._settings.retries
        if delivery.failures >= len(retries):
            return Verdict(state="failed", error=reason, status=status)
        asked = min(retry_after or 0.0, LONGEST_HOLD)
        wait = max(retries[delivery.failures] * random.uniform(0.9, 1.1), asked)
        hold = asked if status in BUSY else 0.0
        return Verdict(
            state="pending",
            error=reason,
            status=status,
            wait=round(wait * SECOND),
            hold=round(hold * SECOND),
        )


def _reason(status: int) -> str:
    if status < 400:
        return "redirected" if status >= 300 else "broken_reply"
    if status in BUSY:
        return "busy"
    return "refused" if status < 500 else "receiver_failed"


def _tell(delivery: Delivery, verdict: Verdict, elapsed: float) -> None:
    count_delivery(delivery.event, verdict.state, elapsed)
    told = {"delivery": delivery.id, "endpoint": delivery.owner, "error": verdict.error}
    match verdict.state:
        case "delivered":
            log.debug("webhook.delivered", delivery=delivery.id, endpoint=delivery.owner)
        case "pending":
            log.info("webhook.put_off", attempts=delivery.attempts, **told)
        case "failed":
            log.warning("webhook.given_up", attempts=delivery.attempts, **told)
        case "withheld":
            log.info("webhook.withheld", **told)
    if verdict.gone:
        log.warning("webhook.endpoint_disabled", endpoint=delivery.owner)
