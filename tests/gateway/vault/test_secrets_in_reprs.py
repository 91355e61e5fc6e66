"""Whatever a running gateway holds may be printed: no repr, no traceback has a secret in it."""

from __future__ import annotations

import gc
import traceback
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest

from gateway.api.credentials import CredentialChange, NewCredential
from gateway.api.keys import IssuedKey, RotatedKey
from gateway.cli.session import Session
from gateway.settings import Secret, Settings
from gateway.settings.secret import MaskedUrl
from gateway.store.connection import Store
from gateway.vault.credentials import Credential
from gateway.vault.keys import NewKey
from gateway.vault.sealing import SealBroken, Sealer
from providers.base import Account as ProviderAccount
from providers.errors import ProviderError
from providers.model import FindEmail, SearchContacts
from providers.registry import create
from providers.signin import Granted, Token
from providers.simulator.accounts import Account
from providers.simulator.faults import Fault, Kind
from providers.simulator.testing import RunningSimulator
from providers.transport import Transport
from tests.gateway.conftest import SECRETS, Gateway, make_settings, running_gateway

CORE = "c4n4ry"
FIND = FindEmail(full_name="Ada Lovelace", domain="blue-harbor.example")
CANARIES = {
    name: {member: f"{CORE}-{name}-{member}" for member in held} for name, held in SECRETS.items()
}
WALKED = {
    "gateway.settings.model.Settings",
    "gateway.settings.model.ProviderSettings",
    "gateway.settings.secret.Secret",
    "gateway.process.Process",
    "gateway.store.connection.Store",
    "gateway.lookup.desk.Desk",
    "gateway.lookup.market.Market",
    "gateway.api.edge.Edge",
    "gateway.vault.authentication.Authenticator",
    "gateway.vault.credentials.Credential",
    "gateway.vault.credentials.CredentialStore",
    "gateway.vault.datakey.DataKey",
    "gateway.vault.roster.Key",
    "gateway.vault.roster.Roster",
    "gateway.vault.sealing.Sealer",
    "gateway.vault.tokens.SharedToken",
    "gateway.vault.tokens.TokenShelf",
    "providers.base.Account",
    "providers.hunter.adapter.Hunter",
    "providers.letrics.Letrics",
    "providers.signin.ClientCredentials",
    "providers.signin.HeaderKey",
    "providers.signin.Token",
    "providers.sixtyfour.adapter.Sixtyfour",
    "providers.snov.adapter.Snov",
}


def is_ours(thing: object) -> bool:
    module = str(type(thing).__module__)
    return module.startswith(("gateway.", "providers.")) and "simulator" not in module


def parts_of(thing: object) -> Iterator[object]:
    """What it holds, as far as that is ours or a plain container."""
    if isinstance(thing, dict):
        yield from (*thing.keys(), *thing.values())
    elif isinstance(thing, list | tuple | set | frozenset):
        yield from thing
    elif isinstance(thing, msgspec.Struct):
        yield from (getattr(thing, name) for name in thing.__struct_fields__)
    elif is_ours(thing):
        yield from getattr(thing, "__dict__", {}).values()


def everything_held() -> list[object]:
    """Every object of our classes that is alive, or held by one that is."""
    # What was there before the tests began is held, too, and left out otherwise.
    gc.unfreeze()
    seen: dict[int, object] = {}
    ahead = [thing for thing in gc.get_objects() if is_ours(thing)]
    while ahead:
        thing = ahead.pop()
        if id(thing) not in seen:
            seen[id(thing)] = thing
            ahead += parts_of(thing)
    return [thing for thing in seen.values() if is_ours(thing)]


def shown(thing: object) -> str:
    return f"{thing!r} {thing!s} {thing}"


def check_held() -> set[str]:
    """The names of the classes that were looked at."""
    found = set()
    for thing in everything_held():
        kind = type(thing)
        found.add(f"{kind.__module__}.{kind.__qualname__}")
        # A Secret's own text is what it is for; a URL of the store is shown by its repr alone.
        told = repr(thing) if isinstance(thing, MaskedUrl) else shown(thing)
        assert CORE not in told, f"{kind} shows a secret: {told}"
    return found


@pytest.fixture
async def gateway(
    store: Store, store_url: str, simulator: RunningSimulator
) -> AsyncIterator[Gateway]:
    """A gateway that has used, and been told, a secret of each kind."""
    for provider, held in CANARIES.items():
        account = Account(provider=provider, name=f"a {provider}")
        simulator.app.stage.accounts.put(":".join(held.values()), account)
    settings = canary_settings(store_url, simulator)
    async with running_gateway(settings, simulator) as running:
        running.client.headers["authorization"] = f"Bearer {CORE}-of-the-administrator"
        body = {"provider": "hunter", "name": "n", "secret": CANARIES["hunter"]}
        assert (await running.post("/v1/admin/credentials", body)).status_code == 201
        async with running.caller(await running.key()) as client:
            assert (await client.get("/v1/me")).status_code == 200
        for provider in ("snov", "hunter", "sixtyfour"):
            find = {"full_name": "Ada Lovelace", "domain": "blue-harbor.example"}
            asked = {**find, "routing": {"providers": [provider], "max_age": 0}}
            assert (await running.post("/v1/emails/find", asked)).status_code == 200
        assert (await running.post("/v1/contacts/search", {})).status_code == 200
        yield running


def canary_settings(store_url: str, simulator: RunningSimulator) -> Settings:
    settings = make_settings(store_url, simulator)
    providers = {
        name: msgspec.structs.replace(
            one, secret={member: Secret(text) for member, text in CANARIES[name].items()}
        )
        for name, one in settings.providers.items()
    }
    admin, metrics = Secret(f"{CORE}-of-the-administrator"), Secret(f"{CORE}-of-the-metrics")
    return msgspec.structs.replace(
        settings, providers=providers, admin_key=admin, metrics_key=metrics
    )


async def test_nothing_that_a_gateway_holds_shows_a_secret(gateway: Gateway) -> None:
    assert WALKED - check_held() == set()
    assert gateway.simulator is not None
    tokens = gateway.simulator.app.stage.tokens._held
    assert tokens
    told = "".join(shown(thing) for thing in everything_held() if not isinstance(thing, MaskedUrl))
    assert not [token for token in tokens if token in told]


KEY_VIEW: dict[str, Any] = {
    "id": "k",
    "team_id": "t",
    "name": "n",
    "scopes": ["lookup"],
    "expires_at": None,
    "budget": None,
    "rate_limit_per_minute": None,
    "max_concurrency": None,
    "created_at": "",
}
SAMPLES: list[object] = [
    Secret(CORE),
    Settings(admin_key=Secret(CORE), master_keys=(Secret(CORE),), metrics_key=Secret(CORE)),
    Settings(store_url=MaskedUrl(f"redis://:{CORE}@h/?password={CORE}")),
    Credential(id="c", provider="hunter", name="n", base_url="", secret={"api_key": CORE}),
    ProviderAccount("", {"api_key": CORE}),
    Token(CORE, 0.0),
    Granted(CORE, 1.0),
    NewKey("k", f"pgw_k_{CORE}", "digest"),
    NewCredential(provider="hunter", name="n", secret={"api_key": CORE}),
    CredentialChange(secret={"api_key": CORE}),
    IssuedKey(**KEY_VIEW, key=CORE),
    RotatedKey(**KEY_VIEW, key=CORE, old_key_until=""),
    Session(key=CORE),
    Sealer([CORE.encode().ljust(32, b"0")]),
]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: type(sample).__name__)
def test_what_has_a_secret_does_not_show_it(sample: object) -> None:
    assert CORE not in shown(sample)
    assert CORE not in repr({"of": [sample]})


@pytest.mark.parametrize(
    "kind", [Credential, Token, Granted, NewKey, NewCredential, CredentialChange, IssuedKey]
)
def test_a_class_that_shows_it_is_noticed(
    monkeypatch: pytest.MonkeyPatch, kind: type[object]
) -> None:
    monkeypatch.delattr(kind, "__repr__")
    samples = [sample for sample in SAMPLES if isinstance(sample, kind)]
    assert samples
    for sample in samples:
        assert CORE in shown(sample)


async def test_a_held_object_that_shows_it_is_noticed(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(Credential, "__repr__")
    with pytest.raises(AssertionError, match="shows a secret"):
        check_held()


FAULTS: tuple[Kind, ...] = ("status", "garbage", "html", "empty_body", "unauthorized", "close")


async def test_no_failure_of_a_provider_has_a_secret_in_its_traceback(
    simulator: RunningSimulator,
) -> None:
    told = []
    transport = Transport()
    for provider, held in CANARIES.items():
        url = str(getattr(simulator.endpoints, provider))
        adapter = create(provider, ProviderAccount(url, held), transport)
        for kind in (None, *FAULTS):
            if kind is not None:
                simulator.faults.put(Fault(provider=provider, kind=kind))
            query = SearchContacts() if provider == "letrics" else FIND
            with pytest.raises(ProviderError) as caught:
                await adapter.ask(query, seconds=5)
            told.append("".join(traceback.format_exception(caught.value)) + repr(caught.value))
            told.append(repr(vars(caught.value)))
            simulator.faults.clear()
    await transport.aclose()
    assert len(told) == 2 * len(CANARIES) * (len(FAULTS) + 1)
    assert CORE not in "".join(told)


def test_a_seal_that_does_not_open_tells_no_secret() -> None:
    sealed = Sealer([bytes(32)]).seal(CORE.encode(), place="p")
    for sealer, place in ((Sealer([bytes(range(32))]), "p"), (Sealer([bytes(32)]), "q")):
        with pytest.raises(SealBroken) as caught:
            sealer.open(sealed, place=place)
        assert CORE not in "".join(traceback.format_exception(caught.value))
