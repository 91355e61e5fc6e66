"""Uvicorn's HTTP protocol, whose own refusals are problem+json too."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.api.edge import new_request_id
from gateway.api.problems import MEDIA_TYPE, Problem


class ProblemProtocol(HttpToolsProtocol):
    """For what never becomes a request: an unknown method, too long a line, no HTTP at all.

    A request's scope has its target as it was sent, and no header that came behind its body.
    """

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self.cycle.scope["target"] = bytes(self.url)  # type: ignore[typeddict-unknown-key]
        self.headers = []

    def send_400_response(self, msg: str) -> None:
        request_id = new_request_id()
        body = Problem("malformed_request", "This is not HTTP as it is understood here.").body(
            request_id
        )
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            f"content-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\n"
            f"x-request-id: {request_id}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
