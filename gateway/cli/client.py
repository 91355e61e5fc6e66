"""The gateway's HTTP interface as the commands use it: one exchange, a page chain, a job."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any
from urllib.parse import quote, urlsplit

from gateway.cli.failure import FAILED, Failure, Unreachable, dicts, to_failure

# httpx imports its own command line, with rich and pygments, if it can: half of a lookup's start.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

import httpx  # noqa: E402

DEFAULT_WAIT = 20
MARGIN = 40
"""Seconds beyond the wait after which a silent gateway counts as gone."""
FINISHED = {"completed", "cancelled", "failed"}
FIRST_POLL, LAST_POLL = 0.2, 2.0
BUSY = {409, 429, 503}
"""Where they say when to come again; 409: the same request is still under way."""
TRIES = 6
FIRST_BACKOFF = 0.5
LONGEST_PAUSE = 60.0

Pause = Callable[[float, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the gateway; `body` is `{}` when there was none."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def retry_after(self) -> float | None:
        """Seconds, when the gateway named them."""
        text = self.headers.get("retry-after", "")
        return min(float(text), LONGEST_PAUSE) if text.isdecimal() else None


class Gateway:
    """Connections to one gateway; every error it raises is a `Failure` without the key."""

    def __init__(
        self,
        url: str,
        key: str | None,
        *,
        hint: str = "",
        wait: int | None = None,
        connections: int = 1,
    ) -> None:
        self.url, self.hint, self.wait = url, hint, wait
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(
                (DEFAULT_WAIT if wait is None else wait) + MARGIN, connect=10, pool=None
            ),
            limits=httpx.Limits(
                max_connections=connections, max_keepalive_connections=connections
            ),
            trust_env=not is_loopback(url),
            verify=url.startswith("https:"),  # plain HTTP needs no certificates: 80 ms to load
        )

    async def __aenter__(self) -> Gateway:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def send(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One exchange, whatever its status; raises `Unreachable`."""
        request = self._http.build_request(
            method, self.url + path, json=body, params=params, headers=headers
        )
        return self._to_reply(await self._exchange(request))

    async def greet(self) -> None:
        """Raises `Unreachable` at once where a lookup would first try again."""
        await self._exchange(self._http.build_request("GET", self.url + "/livez"))

    async def receive(
        self, path: str, *, accept: str, params: Mapping[str, str] | None = None
    ) -> AsyncGenerator[bytes, None]:
        """A reply as it comes; raises a `Failure` if it is refused, or breaks off."""
        request = self._http.build_request(
            "GET", self.url + path, params=params, headers={"accept": accept}
        )
        with self._explained():
            reply = await self._http.send(request, stream=True)
            try:
                if not reply.headers.get("content-type", "").startswith(accept):
                    await reply.aread()
                    self.expect(self._to_reply(reply))
                    raise Unreachable(f"what answers at {self.url} cannot send {accept}")
                async for chunk in reply.aiter_bytes():
                    yield chunk
            finally:
                await reply.aclose()

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        with self._explained():
            return await self._http.send(request)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except httpx.TimeoutException:
            raise Unreachable(f"the gateway at {self.url} did not answer in time") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise Unreachable(
                f"no gateway answers at {self.url} ({type(error).__name__}); "
                "is `prospect serve` running? --url / PROSPECT_URL say where"
            ) from None

    def _to_reply(self, reply: httpx.Response) -> Reply:
        try:
            body = json.loads(reply.content) if reply.content else {}
        except ValueError:
            body = None
        if not isinstance(body, dict) or reply.is_redirect:
            raise Unreachable(
                f"what answers at {self.url} is not the gateway (HTTP {reply.status_code})"
            )
        return Reply(reply.status_code, body, reply.headers)

    async def ask(self, method: str, path: str, **parts: Any) -> Reply:
        """One exchange that has to succeed."""
        return self.expect(await self.send(method, path, **parts))

    def expect(self, reply: Reply) -> Reply:
        """The reply if it is a success, else the `Failure` it stands for."""
        if reply.ok:
            return reply
        raise self.to_failure(reply)

    def to_failure(self, reply: Reply) -> Failure:
        return to_failure(reply.status, reply.body, self.hint if reply.status == 401 else "")

    async def list(self, path: str, params: Mapping[str, str] | None = None) -> Reply:
        """Every page of a list as one reply."""
        rows: list[Mapping[str, Any]] = []
        query = {"limit": "100", **(params or {})}
        while True:
            reply = await self.ask("GET", path, params=query)
            rows += dicts(reply.body.get("data"))
            meta = reply.body.get("meta") or {}
            if not meta.get("next_cursor"):
                return Reply(reply.status, {"data": rows, "meta": meta}, reply.headers)
            query["cursor"] = meta["next_cursor"]

    async def look_up(
        self, path: str, body: object, *, pause: Pause, pending: Callable[[str], None]
    ) -> Reply:
        """One lookup; when it becomes a job (202), that job's result once it is finished."""
        headers = {} if self.wait is None else {"Prefer": f"wait={self.wait}"}
        reply = await self.send("POST", path, body=body, headers=headers)
        if reply.status != 202:
            return reply
        job = to_job_path(reply)
        pending(job)
        return await self._follow(job, pause)

    async def _follow(self, path: str, pause: Pause) -> Reply:
        delay = FIRST_POLL
        while True:
            reply = await self.ask_patiently(lambda: self.send("GET", path), pause)
            job = self.expect(reply).body.get("data") or {}
            if job.get("status") in FINISHED:
                return to_result(job)
            await pause(reply.retry_after or delay, "")
            delay = min(delay * 1.5, LAST_POLL)

    async def ask_patiently(self, ask: Callable[[], Awaitable[Reply]], pause: Pause) -> Reply:
        """Ask again, a bounded number of times, while the gateway is busy or away."""
        for again in range(1, TRIES):
            try:
                reply = await ask()
            except Unreachable as failure:
                await pause(min(FIRST_BACKOFF * 2**again, 10.0), failure.message)
                continue
            if reply.status not in BUSY or reply.retry_after is None:
                return reply
            await pause(reply.retry_after, str(reply.body.get("title") or "the gateway is busy"))
        return await ask()


async def pause_quietly(seconds: float, _why: str) -> None:
    await asyncio.sleep(seconds)


def to_job_path(reply: Reply) -> str:
    """Never the whole `Location`: the key goes to no other host."""
    job = (reply.body.get("data") or {}).get("id")
    if job:
        return f"/v1/jobs/{quote(str(job), safe='')}"
    path = urlsplit(reply.headers.get("location", "")).path
    if not path.startswith("/"):
        raise Failure("the gateway answered 202 without naming a job", FAILED)
    return path


def to_result(job: Mapping[str, Any]) -> Reply:
    """A finished one-lookup job as the reply that the synchronous call would have had."""
    result = job.get("result")
    if isinstance(result, dict) and "data" in result:
        return Reply(200, result)
    if isinstance(result, dict) and isinstance(result.get("status"), int):
        return Reply(result["status"], result)
    status = job.get("status")
    return Reply(502, {"title": f"Lookup {status}", "code": f"job_{status}", "status": 502})


def is_loopback(url: str) -> bool:
    """A proxy from the environment cannot reach our own loopback."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
