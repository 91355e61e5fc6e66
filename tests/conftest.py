"""The real store that tests share: one server per test process, emptied for each test."""

from __future__ import annotations

import gc
import os
import random
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from gateway.store.connection import Store
from gateway.store.embedded import EmbeddedStore

# A test that fails by chance says nothing of the change that it is run for: examples and draws are
# each time the same. With GATES=long they are others, and find what these do not.
SAME_AGAIN = os.environ.get("GATES") != "long"
# How long an example takes says something of the machine alone.
settings.register_profile(
    "unhurried",
    deadline=None,
    derandomize=SAME_AGAIN,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def _draws_of_its_own(request: pytest.FixtureRequest) -> None:
    """Accounts by weight, jitter and the like: whatever else ran before in this process."""
    if SAME_AGAIN:
        # One that is tried again draws anew.
        random.seed(f"{request.node.nodeid} {getattr(request.node, 'execution_count', 1)}")


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


def pytest_collection_finish() -> None:
    """What was imported and collected stays: nobody needs to look through it again and again."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures of gates, wherever they ran: here, as this file alone is read in any case."""
    reports = [one for several in terminalreporter.stats.values() for one in several]
    ends = [one for one in reports if getattr(one, "when", "") == "teardown"]
    told = [value for one in ends for name, value in one.user_properties if name == "figure"]
    if told:
        terminalreporter.section("figures")
    for figure in told:
        terminalreporter.write_line(str(figure))
