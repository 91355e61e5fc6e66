"""The simulated world: deterministic, indexed, and as uneven as the real one."""

from __future__ import annotations

import io

import pytest

from providers.simulator.knowledge import PROVIDERS
from providers.simulator.people import HEADINGS, SHIPPED, list_people, write_people
from providers.simulator.world import World, WorldSettings


def test_a_seed_is_a_world(world: World) -> None:
    again = World()
    assert again.people == world.people
    assert again.companies == world.companies
    assert again.knowledge == world.knowledge
    assert World(seed=8).people != world.people


def test_the_showcase_is_known_as_valid_to_every_provider(world: World) -> None:
    person = world.showcase
    assert person.email == "ada.lovelace@blue-harbor.example"
    assert world.mailbox(person.email) == "valid"
    for provider in PROVIDERS:
        known = world.known(provider, person)
        assert known is not None
        assert (known.email, known.claim, known.stale) == (person.email, "valid", False)


@pytest.mark.parametrize("people", [1, 5, 60])
def test_small_worlds_have_the_showcase_too(people: int) -> None:
    assert World(people=people).showcase.full_name == "Ada Lovelace"


@pytest.mark.parametrize(
    "name, domain",
    [
        ("ada lovelace", "blue-harbor.example"),
        ("ADA LOVELACE", "https://www.Blue-Harbor.example/about"),
        ("Lovelace, Ada", "blue-harbor.example"),
        ("Ádà  Lovelace", "www.blue-harbor.example"),
    ],
)
def test_people_are_found_in_any_spelling(world: World, name: str, domain: str) -> None:
    assert world.person(name, domain) is world.showcase


def test_word_order_tells_people_apart(world: World) -> None:
    assert world.person("Lovelace Ada", "blue-harbor.example") is None


def test_everybody_is_found_by_name_address_and_profile(world: World) -> None:
    for person in world.people:
        assert world.person(person.full_name, person.company.domain) is person
        assert world.person(person.latin_name, person.company.domain) is person
        assert world.person(email=person.email.upper()) is person
        if person.linkedin_url:
            assert world.person(linkedin_url=person.linkedin_url + "/?trk=x") is person


def test_no_two_people_share_an_address(world: World) -> None:
    addresses = [p.email for p in world.people] + [
        p.personal_email for p in world.people if p.personal_email
    ]
    assert len(set(addresses)) == len(addresses)


def test_names_are_of_many_kinds(world: World) -> None:
    names = [person.full_name for person in world.people]
    assert any(name.isascii() for name in names)
    assert any("ø" in name or "é" in name for name in names)
    assert any(" van der " in name for name in names)
    assert any(ord(name[0]) > 0x3000 for name in names)


def test_every_domain_is_reserved(world: World) -> None:
    assert all(company.domain.endswith(".example") for company in world.companies)
    assert all(person.email.endswith(".example") for person in world.people)


def test_some_are_unknown_to_all_claimed_or_without_mailbox(world: World) -> None:
    unknown = sum(1 for known in world.knowledge if not known)
    assert 0.05 < unknown / len(world.people) < 0.3
    assert 0 < sum(person.claimed for person in world.people) < 60
    assert 0 < sum(not person.has_mailbox for person in world.people) < 400


def test_copied_knowledge_is_correlated() -> None:
    def both(rho: float) -> float:
        world = World(people=4000, settings=WorldSettings(rho=rho))
        hunter = [k for k in world.knowledge if "hunter" in k]
        return sum("snov" in k for k in hunter) / len(hunter)

    assert both(0.9) > both(0.5) > both(0.0) + 0.05


def test_stale_addresses_belong_to_nobody(world: World) -> None:
    stale = [k for known in world.knowledge for k in known.values() if k.stale]
    assert stale
    assert all(world.person(email=known.email) is None for known in stale)


@pytest.mark.parametrize(
    "address, mailbox",
    [
        ("ada.lovelace@blue-harbor.example", "valid"),
        ("ADA.LOVELACE+news@blue-harbor.example", "valid"),
        ("nobody@blue-harbor.example", "invalid"),
        ("ada.lovelace@webmail.example", "valid"),
        ("nobody@webmail.example", "invalid"),
        ("anything@throwaway.example", "disposable"),
        ("ada@no-such-company.example", "no_domain"),
    ],
)
def test_mailboxes_tell_the_truth(world: World, address: str, mailbox: str) -> None:
    assert world.mailbox(address) == mailbox


def test_catch_all_domains_take_anything(world: World) -> None:
    company = next(c for c in world.companies if c.catch_all and c.smtp == "plain")
    assert world.mailbox(f"whatever@{company.domain}") == "catch_all"


def test_the_shipped_file_is_what_the_generator_writes(world: World) -> None:
    written = io.StringIO()
    write_people(written, list_people(world, 200))
    assert SHIPPED.read_text(encoding="utf-8") == written.getvalue()


def test_the_shipped_file_has_bad_and_repeated_rows(world: World) -> None:
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    assert lines[0] == ",".join(HEADINGS)
    rows = list_people(world, 200)
    assert len(rows) == len(lines) - 1 == 200
    assert sum(not row[0] for row in rows) == 2
    assert sum(not row[3] for row in rows) == 4
    folded = [tuple(cell.casefold() for cell in row) for row in rows]
    assert len(folded) - len(set(folded)) == 4
    assert len(rows) - len(set(rows)) == 0
