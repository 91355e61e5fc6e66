"""Calls any simulated endpoint with its sample, after whatever has to come before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from providers.simulator.endpoints import Endpoint
from providers.simulator.samples import SECRET, chain_of, prepare, times_of
from providers.simulator.testing import RunningSimulator

KEYS: Mapping[str, Mapping[str, str]] = {
    "hunter": {"x-api-key": "sim-hunter-key"},
    "sixtyfour": {"x-api-key": "sim-sixtyfour-key"},
    "letrics": {"authorization": "Bearer sim-letrics-token"},
}


class Walker:
    def __init__(self, simulator: RunningSimulator, client: httpx.AsyncClient) -> None:
        self.simulator = simulator
        self.client = client
        self._keys: dict[str, Mapping[str, str]] = dict(KEYS)

    def base(self, provider: str) -> str:
        return str(getattr(self.simulator.endpoints, provider))

    async def keys(self, provider: str) -> Mapping[str, str]:
        """The headers of somebody who has signed in."""
        if provider not in self._keys:
            url = self.base(provider) + "/v1/oauth/access_token"
            token = (await self.client.post(url, json=SECRET)).json()["access_token"]
            self._keys[provider] = {"authorization": f"Bearer {token}"}
        return self._keys[provider]

    async def ask(
        self, provider: str, method: str, path: str, *, keys: bool = True, **options: Any
    ) -> httpx.Response:
        headers = {**(await self.keys(provider) if keys else {}), **options.pop("headers", {})}
        url = self.base(provider) + path
        return await self.client.request(method, url, headers=headers, **options)

    async def prepare(self, endpoint: Endpoint) -> Any:
        """Everything that comes before; returns the decoded reply to the last of it."""
        await self.keys(endpoint.provider)
        reply: Any = None
        for earlier in chain_of(endpoint)[:-1]:
            answer = await self.call(earlier, reply)
            answer.raise_for_status()
            reply = answer.json() if answer.content else None
        return reply

    async def call(
        self, endpoint: Endpoint, earlier: Any = None, *, keys: bool = True
    ) -> httpx.Response:
        """The last answer, if there has to be more than one."""
        made = prepare(endpoint, earlier)
        options: dict[str, Any] = {"params": made.query, "keys": keys}
        if made.body is not None:
            options["json"] = made.body
        answers = [
            await self.ask(endpoint.provider, endpoint.method, made.path, **options)
            for _ in range(times_of(endpoint))
        ]
        return answers[-1]


def holds(payload: Any, field: str) -> bool:
    """Whether the field occurs anywhere in a decoded reply."""
    if isinstance(payload, list):
        return any(holds(item, field) for item in payload)
    if isinstance(payload, dict):
        return field in payload or any(holds(value, field) for value in payload.values())
    return False
