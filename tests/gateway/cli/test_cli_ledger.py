"""`prospect usage` and `prospect ledger`: requests of the contract; `verify` beside gateways."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from gateway.cli.program import run
from gateway.money.journal import FOLDER
from gateway.store.connection import Store
from tests.gateway.conftest import GatewayFactory

TEAMS = [{"id": "team_1", "name": "sales"}]


@pytest.mark.parametrize(
    "line, path, query",
    [
        ("usage --group-by day,tag", "/v1/usage", {"group_by": "day,tag"}),
        ("usage --from 2026-11-01 --tag x", "/v1/usage", {"from": "2026-11-01", "tag": "x"}),
        (
            "ledger summary --team sales --group-by provider --to 2026-11-30",
            "/v1/admin/ledger/summary",
            {"team": "team_1", "group_by": "provider", "to": "2026-11-30"},
        ),
        (
            "ledger list --team sales --state in_doubt --provider snov --operation emails.find",
            "/v1/admin/ledger",
            {
                "team": "team_1",
                "state": "in_doubt",
                "provider": "snov",
                "operation": "emails.find",
                "limit": "100",
            },
        ),
        (
            "ledger list --key-id k1 --credential c1",
            "/v1/admin/ledger",
            {"key": "k1", "credential": "c1", "limit": "100"},
        ),
    ],
)
def test_a_question_to_the_ledger_is_a_request(
    paper: Any, prospect: Any, line: str, path: str, query: Mapping[str, str]
) -> None:
    async def answer(seen: Any) -> Any:
        rows = TEAMS if seen.path == "/v1/admin/teams" else []
        return paper.told(200, {"data": rows, "meta": {"next_cursor": None}})

    paper.answer = answer
    assert prospect(*line.split()).code == 0
    last = paper.seen[-1]
    assert (last.method, last.path) == ("GET", path)
    assert parse_qs(last.query) == {name: [value] for name, value in query.items()}


@pytest.mark.parametrize(
    "line, path, body",
    [
        ("ledger reconcile", "/v1/admin/reconcile", {"accept": False}),
        ("ledger reconcile --accept", "/v1/admin/reconcile", {"accept": True}),
        (
            "ledger resolve res_1 --state posted --units 1.5 --note invoice",
            "/v1/admin/ledger/res_1/resolve",
            {"state": "posted", "units": 1.5, "note": "invoice"},
        ),
        (
            "ledger resolve a/b --state voided --note gone",
            "/v1/admin/ledger/a/b/resolve",
            {"state": "voided", "note": "gone"},
        ),
    ],
)
def test_a_word_to_the_ledger_is_a_request(
    paper: Any, prospect: Any, line: str, path: str, body: Mapping[str, Any]
) -> None:
    paper.always(paper.told(200, {"data": {"id": "res_1"}, "meta": {}}))
    assert prospect(*line.split()).code == 0
    last = paper.seen[-1]
    assert (last.method, last.path, last.body) == ("POST", path, body)


@pytest.mark.parametrize(
    "line", ["--state posted", "--note x", "--state lost --note x", "--state posted --units a"]
)
def test_a_word_that_is_not_whole_is_a_mistake(prospect: Any, line: str) -> None:
    assert prospect("ledger", "resolve", "res_1", *line.split()).code == 2


def test_a_state_that_does_not_exist_is_a_mistake(prospect: Any) -> None:
    assert prospect("ledger", "list", "--state", "lost").code == 2


async def verify(*folders: Path, **environ: str) -> tuple[int, str]:
    """Exit code and output; in a thread, as the command has an event loop of its own."""

    def work() -> tuple[int, str]:
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(io.StringIO()):
            for name, value in environ.items():
                patch.setenv(name, value)
            with contextlib.redirect_stdout(io.StringIO()) as out:
                code = run(["ledger", "verify", *map(str, folders)])
        return code, out.getvalue()

    return await asyncio.to_thread(work)


def journals_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jsonl"))


async def test_two_gateways_are_verified_together(
    start_gateway: GatewayFactory, store: Store, store_url: str, tmp_path: Path
) -> None:
    """While they serve; each journal alone is not the whole ledger, a changed store is found."""
    folders = [tmp_path / "one", tmp_path / "two"]
    gateways = [await start_gateway(data_dir=folder) for folder in folders]
    for at in range(6):
        body = {"full_name": f"Ada Number{at}", "domain": "blue-harbor.example"}
        reply = await gateways[at % 2].post("/v1/emails/find", body)
        assert reply.status_code == 200
    environ = {"GATEWAY_STORE_URL": store_url, "GATEWAY_DATA_DIR": str(folders[0])}
    code, out = await verify(*folders, **environ)
    assert code == 0, out
    assert "2 journals" in out
    assert "ledger: " in out
    assert out.endswith("0 differences, 0 unconfirmed\nequal\n")
    text = "".join(path.read_text() for each in folders for path in journals_in(each / FOLDER))
    assert "Ada" not in text
    assert "harbor" not in text
    assert (await verify(folders[1], **environ))[0] == 1
    rid = (await store.call("ZRANGE", "{pgw}:live:ledger", 0, 0))[0].decode()
    await store.call("HSET", f"{{pgw}}:live:entry:{rid}", "worst_cost", 1)
    code, out = await verify(*folders, **environ)
    assert (code, rid in out) == (1, True)


async def test_verify_says_what_it_lacks(tmp_path: Path) -> None:
    environ = {"GATEWAY_DATA_DIR": str(tmp_path)}
    assert (await verify(tmp_path, **environ))[0] == 2
    (tmp_path / FOLDER).mkdir()
    head = '{"op":"opened","n":1,"t":1,"process":"p","root":"{pgw}:live:"}\n'
    (tmp_path / FOLDER / "1.jsonl").write_text(head)
    code, out = await verify(**environ)
    assert (code, out) == (0, "1 journals, 1 lines\nequal\n")
    away = {**environ, "GATEWAY_STORE_URL": "redis://127.0.0.1:1/0"}
    assert (await verify(**away))[0] == 4
    (tmp_path / FOLDER / "1.jsonl").write_text(head * 2)
    assert (await verify(**environ))[0] == 1
