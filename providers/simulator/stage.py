"""What the dialects share: the world, the bill, the accounts, the clockwork and the faults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from providers.simulator.accounts import Account, Accounts, Tokens
from providers.simulator.bill import Bill
from providers.simulator.faults import Faults
from providers.simulator.latency import Latency
from providers.simulator.outgoing import Deliveries
from providers.simulator.tasks import Tasks
from providers.simulator.world import World

Book = TypeVar("Book")


@dataclass(slots=True)
class Stage:
    """`charges` are units that replace those of the documents, by provider and operation.

    `books` hold what each account keeps at its provider: leads, campaigns, webhooks.
    """

    world: World
    bill: Bill = field(default_factory=Bill)
    latency: Latency = field(default_factory=Latency)
    faults: Faults = field(default_factory=Faults)
    accounts: Accounts = field(default_factory=Accounts)
    tokens: Tokens = field(default_factory=Tokens)
    tasks: dict[str, Tasks] = field(default_factory=dict)
    charges: dict[tuple[str, str], int] = field(default_factory=dict)
    books: dict[tuple[str, str], Any] = field(default_factory=dict)
    deliveries: Deliveries = field(default_factory=Deliveries)

    def tasks_of(self, provider: str) -> Tasks:
        if provider not in self.tasks:
            halted = lambda: self.faults.halts(provider)  # noqa: E731
            self.tasks[provider] = Tasks(provider, self.latency, halted)
        return self.tasks[provider]

    def book(self, account: Account, start: Callable[[], Book]) -> Book:
        """The account's own book, written for it when it is first opened."""
        key = account.provider, account.name
        if key not in self.books:
            self.books[key] = start()
        book: Book = self.books[key]
        return book

    def settle(self) -> None:
        """Finish every task that is due, so that the bill holds what it owes."""
        for tasks in self.tasks.values():
            tasks.settle()
