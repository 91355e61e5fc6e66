"""What a lookup would do and cost, and why one did what it did."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Struct

from gateway.api.bodies import Tag, check_routing
from gateway.api.context import context_of, meta_of
from gateway.api.decoding import decode
from gateway.api.documents import AUTHENTICATED, READ, WITH_BODY, responses
from gateway.api.lists import ReplyMeta, caller_of
from gateway.api.problems import Problem, invalid
from gateway.lookup.chronicles import Chronicle
from gateway.lookup.identity import QueryError
from gateway.lookup.narration import narrate
from gateway.lookup.outlook import PlanView, to_price, to_share
from gateway.lookup.planning.record import guessed_in, ratings_of
from gateway.lookup.planning.terms import Rating, State
from gateway.lookup.routing import Name, Routing
from gateway.money.amounts import to_money
from providers.model import QUERIES, Query

Req = Request[Any, Any, Any]
TeamId = Annotated[str | None, QueryParameter(max_length=64, required=False)]


class QuoteBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`input` is what the operation's own endpoint takes; a `tag` changes nothing."""

    operation: Name
    input: dict[str, Any]
    routing: Routing | None = None
    tag: Tag | None = None


class Quote(PlanView, kw_only=True):
    operation: str


class QuoteReply(Struct):
    data: Quote
    meta: ReplyMeta


class RatingView(Struct, kw_only=True):
    """`drawn` is what it was ranked by, `cost_per_accepted` the same without the draw.

    `reason` says why it was not to be asked, null if it was.
    """

    provider: str
    drawn: str | None
    cost_per_accepted: str | None
    expected_cost: str
    worst_cost: str
    expected_chance: float
    seen: int
    reason: str | None


class DecisionView(Struct, kw_only=True):
    """Where the lookup was, and everyone who was left, in order."""

    missed: list[str]
    failed: list[str]
    weak_answer: str | None
    spent: str
    ratings: list[RatingView]


class Explanation(Struct, kw_only=True):
    """`replayed` says that each decision, made again, is what it was, byte for byte.

    `pattern` is the guess by the domain's pattern, which comes before all decisions, if there was
    one to be made.
    """

    request_id: str
    operation: str
    at: str
    order: str
    segment: str
    replayed: bool
    sentences: list[str]
    decisions: list[DecisionView]
    currency: str
    pattern: RatingView | None = None


class ExplanationReply(Struct):
    data: Explanation
    meta: ReplyMeta


class Plans(Controller):
    """Nothing here asks a provider."""

    tags = ["Plans"]
    opt = {"scope": "lookup"}

    @post(
        "/v1/quote",
        status_code=200,
        operation_id="quote",
        summary="What a lookup would do and cost",
        responses=responses(
            {200: QuoteReply},
            (*AUTHENTICATED, *WITH_BODY, "unsupported", "no_provider_configured"),
        ),
    )
    async def quote(self, request: Req, data: JSONBody[QuoteBody]) -> QuoteReply:
        check_routing(data.routing, "/routing")
        context = context_of(request)
        try:
            plan = await context.desk.quote(
                data.operation, _query(data), caller_of(request.scope), data.routing
            )
        except QueryError as error:
            raise invalid(f"/input{error.pointer}", error.details) from None
        members = msgspec.structs.asdict(plan)
        return QuoteReply(Quote(operation=data.operation, **members), meta_of(request))

    @get(
        "/v1/explain/{request_id:str}",
        operation_id="explain",
        summary="Why a lookup asked whom",
        responses=responses({200: ExplanationReply}, (*AUTHENTICATED, *READ, "invalid_query")),
    )
    async def explain(
        self, request: Req, request_id: FromPath[str], team_id: TeamId = None
    ) -> ExplanationReply:
        caller, context = caller_of(request.scope), context_of(request)
        if team_id not in (None, caller.team) and "admin" not in caller.scopes:
            raise Problem("forbidden", "Another team's lookups need a key with the scope admin.")
        kept = await context.desk.waterfall.chronicles.load(team_id or caller.team, request_id)
        if kept is None:
            raise Problem(
                "not_found",
                "No decision of such a request is kept: it was answered from the cache, is too"
                " old, or is not the team's. Rows of a job are JOB_ID.INDEX.",
            )
        found = _explanation(request_id, kept, context.settings.currency)
        return ExplanationReply(found, meta_of(request))


def _query(body: QuoteBody) -> Query:
    """The query in `input`. Raises Problem (422)."""
    if body.operation not in QUERIES:
        raise invalid("/operation", f"is not one of {', '.join(QUERIES)}")
    try:
        found: Query = decode(msgspec.json.encode(body.input), QUERIES[body.operation])
    except Problem as problem:
        for fault in problem.faults:
            place = fault.pointer if isinstance(fault.pointer, str) else ""
            fault.pointer = f"/input{place}"
        raise
    return found


def _explanation(request_id: str, kept: Chronicle, currency: str) -> Explanation:
    question = kept.trace.question
    moves = zip(kept.trace.moves, ratings_of(kept.trace), strict=True)
    return Explanation(
        request_id=request_id,
        operation=kept.operation,
        at=_iso(kept.at),
        order=question.policy.order,
        segment=question.segment,
        replayed=kept.is_replayed(),
        sentences=narrate(kept, currency),
        decisions=[_decision(move.state, ratings) for move, ratings in moves],
        currency=currency,
        pattern=next(map(_rating, guessed_in(kept.trace)), None),
    )


def _decision(state: State, ratings: list[Rating]) -> DecisionView:
    return DecisionView(
        missed=list(state.missed),
        failed=list(state.failed),
        weak_answer=state.hand or None,
        spent=to_money(state.spent),
        ratings=[_rating(one) for one in ratings],
    )


def _rating(rating: Rating) -> RatingView:
    return RatingView(
        provider=rating.provider,
        drawn=to_price(rating.index),
        cost_per_accepted=to_price(rating.mean),
        expected_cost=to_money(rating.cost),
        worst_cost=to_money(rating.worst + rating.check),
        expected_chance=to_share(rating.chance),
        seen=rating.seen,
        reason=rating.reason or None,
    )


def _iso(millis: int) -> str:
    moment = datetime.fromtimestamp(millis / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
