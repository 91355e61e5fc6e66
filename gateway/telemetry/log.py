"""Log lines: one JSON object or one console line per event, with no secret and no person."""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import re
import sys
from collections.abc import Iterable, MutableMapping
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger, Processor

from gateway.telemetry.redaction import MASK, Redactor

_TELLTALE_NAME = re.compile(
    r"authorization|api[-_]?key|(admin|master|metrics|private|signing)[-_]?key"
    r"|secret|token|password|cookie",
    re.IGNORECASE,
)

# They log whole URLs, query and all, and the access log of the server would be a second one.
_SILENCED = ("httpx", "httpcore", "uvicorn.access", "aiohttp.access")
_ROUTED = ("uvicorn", "uvicorn.error", "uvicorn.asgi", "litestar", "asyncio", "aiohttp")

_redactor = Redactor()


class _Sink:
    """Writes rendered lines to whatever is standard error at that moment."""

    def msg(self, line: str) -> None:
        # A full disk or a closed pipe under the log must not fail a lookup that is paid for.
        with contextlib.suppress(OSError):
            sys.stderr.write(_redactor.redact(line) + "\n")
            sys.stderr.flush()

    debug = info = warning = error = critical = msg


class _Bridge(logging.Handler):
    """Hands the records of libraries that use `logging` to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
        try:
            get_logger().log(
                level, record.getMessage(), logger=record.name, exc_info=record.exc_info
            )
        except Exception:  # noqa: BLE001 - a record that cannot be formatted is no one's failure
            self.handleError(record)


_bridge = _Bridge()


def configure_logging(level: str, log_format: str | None, *, secrets: Iterable[str] = ()) -> None:
    """Set up logging to standard error for this process.

    `level` is one of debug … critical, `log_format` `json` or `console`, None: console on a
    terminal. Loggers already in use keep the level they were first used with.
    """
    register_secrets(secrets)
    terminal = sys.stderr.isatty()
    chosen = log_format or ("console" if terminal else "json")
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _stamp,
            _mask_telltales,
            *(_json_rendering() if chosen == "json" else _console_rendering(terminal)),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=_make_sink,
        cache_logger_on_first_use=True,
    )
    _route_libraries(max(threshold, logging.WARNING))


def get_logger() -> FilteringBoundLogger:
    """A logger; event names are static, dotted, past tense: `waterfall.attempted`."""
    return cast(FilteringBoundLogger, structlog.get_logger())


def register_secrets(secrets: Iterable[str]) -> None:
    """Keep all of `secrets` out of every line from now on."""
    _redactor.register(secrets)


_access = get_logger()


def log_access(
    method: str, route: str, status: int, elapsed_ms: float, request_id: str, team: str | None
) -> None:
    """The one line per request; `route` is the template (`/v1/jobs/{id}`), never the path."""
    _access.info(
        "request.served",
        method=method,
        route=route,
        status=status,
        elapsed_ms=round(elapsed_ms, 1),
        request_id=request_id,
        team=team,
    )


def _make_sink(*_: object) -> _Sink:
    return _Sink()


def _stamp(
    _logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
    return {"timestamp": now + "Z", "level": method, "event": event.pop("event"), **event}


@functools.lru_cache(maxsize=1024)
def _is_telltale(name: str) -> bool:
    return _TELLTALE_NAME.search(name) is not None


def _mask_telltales(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if _is_telltale(name):
            event[name] = MASK
        elif isinstance(value, dict | list | tuple):
            event[name] = _mask_nested(value)
    return event


def _mask_nested(value: object) -> object:
    if isinstance(value, dict):
        return {
            name: MASK if _is_telltale(str(name)) else _mask_nested(item)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_mask_nested(item) for item in value]
    return value


def _json_rendering() -> list[Processor]:
    return [structlog.processors.format_exc_info, _render_json]


def _console_rendering(colors: bool) -> list[Processor]:
    # The default formatter prints local variables, secrets among them.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain)]


def _render_json(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    try:
        return msgspec.json.encode(event, enc_hook=str).decode()
    except (TypeError, ValueError):
        # Lone surrogates and odd keys: rare, and no reason to lose the event.
        return json.dumps({str(key): str(value) for key, value in event.items()})


def _route_libraries(threshold: int) -> None:
    root = logging.getLogger()
    root.addHandler(_bridge)
    root.setLevel(threshold)
    logging.captureWarnings(True)
    for name in _ROUTED:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.setLevel(logging.NOTSET)
        logger.propagate = True
    for name in _SILENCED:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.setLevel(logging.CRITICAL + 1)
        logger.propagate = False
