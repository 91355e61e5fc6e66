"""What providers said of addresses, what became of those, and how often such addresses bounce."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import datetime
from hashlib import blake2b
from itertools import combinations

import msgspec
from msgspec import Struct

from gateway.lookup.identifiers import spell_email
from gateway.lookup.market import Market
from gateway.lookup.planning.bounces import Estimate, Estimates, estimates_of, shrunk
from gateway.lookup.planning.lessons import Lesson, to_cells
from gateway.lookup.planning.outcomes import EVERYBODY, Outcome, book_of, path_of, teach_path
from gateway.lookup.planning.terms import Cells
from gateway.lookup.planning.verdicts import Verdict, combine, fitted_share, teach_pair
from gateway.store.connection import Store, StoreDown
from gateway.store.script import Script
from gateway.vault.credentials import Credential, spaces
from gateway.vault.datakey import DataKey
from providers.model import Datum, DomainEmails, Email, Status, Verification
from providers.registry import ADAPTERS

FRESH = 1.0
# Assumed until there are outcomes: how often any address bounces.
BASE = 0.1
# How often somebody else may come first before the store is taken to be out of its mind.
PATIENCE = 20
# They say that it was delivered: a later delivery takes nothing of them back.
FURTHER: tuple[Outcome, ...] = ("replied", "wrong_person")

_pack = msgspec.msgpack.Encoder().encode


class Told(Struct, frozen=True, array_like=True):
    """What was last said of an address, `at` ms, and the paths that were taught by provider."""

    outcome: Outcome
    at: int
    paths: dict[str, str]


_told = msgspec.msgpack.Decoder(Told)


def said_in(data: Datum | None) -> Iterator[tuple[str, str]]:
    """Each address of an answer, with its status and decile of confidence."""
    for one in _addresses_in(data):
        yield spell_email(one.email), path_of(one.status, one.confidence)


def _addresses_in(data: Datum | None) -> Iterable[Email | Verification]:
    """Of a person's addresses nobody says whether they can be written to."""
    match data:
        case Email() | Verification():
            return [data]
        case DomainEmails():
            return data.emails
        case _:
            return []


def space_of(credential: Credential, team: str | None) -> str:
    """Who may know what the credential bought: those who are served with it."""
    return credential.space if team is None else f"team:{team}"


def name_of(email: str, space: str, key: bytes) -> str:
    """By which an address is known; the key's name tells nothing about it."""
    return blake2b(f"{space}\0{email}".encode(), digest_size=16, key=key).hexdigest()


class Bounces:
    """Of one process. Every method raises StoreDown."""

    def __init__(
        self, store: Store, root: str, market: Market, data_key: DataKey, *, team_cache: bool
    ):
        self._store = store
        self._root = root
        self._market = market
        self._data_key = data_key
        self._team_cache = team_cache
        self._note = Script.load("note_outcome")
        self._teach = Script.load("teach")
        self._known: tuple[float, Mapping[str, Estimates]] = (0.0, {})

    async def cells(self, book: str) -> Cells:
        """Counts of a provider's outcomes, of all providers', or of a pair of verdicts."""
        flat = await self._store.call("HGETALL", f"{self._root}learn:{book}")
        return to_cells(dict(zip(flat[::2], flat[1::2], strict=True)))

    async def estimates(self) -> Mapping[str, Estimates]:
        """By provider; a copy at most FRESH seconds old."""
        read, known = self._known
        if not known or time.monotonic() - read >= FRESH:
            common = await self.cells(book_of(EVERYBODY))
            known = {
                name: estimates_of(await self.cells(book_of(name)), common) for name in ADAPTERS
            }
            self._known = (time.monotonic(), known)
        return known

    async def combined(self, said: Sequence[Verdict]) -> Estimate:
        """How often an address bounces of which two said this."""
        estimates = await self.estimates()
        books = [f"verdicts:{one}+{other}" for one, other in combinations(sorted(ADAPTERS), 2)]
        pairs = {book: await self.cells(book) for book in books}
        base = shrunk(await self.cells(book_of(EVERYBODY)), "", BASE).chance
        share = fitted_share(pairs, estimates, base)
        return combine(said, estimates, base=base, pairs=pairs, share=share)

    async def teach(self, lessons: Sequence[Lesson]) -> None:
        """Learn what no call tells by itself."""
        await self._store.run(self._teach, [self._root], [_pack(lessons)])

    async def note(self, email: str, team: str, outcome: Outcome, at: int) -> bool:
        """Whether any provider gave the team this address; saying it again changes nothing."""
        heard: set[str] = set()
        names = [name_of(email, space, self._data_key.value) for space in self.spaces(team)]
        found = [await self._note_one(name, outcome, at, heard) for name in names]
        return any(found)

    def spaces(self, team: str) -> list[str]:
        """Of whose answers the team is served."""
        if self._team_cache:
            return [f"team:{team}"]
        return spaces(self._market.credentials, team)

    async def _note_one(self, name: str, outcome: Outcome, at: int, heard: set[str]) -> bool:
        """Providers that were `heard` of the same address, by another account, count no more."""
        for _ in range(PATIENCE):
            flat = await self._store.call("HGETALL", f"{self._root}given:{name}")
            row = dict(zip(flat[::2], flat[1::2], strict=True))
            if not row:
                return False
            packed = row.get(b"told", b"")
            before = _told.decode(packed) if packed else None
            paths = before.paths if before else _paths_in(row, heard)
            if before is not None and not _supersedes(before, outcome, at):
                heard.update(paths)
                return True
            told = Told(outcome, at, paths)
            operands = [name, packed, _pack(told), _pack(lessons_of(told, before))]
            if await self._store.run(self._note, [self._root], operands):
                heard.update(paths)
                return True
        raise StoreDown("an outcome was overtaken again and again")


def _paths_in(row: Mapping[bytes, bytes], heard: Set[str]) -> dict[str, str]:
    return {
        provider: path.decode()
        for field, path in sorted(row.items())
        if field.startswith(b"by:")
        and (provider := field.decode().removeprefix("by:")) not in heard
    }


def _supersedes(before: Told, outcome: Outcome, at: int) -> bool:
    """The latest word counts, whichever order words come in."""
    if at < before.at or outcome == before.outcome:
        return False
    return not (outcome == "delivered" and before.outcome in FURTHER)


def lessons_of(told: Told, before: Told | None) -> list[Lesson]:
    """What an address teaches of everyone who spoke of it, alone and two by two."""
    old = before.outcome if before else None
    found = [
        lesson
        for provider, path in told.paths.items()
        for lesson in teach_path(provider, path, told.outcome, before=old)
    ]
    for pair in combinations(_verdicts_of(told), 2):
        had = None if old is None else old == "bounced"
        found.append(teach_pair(pair, bounced=told.outcome == "bounced", before=had))
    return found


def _verdicts_of(told: Told) -> Sequence[Verdict]:
    return [
        (provider, msgspec.convert(path.partition("/")[0], Status))
        for provider, path in told.paths.items()
    ]


def to_millis(moment: str) -> int:
    """Of a moment as `clean_moment` writes it."""
    return round(datetime.fromisoformat(moment).timestamp() * 1000)
