"""The proxy that one writes first, in aiohttp: what the rules of a gateway are seen to fail on."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web


@dataclass(frozen=True)
class Naivety:
    """What somebody sets, or leaves as it is: of the client, of the server, and where it listens.

    Nothing is logged and little is waited for at the end unless it is said.
    """

    session: Mapping[str, Any] = field(default_factory=dict)
    runner: Mapping[str, Any] = field(default_factory=dict)
    host: str = "127.0.0.1"


PLAIN = Naivety()


@asynccontextmanager
async def naive_proxy(base: str, naivety: Naivety = PLAIN) -> AsyncIterator[str]:
    """The URL of a proxy that forwards to `base` in the obvious way."""
    async with aiohttp.ClientSession(**naivety.session) as session:

        async def forward(request: web.Request) -> web.Response:
            async with session.request(
                request.method,
                base + str(request.rel_url),
                headers=request.headers,
                data=await request.read(),
            ) as r:
                return web.Response(body=await r.read(), headers=r.headers, status=r.status)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", forward)
        quick = {"access_log": None, "shutdown_timeout": 0.1}
        runner = web.AppRunner(app, **(quick | dict(naivety.runner)))
        await runner.setup()
        try:
            await web.TCPSite(runner, naivety.host, 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


async def tries_again(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """A middleware that repeats what an upstream broke off, whatever the method."""
    try:
        return await handler(request)
    except aiohttp.ServerDisconnectedError:
        return await handler(request)
