"""Sessions whose calls are written as `METHOD /path` and whose recordings are named after what
they answer.
"""

from dataclasses import replace

from builders import a_request, a_response, an_interaction
from runreel.http.messages import Interaction, Request
from runreel.matching.matchers import MATCH_ON
from runreel.redaction.redactor import Redacted, Redaction
from runreel.sessions.modes import DECISIONS, Mode
from runreel.sessions.session import Session, Verdict

REDACTION = Redaction()
THREAD = "/v1/threads/thread_abc123"
RUN = f"{THREAD}/runs/run_abc123"


def a_call(call: str) -> Request:
    """`POST /path BODY`, without a body `POST /path`."""
    method, target, *body = call.split(" ")
    return a_request(body[0].encode() if body else b"", target, method)


def recording(
    call: str, answer: str, *, status: int = 200, gone: bool = False
) -> Redacted[Interaction]:
    """A recording of a call, named after its answer."""
    made = an_interaction(a_call(call), a_response(answer.encode(), status), answer)
    return REDACTION.interaction(made.value.request, replace(made.value, client_gone=gone))


class Playing:
    """A session over recordings, or pairs of call and answer."""

    def __init__(
        self,
        mode: Mode,
        *recordings: Redacted[Interaction] | tuple[str, str],
        status: int = 200,
        **options: bool,
    ) -> None:
        old = [
            recording(*item, status=status) if isinstance(item, tuple) else item
            for item in recordings
        ]
        self.state = Session(old, DECISIONS[mode], MATCH_ON, REDACTION, **options)

    def ask(self, call: str, arrival: int | None = None) -> Verdict:
        """Ask, at once or at an arrival taken before."""
        at = self.state.arrive() if arrival is None else arrival
        return self.state.ask(at, REDACTION.request(a_call(call)))

    def served(self, call: str, arrival: int | None = None) -> str | None:
        """The recording that answers, or the code of the miss."""
        verdict = self.ask(call, arrival)
        if verdict.hit is not None:
            return verdict.hit.value.id
        return verdict.miss.code if verdict.miss else None

    def answered(self, call: str, answer: str, status: int = 200) -> None:
        """Ask and keep what the upstream answers."""
        self.state.keep(self.ask(call), recording(call, answer, status=status))

    def stands(self, *, final: bool = True) -> list[str]:
        """What the recordings answer, in order."""
        return [item.value.response.body.decode() for item in self.state.merged(final=final)]
