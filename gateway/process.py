"""What one process holds: its store, its desk, its records, opened and closed together."""

from __future__ import annotations

import asyncio

from gateway.jobs.carrying import Conclude
from gateway.jobs.engine import Engine
from gateway.jobs.eraser import Eraser
from gateway.jobs.erasures import Erasures
from gateway.jobs.items import Items
from gateway.jobs.queue import Queue
from gateway.jobs.reconciler import Reconciler
from gateway.jobs.webhooks import Webhooks
from gateway.lookup.desk import Desk
from gateway.lookup.market import Market
from gateway.lookup.spool import FOLDER as SPOOL
from gateway.lookup.spool import Spool
from gateway.money.budgets import put_limits
from gateway.money.journal import FOLDER, Journal
from gateway.money.ledger import DAY, LIVE, PROCESS, SANDBOX
from gateway.money.restoration import Restorer
from gateway.money.witness import identify, last_seen, reach_of
from gateway.settings import Settings
from gateway.store.connection import Store
from gateway.vault.audit import AuditTrail
from gateway.vault.authentication import Authenticator
from gateway.vault.bench import Bench
from gateway.vault.credentials import Credential, CredentialStore
from gateway.vault.datakey import DataKey
from gateway.vault.resealing import Resealer
from gateway.vault.roster import DEFAULT_TEAM, Roster, Team, timestamp
from gateway.vault.sealing import Sealer
from gateway.vault.tokens import TokenShelf
from providers.transport import Transport

DRAIN = 3.0


class Process:
    """Built from complete settings; nothing is connected before `open`."""

    def __init__(self, settings: Settings):
        if settings.store_url is None or not settings.master_keys:
            raise ValueError("settings without a store or a master key; the supervisor adds them")
        self.settings = settings
        self.sandbox = bool(settings.sandbox)
        self.root = SANDBOX if self.sandbox else LIVE
        self.store = Store(
            settings.store_url,
            timeout=settings.store_timeout_ms / 1000,
            test_clock=settings.test_clock,
            pool=4,
        )
        self.sealer = Sealer([key.decode() for key in settings.master_keys])
        self.kept = CredentialStore(self.store, self.sealer, settings.providers)
        self.roster = Roster(self.store)
        self.audit = AuditTrail(self.store, keep=settings.retention.audit_days * DAY)
        admin_key = settings.admin_key.reveal() if settings.admin_key else None
        self.authenticator = Authenticator(self.roster, admin_key)
        self.transport = Transport()
        self.data_key = DataKey()
        self.journal = Journal(settings.data_dir / FOLDER, root=self.root, process=PROCESS)
        place = settings.data_dir / SPOOL / ("sandbox" if self.sandbox else "live")
        self.spool = Spool(place, self.sealer)
        self.desk = self._desk()
        self.restorer = Restorer(self.desk.ledger, self.journal.folder)
        self.reconciler = Reconciler(self.desk, self.restorer)
        self._tasks: list[asyncio.Task[None]] = []
        kept = settings.retention
        self.jobs = Queue(self.store, self.root, keep_days=kept.job_results_days)
        self.webhooks = Webhooks(self.desk, self.sealer, self.roster, self.jobs)
        self.erasures = Erasures(self.store, self.root, self.sealer, keep_days=kept.erasures_days)

    def _desk(self) -> Desk:
        market = Market(
            self.store,
            self.kept,
            self.settings,
            fixed=configured(self.settings),
            sandbox=self.sandbox,
            bench=Bench(self.store, self.root),
        )
        return Desk(
            self.settings,
            self.store,
            market,
            self.transport,
            root=self.root,
            data_key=self.data_key,
            journal=self.journal,
            tokens=TokenShelf(self.store, self.sealer, self.root),
            spool=self.spool,
        )

    def engine(self, conclude: Conclude) -> Engine:
        items = Items(self.store, conclude, self.data_key)
        eraser = Eraser(self.desk, self.erasures, items, sealer=self.sealer, audit=self.audit)
        return Engine(self.desk, self.jobs, conclude, reconciler=self.reconciler, eraser=eraser)

    async def open(self) -> None:
        """Raises StoreDown, SealBroken."""
        await self.data_key.load(self.store, self.sealer)
        if await self.roster.team(DEFAULT_TEAM) is None:
            team = Team(id=DEFAULT_TEAM, name="default", created_at=timestamp())
            await self.roster.put_team(team)
        await self._put_budgets()
        await self._open_journal()
        await self.desk.open()
        work = (
            Resealer(self.store, self.sealer).run(),
            self.restorer.run(),
            self.spool.run(self.desk.ledger),
        )
        self._tasks = [asyncio.create_task(each) for each in work]

    async def _put_budgets(self) -> None:
        budgets = self.settings.budget
        amounts: dict[str, str] = {budget.period: str(budget.amount) for budget in budgets}
        alerts = [(budget.period, budget.alert_at) for budget in budgets]
        await put_limits(self.store, "all", amounts, alerts)

    async def _open_journal(self) -> None:
        """What was seen of this store before must not be missing from it now."""
        store = await identify(self.store)
        # Read first: siblings go on, and what they have seen by then the store has.
        seen = await asyncio.to_thread(
            lambda: last_seen(self.journal.folder, root=self.root, store=store)
        )
        reach = await reach_of(self.store, self.root)
        furthest, mark = max(reach, seen), self.desk.ledger.mark
        mark.era, mark.seq, mark.outdated = furthest.era, furthest.seq, reach < seen
        self.journal.open(store, furthest.era)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.desk.waterfall.drained(DRAIN)
        await self.desk.close()
        await self.journal.close()
        await self.transport.aclose()
        await self.store.close()


def configured(settings: Settings) -> list[Credential]:
    """The credentials named in the configuration: never written to the store."""
    found = []
    for name, provider in settings.providers.items():
        if provider.secret is None:
            continue
        secret = {member: value.reveal() for member, value in provider.secret.items()}
        found.append(
            Credential(
                id=f"env-{name}",
                provider=name,
                name="env",
                base_url=provider.base_url,
                secret=secret,
                weight=provider.weight,
                exclusive=provider.exclusive,
                prices=provider.prices,
                limits=provider.limits,
                options=provider.options,
            )
        )
    return found
