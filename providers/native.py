"""A provider's own API as it is passed through: its paths, their prices, and who may ask them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal
from urllib.parse import unquote

Access = Literal["", "read", "write", "secret"]
FORMATS = (".json", ".xml")
# What is longer is beyond all bounds, and int() refuses it.
LONGEST_NUMBER = 18
# Words of paths that no table has and that no key but an administrator's may ask.
SECRETS = (
    *("api_key", "apikey", "access_key", "private_key", "secret", "token", "credential"),
    *("password", "oauth", "member", "invitation", "connected_app"),
)


@dataclass(frozen=True)
class Asked:
    """A request as its provider reads it: open segments of the path, query and body as one."""

    segments: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Any] = field(default_factory=dict)

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        return "" if value is None or isinstance(value, list | dict) else str(value).strip()

    def items(self, name: str) -> list[Any]:
        """A list; one value alone, or several with commas, are one too."""
        value = self.fields.get(name)
        if isinstance(value, list):
            return value
        if isinstance(value, dict):
            return list(value.values())
        return [part for part in self.text(name).split(",") if part.strip()]

    def number(self, name: str, default: int, most: int) -> int:
        """`default` if it is not given, `most` if it is no number or beyond that."""
        text = self.text(name)
        if not text:
            return default
        is_number = text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
        return min(int(text), most) if is_number else most


Units = Callable[[Asked], int]
Charged = Callable[[Asked, int, Any], int]


def counted(units: int) -> int:
    """What a reply says of the cost. Raises ValueError if that is less than nothing."""
    if units < 0:
        raise ValueError("a reply told of less than nothing")
    return units


def nothing(_asked: Asked) -> int:
    """Free."""
    return 0


@dataclass(frozen=True, kw_only=True)
class Task:
    """Work that a call begins and that is charged by what comes of it.

    `started` finds its id in the reply; `result` is the path, from the base URL on and with
    `{task}` in it, that reads it for free. `charged` tells from that read's JSON what the task
    cost, in thousandths of a unit, None while it is under way. Raises TaskFailed.
    """

    started: Callable[[Any], str]
    result: str
    charged: Callable[[Any], int | None]


@dataclass(frozen=True, kw_only=True)
class NativePath:
    """One method of one path; without a `unit` it is free.

    `worst` is what a call may cost, in thousandths of the unit, `charged` what it did, from the
    status and the JSON of a 2xx reply; it trips over one that is not as documented. `once` names
    what the provider charges a single time, however often it is asked. A call that begins a
    `task` is charged by that; `reads` is the id of the task whose result a call reads. `keyless`
    paths answer without a credential, so that their answer says nothing about it.
    """

    method: str
    template: str
    unit: str = ""
    worst: Units = nothing
    charged: Charged | None = None
    once: Callable[[Asked], str] | None = None
    task: Task | None = None
    reads: Callable[[Asked], str] | None = None
    access: Access = ""
    keyless: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"

    @property
    def charged_by(self) -> str:
        """What says how much: the reply, or the task's result; '' if it is free."""
        if not self.unit:
            return ""
        told = "its task's result" if self.task else "its reply"
        return f"{told}, once for the same request" if self.once else told


@dataclass(frozen=True)
class Match:
    """What a table says of a request; `path` is None if it says nothing.

    `methods` are those that the documents know of a path which is asked with another one.
    """

    path: NativePath | None
    segments: Mapping[str, str]
    access: Access
    methods: tuple[str, ...] = ()


def plain_refusal(_title: str, _detail: str) -> Mapping[str, object]:
    """For a provider whose errors are a list of id, code and details, as the gateway's are."""
    return {}


@dataclass(frozen=True, kw_only=True)
class NativeApi:
    """All that is known of a provider's own API.

    `lookups` are the templates that a lookup of ours asks, too, by its operation. What reads the
    result of a task is none of them: a task that was begun is read whoever else fails.
    `query_keys` and `body_keys` are the fields in which its clients send their key, beside the
    headers; `bare` ones send `Authorization` without a scheme. `signs_in_at` is the path of a
    sign-in that the gateway does for its callers. `accounts` are words of paths of account
    objects, for paths that `paths` does not have. `refusal` makes the members that the provider's
    own errors have, from title and detail. A call takes at most `seconds` to begin to answer.
    """

    paths: tuple[NativePath, ...] = ()
    lookups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    query_keys: tuple[str, ...] = ()
    body_keys: tuple[str, ...] = ()
    bare: bool = False
    signs_in_at: str = ""
    accounts: tuple[str, ...] = ()
    refusal: Callable[[str, str], Mapping[str, object]] = plain_refusal
    seconds: float = 60.0

    def match(self, method: str, path: str) -> Match:
        """What the table says of a request; `path` is still encoded, and not hostile."""
        parts = path.strip("/").split("/")
        spelled = [*_spelled(parts)]
        for row in self._plainest_first:
            if row.method == method and (found := _fit(row.template, parts, spelled)) is not None:
                return Match(row, found, row.access)
        methods = {row.method for row in self.paths if _is_meant(row, parts, spelled)}
        return Match(None, {}, self._access(method, spelled), tuple(sorted(methods)))

    def lookup_of(self, row: NativePath) -> str:
        """The operation of ours that asks this path, too; '' if none does."""
        return self._lookups.get(row.template, "")

    @cached_property
    def _lookups(self) -> Mapping[str, str]:
        return {path: name for name, paths in self.lookups.items() for path in paths}

    @cached_property
    def _plainest_first(self) -> Sequence[NativePath]:
        return sorted(self.paths, key=lambda row: row.template.count("{"))

    def _access(self, method: str, spelled: Sequence[str]) -> Access:
        if any(word in part for part in spelled for word in SECRETS):
            return "secret"
        if any(word in part for part in spelled for word in self.accounts):
            return "read" if method == "GET" else "write"
        return ""

    def is_sign_in(self, path: str) -> bool:
        """Whether a request in any spelling would sign in with the provider."""
        return bool(self.signs_in_at) and "oauth" in [*_spelled(path.strip("/").split("/"))]


def _spelled(parts: Sequence[str]) -> Iterator[str]:
    """Case, hyphens and the format of the reply tell no two paths apart: there are aliases."""
    for at, part in enumerate(parts):
        plain = unquote(part).casefold()
        if at == len(parts) - 1:
            plain = next((plain.removesuffix(f) for f in FORMATS if plain.endswith(f)), plain)
        yield plain.replace("-", "_")


def _is_meant(row: NativePath, parts: Sequence[str], spelled: Sequence[str]) -> bool:
    """Whether a path is this row's; an open end that costs nothing may be another word."""
    if row.template.endswith("}") and not row.unit:
        return False
    return _fit(row.template, parts, spelled) is not None


def _fit(template: str, parts: Sequence[str], spelled: Sequence[str]) -> Mapping[str, str] | None:
    wanted = template.strip("/").split("/")
    if len(wanted) != len(parts):
        return None
    found = {}
    for want, part, plain in zip(wanted, parts, spelled, strict=True):
        if want.startswith("{"):
            found[want[1:-1]] = unquote(part)
        elif want.replace("-", "_") != plain:
            return None
    return found


def rows(access: Access, *names: str, **declared: Any) -> tuple[NativePath, ...]:
    """Rows that differ in nothing but their names, such as `GET /leads/{id}`."""
    split = (name.split(" ") for name in names)
    return tuple(
        NativePath(method=method, template=template, access=access, **declared)
        for method, template in split
    )


def renamed(paths: Sequence[NativePath], old: str, new: str) -> tuple[NativePath, ...]:
    """The same rows below another name of the family."""
    return tuple(replace(row, template=row.template.replace(old, new, 1)) for row in paths)
