"""An unsafe store is found out, by name, with what to do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.store.connection import Store
from gateway.store.inspection import Finding, inspect

SAFE = ("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction")


async def examine(url: str, *accept: str) -> list[Finding]:
    store = await Store.connect(url, timeout=5)
    findings = await inspect(store, accept)
    await store.close()
    return findings


def names(findings: list[Finding]) -> list[str]:
    return [finding.name for finding in findings]


async def test_the_embedded_store_is_safe(store_url: str) -> None:
    assert await examine(store_url) == []
    assert await examine(store_url) == []


@pytest.mark.parametrize(
    "options, name, advice",
    [
        (["--appendonly", "no"], "persistence", "set `appendonly yes`"),
        (["--appendfsync", "everysec"], "fsync", "set `appendfsync always`"),
        (["--maxmemory-policy", "allkeys-lru"], "eviction", "set `maxmemory-policy noeviction`"),
        (["--rename-command", "CONFIG", ""], "unchecked", "GATEWAY_STORE_ACCEPT_RISK=unchecked"),
        (["--rename-command", "INFO", ""], "unchecked", "version and role"),
        (["--replicaof", "127.0.0.1", "1"], "writable", "the primary"),
        (["--maxmemory", "1"], "writable", "maxmemory"),
        (["--min-replicas-to-write", "1"], "writable", "replicas"),
    ],
)
async def test_one_fault_is_one_finding_with_its_remedy(
    serve: Any, options: list[str], name: str, advice: str
) -> None:
    url = serve(*SAFE, *options).url
    (finding,) = await examine(url)
    assert finding.name == name
    assert advice in finding.message
    assert not finding.accepted
    assert [each.accepted for each in await examine(url, name)] == [True]


async def test_a_default_server_shows_all_its_faults_at_once(serve: Any) -> None:
    findings = await examine(serve().url, "fsync")
    assert [(each.name, each.accepted) for each in findings] == [
        ("persistence", False),
        ("fsync", True),
    ]


async def test_what_info_tells_is_judged_where_config_is_forbidden(serve: Any) -> None:
    options = ("--maxmemory-policy", "allkeys-lru", "--rename-command", "CONFIG", "")
    found = names(await examine(serve(*options).url))
    assert found == ["persistence", "eviction", "unchecked"]


async def test_a_user_without_rights_is_told(serve: Any) -> None:
    server = serve(*SAFE, "--user", "app", "on", ">pw", "~*", "+ping")
    url = server.url.replace("unix://", "unix://app:pw@")
    assert names(await examine(url)) == ["unchecked", "writable"]


async def test_an_absent_store_is_unreachable(tmp_path: Path) -> None:
    (finding,) = await examine(f"unix://{tmp_path}/none", "fsync")
    assert finding.name == "unreachable"
    assert "GATEWAY_STORE_URL" in finding.message


@pytest.mark.parametrize(
    "version, found", [("1", []), ("2", ["schema"]), ("0", []), ("later", ["schema"])]
)
async def test_data_of_a_later_schema_is_refused(
    store: Store, version: str, found: list[str]
) -> None:
    await store.call("SET", "{pgw}:schema_version", version)
    assert names(await inspect(store, ())) == found
    assert await store.call("GET", "{pgw}:schema_version") == version.encode()


async def test_a_new_store_gets_its_schema_version(store: Store) -> None:
    assert await inspect(store, ()) == []
    assert await store.call("GET", "{pgw}:schema_version") == b"1"


@asynccontextmanager
async def pretend(url: str, version: bytes) -> AsyncIterator[str]:
    """A relay to the store, over TCP, that calls it another version."""
    upstream = url.removeprefix("unix://")
    hung_up = asyncio.Event()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        store_reader, store_writer = await asyncio.open_unix_connection(upstream)
        while request := await reader.read(65536):
            store_writer.write(request)
            reply = await store_reader.read(65536)
            writer.write(re.sub(rb"((valkey|redis)_version:)[\d.]{5}", rb"\g<1>" + version, reply))
        for each in (store_writer, writer):
            each.close()
            await each.wait_closed()
        hung_up.set()

    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    await hung_up.wait()
    server.close()
    await server.wait_closed()


async def test_an_old_server_is_refused(store_url: str) -> None:
    async with pretend(store_url, b"6.2.7") as url:
        (finding,) = await examine(url, "fsync")
    assert finding.name == "version"
    assert "6.2.7" in finding.message
