"""Two answers side by side, for tests of what has drifted."""

from typing import Any

from builders import a_response, an_interaction
from runreel.http import sse
from runreel.http.messages import Headers, Response
from runreel.matching.drift import Drift, Rule, drift

JSON: Headers = (("Content-Type", "application/json"),)
EVENTS: Headers = (("Content-Type", "text/event-stream"),)


def between(recorded: Response, live: Response, rule: Rule | None = None) -> tuple[Drift, ...]:
    mine, theirs = (an_interaction(response=side) for side in (recorded, live))
    return drift(mine, theirs, rule or Rule())


def of_bodies(
    recorded: bytes, live: bytes, rule: Rule | None = None
) -> list[tuple[str, str, Any, Any]]:
    return listed(between(a_response(recorded), a_response(live), rule))


def a_stream(*events: str) -> Response:
    body = "".join(f"{event}\n\n" for event in events).encode()
    return Response(200, EVENTS, body, tuple(range(len(sse.split(body)))))


def of_streams(
    recorded: Response, live: Response, rule: Rule | None = None
) -> list[tuple[str, str, Any, Any]]:
    return listed(between(recorded, live, rule))


def listed(found: tuple[Drift, ...]) -> list[tuple[str, str, Any, Any]]:
    return [(item.kind, item.at, item.recorded, item.live) for item in found]
