"""`enrich` against a server: rows in order, bad rows told, refusals resumable."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HEADINGS = "First Name,Last Name,Company Website,Note\n"


def write(path: Path, count: int) -> None:
    rows = (f"Ada{n},Lovelace,harbor-{n}.example,n{n}\n" for n in range(count))
    path.write_text(HEADINGS + "".join(rows))


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def enrich(prospect: Any, tmp_path: Path) -> Callable[..., Any]:
    """`prospect enrich in.csv -o out.csv …`."""

    def call(*arguments: str) -> Any:
        return prospect("enrich", "in.csv", "-o", "out.csv", *arguments)

    return call


def lookups(paper: Any) -> list[Any]:
    return [seen for seen in paper.seen if seen.method == "POST"]


def test_every_row_comes_back_in_order(paper: Any, enrich: Any, tmp_path: Path) -> None:
    write(tmp_path / "in.csv", 40)
    done = enrich("--concurrency", "8", "--tag", "q4", "--max-cost", "0.10")
    assert done.code == 0
    rows = read(tmp_path / "out.csv")
    assert [row["Note"] for row in rows] == [f"n{n}" for n in range(40)]
    assert [row["email"] for row in rows] == [
        f"ada{n}.lovelace@harbor-{n}.example" for n in range(40)
    ]
    assert list(rows[0])[4:] == [
        "email", "status", "confidence", "provider", "cost", "outcome", "error"
    ]  # fmt: skip
    assert rows[0]["cost"] == "0.079"
    assert set(paper.asked("domain").values()) == {1}
    assert paper.seen[0].body["routing"] == {"max_cost": "0.10"}
    assert paper.seen[0].body["tag"] == "q4"
    assert "40 rows: found 100 % (40 accepted, 0 weak), 0 empty, 0 failed" in done.out
    assert "cost 3.16 USD, 0 from the cache" in done.out
    assert not list(tmp_path.glob("out.csv.*"))


def test_the_mapping_is_shown_before_anything_is_sent(
    paper: Any, enrich: Any, tmp_path: Path
) -> None:
    (tmp_path / "in.csv").write_text("Nom,Prénom,Ville\nL,A,Paris\n", encoding="cp1252")
    done = enrich()
    assert (done.code, paper.seen) == (2, [])
    assert "first_name    ← Prénom" in done.err
    assert "not used: Ville" in done.err
    assert "Windows-1252" in done.err
    assert "emails.find needs first_name and last_name (or full_name) with domain" in done.err


def test_a_said_mapping_wins(paper: Any, enrich: Any, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("Who,Where,Email\nAda L,x.example,old@x.example\n")
    done = enrich("--map", "full_name=Who", "--map", "domain=where", "--json")
    assert (done.code, done.json["found_percent"], done.json["cost"]) == (0, 100, "0.079")
    assert paper.bodies()[-1] == {"full_name": "Ada L", "domain": "x.example"}
    (row,) = read(tmp_path / "out.csv")
    assert (row["Email"], row["prospect_email"]) == ("old@x.example", "ada.l@x.example")


def test_bad_rows_are_told_in_the_output_and_not_fatal(
    paper: Any, enrich: Any, tmp_path: Path
) -> None:
    lines = ["A,B,x.example,ok", ",,,empty", "A,B,bad,refused", "A,B,C, Inc.,many", "A"]
    (tmp_path / "in.csv").write_text(HEADINGS + "\n".join(lines))

    async def answer(seen: Any) -> Any:
        if seen.path == "/livez" or seen.body["domain"] == "x.example":
            return await paper.accept(seen)
        errors = [{"pointer": "/domain", "details": "not a domain", "code": "invalid"}]
        return paper.problem(422, "invalid_query", errors=errors)

    async def guard(seen: Any) -> Any:
        if seen.path != "/livez" and "domain" not in seen.body:
            return paper.problem(422, "invalid_query", detail="no domain")
        return await answer(seen)

    paper.answer = guard
    done = enrich()
    assert done.code == 1
    with (tmp_path / "out.csv").open() as file:
        rows = list(csv.reader(file))[1:]
    assert [row[-1 if len(row) == 11 else -2] for row in rows] == [
        "",
        "invalid_query: Not sent: nothing to ask with: first_name, last_name, domain empty",
        "invalid_query: Invalid query; /domain: not a domain",
        "invalid_query: Not sent: the row has 5 cells, the heading 4",
        "invalid_query: Invalid query: no domain",
    ]
    assert rows[3][:4] + rows[3][-1:] == ["A", "B", "C", " Inc.", "many"]
    assert "1 accepted" in done.out
    assert "4 failed" in done.out
    assert len(lookups(paper)) == 3


def test_the_same_command_makes_a_finished_output_anew(
    paper: Any, enrich: Any, tmp_path: Path
) -> None:
    write(tmp_path / "in.csv", 3)
    paper.always(paper.told(200, paper.found({}, email="old@x.example")))
    assert enrich().code == 0
    paper.always(paper.problem(402, "budget_exhausted"))
    assert enrich().code == 3
    assert read(tmp_path / "out.csv")[0]["email"] == "old@x.example"
    paper.answer = paper.accept
    for _ in range(2):
        assert enrich("--concurrency", "1").code == 0
        assert read(tmp_path / "out.csv")[0]["email"] == "ada0.lovelace@harbor-0.example"


@pytest.mark.parametrize(
    "change,arguments,why",
    [
        ("in.csv", (), "the input file has changed"),
        ("", ("--kind", "personal"), "other options: kind"),
        ("", ("--map", "company=Note"), "other options: columns"),
        ("out.csv", (), "changed since it was written"),
        (".out.csv.enriched", (), "not known to come from this command"),
    ],
)
def test_an_output_of_another_run_is_not_overwritten_unasked(
    paper: Any, enrich: Any, tmp_path: Path, *, change: str, arguments: tuple[str, ...], why: str
) -> None:
    write(tmp_path / "in.csv", 3)
    assert enrich().code == 0
    if change:
        with (tmp_path / change).open("a") as file:
            file.write("Eve,Else,mine.example,more\n")
    before = (tmp_path / "out.csv").read_bytes()
    done = enrich(*arguments)
    assert done.code == 2
    assert why in done.err
    assert "--force" in done.err
    assert (before, len(lookups(paper))) == ((tmp_path / "out.csv").read_bytes(), 3)
    assert enrich("--force", *arguments).code == 0
    assert enrich(*arguments).code == 0


def test_a_file_of_somebody_else_is_not_overwritten_unasked(
    paper: Any, enrich: Any, tmp_path: Path
) -> None:
    write(tmp_path / "in.csv", 1)
    (tmp_path / "out.csv").write_text("mine")
    assert enrich().code == 2
    assert ((tmp_path / "out.csv").read_text(), paper.seen) == ("mine", [])


def test_one_row_is_one_row(enrich: Any, tmp_path: Path) -> None:
    write(tmp_path / "in.csv", 1)
    done = enrich()
    assert "in.csv: 1 row, delimiter ," in done.err
    assert done.out.startswith("1 row: found 100 %")


def test_a_budget_that_ends_stops_the_run_resumably(
    paper: Any, enrich: Any, tmp_path: Path
) -> None:
    """Rows answered behind the refused one are kept; nothing is asked again but that one."""
    write(tmp_path / "in.csv", 30)
    poor = True

    async def answer(seen: Any) -> Any:
        if poor and seen.path != "/livez" and seen.body["first_name"] == "Ada10":
            return paper.problem(402, "budget_exhausted", detail="team sales: 10.00 of 10.00 USD")
        return await paper.accept(seen)

    paper.answer = answer
    done = enrich("--concurrency", "4")
    assert done.code == 3
    assert "Budget exhausted: team sales: 10.00 of 10.00 USD" in done.err
    assert "of 30 rows are answered" in done.err
    assert "the same command goes on" in done.err
    assert not (tmp_path / "out.csv").exists()
    assert len(lookups(paper)) < 30
    poor = False
    done = enrich("--concurrency", "2")
    assert done.code == 0
    assert "Resuming at row 11 of 30." in done.err
    assert paper.asked("first_name").pop("Ada10") == 2
    assert sum(paper.asked("first_name").values()) == 31
    assert [row["Note"] for row in read(tmp_path / "out.csv")] == [f"n{n}" for n in range(30)]
    assert "cost 2.37 USD for the rows as answered here, " in done.out
    assert "a killed run" in done.err


def test_another_run_does_not_go_on_with_this_one(paper: Any, enrich: Any, tmp_path: Path) -> None:
    write(tmp_path / "in.csv", 3)
    paper.always(paper.problem(401, "unauthenticated"))
    assert enrich().code == 3
    done = enrich("--max-cost", "1")
    assert done.code == 2
    assert "other options: routing" in done.err
    write(tmp_path / "in.csv", 4)
    done = enrich()
    assert "the input file has changed" in done.err
    paper.answer = paper.accept
    assert enrich("--restart").code == 0
    assert len(read(tmp_path / "out.csv")) == 4


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_gateway_is_asked_again(
    paper: Any, enrich: Any, tmp_path: Path, status: int
) -> None:
    write(tmp_path / "in.csv", 2)
    refusals = iter([True, True])

    async def answer(seen: Any) -> Any:
        if seen.path != "/livez" and next(refusals, False):
            return paper.problem(status, "rate_limited", retry_after=0)
        return await paper.accept(seen)

    paper.answer = answer
    done = enrich("--concurrency", "1")
    assert done.code == 0
    assert "Rate limited: waiting 0 s" in done.err
    assert len(lookups(paper)) == 4


def test_asking_again_has_an_end(paper: Any, enrich: Any, tmp_path: Path) -> None:
    write(tmp_path / "in.csv", 1)
    paper.always(paper.problem(429, "rate_limited", retry_after=0))
    assert enrich().code == 1
    assert len(lookups(paper)) == 6
    (row,) = read(tmp_path / "out.csv")
    assert row["error"] == "rate_limited: Rate limited"


def test_without_any_provider_the_run_stops(paper: Any, enrich: Any, tmp_path: Path) -> None:
    write(tmp_path / "in.csv", 50)
    paper.always(paper.problem(503, "no_provider_configured"))
    assert enrich("--concurrency", "1").code == 1
    assert len(lookups(paper)) == 1
    assert (tmp_path / "out.csv.progress").exists()


def test_a_row_that_takes_long_is_followed_as_a_job(
    paper: Any, enrich: Any, tmp_path: Path
) -> None:
    write(tmp_path / "in.csv", 3)

    async def answer(seen: Any) -> Any:
        if seen.method == "POST" and seen.body["first_name"] == "Ada1":
            return paper.told(202, {"data": {"id": "job_1", "status": "queued"}, "meta": {}})
        if seen.path == "/v1/jobs/job_1":
            result = paper.found({"full_name": "late", "domain": "x.example"})
            job = {"id": "job_1", "status": "completed", "result": result}
            return paper.told(200, {"data": job, "meta": {}})
        return await paper.accept(seen)

    paper.answer = answer
    assert enrich().code == 0
    assert [row["email"] for row in read(tmp_path / "out.csv")][1] == "late@x.example"


def test_an_absent_gateway_is_unreachable_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from gateway.cli.program import run

    write(tmp_path / "in.csv", 3)
    url = "http://127.0.0.1:9"
    assert run(["--url", url, "enrich", "in.csv", "-o", "out.csv", "--key", "k" * 30]) == 4
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]
    assert "no gateway answers" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ("enrich", "in.csv", "-o", "in.csv"),
        ("enrich", "in.csv", "-o", "nowhere/out.csv"),
        ("enrich", "missing.csv", "-o", "out.csv"),
        ("enrich", "in.csv"),
        ("enrich", "in.csv", "-o", "out.csv", "--operation", "domains.search"),
        ("enrich", "in.csv", "-o", "out.csv", "--operation", "emails.verify"),
        ("enrich", "in.csv", "-o", "out.csv", "--want", "phone"),
        (
            *[
                "enrich",
                "in.csv",
                "-o",
                "out.csv",
                "--operation",
                "companies.enrich",
                "--kind",
                "personal",
            ],
        ),
    ],
)
def test_wrong_usage_sends_nothing(
    paper: Any, prospect: Any, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    write(tmp_path / "in.csv", 1)
    assert prospect(*arguments).code == 2
    assert paper.seen == []


def test_a_file_without_rows_becomes_one(enrich: Any, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(HEADINGS.encode("utf-8-sig").replace(b"\n", b"\r\n"))
    assert enrich().code == 0
    content = (tmp_path / "out.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbfFirst Name,Last Name,")
    assert content.endswith(b",error\r\n")


def test_formulas_from_a_provider_are_defused(paper: Any, enrich: Any, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("LinkedIn,Mine\nin/ada,=1+1\n")
    paper.always(paper.told(200, paper.found({}, email="=cmd()")))
    assert enrich().code == 0
    (row,) = read(tmp_path / "out.csv")
    assert (row["Mine"], row["email"]) == ("=1+1", "'=cmd()")


def test_phones_and_numbers_from_a_provider_are_left_as_they_are(
    paper: Any, enrich: Any, tmp_path: Path
) -> None:
    (tmp_path / "in.csv").write_text("LinkedIn\nin/ada\n")
    changes = {"email": "+4915112345678", "status": "-12.5", "confidence": "-1+cmd()"}
    paper.always(paper.told(200, paper.found({}, **changes)))
    assert enrich().code == 0
    (row,) = read(tmp_path / "out.csv")
    assert (row["email"], row["status"]) == ("+4915112345678", "-12.5")
    assert row["confidence"] == "'-1+cmd()"


def test_a_refusal_of_the_whole_body_is_told_once(
    paper: Any, enrich: Any, prospect: Any, tmp_path: Path
) -> None:
    """The detail of the gateway names the body, `errors[]` then only repeats it."""
    write(tmp_path / "in.csv", 1)
    errors = [{"details": "give a domain; or a company", "pointer": "", "code": "invalid_query"}]
    detail = "the body: give a domain; or a company"
    paper.always(paper.problem(422, "invalid_query", detail=detail, errors=errors))
    assert enrich().code == 1
    (row,) = read(tmp_path / "out.csv")
    assert row["error"] == f"invalid_query: Invalid query: {detail}"
    assert prospect("find", "Ada Lovelace", "x.example").err.count("give a domain") == 1


def test_other_operations_append_their_own_columns(
    paper: Any, prospect: Any, tmp_path: Path
) -> None:
    (tmp_path / "in.csv").write_text("Name;Website\nBlue;blue.example\n")
    data = {"name": "Blue Harbor", "domain": "blue.example", "headcount": 12, "location": None}
    paper.always(paper.told(200, {"data": data, "meta": {"outcome": "accepted", "cost": "0.01"}}))
    line = "enrich in.csv -o out.csv --operation companies.enrich --want phone,industry"
    assert prospect(*line.split()).code == 0
    assert lookups(paper)[0].path == "/v1/companies/enrich"
    wanted = {"domain": "blue.example", "company": "Blue", "want": ["phone", "industry"]}
    assert lookups(paper)[0].body == wanted
    (row,) = csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text()), delimiter=";")
    assert (row["Name"], row["prospect_name"], row["headcount"]) == ("Blue", "Blue Harbor", "12")


def test_a_person_is_asked_before_it_starts(paper: Any, on_terminal: Any, tmp_path: Path) -> None:
    write(tmp_path / "in.csv", 5)
    line = ["enrich", "in.csv", "-o", "out.csv"]
    code, shown = on_terminal(*line, prompt="Start?", reply="n\n")
    assert code == 130
    assert "first_name" in shown
    assert paper.seen == []
    code, shown = on_terminal(*line, prompt="Start?", reply="y\n")
    assert (code, len(lookups(paper))) == (0, 5)
    assert "5/5 rows" in shown
    assert "Resuming" not in shown
