"""An engine on a stage: one session, a scripted upstream, and the lists that tests look at."""

import json
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from builders import BARE_KEY, FAKE_KEY, a_cassette, a_request, a_response, an_interaction
from fakes import FakeClock, FakeUpstream, Script
from memory_store import MemoryStore
from runreel.assistants.openai import OPENAI
from runreel.assistants.profile import Profile
from runreel.cassettes.format import dump, interaction_document
from runreel.engine.auditing import Auditing
from runreel.engine.call import Answer
from runreel.engine.engine import Engine, Limits
from runreel.engine.recorder import Check, Checks
from runreel.http.messages import Headers, Interaction, Request
from runreel.matching.drift import Rule
from runreel.redaction.redactor import Redacted, Redaction
from runreel.sessions.events import Event
from runreel.sessions.live import LiveSession
from runreel.sessions.manager import SessionSpec, open_session
from runreel.sessions.modes import Latency

UPSTREAM = "https://api.openai.com"
A = b'{"metadata":{"stage":"a"}}'
B = b'{"metadata":{"stage":"b"}}'
LIVE = ["record", "new_episodes", "passthrough", "verify"]


@dataclass
class Stage:
    """An engine with one session, and the three lists that tests look at."""

    engine: Engine
    session: LiveSession
    upstream: FakeUpstream
    store: MemoryStore
    events: list[Event]
    clock: FakeClock

    async def ask(
        self,
        request: Request,
        arrival: int | None = None,
        client_disconnected: Callable[[], bool] = lambda: False,
        *,
        sent: bool = True,
    ) -> Answer:
        """The answer; it is `sent`, as far as the client is there to get it."""
        place = self.session.state.arrive() if arrival is None else arrival
        answer = await self.engine.answer(self.session, place, request, client_disconnected)
        if answer.turn is not None and sent:
            if client_disconnected():
                answer.turn.unsent()
            else:
                answer.turn.began()
                if answer.tail is None:
                    answer.turn.ended()
        return answer

    @property
    def kept(self) -> list[tuple[bytes, int, bytes]]:
        """Of every stored interaction: request body, status, response body."""
        stored = self.store.load("default")
        found = stored.cassette.interactions if stored else ()
        return [
            (item.value.request.body, item.value.response.status, item.value.response.body)
            for item in found
        ]

    @property
    def received(self) -> list[tuple[bytes, int, bytes]]:
        """The same, without what nobody received: a write without an answer is kept, not served."""
        gone = ["client" in item or "failed" in item for item in self.documents]
        return [one for one, left in zip(self.kept, gone, strict=True) if not left]

    @property
    def documents(self) -> list[dict[str, Any]]:
        """Every stored interaction as its cassette would show it."""
        stored = self.store.load("default")
        found = stored.cassette.interactions if stored else ()
        return [interaction_document(item) for item in found]

    @property
    def told(self) -> list[tuple[str, int, bool]]:
        """Of every fact: outcome, status, whether the upstream was called."""
        return [(event.outcome.value, event.status, event.upstream_called) for event in self.events]


def stage(
    mode: str,
    *scripts: Script,
    recorded: Sequence[Redacted[Interaction]] = (),
    check_request: Check = "off",
    check_response: Check = "off",
    response_bytes_max: int = 1_000_000,
    decoded_bytes_max: int = 1_000_000,
    store: MemoryStore | None = None,
    redaction: Redaction | None = None,
    allow_regress: bool = False,
    latency: Latency = "none",
    profile: Profile = OPENAI,
    rule: Rule | None = None,
    auditing: Auditing | None = None,
) -> Stage:
    rules = redaction or Redaction()
    keeper = store or MemoryStore()
    if recorded or mode in ("replay", "verify"):
        keeper.documents["default"] = dump(a_cassette(*recorded))
    events: list[Event] = []
    session = open_session(
        SessionSpec(
            id="default",
            cassette="default",
            mode=mode,
            upstream=UPSTREAM,
            profile=profile.name,
            redaction=rules,
            allow_regress=allow_regress,
        ),
        keeper,
        events.append,
    )
    clock = FakeClock()
    upstream = FakeUpstream(*scripts, clock=clock)
    engine = Engine(
        upstream=upstream if session.state.decision.live else None,
        clock=clock,
        profile=lambda: profile,
        checks=Checks(check_request, check_response),
        limits=Limits(decoded_bytes_max=decoded_bytes_max, response_bytes_max=response_bytes_max),
        latency=latency,
        rule=rule or Rule(),
        auditing=auditing,
    )
    return Stage(engine, session, upstream, keeper, events, clock)


def shown(answer: Answer) -> tuple[str, int, bytes, bool | None]:
    return (answer.source, answer.response.status, answer.response.body, answer.recorded)


def error_of(answer: Answer) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(answer.response.body)["error"]
    return document


async def rest(tail: AsyncGenerator[bytes, None] | None) -> list[bytes]:
    assert tail is not None
    return [chunk async for chunk in tail]


RECORDED = an_interaction(a_request(A), a_response(b"old"))
KEY_HEADERS: Headers = (("Authorization", "Bearer " + FAKE_KEY),)
BARE_KEY_HEADERS: Headers = (("Authorization", "Bearer " + BARE_KEY),)
# A header's name is a place where nothing can be replaced.
UNREDACTABLE: Headers = (*BARE_KEY_HEADERS, ("X-" + BARE_KEY, "1"))
