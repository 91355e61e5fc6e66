"""The API's description and its page, served without any other host."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from litestar import Controller, Request, get
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from gateway.api.problems import Problem
from gateway.api.specification import describe

ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
START = b"""window.onload = () => SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#ui", deepLinking: true, persistAuthorization: false,
});
"""
PAGE = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Prospecting gateway</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""


@cache
def _asset(name: str) -> bytes:
    folder = files("openapi_ui_bundles").joinpath("swagger_ui", "vendor")
    return folder.joinpath(name).read_bytes()


class Pages(Controller):
    """`/openapi.json` and `/docs`, open without a key."""

    opt = {"scope": "open"}
    include_in_schema = False

    @get("/openapi.json")
    async def openapi(self, request: Request[Any, Any, Any]) -> ASGIResponse:
        state = request.app.state
        if "document" not in state:
            state["document"] = describe(request.app)
        return ASGIResponse(body=state["document"], media_type="application/json")

    @get("/docs")
    async def docs(self) -> ASGIResponse:
        headers = {"content-security-policy": POLICY}
        return ASGIResponse(body=PAGE, media_type="text/html", headers=headers)

    @get("/docs/{name:str}")
    async def asset(self, name: FromPath[str]) -> ASGIResponse:
        if name == "start.js":
            return ASGIResponse(body=START, media_type="text/javascript")
        if name not in ASSETS:
            raise Problem("not_found", "There is nothing at this address.")
        headers = {"cache-control": "public, max-age=86400"}
        return ASGIResponse(body=_asset(name), media_type=ASSETS[name], headers=headers)
