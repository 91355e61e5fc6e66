"""Snov.io's three lists of a domain: which a query wants, what they hold, how they go on."""

from __future__ import annotations

from typing import Any, NamedTuple

from providers.base import Reply, decode
from providers.model import Answer, SearchDomain
from providers.snov.facts import to_domain_emails
from providers.snov.marks import ADDRESSES, GENERIC, PROSPECTS, page_mark, prospect_mark
from providers.snov.wire import ListedAddress, ListedProspect, ListReply, ProspectEmail

# In the order in which their pages are turned when nothing says which is wanted.
LISTS = (ADDRESSES, GENERIC, PROSPECTS)
PROSPECTS_A_PAGE = 20
MOST_POSITIONS = 10
OF_PERSONS = frozenset({"full_name", "job_title", "position", "email"})

Rows = list[ListedAddress] | list[ListedProspect]
Found = list[list[ProspectEmail]]


class Spot(NamedTuple):
    """Where a list goes on: `position` is Snov.io's page or hash, `skip` are rows of it."""

    name: str
    position: str = ""
    skip: int = 0

    def __str__(self) -> str:
        return f"{self.name}|{self.position}|{self.skip}"

    @classmethod
    def read(cls, text: str) -> Spot:
        name, _, rest = text.partition("|")
        position, _, skip = rest.rpartition("|")
        return cls(name, position, int(skip))


def lists_of(query: SearchDomain) -> tuple[str, ...]:
    if query.address_type == "role":
        return (GENERIC,)
    if query.address_type == "person" or query.job_titles or query.required_fields:
        return (PROSPECTS,)
    return LISTS


def wants_addresses(query: SearchDomain) -> bool:
    """Whether each prospect's address is looked for, which is charged for each that is found."""
    return "email" in query.required_fields and lists_of(query) == (PROSPECTS,)


def is_searchable(query: SearchDomain) -> bool:
    """Only filters that Snov.io has, or that can be held against its rows."""
    required = set(query.required_fields)
    unknown = query.seniorities or query.departments or not required <= OF_PERSONS
    of_roles = query.address_type != "role" or not (query.job_titles or required - {"email"})
    few = len(query.job_titles) <= MOST_POSITIONS
    return bool(query.domain) and not unknown and of_roles and few


def worst_search(query: SearchDomain) -> int:
    """Thousandths: a page, and the address of each prospect on it if they are asked for."""
    rows = min(query.limit, PROSPECTS_A_PAGE) if wants_addresses(query) else 0
    return 1000 + 1000 * rows


def rows_in(query: SearchDomain, spot: Spot, reply: ListReply) -> Rows:
    if spot.name != PROSPECTS:
        return decode(reply.data, list[ListedAddress])
    found = decode(reply.data, list[ListedProspect])
    return [row for row in found if _is_complete(row, query)]


def _is_complete(row: ListedProspect, query: SearchDomain) -> bool:
    """Has what is required of it; a prospect whose address can't be asked for has none."""
    facts = {
        "full_name": row.first_name and row.last_name,
        "job_title": row.position,
        "position": row.position,
        "email": row.search_emails_start,
    }
    return all(facts[name] for name in query.required_fields)


def name_of(row: ListedProspect | ListedAddress) -> str:
    assert isinstance(row, ListedProspect)
    return (row.search_emails_start or "").rstrip("/").rpartition("/")[2]


def chosen_of(query: SearchDomain, spot: Spot, rows: Rows) -> Rows:
    """All of a page that is paid for; of prospects whose address costs, as many as are asked."""
    if not wants_addresses(query):
        return rows
    return rows[spot.skip : spot.skip + query.limit]


def charged_for(query: SearchDomain, spot: Spot, reply: ListReply) -> dict[str, int]:
    """Of a page with rows, wanted or not; the rest of a page was paid for with its start."""
    if spot.skip or not decode(reply.data, list[Any]):
        return {}
    return {page_mark(spot.name, query.domain or "", spot.position, query.job_titles): 1000}


def to_answer(
    query: SearchDomain,
    spot: Spot,
    reply: Reply[ListReply],
    rows: Rows,
    *,
    found: Found | None = None,
) -> Answer:
    chosen = chosen_of(query, spot, rows)
    data = to_domain_emails(query, chosen, found, of_roles=spot.name == GENERIC)
    rows_told = len(data.emails) + len(data.people)
    following = _following(query, spot, reply.value, taken=spot.skip + len(chosen), of=len(rows))
    names = [name_of(row) for row in chosen] if found else []
    asked = zip(names, found or [], strict=False)
    once = charged_for(query, spot, reply.value)
    once |= {prospect_mark(name): 1000 for name, addresses in asked if addresses}
    return Answer(
        data=data if rows_told else None,
        units=sum(once.values()),
        once=once,
        rows=rows_told,
        next=str(following) if following else None,
        total=reply.value.meta.total_count if len(lists_of(query)) == 1 else None,
        raw=reply.body,
    )


def _following(
    query: SearchDomain, spot: Spot, reply: ListReply, *, taken: int, of: int
) -> Spot | None:
    """The rest of the page, the list's next page, or the next list."""
    if taken < of:
        return spot._replace(skip=taken)
    if spot.name == PROSPECTS:
        page = int(spot.position or 1)
        more = page * PROSPECTS_A_PAGE < (reply.meta.total_count or 0)
        following = str(page + 1) if more else ""
    else:
        following = reply.meta.next or ""
    if following:
        return Spot(spot.name, following)
    lists = lists_of(query)
    at = lists.index(spot.name) + 1
    return Spot(lists[at]) if at < len(lists) else None
