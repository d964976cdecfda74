"""The socket that clients connect to.

Owns how connections are taken and, in this order, let go: nothing new is accepted, what is under
way ends, what does not is cut off.
"""

import asyncio
import errno
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from aiohttp import web

from runreel.app.options import RunOptions
from runreel.config import Config
from runreel.core.errors import StartRefused
from runreel.sinks.log import FrameworkLog, Log
from runreel.upstreams import OnDemand
from runreel.web.connection import Connection
from runreel.web.routes import Site, application

KEEPALIVE_S = 15  # a client's idle connection; also bounds slow headers
# When asked to stop: for calls to the upstream under way, and then for answers to get out, which
# aiohttp may use twice. Together with saving they stay below the 10 s that supervisors grant.
DRAIN_S = 4
SHUTDOWN_S = 2


@asynccontextmanager
async def open_to_clients(
    site: Site, config: Config, options: RunOptions, log: Log, upstream: OnDemand
) -> AsyncIterator[str]:
    """The URL of a site that listens, for as long as the context lasts.

    Raises:
        StartRefused: it cannot listen there.
    """
    app = application(site)

    async def drain(_: web.Application) -> None:
        await upstream.stop(DRAIN_S)

    app.on_shutdown.append(drain)  # nothing is accepted any more; what is under way still runs
    runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        host, port = config.listen.host, config.listen.port
        loop = asyncio.get_running_loop()
        try:
            accepted = _connections(site, log, runner)
            if options.listener is not None:
                listener = await loop.create_server(accepted, sock=options.listener)
            else:
                listener = await loop.create_server(accepted, host, port)
        except (OSError, ValueError) as error:  # ValueError: a host that no name can be
            raise StartRefused(_cannot_listen(host, port, error)) from None
        bound = listener.sockets[0].getsockname()
        shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        try:
            yield f"http://{shown}:{bound[1]}"
        finally:
            listener.close()
    finally:
        await runner.cleanup()


def _connections(site: Site, log: Log, runner: web.AppRunner) -> Callable[[], Connection]:
    logger = logging.Logger("runreel.web")  # noqa: LOG001 - one per proxy
    logger.addHandler(FrameworkLog(log))
    return partial(
        Connection,
        runner.server,
        loop=asyncio.get_running_loop(),
        refused=partial(site.refused, None),
        logger=logger,
        auto_decompress=False,
        access_log=None,
        keepalive_timeout=KEEPALIVE_S,
    )


def _cannot_listen(host: str, port: int, error: OSError | ValueError) -> str:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use; choose another with --port, or any with --port 0"
    return f"cannot listen on {host} port {port} ({reason}); see --host and --port"
