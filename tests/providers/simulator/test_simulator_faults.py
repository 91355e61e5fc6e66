"""Every fault does on the wire what it says, seen through a bare socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import zlib
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from providers.simulator.faults import KINDS, put_unknown_word, rename_field
from providers.simulator.testing import ControlRefused, RunningSimulator

PATH = "/hunter/v2/email-finder?domain=blue-harbor.example&full_name=Ada+Lovelace"
SECRET = {
    "grant_type": "client_credentials",
    "client_id": "sim-snov-client",
    "client_secret": "sim-snov-secret",
}


@contextlib.asynccontextmanager
async def asking(
    simulator: RunningSimulator, path: str = PATH
) -> AsyncIterator[asyncio.StreamReader]:
    """One request on a connection of its own."""
    port = urlsplit(simulator.endpoints.hunter).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\nx-api-key: sim-hunter-key\r\n\r\n".encode())
    try:
        yield reader
    finally:
        writer.transport.abort()


async def exchange(simulator: RunningSimulator) -> tuple[bytes, dict[bytes, bytes], bytes]:
    """Status line, headers, and the body as far as the connection goes."""
    async with asking(simulator) as reader, asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n\r\n")
        status, *lines = head.strip().split(b"\r\n")
        headers = dict(line.split(b": ", 1) for line in lines)
        body = bytearray()
        with contextlib.suppress(ConnectionResetError):
            while len(body) < int(headers[b"content-length"]) and (
                part := await reader.read(9999)
            ):
                body += part
        return status, headers, bytes(body)


async def bought(simulator: RunningSimulator) -> int:
    return len((await simulator.control.bill("hunter"))["rows"])


@pytest.mark.parametrize("status", [403, 429, 500, 503])
async def test_a_status_comes_in_the_providers_shape(
    simulator: RunningSimulator, status: int
) -> None:
    await simulator.control.fault("hunter", "status", status=status, retry_after=7)
    line, headers, body = await exchange(simulator)
    assert line.split()[1] == str(status).encode()
    assert headers[b"retry-after"] == b"7"
    assert json.loads(body)["errors"][0]["code"] == status
    assert await bought(simulator) == 0


async def test_retry_after_can_be_a_date(simulator: RunningSimulator) -> None:
    await simulator.control.fault("hunter", "status", retry_after=90, as_date=True)
    _, headers, _ = await exchange(simulator)
    assert parsedate_to_datetime(headers[b"retry-after"].decode()).tzinfo is not None
    await simulator.control.fault("hunter", "status", retry_after="soon")
    assert (await exchange(simulator))[1][b"retry-after"] == b"soon"


@pytest.mark.parametrize(
    "kind, paid, sign",
    [
        ("html", 0, b"<!doctype html>"),
        ("garbage", 0, b"\x80\x81"),
        ("empty_body", 0, b""),
        ("truncated", 1, b'{"data":{"first_name"'),
    ],
)
async def test_bodies_that_are_not_answers(
    simulator: RunningSimulator, kind: str, paid: int, sign: bytes
) -> None:
    await simulator.control.fault("hunter", kind)
    line, headers, body = await exchange(simulator)
    assert line.split()[1] == b"200"
    assert len(body) == int(headers[b"content-length"])
    assert body.startswith(sign)
    with pytest.raises(ValueError):
        json.loads(body)
    assert await bought(simulator) == paid


@pytest.mark.parametrize("kind, paid", [("close", 0), ("charge_without_reply", 1)])
async def test_a_closed_connection_sends_nothing(
    simulator: RunningSimulator, kind: str, paid: int
) -> None:
    await simulator.control.fault("hunter", kind)
    async with asking(simulator) as reader, asyncio.timeout(10):
        assert await reader.read() == b""
    assert await bought(simulator) == paid


async def test_a_reset_comes_in_the_middle_of_the_body(simulator: RunningSimulator) -> None:
    await simulator.control.fault("hunter", "reset")
    async with asking(simulator) as reader, asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            while await reader.read(9999):
                pass
    assert b"200 OK" in head
    assert await bought(simulator) == 1


async def test_a_wrong_length_promises_more_and_ends(simulator: RunningSimulator) -> None:
    await simulator.control.fault("hunter", "wrong_length")
    _, headers, body = await exchange(simulator)
    assert int(headers[b"content-length"]) == len(body) + 64
    assert json.loads(body)["data"]["email"]


async def test_a_wrong_length_can_promise_less(simulator: RunningSimulator) -> None:
    await simulator.control.fault("hunter", "wrong_length", bytes=-10)
    async with asking(simulator) as reader, asyncio.timeout(10):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    assert b"content-length: %d" % (len(body) - 10) in head


async def test_a_hang_sends_nothing_until_its_time_is_over(simulator: RunningSimulator) -> None:
    await simulator.control.fault("hunter", "hang", seconds=0.05)
    async with asking(simulator) as reader, asyncio.timeout(10):
        assert await reader.read() == b""
    assert await bought(simulator) == 0


async def test_a_hang_ends_with_its_caller(simulator: RunningSimulator) -> None:
    await simulator.control.fault("hunter", "hang")
    async with asking(simulator), asyncio.timeout(10):
        await simulator.app.traffic.busy.wait()
    async with asyncio.timeout(10):
        await simulator.app.traffic.quiet.wait()
    assert simulator.app.traffic.latest[-1].status is None


async def test_a_drip_comes_byte_by_byte_and_whole(simulator: RunningSimulator) -> None:
    await simulator.control.fault("hunter", "drip", seconds=0.0001)
    async with asking(simulator) as reader, asyncio.timeout(20):
        head = await reader.readuntil(b"\r\n\r\n")
        first = await reader.read(9999)
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        rest = await reader.readexactly(length - len(first))
    assert len(first) < 50
    assert json.loads(first + rest)["data"]["email"]


async def test_a_slow_answer_comes_after_its_time(simulator: RunningSimulator) -> None:
    await simulator.control.fault("hunter", "slow", seconds=0.05)
    _, _, body = await exchange(simulator)
    assert json.loads(body)["data"]["email"]
    visit = simulator.app.traffic.latest[-1]
    assert visit.departed is not None
    assert visit.departed - visit.arrived >= 0.05


async def test_a_bomb_is_small_and_unpacks_to_a_quarter_gigabyte(
    simulator: RunningSimulator,
) -> None:
    await simulator.control.fault("hunter", "bomb")
    _, headers, body = await exchange(simulator)
    assert headers[b"content-encoding"] == b"gzip"
    assert len(body) < 1_000_000
    unpacker, total = zlib.decompressobj(wbits=31), 0
    block = unpacker.decompress(body, 1 << 24)
    while block:
        total += len(block)
        block = unpacker.decompress(unpacker.unconsumed_tail, 1 << 24)
    assert total > 256_000_000


async def test_an_endless_answer_goes_on_until_the_caller_leaves(
    simulator: RunningSimulator,
) -> None:
    await simulator.control.fault("hunter", "endless")
    async with asking(simulator) as reader, asyncio.timeout(10):
        for _ in range(100):
            assert await reader.readexactly(65536)
    async with asyncio.timeout(10):
        await simulator.app.traffic.quiet.wait()


@pytest.mark.parametrize(
    "kind, status, identifier",
    [
        ("unauthorized", 401, "authentication_failed"),
        ("out_of_credits", 429, "too_many_requests"),
        ("quota_as_401", 401, "too_many_requests"),
    ],
)
async def test_refusals_are_in_the_providers_words(
    simulator: RunningSimulator, kind: str, status: int, identifier: str
) -> None:
    await simulator.control.fault("hunter", kind)
    line, _, body = await exchange(simulator)
    assert line.split()[1] == str(status).encode()
    assert json.loads(body)["errors"][0]["id"] == identifier


async def test_a_renamed_field_and_an_unknown_word(simulator: RunningSimulator) -> None:
    await simulator.control.fault("hunter", "rename_field", times=1)
    data = json.loads((await exchange(simulator))[2])["data"]
    assert "email" not in data
    assert data["new_email"]
    await simulator.control.fault("hunter", "unknown_word")
    data = json.loads((await exchange(simulator))[2])["data"]
    assert (data["verification"]["status"], data["accept_all"]) == ("sideways", False)


def test_distortions_reach_into_lists_and_tuples() -> None:
    payload = {"result": {"email": [["a@b.example", "OK", "COMPANY"]]}, "list": [{"email": "x"}]}
    assert rename_field(payload, "email")["list"] == [{"new_email": "x"}]
    word = put_unknown_word(payload, "email")
    assert word["result"]["email"] == [["a@b.example", "sideways", "COMPANY"]]


@pytest.mark.parametrize("rate, times, hits", [(1.0, 2, 2), (0.0, None, 0), (1.0, None, 5)])
async def test_faults_hit_as_often_as_they_should(
    simulator: RunningSimulator, rate: float, times: int | None, hits: int
) -> None:
    await simulator.control.fault("hunter", "html", rate=rate, times=times)
    seen = [(await exchange(simulator))[2].startswith(b"<!doctype") for _ in range(5)]
    assert sum(seen) == hits
    assert (await simulator.control.get("/faults"))[0]["hits"] == hits


async def test_faults_keep_to_their_provider_and_path(simulator: RunningSimulator) -> None:
    await simulator.control.fault("snov", "status")
    await simulator.control.fault("hunter", "status", path="/email-ver*")
    assert b"200" in (await exchange(simulator))[0]
    await simulator.control.fault("hunter", "status", path="/email-f*")
    assert b"503" in (await exchange(simulator))[0]
    await simulator.control.delete("/faults")
    assert b"200" in (await exchange(simulator))[0]


async def test_a_replaced_answer_can_be_charged(simulator: RunningSimulator) -> None:
    await simulator.control.fault("hunter", "status", charge=True)
    assert b"503" in (await exchange(simulator))[0]
    assert await bought(simulator) == 1


async def test_tasks_that_never_finish_are_never_billed(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    base, headers = simulator.endpoints.sixtyfour, {"x-api-key": "sim-sixtyfour-key"}
    lead = {"lead": {"name": "Ada Lovelace", "domain": "blue-harbor.example"}}
    started = await client.post(base + "/find-email-async", json=lead, headers=headers)
    await simulator.control.fault("sixtyfour", "never_ready")
    url = f"{base}/job-status/{started.json()['task_id']}"
    for _ in range(4):
        assert (await client.get(url, headers=headers)).json()["status"] == "running"
    assert not simulator.bill.rows
    await simulator.control.delete("/faults")
    await client.get(url, headers=headers)
    assert (await client.get(url, headers=headers)).json()["status"] == "completed"
    assert len(simulator.bill.rows) == 1


async def test_snov_tokens_survive_refusals_of_other_calls(
    simulator: RunningSimulator, client: httpx.AsyncClient
) -> None:
    base: Any = simulator.endpoints.snov
    await simulator.control.fault("snov", "unauthorized")
    answer = await client.post(base + "/v1/oauth/access_token", json=SECRET)
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await client.get(base + "/v1/get-balance", headers=headers)).status_code == 401


@pytest.mark.parametrize("fault", [{"kind": "sulk"}, {"kind": "html", "provider": "nobody"}])
async def test_unknown_faults_are_refused(
    simulator: RunningSimulator, fault: dict[str, str]
) -> None:
    with pytest.raises(ControlRefused):
        await simulator.control.put("/faults", {"provider": "hunter", **fault})


def test_every_kind_is_known_by_name() -> None:
    assert len(KINDS) == 22
