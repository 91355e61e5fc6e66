"""What is kept of a lookup's decisions, so that each can be made again byte for byte."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from gateway.lookup.planning.estimation import PACE, cell_of, levels_of, path_of
from gateway.lookup.planning.hunches import Hunch, plan_with, weigh
from gateway.lookup.planning.planner import after_miss, full_plan, rate
from gateway.lookup.planning.terms import (
    Cells,
    Counts,
    Plan,
    Question,
    Rating,
    State,
    Statistics,
)

Numbers = dict[str, dict[str, Counts]]


class Move(Struct, frozen=True, array_like=True):
    """One decision: where the lookup was, and the numbers of those that it could ask."""

    state: State
    numbers: Numbers


class Trace(Struct, frozen=True, array_like=True):
    """A lookup's decisions; the seed and the policy are in the question.

    `hunch` is the guess that came before all of them, if there was one to be made.
    """

    question: Question
    moves: tuple[Move, ...] = ()
    hunch: Hunch | None = None


_trace = msgspec.msgpack.Decoder(Trace)
_encode = msgspec.msgpack.Encoder(order="deterministic").encode


def to_move(question: Question, statistics: Statistics, state: State) -> Move:
    """All that decides `rate(question, statistics, state)`, and nothing else."""
    levels = levels_of(path_of(question.segment, state))
    levels += tuple(map(cell_of, question.policy.want))
    gone = (*state.missed, *state.failed)
    rest = [one.provider for one in question.options if one.provider not in gone]
    return Move(state, {name: _used(statistics.get(name, {}), levels) for name in rest})


def to_plan_moves(question: Question, statistics: Statistics, state: State) -> tuple[Move, ...]:
    """One for each step of a full plan, and one for its end."""
    moves = [to_move(question, statistics, state)]
    for step in full_plan(question, statistics, state).steps:
        state = after_miss(question, state, step.provider)
        moves.append(to_move(question, statistics, state))
    return tuple(moves)


def _used(cells: Cells, levels: tuple[str, ...]) -> dict[str, Counts]:
    kept = (*levels, PACE, "@valid", "@catch_all", "@unknown")
    return {name: cells[name] for name in kept if name in cells}


def encode(trace: Trace) -> bytes:
    return _encode(trace)


def decode(kept: bytes) -> Trace:
    """Raises msgspec.DecodeError."""
    return _trace.decode(kept)


def decided(question: Question, statistics: Statistics, state: State) -> bytes:
    """A decision as bytes: everyone's rating, in order."""
    return encode_ratings(rate(question, statistics, state))


def encode_ratings(ratings: Sequence[Rating]) -> bytes:
    return _encode(ratings)


def replay(trace: Trace) -> list[bytes]:
    """What `decided` gave at each move, then what was thought of the guess."""
    moves = [decided(trace.question, move.numbers, move.state) for move in trace.moves]
    return moves + [encode_ratings([one]) for one in guessed_in(trace)]


def guessed_in(trace: Trace) -> list[Rating]:
    """The rating of the guess, if there was one."""
    return [weigh(trace.hunch, trace.question.policy)] if trace.hunch else []


def replay_plan(trace: Trace) -> Plan:
    """The full plan of a trace of its moves: what a quote said."""
    merged: Numbers = {}
    for move in trace.moves:
        for provider, cells in move.numbers.items():
            merged.setdefault(provider, {}).update(cells)
    return plan_with(trace.question, merged, trace.hunch, trace.moves[0].state)


def ratings_of(trace: Trace) -> list[list[Rating]]:
    """The ratings of each move, for whoever explains them."""
    return [rate(trace.question, move.numbers, move.state) for move in trace.moves]
