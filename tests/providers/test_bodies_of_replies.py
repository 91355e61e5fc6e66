"""A reply without end is read in pieces, between which everybody else has a turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from providers import bodies
from providers.bodies import LARGE, MAX_REPLY_BYTES, whole
from providers.errors import MalformedResponse

PIECE = 64 * 1024


async def ready(size: int) -> AsyncIterator[bytes]:
    """All there already, so that nothing but its reader lets others in."""
    for _ in range(size // PIECE):
        yield bytes(PIECE)


async def turns_beside(size: int) -> int:
    """How often somebody else had a turn while so many bytes were read."""
    turns, over = 0, asyncio.Event()

    async def other() -> None:
        nonlocal turns
        while not over.is_set():
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(other())
    try:
        assert len(await whole(ready(size))) == size
    finally:
        over.set()
        await beside
    return turns


async def test_others_have_a_turn_between_the_pieces_of_a_large_body() -> None:
    pieces = (MAX_REPLY_BYTES - LARGE) // PIECE
    assert await turns_beside(MAX_REPLY_BYTES) >= pieces


async def test_what_is_not_large_is_read_at_once() -> None:
    assert await turns_beside(LARGE) <= 1


async def test_a_reader_without_pauses_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "LARGE", 2 * MAX_REPLY_BYTES)
    assert await turns_beside(MAX_REPLY_BYTES) <= 1


async def test_a_piece_too_many_is_too_large() -> None:
    with pytest.raises(MalformedResponse, match="too large") as refused:
        await whole(ready(MAX_REPLY_BYTES + PIECE))
    assert refused.value.uncertain
