"""The page at /docs in a real browser, with no network but the gateway itself."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.api import pages
from gateway.store.connection import Store
from tests.gateway.conftest import make_settings, running_gateway

INSTALL = Path(__file__).parents[2] / ".ci" / "browser"
NAMES = ("chromium", "chromium-browser", "google-chrome")
# Nothing resolves but the loopback address, so a page that needs another host stays empty.
NO_NETWORK = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"


class Shown(NamedTuple):
    """The page after its scripts have run, and what they complained about."""

    dom: str
    log: str

    def operations(self) -> set[str]:
        return set(re.findall(r'data-path="([^"]+)"', self.dom))


@pytest.fixture(scope="module")
def browser() -> str:
    """Path of a browser; one is installed where there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found:
        return found
    ended = subprocess.run(
        [str(INSTALL)], check=False, capture_output=True, text=True, timeout=600
    )
    if ended.returncode:
        pytest.fail(f"no browser, and .ci/browser can't install one:\n{ended.stderr[-2000:]}")
    return ended.stdout.strip()


async def show(browser: str, url: str, profile: Path) -> Shown:
    process = await asyncio.create_subprocess_exec(
        *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
        *("--disable-background-networking", "--no-first-run", f"--user-data-dir={profile}"),
        *("--enable-logging=stderr", "--virtual-time-budget=8000", NO_NETWORK),
        *("--dump-dom", url),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        dom, log = await asyncio.wait_for(process.communicate(), 90)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Shown(dom.decode(), log.decode())


def complaints(shown: Shown) -> list[str]:
    """What the console says went wrong: scripts that fail, resources that are refused."""
    lines = re.findall(r'CONSOLE[^"]*"([^"]*)', shown.log)
    return [
        line for line in lines if re.search("error|refused|violat|failed", line, re.IGNORECASE)
    ]


@pytest.mark.timeout(900)
async def test_the_page_shows_every_operation_without_a_network(
    browser: str, store: Store, store_url: str, tmp_path: Path
) -> None:
    async with running_gateway(make_settings(store_url, None)) as gateway:
        document = (await gateway.client.get("/openapi.json")).json()
        shown = await show(browser, f"{gateway.url}/docs", tmp_path)
    assert "/v1/emails/find" in shown.operations(), shown.log
    assert shown.operations() == set(document["paths"])
    assert complaints(shown) == []


@pytest.mark.parametrize(
    "good, bad, complains",
    [
        (b"/docs/swagger-ui-bundle.js", b"https://cdn.example/swagger-ui-bundle.js", True),
        (b"/docs/start.js", b"/docs/nothing.js", False),
    ],
)
async def test_a_page_that_needs_more_than_the_gateway_is_found(
    browser: str,
    store: Store,
    store_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    good: bytes,
    bad: bytes,
    complains: bool,
) -> None:
    monkeypatch.setattr(pages, "PAGE", pages.PAGE.replace(good, bad))
    async with running_gateway(make_settings(store_url, None)) as gateway:
        shown = await show(browser, f"{gateway.url}/docs", tmp_path)
    assert "swagger-ui" in shown.dom, "the page itself was served"
    assert not shown.operations()
    assert bool(complaints(shown)) is complains
