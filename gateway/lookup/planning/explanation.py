"""Why each provider came when it did, or not at all, in words."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.lookup.planning.hunches import Hunch
from gateway.lookup.planning.record import Trace, ratings_of
from gateway.lookup.planning.terms import MILLION, Policy, Rating
from gateway.lookup.planning.weighing import NEVER
from gateway.money.amounts import to_money

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
REASONS = {
    "unsupported": "it does not offer this, or not for what is known here",
    "no_credential": "there is no account for it",
    "out_of_credits": "its account has no credits left",
    "authentication_failed": "its account was refused",
    "rate_limited": "its account is at its rate limit",
    "circuit_open": "it has failed too often just now",
    "over_budget": "its call may cost more than may still be spent",
    "not_worth_it": "an answer of it costs more than it is worth",
    "unavailable": "it is out of order",
    "malformed_response": "nobody can read what it answers",
    "invalid_query": "it does not take such a question",
    "timed_out": "there was no time left for it",
    "suppressed": "the person has objected",
}


def explain(trace: Trace, currency: str) -> list[str]:
    """A sentence for each provider, in the order in which they were decided on."""
    ratings = ratings_of(trace)
    policy = trace.question.policy
    sentences, asked = [], set()
    for place, found in enumerate(ratings):
        chosen = found[0] if found and not found[0].reason else None
        if chosen is not None and chosen.provider not in asked:
            asked.add(chosen.provider)
            sentences.append(why_asked(chosen, found[1:], place, policy, currency))
    if ratings:
        rest = [one for one in ratings[-1] if one.provider not in asked]
        held = ", less what is in hand" if trace.moves[-1].state.hand else ""
        sentences += [why_not(one, policy, currency, held) for one in rest]
    return sentences


def why_asked(
    rating: Rating, others: Sequence[Rating], place: int, policy: Policy, currency: str
) -> str:
    name = rating.provider
    when = ORDINALS[place] if place < len(ORDINALS) else f"number {place + 1}"
    if policy.order == "listed":
        return f"{name} came {when}: so it is listed. {_facts(rating, currency)}"
    if policy.order == "cheapest":
        price = to_money(rating.worst)
        return (
            f"{name} came {when}: a call costs at most {price} {currency}, the least of all left."
        )
    tried_out = [one for one in others if not one.reason and one.mean < rating.mean]
    line = f"{name} came {when}: {_index(rating, policy, currency)}. {_facts(rating, currency)}"
    if tried_out:
        better = min(tried_out, key=lambda one: one.mean)
        line += (
            f" By the averages {better.provider} is better ({_price(better.mean, currency)});"
            f" {name} was tried out, as what is known of it leaves open that it is not."
        )
    return line


def _index(rating: Rating, policy: Policy, currency: str) -> str:
    if rating.index == 0:
        return "asking it is free"
    waiting = ", waiting included" if policy.wait_price else ""
    price = _price(rating.index, currency)
    return f"drawn at {price} per accepted answer{waiting}, the least of all left"


def _facts(rating: Rating, currency: str) -> str:
    chance = _percent(rating.chance)
    known = f"{rating.seen} calls like it are known" if rating.seen else "no call like it is known"
    price = _price(rating.cost, currency)
    verified = ", what is verified of its answers included," if rating.check else ""
    return (
        f"A call costs {price} on average{verified} and brings an accepted answer in {chance};"
        f" {known}."
    )


def why_guessed(hunch: Hunch, rating: Rating, currency: str) -> str:
    chance, price = _percent(rating.chance), to_money(rating.worst)
    return (
        f"{rating.provider} came first: its domain's addresses tell how it makes them."
        f" {hunch.verifier} verifies a guess for {price} {currency}, and {_tried(hunch)} is there"
        f" in {chance}: that saves more than it costs, as {hunch.first} would take up to"
        f" {to_money(hunch.saves)} {currency}."
    )


def why_not_guessed(hunch: Hunch, rating: Rating, policy: Policy, currency: str) -> str:
    name, chance, price = rating.provider, _percent(rating.chance), to_money(rating.worst)
    line = f"{name} was not asked: {hunch.verifier} verifies a guess for {price} {currency}"
    if rating.reason == "over_budget":
        return f"{line}, more than may still be spent (over_budget)."
    line = f"{line}, and {_tried(hunch)} is there in {chance}"
    if policy.value is not None and hunch.price * MILLION > hunch.chance * policy.value:
        worth = to_money(policy.value)
        return f"{line}, where an answer is worth {worth} {currency} (not_worth_it)."
    return (
        f"{line}, which costs more than it saves of the {to_money(hunch.saves)} {currency}"
        f" that {hunch.first} would take (not_worth_it)."
    )


def _tried(hunch: Hunch) -> str:
    return f"one ({hunch.seen} of the domain were verified)" if hunch.seen else "one"


def why_not(rating: Rating, policy: Policy, currency: str, held: str) -> str:
    name, reason = rating.provider, rating.reason
    if reason == "not_worth_it":
        price, value = _price(rating.mean, currency), _price(policy.value or 0, currency)
        why = f"{price} per accepted answer on average, where one is worth {value}{held}"
    elif reason == "over_budget":
        why = (
            f"its call may cost {to_money(rating.worst)} {currency}, more than may still be spent"
        )
    elif reason:
        why = REASONS.get(reason, reason.replace("_", " "))
    else:
        return f"{name} was not asked: the lookup ended before its turn."
    return f"{name} was not asked: {why} ({reason})."


def _percent(millionths: int) -> str:
    return f"{millionths * 100 / MILLION:.0f} %"


def _price(micros: int, currency: str) -> str:
    """To four digits: what is expected is not known better."""
    if micros >= NEVER:
        return "more than anybody has"
    if micros < 10_000:
        return f"{to_money(micros)} {currency}"
    unit = 10 ** (len(str(micros)) - 4)
    return f"{to_money((micros + unit // 2) // unit * unit)} {currency}"
