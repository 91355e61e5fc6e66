"""One clear message on stderr, the right exit code, never a traceback, never the key."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KEY = "pgw_secret_abcdefghijklmnopqrstuv"
LOOKUP = ("verify", "a@b.example")


@pytest.mark.parametrize(
    "status,code,exit_code",
    [
        (400, "malformed_request", 2),
        (401, "unauthenticated", 3),
        (402, "budget_exhausted", 3),
        (403, "forbidden", 3),
        (404, "not_found", 1),
        (409, "conflict", 1),
        (422, "invalid_query", 2),
        (429, "rate_limited", 1),
        (451, "suppressed", 1),
        (500, "internal_error", 1),
        (502, "all_providers_failed", 1),
        (503, "no_provider_configured", 1),
    ],
)
def test_every_refusal_has_its_exit_code(
    paper: Any, prospect: Any, status: int, code: str, exit_code: int
) -> None:
    paper.always(paper.problem(status, code, detail="Because."))
    done = prospect(*LOOKUP)
    assert (done.code, done.out) == (exit_code, "")
    assert done.err.startswith("prospect: ")
    assert "Because." in done.err
    assert f"(HTTP {status}, request r-2)" in done.err


def test_a_problem_is_shown_with_its_pointers_and_attempts(paper: Any, prospect: Any) -> None:
    errors = [
        {"id": "1", "code": "invalid", "details": "not a domain", "pointer": "/domain"},
        {"id": "2", "code": "too_long", "details": "over 64 characters", "pointer": "/tag"},
    ]
    attempts = [{"provider": "snov", "outcome": "failed", "reason": "timed_out"}]
    paper.always(paper.problem(422, "invalid_query", errors=errors, attempts=attempts))
    assert prospect(*LOOKUP).err.splitlines() == [
        "prospect: Invalid query",
        "  /domain: not a domain",
        "  /tag: over 64 characters",
        "  snov: failed, timed_out",
        "  (HTTP 422, request r-2)",
    ]


def call(*arguments: str) -> tuple[int, str]:
    """In a process without configuration, so that only the arguments count."""
    process = subprocess.run(
        [sys.executable, "-c", "from gateway.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in process.stderr
    assert KEY not in process.stderr + process.stdout
    return process.returncode, process.stderr


def test_nobody_listening_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    code, text = call("--url", f"http://127.0.0.1:{port}", "--key", KEY, *LOOKUP)
    assert code == 4
    assert f"http://127.0.0.1:{port}" in text
    assert "prospect serve" in text


@pytest.mark.parametrize("raw", [b"<html>hello</html>", b"[1]", b"\xff"])
def test_something_else_listening_is_unreachable(paper: Any, prospect: Any, raw: bytes) -> None:
    paper.always(paper.told(502, raw))
    done = prospect(*LOOKUP)
    assert done.code == 4
    assert "is not the gateway (HTTP 502)" in done.err


def test_a_redirect_is_not_followed_with_the_key(paper: Any, prospect: Any) -> None:
    paper.always(paper.told(307, {}, {"location": "http://127.0.0.1:9/"}))
    assert prospect(*LOOKUP).code == 4
    assert len(paper.seen) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--key", f"{KEY}\nx", *LOOKUP),
        ("--key", f"{KEY}é", *LOOKUP),
        ("--url", f"http://me:{KEY}@127.0.0.1:1", *LOOKUP),
        ("--url", "127.0.0.1:8080", *LOOKUP),
        ("--url", "http://127.0.0.1:99999", *LOOKUP),
        ("find",),
        ("verify",),
        ("verify", "a@b.example", "--wait", "61"),
        ("verify", "a@b.example", "--max-age", "week"),
        ("verify", "a@b.example", "--order", "best"),
        ("nonsense",),
    ],
)
def test_wrong_usage_is_2(arguments: tuple[str, ...]) -> None:
    code, text = call(*arguments)
    assert code == 2
    assert "Error: " in text


def test_the_key_is_found_where_it_should_be(
    paper: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """--key over PROSPECT_KEY over the data directory's admin.key."""
    from gateway.cli.program import run

    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "admin.key").write_text("from-default-directory\n")
    (tmp_path / "admin.key").write_text("from-named-directory\n")
    base = ["--url", paper.url]
    assert run([*base, *LOOKUP]) == 0
    monkeypatch.setenv("GATEWAY_DATA_DIR", str(tmp_path))
    assert run([*base, *LOOKUP]) == 0
    monkeypatch.setenv("PROSPECT_KEY", "from-environment")
    assert run([*base, *LOOKUP]) == 0
    assert run([*base, "--key", "from-root", *LOOKUP]) == 0
    assert run([*base, "--key", "from-root", *LOOKUP, "--key", "from-command"]) == 0
    assert [seen.headers["authorization"].removeprefix("Bearer from-") for seen in paper.seen] == [
        "default-directory",
        "named-directory",
        "environment",
        "root",
        "command",
    ]


def test_the_data_directory_is_where_the_configuration_says(
    paper: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """GATEWAY_DATA_DIR over GATEWAY_CONFIG's over that of ./gateway.toml."""
    from gateway.cli.program import run

    for name in ("here", "there", "named"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "admin.key").write_text(f"from-{name}\n")
    (tmp_path / "gateway.toml").write_text('data_dir = "here"\n[providers.hunter]\n')
    (tmp_path / "other.toml").write_text(f'data_dir = "{tmp_path}/there"\n')
    base = ["--url", paper.url]
    assert run([*base, *LOOKUP]) == 0
    monkeypatch.setenv("GATEWAY_CONFIG", "other.toml")
    assert run([*base, *LOOKUP]) == 0
    monkeypatch.setenv("GATEWAY_DATA_DIR", "named")
    assert run([*base, *LOOKUP]) == 0
    found = [seen.headers["authorization"].removeprefix("Bearer from-") for seen in paper.seen]
    assert found == ["here", "there", "named"]


@pytest.mark.parametrize(
    "text, told",
    [
        ("data_dir = ", "gateway.toml: not TOML"),
        ("data_dir = 3", "data_dir (gateway.toml): 3 is not the path of a directory"),
        ('data_dir = ""', "data_dir (gateway.toml): '' is not the path of a directory"),
        (None, "other.toml: no such file (from GATEWAY_CONFIG)"),
    ],
)
def test_a_configuration_without_a_data_directory_is_told(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    text: str | None,
    told: str,
) -> None:
    from gateway.cli.program import run

    if text is None:
        monkeypatch.setenv("GATEWAY_CONFIG", "other.toml")
    else:
        (tmp_path / "gateway.toml").write_text(text)
    assert run(["--url", "http://127.0.0.1:1", *LOOKUP]) == 2
    assert told in capsys.readouterr().err
    assert run(["--url", "http://127.0.0.1:1", "--key", "k", *LOOKUP]) == 4


def test_a_key_may_have_spaces_in_it(paper: Any, tmp_path: Path) -> None:
    """As the bootstrap key may, whoever chose it."""
    from gateway.cli.program import run

    key = "twenty-four characters!!"
    assert run(["--url", paper.url, "--key", key, *LOOKUP]) == 0
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "admin.key").write_text(f"{key}\n")
    assert run(["--url", paper.url, *LOOKUP]) == 0
    assert {seen.headers["authorization"] for seen in paper.seen} == {f"Bearer {key}"}


def test_a_missing_key_is_told_when_it_mattered(
    paper: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    from gateway.cli.program import run

    paper.always(paper.problem(401, "unauthenticated"))
    assert run(["--url", paper.url, *LOOKUP]) == 3
    assert "no key was sent: give --key, set PROSPECT_KEY" in capsys.readouterr().err
    assert "authorization" not in paper.seen[0].headers


@pytest.mark.parametrize("asynchronous", [False, True])
def test_ctrl_c_exits_130_and_says_how_to_go_on(
    paper: Any, start: Any, asynchronous: bool
) -> None:
    if asynchronous:
        job = {"data": {"id": "job_7", "status": "running"}, "meta": {}}
        paper.always(paper.told(202, job))
    paper.hold_after = 1 if asynchronous else 0
    process = start(*LOOKUP)
    paper.wait_for(2 if asynchronous else 1)
    os.kill(process.pid, signal.SIGINT)
    _, text = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted" in text
    assert "Traceback" not in text
    assert ("/v1/jobs/job_7" in text) is asynchronous
