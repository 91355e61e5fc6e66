"""How a domain makes addresses of names: inferred from known ones, and guessed for another.

A guess is never an answer: it is only worth the price of verifying it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from gateway.lookup.planning.folding import PARTICLES, STYLES, Style, parts_of

# In the order in which domains are commonly said to use them; ties go to the earlier.
PATTERNS = (
    "{first}.{last}",
    "{f}{last}",
    "{first}",
    "{first}{last}",
    "{f}.{last}",
    "{first}{l}",
    "{first}.{l}",
    "{first}_{last}",
    "{first}-{last}",
    "{last}",
    "{last}.{first}",
    "{last}{first}",
    "{last}{f}",
    "{last}.{f}",
    "{last}_{first}",
    "{last}-{first}",
    "{f}_{last}",
    "{f}-{last}",
    "{f}{l}",
    "{l}{first}",
    "{l}.{first}",
)
_NUMBERS = {text: number for number, text in enumerate(PATTERNS)}
_BITS = {style: 1 << place for place, style in enumerate(STYLES)}
_FIELD = re.compile(r"\{(?:first|last|f|l)\}")
# Pseudo-observations of a domain that has no pattern at all.
DOUBT = 1.0
# Fewer of the domain's addresses than these make no pattern.
LEAST = 0.5


class Known(Struct, frozen=True):
    """An address that is somebody's."""

    first_name: str
    last_name: str
    email: str


class Pattern(Struct, frozen=True):
    """`text` in Hunter's notation; `style` is how letters and particles are written.

    `share` is how many of the domain's addresses are expected to be so made.
    """

    text: str
    style: Style
    share: float
    seen: int


def infer(known: Iterable[Known]) -> Pattern | None:
    """The pattern of a domain; None if no address tells, or none of them agree."""
    found: Counter[tuple[str, Style]] = Counter()
    told = 0
    for one in known:
        told += 1
        found.update(set(ways_of(one)))
    return _agreed(found, told)


def votes_of(known: Known) -> list[str]:
    """Each pattern that makes the address, by its number, with those of all styles as bits."""
    masks: Counter[int] = Counter()
    for text, style in ways_of(known):
        masks[_NUMBERS[text]] |= _BITS[style]
    return [f"{number}:{mask:x}" for number, mask in masks.items()]


def tallied(votes: Mapping[str, int], told: int) -> Pattern | None:
    """What `infer` says of as many addresses, from the sums of their `votes_of`."""
    found: Counter[tuple[str, Style]] = Counter()
    for vote, count in votes.items():
        number, _, mask = vote.partition(":")
        for place, style in enumerate(STYLES):
            if int(mask, 16) >> place & 1:
                found[PATTERNS[int(number)], style] += count
    return _agreed(found, told)


def _agreed(found: Mapping[tuple[str, Style], int], told: int) -> Pattern | None:
    if not found:
        return None
    (text, style), votes = min(found.items(), key=_rank)
    share = votes / (told + DOUBT)
    return Pattern(text, style, share, told) if share >= LEAST else None


def _rank(item: tuple[tuple[str, Style], int]) -> tuple[int, int, int]:
    (text, style), votes = item
    return -votes, PATTERNS.index(text), STYLES.index(style)


def ways_of(known: Known, patterns: Sequence[str] = PATTERNS) -> Iterator[tuple[str, Style]]:
    """Every pattern and style that make the address of the name."""
    local = known.email.lower().rpartition("@")[0].partition("+")[0]
    bare = local.rstrip("0123456789")
    for (first, last), styles in _spellings(known.first_name, known.last_name).items():
        for text in patterns if first and last else ():
            # A number tells namesakes apart: it is not of the pattern.
            if _made(text, first, last) in (local, bare):
                yield from ((text, style) for style in styles)


def _spellings(first_name: str, last_name: str) -> Mapping[tuple[str, str], Sequence[Style]]:
    """A name as the styles write it; of plain letters and one word each all write the same."""
    whole = first_name + last_name
    if whole.isascii() and whole.isalpha():
        return {(first_name.lower(), last_name.lower()): STYLES}
    found: dict[tuple[str, str], list[Style]] = {}
    firsts: dict[tuple[str, str], str] = {}
    lasts: dict[tuple[str, str], str] = {}
    for style in STYLES:
        given, family = (style.letters, style.given), (style.letters, style.family)
        if given not in firsts:
            firsts[given] = parts_of(first_name, style, family=False)
        if family not in lasts:
            lasts[family] = parts_of(last_name, style, family=True)
        found.setdefault((firsts[given], lasts[family]), []).append(style)
    return found


def guess(pattern: Pattern, first_name: str, last_name: str, domain: str) -> str | None:
    """The address that the name would have; None if the name has no letters for it."""
    local = local_part(pattern.text, pattern.style, first_name, last_name)
    return f"{local}@{domain}" if local else None


def local_part(text: str, style: Style, first_name: str, last_name: str) -> str | None:
    first, last = (
        parts_of(first_name, style, family=False),
        parts_of(last_name, style, family=True),
    )
    if not first or not last:
        return None
    return _made(text, first, last)


def _made(text: str, first: str, last: str) -> str:
    return text.format(first=first, last=last, f=first[0], l=last[0])


def divided(full_name: str) -> tuple[str, str] | None:
    """First and last name; None where a word between them may be of either."""
    first, *rest = full_name.split()
    if not rest or not all(word.casefold() in PARTICLES for word in rest[:-1]):
        return None
    return first, " ".join(rest)


def stated(text: str, known: Iterable[Known] = ()) -> Pattern | None:
    """A pattern that a provider states; how letters are written is as in `known` addresses.

    None if it has parts that a first and a last name do not make.
    """
    if _FIELD.sub("", text).strip("._-") or not _FIELD.search(text):
        return None
    votes = Counter(style for one in known for way, style in ways_of(one, (text,)))
    style = min(STYLES, key=lambda one: (-votes[one], STYLES.index(one)))
    return Pattern(text, style, 1.0, votes[style])
