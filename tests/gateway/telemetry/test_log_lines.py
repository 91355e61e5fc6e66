"""What a log line looks like, and whose records get into it."""

import json
import logging
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from gateway.settings import Secret
from gateway.telemetry import log

CANARY = "canary-secret-0123456789"


@pytest.fixture(autouse=True)
def _leave_logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(False)
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert not captured.out
    return [json.loads(line) for line in captured.err.splitlines()]


def test_an_event_is_one_json_line_with_time_level_and_name_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.configure_logging("info", "json")
    log.get_logger().warning("waterfall.attempted", provider="hunter", note="a\nb", zahl=1.5)
    (line,) = lines_of(capsys)
    assert list(line) == ["timestamp", "level", "event", "provider", "note", "zahl"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["timestamp"])
    assert (line["level"], line["event"]) == ("warning", "waterfall.attempted")
    assert (line["note"], line["zahl"]) == ("a\nb", 1.5)


def test_levels_below_the_configured_one_are_not_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.configure_logging("warning", "json")
    logger = log.get_logger()
    for level in ("debug", "info", "warning", "error", "critical"):
        getattr(logger, level)("thing.happened")
    assert [line["level"] for line in lines_of(capsys)] == ["warning", "error", "critical"]


def test_without_a_terminal_the_format_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure_logging("info", None)
    log.get_logger().info("thing.happened")
    assert lines_of(capsys)


def test_the_console_is_for_eyes(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure_logging("info", "console", secrets=[CANARY])
    log.get_logger().info("thing.happened", provider="hunter", note=CANARY)
    err = capsys.readouterr().err
    assert "[info     ] thing.happened" in err
    assert "provider=hunter" in err
    assert CANARY not in err


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_no_canary_survives_anywhere(capsys: pytest.CaptureFixture[str], log_format: str) -> None:
    log.configure_logging("debug", log_format, secrets=[CANARY])
    logger = log.get_logger()
    logger.info(CANARY, plain=CANARY, nested={"list": [CANARY]}, raw=CANARY.encode())
    logger.info("two", **{CANARY: 1}, secret_object=Secret(CANARY), other=Secret(CANARY))
    logging.getLogger("asyncio").error("lost %s", f"https://h/?key={CANARY}")
    try:
        local = ("only in", "a variable")
        assert local
        raise RuntimeError(f"Bearer {CANARY}")
    except RuntimeError:
        logger.exception("three")
        logging.getLogger("uvicorn.error").exception("four")
    err = capsys.readouterr().err
    assert "three" in err
    assert "four" in err
    assert "RuntimeError" in err
    assert "('only in', 'a variable')" not in err
    assert CANARY not in err


def test_a_secret_learnt_later_is_kept_out(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure_logging("info", "json")
    logger = log.get_logger()
    logger.info("before", note="kept")
    log.register_secrets(["learnt-later-secret"])
    logger.info("after", note="learnt-later-secret")
    assert [line["note"] for line in lines_of(capsys)] == ["kept", "***"]


@pytest.mark.parametrize(
    "name",
    [
        *("authorization", "Authorization", "api_key", "X-API-KEY", "apikey", "client_secret"),
        *("access_token", "password", "Set-Cookie", "master_key", "signing_key"),
    ],
)
def test_values_of_telltale_names_are_dropped(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    log.configure_logging("info", "json")
    nested = {"headers": [{name: "unregistered"}], "kept": 1}
    log.get_logger().info("thing.happened", **{name: "unregistered"}, nested=nested)
    (line,) = lines_of(capsys)
    assert line[name] == "***"
    assert line["nested"] == {"headers": [{name: "***"}], "kept": 1}


def test_names_that_only_sound_like_it_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure_logging("info", "json")
    log.get_logger().info("thing.happened", key_id="pgw_1", keyword="x", monkey="y")
    (line,) = lines_of(capsys)
    assert (line["key_id"], line["keyword"], line["monkey"]) == ("pgw_1", "x", "y")


@pytest.mark.parametrize("value", [object(), {1: object()}, "\ud800", 2**70, {("a",): 1}, {1, 2}])
def test_a_value_that_json_lacks_does_not_lose_the_event(
    capsys: pytest.CaptureFixture[str], value: object
) -> None:
    log.configure_logging("info", "json")
    log.get_logger().info("thing.happened", value=value)
    (line,) = lines_of(capsys)
    assert line["event"] == "thing.happened"
    assert "value" in line


def test_libraries_are_heard_from_warning_on(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure_logging("debug", "json")
    log.configure_logging("debug", "json")
    for name in ("uvicorn.error", "litestar", "asyncio", "aiohttp.client", "anything"):
        logging.getLogger(name).info("quiet")
        logging.getLogger(name).warning("heard %d", 1)
    assert [(line["logger"], line["level"], line["event"]) for line in lines_of(capsys)] == [
        (name, "warning", "heard 1")
        for name in ("uvicorn.error", "litestar", "asyncio", "aiohttp.client", "anything")
    ]


def test_libraries_are_no_louder_than_the_gateway(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger().setLevel(logging.DEBUG)
    log.configure_logging("error", "json")
    logging.getLogger("asyncio").warning("quiet")
    logging.getLogger("asyncio").error("heard")
    assert [line["event"] for line in lines_of(capsys)] == ["heard"]
    log.configure_logging("debug", "json")
    assert not logging.getLogger("anything").isEnabledFor(logging.INFO)
    assert logging.getLogger("anything").isEnabledFor(logging.WARNING)


def test_those_who_log_urls_are_not_heard(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure_logging("debug", "json")
    for name in ("httpx", "httpcore", "httpcore.connection", "uvicorn.access", "aiohttp.access"):
        logging.getLogger(name).error("HTTP Request: GET https://h/?api_key=1")
    assert lines_of(capsys) == []


def test_warnings_are_log_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        log.configure_logging("info", "json")
        warnings.warn("old ways", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(False)
    (line,) = lines_of(capsys)
    assert line["logger"] == "py.warnings"
    assert "old ways" in line["event"]


def test_what_is_bound_to_the_context_is_in_every_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.configure_logging("info", "json")
    structlog.contextvars.bind_contextvars(request_id="r-1")
    log.get_logger().info("thing.happened")
    assert lines_of(capsys)[0]["request_id"] == "r-1"


def test_a_closed_pipe_under_the_log_fails_nobody() -> None:
    script = (
        "import os, sys\n"
        "from gateway.telemetry import log\n"
        "log.configure_logging('info', 'json')\n"
        "sys.stdin.readline()\n"
        "log.get_logger().info('thing.happened')\n"
        "log.get_logger().info('thing.happened')\n"
        "print('alive', flush=True)\n"
        "os._exit(0)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stderr
        assert child.stdin
        assert child.stdout
        child.stderr.close()
        child.stdin.write("\n")
        child.stdin.flush()
        assert child.stdout.read() == "alive\n"


def test_the_access_line_says_no_more_than_it_should() -> None:
    """In a process of its own: the logger of the module keeps what it was first used with."""
    script = (
        "from gateway.telemetry import log\n"
        "log.configure_logging('info', 'json')\n"
        "log.log_access('POST', '/v1/jobs/{id}', 200, 12.345, 'r-1', None)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    line = json.loads(done.stderr)
    del line["timestamp"]
    assert line == {
        "level": "info",
        "event": "request.served",
        "method": "POST",
        "route": "/v1/jobs/{id}",
        "status": 200,
        "elapsed_ms": 12.3,
        "request_id": "r-1",
        "team": None,
    }
