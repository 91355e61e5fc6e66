"""What is said to the ledger's scripts, and what they answer."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from gateway.money.windows import Window

NO_LIMIT = -1
NEVER = -1

EntryState = Literal["posted", "voided", "in_doubt"]
# What a call says of the account's state at its provider.
Health = Literal["ok", "fail", "neutral", ""]
# What an objection names: a person is one by name at a place.
ObjectionKind = Literal["email", "domain", "linkedin_url", "person"]


class Bid(Struct, kw_only=True):
    """One step as the script sees it; `slot` names its cache entry and its flight.

    At `others` other accounts of its provider's keep what the team may be served, too.

    `units` and `cost` are the worst case, `price` micro-units per unit, `lease` and `max_age`
    milliseconds. `direct` records the dispatch together with the reservation. `limits` are the
    account's units per day, month and in total, in thousandths, NO_LIMIT for none; `spare` says
    that the provider has another account. `ask` is kept until it is known what came of the call,
    at most `ask_life` ms. An `unwanted` one may be served, not bought; so may a `hurried` one,
    which has less time than it usually takes. `breaker` is the class of calls that it fails with,
    its operation unless it says so.
    """

    index: int
    slot: str
    others: list[str] = []
    rid: str
    provider: str
    operation: str
    credential: str
    units: int
    cost: int
    price: int
    max_age: int
    lease: int
    free: bool
    direct: bool
    limits: tuple[int, int, int] = (NO_LIMIT, NO_LIMIT, NO_LIMIT)
    spare: bool = False
    unpriced: bool = False
    unit: str = ""
    ask: str = ""
    ask_life: int = 0
    unwanted: bool = False
    hurried: bool = False
    breaker: str = ""


class Claim(Struct, kw_only=True):
    """Who asks, within what, for which of `steps`; `spent` is this lookup's posted + in doubt.

    `again` marks a lookup run a second time: what its first run bought is told to it, and counted
    unless it is among the `booked` entries that make up `spent`. A `thrifty` one takes what costs
    nothing first, wherever it stands; one that is `unplanned` takes nothing else. `mark` is the
    newest sequence that this process has seen, in `era`: a store that is behind it is refused.
    """

    lookup: str
    team: str
    key: str
    scopes: list[str]
    persons: list[str]
    tag: str = ""
    spent: int = 0
    max_cost: int = -1
    since: int = 0
    patient: bool = True
    again: bool = False
    booked: list[str] = []
    thrifty: bool = False
    unplanned: bool = False
    steps: list[Bid] = []
    root: str = ""
    mark: int = 0
    era: int = 0
    windows: tuple[Window, ...] = ()


class Obstacle(Struct):
    """A budget that a step did not fit; money in micro-units, `resets_at` in ms, 0 for never.

    With the scope `credential:ID` it is a limit of an account, in thousandths of its unit.
    """

    scope: str
    period: str
    spent: int
    reserved: int
    limit: int
    resets_at: int


class Skip(Struct):
    """A step passed over; `cost` is in doubt under `rid` since this lookup ran first.

    `wait` ms may pass before it can be taken. One that `failed` then, for the reason `why`, has
    cost so much, and so many thousandths of `units`.
    """

    index: int
    reason: str
    wait: float = 0
    budget: Obstacle | None = None
    rid: str = ""
    cost: int = 0
    units: int = 0
    why: str = ""


class Rate(Struct):
    """Requests that `scope` has left in this minute; `resets` in seconds."""

    limit: int
    remaining: int
    resets: int
    scope: str = ""


class Admission(Struct):
    """What a script found for the first step that can run, and the steps it passed over.

    `blob` is the cached answer, or the ticket to collect, bought with `credential`. `rid`, `units`
    and `cost` of a cached one say what it cost this lookup when it ran first. `seq` and `era` are
    the ledger's after it, `closed` its sequence when the entry that was settled closed, 0 if that
    was closed before; `drifted` says that by this answer its provider is not what it was. Another
    `account` is wanted where one's limit is reached, or it is left alone for `wait` ms.
    `held`: the lookup counts among those that run at once, until it is released.
    """

    kind: Literal[
        "cached",
        "joined",
        "resumed",
        "reserved",
        "wait",
        "none",
        "done",
        "suppressed",
        "revoked",
        "clock",
        "limited",
        "busy",
        "gone",
        "account",
        "outdated",
        "unplanned",
    ]
    skipped: list[Skip] = []
    since: int = 0
    index: int = -1
    rid: str = ""
    at: int = 0
    units: int = 0
    cost: int = 0
    blob: bytes = b""
    credential: str = ""
    own: bool = False
    dispatched: bool = False
    now: int = 0
    rate: Rate | None = None
    held: bool = False
    seq: int = 0
    era: int = 0
    closed: int = 0
    drifted: bool = False
    wait: float = 0


class Keepsake(Struct):
    """How an answer is cached; `life` in ms, `cap` the number of entries kept.

    `marks` name whom it is about: an objection to one of them stops every later read. `others` is
    who else is named in it: if one of them objects before it is kept, it is not. `credential`
    bought it.
    """

    slot: str
    life: int
    cap: int
    marks: list[str] = []
    others: list[str] = []
    credential: str = ""


class Way(Struct):
    """How the address of a name may have been made; both by keyed hashes, see `votes_of`."""

    domain: str
    address: str
    votes: list[str]


class Given(Struct):
    """What a provider said of addresses, kept `life` ms for what will become of them.

    `addresses` are keyed hashes, each with its status and decile of confidence; what it says of
    those of a list takes the place of nothing that it said when it was asked. `ways` are how they
    are made; of each address one counts. `stated` are domains, by keyed hash, with the pattern
    that the provider itself says they have.
    """

    provider: str
    life: int
    addresses: list[tuple[str, str]]
    listed: bool = False
    ways: list[Way] = []
    stated: list[tuple[str, str]] = []


class Memo(Struct, frozen=True):
    """By which `name` a lookup's decisions are kept, for `life` ms; `cap` lookups at most."""

    name: str
    life: int
    cap: int


class Place(Struct, frozen=True):
    """Where a lookup stands in a job; only the newest `token` may write of it."""

    job: str
    item: int = 0
    token: str = ""


class Settlement(Struct, kw_only=True):
    """How an entry ends; `next` admits the step after it in the same script.

    `persons` are who was asked about, a `kind` of identifier: suppressed if `objected`, or if the
    answer names someone who is, as one or, if `apart`, each alone. `places` are the domains and
    companies asked about. `took` is the
    bin of how long a ticket waited for its answer, `upstream` the ms of the whole call. `lessons`
    are learned once, with the end of the entry. With `ends` its lookup, run again, does not ask
    again. Its `health` is that of the entry's operation, or of `breaker`. `once` are `units` among
    them that the account may have been charged before, by mark; a unit costs `price`. One that is
    `fresh` was reserved by this process: a store that does not know it is older than `mark` and
    `era`.
    """

    rid: str
    state: EntryState
    outcome: str
    reason: str = ""
    units: int = 0
    cost: int = 0
    cache: Keepsake | None = None
    given: Given | None = None
    persons: list[str] = []
    places: list[str] = []
    kind: ObjectionKind = "person"
    objected: bool = False
    apart: bool = False
    ends: bool = False
    health: Health = ""
    breaker: str = ""
    took: int = NEVER
    upstream: int = 0
    lessons: list[Any] = []
    once: dict[str, int] = {}
    price: int = 0
    memo: Memo | None = None
    place: Place | None = None
    next: Claim | None = None
    fresh: bool = True
    root: str = ""
    mark: int = 0
    era: int = 0


class Resolution(Struct, kw_only=True):
    """What somebody says came of a call; `by` is a key's id or what found it out.

    Units in thousandths and cost in micro-units are what is posted.
    """

    state: Literal["posted", "voided"]
    note: str
    by: str
    units: int = 0
    cost: int = 0


class Fate(Struct):
    """What has become of an entry; `state` is empty if it is gone."""

    state: str
    outcome: str
    reason: str
    ticketed: bool
    credential: str
