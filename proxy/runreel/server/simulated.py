"""The simulator that a configuration asks for, in place of an upstream."""

from dataclasses import replace

from runreel.config.settings import Config
from runreel.ports import Clock
from runreel.simulator.server import Options, Simulator
from runreel.simulator.world import Settings


def simulator(config: Config, clock: Clock, story: str | None = None) -> Simulator:
    """The simulator of a configuration; with a `story`, one whose ids are of that story only."""
    options = _simulation(config)
    if story is not None:
        options = replace(options, seed=f"{options.seed}\n{story}")
    return Simulator(options, clock)


def _simulation(config: Config) -> Options:
    told = config.simulator
    return Options(
        profile=config.profile,
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
