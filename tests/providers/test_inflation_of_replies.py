"""Compressed replies are read as they are, in pieces that no compression makes larger."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import AsyncIterator

import pytest

from providers.inflation import PIECE, Undecodable, inflated

TEXT = random.Random(7).randbytes(3 * PIECE) + b"a" * (2 * PIECE)
RAW = zlib.compress(TEXT)[2:-4]


async def in_chunks(data: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def pieces(data: bytes, coding: str, size: int) -> list[bytes]:
    return [piece async for piece in inflated(in_chunks(data, size), coding)]


@pytest.mark.parametrize("size", [10, 1000, 10**9])
@pytest.mark.parametrize(
    "data, coding",
    [(gzip.compress(TEXT), "gzip"), (zlib.compress(TEXT), "Deflate"), (RAW, "deflate")],
    ids=["gzip", "zlib", "raw"],
)
async def test_every_coding_that_is_asked_for_is_read(data: bytes, coding: str, size: int) -> None:
    assert b"".join(await pieces(data, coding, size)) == TEXT


async def test_a_bomb_comes_piece_by_piece() -> None:
    found = await pieces(gzip.compress(bytes(64 * PIECE)), "gzip", 10**9)
    assert max(map(len, found)) <= PIECE
    assert sum(map(len, found)) == 64 * PIECE


@pytest.mark.parametrize(
    "data, coding",
    [(b"no gzip at all", "gzip"), (gzip.compress(gzip.compress(TEXT)), "gzip, gzip"), (b"", "br")],
)
async def test_what_was_not_asked_for_is_refused(data: bytes, coding: str) -> None:
    with pytest.raises(Undecodable):
        await pieces(data, coding, 1000)
