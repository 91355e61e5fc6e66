"""`jobs` against a server: shown, watched, fetched, cancelled; nothing of it is ever bought."""

from __future__ import annotations

import json
import signal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.cli.paper_jobs import PaperJob, PaperJobs


@pytest.fixture
def jobs(paper: Any) -> PaperJobs:
    found = PaperJobs(paper)
    paper.answer = found
    return found


def add(jobs: PaperJobs, rows: int = 5, **more: Any) -> PaperJob:
    name = f"job_{len(jobs.jobs)}"
    items = [{"full_name": f"Ada{n}", "domain": f"harbor-{n}.example"} for n in range(rows)]
    jobs.jobs[name] = PaperJob(name, items, {"operation": "emails.find"}, **more)
    return jobs.jobs[name]


def test_jobs_are_listed_newest_first(jobs: PaperJobs, prospect: Any, on_terminal: Any) -> None:
    for done in range(3):
        add(jobs, done=done)
    assert [row["id"] for row in prospect("jobs", "list").json["data"]] == [
        *("job_2", "job_1", "job_0")
    ]
    short = prospect("jobs", "list", "--limit", "1").json
    assert [row["id"] for row in short["data"]] == ["job_2"]
    code, shown = on_terminal("jobs", "list")
    assert code == 0
    line = next(line for line in shown.splitlines() if "job_2" in line)
    assert line.split()[:6] == ["job_2", "emails.find", "running", "5", "2", "0.079"]


def test_all_jobs_are_all_pages(jobs: PaperJobs, prospect: Any) -> None:
    for _ in range(130):
        add(jobs, rows=1)
    assert len(prospect("jobs", "list", "--all").json["data"]) == 130
    assert len(prospect("jobs", "list").json["data"]) == 25


def test_no_jobs_are_told_so(jobs: PaperJobs, on_terminal: Any) -> None:
    code, shown = on_terminal("jobs", "list")
    assert (code, "There are none." in shown) == (0, True)


def test_one_job_is_shown(jobs: PaperJobs, prospect: Any, paper: Any) -> None:
    add(jobs, done=2)
    jobs.pace = 0
    done = prospect("jobs", "show", "job_0")
    assert (done.code, done.json["data"]["counts"]["done"]) == (0, 2)
    assert [seen.path for seen in paper.seen] == ["/v1/jobs/job_0"]


@pytest.mark.parametrize("events", [True, False], ids=["events", "cut-off"])
@pytest.mark.parametrize("wrong,code", [(set(), 0), ({"harbor-3.example"}, 1)])
def test_a_job_is_watched_to_its_end(
    jobs: PaperJobs, prospect: Any, *, events: bool, wrong: set[str], code: int
) -> None:
    """By its events; by asking, where these break off."""
    add(jobs)
    jobs.pace, jobs.events, jobs.wrong = 2, events, frozenset(wrong)
    done = prospect("jobs", "watch", "job_0")
    assert (done.code, done.json["data"]["status"]) == (code, "completed")
    assert done.json["data"]["counts"]["failed"] == len(wrong)


def test_a_person_sees_a_bar(jobs: PaperJobs, on_terminal: Any) -> None:
    add(jobs)
    code, shown = on_terminal("jobs", "watch", "job_0")
    assert code == 0
    assert "5/5 rows" in shown
    assert "found 100 %" in shown


def test_ctrl_c_leaves_the_job_running(jobs: PaperJobs, start: Any, paper: Any) -> None:
    add(jobs)
    jobs.pace = 0
    process = start("jobs", "watch", "job_0")
    paper.wait_for(3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "the job goes on at the gateway: prospect jobs watch job_0" in err
    assert "Traceback" not in err
    assert {seen.method for seen in paper.seen} == {"GET"}


def test_a_job_is_cancelled(jobs: PaperJobs, prospect: Any, paper: Any) -> None:
    add(jobs, done=2)
    done = prospect("jobs", "cancel", "job_0")
    assert (done.code, done.json["data"]["status"]) == (0, "cancelled")
    assert [(seen.method, seen.path) for seen in paper.seen] == [("DELETE", "/v1/jobs/job_0")]
    assert prospect("jobs", "watch", "job_0").code == 1


@pytest.mark.parametrize("verb", ["show", "watch", "results", "cancel"])
def test_a_job_that_is_not_there_is_told(jobs: PaperJobs, prospect: Any, verb: str) -> None:
    done = prospect("jobs", verb, "job_9")
    assert (done.code, "There is no such job." in done.err) == (1, True)
    assert prospect("--key", "", "jobs", verb).code == 2


@pytest.mark.parametrize(
    "status,code,end", [(401, "unauthenticated", 3), (403, "forbidden", 3), (502, "x", 1)]
)
def test_refusals_have_their_exit_codes(
    paper: Any, prospect: Any, status: int, code: str, end: int
) -> None:
    paper.always(paper.problem(status, code))
    for verb in ("show", "watch", "results", "cancel"):
        assert prospect("jobs", verb, "job_0").code == end


@pytest.mark.parametrize("verb", ["list", "show", "results", "cancel"])
def test_no_gateway_is_exit_code_4(prospect: Any, verb: str) -> None:
    words = [] if verb == "list" else ["job_0"]
    done = prospect("--url", "http://127.0.0.1:1", "jobs", verb, *words)
    assert done.code == 4


def test_results_are_shown_as_they_are_now(jobs: PaperJobs, prospect: Any) -> None:
    add(jobs, rows=1200, done=1100)
    jobs.pace = 0
    done = prospect("jobs", "results", "job_0")
    rows = done.json["data"]
    assert (done.code, len(rows)) == (0, 1200)
    assert [row["index"] for row in rows] == list(range(1200))
    assert {row["status"] for row in rows[1100:]} == {"queued"}


def test_results_on_a_terminal_are_a_table(
    jobs: PaperJobs, on_terminal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    add(jobs, rows=2)
    jobs.wrong = frozenset({"harbor-1.example"})
    code, shown = on_terminal("jobs", "results", "job_0")
    assert code == 1
    assert "ada0@harbor-0.example" in shown
    assert "budget_exhausted" in shown


def test_results_as_lines_and_as_a_table_to_stdout(jobs: PaperJobs, start: Any) -> None:
    add(jobs, rows=3)
    out, _ = start("jobs", "results", "job_0", "--format", "ndjson").communicate(timeout=30)
    assert [json.loads(line)["index"] for line in out.splitlines()] == [0, 1, 2]
    out, _ = start("jobs", "results", "job_0", "--format", "csv").communicate(timeout=30)
    assert out == 'index,status\n0,"completed\n"\n1,"completed\n"\n2,"completed\n"\n'


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_no_row_steers_the_terminal(
    jobs: PaperJobs, start: Any, on_terminal: Any, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    row = {"index": 0, "status": "\x1b[2Jdone\x9b2Jé\rgone"}
    monkeypatch.setattr(json, "dumps", partial(json.dumps, ensure_ascii=False))
    monkeypatch.setattr(jobs, "row", lambda _job, _at: row)
    add(jobs, rows=1)
    line = ("jobs", "results", "job_0", "--format", form)
    code, shown = on_terminal(*line)
    assert code == 0
    assert "done" in shown
    assert "é" in shown
    assert not {"\x1b", "\x9b"} & {*shown}
    out, _ = start(*line).communicate(timeout=30)
    assert "\x9b" in out, "what goes into a pipe is not as it came"


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_a_file_that_broke_off_is_gone_on_with(
    jobs: PaperJobs, prospect: Any, paper: Any, tmp_path: Path, form: str
) -> None:
    """Wherever it broke off: between rows, within one, within the headings."""
    add(jobs, rows=20)
    line = ("jobs", "results", "job_0", "-o", f"found.{form}", "--force")
    assert prospect(*line).code == 0
    target, part = tmp_path / f"found.{form}", tmp_path / f"found.{form}.job_0.part"
    whole = target.read_bytes()
    assert whole.count(b"completed") == 20
    for size in (0, 5, 13, 30, len(whole) // 2, len(whole) - 1, len(whole)):
        part.write_bytes(whole[:size])
        assert prospect(*line).code == 0
        assert target.read_bytes() == whole
        assert not part.exists()
    begun = [seen.query for seen in paper.seen if seen.headers["accept"] != "*/*"]
    assert any("start=1" in query for query in begun)


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_quotes_in_answers_are_no_ends_of_rows(
    jobs: PaperJobs, prospect: Any, tmp_path: Path, form: str
) -> None:
    job = add(jobs, rows=4)
    job.items[1]["company"] = '27" Screens'
    assert prospect("jobs", "results", "job_0", "-o", f"found.{form}").code == 0
    whole = (tmp_path / f"found.{form}").read_bytes()
    assert whole.count(b"completed") == 4
    (tmp_path / f"found.{form}.job_0.part").write_bytes(whole[: whole.rindex(b"completed")])
    assert prospect("jobs", "results", "job_0", "-o", f"found.{form}", "--force").code == 0
    assert (tmp_path / f"found.{form}").read_bytes() == whole


def test_a_file_waits_for_the_end_of_the_job(
    jobs: PaperJobs, prospect: Any, tmp_path: Path
) -> None:
    add(jobs)
    jobs.pace = 1
    assert prospect("jobs", "results", "job_0", "-o", "found.ndjson").code == 0
    assert (tmp_path / "found.ndjson").read_text().count('"completed"') == 5


def test_a_part_of_the_rows_is_had_on_demand(
    jobs: PaperJobs, prospect: Any, tmp_path: Path
) -> None:
    add(jobs, done=2)
    jobs.pace = 0
    assert prospect("jobs", "results", "job_0", "-o", "found.ndjson", "--partial").code == 0
    rows = [json.loads(line) for line in (tmp_path / "found.ndjson").read_text().splitlines()]
    assert [row["status"] for row in rows] == ["completed"] * 2 + ["queued"] * 3


def test_a_file_is_not_overwritten_unasked(
    jobs: PaperJobs, prospect: Any, paper: Any, tmp_path: Path
) -> None:
    (tmp_path / "found.csv").write_text("mine")
    add(jobs)
    done = prospect("jobs", "results", "job_0", "-o", "found.csv")
    assert (done.code, paper.seen) == (2, [])
    assert "--force overwrites it" in done.err
    assert (tmp_path / "found.csv").read_text() == "mine"
    done = prospect("jobs", "results", "job_0", "-o", "found.txt")
    assert (done.code, ".ndjson" in done.err) == (2, True)
