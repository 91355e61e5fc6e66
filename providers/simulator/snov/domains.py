"""Snov.io's domain search for a company, its email count, and the older search of addresses."""

from __future__ import annotations

from providers.simulator.dialect import Call, Handlers, as_number
from providers.simulator.population import Company
from providers.simulator.snov.later import LaterSection, domain_of, generic_of
from providers.simulator.snov.replies import wrong
from providers.simulator.tasks import Task
from providers.simulator.wire import Fields, Reply, reply

SEARCH = "domain-search"
TYPES = {"all", "personal", "generic"}
MOST = 100


class Domains(LaterSection):
    def handlers(self) -> Handlers:
        return {
            "POST /v1/get-domain-emails-count": self._count,
            "POST /v2/domain-search/start": self._start,
            "GET /v2/domain-search/result/{task_hash}": self._result,
            "GET /v2/domain-emails-with-info": self._with_info,
        }

    def _count(self, call: Call) -> Reply:
        domain = domain_of(call.request)
        company = self.world.company(domain)
        webmail = self.world.is_webmail(domain)
        total = len(self.addresses_of(company)) if company is not None else 0
        body = {"success": True, "domain": domain, "webmail": webmail, "result": total}
        return reply(200, body)

    def _start(self, call: Call) -> Reply:
        domain, base = domain_of(call.request), call.request.base
        if self.world.company(domain) is not None:
            self.charge_once(call, SEARCH, domain)
        task = self.begin(call, domain, lambda task: self._shown(task, base))
        meta = {"domain": domain, "task_hash": task.id}
        links = {"result": f"{base}/v2/domain-search/result/{task.id}"}
        return reply(200, {"data": [], "meta": meta, "links": links})

    def _result(self, call: Call) -> Reply:
        return self.answer(call, lambda task: self._shown(task, call.request.base))

    def _shown(self, task: Task, base: str) -> Fields:
        domain: str = task.result
        company = self.world.company(domain)
        people, addresses, generic = (
            (self.people_of(company), self.addresses_of(company), company.roles)
            if company is not None
            else ([], [], ())
        )
        meta = {
            "domain": domain,
            "task_hash": task.id,
            "prospects_count": len(people),
            "emails_count": len(addresses),
            "generic_contacts_count": len(generic),
        }
        root = f"{base}/v2/domain-search"
        links = {
            "prospects": f"{root}/prospects/start?domain={domain}",
            "domain_emails": f"{root}/domain-emails/start?domain={domain}",
            "generic_contacts": f"{root}/generic-contacts/start?domain={domain}",
        }
        data: Fields | list[Fields] = _describe(company) if company is not None else []
        return {"data": data, "meta": meta, "links": links, "status": "completed"}

    def _with_info(self, call: Call) -> Reply:
        """`lastId` is how far the last page went."""
        request, domain = call.request, domain_of(call.request)
        limit = as_number(request.fields.get("limit"), 10)
        last = as_number(request.fields.get("lastId"), 0)
        kind = request.text("type") or "all"
        if limit is None or last is None or not 1 <= limit <= MOST or kind not in TYPES:
            raise wrong("The limit, lastId or type field is invalid")
        company = self.world.company(domain)
        rows = self._rows(company, kind, request.texts("positions")) if company else []
        page = rows[last : last + limit]
        if page:
            what = f"{domain} {kind} {limit} {last} {request.texts('positions')}"
            self.charge_once(call, "domain-emails-with-info", what)
        body = {
            "success": True,
            "domain": domain,
            "webmail": self.world.is_webmail(domain),
            "result": len(rows),
            "lastId": last + len(page),
            "limit": limit,
            "companyName": company.name if company else "",
            "emails": page,
        }
        return reply(200, body)

    def _rows(self, company: Company, kind: str, positions: list[str]) -> list[Fields]:
        wanted = [position.casefold() for position in positions]
        rows: list[Fields] = []
        for person in self.people_of(company) if kind != "generic" else []:
            known = self.world.known("snov", person)
            title = person.job_title.casefold()
            if known is None or (wanted and not any(w in title for w in wanted)):
                continue
            rows.append(
                {
                    "email": known.email,
                    "firstName": person.first_name,
                    "lastName": person.last_name,
                    "position": person.job_title,
                    "sourcePage": person.linkedin_url,
                    "companyName": company.name,
                    "type": "prospect",
                    "status": "verified" if known.claim == "valid" else "notVerified",
                }
            )
        role = {"type": "email", "status": "notVerified"}
        addresses = generic_of(company) if kind != "personal" and not wanted else []
        return rows + [{"email": address, **role} for address in addresses]


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
