"""Compressed replies taken apart piece by piece, so that a small one can't become a huge one."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator

PIECE = 64 * 1024
# By the name of the coding: gzip's frame or zlib's, or, as some servers have it, no frame at all.
FRAMES = {"gzip": (zlib.MAX_WBITS | 32,), "x-gzip": (zlib.MAX_WBITS | 32,),
          "deflate": (zlib.MAX_WBITS, -zlib.MAX_WBITS)}  # fmt: skip


class Undecodable(Exception):
    """It is not in the coding that it says, or in one that nobody asked for, or does not end."""


async def inflated(
    chunks: AsyncIterator[bytes], coding: str, *, most: int
) -> AsyncIterator[bytes]:
    """What the chunks hold, at most PIECE bytes at a time.

    They are `most` bytes in all: what holds nothing can go on for ever. Raises Undecodable.
    """
    frames = FRAMES.get(coding.strip().lower())
    if frames is None:
        raise Undecodable("a coding that was not asked for")
    try:
        async for piece in _inflated(_bounded(chunks, most), frames):
            yield piece
    except zlib.error as error:
        raise Undecodable(str(error)) from None


async def _inflated(chunks: AsyncIterator[bytes], frames: tuple[int, ...]) -> AsyncIterator[bytes]:
    inflater: zlib._Decompress | None = None
    async for chunk in chunks:
        if chunk:
            inflater = inflater or _opened(chunk, frames)
            for piece in _pieces(inflater, chunk):
                yield piece
                # Or a bomb would keep everybody waiting until it is known as one.
                await asyncio.sleep(0)


async def _bounded(chunks: AsyncIterator[bytes], most: int) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        most -= len(chunk)
        if most < 0:
            raise Undecodable("too large before it is decompressed")
        yield chunk


def _opened(beginning: bytes, frames: tuple[int, ...]) -> zlib._Decompress:
    """For the first of the frames that the beginning fits."""
    for frame in frames[:-1]:
        try:
            zlib.decompressobj(frame).decompress(beginning, 1)
        except zlib.error:
            continue
        return zlib.decompressobj(frame)
    return zlib.decompressobj(frames[-1])


def _pieces(inflater: zlib._Decompress, chunk: bytes) -> Iterator[bytes]:
    piece = b""
    while chunk or len(piece) == PIECE:
        piece = inflater.decompress(chunk, PIECE)
        chunk = inflater.unconsumed_tail
        yield piece
        # zlib keeps all that comes, makes nothing of it, and may ask for it again.
        if inflater.unused_data:
            raise Undecodable("something follows its end")
