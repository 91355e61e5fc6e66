"""A file cut into jobs: which rows are in one, what it asks, and the key that opens it once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gateway.cli.enrich.output import Progress
from gateway.cli.enrich.run import Task, refusal_of

MOST_ROWS = 2000
MOST_BYTES = 4 << 20
"""Of a job's items as JSON, whatever their number."""
OF_JOB = ("routing", "tag")
"""Parameters that a job has once; the others belong to each of its items."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows `first` to `end` of the file, `end` excluded; rows that can't be sent have no item."""

    first: int
    end: int
    items: list[dict[str, Any]]

    def body(self, task: Task, operation: str, max_cost: str) -> dict[str, Any]:
        """What POST /v1/jobs is sent; the same for the same rows, whenever that is."""
        options = {name: task.parameters[name] for name in OF_JOB if name in task.parameters}
        rows = f"{self.first + 1}-{self.end}"
        metadata = {"command": "prospect enrich", "rows": rows}
        body = {"operation": operation, "items": self.items, "metadata": metadata, **options}
        return {**body, "max_cost": max_cost} if max_cost else body

    def key(self, progress: Progress, turn: int) -> str:
        """One run hands these rows in once each turn, however often it is begun."""
        said = [progress.input, progress.options, progress.run, turn, self.first, self.end]
        text = json.dumps(said, sort_keys=True, default=str)
        return f"enrich-{hashlib.sha256(text.encode()).hexdigest()}"


def to_item(task: Task, cells: list[str]) -> dict[str, Any] | None:
    """A row as an item of a job; none if it isn't sent."""
    if refusal_of(task, cells) is not None:
        return None
    return {name: value for name, value in task.query(cells).items() if name not in OF_JOB}


def cut(
    rows: Iterable[tuple[int, list[str]]], task: Task, *, most: int, first: int = 0
) -> Iterator[Batch]:
    """`rows` from `first` on, at most `most` in a batch; the same rows always make the same."""
    items: list[dict[str, Any]] = []
    size, end = 0, first
    for index, cells in rows:
        item = to_item(task, cells)
        weight = 0 if item is None else len(json.dumps(item, ensure_ascii=False).encode())
        if end - first == most or (items and size + weight > MOST_BYTES):
            yield Batch(first, end, items)
            items, size, first = [], 0, index
        if item is not None:
            items.append(item)
        size, end = size + weight, index + 1
    if end > first:
        yield Batch(first, end, items)
