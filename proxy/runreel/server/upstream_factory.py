"""Which upstream a configuration names: an API over HTTP, or the simulator in this process.

Owns that choice, hands each its plain values, and opens it for the first session that can reach it:
a proxy that only replays has no client that could connect to anything.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from runreel.cassettes.format import SIMULATOR
from runreel.config.settings import Config
from runreel.errors import StartRefused, UpstreamFailed, UpstreamFault
from runreel.http.messages import Request
from runreel.ports import Clock, Upstream, UpstreamAnswer
from runreel.server.upstream import HttpUpstream, UpstreamOptions, http_upstream
from runreel.simulator.dialects import DIALECTS
from runreel.simulator.server import Options, Simulator
from runreel.simulator.world import Settings


class OnDemand:
    """The upstream of a configuration, from when the first session needs it."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._upstream: Upstream | None = None
        self._opening = asyncio.Lock()
        self._held = AsyncExitStack()

    async def open(self) -> None:
        """Return once it can be sent to.

        Raises:
            StartRefused: it cannot be what is asked for.
        """
        async with self._opening:
            if self._upstream is None:
                opening = opened(self._config, self._clock)
                self._upstream = await self._held.enter_async_context(opening)

    async def send(self, request: Request) -> UpstreamAnswer:
        """Send a request, as the upstream does."""
        if self._upstream is None:
            raise UpstreamFailed(
                UpstreamFault.STOPPED, "There is no way to an upstream here.", sent=False
            )
        return await self._upstream.send(request)

    async def stop(self, seconds: float) -> None:
        """Wait so long for the calls that are under way, then give them up."""
        if isinstance(self._upstream, HttpUpstream):
            await self._upstream.stop(seconds)

    async def close(self) -> None:
        """Let go of its connections."""
        await self._held.aclose()


@asynccontextmanager
async def opened(config: Config, clock: Clock) -> AsyncIterator[Upstream]:
    """The upstream of a configuration that has one, for as long as the context lasts.

    Raises:
        StartRefused: it cannot be what is asked for.
    """
    if config.upstream == SIMULATOR:
        yield Simulator(_simulation(config), clock)
        return
    async with http_upstream(_upstream_options(config)) as upstream:
        yield upstream


def _upstream_options(config: Config) -> UpstreamOptions:
    options = config.upstream_options
    return UpstreamOptions(
        base=config.upstream or "",
        headers=tuple(options.headers.items()),
        connect_timeout_s=options.connect_timeout_s,
        read_timeout_s=options.read_timeout_s,
        total_timeout_s=options.total_timeout_s,
        calls_max=config.limits.upstream_calls_max,
        ca_file=options.ca_file,
    )


def _simulation(config: Config) -> Options:
    if config.profile not in DIALECTS:
        raise StartRefused(
            f"profile: the simulator does not speak {config.profile}; it speaks "
            f"{' and '.join(DIALECTS)}"
        )
    told = config.simulator
    return Options(
        dialect=config.profile,
        base_path=config.base_path,
        seed=told.seed,
        api_key=told.api_key,
        request_bytes_max=config.limits.decoded_body_bytes_max,
        headers=tuple(config.upstream_options.headers.items()),
        settings=Settings(
            merges=told.metadata == "merge",
            lenient=told.lenient,
            status_s=None if told.status == "poll" else told.status / 1000,
            objects_max=told.objects_max,
            bytes_max=told.bytes_max,
        ),
    )
