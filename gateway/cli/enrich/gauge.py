"""The progress of a run on stderr: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Protocol

import click

from gateway.cli.enrich.tally import Tally, count_rows

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LINE_SECONDS = 5.0


class Gauge(Protocol):
    def update(self, tally: Tally, ahead: int = 0) -> None:
        """`ahead` rows more are answered, but behind one that is not."""

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


def to_line(tally: Tally, total: int, *, since: int, seconds: float, ahead: int = 0) -> str:
    """`120/200 rows · 45.2 rows/s · found 71 % · cost 3.2 USD · 2 s left`."""
    rate = (tally.done - since) / seconds if seconds > 0 else 0.0
    parts = [
        f"{tally.done}/{count_rows(total)}",
        f"{rate:.1f} rows/s",
        f"found {tally.share} %",
        f"cost {tally.money}",
    ]
    if ahead > 0:
        parts.append(f"{ahead} more are answered")
    if rate and tally.done < total:
        parts.append(f"{to_duration((total - tally.done) / rate)} left")
    return " · ".join(parts)


def to_duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


class Lines:
    """For logs and pipes."""

    def __init__(self, total: int, done: int) -> None:
        self._total, self._since = total, done
        self._start = self._last = time.monotonic()

    def update(self, tally: Tally, ahead: int = 0) -> None:
        now = time.monotonic()
        if now - self._last >= LINE_SECONDS:
            self._last = now
            seconds = now - self._start
            self.note(to_line(tally, self._total, since=self._since, seconds=seconds, ahead=ahead))

    def note(self, text: str) -> None:
        click.echo(text, err=True)

    def close(self) -> None:
        pass


class Bar:
    """For people."""

    def __init__(self, total: int, done: int) -> None:
        self._total, self._since = total, done
        self._start = time.monotonic()
        self._progress = new_progress()
        self._task: TaskID = self._progress.add_task("", total=total, completed=done, line="")
        self._progress.start()

    def update(self, tally: Tally, ahead: int = 0) -> None:
        seconds = time.monotonic() - self._start
        line = to_line(tally, self._total, since=self._since, seconds=seconds, ahead=ahead)
        self._progress.update(self._task, completed=tally.done, line=line)

    def note(self, text: str) -> None:
        self._progress.console.print(text, markup=False, highlight=False)

    def close(self) -> None:
        self._progress.stop()


def new_progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    text = TextColumn("{task.fields[line]}", markup=False)
    return Progress(BarColumn(bar_width=24), text, console=Console(stderr=True))


def new_gauge(total: int, done: int) -> Gauge:
    return Bar(total, done) if sys.stderr.isatty() else Lines(total, done)
