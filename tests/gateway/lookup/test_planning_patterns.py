"""A domain's pattern is inferred from its addresses, and makes the address of another name."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gateway.lookup.planning.folding import STYLES, Style, parts_of, plain
from gateway.lookup.planning.patterns import (
    PATTERNS,
    Known,
    Pattern,
    guess,
    infer,
    local_part,
    stated,
)

ADA = ("Ada", "Lovelace")


def known(*addresses: str) -> list[Known]:
    """Of "First Last: local"."""
    made = []
    for line in addresses:
        name, _, local = line.partition(": ")
        first, _, last = name.partition(" ")
        made.append(Known(first, last, f"{local}@a.example"))
    return made


@pytest.mark.parametrize(
    "addresses, expected",
    [
        (["Grace Hopper: grace.hopper"], "ada.lovelace"),
        (["Grace Hopper: ghopper"], "alovelace"),
        (["Grace Hopper: g.hopper"], "a.lovelace"),
        (["Grace Hopper: hopper.grace"], "lovelace.ada"),
        (["Grace Hopper: hopperg"], "lovelacea"),
        (["Grace Hopper: graceh"], "adal"),
        (["Grace Hopper: grace_hopper"], "ada_lovelace"),
        (["Grace Hopper: grace-hopper"], "ada-lovelace"),
        (["Grace Hopper: grace"], "ada"),
        (["Grace Hopper: hopper"], "lovelace"),
        (["Grace Hopper: gh"], "al"),
        (["Grace Hopper: GRACE.Hopper"], "ada.lovelace"),
        (["Grace Hopper: grace.hopper2"], "ada.lovelace"),
        (["Grace Hopper: grace.hopper+news"], "ada.lovelace"),
        (["Grace Hopper: ghopper", "Alan Turing: alan", "Alan Kay: akay"], "alovelace"),
    ],
)
def test_the_address_of_another_name(addresses: list[str], expected: str) -> None:
    pattern = infer(known(*addresses))
    assert pattern is not None
    assert guess(pattern, *ADA, "a.example") == f"{expected}@a.example"


@pytest.mark.parametrize(
    "addresses",
    [
        [],
        ["Grace Hopper: amazing"],
        ["Grace Hopper: grace.hopper", "Alan Turing: aturing", "Ken Thompson: t.ken"],
        ["Grace Hopper: grace.hopper", "Alan Turing: info", "Ken Thompson: kt2000x"],
        ["王 明: wang.ming"],
    ],
)
def test_addresses_that_do_not_agree_make_no_pattern(addresses: list[str]) -> None:
    assert infer(known(*addresses)) is None


def test_more_addresses_make_surer() -> None:
    shares = []
    for count in (1, 3, 10):
        addresses = [f"First{chr(97 + at)} Last: first{chr(97 + at)}.last" for at in range(count)]
        found = infer(known(*addresses))
        assert found is not None
        shares.append(found.share)
    assert shares == [0.5, 0.75, 10 / 11]


@pytest.mark.parametrize(
    "addresses, first, last, local",
    [
        (["Jürgen Müller: juergen.mueller"], "Björn", "Köhler", "bjoern.koehler"),
        (["Jürgen Müller: jurgen.muller"], "Björn", "Köhler", "bjorn.kohler"),
        (["Søren Åberg: soeren.aaberg"], "Åsa", "Bjørnstad", "aasa.bjoernstad"),
        (["Søren Åberg: soren.aberg"], "Åsa", "Bjørnstad", "asa.bjornstad"),
        (["Jan van der Berg: jan.vanderberg"], "Ana", "de la Cruz", "ana.delacruz"),
        (["Jan van der Berg: jan.van-der-berg"], "Ana", "de la Cruz", "ana.de-la-cruz"),
        (["Jan van der Berg: jan.berg"], "Ana", "de la Cruz", "ana.cruz"),
        (["Ana García López: ana.lopez"], "Gabriel", "García Márquez", "gabriel.marquez"),
        (["Zoë Strauß: zoe.strauss"], "Łukasz", "Żukowska", "lukasz.zukowska"),
        (["Sinéad O'Connor: sinead.oconnor"], "Seán", "O\u2019Brien", "sean.obrien"),
        (["Anna Smith: anna.smith"], "Jean-Luc", "Picard", "jeanluc.picard"),
        (["Jean-Luc Picard: jean.picard"], "Anna-Maria", "Kirk", "anna.kirk"),
        (["Anna Smith: anna.smith"], "Mary", "St. John", "mary.stjohn"),
    ],
)
def test_letters_and_particles_are_written_as_the_domain_does(
    addresses: list[str], first: str, last: str, local: str
) -> None:
    pattern = infer(known(*addresses))
    assert pattern is not None
    assert guess(pattern, first, last, "a.example") == f"{local}@a.example"


@pytest.mark.parametrize(
    "first, last", [("明", "王"), ("Ada", ""), ("", "Lovelace"), ("Ada", "'")]
)
def test_a_name_without_letters_for_it_has_no_address(first: str, last: str) -> None:
    assert guess(Pattern("{first}.{last}", Style(), 1.0, 9), first, last, "a.example") is None


@pytest.mark.parametrize("text", ["{first}.{last}", "{f}{last}", "{last}{f}", "{first}"])
def test_a_stated_pattern_is_taken(text: str) -> None:
    found = stated(text, known("Jürgen Müller: jmueller"))
    assert found is not None
    german = text == "{f}{last}"
    assert found.style.letters == ("german" if german else "plain")


@pytest.mark.parametrize("text", ["", "{middle}.{last}", "{first}.{last}@a", "ada", "{first!r}"])
def test_a_pattern_that_is_none_is_not_taken(text: str) -> None:
    assert stated(text) is None


def test_every_pattern_differs_and_is_in_the_providers_notation() -> None:
    made = [local_part(text, Style(), *ADA) for text in PATTERNS]
    assert len(set(made)) == len(PATTERNS)
    assert all(stated(text) for text in PATTERNS)


LETTERS = "abcdefghijklmnopqrstuvwxyzäöüßøåéñçłŁÖÉ"
NAMES = st.lists(st.text(LETTERS, min_size=2, max_size=8), min_size=1, max_size=3).map(" ".join)


@settings(max_examples=40, deadline=None)
@given(NAMES, NAMES, st.sampled_from(PATTERNS), st.sampled_from(STYLES))
def test_what_a_pattern_made_is_recognised(first: str, last: str, text: str, style: Style) -> None:
    """Whichever of the patterns that explain an address is taken, it makes that address again."""
    made = local_part(text, style, first, last)
    assume(made is not None)
    found = infer([Known(first, last, f"{made}@a.example")] * 3)
    assert found is not None
    assert guess(found, first, last, "a.example") == f"{made}@a.example"


@given(st.text(max_size=20), st.sampled_from(STYLES), st.booleans())
def test_what_is_written_is_plain(name: str, style: Style, family: bool) -> None:
    written = parts_of(name, style, family=family)
    assert written == written.lower()
    assert all(char.isascii() and (char.isalnum() or char == "-") for char in written)
    assert plain(written.replace("-", ""), style.letters) == written.replace("-", "")
