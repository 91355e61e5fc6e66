"""The bodies of replies, read as far as they are of a sensible size."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import AsyncExitStack
from weakref import WeakKeyDictionary

from providers.errors import MalformedResponse

# A thousand of Hunter's leads, the most of anything that is documented, are about one MiB.
MAX_REPLY_BYTES = 4 * 1024 * 1024
# Whatever is larger is read few at a time: a process holds some 20 MiB of replies at the worst.
LARGE, LARGE_AT_ONCE = 512 * 1024, 3
# Seconds between its pieces: at its sender's full speed it would keep everybody else waiting.
PAUSE = 0.01
_places: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


async def whole(chunks: AsyncIterable[bytes]) -> bytes:
    """All of it. Raises MalformedResponse if it is too large."""
    async with AsyncExitStack() as stack:
        return b"".join([chunk async for chunk in _bounded(chunks, stack)])


async def _bounded(chunks: AsyncIterable[bytes], stack: AsyncExitStack) -> AsyncIterator[bytes]:
    """A large body takes a place among those that `stack` gives back."""
    size = 0
    async for chunk in chunks:
        if size <= LARGE < size + len(chunk):
            await stack.enter_async_context(_large())
        size += len(chunk)
        if size > MAX_REPLY_BYTES:
            raise MalformedResponse("the reply is too large", uncertain=True)
        yield chunk
        if size > LARGE:
            await asyncio.sleep(PAUSE)


def _large() -> asyncio.Semaphore:
    loop = asyncio.get_running_loop()
    return _places.setdefault(loop, asyncio.Semaphore(LARGE_AT_ONCE))
