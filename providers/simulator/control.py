"""The control API: read the bill and the truth, switch faults, set accounts and times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from providers.simulator.accounts import Account
from providers.simulator.changes import (
    AccountChange,
    ChargeChange,
    DeliveryChange,
    LatencyChange,
    PriceChange,
    SnovEvent,
    TokenChange,
)
from providers.simulator.dialect import as_number
from providers.simulator.endpoints import ENDPOINTS
from providers.simulator.faults import Fault
from providers.simulator.knowledge import PROVIDERS
from providers.simulator.latency import PROFILES, Profile, Spread
from providers.simulator.population import Company, Person
from providers.simulator.snov.webhooks import fire
from providers.simulator.stage import Stage
from providers.simulator.traffic import Traffic
from providers.simulator.wire import Fields, Reply, Request, reply


class Control:
    def __init__(self, stage: Stage, traffic: Traffic) -> None:
        self._stage = stage
        self._traffic = traffic
        self._routes: dict[tuple[str, str], Callable[[Request], Any]] = {
            ("GET", "/bill"): self._bill,
            ("DELETE", "/bill"): lambda _: stage.bill.clear(),
            ("GET", "/requests"): lambda request: traffic.report(request.text("provider") or None),
            ("DELETE", "/requests"): lambda _: traffic.clear(),
            ("GET", "/world"): self._summary,
            ("GET", "/world/people"): self._people,
            ("GET", "/world/person"): self._person,
            ("GET", "/world/company"): self._company,
            ("GET", "/faults"): lambda _: stage.faults.listed,
            ("PUT", "/faults"): self._put_faults,
            ("DELETE", "/faults"): lambda r: stage.faults.clear(r.text("provider") or None),
            ("PUT", "/latency"): self._put_latency,
            ("GET", "/accounts"): self._accounts,
            ("PUT", "/accounts"): self._put_account,
            ("PUT", "/prices"): self._put_price,
            ("PUT", "/charges"): self._put_charge,
            ("GET", "/endpoints"): lambda _: ENDPOINTS,
            ("GET", "/deliveries"): lambda _: list(stage.deliveries.latest),
            ("PUT", "/deliveries"): self._put_deliveries,
            ("POST", "/events"): self._fire,
            ("GET", "/tokens"): self._tokens,
            ("PUT", "/tokens"): self._put_tokens,
            ("POST", "/expire-tokens"): lambda _: stage.tokens.expire(),
            ("POST", "/reset"): self._reset,
        }

    def handle(self, request: Request) -> Reply:
        answer = self._routes.get((request.method, request.path))
        if answer is None:
            known = sorted(f"{method} {path}" for method, path in self._routes)
            return reply(404, {"error": "no such control", "controls": known})
        try:
            return reply(200, answer(request))
        except msgspec.ValidationError as error:
            return reply(400, {"error": str(error)})
        except (msgspec.DecodeError, LookupError, ValueError) as error:
            return reply(400, {"error": f"{type(error).__name__}: {error}"})

    def _bill(self, request: Request) -> Fields:
        """Rows after the sequence number `after`, and totals; work that is due is billed first."""
        self._stage.settle()
        provider = request.text("provider") or None
        after = as_number(request.query.get("after"), 0) or 0
        rows = [row for row in self._stage.bill.select(provider) if row.seq > after]
        totals = self._stage.bill.totals()
        return {
            "rows": rows,
            "totals": {n: t for n, t in totals.items() if provider in {None, n}},
        }

    def _summary(self, _: Request) -> Fields:
        world = self._stage.world
        return {
            "seed": world.seed,
            "people": len(world.people),
            "companies": len(world.companies),
            "showcase": self._to_truth(world.showcase),
        }

    def _people(self, request: Request) -> list[Fields]:
        limit = as_number(request.query.get("limit"), 100) or 0
        offset = as_number(request.query.get("offset"), 0) or 0
        people = self._stage.world.people[offset : offset + limit]
        return [self._to_truth(person) for person in people]

    def _person(self, request: Request) -> Fields | None:
        person = self._stage.world.person(
            request.text("name") or None,
            request.text("domain") or None,
            email=request.text("email") or None,
            linkedin_url=request.text("linkedin_url") or None,
        )
        return self._to_truth(person) if person is not None else None

    def _company(self, request: Request) -> Fields | None:
        domain, name = request.text("domain") or None, request.text("name") or None
        company = self._stage.world.company(domain, name=name)
        return _to_fields(company) if company is not None else None

    def _to_truth(self, person: Person) -> Fields:
        world = self._stage.world
        known = {name: world.known(name, person) for name in PROVIDERS}
        return {
            **_to_fields(person),
            "full_name": person.full_name,
            "mailbox": world.mailbox(person.email),
            "company": _to_fields(person.company),
            "known": {name: k and _to_fields(k) for name, k in known.items()},
        }

    def _put_faults(self, request: Request) -> list[Fault]:
        for fault in msgspec.json.decode(_as_list(request.body), type=list[Fault]):
            if fault.provider not in PROVIDERS:
                raise LookupError(f"no provider {fault.provider}")
            self._stage.faults.put(fault)
        return self._stage.faults.listed

    def _put_latency(self, request: Request) -> None:
        change = msgspec.json.decode(request.body, type=LatencyChange)
        base = PROFILES[change.profile]
        profile = Profile(
            call=_spread(base.call, change.call_seconds),
            task=_spread(base.task, change.task_seconds),
            greylisting=_spread(base.greylisting, change.greylist_seconds),
            polls=base.polls if change.polls is None else change.polls,
        )
        self._stage.latency.put(profile, change.provider)

    def _accounts(self, _: Request) -> list[Fields]:
        return [self._to_account(account) for account in self._stage.accounts.all()]

    def _to_account(self, account: Account) -> Fields:
        left = {meter: account.left(self._stage.bill, meter) for meter in account.allowance}
        return {**_to_fields(account), "left": left}

    def _put_account(self, request: Request) -> Fields:
        change = msgspec.json.decode(request.body, type=AccountChange)
        accounts = self._stage.accounts
        account = accounts.named(change.provider, change.name)
        key = change.key or (change.client_id and f"{change.client_id}:{change.client_secret}")
        if account is None:
            if change.provider not in PROVIDERS or not key:
                raise LookupError("a new account needs a known provider and a key")
            account = Account(provider=change.provider, name=change.name)
        account.allowance.update(change.allowance)
        for name in ("enabled", "refusal", "plan", "congested"):
            if (value := getattr(change, name)) is not None:
                setattr(account, name, value)
        if key:
            accounts.put(key, account)
        return self._to_account(account)

    def _put_price(self, request: Request) -> None:
        change = msgspec.json.decode(request.body, type=PriceChange)
        self._stage.bill.prices[change.provider, change.meter] = change.price

    def _put_charge(self, request: Request) -> None:
        change = msgspec.json.decode(request.body, type=ChargeChange)
        self._stage.charges[change.provider, change.operation] = change.units

    def _put_deliveries(self, request: Request) -> None:
        change = msgspec.json.decode(request.body, type=DeliveryChange)
        self._stage.deliveries.pauses = change.pauses
        self._stage.deliveries.timeout = change.timeout

    def _fire(self, request: Request) -> Fields:
        event = msgspec.json.decode(request.body, type=SnovEvent)
        account = self._stage.accounts.named("snov", event.account)
        if account is None:
            raise LookupError(f"no account {event.account}")
        what = event.event_object, event.event_action
        return {"webhooks": fire(self._stage, account, what, event.data)}

    def _tokens(self, _: Request) -> Fields:
        tokens = self._stage.tokens
        return {"requests": tokens.requests, "expires_in": tokens.expires_in}

    def _put_tokens(self, request: Request) -> Fields:
        change = msgspec.json.decode(request.body, type=TokenChange)
        self._stage.tokens.expires_in = change.expires_in
        return self._tokens(request)

    def _reset(self, _: Request) -> None:
        """Empty the bill, the request log, the faults, the books and the token count."""
        self._stage.bill.clear()
        self._traffic.clear()
        self._stage.faults.clear()
        self._stage.books.clear()
        self._stage.charges.clear()
        self._stage.tokens.requests = 0


def _spread(base: Spread, seconds: float | None) -> Spread:
    return base if seconds is None else Spread(seconds)


def _as_list(body: bytes) -> bytes:
    return body if body.lstrip().startswith(b"[") else b"[" + body + b"]"


def _to_fields(record: Company | Person | Account | object) -> Fields:
    fields: Fields = msgspec.to_builtins(record)
    return fields
