"""The OpenAPI document: paths from the application, schemas from the Structs themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from msgspec import Struct

from gateway.api.accounts.filters import parameters
from gateway.api.accounts.visits import PARAMETER
from gateway.api.edge import CALLBACKS, OPEN
from gateway.api.native.document import paths as native_paths
from gateway.api.preferences import PARTS
from gateway.api.problems import MEDIA_TYPE
from gateway.api.tables import EVENTS, LINES, TABLES
from gateway.api.tables import MEDIA_TYPE as CSV

RESULTS = "/v1/jobs/{job_id}/results"
# Media types besides JSON, of replies that have them on demand.
ON_DEMAND = dict.fromkeys(TABLES, (CSV,)) | {RESULTS: (CSV, LINES)}
# Replies that are never JSON; a schema is that of each event.
EVENT = {
    "type": "object",
    "properties": {
        "event": {"type": "string", "enum": ["progress", "end"]},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "description": "the job, as it is shown without its result",
        },
    },
    "required": ["event", "data"],
}
STREAMS = {"/v1/jobs/{job_id}/events": {EVENTS: {"schema": EVENT}}}
REF = "#/components/schemas/{name}"
LOOKUPS = "Lookups"
ACCOUNTS = "Provider accounts"
LEADS = "/v1/providers/{name}/leads"
WORDS = {
    "200": "Done.",
    "201": "Made.",
    "202": "Not done yet: a job, to be read at `Location`.",
    "204": "Done; there is nothing to say.",
}
EVERY_REPLY = {"X-Request-Id": "the request's own if it had a good one, else made here"}
LOOKUP_REPLY = {
    "X-Gateway-Provider": "who answered",
    "X-Gateway-Cost": "money posted",
    "X-Gateway-Cache": "hit, miss or bypass",
    "Server-Timing": "upstream and gateway (own overhead) in ms",
    "RateLimit": "requests that the team has left in this minute",
    "RateLimit-Policy": "the team's limit",
}
LOOKUP_PARAMETERS = [
    {
        "name": "include",
        "in": "query",
        "description": "`raw` adds each provider's own reply as `meta.raw`, `plan` what was"
        " planned as `meta.plan`",
        "schema": {"type": "string", "enum": list(PARTS)},
    },
    {
        "name": "Prefer",
        "in": "header",
        "description": "`wait=N` (0..60, default 20) bounds the exchange, `respond-async` ends it "
        "at once; what is not done by then goes on as a job (202)",
        "schema": {"type": "string"},
    },
]

ACCOUNT_PARAMETERS = [
    {
        "name": PARAMETER,
        "in": "query",
        "description": "the account, by a credential's id or name; else the team's of the highest"
        " weight",
        "schema": {"type": "string"},
    },
    {
        "name": "X-Gateway-Credential",
        "in": "header",
        "description": "the same in a header",
        "schema": {"type": "string"},
    },
]
REPEAT_PARAMETER = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "a request repeated with its key is not run again: its 200, 202, 451, or 502 "
    "that cost something is given again, a 202 with the job as it is now",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "pattern": "^[!-~]([ -~]*[!-~])?$",
    },
}
REPEAT_REPLY = {"Idempotency-Replayed": "`true` if it is the reply to an earlier request"}
REPEATED = {"200", "202", "451", "502"}


def describe(app: Litestar) -> bytes:
    """The document as JSON."""
    document: dict[str, Any] = app.openapi_schema.to_schema()
    document["components"]["schemas"] = _schemas(app)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            _complete(operation, method)
            _offer(operation, path)
            if path in OPEN or path.startswith(CALLBACKS):
                operation["security"] = []
            if ACCOUNTS in operation.get("tags", ()):
                more = parameters() if (path, method) == (LEADS, "get") else []
                operation["parameters"] = operation["parameters"] + ACCOUNT_PARAMETERS + more
    document["paths"] |= native_paths()
    return msgspec.json.encode(document)


def _offer(operation: dict[str, Any], path: str) -> None:
    """The media types that only the handler knows of."""
    text = {"schema": {"type": "string"}}
    if path in STREAMS:
        operation["responses"]["200"]["content"] = STREAMS[path]
    for media in ON_DEMAND.get(path, ()):
        operation["responses"]["200"]["content"][media] = text


def _schemas(app: Litestar) -> Mapping[str, Any]:
    """Litestar's own leave constraints of list items out, and call 1 no number beside integers."""
    kinds = {
        kind
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for kind in _structs_of(handler)
    }
    ordered = sorted(kinds, key=lambda kind: kind.__name__)
    found: dict[str, Any] = msgspec.json.schema_components(ordered, ref_template=REF)[1]
    for schema in found.values():
        if "description" in schema:
            schema["description"] = inspect.cleandoc(schema["description"])
    return found


def _structs_of(handler: HTTPRouteHandler) -> Iterator[type[Struct]]:
    signature = handler.parsed_fn_signature
    found = [signature.return_type.annotation]
    found += [spec.data_container for spec in (handler.responses or {}).values()]
    if "data" in signature.parameters:
        found.append(signature.parameters["data"].annotation)
    for kind in found:
        if isinstance(kind, type) and issubclass(kind, Struct):
            yield kind


def _complete(operation: dict[str, Any], method: str) -> None:
    """What the framework leaves out, and what it makes up."""
    responses = operation["responses"]
    if MEDIA_TYPE not in responses.get("400", {}).get("content", {MEDIA_TYPE: None}):
        del responses["400"]
    for status, response in responses.items():
        response["description"] = WORDS.get(status, response["description"])
        response["headers"] = _headers(EVERY_REPLY)
    if LOOKUPS in operation.get("tags", ()):
        responses["200"]["headers"] |= _headers(LOOKUP_REPLY)
        operation["parameters"] = operation.get("parameters", []) + LOOKUP_PARAMETERS
        if method == "post":
            operation["parameters"].append(REPEAT_PARAMETER)
            for status in REPEATED & responses.keys():
                responses[status]["headers"] |= _headers(REPEAT_REPLY)


def _headers(meanings: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: {"description": meaning, "schema": {"type": "string"}}
        for name, meaning in meanings.items()
    }
