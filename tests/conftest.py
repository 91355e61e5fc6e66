"""The real store that tests share: one server per test process, emptied for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import settings

from gateway.store.connection import Store
from gateway.store.embedded import EmbeddedStore

# How long an example takes says something of the machine alone.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def store_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running store that loses nothing; it ends with the test process."""
    embedded = EmbeddedStore(tmp_path_factory.mktemp("store"))
    yield embedded.start()
    embedded.stop()


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[Store]:
    """A connection to the empty store, patient enough for a busy machine."""
    connected = await Store.connect(store_url, timeout=5)
    await connected.call("FLUSHALL")
    yield connected
    await connected.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures of gates, wherever they ran: here, as this file alone is read in any case."""
    reports = [one for several in terminalreporter.stats.values() for one in several]
    ends = [one for one in reports if getattr(one, "when", "") == "teardown"]
    told = [value for one in ends for name, value in one.user_properties if name == "figure"]
    if told:
        terminalreporter.section("figures")
    for figure in told:
        terminalreporter.write_line(str(figure))
