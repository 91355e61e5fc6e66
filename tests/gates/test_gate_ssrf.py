"""No address that leads inside is connected to: saved, sent, redirected or rebound."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

import aiohttp
import pytest

from gateway.guard import addresses, receivers
from gateway.guard.addresses import Address
from gateway.guard.receivers import Receivers, parse
from gateway.settings import WebhookSettings
from gateway.store.connection import Store
from gateway.vault.endpoints import Endpoint, EndpointStore
from gateway.vault.sealing import Sealer
from tests.gateway.conftest import Gateway, make_settings, running_gateway
from tests.gateway.supervisor.processes import until
from tests.gateway.webhooks.conftest import ALL, ROOT, Post
from tests.gateway.webhooks.receiver import Receiver, receiving

# Who stands where a webhook must not come, and who may be sent to.
GUARDED = ("127.0.0.1", "127.0.0.2", "::1")
FRIEND = "127.0.0.3"
ONCE = WebhookSettings(timeout=5.0, retries=(80_000,))
MASTER = Sealer([bytes(range(32))])

# How an address is written, and what it means to whoever takes it.
HOSTS: list[tuple[str, str]] = [
    *((form, "127.0.0.1") for form in ("127.0.0.1", "127.0.0.1.", "127.1", "127.0.1")),
    *((form, "127.0.0.1") for form in ("2130706433", "0x7f000001", "0x7f.0.0.1", "0x7f.1")),
    *((form, "127.0.0.1") for form in ("0177.0.0.1", "017700000001", "0177.0x0.0.1")),
    *((form, "127.0.0.1") for form in ("127.0.0.01", "00000177.0.0.1", "0X7F000001")),
    *(
        (form, "127.0.0.1")
        for form in (
            "\uff11\uff12\uff17.0.0.1",
            "\u2460\u2461\u2466.0.0.1",
            "127\u30020\u30020\u30021",
        )
    ),
    *(
        (form, "127.0.0.1")
        for form in ("127%2e0%2e0%2e1", "%31%32%37.0.0.1", "127.0.0.1%00.x.org")
    ),
    *((form, "127.0.0.1") for form in ("public.example@127.0.0.1", "a:b@127.0.0.1", "@127.0.0.1")),
    *(
        (form, "127.0.0.1")
        for form in ("127.0.0.1\\@public.example", "public.example\\.127.0.0.1")
    ),
    *((form, "127.0.0.1") for form in ("localhost", "LOCALHOST", "localhost.", "a.localhost")),
    *(
        (form, "127.0.0.1")
        for form in ("inside.example", "127.0.0.1.public.example", "\u24dbocalhost")
    ),
    *((form, form) for form in ("127.0.0.2", "127.255.255.254", "10.0.0.1", "100.64.0.1")),
    *((form, "0.0.0.0") for form in ("0.0.0.0", "0", "0x0", "00.0.0.0")),
    *((form, form) for form in ("100.100.100.200", "168.63.129.16", "169.254.169.254")),
    *((form, "169.254.169.254") for form in ("0xA9FEA9FE", "2852039166", "169.254.43518")),
    *((form, form) for form in ("169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.192")),
    *((form, form) for form in ("192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1")),
    *((form, form) for form in ("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250")),
    *((form, form) for form in ("240.0.0.1", "255.255.255.255")),
    *((form, "::1") for form in ("[::1]", "[0:0:0:0:0:0:0:1]", "[::0001]", "inside6.example")),
    *((form, "::") for form in ("[::]", "[0::0]")),
    *((f"[{form}]", form) for form in ("::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:a9fe:a9fe")),
    *((f"[{form}]", form) for form in ("::127.0.0.1", "::7f00:1", "::ffff:0:127.0.0.1")),
    *((f"[{form}]", form) for form in ("64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe")),
    *((f"[{form}]", form) for form in ("64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:a9fe:a9fe::")),
    *((f"[{form}]", form) for form in ("2001:0:7f00:1::", "2001:db8::1", "2001:2::1", "3fff::1")),
    *((f"[{form}]", form) for form in ("2606:4700::5efe:127.0.0.1", "2606:4700::200:5efe:a00:1")),
    *((f"[{form}]", form) for form in ("fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254")),
    *((f"[{form}]", form) for form in ("ff02::1", "100::1", "5f00::1")),
    *((form, "::1") for form in ("[::1%25lo]", "[::1%lo]", "[v1.::1]")),
    *((form, "fe80::1%lo") for form in ("[fe80::1%25lo]", "zone.example")),
    *((form, "169.254.169.254") for form in ("metadata.google.internal", "metadata.example")),
    ("mixed.example", "127.0.0.1"),
]
URLS = [(f"{{scheme}}://{host}:{{port}}/x", means) for host, means in HOSTS] + [
    (url, "127.0.0.1")
    for url in (
        *("ftp://127.0.0.1:{port}/", "gopher://127.0.0.1:{port}/_", "file:///etc/passwd"),
        *("//127.0.0.1:{port}/", "{scheme}:/127.0.0.1:{port}/", "{scheme}:127.0.0.1:{port}"),
        *("{scheme}:///127.0.0.1:{port}/", "{scheme}://127.0.0.1:{port}#@public.example/"),
        *("{scheme}://public.example:80@127.0.0.1:{port}/", "{scheme}://127.0.0.1:{port}\t/"),
        *(" {scheme}://127.0.0.1:{port}/", "{scheme}://public.example:22/", "unix:///tmp/x.sock"),
        "{scheme}://127.0.0.1:{port}/\r\nhost: public.example",
    )
]
NAMES = {
    "public.example": ["93.184.215.14"],
    "inside.example": ["127.0.0.1"],
    "127.0.0.1.public.example": ["127.0.0.1"],
    "a.localhost": ["127.0.0.1"],
    "inside6.example": ["::1"],
    "metadata.google.internal": ["169.254.169.254"],
    "metadata.example": ["169.254.169.254"],
    "mixed.example": [FRIEND, "127.0.0.1"],
    "zone.example": ["fe80::1%lo"],
}
PUBLIC: tuple[str, ...] = (
    "https://public.example/",
    "https://8.8.8.8/",
    "https://[2606:4700::1111]:8443/a?b=c",
)
PUBLIC += ("https://[64:ff9b::808:808]/", "https://[::ffff:8.8.8.8]/", "https://unknown.example/")

# Every connection that is tried while a test listens; none leaves this machine.
_tried: list[Any] = []
_listening = False


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and _listening and isinstance(arguments[1], tuple):
        _tried.append(arguments[1][:2])
        if not ip_address(arguments[1][0].partition("%")[0]).is_loopback:
            raise ConnectionRefusedError


sys.addaudithook(_hear)


def test_the_table_is_long_enough() -> None:
    assert len({url for url, _ in URLS}) == len(URLS) >= 60


@dataclass
class Guarded:
    """Listeners that nothing may reach, a friend that may be reached, names that lie."""

    gateway: Gateway
    post: Post
    endpoints: EndpointStore
    friend: Receiver
    port: int
    names: dict[str, list[list[str]]]
    reached: list[Any] = field(default_factory=list)
    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(20))

    def url(self, form: str, scheme: str = "http") -> str:
        return form.replace("{port}", str(self.port)).replace("{scheme}", scheme)

    def strangers(self) -> list[Any]:
        """Whom this process tried to reach, but those who may be."""
        own = self.gateway.client.base_url.port
        return [one for one in _tried if one[0] != FRIEND and one[1] != own]

    def assert_untouched(self) -> None:
        assert not self.reached, f"{len(self.reached)} connections to what is guarded"
        assert not self.strangers(), f"tried to reach {self.strangers()}"

    async def save(self, url: str) -> None:
        """Save an endpoint, and delete it: no team may have that many."""
        async with self.turn:
            body = {"url": url, "events": ["job.completed"]}
            reply = await self.post.client.post(ALL, json=body)
            assert reply.status_code == 201, reply.text
            await self.post.client.delete(f"{ALL}/{reply.json()['data']['id']}")

    async def send(self, urls: list[str]) -> list[str]:
        """One event to each address, as if it had been saved; how it went."""
        for number, url in enumerate(urls):
            endpoint = Endpoint(
                id=f"e{number}", team=f"t{number}", url=url, events=("job.completed",)
            )
            await self.endpoints.add(endpoint)
            await self.post.emit("job.completed", {"id": number}, team=f"t{number}")
        return [await self.outcome(f"e{number}") for number in range(len(urls))]

    async def outcome(self, endpoint: str) -> str:
        """Why the endpoint's one delivery was not made, or that it was."""

        async def ended() -> str:
            log = f"{ROOT}deliveries:of:{endpoint}"
            for name in await self.post.store.call("ZRANGE", log, 0, 0):
                key = f"{ROOT}delivery:{name.decode()}"
                state, error = await self.post.store.call("HMGET", key, "state", "error")
                if error is not None:
                    return str((error or state).decode())
            return ""

        return str(await until(ended, 30, "a delivery"))


@contextmanager
def lying_names(names: dict[str, list[list[str]]]) -> Iterator[None]:
    """Names of the table, and those in `names`, whose answers change from one to the next."""
    real = socket.getaddrinfo

    def answer(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host in names:
            found = names[host].pop(0) if len(names[host]) > 1 else names[host][0]
        elif host in NAMES:
            found = NAMES[host]
        elif str(host).endswith(".example"):
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        else:
            return real(host, port, *rest, **more)
        kinds = [socket.AF_INET6 if ":" in one else socket.AF_INET for one in found]
        return [
            (kind, socket.SOCK_STREAM, 6, "", (one, port))
            for kind, one in zip(kinds, found, strict=True)
        ]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", answer)
        yield


@asynccontextmanager
async def guarded(store: Store, store_url: str) -> AsyncIterator[Guarded]:
    global _listening
    reached: list[Any] = []

    def accept(_: Any, writer: asyncio.StreamWriter) -> None:
        reached.append(writer.get_extra_info("peername"))
        writer.close()

    names: dict[str, list[list[str]]] = {}
    settings = make_settings(
        store_url, None, webhook_allow_cidrs=(ip_network(FRIEND),), webhooks=ONCE
    )
    async with AsyncExitStack() as stack:
        friend = await stack.enter_async_context(receiving(host=FRIEND))
        port = 0
        for host in GUARDED:
            server = await asyncio.start_server(accept, host, port)
            port = server.sockets[0].getsockname()[1]
            await stack.enter_async_context(server)
        gateway = await stack.enter_async_context(running_gateway(settings))
        stack.enter_context(lying_names(names))
        endpoints, post = EndpointStore(store, MASTER, ROOT), Post(gateway, store)
        _tried.clear()
        _listening = True
        try:
            yield Guarded(gateway, post, endpoints, friend, port, names, reached)
        finally:
            _listening = False


REFUSED = {"malformed_url", "address_not_allowed", "https_required", "port_not_allowed"}


async def assert_saves_nothing(guard: Guarded) -> None:
    urls = [guard.url(form, "https") for form, _ in URLS]
    bodies = [{"url": url, "events": ["job.completed"]} for url in urls]
    replies = await asyncio.gather(*(guard.post.client.post(ALL, json=body) for body in bodies))
    saved = [url for url, reply in zip(urls, replies, strict=True) if reply.status_code != 422]
    assert not saved, f"{saved} were saved"
    assert {reply.json()["errors"][0]["pointer"] for reply in replies} == {"/url"}
    guard.assert_untouched()


async def assert_sends_nothing(guard: Guarded, *schemes: str) -> None:
    urls = [guard.url(form, scheme) for form, _ in URLS for scheme in schemes or ("https",)]
    found = await guard.send(urls)
    guard.assert_untouched()
    assert set(found) <= REFUSED | {"unresolved"}, dict(zip(urls, found, strict=True))


async def assert_follows_nothing(guard: Guarded) -> None:
    places = [guard.url(form).replace("\r\n", "") for form, _ in URLS]
    places = [place.encode("ascii", "ignore").decode() for place in places]
    guard.friend.answer = lambda message: (
        307,
        f"location: {places[int(message.path.rpartition('/')[2])]}\r\n",
    )
    urls = [f"{guard.friend.url}/{number}" for number in range(len(places))]
    found = await guard.send(urls)
    guard.assert_untouched()
    assert set(found) == {"redirected"}
    assert len(guard.friend.messages) == len(places)


async def assert_rebinds_nothing(guard: Guarded, *, asked: int) -> None:
    """A name that leads to a friend when it is saved, and `asked` times after that."""
    means = sorted({address for _, address in URLS})
    urls = [f"http://rebind{number}.example:{guard.port}/hook" for number in range(len(means))]
    guard.names.update({f"rebind{number}.example": [[FRIEND]] for number in range(len(means))})
    await asyncio.gather(*(guard.save(url) for url in urls))
    for number, address in enumerate(means):
        guard.names[f"rebind{number}.example"] = [[FRIEND]] * asked + [[address]]
    found = await guard.send(urls)
    guard.assert_untouched()
    assert set(found) == ({"unreachable"} if asked else {"address_not_allowed"})


async def test_nothing_that_leads_inside_is_saved(store: Store, store_url: str) -> None:
    async with guarded(store, store_url) as guard:
        await assert_saves_nothing(guard)
        for url in PUBLIC:
            body = {"url": url, "events": ["job.completed"]}
            assert (await guard.post.client.post(ALL, json=body)).status_code == 201, url


async def test_nothing_is_sent_inside(store: Store, store_url: str) -> None:
    async with guarded(store, store_url) as guard:
        await assert_sends_nothing(guard, "http", "https")


async def test_no_redirect_leads_inside(store: Store, store_url: str) -> None:
    async with guarded(store, store_url) as guard:
        await assert_follows_nothing(guard)


@pytest.mark.parametrize("asked", [0, 1])
async def test_no_name_that_changes_leads_inside(store: Store, store_url: str, asked: int) -> None:
    """Between saving and sending, and between the check and the connection."""
    async with guarded(store, store_url) as guard:
        await assert_rebinds_nothing(guard, asked=asked)


# Mutants.


def _global_alone(address: Address) -> bool:
    return address.is_global


async def _first_checked(self: Receivers, receiver: Any) -> list[Address]:
    found = await self._addresses(receiver)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(self, "_resolve", lambda *_: _soon([str(found[0])]))
        await LOCATE(self, receiver)
    return found


async def _soon(found: list[str]) -> list[str]:
    return found


async def _asked_again(self: Receivers, receiver: Any) -> list[Address]:
    await LOCATE(self, receiver)
    return await self._addresses(receiver)


async def _unchecked(self: Receivers, url: str) -> None:
    parse(url)


def _following(self: aiohttp.ClientSession, url: Any, **more: Any) -> Any:
    return POST(self, url, **more | {"allow_redirects": True})


NOTICED = r"connections to what|tried to reach|were saved"
LOCATE, POST = Receivers.locate, aiohttp.ClientSession.post
Check = Callable[[Guarded], Any]
MUTANTS: list[tuple[Any, str, Any, Check]] = [
    (addresses, "is_public", _global_alone, assert_sends_nothing),
    (receivers, "is_reachable", lambda *_: True, assert_sends_nothing),
    (Receivers, "check", _unchecked, assert_saves_nothing),
    (Receivers, "locate", _first_checked, assert_sends_nothing),
    (Receivers, "locate", _asked_again, lambda guard: assert_rebinds_nothing(guard, asked=1)),
    (aiohttp.ClientSession, "post", _following, assert_follows_nothing),
]


@pytest.mark.parametrize("place, name, mutant, check", MUTANTS)
async def test_a_gap_is_noticed(
    store: Store,
    store_url: str,
    monkeypatch: pytest.MonkeyPatch,
    place: Any,
    name: str,
    mutant: Any,
    check: Check,
) -> None:
    async with guarded(store, store_url) as guard:
        monkeypatch.setattr(place, name, mutant)
        with pytest.raises(AssertionError, match=NOTICED):
            await check(guard)
