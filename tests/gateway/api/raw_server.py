"""A gateway behind the protocol that `prospect serve` uses, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import uvicorn

from gateway.api.protocol import ProblemProtocol
from gateway.api.room import Room
from gateway.app import create_app
from providers.simulator.serving import bind
from tests.gateway.conftest import make_settings


@asynccontextmanager
async def raw_server(store_url: str, room: Room | None = None) -> AsyncIterator[str]:
    """The URL of a gateway without providers that has `room` for its callers."""
    listener = bind("127.0.0.1", 0)
    config = uvicorn.Config(
        create_app(make_settings(store_url, None)),
        http=partial(ProblemProtocol, room=room),  # type: ignore[arg-type]
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup([listener])
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        await server.shutdown([listener])
