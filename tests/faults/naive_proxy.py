"""The proxy that one writes first, in aiohttp: what the rules of a gateway are seen to fail on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web


@asynccontextmanager
async def naive_proxy(base: str) -> AsyncIterator[str]:
    """The URL of a proxy that forwards to `base` in the obvious way."""
    async with aiohttp.ClientSession() as session:

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
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()
