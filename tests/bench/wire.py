"""The leanest client there is, so that the server is what is timed: bytes out, bytes in."""

from __future__ import annotations

import json
import socket
import time
from typing import Any
from urllib.parse import urlencode, urlsplit


class Wire:
    """One kept-alive connection; every call blocks."""

    def __init__(self, base: str):
        parts = urlsplit(base)
        self._host = f"{parts.hostname}:{parts.port}"
        self._path = parts.path.rstrip("/")
        self._socket = socket.create_connection((parts.hostname, parts.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        self._socket.close()

    def get(self, path: str, params: dict[str, str], **headers: str) -> bytes:
        """A request ready to be sent."""
        return self._request("GET", f"{path}?{urlencode(params)}", b"", headers)

    def post(self, path: str, body: dict[str, Any], **headers: str) -> bytes:
        """A request ready to be sent."""
        headers = {"content_type": "application/json", **headers}
        return self._request("POST", path, json.dumps(body).encode(), headers)

    def time(self, request: bytes) -> float:
        """Milliseconds from the first byte out to the last byte in."""
        began = time.perf_counter()
        self._socket.sendall(request)
        self._read()
        return (time.perf_counter() - began) * 1000

    def _request(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        lines = [f"{method} {self._path}{path} HTTP/1.1", f"host: {self._host}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        lines += [f"content-length: {len(body)}"] if body else []
        return "\r\n".join([*lines, "", ""]).encode() + body

    def _read(self) -> None:
        got = b""
        while b"\r\n\r\n" not in got:
            got += self._receive()
        head, _, rest = got.partition(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise SystemExit(f"answered {head[:60]!r}: {rest[:300]!r}")
        left = _length(head) - len(rest)
        while left > 0:
            left -= len(self._receive())

    def _receive(self) -> bytes:
        chunk = self._socket.recv(65536)
        if not chunk:
            raise SystemExit("the server closed the connection")
        return chunk


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise SystemExit("a reply without content-length")
