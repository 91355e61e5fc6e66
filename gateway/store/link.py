"""One connection to the store: opened when needed, dropped at the first doubt.

StoreDown               no connection, a lost one, or a store that is still loading
├── StoreSilent         no answer in time
└── StoreRefused        the store answers, but refuses to write: read-only, full, disk error
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

import hiredis
from redis.asyncio.connection import Connection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

Argument = str | bytes | int | float

# Opening may cost name resolution, TLS and a login, which says nothing about a slow store.
CONNECT_TIMEOUT = 1.0

_REFUSALS = (ReadOnlyError, OutOfMemoryError, MasterDownError)
# Redis errors that redis-py has no class for: disk, a script that runs on, too few replicas.
_REFUSAL_CODES = ("MISCONF", "BUSY", "NOREPLICAS")


class StoreDown(Exception):
    """The store did not answer in time or refused."""


class StoreSilent(StoreDown):
    """The store did not answer in time."""


class StoreRefused(StoreDown):
    """The store is there and refuses to write."""


@dataclass(slots=True, eq=False)
class Call:
    """One command on the wire and the future that its reply is for."""

    packed: bytes
    reply: asyncio.Future[Any]

    def settle(self, reply: Any) -> None:
        """Hand over a reply, or raise it if it is an error; nothing if nobody waits any more."""
        if self.reply.done():
            return
        if isinstance(reply, Exception):
            self.reply.set_exception(reply)
        else:
            self.reply.set_result(reply)


class _Connection(Protocol):
    """What is used of redis-py's connections, whose own types are incomplete."""

    @property
    def is_connected(self) -> bool: ...
    async def connect(self) -> None: ...
    async def disconnect(self, nowait: bool = ...) -> None: ...
    async def can_read(self) -> bool: ...
    async def send_packed_command(self, command: bytes) -> None: ...
    async def read_response(
        self, disable_decoding: bool = ..., timeout: float | None = ...
    ) -> Any: ...


class Link:
    """A connection that one task uses at a time and that never sends anything twice.

    `refusal` is why the store would not write in the latest exchange, if it would not.
    """

    def __init__(self, url: str, timeout: float) -> None:
        self._timeout = timeout
        self.refusal = ""
        self._connection, self._address = _make_connection(url)

    async def is_clean(self) -> bool:
        """Whether a connection is at hand that owes nothing; one that does is dropped."""
        connection = self._connection
        # Readable before anything was asked: the server hung up, or a reply belongs to nobody.
        if connection.is_connected and await connection.can_read():
            await self.drop()
        return connection.is_connected

    async def open(self) -> None:
        """Connect and log in unless a clean connection is at hand; StoreDown if that fails."""
        if await self.is_clean():
            return
        try:
            async with asyncio.timeout(max(CONNECT_TIMEOUT, self._timeout)):
                await self._connection.connect()
        except (RedisError, OSError, TimeoutError) as error:
            await self.drop()
            reason = str(error) or "no answer"
            raise StoreDown(f"no connection to the store at {self._address}: {reason}") from None

    async def exchange(self, calls: Sequence[Call], deadline: float) -> None:
        """Send all calls in one write on the open connection and settle each.

        StoreDown leaves the rest unsettled; `deadline` is of the loop's clock.
        """
        self.refusal = ""
        try:
            async with asyncio.timeout_at(deadline):
                await self._connection.send_packed_command(b"".join([c.packed for c in calls]))
                for call in calls:
                    call.settle(await self._read())
        except TimeoutError:
            raise self.silence() from None
        except (RedisError, OSError) as error:
            raise StoreDown(f"lost the store at {self._address}: {error}") from None

    async def send(self, command: Sequence[Argument]) -> None:
        """Send without waiting for a reply; StoreDown if the connection is gone."""
        if not self._connection.is_connected:  # redis-py would open it behind our back
            raise StoreDown(f"lost the store at {self._address}")
        try:
            await self._connection.send_packed_command(pack(command))
        except (RedisError, OSError) as error:
            raise StoreDown(f"lost the store at {self._address}: {error}") from None

    async def receive(self, patience: float) -> Any:
        """The next message of a subscribed connection, None if there is none for so long."""
        try:
            return await self._connection.read_response(disable_decoding=True, timeout=patience)
        except (RedisError, OSError) as error:
            raise StoreDown(f"lost the store at {self._address}: {error}") from None

    async def drop(self) -> None:
        await self._connection.disconnect(nowait=True)

    def silence(self) -> StoreSilent:
        return StoreSilent(
            f"the store at {self._address} did not answer within {self._timeout:g} s"
        )

    async def _read(self) -> Any:
        try:
            return await self._connection.read_response(disable_decoding=True, timeout=math.inf)
        except ResponseError as error:
            return self._judge(error)

    def _judge(self, error: ResponseError) -> Exception:
        if isinstance(error, _REFUSALS) or str(error).partition(" ")[0] in _REFUSAL_CODES:
            self.refusal = f"the store at {self._address} refused: {error}"
            return StoreRefused(self.refusal)
        return error


def pack(command: Sequence[Argument]) -> bytes:
    """The command on the wire; TypeError for what is neither text, bytes nor a number."""
    operands: Any = tuple(command)  # hiredis declares a tuple of one
    return cast(bytes, hiredis.pack_command(operands))


def _make_connection(url: str) -> tuple[_Connection, str]:
    options: dict[str, Any] = dict(parse_url(url))
    make = options.pop("connection_class", Connection)
    address = (
        options.get("path") or f"{options.get('host', 'localhost')}:{options.get('port', 6379)}"
    )
    # RESP2, so that Redis 7.0 and later answer alike; no CLIENT SETINFO, unknown before 7.2.
    # The deadline spans a whole exchange, so the connection has none of its own.
    connection = make(
        **options
        | {
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
            "decode_responses": False,
            "driver_info": None,
            "socket_timeout": None,
            "socket_connect_timeout": None,
        }
    )
    return connection, address
