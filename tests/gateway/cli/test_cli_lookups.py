"""`find`, `verify`, `company`, `person`: what is sent, and what is shown to whom."""

from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.mark.parametrize(
    "arguments,path,body",
    [
        (
            ("find", "Ada Lovelace", "blue-harbor.example"),
            "/v1/emails/find",
            {"full_name": "Ada Lovelace", "domain": "blue-harbor.example"},
        ),
        (
            ("find", "Ada Lovelace", "Blue Harbor Inc. "),
            "/v1/emails/find",
            {"full_name": "Ada Lovelace", "company": "Blue Harbor Inc. "},
        ),
        (
            ("find", "https://www.linkedin.com/in/ada", "--kind", "personal"),
            "/v1/emails/find",
            {"linkedin_url": "https://www.linkedin.com/in/ada", "kind": "personal"},
        ),
        (
            ("find", "--first-name", "Ada", "--last-name", "L", "--company", "Blue Harbor"),
            "/v1/emails/find",
            {"first_name": "Ada", "last_name": "L", "company": "Blue Harbor"},
        ),
        (("verify", "a@b.example"), "/v1/emails/verify", {"email": "a@b.example"}),
        (("company", "b.example"), "/v1/companies/enrich", {"domain": "b.example"}),
        (
            ("person", "a@b.example", "--want", "job_title,phone"),
            "/v1/people/enrich",
            {"email": "a@b.example", "want": ["job_title", "phone"]},
        ),
        (("company", "Blue Harbor"), "/v1/companies/enrich", {"company": "Blue Harbor"}),
        (("person", "a@b.example"), "/v1/people/enrich", {"email": "a@b.example"}),
        (
            ("person", "linkedin.com/in/ada"),
            "/v1/people/enrich",
            {"linkedin_url": "linkedin.com/in/ada"},
        ),
    ],
)
def test_arguments_become_the_query(
    paper: Any, prospect: Any, arguments: tuple[str, ...], path: str, body: dict[str, str]
) -> None:
    assert prospect(*arguments).code == 0
    (seen,) = paper.seen
    assert (seen.method, seen.path, seen.body) == ("POST", path, body)


def test_routing_options_become_routing(paper: Any, prospect: Any) -> None:
    options = (
        "--providers snov,hunter --order cheapest --accept valid,catch_all --verify uncertain"
    )
    more = "--min-confidence 80 --max-cost 0.10 --max-age 0 --timeout 2.5 --wait 7 --tag q4"
    arguments = [*options.split(), *more.split(), "--max-bounce", "0.02"]
    prospect("verify", "a@b.example", *arguments)
    (seen,) = paper.seen
    assert seen.body == {
        "email": "a@b.example",
        "tag": "q4",
        "routing": {
            "providers": ["snov", "hunter"],
            "order": "cheapest",
            "accept": {
                "statuses": ["valid", "catch_all"],
                "min_confidence": 80,
                "max_bounce": 0.02,
            },
            "verify": "uncertain",
            "max_cost": "0.10",
            "max_age": 0,
            "timeout": 2.5,
        },
    }
    assert seen.headers["prefer"] == "wait=7"


def test_the_key_travels_in_a_header_only(paper: Any, prospect: Any) -> None:
    done = prospect("verify", "a@b.example")
    (seen,) = paper.seen
    assert seen.headers["authorization"].startswith("Bearer pgw_test_")
    assert "pgw_test_" not in seen.query + seen.path + done.out + done.err


def test_a_pipe_gets_the_reply_as_json(prospect: Any) -> None:
    done = prospect("find", "Ada Lovelace", "blue-harbor.example")
    assert done.json["data"]["email"] == "ada.lovelace@blue-harbor.example"
    assert done.json["meta"]["cost"] == "0.079"
    assert done.err == ""


def test_a_terminal_gets_answer_cost_and_attempts(on_terminal: Any) -> None:
    code, shown = on_terminal("find", "Ada Lovelace", "blue-harbor.example")
    assert code == 0
    assert "ada.lovelace@blue-harbor.example" in shown
    assert "accepted · by hunter · cost 0.079 USD · 412 ms" in shown
    assert "snov" in shown
    assert "0.049" in shown
    assert '"data"' not in shown


def test_json_can_be_had_on_a_terminal(on_terminal: Any) -> None:
    assert '"data"' in on_terminal("verify", "a@b.example", "--json")[1]


def test_a_provider_cannot_steer_the_terminal(paper: Any, on_terminal: Any) -> None:
    paper.always(paper.told(200, paper.found({}, email="\x1b[2Jgone[bold]@x.example")))
    _, shown = on_terminal("find", "Ada", "x.example")
    assert "\x1b[2J" not in shown
    assert "[bold]" in shown


def test_nor_can_it_where_json_is_shown_on_one(paper: Any, on_terminal: Any) -> None:
    """U+009B begins a command as ESC [ does; the text is the same to whoever reads JSON."""
    name = "Ada \x9b2J\x7f\u202e\U000e0001é\U0001f600"
    paper.always(paper.told(200, paper.found({}, email="a@x.example", full_name=name)))
    _, shown = on_terminal("find", "Ada", "x.example", "--json")
    body = shown[shown.index("{") : shown.rindex("}") + 1]
    assert not [one for one in body if not one.isprintable() and one not in "\r\n"]
    assert "é\U0001f600" in body
    assert json.loads(body)["data"]["full_name"] == name


def test_nothing_found_is_a_success(paper: Any, on_terminal: Any) -> None:
    meta = {"outcome": "empty", "complete": False, "cost": "0.03", "attempts": []}
    paper.always(paper.told(200, {"data": None, "meta": meta}))
    code, shown = on_terminal("find", "Ada", "x.example")
    assert code == 0
    assert "Nothing found." in shown
    assert "incomplete" in shown


def test_a_slow_lookup_is_followed_as_a_job(paper: Any, prospect: Any) -> None:
    """A 202 names a job; its `result` is shown as if the call had waited."""
    states = iter(["queued", "running", "completed"])

    async def answer(seen: Any) -> Any:
        if seen.method == "POST":
            job = {"id": "job_1", "status": "queued"}
            headers = {"location": "http://elsewhere.example/v1/jobs/job_1"}
            return paper.told(202, {"data": job, "meta": {}}, headers)
        job = {"id": "job_1", "status": next(states)}
        if job["status"] == "completed":
            job["result"] = paper.found({"full_name": "Ada", "domain": "x.example"})
        return paper.told(200, {"data": job, "meta": {}})

    paper.answer = answer
    done = prospect("find", "Ada", "x.example", "--wait", "0")
    assert (done.code, done.json["data"]["email"]) == (0, "ada@x.example")
    assert [seen.path for seen in paper.seen] == ["/v1/emails/find"] + ["/v1/jobs/job_1"] * 3


@pytest.mark.parametrize(
    "job,code,text",
    [
        ({"status": "cancelled"}, 1, "Lookup cancelled"),
        (
            {"status": "failed", "result": {"status": 402, "title": "Budget exhausted"}},
            3,
            "Budget exhausted",
        ),
    ],
)
def test_a_job_without_an_answer_fails_like_the_call(
    paper: Any, prospect: Any, job: dict[str, Any], code: int, text: str
) -> None:
    async def answer(seen: Any) -> Any:
        status = 202 if seen.method == "POST" else 200
        return paper.told(status, {"data": {"id": "job_1", **job}, "meta": {}})

    paper.answer = answer
    done = prospect("find", "Ada", "x.example")
    assert done.code == code
    assert text in done.err
