"""From an answer of the upstream, that is not kept, to what has changed since it was recorded.

Owns that both sides are compared as they would be kept now, without the secrets of this very call,
and the fact that tells the outcome. What counts as a change is `drift`. Writes nothing.
"""

import asyncio
from dataclasses import dataclass

from runreel.calls import AT_ONCE_BYTES_MAX, Call
from runreel.core.drift import Drift, drift, unrecordable
from runreel.core.errors import Unredactable
from runreel.core.facts import Outcome
from runreel.core.messages import Interaction, Response
from runreel.core.recordable import not_the_apis
from runreel.core.recorder import Recorder, too_large
from runreel.core.redaction import Redacted
from runreel.core.session import Verdict
from runreel.core.volatile import Rule


@dataclass(frozen=True, slots=True)
class Verifying:
    """What is told of answers that are not kept; `response_bytes_max` only names the limit."""

    recorder: Recorder
    rule: Rule
    response_bytes_max: int

    async def keep(
        self,
        call: Call,
        verdict: Verdict | None,
        status: int,
        response: Response | None,
        *,
        received: bool = False,
    ) -> None:
        """Tell what there is to tell of an answer; nothing of it is kept.

        `response` is None if its body was larger than is kept, or if nothing is compared with it.
        `received` says that the client has had its head, though it may have left since.
        """
        if verdict is not None and verdict.hit is not None:
            reason = self._not_had(call, response, received=received)
            if reason is None:
                await self._compare(call, verdict, verdict.hit, status, response)
                return
            call.session.state.give_back(verdict)
            call.tell(
                Outcome.NOT_COMPARED,
                status,
                interaction=verdict.hit.value.id,
                reason=reason,
                upstream=True,
            )
        elif call.session.state.decision.compares:
            call.tell(Outcome.NEW, status, reason=call.opaque, upstream=True)
        else:
            call.tell(Outcome.FORWARDED, status, upstream=True)

    def _not_had(self, call: Call, response: Response | None, *, received: bool) -> str | None:
        """Why the answer is none to compare, and the recording is for the next equal request."""
        if call.gone() and not received:
            return "its client had left"
        return None if response is None else not_the_apis(response)

    async def _compare(
        self,
        call: Call,
        verdict: Verdict,
        hit: Redacted[Interaction],
        status: int,
        response: Response | None,
    ) -> None:
        if response is not None and len(response.body) > AT_ONCE_BYTES_MAX:
            found = await asyncio.to_thread(self._found, call, verdict, hit, response)
        else:
            found = self._found(call, verdict, hit, response)
        drifted, violations = found
        call.tell(
            Outcome.COMPARED,
            status,
            interaction=hit.value.id,
            drift=drifted,
            upstream=True,
            violations=violations,
        )

    def _found(
        self, call: Call, verdict: Verdict, hit: Redacted[Interaction], response: Response | None
    ) -> tuple[tuple[Drift, ...], int]:
        """How the answer drifts, and how many violations it has with its request."""
        came = self._kept(call, verdict, response)
        count = len(call.checks if isinstance(came, str) else came.value.violations)
        return self._drift(call, hit, came), count

    def _kept(
        self, call: Call, verdict: Verdict, response: Response | None
    ) -> Redacted[Interaction] | str:
        """What would be kept of the answer, or the reason why nothing could be."""
        if response is None:
            return too_large(self.response_bytes_max)
        return self.recorder.interaction(call.exchange(verdict.fingerprint, response))

    def _drift(
        self, call: Call, hit: Redacted[Interaction], came: Redacted[Interaction] | str
    ) -> tuple[Drift, ...]:
        if isinstance(came, str):
            return unrecordable(came)
        try:
            # The rules of today, and this call's own credential, on both sides.
            recorded = self.recorder.redaction.interaction(call.live, hit.value)
        except Unredactable as error:
            return unrecordable(f"the recording cannot be redacted any more: {error}")
        return drift(recorded, came, self.rule)
