"""Snov.io's domain search: the company, its addresses in three lists, and their number.

Every list is started, named by a task hash and read as often as need be. A start is charged once
for the same question and only if there are rows, so that asking for a page again is free.
"""

from __future__ import annotations

from typing import Any

import msgspec

from providers.base import Reply, decode, glance
from providers.bounds import purchase
from providers.model import Answer, CountEmails, EnrichCompany, SearchDomain, Ticket
from providers.snov.account import SnovAccount, is_done, segment
from providers.snov.facts import to_company, to_email_count
from providers.snov.lists import (
    Found,
    Spot,
    charged_for,
    chosen_of,
    lists_of,
    name_of,
    rows_in,
    to_answer,
    wants_addresses,
)
from providers.snov.marks import PROSPECTS, company_mark, prospect_mark
from providers.snov.wire import (
    CompanyInfo,
    CountReply,
    ListReply,
    ProspectEmail,
    ProspectEmails,
    StartedSearch,
    TaskReply,
)

ROOT = "/v2/domain-search"
SEARCH_EMAILS = f"{ROOT}/prospects/search-emails"


class Domains(SnovAccount):
    async def count(self, query: CountEmails) -> Answer:
        path, form = "/v1/get-domain-emails-count", {"domain": query.domain}
        reply = await self.call("POST", path, CountReply, form=form)
        return Answer(data=to_email_count(query, reply.value), raw=reply.body)

    async def enrich_company(self, query: EnrichCompany) -> Ticket:
        json = {"domain": query.domain, **self.callback}
        reply = await self.call("POST", f"{ROOT}/start", StartedSearch, json=json)
        return Ticket(state={"search_hash": reply.value.meta.task_hash})

    async def collect_company(self, query: EnrichCompany, ticket: Ticket) -> Answer | Ticket:
        path = f"{ROOT}/result/" + segment(ticket.state["search_hash"])
        reply = await self.call("GET", path, TaskReply)
        if not is_done(reply.value):
            return ticket
        if glance(reply.value.data, list[Any]) is not None:
            return Answer(data=None, raw=reply.body)
        found = decode(reply.value.data, CompanyInfo)
        once = {company_mark(query.domain or ""): 1000}
        return Answer(data=to_company(query.domain or "", found), once=once, raw=reply.body)

    async def search(self, query: SearchDomain, after: str | None = None) -> Ticket:
        spot = Spot.read(after) if after else Spot(lists_of(query)[0])
        return await self._start_list(query, spot)

    async def _start_list(self, query: SearchDomain, spot: Spot) -> Ticket:
        of_prospects = spot.name == PROSPECTS
        params = {
            "domain": query.domain,
            "page" if of_prospects else "next": spot.position or None,
            "positions[]": query.job_titles or None if of_prospects else None,
            **self.callback,
        }
        path = f"{ROOT}/{spot.name}/start"
        reply = await self.call("POST", path, StartedSearch, params=params)
        return Ticket(state={"spot": str(spot), "hash": reply.value.meta.task_hash})

    async def collect_list(self, query: SearchDomain, ticket: Ticket) -> Answer | Ticket:
        if "left" in ticket.state:
            return await self._collect_addresses(query, ticket)
        spot = Spot.read(ticket.state["spot"])
        reply = await self._read_list(ticket, spot)
        if not is_done(reply.value):
            return ticket
        rows = rows_in(query, spot, reply.value)
        lists = lists_of(query)
        if not rows and spot.name != lists[-1]:
            # An empty list is free; the next one may have rows.
            with purchase():
                return await self._start_list(query, Spot(lists[lists.index(spot.name) + 1]))
        if not (rows and wants_addresses(query)):
            return to_answer(query, spot, reply, rows)
        names = ",".join(name_of(row) for row in chosen_of(query, spot, rows))
        state = ticket.state | {"names": names, "left": names, "asked": "", "found": "[]"}
        return Ticket(state=state, wait=0, once=charged_for(query, spot, reply.value))

    async def _read_list(self, ticket: Ticket, spot: Spot) -> Reply[ListReply]:
        path = f"{ROOT}/{spot.name}/result/" + segment(ticket.state["hash"])
        return await self.call("GET", path, ListReply)

    async def _collect_addresses(self, query: SearchDomain, ticket: Ticket) -> Answer | Ticket:
        """Start each, then read each, one request a time: a crash repeats no more than one."""
        state, once = ticket.state, ticket.once
        left, asked = _split(state["left"]), _split(state["asked"])
        found = msgspec.json.decode(state["found"], type=Found)
        if left:
            with purchase():
                task = await self._start_address(left[0])
            state = state | {"left": ",".join(left[1:]), "asked": ",".join([*asked, task])}
            return Ticket(state=state, wait=0, once=once)
        if len(found) < len(asked):
            addresses = await self._read_address_of(asked[len(found)])
            if addresses is None:
                # Without the wait of the ticket before, which is none.
                return Ticket(state=state, once=once)
            if addresses:
                once = once | {prospect_mark(_split(state["names"])[len(found)]): 1000}
            state = state | {"found": msgspec.json.encode([*found, addresses]).decode()}
            return Ticket(state=state, wait=0, once=once)
        spot = Spot.read(state["spot"])
        reply = await self._read_list(ticket, spot)
        rows = rows_in(query, spot, reply.value)
        return to_answer(query, spot, reply, rows, found=found)

    async def _start_address(self, prospect: str) -> str:
        path = f"{SEARCH_EMAILS}/start/{segment(prospect)}"
        reply = await self.call("POST", path, StartedSearch)
        return reply.value.meta.task_hash

    async def _read_address_of(self, task: str) -> list[ProspectEmail] | None:
        path = f"{SEARCH_EMAILS}/result/{segment(task)}"
        reply = await self.call("GET", path, TaskReply)
        if not is_done(reply.value):
            return None
        if glance(reply.value.data, list[Any]) is not None:
            return []
        return decode(reply.value.data, ProspectEmails).emails


def _split(text: str) -> list[str]:
    return text.split(",") if text else []
