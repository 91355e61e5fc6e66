"""`enrich` of a large file: handed in as jobs, each once, whatever happens to the command."""

from __future__ import annotations

import csv
import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.cli.paper_jobs import PaperJobs

ROWS = 50
LINE = ["enrich", "in.csv", "-o", "out.csv", "--yes", "--jobs", "--job-rows", "20"]


def write(path: Path, rows: int = ROWS) -> None:
    lines = (f"Ada{n},harbor-{n}.example\n" for n in range(rows))
    path.write_text("Name,Domain\n" + "".join(lines))


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def jobs(paper: Any, tmp_path: Path) -> PaperJobs:
    write(tmp_path / "in.csv")
    found = PaperJobs(paper, events=True)
    paper.answer = found
    return found


@pytest.fixture
def enrich(prospect: Any) -> Callable[..., Any]:
    def call(*arguments: str) -> Any:
        return prospect("enrich", "in.csv", "-o", "out.csv", *arguments)

    return call


def posts(paper: Any) -> list[Any]:
    return [seen for seen in paper.seen if seen.method == "POST"]


def expected(rows: int = ROWS) -> list[str]:
    return [f"ada{n}@harbor-{n}.example" for n in range(rows)]


def assert_whole(jobs: PaperJobs, folder: Path) -> None:
    assert [row["email"] for row in read(folder / "out.csv")] == expected()
    assert set(jobs.handed().values()) == {1}
    assert not list(folder.glob("out.csv.*"))


def test_a_large_file_goes_as_jobs(
    jobs: PaperJobs, enrich: Any, paper: Any, tmp_path: Path
) -> None:
    write(tmp_path / "in.csv", 201)
    done = enrich("--tag", "q4", "--max-cost", "0.10", "--kind", "personal")
    assert done.code == 0
    (post,) = posts(paper)
    assert post.path == "/v1/jobs"
    assert post.headers["idempotency-key"].startswith("enrich-")
    assert post.body["metadata"] == {"command": "prospect enrich", "rows": "1-201"}
    assert (post.body["tag"], post.body["routing"]) == ("q4", {"max_cost": "0.10"})
    item = {"full_name": "Ada0", "domain": "harbor-0.example", "kind": "personal"}
    assert post.body["items"][0] == item
    assert [row["email"] for row in read(tmp_path / "out.csv")] == expected(201)
    assert "201 rows: found 100 % (201 accepted" in done.out


@pytest.mark.parametrize(
    "arguments,by_jobs",
    [
        ((), False),
        (("--jobs-above", "49"), True),
        (("--jobs-above", "50"), False),
        (("--jobs",), True),
        (("--budget", "9"), True),
        (("--jobs-above", "0", "--no-jobs"), False),
    ],
)
def test_the_size_decides_unless_it_is_said(
    jobs: PaperJobs, enrich: Any, paper: Any, *, arguments: tuple[str, ...], by_jobs: bool
) -> None:
    assert enrich(*arguments).code == 0
    assert {seen.path == "/v1/jobs" for seen in posts(paper)} == {by_jobs}


def test_rows_come_in_order_from_several_jobs(
    jobs: PaperJobs, prospect: Any, tmp_path: Path
) -> None:
    jobs.pace = 3
    assert prospect(*LINE).code == 0
    assert [len(job.items) for job in jobs.jobs.values()] == [20, 20, 10]
    assert_whole(jobs, tmp_path)


def test_without_events_jobs_are_asked_for(jobs: PaperJobs, prospect: Any, tmp_path: Path) -> None:
    jobs.events, jobs.pace = False, 9
    assert prospect(*LINE).code == 0
    assert_whole(jobs, tmp_path)


def test_rows_that_have_no_answer_are_told_in_the_output(
    jobs: PaperJobs, prospect: Any, tmp_path: Path
) -> None:
    lines = ["Ada,a.example", ",", "Eve,b.example", "A,B,C", "Zoe,c.example"]
    (tmp_path / "in.csv").write_text("Name,Domain\n" + "\n".join(lines))
    jobs.wrong = frozenset({"b.example"})
    done = prospect(*LINE)
    assert done.code == 1
    assert [row["error"].split(":")[0] for row in read(tmp_path / "out.csv")] == [
        *("", "invalid_query", "budget_exhausted", "invalid_query", "")
    ]
    with (tmp_path / "out.csv").open() as file:
        assert "the row has 3 cells" in file.readlines()[4]
    assert sorted(jobs.handed()) == ["a.example", "b.example", "c.example"]


def test_rows_of_which_none_can_be_asked_are_told_one_by_one(
    jobs: PaperJobs, prospect: Any, paper: Any, tmp_path: Path
) -> None:
    async def answer(seen: Any) -> Any:
        errors = [{"pointer": "/items/0/domain", "details": "is no domain"}]
        if seen.path == "/v1/jobs":
            return paper.problem(422, "invalid_query", errors=errors)
        return paper.problem(422, "invalid_query", detail=f"{seen.body['domain']} is no domain")

    (tmp_path / "in.csv").write_text("Name,Domain\nA,x\nB,y\n")
    paper.answer = answer
    assert prospect(*LINE).code == 1
    errors = [row["error"] for row in read(tmp_path / "out.csv")]
    assert [error.rpartition(": ")[2] for error in errors] == [
        "x is no domain",
        "y is no domain",
    ]


def test_a_refused_job_ends_the_run_with_its_exit_code(
    jobs: PaperJobs, prospect: Any, paper: Any, tmp_path: Path
) -> None:
    paper.always(paper.problem(402, "budget_exhausted"))
    done = prospect(*LINE)
    assert (done.code, "the same command goes on" in done.err) == (3, True)
    paper.answer = jobs
    assert prospect(*LINE).code == 0
    assert_whole(jobs, tmp_path)


@pytest.mark.parametrize("status", [403, 404, 405])
def test_where_jobs_are_refused_rows_go_one_by_one(
    paper: Any, enrich: Any, tmp_path: Path, status: int
) -> None:
    """Unless jobs were asked for."""

    async def answer(seen: Any) -> Any:
        if seen.path == "/v1/jobs":
            return paper.problem(status, "forbidden")
        return await paper.accept(seen)

    write(tmp_path / "in.csv")
    paper.answer = answer
    said = enrich("--jobs")
    assert said.code == (3 if status == 403 else 1)
    done = enrich("--restart", "--jobs-above", "10")
    assert (done.code, "sending rows one by one" in done.err) == (0, True)
    assert [row["email"] for row in read(tmp_path / "out.csv")] == expected()


def test_a_budget_lets_one_job_go_at_a_time(
    jobs: PaperJobs, prospect: Any, tmp_path: Path
) -> None:
    """Each may cost what those before it have left."""
    jobs.pace = 4
    assert prospect(*LINE, "--budget", "2").code == 0
    assert [job.body["max_cost"] for job in jobs.jobs.values()] == ["2", "0.420", "0"]
    assert prospect(*LINE, "--budget", "2", "--no-jobs").code == 2
    assert prospect(*LINE, "--budget", "much").code == 2


def test_money_that_a_failed_row_holds_is_not_spent_again(
    jobs: PaperJobs, prospect: Any, tmp_path: Path
) -> None:
    """It may yet turn out to have been charged."""
    jobs.wrong, jobs.doubt = frozenset({"harbor-3.example"}), "0.1"
    assert prospect(*LINE, "--budget", "2").code == 1
    assert jobs.jobs["job_1"].body["max_cost"] == "0.399"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_ended_midway_fetches_what_its_jobs_found(
    jobs: PaperJobs, start: Any, paper: Any, tmp_path: Path, number: int
) -> None:
    jobs.pace = 0
    process = start(*LINE)
    paper.wait_for(8)
    jobs.jobs["job_0"].done = 7
    wait_for_rows(tmp_path, 7)
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    if number != signal.SIGKILL:
        assert process.returncode == 130
        assert "7 of 50 rows are answered" in err
        assert "handed in, and going on at the gateway: job_0, job_1, job_2" in err
        assert "Traceback" not in err
    jobs.pace = None
    again = start(*LINE)
    out, err = again.communicate(timeout=30)
    assert again.returncode == 0
    assert "Resuming at row 8 of 50." in err
    assert "50 rows: found 100 % (50 accepted" in out
    assert_whole(jobs, tmp_path)
    assert len(jobs.keys) == 3


def wait_for_rows(folder: Path, rows: int) -> None:
    sidecar, deadline = folder / "out.csv.progress", time.monotonic() + 30
    while json.loads(sidecar.read_bytes())["rows"] < rows:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_job_is_noted_before_it_is_handed_in(
    jobs: PaperJobs, start: Any, paper: Any, tmp_path: Path
) -> None:
    """Killed before it heard of its job, the same command hands the same in under the same key."""
    paper.hold_after = 0
    process = start(*LINE)
    paper.wait_for(1)
    (noted,) = json.loads((tmp_path / "out.csv.progress").read_bytes())["jobs"]
    assert (noted["end"], noted["id"]) == (20, None)
    process.kill()
    process.wait(30)
    paper.release()
    assert start(*LINE).wait(30) == 0
    first, second = posts(paper)[:2]
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert first.body == second.body
    assert_whole(jobs, tmp_path)


def test_a_run_begun_anew_is_another(jobs: PaperJobs, prospect: Any, paper: Any) -> None:
    """Its jobs are others; what they ask, the cache has."""
    assert prospect(*LINE).code == 0
    assert prospect(*LINE).code == 0
    keys = [seen.headers["idempotency-key"] for seen in posts(paper)]
    assert len(keys) == len(set(keys)) == 6


def forget_what_is_begun(jobs: PaperJobs, process: Any, folder: Path) -> None:
    """Seven rows of the first job have come as the command dies; then the gateway drops it."""
    jobs.jobs["job_0"].done = 7
    wait_for_rows(folder, 7)
    process.kill()
    process.wait(30)
    del jobs.jobs["job_0"]
    jobs.pace = None


def test_a_job_that_is_not_kept_any_more_is_handed_in_again(
    jobs: PaperJobs, start: Any, paper: Any, tmp_path: Path
) -> None:
    """Only what is missing of it."""
    jobs.pace = 0
    process = start(*LINE)
    paper.wait_for(8)
    forget_what_is_begun(jobs, process, tmp_path)
    again = start(*LINE)
    _, err = again.communicate(timeout=30)
    assert again.returncode == 0
    assert "job_0 is not kept any more" in err
    assert [len(job.items) for job in jobs.jobs.values()] == [20, 10, 13]
    assert_whole(jobs, tmp_path)


@pytest.mark.parametrize("of_each,left", [((), "0"), (("--max-cost", "0.1"), "0.147")])
def test_what_a_job_spent_that_is_not_kept_any_more_counts_as_spent(
    jobs: PaperJobs,
    start: Any,
    paper: Any,
    tmp_path: Path,
    *,
    of_each: tuple[str, ...],
    left: str,
) -> None:
    """Nobody knows how much of the budget that was: all that its rows may have cost."""
    jobs.pace = 0
    line = [*LINE, "--budget", "2", *of_each]
    process = start(*line)
    paper.wait_for(4)
    forget_what_is_begun(jobs, process, tmp_path)
    again = start(*line)
    _, err = again.communicate(timeout=30)
    assert (again.returncode, "what it spent is not known" in err) == (0, True)
    assert jobs.jobs["job_1"].body["max_cost"] == left


def test_how_an_unfinished_run_goes_is_not_changed(
    jobs: PaperJobs, enrich: Any, paper: Any, tmp_path: Path
) -> None:
    paper.always(paper.problem(402, "budget_exhausted"))
    assert enrich("--jobs").code == 3
    done = enrich("--no-jobs")
    assert (done.code, "whose rows go as jobs" in done.err) == (2, True)
    assert enrich("--restart", "--no-jobs").code == 3
    done = enrich("--jobs")
    assert (done.code, "whose rows go one by one" in done.err) == (2, True)


def test_a_full_gateway_is_offered_rows_again(
    jobs: PaperJobs, prospect: Any, paper: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For as long as rows before them are open, however often that is."""
    monkeypatch.setattr("gateway.cli.client.TRIES", 2)
    jobs.pace, refused = 2, list[Any]()

    async def answer(seen: Any) -> Any:
        if seen.method == "POST" and len(jobs.jobs) == 1 and jobs.jobs["job_0"].done < 20:
            refused.append(seen)
            return paper.problem(503, "ledger_unavailable", retry_after=0)
        return await jobs(seen)

    jobs.events = False
    paper.answer = answer
    assert prospect(*LINE).code == 0
    assert len(refused) > 2
    assert_whole(jobs, tmp_path)


def test_a_gateway_that_is_away_without_a_word_is_not_asked_all_the_time(
    jobs: PaperJobs, prospect: Any, paper: Any, tmp_path: Path
) -> None:
    """What stands before it may say 503, and not when to come again."""
    refused = list[float]()

    async def answer(seen: Any) -> Any:
        if seen.method == "POST" and len(jobs.jobs) == 1 and len(refused) < 3:
            refused.append(time.monotonic())
            if len(refused) == 3:
                jobs.pace = None
            return paper.problem(503, "unavailable")
        return await jobs(seen)

    jobs.events, jobs.pace, paper.answer = False, 0, answer
    assert prospect(*LINE).code == 0
    assert_whole(jobs, tmp_path)
    assert refused[2] - refused[0] >= 0.8
