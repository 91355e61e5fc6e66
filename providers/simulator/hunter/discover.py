"""Hunter's Discover: companies by filters, or by a sentence that is turned into filters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from providers.simulator import names
from providers.simulator.dialect import Call, Dialect, Handlers, Section
from providers.simulator.hunter.entries import Entries
from providers.simulator.hunter.places import is_within, read_places
from providers.simulator.hunter.replies import bounds, refuse
from providers.simulator.population import Company
from providers.simulator.searches import SearchCache
from providers.simulator.spelling import fold, to_domain
from providers.simulator.wire import Fields, Reply, Request, reply
from providers.simulator.world import World

BANDS = ("1-10", "11-50", "51-200", "201-500", "501-1000", "1001-5000", "5001-10000", "10001+")
TYPES = {
    "educational", "educational institution", "government agency", "non profit", "partnership",
    "privately held", "public company", "self employed", "self owned", "sole proprietorship",
}  # fmt: skip
SERIES = {
    "pre_seed", "seed", "pre_series_a", "series_a", "pre_series_b", "series_b", "pre_series_c",
    "series_c+", "other",
}  # fmt: skip
MOST, FURTHEST = 100, 10_000

Test = Callable[[Company], bool]


class Discover(Section):
    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self._entries = Entries(self.world)
        self._found = SearchCache()

    def handlers(self) -> Handlers:
        return {
            "POST /discover": self._companies,
            "GET /discover/people": self._people,
            "POST /discover/people": self._people,
        }

    def _companies(self, call: Call) -> Reply:
        found, meta = self._search(call)
        return self._page(call.request, found, meta)

    def _people(self, call: Call) -> Reply:
        found, meta = self._search(call)
        counts = [self._entries.count(company) for company in found]
        kinds = ("personal", "generic", "total")
        totals = {kind: sum(count[kind] for count in counts) for kind in kinds}
        return self._page(call.request, found, {"total_emails": totals, **meta})

    def _search(self, call: Call) -> tuple[list[Company], Fields]:
        request = call.request
        asked = {n: request.fields[n] for n in FILTERS if request.fields.get(n) not in _EMPTY}
        sentence = request.text("query")
        if not asked and not sentence:
            raise refuse(400, "wrong_params", "You are missing the query or at least one filter")
        paged = request.text("limit") or request.text("offset")
        if paged and call.account.plan == "Free":
            raise refuse(400, "pagination_error", "Upgrade your plan to paginate.")
        filters = asked or _understand(sentence)
        found = self._found.rows(request.path, filters, lambda: self._find(filters))
        params = {**({"query": sentence} if sentence else {}), **asked}
        return found, {"params": params, "filters": filters}

    def _find(self, filters: Fields) -> list[Company]:
        tests = [FILTERS[name](value, self.world) for name, value in filters.items()]
        return [c for c in self.world.companies if all(test(c) for test in tests)]

    def _page(self, request: Request, found: list[Company], meta: Fields) -> Reply:
        limit, offset = bounds(request, default=MOST, most=MOST, furthest=FURTHEST)
        data = [
            {
                "domain": company.domain,
                "organization": company.name,
                "emails_count": self._entries.count(company),
            }
            for company in found[offset : offset + limit]
        ]
        page: Fields = {"results": len(found), "limit": limit, "offset": offset}
        return reply(200, {"data": data, "meta": page | meta})


_EMPTY: tuple[Any, ...] = (None, "", [], {})


def _wrong(name: str) -> Exception:
    return refuse(400, f"invalid_{name}", f"The supplied {name} is invalid.")


def _understand(sentence: str) -> Fields:
    """The assistant's part: industries, countries and sizes that the sentence names."""
    text = fold(sentence)
    industries = [i for i, _ in names.INDUSTRIES if fold(i) in text]
    countries = sorted({code for _, _, name, code, _ in names.PLACES if fold(name) in text})
    bands = [band for band in BANDS if band in sentence]
    filters: Fields = {}
    if industries:
        filters["industry"] = {"include": industries}
    if countries:
        filters["headquarters_location"] = {"include": [{"country": c} for c in countries]}
    if "europe" in text.split():
        filters["headquarters_location"] = {"include": [{"continent": "Europe"}]}
    if bands:
        filters["headcount"] = bands
    return filters or {"keywords": {"include": sentence.split(), "match": "any"}}


def _sides(value: Any, name: str) -> tuple[list[str], list[str]]:
    if not isinstance(value, dict) or not value.keys() <= {"include", "exclude", "match"}:
        raise _wrong(name)
    sides = [value.get(side) or [] for side in ("include", "exclude")]
    if not all(isinstance(side, list) and all(isinstance(x, str) for x in side) for side in sides):
        raise _wrong(name)
    return sides[0], sides[1]


def _organization(value: Any, _world: World) -> Test:
    if not isinstance(value, dict) or not value.keys() <= {"domain", "name"}:
        raise _wrong("organization")
    domains = {to_domain(str(domain)) for domain in _as_list(value.get("domain"))}
    wanted = {fold(str(name)) for name in _as_list(value.get("name"))}
    return lambda company: company.domain in domains or fold(company.name) in wanted


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _similar_to(value: Any, world: World) -> Test:
    if not isinstance(value, dict) or not value.keys() <= {"domain", "name"}:
        raise _wrong("similar_to")
    domain, name = (str(value.get(key) or "") for key in ("domain", "name"))
    model = world.company(domain, name=name)
    return lambda company: (
        model is not None and company is not model and company.industry == model.industry
    )


def _headquarters(value: Any, _world: World) -> Test:
    places = read_places(value, "headquarters_location")
    return lambda company: is_within(company, places)


def _industry(value: Any, _world: World) -> Test:
    include, exclude = _sides(value, "industry")
    wanted, unwanted = {fold(i) for i in include}, {fold(i) for i in exclude}
    return lambda company: (
        (not wanted or fold(company.industry) in wanted) and fold(company.industry) not in unwanted
    )


def _headcount(value: Any, _world: World) -> Test:
    wanted = {str(band) for band in _as_list(value)}
    if not wanted <= set(BANDS):
        raise _wrong("headcount")
    return lambda company: company.band in wanted


def _company_type(value: Any, _world: World) -> Test:
    """Every company of the simulated world is privately held."""
    include, exclude = _sides(value, "company_type")
    if not {*include, *exclude} <= TYPES:
        raise _wrong("company_type")
    held = "privately held"
    return lambda _: (not include or held in include) and held not in exclude


def _year_founded(value: Any, _world: World) -> Test:
    value = {"include": value} if isinstance(value, list) else value
    if not isinstance(value, dict) or not value.keys() <= {"from", "to", "include", "exclude"}:
        raise _wrong("year_founded_combination")
    years = {
        name: [_year(year, name) for year in _as_list(value.get(name))]
        for name in ("from", "to", "include", "exclude")
    }
    first, last = (years["from"] or [0])[0], (years["to"] or [9999])[0]
    if first > last:
        raise _wrong("year_founded_combination")
    return lambda company: (
        first <= company.founded <= last
        and (not years["include"] or company.founded in years["include"])
        and company.founded not in years["exclude"]
    )


def _year(value: Any, name: str) -> int:
    if not str(value).isdigit():
        raise _wrong(f"year_founded_{name}")
    return int(value)


def _keywords(value: Any, _world: World) -> Test:
    def words(company: Company) -> set[str]:
        text = f"{company.name} {company.industry} {company.function}"
        return {*fold(text).split(), *company.technologies}

    return _matching(value, "keywords", words)


def _technology(value: Any, _world: World) -> Test:
    return _matching(value, "technology", lambda company: set(company.technologies))


def _matching(value: Any, name: str, have: Callable[[Company], set[str]]) -> Test:
    include, exclude = _sides(value, name)
    match = str(value.get("match") or "all")
    if match not in {"any", "all"}:
        raise _wrong(f"{name}_match")
    enough = any if match == "any" else all
    wanted, unwanted = [w.casefold() for w in include], {w.casefold() for w in exclude}
    return lambda company: (
        (not wanted or enough(word in have(company) for word in wanted))
        and not unwanted & have(company)
    )


def _funding(value: Any, _world: World) -> Test:
    """Nobody in the simulated world was ever funded."""
    if not isinstance(value, dict) or not value.keys() <= {"series", "amount", "date"}:
        raise _wrong("funding")
    if not {str(series) for series in _as_list(value.get("series"))} <= SERIES:
        raise _wrong("funding_series")
    for name in ("amount", "date"):
        span = value.get(name) or {}
        if not isinstance(span, dict) or not span.keys() <= {"from", "to"}:
            raise _wrong("funding")
        if len(span) == 2 and str(span["from"]) > str(span["to"]) and name == "date":
            raise _wrong("funding_date_range")
    return lambda _: False


FILTERS: Mapping[str, Callable[[Any, World], Test]] = {
    "organization": _organization,
    "similar_to": _similar_to,
    "headquarters_location": _headquarters,
    "industry": _industry,
    "headcount": _headcount,
    "company_type": _company_type,
    "year_founded": _year_founded,
    "keywords": _keywords,
    "technology": _technology,
    "funding": _funding,
}
