"""What every route is expected to do, said here again: the routes themselves come from the app.

A route without an entry, and an entry without a route, make the tests that walk the table fail.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from litestar.routes import HTTPRoute

from gateway.app import create_app
from gateway.vault.keys import SCOPES
from providers import model
from providers.registry import ADAPTERS
from tests.gateway.conftest import SECRETS, make_settings

OPEN: frozenset[str] = frozenset()
ANY = frozenset(SCOPES)
ADMIN, LOOKUP, USAGE = frozenset({"admin"}), frozenset({"lookup"}), frozenset({"usage"})
JOBS, JOBS_ALONE = frozenset({"jobs", "lookup"}), frozenset({"jobs"})
READS, WRITES = frozenset({"accounts:read"}), frozenset({"accounts:write"})
SIGNING = "whsec_c2lnbmVkIGJ5IHRoZW0gYWxsIG92ZXI"
HARBOR = {"domain": "blue-harbor.example"}
ADA = {"full_name": "Ada Lovelace", **HARBOR}
ADDRESS = {"email": "ada.lovelace@blue-harbor.example"}


@dataclass
class Side:
    """A team and one object of each kind; nobody's are names of what is not there.

    `marks` are the texts by which what belongs to the team is known wherever it is shown.
    """

    name: str
    ids: dict[str, str]
    cursors: dict[str, str] = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)

    def cursor(self, label: str) -> dict[str, str]:
        return {"cursor": self.cursors[label]} if label in self.cursors else {}


Members = Callable[[Side], Mapping[str, Any]]


def nothing(_side: Side) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Any of `scopes` opens it; `answers` are for our object, theirs, and one that is not there.

    `fresh` is the kind of object that each request uses up, `made` what a success leaves behind;
    `hooked`: the used up account has a hook. `tagged`: its body has a tag. `settled`: it needs
    what others have made.
    `reaches`: it can ask a provider. `recorded`: the trail of administration calls it so.
    `shows`: our own things are in the answer about ours. `told` is a member of the answer's
    `data`, true of ours alone.
    """

    scopes: frozenset[str]
    answers: tuple[int, int, int] = (200, 200, 200)
    query: Members = nothing
    body: Members | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    fresh: str = ""
    made: str = ""
    hooked: bool = False
    settled: bool = False
    tagged: bool = True
    repeats: bool = False
    reaches: bool = False
    recorded: str = ""
    shows: bool = False
    told: Callable[[Any], object] | None = None

    def expected(self, at: int, held: frozenset[str] | None) -> int:
        """The status for a key with the scopes `held`, None for no key."""
        if self.scopes == OPEN:
            return self.answers[at]
        if held is None:
            return 401
        return self.answers[at] if held & self.scopes else 403


def _lookup(operation: str, body: Mapping[str, Any]) -> Entry:
    """What no provider offers yet is refused before anything is repeated or asked."""
    offered = any(operation in adapter.offers for adapter in ADAPTERS.values())
    return Entry(
        scopes=LOOKUP,
        answers=(200, 200, 200) if offered else (422, 422, 422),
        body=lambda _: body,
        repeats=offered,
        reaches=offered,
    )


def _search(label: str, body: Mapping[str, Any]) -> Entry:
    return Entry(
        scopes=LOOKUP,
        answers=(200, 422, 200),
        body=lambda side: {**body, "limit": 1, **side.cursor(label)},
        reaches=True,
    )


def _job(scopes: frozenset[str]) -> Entry:
    return Entry(scopes=scopes, answers=(200, 404, 404), shows=True)


def _list(kind: str) -> Entry:
    return Entry(scopes=ADMIN, query=lambda _: {"limit": 100}, shows=kind in "teams keys")


def _one(**more: Any) -> Entry:
    return Entry(scopes=ADMIN, answers=(200, 200, 404), **more)


def _endpoint(theirs: int = 404, **more: Any) -> Entry:
    return Entry(scopes=JOBS_ALONE, answers=(200, theirs, 404), settled=True, **more)


def _by_default(answer: int, scopes: frozenset[str] = READS, **more: Any) -> Entry:
    """In the account that is our team's by default, at Hunter: whoever is asked about."""
    names = {"name": "hunter", **dict.fromkeys(OBJECTS, "1")} | more.pop("names", {})
    body = more.pop("body", None)
    return Entry(
        scopes=scopes,
        answers=(answer, answer, answer),
        body=None if body is None else lambda _: body,
        names=names,
        reaches=True,
        **more,
    )


def _by_name(answer: int, scopes: frozenset[str] = READS, **more: Any) -> Entry:
    """In an account that is named: ours is at Snov.io, and shown."""
    query, body = more.pop("query", {}), more.pop("body", None)
    return Entry(
        scopes=scopes,
        answers=(answer, 404, 404),
        query=lambda side: {**query, "credential": side.ids["credential_id"]},
        body=None if body is None else lambda _: body,
        names={"name": "snov", "campaign_id": "2001"},
        reaches=True,
        shows=answer < 300,
    )


OBJECTS = ("lead_id", "list_id", "field_id", "campaign_id", "webhook_id")
NOBODYS = {"names": dict.fromkeys(OBJECTS, "999999")}
MAIL = {"emails": [ADDRESS["email"]]}
HOOK = {"url": "https://hooks.example/1", "event": "email.sent"}
# What is written is there already, or not there at all: every answer is the same as the first.
ACCOUNTS: Mapping[str, Entry] = {
    "/account GET": _by_name(200),
    "/leads GET": _by_default(200),
    "/leads POST": _by_default(422, WRITES, body=ADDRESS),
    "/leads PUT": _by_default(200, WRITES, body=ADDRESS),
    "/leads/{lead_id} GET": _by_default(200),
    "/leads/{lead_id} PATCH": _by_default(200, WRITES, body={"company": "Blue Harbor"}),
    "/leads/{lead_id} DELETE": _by_default(404, WRITES, **NOBODYS),
    "/lists GET": _by_name(200),
    "/lists POST": _by_default(201, WRITES, body={"name": "Fair"}),
    "/lists/{list_id} GET": _by_default(200),
    "/lists/{list_id} PATCH": _by_default(200, WRITES, body={"name": "Fair"}),
    "/lists/{list_id} DELETE": _by_default(404, WRITES, **NOBODYS),
    "/custom-fields GET": _by_name(200),
    "/custom-fields POST": _by_default(422, WRITES, body={"label": "Region"}),
    "/custom-fields/{field_id} GET": _by_default(200),
    "/custom-fields/{field_id} PATCH": _by_default(422, WRITES, body={"label": "Region"}),
    "/custom-fields/{field_id} DELETE": _by_default(404, WRITES, **NOBODYS),
    "/campaigns GET": _by_name(200),
    "/campaigns/{campaign_id} GET": _by_name(200),
    "/campaigns/{campaign_id}/stats GET": _by_name(200),
    "/campaigns/{campaign_id}/progress GET": _by_name(200),
    "/campaigns/{campaign_id}/events GET": _by_name(200, query={"type": "sent"}),
    "/campaigns/{campaign_id}/recipients GET": _by_default(200),
    "/campaigns/{campaign_id}/recipients POST": _by_default(201, WRITES, body=MAIL),
    "/campaigns/{campaign_id}/recipients DELETE": _by_default(200, WRITES, body=MAIL),
    "/campaigns/{campaign_id}/recipients PATCH": _by_name(
        404, WRITES, body={"email": "nobody@nowhere.example", "status": "paused"}
    ),
    "/do-not-email POST": _by_default(
        201,
        WRITES,
        names={"name": "snov"},
        body={"items": ["rival.example"], "list_id": "3001"},
    ),
    "/webhooks GET": _by_name(200),
    "/webhooks POST": _by_default(201, WRITES, body=HOOK),
    "/webhooks/{webhook_id} GET": _by_default(200),
    "/webhooks/{webhook_id} PATCH": _by_default(200, WRITES, body={"event": "email.opened"}),
    "/webhooks/{webhook_id} DELETE": _by_default(404, WRITES, **NOBODYS),
}


def _of_accounts() -> dict[str, Entry]:
    places = {tuple(place.split()): entry for place, entry in ACCOUNTS.items()}
    prefix = "/v1/providers/{name}"
    return {f"{method} {prefix}{path}": entry for (path, method), entry in places.items()}


def _team_of(side: Side) -> Mapping[str, Any]:
    return {"team_id": side.ids["team_id"]}


def _new_credential(side: Side) -> Mapping[str, Any]:
    named = {"provider": "hunter", "name": f"{side.name}, new", "secret": SECRETS["hunter"]}
    return {**named, "team_ids": [side.ids["team_id"]]}


TABLE: Mapping[str, Entry] = {
    "GET /docs": Entry(scopes=OPEN),
    "GET /docs/{name}": Entry(scopes=OPEN, names={"name": "start.js"}),
    "GET /livez": Entry(scopes=OPEN),
    "GET /metrics": Entry(scopes=OPEN),
    "GET /openapi.json": Entry(scopes=OPEN),
    "GET /readyz": Entry(scopes=OPEN),
    "POST /v1/emails/find": _lookup(model.EMAILS_FIND, ADA),
    "POST /v1/emails/verify": _lookup(model.EMAILS_VERIFY, ADDRESS),
    "POST /v1/people/enrich": _lookup(model.PEOPLE_ENRICH, ADDRESS),
    "POST /v1/companies/enrich": _lookup(model.COMPANIES_ENRICH, HARBOR),
    # Nobody has given either of the teams this address.
    "POST /v1/outcomes": Entry(
        scopes=LOOKUP,
        body=lambda _: {"email": "unheard.of@nowhere.example", "outcome": "delivered"},
        tagged=False,
    ),
    "POST /v1/emails/count": _lookup(model.EMAILS_COUNT, HARBOR),
    "GET /v1/domains/{domain}/email-count": Entry(scopes=LOOKUP, reaches=True),
    "POST /v1/domains/search": _search("/v1/domains/search", HARBOR),
    "POST /v1/contacts/search": _search("/v1/contacts/search", {}),
    "POST /v1/companies/search": _search("/v1/companies/search", {}),
    "POST /v1/quote": Entry(
        scopes=LOOKUP,
        body=lambda _: {"operation": model.EMAILS_FIND, "input": ADA},
        tagged=False,
    ),
    # Nobody's request has this name; a team's own are tried with the learned order.
    "GET /v1/explain/{request_id}": Entry(
        scopes=LOOKUP, answers=(404, 404, 404), names={"request_id": "of-nobody"}
    ),
    "POST /v1/jobs": Entry(
        scopes=JOBS_ALONE,
        answers=(202, 202, 202),
        body=lambda _: {"operation": model.EMAILS_FIND, "items": [ADA]},
        repeats=True,
        reaches=True,
        shows=True,
    ),
    "GET /v1/jobs": Entry(
        scopes=JOBS,
        answers=(200, 422, 200),
        query=lambda side: {"limit": 1, **side.cursor("/v1/jobs")},
        shows=True,
    ),
    "GET /v1/jobs/{job_id}": _job(JOBS),
    "DELETE /v1/jobs/{job_id}": _job(JOBS_ALONE),
    "GET /v1/jobs/{job_id}/events": _job(JOBS),
    "GET /v1/jobs/{job_id}/results": _job(JOBS),
    "GET /v1/webhook-endpoints": Entry(scopes=JOBS_ALONE, shows=True),
    "POST /v1/webhook-endpoints": Entry(
        scopes=JOBS_ALONE,
        answers=(201, 201, 201),
        body=lambda _: {"url": "https://receiver.example/", "events": ["campaign.event"]},
        made="endpoint_id",
        tagged=False,
        settled=True,
    ),
    "GET /v1/webhook-endpoints/{endpoint_id}": _endpoint(shows=True),
    "PATCH /v1/webhook-endpoints/{endpoint_id}": _endpoint(
        body=lambda _: {"enabled": True}, tagged=False, shows=True
    ),
    "DELETE /v1/webhook-endpoints/{endpoint_id}": Entry(
        scopes=JOBS_ALONE, answers=(204, 404, 404), fresh="endpoint_id", settled=True
    ),
    "POST /v1/webhook-endpoints/{endpoint_id}/rotate": _endpoint(
        body=lambda _: {"grace_seconds": 0}, tagged=False, shows=True
    ),
    # It was shown when the endpoint was made.
    "POST /v1/webhook-endpoints/{endpoint_id}/secret": Entry(
        scopes=JOBS_ALONE, answers=(409, 404, 404), settled=True
    ),
    "GET /v1/webhook-endpoints/{endpoint_id}/deliveries": _endpoint(),
    # Nothing was sent to any of them.
    "POST /v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/redeliver": Entry(
        scopes=JOBS_ALONE,
        answers=(404, 404, 404),
        names={"delivery_id": "msg_of_nobody"},
        settled=True,
    ),
    "POST /hooks/{provider}/{token}": Entry(
        scopes=OPEN, answers=(404, 404, 404), names={"provider": "snov", "token": "no-token"}
    ),
    "GET /v1/me": Entry(scopes=ANY, shows=True),
    "GET /v1/usage": Entry(
        scopes=USAGE,
        query=lambda side: {"group_by": "team,tag", "key": side.ids["key_id"]},
        shows=True,
        told=lambda data: data,
    ),
    "GET /v1/providers": Entry(scopes=ANY),
    "GET /v1/providers/{name}": Entry(
        scopes=ANY, answers=(200, 200, 404), told=lambda data: data["configured"]
    ),
    **_of_accounts(),
    "GET /v1/admin/teams": _list("teams"),
    "POST /v1/admin/teams": Entry(
        scopes=ADMIN,
        answers=(201, 201, 201),
        body=lambda side: {"name": f"{side.name}, new"},
        made="team_id",
        recorded="team.created",
    ),
    "GET /v1/admin/teams/{team_id}": _one(shows=True),
    "PATCH /v1/admin/teams/{team_id}": _one(
        body=lambda side: {"name": side.name}, recorded="team.changed", shows=True
    ),
    # Ours has the key that asks.
    "DELETE /v1/admin/teams/{team_id}": Entry(
        scopes=ADMIN, answers=(409, 204, 404), fresh="team_id", recorded="team.deleted"
    ),
    "GET /v1/admin/keys": _list("keys"),
    "POST /v1/admin/keys": Entry(
        scopes=ADMIN,
        answers=(201, 201, 422),
        body=lambda side: {"name": "a new key", "scopes": ["usage"], **_team_of(side)},
        made="key_id",
        recorded="key.created",
    ),
    "GET /v1/admin/keys/{key_id}": _one(shows=True),
    "PATCH /v1/admin/keys/{key_id}": _one(
        body=lambda side: {"name": side.name}, recorded="key.changed", shows=True
    ),
    "POST /v1/admin/keys/{key_id}/rotate": _one(
        body=lambda _: {"grace_seconds": 0}, fresh="key_id", recorded="key.rotated"
    ),
    "DELETE /v1/admin/keys/{key_id}": Entry(
        scopes=ADMIN, answers=(204, 204, 404), fresh="key_id", recorded="key.revoked"
    ),
    "GET /v1/admin/credentials": _list("credentials"),
    "POST /v1/admin/credentials": Entry(
        scopes=ADMIN,
        answers=(201, 201, 422),
        body=_new_credential,
        made="credential_id",
        recorded="credential.created",
    ),
    "GET /v1/admin/credentials/{credential_id}": _one(shows=True),
    "PATCH /v1/admin/credentials/{credential_id}": _one(
        body=lambda _: {"weight": 7}, recorded="credential.changed", shows=True
    ),
    "POST /v1/admin/credentials/{credential_id}/check": _one(
        reaches=True, recorded="credential.checked"
    ),
    "DELETE /v1/admin/credentials/{credential_id}": Entry(
        scopes=ADMIN,
        answers=(204, 204, 404),
        fresh="credential_id",
        recorded="credential.deleted",
    ),
    "POST /v1/admin/credentials/{credential_id}/hook": Entry(
        scopes=ADMIN, answers=(201, 201, 404), recorded="hook.issued", shows=True
    ),
    "GET /v1/admin/credentials/{credential_id}/hook": _one(shows=True),
    # Of the three that call back, Sixtyfour alone signs.
    "PATCH /v1/admin/credentials/{credential_id}/hook": Entry(
        scopes=ADMIN,
        answers=(422, 200, 404),
        body=lambda _: {"signing_secret": SIGNING},
        recorded="hook.changed",
    ),
    "DELETE /v1/admin/credentials/{credential_id}/hook": Entry(
        scopes=ADMIN,
        answers=(204, 204, 404),
        fresh="credential_id",
        hooked=True,
        recorded="hook.deleted",
    ),
    "GET /v1/admin/credentials/{credential_id}/hook/notices": _one(),
    "GET /v1/admin/routes": Entry(scopes=ADMIN),
    "GET /v1/admin/routes/{operation}": _one(query=_team_of, shows=True),
    "PUT /v1/admin/routes/{operation}": _one(
        query=_team_of, body=lambda _: {"order": "listed"}, recorded="route.set", shows=True
    ),
    "GET /v1/admin/ledger": Entry(
        scopes=ADMIN, query=lambda side: {"team": side.ids["team_id"]}, shows=True
    ),
    "GET /v1/admin/ledger/summary": Entry(
        scopes=ADMIN,
        query=lambda side: {"team": side.ids["team_id"], "group_by": "team"},
        shows=True,
    ),
    # Of an entry that is in doubt it is 200; those of the two teams are posted.
    "POST /v1/admin/ledger/{entry_id}/resolve": Entry(
        scopes=ADMIN,
        answers=(409, 409, 404),
        body=lambda _: {"state": "voided", "note": "their support says so"},
        recorded="ledger.resolved",
    ),
    "GET /v1/admin/reconcile": Entry(scopes=ADMIN),
    "POST /v1/admin/reconcile": Entry(scopes=ADMIN, reaches=True, recorded="ledger.reconciled"),
    "GET /v1/admin/providers/{name}/breakers": _one(),
    "PUT /v1/admin/providers/{name}/breakers": _one(
        body=lambda _: {"state": "auto"}, recorded="breaker.forced"
    ),
    "GET /v1/admin/suppressions": Entry(scopes=ADMIN),
    "POST /v1/admin/suppressions": Entry(
        scopes=ADMIN,
        answers=(201, 201, 201),
        body=lambda side: {"email": f"left.alone@{side.name}.example"},
        made="suppression_id",
        recorded="suppression.added",
    ),
    "GET /v1/admin/suppressions/{suppression_id}": _one(),
    "DELETE /v1/admin/suppressions/{suppression_id}": Entry(
        scopes=ADMIN,
        answers=(204, 204, 404),
        fresh="suppression_id",
        recorded="suppression.removed",
    ),
    "GET /v1/admin/erasures": Entry(scopes=ADMIN),
    "POST /v1/admin/erasures": Entry(
        scopes=ADMIN,
        answers=(202, 202, 202),
        body=lambda side: {"email": f"left.alone@{side.name}.example"},
        recorded="erasure.requested",
    ),
    "GET /v1/admin/erasures/{erasure_id}": _one(),
    "POST /v1/admin/traces": Entry(
        scopes=ADMIN,
        body=lambda side: {"email": f"left.alone@{side.name}.example"},
        recorded="person.traced",
    ),
    "GET /v1/admin/audit": Entry(
        scopes=ADMIN, query=lambda side: {"object_id": side.ids["team_id"]}, shows=True
    ),
}


def labels(store_url: str) -> set[str]:
    """Every route of the application that is served, but for OPTIONS, which is the framework's."""
    app: Any = create_app(make_settings(store_url, None))._app
    return {
        f"{method} {route.path_format}"
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if "scope" in handler.opt
        for method in handler.http_methods
        if method != "OPTIONS"
    }


def check_table(store_url: str) -> None:
    """Nothing is missing in the table, and nothing in it is gone."""
    found = labels(store_url)
    assert found - set(TABLE) == set(), "routes that the table does not know"
    assert set(TABLE) - found == set(), "entries of routes that are no more"
