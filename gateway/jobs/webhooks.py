"""What one process holds of webhooks, out and in."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from gateway.guard.receivers import Receivers
from gateway.jobs.courier import Courier
from gateway.jobs.delivery import Sender
from gateway.jobs.outbox import Outbox
from gateway.jobs.payloads import Composer, Withholder, Writer
from gateway.jobs.queue import Queue
from gateway.jobs.reception import Reception
from gateway.lookup.desk import Desk
from gateway.vault.endpoints import EndpointStore
from gateway.vault.hooks import HookStore
from gateway.vault.roster import Roster
from gateway.vault.sealing import Sealer


class Webhooks:
    """Nothing is sent before the courier is opened."""

    def __init__(self, desk: Desk, sealer: Sealer, roster: Roster, queue: Queue):
        settings, store, root = desk.settings, desk.store, desk.root
        self.receivers = Receivers(settings.webhook_allow_cidrs)
        self.endpoints = EndpointStore(store, sealer, root)
        self.outbox = Outbox(store, root, settings.webhooks)
        self.courier = Courier(
            self.outbox,
            self.endpoints,
            Sender(self.receivers, timeout=settings.webhooks.timeout),
            composer=Composer(queue, Withholder(store, root, lambda: desk.data_key.value)),
            writer=Writer(settings.currency, ZoneInfo(settings.timezone)),
            settings=settings.webhooks,
        )
        self.hooks = HookStore(store, sealer, root)
        self.reception = Reception(
            store,
            root,
            self.hooks,
            sealer=sealer,
            market=desk.market,
            roster=roster,
            queue=queue,
        )
