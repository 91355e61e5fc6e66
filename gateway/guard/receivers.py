"""Receivers of webhooks: where an address leads is checked when it is saved and at every send."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address

import idna
from msgspec import Struct

from gateway.guard.addresses import Address, Networks, is_allowed, is_reachable

Resolve = Callable[[str, int], Awaitable[list[str]]]

LONGEST_URL = 2048
PATIENCE = 2.0
# Slow names must not make others wait; their lookups can't be cancelled.
RESOLVERS = 64
PORTS = {"http": 80, "https": 443}
FREE_PORTS = 1024

_URL = re.compile(r"(https?)://([^/?#]+)(/[^#]*|\?[^#]*)?", re.IGNORECASE)
_TAIL = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*")
_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::(\d{1,5}))?")
_NAMED = re.compile(r"([^\[\]:%@\\\s]+)(?::(\d{1,5}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# What every system takes for a number of an IPv4 address: 0x7f000001, 2130706433, 0177.
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
# Names that mean a machine inside, or none, wherever they are resolved.
_INSIDE = re.compile(
    r"(?:.*\.)?(?:localhost|localdomain|local|internal|intranet|lan|corp|home|private|arpa|onion)"
)


class ReceiverRefused(Exception):
    """`reason` is a stable word, the text says what is allowed; neither has the address."""

    def __init__(self, reason: str, details: str):
        super().__init__(details)
        self.reason = reason
        self.details = details


class Unresolved(ReceiverRefused):
    """Nobody knows where it leads now."""


class Receiver(Struct, frozen=True):
    """The parts of a URL, in their one spelling; `tail` is path and query."""

    scheme: str
    host: str
    port: int
    tail: str
    literal: Address | None = None

    @property
    def authority(self) -> str:
        """As it stands in `Host`."""
        host = f"[{self.host}]" if isinstance(self.literal, IPv6Address) else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def parse(url: str) -> Receiver:
    """The parts of `url`, which is read in one way only. Raises ReceiverRefused."""
    found = _URL.fullmatch(url) if len(url) <= LONGEST_URL else None
    if found is None:
        raise _malformed("must be an http:// or https:// address without a fragment")
    scheme, authority, tail = found[1].lower(), found[2], found[3] or "/"
    if "@" in authority:
        raise _malformed("must not have a user or a password")
    if not _TAIL.fullmatch(tail):
        raise _malformed("has characters in its path that must be written as %XX")
    host, port, literal = _host_of(authority)
    number = int(port) if port else PORTS[scheme]
    if number not in PORTS.values() and not FREE_PORTS <= number < 2**16:
        details = "must use the port 80, 443 or one of 1024 to 65535"
        raise ReceiverRefused("port_not_allowed", details)
    return Receiver(scheme, host, number, tail if tail[0] == "/" else f"/{tail}", literal)


def _host_of(authority: str) -> tuple[str, str | None, Address | None]:
    if found := _BRACKETED.fullmatch(authority):
        try:
            literal = IPv6Address(found[1])
        except ValueError:
            raise _malformed("has no IPv6 address in its brackets") from None
        return str(literal), found[2], literal
    found = _NAMED.fullmatch(authority)
    if found is None:
        raise _malformed("has no host that can be read")
    host = _spelt(found[1])
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        return host, found[2], _four_numbers(host)
    return host, found[2], None


def _spelt(host: str) -> str:
    """Lower case and ASCII: ①②⑦ are digits to those who resolve them."""
    try:
        name = host if host.isascii() else idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        raise _malformed("has a host that is no domain name") from None
    name = name.lower().removesuffix(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise _malformed("has a host that is no domain name")
    return name


def _four_numbers(host: str) -> IPv4Address:
    try:
        return IPv4Address(host)
    except ValueError:
        raise _malformed("must write an IPv4 address as four decimal numbers") from None


def _malformed(details: str) -> ReceiverRefused:
    return ReceiverRefused("malformed_url", details)


@cache
def _resolvers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(RESOLVERS, thread_name_prefix="resolver")


async def resolve(host: str, port: int) -> list[str]:
    """Every address the system knows of `host`. Raises OSError."""
    loop = asyncio.get_running_loop()
    ask = socket.getaddrinfo
    found = await loop.run_in_executor(
        _resolvers(), lambda: ask(host, port, type=socket.SOCK_STREAM)
    )
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Receivers:
    """Judges receivers; `allowed` are networks that are reachable although they are not public."""

    def __init__(self, allowed: Networks, resolve: Resolve = resolve):
        self._allowed = allowed
        self._resolve = resolve

    async def check(self, url: str) -> None:
        """Raise ReceiverRefused for one that can't be saved; a name may be known only later."""
        receiver = parse(url)
        try:
            async with asyncio.timeout(PATIENCE):
                await self.locate(receiver)
        except (Unresolved, TimeoutError):
            if receiver.scheme == "http":
                raise _unsafe() from None
            if _INSIDE.fullmatch(receiver.host):
                raise _closed() from None

    async def locate(self, receiver: Receiver) -> list[Address]:
        """Where it leads at this moment: all of that is reachable. Raises ReceiverRefused.

        Whoever connects does so to one of these and asks no one else.
        """
        addresses = await self._addresses(receiver)
        if not all(is_reachable(address, self._allowed) for address in addresses):
            raise _closed()
        inside = all(is_allowed(address, self._allowed) for address in addresses)
        if receiver.scheme == "http" and not inside:
            raise _unsafe()
        return addresses

    async def _addresses(self, receiver: Receiver) -> list[Address]:
        if receiver.literal is not None:
            return [receiver.literal]
        try:
            found = await self._resolve(receiver.host, receiver.port)
        except (OSError, UnicodeError):
            found = []
        if not found:
            raise Unresolved("unresolved", "has a host that no name server knows")
        # A zone says through which of our interfaces; those addresses are refused anyway.
        return [ip_address(text.partition("%")[0]) for text in found]


def _closed() -> ReceiverRefused:
    details = "leads to a private or reserved address; allow its network to reach it"
    return ReceiverRefused("address_not_allowed", details)


def _unsafe() -> ReceiverRefused:
    return ReceiverRefused("https_required", "must be https, except in networks that are allowed")
