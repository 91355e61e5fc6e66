"""Lua scripts of the store, each with the store's clock in front."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path

USES = "-- uses:"
FOLDER = Path(__file__).parent / "lua"


@dataclass(frozen=True, slots=True)
class Script:
    """A script and the SHA-1 the store knows it by.

    `shifted` is the same script on a clock that adds the milliseconds kept in
    `{pgw}:clock_offset`; a store opened with `test_clock` runs it instead.
    """

    name: str
    source: str
    sha: str
    shifted: Script | None = None

    @classmethod
    def load(cls, name: str) -> Script:
        """`gateway/store/lua/<name>.lua`, where `now_ms()` is the store's clock.

        A first line `-- uses: other` puts `other.lua` in front as well.
        """
        body = _read(name)
        first, _, others = body.partition("\n")[0].partition(USES)
        if not first:
            body = "".join(_read(other) for other in others.split()) + body
        shifted = cls.of(name, _read("clock_shifted") + body)
        return cls.of(name, _read("clock") + body, shifted=shifted)

    @classmethod
    def of(cls, name: str, source: str, *, shifted: Script | None = None) -> Script:
        sha = sha1(source.encode(), usedforsecurity=False).hexdigest()
        return cls(name, source, sha, shifted)


def _read(name: str) -> str:
    return (FOLDER / f"{name}.lua").read_text(encoding="utf-8")
