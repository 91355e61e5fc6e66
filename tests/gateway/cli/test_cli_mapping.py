"""Headings become fields, in several languages, and never the wrong one."""

from __future__ import annotations

import click
import pytest

from gateway.cli.enrich.headings import NOISE, OWN_NAME, SYNONYMS
from gateway.cli.enrich.mapping import append_columns, guess, normalise, override, suffices
from gateway.cli.enrich.operations import OPERATIONS

FIND = OPERATIONS["emails.find"]


@pytest.mark.parametrize(
    "operation,headings,expected",
    [
        (
            "emails.find",
            "First Name,Last Name,Company Website",
            {"first_name": 0, "last_name": 1, "domain": 2},
        ),
        ("emails.find", "Given name,Surname,URL", {"first_name": 0, "last_name": 1, "domain": 2}),
        (
            "emails.find",
            "Prénom,Nom,Société,Site web",
            {"first_name": 0, "last_name": 1, "domain": 3, "company": 2},
        ),
        (
            "emails.find",
            "Vorname;Nachname;Firma;Webseite",
            {"first_name": 0, "last_name": 1, "domain": 3, "company": 2},
        ),
        (
            "emails.find",
            "Nombre,Apellidos,Empresa,Página web",
            {"first_name": 0, "last_name": 1, "domain": 3, "company": 2},
        ),
        (
            "emails.find",
            "Nome proprio,Cognome,Azienda",
            {"first_name": 0, "last_name": 1, "company": 2},
        ),
        (
            "emails.find",
            "Imię,Nazwisko,Nazwa firmy,Strona www",
            {"first_name": 0, "last_name": 1, "domain": 3, "company": 2},
        ),
        (
            "emails.find",
            "Voornaam,Achternaam,Bedrijfsnaam",
            {"first_name": 0, "last_name": 1, "company": 2},
        ),
        (
            "emails.find",
            "firstName,lastName,companyDomain",
            {"first_name": 0, "last_name": 1, "domain": 2},
        ),
        (
            "emails.find",
            "first_name,LAST-NAME,domain:",
            {"first_name": 0, "last_name": 1, "domain": 2},
        ),
        ("emails.find", "Contact First Name,Lead Last Name", {"first_name": 0, "last_name": 1}),
        ("emails.find", "Name,Organisation,E-mail", {"full_name": 0, "company": 1}),
        (
            "emails.find",
            "Id,Person LinkedIn URL,Company LinkedIn URL,Company Name",
            {"company": 3, "linkedin_url": 1},
        ),
        ("emails.find", "Company LinkedIn URL,Phone,Notes", {}),
        ("emails.find", "Website,Domain,Name", {"full_name": 2, "domain": 1}),
        ("emails.verify", "Id,E-mail", {"email": 1}),
        ("emails.verify", "Adresse électronique", {"email": 0}),
        ("emails.verify", "Correo electrónico;Nombre", {"email": 0}),
        ("emails.verify", "E-Mail-Adresse", {"email": 0}),
        ("emails.verify", "Work Email,Email", {"email": 1}),
        ("emails.verify", "Email status,Emails sent", {}),
        ("people.enrich", "LinkedIn,Mail", {"email": 1, "linkedin_url": 0}),
        ("companies.enrich", "Name,Website", {"domain": 1, "company": 0}),
        ("companies.enrich", "Raison sociale", {"company": 0}),
    ],
)
def test_headings_are_recognised(operation: str, headings: str, expected: dict[str, int]) -> None:
    columns = headings.split(";" if ";" in headings else ",")
    assert guess(columns, OPERATIONS[operation]) == expected


def test_the_tables_are_written_as_headings_are_normalised() -> None:
    words = [word for table in (SYNONYMS, OWN_NAME) for row in table.values() for word in row]
    assert [word for word in (*words, *NOISE) if normalise(word) != word] == []


def test_no_heading_means_two_fields_of_an_operation() -> None:
    for operation in OPERATIONS.values():
        words = [word for field in operation.guessed for word in SYNONYMS[field]]
        assert len(words) == len(set(words))


def test_a_mapping_can_be_said() -> None:
    headings = ["Name", "Homepage", "Where", "where "]
    said = override({"full_name": 0}, ["domain=Homepage", "job_title=Name"], headings, FIND)
    assert said == {"full_name": 0, "domain": 1, "job_title": 0}
    assert override({"full_name": 0}, ["full_name=", "company=name"], headings, FIND) == {
        "company": 0
    }


@pytest.mark.parametrize(
    "assignment", ["email=Name", "domain", "domain=Nowhere", "domain=WHERE", "=Name"]
)
def test_a_mapping_that_means_nothing_is_refused(assignment: str) -> None:
    with pytest.raises(click.UsageError):
        override({}, [assignment], ["Name", "Where", "where "], FIND)


@pytest.mark.parametrize(
    "fields,enough",
    [
        ("first_name last_name domain", True),
        ("full_name company", True),
        ("linkedin_url", True),
        ("first_name domain", False),
        ("full_name", False),
        ("domain company", False),
    ],
)
def test_what_an_operation_needs(fields: str, enough: bool) -> None:
    assert suffices(dict.fromkeys(fields.split(), 0), FIND) is enough


@pytest.mark.parametrize(
    "headings,expected",
    [
        (["Name"], ["email", "status", "confidence"]),
        (["Name", "Email", "STATUS "], ["prospect_email", "prospect_status", "confidence"]),
        (["email", "prospect_email"], ["prospect_prospect_email", "status", "confidence"]),
    ],
)
def test_appended_headings_never_repeat_one(headings: list[str], expected: list[str]) -> None:
    result = append_columns(headings, FIND.columns)
    assert result[: len(headings)] == headings
    assert result[len(headings) :][:3] == expected
    assert len({heading.strip().casefold() for heading in result}) == len(result)
