"""A receiver is known by its name, though the connection goes to the address that was checked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.guard.receivers import ReceiverRefused, Receivers
from gateway.jobs.delivery import NotDelivered, Reply, Sender
from tests.gateway.webhooks.receiver import Receiver

NAME = "receiver.example"
HEADERS = {"webhook-id": "msg_1"}


def certificate_for(name: str, folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate of `name`, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(form))
    private.write_bytes(
        key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private


class Secured(Receiver):
    """Speaks TLS, and remembers which name it was asked for."""

    asked: list[str | None]

    def note(self, _socket: Any, name: str | None, _context: Any) -> None:
        self.asked.append(name)


@pytest.fixture
async def secured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Secured]:
    certificate, private = certificate_for(NAME, tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, private)
    receiver = Secured()
    receiver.asked = []
    context.sni_callback = receiver.note
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(httpx, "create_ssl_context", lambda: trusting)
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", ssl=context)
    receiver.port = server.sockets[0].getsockname()[1]
    async with server:
        yield receiver
        await receiver.end()


async def post(url: str, **names: list[str]) -> Reply:
    """One attempt; `names` say where hosts lead, dots written as underscores."""
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return names[host.replace(".", "_")]

    sender = Sender(Receivers([ip_network("127.0.0.0/8")], resolve), timeout=5)
    try:
        return await sender.post(url, HEADERS, b"{}")
    finally:
        await sender.close()
        assert len(asked) <= 1, "a name is resolved once"


async def test_name_and_host_are_kept(secured: Secured) -> None:
    url = f"https://{NAME}:{secured.port}/hook?a=%2F"
    reply = await post(url, receiver_example=["127.0.0.1"])
    assert reply.status == 200
    [message] = secured.messages
    assert message.headers["host"] == f"{NAME}:{secured.port}"
    assert message.path == "/hook?a=%2F"
    assert secured.asked == [NAME]


async def test_a_certificate_of_another_is_refused(secured: Secured) -> None:
    url = f"https://other.example:{secured.port}/"
    with pytest.raises(NotDelivered, match="certificate_refused"):
        await post(url, other_example=["127.0.0.1"])
    assert not secured.messages


async def test_the_next_address_is_tried_if_one_is_dead(secured: Secured) -> None:
    url = f"https://{NAME}:{secured.port}/"
    reply = await post(url, receiver_example=["127.0.0.9", "127.0.0.1"])
    assert reply.status == 200
    with pytest.raises(NotDelivered, match="unreachable"):
        await post(url, receiver_example=["127.0.0.9", "127.0.0.8"])
    with pytest.raises(ReceiverRefused) as refused:
        await post(url, receiver_example=["127.0.0.1", "10.0.0.1"])
    assert refused.value.reason == "address_not_allowed"


class Rude(Receiver):
    """Says its own words."""

    words: bytes

    async def speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self.words)
        await writer.drain()
        await asyncio.sleep(self.seconds)


async def heard(words: bytes, *, seconds: float = 0.0) -> str:
    """Why a receiver that says these words is not delivered to."""
    rude = Rude(seconds=seconds)
    rude.words = words
    server = await asyncio.start_server(rude.serve, "127.0.0.1")
    async with server:
        port = server.sockets[0].getsockname()[1]
        sender = Sender(Receivers([ip_network("127.0.0.0/8")]), timeout=0.5)
        try:
            with pytest.raises(NotDelivered) as failure:
                await sender.post(f"http://127.0.0.1:{port}/", HEADERS, b"{}")
        finally:
            await sender.close()
            await rude.end()
    return failure.value.reason


@pytest.mark.parametrize(
    "words, reason",
    [
        (b"", "broken_reply"),
        (b"SSH-2.0\r\n\r\n", "broken_reply"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"x" * 100_000 + b"\r\n\r\n", "broken_reply"),
        (b"HTTP/1.1 99999 OK\r\n\r\n", "broken_reply"),
    ],
)
async def test_a_reply_that_is_none_is_no_delivery(words: bytes, reason: str) -> None:
    assert await heard(words) == reason


async def test_who_says_nothing_is_waited_for_so_long_only() -> None:
    assert await heard(b"HTTP/1.1 200 OK\r\n", seconds=30) == "timed_out"
