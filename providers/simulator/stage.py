"""What the dialects share: the world, the bill, the accounts, the clockwork and the faults."""

from __future__ import annotations

from dataclasses import dataclass, field

from providers.simulator.accounts import Accounts, Tokens
from providers.simulator.bill import Bill
from providers.simulator.faults import Faults
from providers.simulator.latency import Latency
from providers.simulator.tasks import Tasks
from providers.simulator.world import World


@dataclass(slots=True)
class Stage:
    world: World
    bill: Bill = field(default_factory=Bill)
    latency: Latency = field(default_factory=Latency)
    faults: Faults = field(default_factory=Faults)
    accounts: Accounts = field(default_factory=Accounts)
    tokens: Tokens = field(default_factory=Tokens)
    tasks: dict[str, Tasks] = field(default_factory=dict)

    def tasks_of(self, provider: str) -> Tasks:
        if provider not in self.tasks:
            halted = lambda: self.faults.halts(provider)  # noqa: E731
            self.tasks[provider] = Tasks(provider, self.latency, halted)
        return self.tasks[provider]

    def settle(self) -> None:
        """Finish every task that is due, so that the bill holds what it owes."""
        for tasks in self.tasks.values():
            tasks.settle()
