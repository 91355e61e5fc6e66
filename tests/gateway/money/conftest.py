"""A ledger on the real store, audited after every test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from zoneinfo import ZoneInfo

import pytest

from gateway.money.ledger import Ledger
from gateway.store.connection import Store
from tests.gateway.money.books import ROOT, audit

OFFSET = "{pgw}:clock_offset"


@pytest.fixture
async def clocked(store_url: str, store: Store) -> AsyncIterator[Store]:
    """The emptied store, on a clock that a test may shift."""
    connected = await Store.connect(store_url, timeout=5, test_clock=True)
    yield connected
    await connected.close()


@pytest.fixture
async def ledger(clocked: Store) -> AsyncIterator[Ledger]:
    yield Ledger(clocked, root=ROOT, zone=ZoneInfo("UTC"))
    await audit(clocked)


async def shift(store: Store, millis: int) -> None:
    """Set the store's clock so far ahead of the real one."""
    await store.call("SET", OFFSET, millis)
