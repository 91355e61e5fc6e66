"""The container image and the compose file are sound, as far as that shows without an engine."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
START = {'ENTRYPOINT ["prospect"]', 'CMD ["serve", "--host", "0.0.0.0"]'}
DURABLE = ("--appendonly yes", "--appendfsync always", "--maxmemory-policy noeviction")

Mutant = tuple[str, str]
UNCHANGED: Mutant = ("", "")

DOCKERFILE_MUTANTS: list[Mutant] = [
    ("USER 10001:10001\n", ""),
    ("USER 10001:10001", "USER root"),
    ("USER 10001:10001", "USER 0:0"),
    ("python:3.12-slim-bookworm\nLABEL", "python:latest\nLABEL"),
    ("python:3.12-slim-bookworm AS build", "python AS build"),
    ("uv==0.13.9", "uv"),
    ("uv==0.13.9", "uv==0.1.0"),
    ("uv sync --frozen --no-dev --no-editable", "uv sync --no-dev --no-editable"),
    ("HEALTHCHECK", "# HEALTHCHECK"),
    ('"python", "-c"', '"curl", "-f"'),
    ('ENTRYPOINT ["prospect"]', "ENTRYPOINT prospect"),
    ("EXPOSE 8080", "ENV HUNTER_API_KEY=abc\nEXPOSE 8080"),
    ("EXPOSE", "EXPOZE"),
]

COMPOSE_MUTANTS: list[Mutant] = [
    ("services:", "service:"),
    ("    image: valkey", "    imagine: valkey"),
    ("service_healthy", "service_started"),
    ("[edge, store]", "[edge, shop]"),
    ("valkey:8.1-alpine", "valkey:latest"),
    ("valkey:8.1-alpine", "valkey"),
    ("      - always", "      - everysec"),
    ("noeviction", "allkeys-lru"),
    ("    volumes: [valkey:/data]\n", ""),
    ("    networks: [store]", '    ports: ["6379:6379"]\n    networks: [store]'),
    ("  gateway-2:\n    <<: *gateway", "  gateway-2:\n    image: prospecting-gateway:0.1.0"),
    ("127.0.0.1:8081", "127.0.0.1:8080"),
    ("GATEWAY_MASTER_KEY_FILE: /run/secrets/master_key", "GATEWAY_MASTER_KEY: c2VjcmV0"),
    ("restart: unless-stopped\n  #", "restart: 'no'\n  #"),
    ("read_only: true", "read_only: false"),
]


def hadolint(dockerfile: Path) -> str:
    done = subprocess.run(
        [BIN / "hadolint", "--no-color", dockerfile], check=False, capture_output=True, text=True
    )
    return done.stdout + done.stderr if done.returncode else ""


def dockerfile_faults(dockerfile: Path) -> Iterator[str]:
    if found := hadolint(dockerfile):
        yield found
        return
    text = dockerfile.read_text()
    for image in re.findall(r"^FROM (\S+)", text, re.MULTILINE):
        if not re.search(r":\d+\.\d+", image):
            yield f"{image} is not pinned to a version"
    if re.search(r"^(ENV|ARG|\s+)\s*\w*(KEY|SECRET|TOKEN)\w*=", text, re.MULTILINE):
        yield "a secret would be baked into a layer"
    if set(re.findall(r"uv==(\S+)", text)) != {pinned_uv()}:
        yield f"uv is not the pinned {pinned_uv()}"
    if any("--frozen" not in line for line in re.findall(r"uv sync .*", text)):
        yield "an install that ignores the lock"
    yield from container_faults(re.split(r"^FROM ", text, flags=re.MULTILINE)[-1])


def container_faults(last_stage: str) -> Iterator[str]:
    if not re.search(r"^USER [1-9]\d*", last_stage, re.MULTILINE):
        yield "runs as root"
    if not START.issubset(last_stage.splitlines()):
        yield f"lacks one of {START}"
    if not re.search(r"^HEALTHCHECK .*\\\n\s+CMD \[\"python\"", last_stage, re.MULTILINE):
        yield "no health check with what the image has"


def pinned_uv() -> str:
    found = re.search(r'^UV = "(.+)"$', (ROOT / ".ci/bootstrap.py").read_text(), re.MULTILINE)
    assert found
    return found[1]


def compose_faults(compose: Path) -> Iterator[str]:
    done = subprocess.run(
        [BIN / "docker-compose", "--file", compose, "config", "--format", "json"],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        yield done.stderr
        return
    services = json.loads(done.stdout).get("services", {})
    for name, service in services.items():
        if not re.search(r":\d+\.\d+", service.get("image", "")):
            yield f"{name}: image without a version"
        if service.get("restart") != "unless-stopped":
            yield f"{name}: does not come back after a crash"
    yield from store_faults(services.pop("valkey", {}))
    yield from gateway_faults(services)


def store_faults(store: dict[str, Any]) -> Iterator[str]:
    command = " ".join(store.get("command", []))
    yield from (f"valkey: lacks {option}" for option in DURABLE if option not in command)
    if store.get("ports"):
        yield "valkey: reachable from outside"
    if not any(volume["target"] == "/data" for volume in store.get("volumes", [])):
        yield "valkey: data dies with the container"
    if not store.get("healthcheck"):
        yield "valkey: no health check"


def gateway_faults(gateways: dict[str, dict[str, Any]]) -> Iterator[str]:
    ports = {port["published"] for g in gateways.values() for port in g.get("ports", [])}
    if ports != {"8080", "8081"}:
        yield f"not two replicas: {sorted(ports)}"
    for name, gateway in gateways.items():
        environment = gateway.get("environment", {})
        for secret in ("master_key", "admin_key"):
            if environment.get(f"GATEWAY_{secret.upper()}_FILE") != f"/run/secrets/{secret}":
                yield f"{name}: {secret} does not come from a secrets file"
        if not gateway.get("read_only"):
            yield f"{name}: writable root file system"
        waits = gateway.get("depends_on", {}).get("valkey", {})
        if waits.get("condition") != "service_healthy":
            yield f"{name}: does not wait for the store"


def mutate(tmp_path: Path, name: str, mutant: Mutant) -> Path:
    before, after = mutant
    text = (ROOT / "deploy" / name).read_text()
    assert before in text, f"the mutant of {before!r} no longer applies"
    (tmp_path / name).write_text(text.replace(before, after, 1))
    return tmp_path / name


def test_the_dockerfile_is_sound(tmp_path: Path) -> None:
    assert not list(dockerfile_faults(mutate(tmp_path, "Dockerfile", UNCHANGED)))


@pytest.mark.parametrize("mutant", DOCKERFILE_MUTANTS)
def test_an_unsound_dockerfile_is_caught(tmp_path: Path, mutant: Mutant) -> None:
    assert list(dockerfile_faults(mutate(tmp_path, "Dockerfile", mutant)))


def test_the_compose_file_is_sound(tmp_path: Path) -> None:
    assert not list(compose_faults(mutate(tmp_path, "compose.yaml", UNCHANGED)))


@pytest.mark.parametrize("mutant", COMPOSE_MUTANTS)
def test_an_unsound_compose_file_is_caught(tmp_path: Path, mutant: Mutant) -> None:
    assert list(compose_faults(mutate(tmp_path, "compose.yaml", mutant)))


def test_what_the_image_copies_is_not_ignored() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"}
    copied = re.findall(
        r"^COPY (?!--from)(.+) \S+$", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE
    )
    assert kept == {name for names in copied for name in names.split()}
