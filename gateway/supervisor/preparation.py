"""From what was configured to what a worker needs: store, keys, sandbox or not."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from gateway.settings import Secret, Settings
from gateway.settings.problems import Place
from gateway.settings.rules import Text
from gateway.settings.schema import rule_at
from gateway.settings.tree import read_value
from gateway.store import datadir
from gateway.store.connection import ResponseError, Store, StoreDown
from gateway.store.embedded import EmbeddedStore
from gateway.store.inspection import Finding, inspect
from gateway.supervisor.children import Child
from gateway.vault.credentials import CredentialStore
from gateway.vault.datakey import DataKey
from gateway.vault.keys import make_key
from gateway.vault.roster import Roster
from gateway.vault.sealing import SealBroken, Sealer
from providers.registry import ADAPTERS
from providers.simulator.accounts import DEFAULT_KEYS

T = TypeVar("T")
PRIVATE = 0o600
SIMULATORS = "{pgw}:simulators"


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
    return msgspec.structs.replace(_with_keys(settings), store_url=url)


def _with_keys(settings: Settings) -> Settings:
    """Embedded mode makes the keys it was not given, and finds them again."""
    given: dict[str, Any] = {}
    if not settings.master_keys:
        path = settings.data_dir / "master.key"
        given["master_keys"] = _kept(path, "master_key", _make_master_key)
    if settings.admin_key is None:
        path = admin_key_file(settings)
        given["admin_key"] = _kept(path, "admin_key", lambda: make_key().text)
    return msgspec.structs.replace(settings, **given)


def admin_key_file(settings: Settings) -> Path:
    return settings.data_dir / "admin.key"


def _make_master_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def _kept(path: Path, setting: str, make: Callable[[], str]) -> Any:
    """The checked value that the file holds; it is written first if it is not there."""
    try:
        if not path.exists():
            _write(path, make())
        text = path.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        message = f"{path} can't be used ({reason}); make it readable for this user"
        raise StartRefused(message) from None
    problems: list[str] = []
    rule = rule_at((setting,))
    assert rule is not None
    value = read_value(rule, Text(text), Place(setting, str(path), problems))
    if problems:
        advice = "; put back what it held, or set GATEWAY_" + setting.upper()
        raise StartRefused("\n".join(problems) + advice)
    return value


def _write(path: Path, text: str) -> None:
    """All of it or nothing, whatever ends us, and on the disk before it is used."""
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def check_store(settings: Settings) -> None:
    """Refuse a wrong master key, an unsafe store by name, a missing admin key."""
    findings = _ask(settings, lambda store: _inspect(store, settings))
    refused = [finding for finding in findings if not finding.accepted]
    if refused:
        code = 4 if any(finding.name == "unreachable" for finding in refused) else 2
        raise StartRefused("\n".join(map(_told, refused)), code)
    _ask(settings, lambda store: _check_keys(store, settings))


async def _inspect(store: Store, settings: Settings) -> list[Finding]:
    """The master key first, as that only reads: a store that is another's stays as it is."""
    # What is wrong with the store itself is found, and told by name, by the inspection.
    with contextlib.suppress(StoreDown, ResponseError):
        await _check_seals(store, settings)
    return await inspect(store, settings.store_accept_risk)


def _told(finding: Finding) -> str:
    return f"store: {finding.name}: {finding.message}"


async def _check_seals(store: Store, settings: Settings) -> Sealer:
    """Every secret in the store opens. Raises StartRefused."""
    sealer = Sealer([key.decode() for key in settings.master_keys])
    try:
        await DataKey().read(store, sealer)
        await CredentialStore(store, sealer).check()
    except SealBroken as error:
        message = f"{error}; add the key this store was used with to GATEWAY_MASTER_KEY"
        raise StartRefused(f"{message} (newest first, comma separated)") from None
    return sealer


async def _check_keys(store: Store, settings: Settings) -> None:
    sealer = await _check_seals(store, settings)
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
    """Every provider simulated, whatever address was configured; workers elsewhere are told."""
    bill = settings.data_dir / "sandbox-bill.jsonl"
    try:
        bill.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise datadir.unusable(bill.parent, error) from None
    child = Child.simulator(bill=bill)
    stack.callback(child.stop, 2.0)
    addresses = child.line()
    _ask(settings, lambda store: store.call("SET", SIMULATORS, addresses))
    return _simulated(settings, addresses), child


def without_simulators(settings: Settings) -> Settings:
    """Real providers; a sandbox that this store served before is over."""
    _ask(settings, lambda store: store.call("DEL", SIMULATORS))
    return msgspec.structs.replace(settings, sandbox=False)


def beside(settings: Settings, *, embedded: bool) -> Settings:
    """As the gateway on the same store: in its sandbox, with its simulators, or not."""
    automatic = embedded and not settings.names_provider
    if not (automatic if settings.sandbox is None else settings.sandbox):
        return msgspec.structs.replace(settings, sandbox=False)
    addresses = _ask(settings, lambda store: store.call("GET", SIMULATORS))
    if addresses is not None:
        return _simulated(settings, addresses)
    if settings.sandbox:
        raise StartRefused("no gateway serves a sandbox; start `prospect serve --sandbox` first")
    return msgspec.structs.replace(settings, sandbox=False)


def _simulated(settings: Settings, addresses: str | bytes) -> Settings:
    bases: dict[str, Any] = msgspec.json.decode(addresses)
    providers = {
        name: msgspec.structs.replace(
            provider,
            base_url=bases.get(name, provider.base_url),
            base_url_set=True,
            secret=simulated_secret(name),
        )
        for name, provider in settings.providers.items()
    }
    return msgspec.structs.replace(settings, providers=providers, sandbox=True)


def simulated_secret(provider: str) -> dict[str, Secret] | None:
    """The simulator's own default account; None for a provider that is not simulated."""
    key = DEFAULT_KEYS.get(provider)
    if key is None:
        return None
    members = ADAPTERS[provider].secret_fields
    return {name: Secret(text) for name, text in zip(members, key.split(":"), strict=True)}
