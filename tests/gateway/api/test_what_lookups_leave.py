"""A lookup that is over is gone at once: nothing is left to a collector that halts its process."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gateway.lookup.lookup import Lookup
from gateway.lookup.waterfall import Waterfall
from providers.base import Adapter
from tests.gateway.conftest import Gateway

FIND = "/v1/emails/find"
PERSON = {"full_name": "Ada Lovelace", "domain": "blue-harbor.example"}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[weakref.ref[Any]]:
    """Every lookup that was run, and every request to a provider."""
    found: list[weakref.ref[Any]] = []
    run, send = Waterfall.run, Adapter._send

    async def watched(self: Waterfall, lookup: Lookup) -> None:
        found.append(weakref.ref(lookup))
        await run(self, lookup)

    async def sent(self: Adapter, request: httpx.Request, paid: bool) -> Any:
        found.append(weakref.ref(request))
        return await send(self, request, paid)

    monkeypatch.setattr(Waterfall, "run", watched)
    monkeypatch.setattr(Adapter, "_send", sent)
    return found


@pytest.fixture
def uncollected() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("provider", ["hunter", "sixtyfour"])
async def test_a_lookup_and_its_requests_are_gone_with_their_answer(
    gateway: Gateway, made: list[weakref.ref[Any]], provider: str
) -> None:
    reply = await gateway.post(FIND, {**PERSON, "routing": {"providers": [provider]}})
    assert reply.status_code == 200, reply.text
    del reply
    kinds = {type(one()) for one in made}
    assert len(made) > 1
    assert kinds == {type(None)}
