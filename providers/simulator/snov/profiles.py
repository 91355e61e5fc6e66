"""Snov.io's profiles: by address at once, by profile URL after it was pushed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from providers.simulator.dialect import Call, Handlers, Section
from providers.simulator.population import Company, Person
from providers.simulator.snov.book import digest
from providers.simulator.snov.replies import php_date, plain_date, wrong
from providers.simulator.spelling import is_address, to_profile
from providers.simulator.wire import Fields, Reply, Request, reply
from providers.simulator.world import World

ADD_URL = "add-url-for-search"
UPDATED = datetime(2025, 9, 11, 12, 37, 58, tzinfo=UTC)
NETWORKS = ("linkedin.com/", "twitter.com/", "x.com/")


class Profiles(Section):
    def handlers(self) -> Handlers:
        return {
            "POST /v1/add-url-for-search": self._add_url,
            "POST /v1/get-emails-from-url": self._read_url,
            "POST /v1/get-profile-by-email": self._profile,
        }

    def _add_url(self, call: Call) -> Reply:
        url = call.request.text("url")
        if not any(network in url for network in NETWORKS):
            message = "Url is not a link to a social profile"
            return reply(200, {"success": False, "message": message})
        what = to_profile(url)
        self.charge(call, ADD_URL, what, meter="credits")
        id_ = f"url:{call.account.name}:{what}"
        if self.tasks.get(call.account, id_) is None:
            self.tasks.start(call.account, None, id_=id_, stuck=call.stuck)
        return reply(200, {"success": True})

    def _read_url(self, call: Call) -> Reply:
        """What was not pushed, is not found or not ready yet looks the same."""
        url = _url(call.request)
        what = to_profile(url)
        task = self.tasks.get(call.account, f"url:{call.account.name}:{what}")
        pushed = self.stage.bill.has("snov", call.account.name, ADD_URL, what)
        ready = not call.stuck and (self.tasks.poll(task) if task is not None else pushed)
        person = self.world.person(linkedin_url=url)
        known = self.world.known("snov", person) if person is not None else None
        if not ready or person is None or known is None or person.claimed:
            message = "We couldn't find profile with this url"
            return reply(200, {"success": False, "message": message})
        status = "valid" if known.claim == "valid" else "unknown"
        profile = {
            "id": digest(f"profile:{person.id}")[:24],
            "name": person.full_name,
            "firstName": person.first_name,
            "lastName": person.last_name,
            "sourcePage": person.linkedin_url,
            "source": "linkedIn",
            "industry": person.company.industry,
            "country": person.company.country,
            "locality": person.company.city,
            "lastUpdateDate": php_date(_updated(person)),
            "currentJob": [to_job(person.company, person.job_title, started=2020)],
            "previousJob": to_past(self.world, person),
            "social": [],
            "emails": [{"email": known.email, "status": status}],
        }
        return reply(200, {"success": True, "data": [profile]})

    def _profile(self, call: Call) -> Reply:
        email = call.request.text("email")
        if not is_address(email):
            raise wrong("The email field must be a valid email address")
        person = self.world.person(email=email)
        known = self.world.known("snov", person) if person is not None else None
        if person is None or known is None or person.claimed:
            result = "We couldn't find profile with this email"
            return reply(200, {"success": False, "result": result})
        self.charge(call, "get-profile-by-email", email.casefold(), meter="credits")
        flat = {
            "success": True,
            "id": 300_000 + person.id,
            "source": "linkedIn",
            "name": person.full_name,
            "firstName": person.first_name,
            "lastName": person.last_name,
            "logo": "",
            "industry": person.company.industry if person.id % 4 else None,
            "country": person.company.country,
            "locality": person.company.city,
            "social": to_social(person),
            "currentJobs": [to_job(person.company, person.job_title, started=2020)],
            "previousJobs": to_past(self.world, person),
            "lastUpdateDate": plain_date(_updated(person)),
        }
        return reply(200, flat)


def _url(request: Request) -> str:
    url = request.text("url")
    if not url:
        raise wrong("The url field is required")
    return url


def _updated(person: Person) -> datetime:
    return UPDATED + timedelta(days=person.id % 300)


def to_social(person: Person) -> list[Fields]:
    url = person.linkedin_url
    return [{"link": f"{url}/", "type": "linkedIn"}] if url else []


def to_past(world: World, person: Person) -> list[Fields]:
    """One job in four of five lives, always the same."""
    random = Random(person.id)
    if random.random() < 0.2:
        return []
    company = random.choice(world.companies)
    return [to_job(company, "Associate", started=2014, ended=2019)]


def to_job(company: Company, position: str, *, started: int, ended: int | None = None) -> Fields:
    return {
        "companyName": company.name,
        "position": position,
        "socialLink": company.linkedin_url,
        "site": f"http://{company.domain}/",
        "locality": company.country,
        "state": company.state or None,
        "city": company.city,
        "street": None,
        "street2": None,
        "postal": None,
        "founded": str(company.founded),
        "startDate": f"{started}-07-31",
        "endDate": f"{ended}-05-31" if ended else None,
        "size": company.band,
        "industry": company.industry,
        "companyType": "Privately Held",
        "country": company.country,
    }
