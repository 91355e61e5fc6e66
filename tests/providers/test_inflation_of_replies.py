"""Compressed replies are read as they are, in pieces that no compression makes larger."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import AsyncIterator

import pytest

from providers.inflation import PIECE, Undecodable, inflated

TEXT = random.Random(7).randbytes(3 * PIECE) + b"a" * (2 * PIECE)
MOST = 8 * len(TEXT)
RAW = zlib.compress(TEXT)[2:-4]


async def in_chunks(data: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def pieces(data: bytes, coding: str, size: int) -> list[bytes]:
    return [piece async for piece in inflated(in_chunks(data, size), coding, most=MOST)]


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


class Endless:
    """Begins with `beginning` and goes on for ever; knows how much of it was read."""

    def __init__(self, beginning: bytes, more: bytes):
        self._chunk, self._more = beginning, more * (PIECE // len(more))
        self.read = 0

    def __aiter__(self) -> Endless:
        return self

    async def __anext__(self) -> bytes:
        chunk, self._chunk = self._chunk, self._more
        self.read += len(chunk)
        assert self.read <= MOST + 2 * PIECE, "it is read for ever"
        return chunk


STORED = b"\x00\x00\x00\xff\xff"
NAMED = b"\x1f\x8b\x08\x08" + bytes(6)


@pytest.mark.parametrize(
    "beginning, more, coding, most",
    [
        (gzip.compress(b"{}"), b"x", "gzip", 2 * PIECE),
        (gzip.compress(b"{}"), gzip.compress(b""), "gzip", 2 * PIECE),
        (zlib.compress(b"{}"), b"\0", "deflate", 2 * PIECE),
        (zlib.compress(b"{}")[2:-4], b"\0", "deflate", 2 * PIECE),
        (zlib.compress(b"{}")[:2], STORED, "deflate", MOST + PIECE),
        (NAMED, b"n", "gzip", MOST + PIECE),
    ],
    ids=["after gzip", "members", "after zlib", "after raw", "empty blocks", "a name"],
)
async def test_what_never_ends_is_not_read_for_ever(
    beginning: bytes, more: bytes, coding: str, most: int
) -> None:
    endless, size = Endless(beginning, more), 0
    with pytest.raises(Undecodable):
        async for piece in inflated(endless, coding, most=MOST):
            size += len(piece)
    assert (endless.read <= most, size <= 2) == (True, True)


async def test_what_follows_in_the_same_chunk_is_refused() -> None:
    with pytest.raises(Undecodable):
        await pieces(gzip.compress(TEXT) + b"x", "gzip", 10**9)
