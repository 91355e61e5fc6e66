"""Snov.io's domain search and email count."""

from __future__ import annotations

from collections.abc import Callable

from providers.simulator.dialect import Call
from providers.simulator.population import Company
from providers.simulator.snov_queues import refuse_query
from providers.simulator.spelling import is_domain, to_domain
from providers.simulator.stage import Stage
from providers.simulator.wire import Fields, Reply, Request, reply

Charge = Callable[..., None]

SEARCH = "domain-search"


class SnovDomains:
    def __init__(self, stage: Stage, charge: Charge) -> None:
        self._stage = stage
        self._world = stage.world
        self._tasks = stage.tasks_of("snov")
        self._charge = charge

    def count(self, call: Call) -> Reply:
        domain = to_domain(call.request.text("domain"))
        if not is_domain(domain):
            return refuse_query("The domain field is required")
        company = self._world.company(domain)
        webmail = self._world.is_webmail(domain)
        total = sum(self._counts(company)[:1]) if company is not None else 0
        body = {"success": True, "domain": domain, "webmail": webmail, "result": total}
        return reply(200, body)

    def start(self, call: Call) -> Reply:
        request = call.request
        domain = to_domain(request.text("domain"))
        if not is_domain(domain):
            return refuse_query("The domain field is required")
        company = self._world.company(domain)
        new = not self._stage.bill.has("snov", call.account.name, SEARCH, domain)
        if company is not None and new:
            self._charge(call, SEARCH, domain, meter="credits")
        task = self._tasks.start(call.account, domain, stuck=call.stuck)
        meta = {"domain": domain, "task_hash": task.id}
        links = {"result": f"{request.base}/v2/domain-search/result/{task.id}"}
        return reply(200, {"data": [], "meta": meta, "links": links})

    def result(self, call: Call) -> Reply:
        request, hash_ = call.request, call.request.segments["task_hash"]
        task = self._tasks.get(call.account, hash_)
        if task is None:
            missing = {"code": 404, "title": "Sorry, but url or entity not found", "source": ""}
            return reply(404, {"errors": missing})
        company, domain = self._world.company(task.result), task.result
        if call.stuck or not self._tasks.poll(task):
            meta = {"domain": domain, "task_hash": hash_}
            return reply(200, {"data": [], "meta": meta, "links": [], "status": "in progress"})
        emails, prospects, generic = self._counts(company) if company is not None else (0, 0, 0)
        meta = {
            "domain": domain,
            "task_hash": hash_,
            "prospects_count": prospects,
            "emails_count": emails,
            "generic_contacts_count": generic,
        }
        data: Fields | list[Fields] = _describe(company) if company is not None else []
        links = _links(request, domain)
        return reply(200, {"data": data, "meta": meta, "links": links, "status": "completed"})

    def _counts(self, company: Company) -> tuple[int, int, int]:
        """Addresses, prospects and role addresses that Snov has of the company."""
        staff = self._world.staff(company)
        known = sum(1 for person in staff if self._world.known("snov", person) is not None)
        return known + len(company.roles), known, len(company.roles)


def _describe(company: Company) -> Fields:
    return {
        "company_name": company.name,
        "city": company.city,
        "founded": str(company.founded),
        "website": f"https://{company.domain}",
        "hq_phone": company.phone.lstrip("+"),
        "industry": company.industry,
        "size": company.band,
        "related_domains": [f"{company.domain.split('.')[0]}.test"] if company.id % 4 == 0 else [],
    }


def _links(request: Request, domain: str) -> Fields:
    root = f"{request.base}/v2/domain-search"
    return {
        "prospects": f"{root}/prospects/start?domain={domain}",
        "domain_emails": f"{root}/domain-emails/start?domain={domain}",
        "generic_contacts": f"{root}/generic-contacts/start?domain={domain}",
    }
