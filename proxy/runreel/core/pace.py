"""When the pieces of a recorded answer go out.

Owns `replay.latency` as a pure plan; whoever plays it does the waiting.
"""

from typing import Literal

from runreel.core.messages import Interaction
from runreel.core.sse import split

# At once, as it was recorded, or so many milliseconds before an answer and each event of a stream.
Latency = Literal["none", "recorded"] | int
Plan = tuple[tuple[int, bytes], ...]


def plan(interaction: Interaction, latency: Latency) -> Plan:
    """The pieces of the body, each with the milliseconds after the request when it is due."""
    response = interaction.response
    if latency == "none":
        return ((0, response.body),)
    if response.at_ms is None:
        wait = interaction.duration_ms if latency == "recorded" else latency
        return ((wait, response.body),)
    events = split(response.body)
    if latency == "recorded":
        return tuple(zip(response.at_ms, events, strict=True))
    return tuple((latency * place, event) for place, event in enumerate(events, start=1))
