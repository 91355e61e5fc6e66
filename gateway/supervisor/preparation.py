"""From what was configured to what a worker needs: store, keys, sandbox or not."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from gateway.settings import Secret, Settings
from gateway.store.connection import Store, StoreDown
from gateway.store.embedded import EmbeddedStore
from gateway.store.inspection import Finding, inspect
from gateway.supervisor.children import Child
from gateway.vault.credentials import CredentialStore
from gateway.vault.datakey import DataKey
from gateway.vault.keys import make_key
from gateway.vault.roster import Roster
from gateway.vault.sealing import Sealer

T = TypeVar("T")
PRIVATE = 0o600


class StartRefused(Exception):
    """Why the gateway does not start, and what to do; `code` is the exit code."""

    def __init__(self, message: str, code: int = 2):
        super().__init__(message)
        self.code = code


def started(settings: Settings, stack: ExitStack) -> tuple[Settings, EmbeddedStore | None]:
    """The configured store; or the embedded one, started, with the keys kept beside it."""
    if settings.store_url is not None:
        return settings, None
    store = EmbeddedStore(settings.data_dir)
    url = store.start()
    stack.callback(store.stop)
    return msgspec.structs.replace(_with_keys(settings), store_url=url), store


def attached(settings: Settings) -> Settings:
    """The configured store; or the embedded one of a gateway that serves already."""
    if settings.store_url is not None:
        return settings
    url = EmbeddedStore.attach(settings.data_dir)
    return msgspec.structs.replace(_with_keys(settings), store_url=url, sandbox=False)


def _with_keys(settings: Settings) -> Settings:
    """Embedded mode makes the keys it was not given, and finds them again."""
    if not settings.master_keys:
        path = settings.data_dir / "master.key"
        text = _kept(path, lambda: base64.b64encode(os.urandom(32)).decode())
        settings = msgspec.structs.replace(settings, master_keys=(Secret(text),))
    if settings.admin_key is None:
        text = _kept(admin_key_file(settings), lambda: make_key().text)
        settings = msgspec.structs.replace(settings, admin_key=Secret(text))
    return settings


def admin_key_file(settings: Settings) -> Path:
    return settings.data_dir / "admin.key"


def _kept(path: Path, make: Callable[[], str]) -> str:
    """The file's line, written first (and flushed to disk) if it is not there."""
    try:
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
            with os.fdopen(descriptor, "w") as file:
                file.write(make() + "\n")
                file.flush()
                os.fsync(file.fileno())
        return path.read_text().strip()
    except OSError as error:
        message = f"{path} can't be used ({error.strerror}); make it readable for this user"
        raise StartRefused(message) from None


def check_store(settings: Settings) -> None:
    """Refuse an unsafe store by name, a missing admin key, a wrong master key."""
    findings = _ask(settings, lambda store: inspect(store, settings.store_accept_risk))
    refused = [finding for finding in findings if not finding.accepted]
    if refused:
        code = 4 if any(finding.name == "unreachable" for finding in refused) else 2
        raise StartRefused("\n".join(map(_told, refused)), code)
    _ask(settings, lambda store: _check_keys(store, settings))


def _told(finding: Finding) -> str:
    return f"store: {finding.name}: {finding.message}"


async def _check_keys(store: Store, settings: Settings) -> None:
    sealer = Sealer([key.decode() for key in settings.master_keys])
    await DataKey().load(store, sealer)
    if settings.admin_key is None and not await Roster(store).has_admin():
        message = (
            "no admin key: set GATEWAY_ADMIN_KEY (24 printable characters or more) for the first "
            "start on this store; make one with: python3 -c 'import secrets; "
            "print(secrets.token_urlsafe(32))'"
        )
        raise StartRefused(message)


def wants_sandbox(settings: Settings, *, embedded: bool) -> bool:
    """As asked; by itself only with an embedded store that never held a credential."""
    if settings.sandbox is not None:
        return settings.sandbox
    if settings.names_provider or not embedded:
        return False
    return not _ask(settings, _ever_held)


async def _ever_held(store: Store) -> bool:
    return await CredentialStore(store, Sealer([bytes(32)])).ever_held()


def _ask(settings: Settings, question: Callable[[Store], Awaitable[T]]) -> T:
    """Put one question to the store, on a connection of its own."""

    async def ask() -> T:
        store = await Store.connect(str(settings.store_url), timeout=2.0)
        try:
            return await question(store)
        finally:
            await store.close()

    try:
        return asyncio.run(ask())
    except StoreDown as error:
        raise StartRefused(f"store: {error}", 4) from None


def with_simulators(settings: Settings, stack: ExitStack) -> tuple[Settings, Child]:
    """Every provider simulated, whatever address was configured."""
    child = Child.simulator(bill=settings.data_dir / "sandbox-bill.jsonl")
    stack.callback(child.stop)
    bases: dict[str, Any] = msgspec.json.decode(child.line())
    providers = {
        name: msgspec.structs.replace(
            provider,
            base_url=bases[name],
            base_url_set=True,
            secret={member: Secret(text) for member, text in SIMULATED[name].items()},
        )
        for name, provider in settings.providers.items()
    }
    return msgspec.structs.replace(settings, providers=providers, sandbox=True), child


# The simulators' own default accounts.
SIMULATED: dict[str, dict[str, str]] = {
    "hunter": {"api_key": "sim-hunter-key"},
    "snov": {"client_id": "sim-snov-client", "client_secret": "sim-snov-secret"},
    "sixtyfour": {"api_key": "sim-sixtyfour-key"},
    "letrics": {"token": "sim-letrics-token"},
}
