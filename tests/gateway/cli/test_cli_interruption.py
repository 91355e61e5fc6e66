"""A run stopped by Ctrl-C or killed goes on where it was; nothing answered is asked again."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

ROWS, HALF, CONCURRENCY = 200, 100, 4
LINE = f"enrich in.csv -o out.csv --yes --concurrency {CONCURRENCY}".split()


@pytest.fixture(autouse=True)
def people(tmp_path: Path) -> None:
    rows = (f"Ada{n},harbor-{n}.example\n" for n in range(ROWS))
    (tmp_path / "in.csv").write_text("Name,Domain\n" + "".join(rows))


def read(path: Path) -> list[str]:
    with path.open(newline="") as file:
        return [row["email"] for row in csv.DictReader(file)]


EXPECTED = [f"ada{n}@harbor-{n}.example" for n in range(ROWS)]


def stderr_until(process: subprocess.Popen[str], text: str) -> str:
    """What it says until it says that."""
    assert process.stderr is not None
    said = ""
    while text not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    return said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_each_row_is_asked_exactly_once_around_an_interruption(
    paper: Any, start: Any, tmp_path: Path, number: int
) -> None:
    paper.hold_after = HALF
    process = start(*LINE)
    paper.wait_for(HALF + CONCURRENCY)
    process.send_signal(number)
    said = stderr_until(process, "Ctrl-C again")
    assert f"waiting for {CONCURRENCY} rows in flight" in said
    paper.release()
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"{HALF + CONCURRENCY} of {ROWS} rows are answered" in rest
    assert "the same command goes on" in rest

    again = start(*LINE)
    out, err = again.communicate(timeout=60)
    assert again.returncode == 0
    assert f"Resuming at row {HALF + CONCURRENCY + 1} of {ROWS}." in err
    assert f"{ROWS} rows: found 100 %" in out
    assert read(tmp_path / "out.csv") == EXPECTED
    assert set(paper.asked("domain").values()) == {1}
    assert len(paper.asked("domain")) == ROWS


def test_a_second_ctrl_c_leaves_at_once(paper: Any, start: Any, tmp_path: Path) -> None:
    """Only what was in flight is asked again."""
    paper.hold_after = HALF
    process = start(*LINE)
    paper.wait_for(HALF + CONCURRENCY)
    process.send_signal(signal.SIGINT)
    stderr_until(process, "Ctrl-C again")
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in rest
    paper.release()
    assert start(*LINE).wait(60) == 0
    assert read(tmp_path / "out.csv") == EXPECTED
    assert sum(paper.asked("domain").values()) == ROWS + CONCURRENCY


def kept_in(sidecar: Path) -> int:
    """Rows answered and kept; requests overtake each other, so some wait for an earlier row."""
    progress = json.loads(sidecar.read_bytes())
    return int(progress["rows"]) + len(progress.get("ahead", {}))


def test_a_kill_costs_no_more_than_the_rows_in_flight_once_synced(
    paper: Any, start: Any, tmp_path: Path
) -> None:
    paper.hold_after = HALF
    process = start(*LINE)
    paper.wait_for(HALF + CONCURRENCY)
    sidecar, deadline = tmp_path / "out.csv.progress", time.monotonic() + 30
    while kept_in(sidecar) < HALF:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.wait(30)
    paper.release()
    again = start(*LINE)
    out, _ = again.communicate(timeout=60)
    assert again.returncode == 0
    assert read(tmp_path / "out.csv") == EXPECTED
    assert sum(paper.asked("domain").values()) == ROWS + CONCURRENCY
    assert f"{ROWS} rows: found 100 % ({ROWS} accepted" in out


def test_rows_behind_a_slow_one_survive_a_kill(paper: Any, start: Any, tmp_path: Path) -> None:
    """Answered before an earlier row, they wait in the sidecar, a bounded number of them."""
    ahead = 8 * CONCURRENCY
    paper.slow = "harbor-0.example"
    process = start(*LINE)
    paper.wait_for(ahead)
    sidecar, deadline = tmp_path / "out.csv.progress", time.monotonic() + 30
    while len(json.loads(sidecar.read_bytes())["ahead"]) < ahead - 1:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert len(paper.seen) == ahead
    process.kill()
    process.wait(30)
    paper.release()
    assert start(*LINE).wait(60) == 0
    assert read(tmp_path / "out.csv") == EXPECTED
    assert sum(paper.asked("domain").values()) == ROWS + 1


def test_a_gateway_that_goes_away_stops_the_run_resumably(
    paper: Any, start: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What answers afterwards is no gateway any more: asked again a few times, then exit 4."""
    gone = True

    async def answer(seen: Any) -> Any:
        if gone and seen.path != "/livez" and seen.body["full_name"] == f"Ada{HALF}":
            return paper.told(502, b"<html>")
        return await paper.accept(seen)

    paper.answer = answer
    program = "import gateway.cli.client as c; c.FIRST_BACKOFF = 0.001"
    process = start(*LINE, prelude=program)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 4
    assert "is not the gateway (HTTP 502)" in err
    assert "the same command goes on" in err
    gone = False
    assert start(*LINE).wait(60) == 0
    assert read(tmp_path / "out.csv") == EXPECTED
    assert paper.asked("full_name").pop(f"Ada{HALF}") == 7
    assert sum(paper.asked("full_name").values()) == ROWS + 6


def test_a_pipe_gets_plain_lines(paper: Any, start: Any) -> None:
    process = start(*LINE)
    out, err = process.communicate(timeout=60)
    assert "\x1b" not in out + err
    assert "\r" not in out + err
