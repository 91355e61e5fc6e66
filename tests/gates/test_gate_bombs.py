"""Bodies without end, and callers without haste, cost neither memory nor the time of others."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from providers.simulator.testing import ControlClient, simulator_process
from tests.gates.conftest import Campaign
from tests.gates.fleet import Fleet, Heard, fleet, in_parallel
from tests.gateway.supervisor.processes import ADMIN_KEY, processes_of

MEBI = 1 << 20
BOMBS, MOST_GROWTH = 20, 50 * MEBI
SLOW, CLIENTS = 200, 8
LATER = 0.02
# Less than a head's time, after which the idle ones are gone by themselves.
PATIENCE = 5.0
EVIL, GOOD = "hunter", "sixtyfour"


class Site:
    """Hunter's simulator is a process of its own, so that a bomb keeps no other one busy."""

    def __init__(self, made: Fleet, evil: ControlClient, people: list[Any]):
        self.made = made
        self.evil = evil
        self._people = iter(people)

    async def find(self, provider: str) -> Heard:
        return await self.made.ask(0, next(self._people), provider=provider)

    async def native(self, number: int) -> int:
        """The status of a call of the provider's own API, its body read to the end or not."""
        url = f"{self.made.gateways[0].url}/native/hunter/email-count?domain=d{number}.example"
        headers = {"authorization": f"Bearer {ADMIN_KEY}"}
        async with self.made.session.get(url, headers=headers) as reply:
            _ = await reply.content.read(MEBI)
            return reply.status

    def memory(self) -> int:
        """Resident, of the gateway's processes, in bytes."""
        found = 0
        for pid, command in processes_of(self.made.gateways[0].folder).items():
            with suppress(OSError):
                if "valkey" not in command:
                    status = Path(f"/proc/{pid}/status").read_text()
                    found += int(status.split("VmRSS:")[1].split()[0]) * 1024
        return found

    async def peak(self, over: asyncio.Event) -> int:
        """The most memory at any moment until then."""
        most = 0
        while not over.is_set():
            most = max(most, self.memory())
            await asyncio.sleep(0.02)
        return most


@asynccontextmanager
async def scene(folder: Path, code: str = "", people: int = 3000) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        endpoints, evil = await stack.enter_async_context(simulator_process(people=people))
        made = await stack.enter_async_context(
            fleet(
                folder,
                size=1,
                code=code,
                people=people,
                providers=(EVIL, GOOD),
                HUNTER_BASE_URL=endpoints.hunter,
            )
        )
        for control in (made.control, evil):
            await control.put("/latency", {"profile": "zero", "polls": 0})
        known, unknown = await made.people(GOOD)
        yield Site(made, evil, [*known, *unknown])


async def assert_little_memory(site: Site, kinds: Iterable[str], size: int) -> str:
    await warm_up(site)
    before, over = site.memory(), asyncio.Event()
    peak = asyncio.create_task(site.peak(over))
    for kind in kinds:
        await site.evil.fault(EVIL, kind)
        calls = (site.find(EVIL) for _ in range(size))
        heard = await asyncio.gather(*calls, *(site.native(number) for number in range(size)))
        reasons = {one.body["attempts"][0]["reason"] for one in heard if isinstance(one, Heard)}
        assert reasons == {"malformed_response"}, reasons
        await site.evil.delete("/faults")
        for word in ("closed", "auto"):
            path = f"/v1/admin/providers/{EVIL}/breakers"
            await site.made.gateways[0].client.put(path, json={"state": word})
    over.set()
    growth = await peak - before
    assert growth <= MOST_GROWTH, f"{growth / MEBI:.0f} MiB more"
    return f"{growth / MEBI:.0f} MiB more at the most"


async def warm_up(site: Site) -> None:
    """What is loaded and built at the first request of a kind."""

    async def work(_: int, number: int) -> None:
        await site.find(EVIL)
        await site.find(GOOD)
        await site.native(number)

    await in_parallel(range(80), 16, work)


async def slow_client(site: Site, over: asyncio.Event, number: int) -> None:
    """Sends its request byte by byte, and comes back whenever the gateway has had enough."""
    place = urlsplit(site.made.gateways[0].url)
    body = b'{"email": "ada.lovelace@blue-harbor.example"}'
    head = f"POST /v1/emails/verify HTTP/1.1\r\nhost: {place.netloc}\r\ncontent-type: "
    head += f"application/json\r\nauthorization: Bearer {ADMIN_KEY}\r\n"
    head += f"content-length: {len(body)}\r\n\r\n"
    # Some are in the middle of the head, some in the middle of the body.
    text = head.encode() + body
    sent = len(text) // 3 if number % 2 else len(text) - len(body)
    while not over.is_set():
        _, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(text[:sent])
        await drip(writer, text[sent:-1], over)
        writer.transport.abort()


async def drip(writer: asyncio.StreamWriter, text: bytes, over: asyncio.Event) -> None:
    for byte in text:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await over.wait()
        if over.is_set() or writer.is_closing():
            return
        writer.write(bytes([byte]))


async def seconds_of(site: Site, size: int) -> list[float]:
    found = []

    async def work(_: int, __: int) -> None:
        heard = await site.find(GOOD)
        assert heard.status == 200
        found.append(heard.seconds)

    await in_parallel(range(size), CLIENTS, work)
    return found


def p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100, method="inclusive")[-1]


async def assert_others_in_time(site: Site, size: int) -> str:
    """Among 200 slow ones, and before and after them."""
    usual = await seconds_of(site, size // 2)
    over = asyncio.Event()
    slow = [asyncio.create_task(slow_client(site, over, number)) for number in range(SLOW)]
    await asyncio.sleep(0.5)
    among = await seconds_of(site, size)
    over.set()
    await asyncio.gather(*slow)
    usual += await seconds_of(site, size // 2)
    told = (
        f"p99 {p99(among) * 1000:.0f} ms among {SLOW} slow ones, else {p99(usual) * 1000:.0f} ms"
    )
    assert p99(among) <= p99(usual) + LATER, told
    return told


@pytest.mark.timeout(600)
async def test_endless_bodies_and_slow_callers_cost_others_nothing(
    tmp_path: Path, campaign: Campaign
) -> None:
    size, people = campaign.size(short=(200, 3000), full=(3000, 18_000))
    async with scene(tmp_path, people=people) as site:
        growth = await assert_little_memory(site, ("bomb", "endless"), BOMBS // 2)
        told = await assert_others_in_time(site, size)
        campaign.tell(f"{BOMBS} bombs and {BOMBS} endless bodies: {growth}; {told}")


# Whatever comes is inflated at once, and read to any length by any number.
GULLIBLE = """
import providers.bodies as b, providers.inflation as i
i.PIECE = b.MAX_REPLY_BYTES = b.LARGE = 1 << 30
"""


async def test_a_bomb_that_goes_off_is_noticed(tmp_path: Path) -> None:
    async with scene(tmp_path, GULLIBLE) as site:
        with pytest.raises(AssertionError, match="MiB more"):
            await assert_little_memory(site, ["bomb"], 3)


# Of all processes of the gateway, in place of what the machine allows.
NARROW = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
"""
# Room for all that come.
HOSPITABLE = """
import gateway.api.room as r
r.SHARE = 1000
"""


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    with suppress(ConnectionError):
        await writer.wait_closed()


async def assert_still_answers(site: Site, size: int) -> None:
    """While so many hold a connection and say next to nothing."""
    place = urlsplit(site.made.gateways[0].url)
    async with AsyncExitStack() as stack:
        for _ in range(size):
            _, writer = await asyncio.open_connection(place.hostname, place.port)
            stack.push_async_callback(hang_up, writer)
            writer.write(b"G")
        try:
            async with asyncio.timeout(PATIENCE):
                heard = await site.find(GOOD)
        except (TimeoutError, aiohttp.ClientError) as error:
            raise AssertionError("not answered among many idle callers") from error
        assert heard.status == 200, heard


async def test_many_idle_callers_keep_nobody_out(tmp_path: Path) -> None:
    async with scene(tmp_path, NARROW) as site:
        await assert_still_answers(site, 900)


async def test_a_gateway_without_room_is_noticed(tmp_path: Path) -> None:
    async with scene(tmp_path, NARROW + HOSPITABLE) as site:
        with pytest.raises(AssertionError, match=r"among many idle callers|503"):
            await assert_still_answers(site, 900)
