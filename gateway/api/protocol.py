"""Uvicorn's HTTP protocol, whose own refusals are problem+json too, and which has a clock."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.api.edge import new_request_id
from gateway.api.problems import MEDIA_TYPE, Problem
from gateway.api.room import Room

# From the connection, or from the first byte of a later request, to the end of a request's head.
HEAD_SECONDS = 10.0
# Of a head, and of what comes between and behind the parts of a body: nobody needs more.
LONGEST_HEAD = 320 * 1024
# A caller who reads nothing for so long is gone.
READ_SECONDS = 60.0
# At the end of this process: until the first request of who has come, and until a later one that
# is on its way already.
FIRST_SECONDS = 1.0
LAST_SECONDS = 0.05
SOON = 1


class ProblemProtocol(HttpToolsProtocol):
    """For what never becomes a request: an unknown method, too long a line, no HTTP at all.

    A request's scope has its target as it was sent, and no header that came behind its body.
    """

    def __init__(self, *args: Any, room: Room | None = None, **named: Any) -> None:
        super().__init__(*args, **named)
        self._room = Room() if room is None else room
        self._entered = False
        self._in_head = False
        self._is_last = False
        self._clock: asyncio.TimerHandle | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._unread = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._entered = self._room.enter(self)
        if self._entered:
            self._start_clock()
        else:
            detail = "The gateway has as many callers as it can have."
            self._refuse(Problem("rate_limited", detail, retry_after=SOON))

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_clock()
        self._stop_patience()
        if self._entered:
            self._entered = False
            self._room.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # Between two requests: the next one, or the rest of one that was answered before its end.
        if self._clock is None and not self._is_serving:
            self._start_clock()
        self._unread += len(data)
        super().data_received(data)
        if self._unread > LONGEST_HEAD and not self.transport.is_closing():
            self._overrun()

    def on_body(self, body: bytes) -> None:
        self._unread = 0
        super().on_body(body)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._patience = self.loop.call_later(READ_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_patience()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        self._in_head, self._unread = False, 0
        self._stop_clock()
        self._room.work(self)
        super().on_headers_complete()
        self.cycle.scope["target"] = bytes(self.url)  # type: ignore[typeddict-unknown-key]
        self.headers = []
        self.cycle.keep_alive = self.cycle.keep_alive and not self._is_last
        if self.parser.get_http_version() == "1.0":
            self.cycle.waiting_for_100_continue = False
            self.cycle.send = _without_chunks(self.cycle)  # type: ignore[method-assign, assignment]

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._entered and not self._is_serving:
            self._room.rest(self)

    def shutdown(self) -> None:
        """What is asked is answered, and so is what may be on its way; then hang up."""
        if self._is_serving or self.transport.is_closing():
            super().shutdown()
            return
        self._is_last = True
        self._stop_clock()
        seconds = LAST_SECONDS if self.cycle and not self._in_head else FIRST_SECONDS
        self._clock = self.loop.call_later(seconds, self.transport.close)

    def send_400_response(self, msg: str) -> None:
        detail = "This is not HTTP as it is understood here."
        self._refuse(Problem("malformed_request", detail))

    @property
    def _is_serving(self) -> bool:
        # Until the first request there is no cycle, whatever its type says.
        return bool(self.cycle) and not self.cycle.response_complete

    def _start_clock(self) -> None:
        self._clock = self.loop.call_later(HEAD_SECONDS, self._run_out)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _stop_patience(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _overrun(self) -> None:
        if self._in_head and not self._is_serving:
            detail = f"The request's head is longer than {LONGEST_HEAD} bytes."
            self._refuse(Problem("malformed_request", detail))
        else:
            self.transport.abort()

    def _run_out(self) -> None:
        self._clock = None
        if self._in_head and not self.transport.is_closing():
            detail = f"The request's head took longer than {HEAD_SECONDS:g} s."
            self._refuse(Problem("malformed_request", detail))
        else:
            self.transport.close()

    def _refuse(self, problem: Problem) -> None:
        """Answer what is no request, and hang up."""
        request_id = new_request_id()
        body = problem.body(request_id)
        headers = {
            "content-type": MEDIA_TYPE,
            "content-length": str(len(body)),
            "x-request-id": request_id,
            **problem.headers,
            "connection": "close",
        }
        lines = [f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        self.transport.close()


def _without_chunks(cycle: RequestResponseCycle) -> Callable[[Any], Coroutine[Any, Any, None]]:
    """HTTP/1.0 knows no chunks: a reply that does not say its length ends with its connection."""
    send, endless = cycle.send, False

    async def send_plainly(message: Any) -> None:
        nonlocal endless
        if message["type"] == "http.response.start":
            endless = all(name.lower() != b"content-length" for name, _ in message["headers"])
            if endless:
                cycle.chunked_encoding, cycle.expected_content_length = False, sys.maxsize
        elif endless and not message.get("more_body", False):
            cycle.expected_content_length = len(message.get("body", b""))
        await send(message)

    return send_plainly
