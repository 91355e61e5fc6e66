"""How a server stops listening: whoever has connected by then is heard."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Sequence

# Of a stream of callers that does not end, whoever comes later is refused.
PATIENCE = 1.0


async def accept_all(sockets: Sequence[socket.socket]) -> None:
    """Until nobody waits to be accepted: a turn of the loop accepts one caller."""
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE
    while _has_callers(sockets) and loop.time() < until:  # noqa: ASYNC110 - the kernel tells
        await asyncio.sleep(0)


def _has_callers(sockets: Sequence[socket.socket]) -> bool:
    poll = select.poll()
    for listener in sockets:
        poll.register(listener, select.POLLIN)
    return bool(poll.poll(0))
