"""Snov.io's persons: read for free, pushed for a credit, waited for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from providers.errors import Unavailable
from providers.model import CountEmails, Email, EnrichPerson, FindEmail, Person
from providers.registry import ADAPTERS

if TYPE_CHECKING:
    from tests.providers.conftest import StageMaker

PROFILE = "https://www.linkedin.com/in/ada"
FIND = ADAPTERS["snov"].offers["emails.find"]
ENRICH = ADAPTERS["snov"].offers["people.enrich"]
OWNER = FindEmail(linkedin_url=PROFILE)
BY_PROFILE = EnrichPerson(linkedin_url=PROFILE)
BY_EMAIL = EnrichPerson(email="ada@engine.example")
QUEUED = {"reply": {"success": True}}


def miss(success: bool = False, member: str = "message") -> dict[str, Any]:
    return {"reply": {"success": success, member: "We couldn\u2019t find profile with this url"}}


def prospect(*emails: tuple[str, str], whole: bool = True) -> dict[str, Any]:
    listed = [{"email": address, "status": status} for address, status in emails]
    data = {"name": "Ada Lovelace", "emails": listed, "currentJobs": [{"companyName": "Engine"}]}
    return {"reply": {"success": True, "data": data if whole else [data]}}


@pytest.mark.parametrize("query, offer", [(OWNER, FIND), (BY_PROFILE, ENRICH)])
@pytest.mark.parametrize("whole", [True, False])
async def test_a_profile_that_is_known_is_free(
    query: Any, offer: Any, whole: bool, stage: StageMaker
) -> None:
    """Its data is a list in the document and an object in the one recorded reply."""
    staged = stage("snov", [prospect(("ada@engine.example", "valid"), whole=whole)])
    answer = await staged.lookup(query)
    assert answer.data is not None
    assert offer.charged_units(query, answer) == 0
    assert len(staged.player.requests) == 1


@pytest.mark.parametrize("query, offer", [(OWNER, FIND), (BY_PROFILE, ENRICH)])
@pytest.mark.parametrize("reads", [1, 3])
async def test_a_profile_that_never_comes_is_a_miss_after_so_many_reads(
    query: Any, offer: Any, reads: int, stage: StageMaker
) -> None:
    exchanges = [miss(), QUEUED, *[miss(success=True)] * reads]
    staged = stage("snov", exchanges, profile_reads=str(reads))
    answer = await staged.lookup(query)
    assert answer.data is None
    assert offer.charged_units(query, answer) == 1000
    assert len(staged.player.requests) == 2 + reads


async def test_the_best_address_of_a_profile_is_taken(stage: StageMaker) -> None:
    emails = ("x@engine.example", "unknown"), ("ada@engine.example", "valid")
    answer = await stage("snov", [prospect(*emails)]).lookup(OWNER)
    assert isinstance(answer.data, Email)
    assert (answer.data.email, answer.data.company) == ("ada@engine.example", "Engine")
    assert (await stage("snov", [prospect()]).lookup(OWNER)).data is None


async def test_what_was_not_queued_is_not_charged(stage: StageMaker) -> None:
    refused = {"reply": {"success": False, "message": "not a link", "status": "x"}}
    with pytest.raises(Unavailable) as caught:
        await stage("snov", [miss(), refused]).lookup(OWNER)
    assert not caught.value.uncertain


@pytest.mark.parametrize("success", [True, False])
@pytest.mark.parametrize("member", ["message", "result"])
async def test_a_stranger_is_a_miss_and_free(
    success: bool, member: str, stage: StageMaker
) -> None:
    """The document has it in `message`, the recorded reply in `result`."""
    answer = await stage("snov", [miss(success, member)]).lookup(BY_EMAIL)
    assert answer.data is None
    assert ENRICH.charged_units(BY_EMAIL, answer) == 0


@pytest.mark.parametrize("jobs", ["currentJob", "currentJobs"])
async def test_jobs_are_read_under_both_their_names(jobs: str, stage: StageMaker) -> None:
    job = {"companyName": "Engine", "position": "Countess", "site": "https://www.engine.example/a"}
    profile = {"success": True, "name": "Ada", "skills": "sums, engines", jobs: [job]}
    answer = await stage("snov", [{"reply": profile}]).lookup(BY_EMAIL)
    assert isinstance(answer.data, Person)
    assert (answer.data.job_title, answer.data.domain) == ("Countess", "engine.example")
    assert answer.data.skills == ["sums", "engines"]
    assert ENRICH.charged_units(BY_EMAIL, answer) == 1000


@pytest.mark.parametrize(
    "query, fits",
    [
        (OWNER, True),
        (FindEmail(full_name="A C B", domain="e.example", linkedin_url=PROFILE), True),
        (FindEmail(linkedin_url=PROFILE, kind="personal"), False),
    ],
)
def test_the_finder_takes_a_profile(query: FindEmail, fits: bool) -> None:
    assert FIND.fits(query) is fits


@pytest.mark.parametrize(
    "query, fits",
    [
        (CountEmails(domain="e.example"), True),
        (CountEmails(company="E"), False),
        (CountEmails(domain="e.example", address_type="role"), False),
    ],
)
def test_only_all_addresses_of_a_domain_are_counted(query: CountEmails, fits: bool) -> None:
    assert ADAPTERS["snov"].offers["emails.count"].fits(query) is fits
