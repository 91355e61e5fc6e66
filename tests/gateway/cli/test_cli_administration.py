"""Administration: each command is the request of the contract, shown as table or JSON."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

TEAMS = [
    {"id": "team_1", "name": "sales", "budget": {"amount": "100", "period": "month"}},
    {"id": "team_2", "name": "twin", "budget": None},
    {"id": "team_3", "name": "twin", "budget": None},
]


@pytest.fixture
def answering(paper: Any) -> Any:
    """Lists hold TEAMS; anything else comes back as it was sent."""

    async def answer(seen: Any) -> Any:
        if seen.method == "DELETE":
            return paper.told(204, {})
        if seen.method == "GET" and seen.path.startswith(("/v1/admin/routes", "/v1/providers/")):
            return paper.told(200, {"data": {"order": "listed"}, "meta": {}})
        if seen.method == "GET":
            return paper.told(200, {"data": TEAMS, "meta": {"next_cursor": None}})
        return paper.told(200, {"data": seen.body or {"ok": True}, "meta": {}})

    paper.answer = answer
    return paper


ADMIN = "/v1/admin"


@pytest.mark.parametrize(
    "line,method,path,body",
    [
        ("teams list", "GET", f"{ADMIN}/teams", None),
        ("teams create sales", "POST", f"{ADMIN}/teams", {"name": "sales"}),
        (
            "teams create x --alert-at 0.8,0.95 --budget 100/month --rate-limit-per-minute 60",
            "POST",
            f"{ADMIN}/teams",
            {
                "name": "x",
                "budget": {"amount": "100", "period": "month", "alert_at": [0.8, 0.95]},
                "rate_limit_per_minute": 60,
            },
        ),
        (
            "teams update sales --budget 9.50/day --budget 100/total --max-concurrency 4",
            "PATCH",
            f"{ADMIN}/teams/team_1",
            {
                "budget": [
                    {"amount": "9.50", "period": "day"},
                    {"amount": "100", "period": "total"},
                ],
                "max_concurrency": 4,
            },
        ),
        ("teams update team_2 --budget none", "PATCH", f"{ADMIN}/teams/team_2", {"budget": None}),
        (
            "teams update sales --value 0.25 --wait-price 0.001",
            "PATCH",
            f"{ADMIN}/teams/team_1",
            {"value": "0.25", "wait_price": "0.001"},
        ),
        ("teams delete sales", "DELETE", f"{ADMIN}/teams/team_1", None),
        ("teams delete team_9/x", "DELETE", f"{ADMIN}/teams/team_9/x", None),
        ("keys list", "GET", f"{ADMIN}/keys", None),
        (
            "keys create --team sales --name crm --scopes lookup,jobs --expires-at 2030-01-01",
            "POST",
            f"{ADMIN}/keys",
            {
                "team_id": "team_1",
                "name": "crm",
                "scopes": ["lookup", "jobs"],
                "expires_at": "2030-01-01",
            },
        ),
        (
            "keys create --name crm --budget 5/day --alert-at 0.5 --max-concurrency 4"
            " --rate-limit-per-minute 60",
            "POST",
            f"{ADMIN}/keys",
            {
                "team_id": "default",
                "name": "crm",
                "scopes": ["lookup"],
                "budget": {"amount": "5", "period": "day", "alert_at": [0.5]},
                "rate_limit_per_minute": 60,
                "max_concurrency": 4,
            },
        ),
        (
            "keys create --name crm",
            "POST",
            f"{ADMIN}/keys",
            {"team_id": "default", "name": "crm", "scopes": ["lookup"]},
        ),
        ("keys update sales --name crm2", "PATCH", f"{ADMIN}/keys/team_1", {"name": "crm2"}),
        ("keys rotate sales", "POST", f"{ADMIN}/keys/team_1/rotate", {}),
        (
            "keys rotate k_1 --grace-seconds 0",
            "POST",
            f"{ADMIN}/keys/k_1/rotate",
            {"grace_seconds": 0},
        ),
        ("keys revoke k_1", "DELETE", f"{ADMIN}/keys/k_1", None),
        ("keys delete k_1", "DELETE", f"{ADMIN}/keys/k_1", None),
        ("suppress create x.example", "POST", f"{ADMIN}/suppressions", {"domain": "x.example"}),
        ("suppress delete sup_1", "DELETE", f"{ADMIN}/suppressions/sup_1", None),
        ("jobs delete job_1", "DELETE", "/v1/jobs/job_1", None),
        (
            "credentials create letrics --token abc",
            "POST",
            f"{ADMIN}/credentials",
            {"provider": "letrics", "name": "main", "secret": {"token": "abc"}},
        ),
        ("credentials list", "GET", f"{ADMIN}/credentials", None),
        (
            "credentials add hunter --name main --api-key abc --disabled --weight 2 "
            "--limit units_month=5000 --limit per_second=0.5 --price emails.find=0.049",
            "POST",
            f"{ADMIN}/credentials",
            {
                "provider": "hunter",
                "name": "main",
                "secret": {"api_key": "abc"},
                "weight": 2,
                "limits": {"units_month": 5000, "per_second": 0.5},
                "prices": {"emails.find": "0.049"},
                "enabled": False,
            },
        ),
        (
            "credentials update sales --exclusive --enabled --teams team_1,team_2",
            "PATCH",
            f"{ADMIN}/credentials/team_1",
            {"team_ids": ["team_1", "team_2"], "exclusive": True, "enabled": True},
        ),
        ("credentials check sales", "POST", f"{ADMIN}/credentials/team_1/check", None),
        ("credentials delete c_1", "DELETE", f"{ADMIN}/credentials/c_1", None),
        ("providers list", "GET", "/v1/providers", None),
        ("providers show hunter", "GET", "/v1/providers/hunter", None),
        ("providers account snov", "GET", "/v1/providers/snov/account", None),
        ("explain job_1.7", "GET", "/v1/explain/job_1.7", None),
        ("routes show emails.find", "GET", f"{ADMIN}/routes/emails.find", None),
        (
            "routes set emails.find --providers snov,hunter --accept valid --max-cost 0.10",
            "PUT",
            f"{ADMIN}/routes/emails.find",
            {
                "providers": ["snov", "hunter"],
                "accept": {"statuses": ["valid"]},
                "max_cost": "0.10",
            },
        ),
    ],
)
def test_a_command_is_a_request(
    answering: Any, prospect: Any, line: str, method: str, path: str, body: Any
) -> None:
    assert prospect(*line.split()).code == 0
    last = answering.seen[-1]
    assert (last.method, last.path, last.body) == (method, path, body)


def test_a_route_of_a_team_is_asked_by_its_id(answering: Any, prospect: Any) -> None:
    prospect("routes", "show", "emails.find", "--team", "sales")
    assert answering.seen[-1].query == "team_id=team_1"


def test_the_lookup_of_a_team_is_explained_by_its_id(answering: Any, prospect: Any) -> None:
    prospect("explain", "req_1", "--team", "sales")
    assert (answering.seen[-1].path, answering.seen[-1].query) == (
        "/v1/explain/req_1",
        "team_id=team_1",
    )


def test_an_account_is_named_by_its_credential(answering: Any, prospect: Any) -> None:
    prospect("providers", "account", "hunter", "--credential", "main")
    assert answering.seen[-1].query == "credential=main"


def test_routes_are_listed_operation_by_operation(answering: Any, prospect: Any) -> None:
    done = prospect("routes", "list")
    assert [row["operation"] for row in done.json["data"]][:2] == ["emails.find", "emails.verify"]
    assert len(done.json["data"]) == 8


def test_an_ambiguous_name_is_refused(answering: Any, prospect: Any) -> None:
    done = prospect("teams", "delete", "twin")
    assert done.code == 2
    assert "team_2, team_3" in done.err
    assert {seen.method for seen in answering.seen} == {"GET"}


@pytest.mark.parametrize(
    "line",
    [
        "teams update sales",
        "teams create x --budget 100",
        "teams create x --budget 100/week",
        "teams create x --alert-at 0.8",
        "teams create x --budget 1/day --alert-at soon",
        "credentials add hunter",
        "credentials add hunter --api-key @missing.txt",
        "credentials add hunter --api-key x --limit many=x",
        "credentials add hunter --api-key x --limit per_day=1 --limit per_day=2",
        "routes set emails.find",
    ],
)
def test_what_cannot_be_meant_is_not_sent(answering: Any, prospect: Any, line: str) -> None:
    assert prospect(*line.split()).code == 2
    assert answering.seen == []


def test_a_secret_is_read_from_a_file(answering: Any, prospect: Any, tmp_path: Path) -> None:
    (tmp_path / "id.txt").write_text("the-id\n")
    (tmp_path / "secret.txt").write_text("the-secret\n")
    prospect(
        "credentials", "add", "snov", "--client-id", "@id.txt", "--client-secret", "@secret.txt"
    )
    secret = {"client_id": "the-id", "client_secret": "the-secret"}
    assert answering.seen[-1].body["secret"] == secret


def test_a_secret_typed_in_is_not_shown(paper: Any, on_terminal: Any) -> None:
    data = {"id": "c_1", "provider": "hunter", "name": "main", "enabled": True}
    paper.always(paper.told(201, {"data": data, "meta": {}}))
    code, shown = on_terminal(
        *["credentials", "add", "hunter", "--api-key", "-"], prompt="api_key:", reply="hush-hush\n"
    )
    assert (code, paper.seen[-1].body["secret"]) == (0, {"api_key": "hush-hush"})
    assert "hush" not in shown
    assert "c_1" in shown


def test_secrets_are_read_from_a_pipe(paper: Any, start: Any) -> None:
    """A line each, without a prompt or a warning; no line is wrong usage."""
    paper.always(paper.told(201, {"data": {"id": "c_1"}, "meta": {}}))
    line = ["credentials", "add", "snov", "--client-id", "-", "--client-secret", "-"]
    process = start(*line, stdin=subprocess.PIPE)
    _, err = process.communicate("the-id\nthe-secret\n", timeout=30)
    secret = {"client_id": "the-id", "client_secret": "the-secret"}
    assert (process.returncode, err, paper.seen[-1].body["secret"]) == (0, "", secret)
    process = start(*line, stdin=subprocess.PIPE)
    _, err = process.communicate("the-id\n", timeout=30)
    assert (process.returncode, len(paper.seen)) == (2, 1)
    assert "the-id" not in err


def test_every_page_is_fetched(paper: Any, prospect: Any) -> None:
    pages = iter([([{"id": "a"}], "next page"), ([{"id": "b"}], None)])

    async def answer(seen: Any) -> Any:
        rows, cursor = next(pages)
        return paper.told(200, {"data": rows, "meta": {"next_cursor": cursor}})

    paper.answer = answer
    assert prospect("teams", "list").json["data"] == [{"id": "a"}, {"id": "b"}]
    assert [seen.query for seen in paper.seen] == ["limit=100", "limit=100&cursor=next+page"]


def test_a_new_key_is_shown_with_a_warning(paper: Any, on_terminal: Any) -> None:
    data = {"id": "k_1", "name": "crm", "key": "pgw_new_key", "budget": None}
    paper.always(paper.told(201, {"data": data, "meta": {}}))
    code, shown = on_terminal("keys", "create", "--name", "crm")
    assert code == 0
    assert "pgw_new_key" in shown
    assert "not shown again" in shown


def test_a_list_is_a_table_on_a_terminal(answering: Any, on_terminal: Any) -> None:
    code, shown = on_terminal("teams", "list")
    assert code == 0
    assert "100/month" in shown
    assert "team_3" in shown
