"""Work that the simulated providers finish later."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from providers.simulator.accounts import Account
from providers.simulator.latency import Latency

KEPT = 500_000


@dataclass(slots=True, kw_only=True)
class Task:
    """`result` is the answer it will have, `finish` runs once when it has it.

    A `stuck` task never finishes.
    """

    id: str
    account: Account
    result: Any
    ready_at: float
    polls: int
    finish: Callable[[], None] | None = None
    stuck: bool = False
    done: bool = False


class Tasks:
    """One provider's tasks; `halted` says whether none of them may finish now."""

    def __init__(self, provider: str, latency: Latency, halted: Callable[[], bool]) -> None:
        self._provider = provider
        self._latency = latency
        self._halted = halted
        self._tasks: dict[str, Task] = {}
        self._open: dict[str, Task] = {}

    def start(
        self,
        account: Account,
        result: Any,
        *,
        id_: str | None = None,
        finish: Callable[[], None] | None = None,
        stuck: bool = False,
        extra_seconds: float = 0.0,
    ) -> Task:
        seconds = self._latency.task(self._provider) + extra_seconds
        task = Task(
            id=id_ or secrets.token_hex(16),
            account=account,
            result=result,
            ready_at=time.monotonic() + seconds,
            polls=self._latency.profile(self._provider).polls,
            finish=finish,
            stuck=stuck,
        )
        self._tasks[task.id] = self._open[task.id] = task
        if len(self._tasks) > KEPT:
            del self._tasks[next(iter(self._tasks))]
        return task

    def get(self, account: Account, id_: str) -> Task | None:
        task = self._tasks.get(id_)
        return task if task is not None and task.account.name == account.name else None

    def drop(self, task: Task) -> None:
        self._tasks.pop(task.id, None)
        self._open.pop(task.id, None)

    def poll(self, task: Task) -> bool:
        """Whether the task is finished; asking counts as one of its unfinished replies."""
        if task.done:
            return True
        if task.polls > 0:
            task.polls -= 1
            return False
        return self.complete(task)

    def settle(self) -> None:
        """Finish what is due, although nobody asked."""
        for task in list(self._open.values()):
            self.complete(task)

    def complete(self, task: Task) -> bool:
        """Finish the task if it is due, whatever the polls it has left."""
        if task.done:
            return True
        if task.stuck or self._halted() or time.monotonic() < task.ready_at:
            return False
        task.done = True
        self._open.pop(task.id, None)
        if task.finish is not None:
            task.finish()
        return True
