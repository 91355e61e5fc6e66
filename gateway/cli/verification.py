"""The work of `prospect ledger verify`: journals from disks, entries from the store."""

from __future__ import annotations

import asyncio
import base64
import os
import time
from collections.abc import Sequence
from pathlib import Path

import click

from gateway.cli.failure import FAILED, UNREACHABLE, USAGE, Failure
from gateway.money.entries import Books
from gateway.money.journal import FOLDER
from gateway.money.ledger import DAY, LIVE, SANDBOX
from gateway.money.verification import Auditor, Tape, Verdict, among_themselves, read_tape
from gateway.settings import Settings, SettingsError, load_settings
from gateway.store.connection import Store, StoreDown
from gateway.store.embedded import EmbeddedStore, NotRunning

NAMES = {LIVE: "ledger", SANDBOX: "sandbox ledger"}
TIMEOUT = 5.0


def run(folders: Sequence[Path], config: Path | None) -> int:
    """The exit code. Raises Failure."""
    try:
        settings = load_settings(config, _environ())
    except SettingsError as error:
        raise Failure(str(error), USAGE) from None
    # Before the store: what is written meanwhile is newer than the journals, never older.
    tapes = _read(folders or [settings.data_dir / FOLDER])
    faults = [fault for tape in tapes for fault in tape.faults] + among_themselves(tapes)
    url = _store_of(settings)
    verdicts = {} if url is None else _audit(url, settings, tapes)
    for fault in faults:
        click.echo(fault)
    lines = sum(len(tape.lines) for tape in tapes)
    click.echo(f"{len(tapes)} journals, {lines} lines")
    for root, verdict in verdicts.items():
        _show(NAMES[root], verdict)
    wrong = faults or any(verdict.differences for verdict in verdicts.values())
    click.echo("differences were found" if wrong else "equal")
    return FAILED if wrong else 0


def _environ() -> dict[str, str]:
    """An auditor opens no secret, and needs no master key where a gateway would."""
    given = dict(os.environ)
    if "GATEWAY_MASTER_KEY_FILE" not in given:
        given.setdefault("GATEWAY_MASTER_KEY", base64.b64encode(bytes(32)).decode())
    return given


def _read(folders: Sequence[Path]) -> list[Tape]:
    found = {path.resolve() for folder in folders for path in folder.glob("*.jsonl")}
    found |= {path.resolve() for folder in folders for path in folder.glob(f"{FOLDER}/*.jsonl")}
    if not found:
        raise Failure(f"no journals in {', '.join(map(str, folders))}", USAGE)
    try:
        tapes = [read_tape(path) for path in sorted(found)]
    except OSError as error:
        raise Failure(f"a journal can't be read: {error}", USAGE) from None
    # Killed before its first line was whole: it has seen nothing.
    return [tape for tape in tapes if tape.lines or tape.faults]


def _store_of(settings: Settings) -> str | None:
    if settings.store_url is not None:
        return settings.store_url
    try:
        return EmbeddedStore.attach(settings.data_dir)
    except NotRunning:
        hint = "no store runs: the journals are checked among themselves only"
        click.echo(f"prospect: {hint}", err=True)
        return None


def _audit(url: str, settings: Settings, tapes: list[Tape]) -> dict[str, Verdict]:
    keep = settings.retention.ledger_days * DAY
    oldest = int(time.time() * 1000) - keep + DAY

    async def work() -> dict[str, Verdict]:
        store = await Store.connect(url, timeout=TIMEOUT)
        try:
            return {root: await _hear(store, root, tapes, oldest) for root in NAMES}
        finally:
            await store.close()

    try:
        return asyncio.run(work())
    except StoreDown as error:
        raise Failure(f"the store does not answer: {error}", UNREACHABLE) from None


async def _hear(store: Store, root: str, tapes: list[Tape], oldest: int) -> Verdict:
    auditor = Auditor([tape for tape in tapes if tape.root == root], oldest=oldest)
    async for entry in Books(store, root).walk():
        auditor.hear(entry)
    return auditor.close()


def _show(name: str, verdict: Verdict) -> None:
    if not verdict.entries and not verdict.differences:
        return
    for line in verdict.differences:
        click.echo(line)
    for line in verdict.unconfirmed:
        click.echo(f"{line} (a process runs, or was killed just then)", err=True)
    older = f", {verdict.older} older than the journals" if verdict.older else ""
    counts = f"{len(verdict.differences)} differences, {len(verdict.unconfirmed)} unconfirmed"
    click.echo(f"{name}: {verdict.entries} entries{older}, {counts}")
