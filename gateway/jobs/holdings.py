"""Every kind of key that the gateway writes: whether it may hold a person, how, and for how long.

Whoever writes a new kind of key enters it here, and says in `gateway.jobs.traces` how a person is
taken out of it if it can hold one in clear. A test finds every key that is not here.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Literal, NamedTuple

from gateway.money.ledger import BASE

# `clear`: by name; `hashed`: under the data key; `sealed`: encrypted under the master key.
Persons = Literal["none", "clear", "hashed", "sealed"]
Place = Literal[
    "cache",
    "jobs",
    "idempotency",
    "tickets",
    "questions",
    "labels",
    "outbox",
    "deliveries",
    "notices",
    "reasons",
]


class Holding(NamedTuple):
    """Keys after the root, `*` any text without a colon, `**` any text.

    `place` is what erasures and requests for access call those that hold persons in clear.
    """

    pattern: str
    meaning: str
    persons: Persons = "none"
    kept: str = "for good"
    place: Place | None = None


# Below {pgw}:live: or {pgw}:sandbox:.
OF_ROOT = (
    Holding("cache:*", "an answer, beside the provider's reply", "clear", "by its life", "cache"),
    Holding("job:*", "a job: what its team says of it", "clear", "job_results_days", "jobs"),
    Holding("job:*:in", "questions of a job", "clear", "job_results_days", "jobs"),
    Holding("job:*:out", "results of a job", "clear", "job_results_days", "jobs"),
    Holding("job:*:progress", "attempts so far", "none", "until the item ends"),
    Holding("job:*:deaths", "processes that died with an item", "none", "until the item ends"),
    Holding("job:*:parked", "items laid aside", "none", "until they are due"),
    Holding("job:*:again", "items that were held back", "none", "until their turn comes"),
    Holding("mark:*", "a reply to be given again", "clear", "idempotency_hours", "idempotency"),
    Holding("entry:*", "an entry of the ledger, its open ticket, its tag", "clear",
            "ledger_days; the ticket until it is collected", "tickets"),
    Holding("asked:*", "the question of a call that is not closed", "clear",
            "until it is closed, at most doubts_days", "questions"),
    Holding("outbox", "events on their way out", "clear", "until they are sent", "outbox"),
    Holding("outbox:copy", "the same, while an erasure rewrites it", "clear", "a moment",
            "outbox"),
    Holding("delivery:*", "an event for one receiver", "clear", "webhooks.keep_days",
            "deliveries"),
    Holding("deliveries:**", "deliveries of a receiver, in turn", kept="webhooks.keep_days"),
    Holding("endpoint:*", "a team's receiver, its secret sealed", "clear", "for good",
            "deliveries"),
    Holding("endpoint:inline:*", "the secret of a team's jobs, sealed"),
    Holding("endpoints", "all receivers"),
    Holding("endpoints:of:*", "a team's receivers"),
    Holding("hook:*", "an address for a provider's callbacks, as a hash"),
    Holding("hook_of:*", "the address of an account's callbacks"),
    Holding("hooks", "accounts with such an address"),
    Holding("notices:*", "messages of a provider", "sealed", "a day", "notices"),
    Holding("given:*", "who said what of an address, by its keyed hash; what became of it",
            "hashed", "outcomes_days"),
    Holding("ways:*", "how the addresses of a domain are made, by its keyed hash", "hashed",
            "outcomes_days"),
    Holding("learn:**", "counts of what calls and outcomes taught"),
    Holding("noticed:*", "that a message was seen, by its hash", "hashed", "a day"),
    Holding("task:*:*", "a call whose cost its provider's task tells", "hashed", "two days"),
    Holding("once:*", "what an account is charged for once, by its keyed hash", "hashed",
            "400 days"),
    Holding("times:*:*", "how long a provider's tickets take"),
    Holding("times:*:*:n", "how many were counted"),
    Holding("doing:*:*", "how a provider does"),
    Holding("doing:*:*:n", "how many calls were counted"),
    Holding("learn:*:*", "what is known of a provider, by kind of question"),
    Holding("learn:*:*:recent", "its latest calls"),
    Holding("trace:*:*", "why a lookup asked whom", kept="traces_days"),
    Holding("traced", "the order of such traces", kept="traces_days"),
    Holding("suppression:*", "an objection: source, reason", "clear", "until taken back",
            "reasons"),
    Holding("suppression:*:marks", "the marks that it holds", "hashed", "until taken back"),
    Holding("suppressed", "marks in force", "hashed", "until taken back"),
    Holding("suppressed:by", "objections by their marks", "hashed", "until taken back"),
    Holding("suppressions", "the order of objections"),
    Holding("suppressions:seq", "how many there were"),
    Holding("erasure:*", "an erasure: whom (until it is done), reason, what was removed",
            "sealed", "erasures_days", "reasons"),
    Holding("erasures", "the order of erasures", kept="erasures_days"),
    Holding("erasing", "erasures to be done", kept="until they are done"),
    Holding("cached", "the order of answers in the cache"),
    Holding("flight:*", "the call under way for a question, by its keyed hash", "hashed",
            "until it is closed"),
    Holding("failed:*", "what came to nothing in a lookup, by keyed hashes", "hashed",
            "a day"),
    Holding("ledger", "the order of entries", kept="ledger_days"),
    Holding("open", "entries that are open", kept="until they are closed"),
    Holding("doubts", "entries in doubt", kept="until they are resolved"),
    Holding("sums:*", "sums of a day's entries, by their tags", "clear", "for good", "labels"),
    Holding("days", "days that have sums"),
    Holding("bal:**", "balances of a budget"),
    Holding("units:**", "units of an account"),
    Holding("seq", "the ledger's sequence"),
    Holding("era", "the ledger's era"),
    Holding("missed", "that the store is older than somebody has seen it", kept="until accepted"),
    Holding("lapse", "where an older store was accepted"),
    Holding("reconciling", "that a reconciliation is not due", kept="reconcile_minutes"),
    Holding("reconciliation", "the latest report"),
    Holding("reconciled", "accounts at their last quiet moment"),
    Holding("bench", "accounts out of use"),
    Holding("breaker:**", "failures of an account", kept="a day"),
    Holding("breakers", "breakers that are not closed"),
    Holding("permits:**", "requests of an account", kept="25 hours at most"),
    Holding("token:*:*", "a provider's token", kept="until it expires"),
    Holding("jobs:of:*", "a team's jobs", kept="job_results_days"),
    Holding("leases:*", "items on loan, by lane", kept="until given back"),
    Holding("owners", "who has them", kept="until given back"),
    Holding("tokens", "how often an item was lent"),
    Holding("due:*", "items laid aside, by lane", kept="until they are due"),
    Holding("left:*", "whose job a lookup was that was given up",
            kept="job_results_days"),
    Holding("laid:*", "which item waits for a provider's task", kept="until it is due"),
    Holding("told:*", "that a provider just told of a task", kept="a few seconds"),
    Holding("ready:*:*", "jobs of a team that have rows left", kept="until they have none"),
    Holding("turns:*", "teams with jobs, in turn", kept="until they have none"),
)  # fmt: skip
# Below {pgw}: itself.
OF_BASE = (
    Holding("datakey", "the key of all hashes, sealed"),
    Holding("store_id", "which store this is"),
    Holding("schema_version", "what the data looks like"),
    Holding("clock_offset", "a test's shift of the clock"),
    Holding("probe", "that writing works", kept="a minute"),
    Holding("version", "changes of accounts and routes"),
    Holding("simulators", "where the sandbox's simulators are"),
    Holding("team:*", "a team"),
    Holding("teams", "all teams"),
    Holding("key:*", "a caller's key, as a hash"),
    Holding("keys", "all keys"),
    Holding("keys_of:*", "a team's keys"),
    Holding("credential:*", "an account, its secret sealed"),
    Holding("credentials", "all accounts"),
    Holding("ever_held_credential", "that there was an account once"),
    Holding("routes", "default routing"),
    Holding("budget:**", "a budget's limits"),
    Holding("limits:**", "how often a team or key may ask"),
    Holding("rate:**", "how often it did", kept="two minutes"),
    Holding("busy:**", "how many it asks at once", kept="90 seconds"),
    Holding("audit", "what administrators did: ids and names of fields", kept="audit_days"),
    Holding("audit:of:**", "the same, of one object", kept="audit_days"),
)


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*?)", pattern)
    words = {"*": "[^:]+", "**": ".+"}
    return re.compile("".join(words.get(part) or re.escape(part) for part in parts))


def holding_of(key: str, root: str) -> Holding | None:
    """What a key is; None for one that nobody entered, or of another root."""
    for prefix, known in ((root, OF_ROOT), (BASE, OF_BASE)):
        if key.startswith(prefix):
            name = key.removeprefix(prefix)
            return next((one for one in known if _pattern(one.pattern).fullmatch(name)), None)
    return None
