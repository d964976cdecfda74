"""From an answer of the upstream to an interaction on disk.

Owns whether an exchange is kept, which a session, its rules and its journal decide together, and
the fact that says so. Knows nothing of how the answer reached the client.
"""

import asyncio
from dataclasses import dataclass

from runreel.calls import Call
from runreel.core.errors import StoreFailed
from runreel.core.facts import Outcome
from runreel.core.messages import Interaction, Response, values
from runreel.core.recordable import SOURCE_HEADER
from runreel.core.recorder import Exchange, Recorder
from runreel.core.redaction import Redacted
from runreel.core.session import Verdict

_AT_ONCE_BYTES_MAX = 65_536  # of a body; a larger one is looked at while others are answered


@dataclass(frozen=True, slots=True)
class Capturing:
    """The rules of keeping; `response_bytes_max` is told to whoever sent more."""

    recorder: Recorder
    response_bytes_max: int

    async def keep(
        self,
        call: Call,
        verdict: Verdict | None,
        status: int,
        response: Response | None,
        *,
        received: bool = False,
    ) -> bool:
        """Whether the exchange is kept, on disk unless durability is relaxed; tells why if not.

        `response` is None if its body was larger than is kept. `received` says that the client has
        had what it asked for, though it may have left since.
        """
        gone = call.gone() and not received
        if gone and verdict is not None:
            call.session.state.give_back(verdict)
        if response is not None and len(response.body) > _AT_ONCE_BYTES_MAX:
            kept = await asyncio.to_thread(self._to_keep, call, verdict, response, gone=gone)
        else:
            kept = self._to_keep(call, verdict, response, gone=gone)
        reason = kept if isinstance(kept, str) else None
        if verdict is not None and not isinstance(kept, str):
            try:
                await call.session.persist(call.session.state.keep(verdict, kept))
            except StoreFailed as failure:
                reason = str(failure)
        call.tell(
            Outcome.NOT_STORED if reason else Outcome.RECORDED,
            status,
            interaction=None if isinstance(kept, str) else kept.value.id,
            reason=reason or ("its client had left" if gone else None),
            upstream=True,
            violations=len(call.checks if isinstance(kept, str) else kept.value.violations),
        )
        return reason is None

    def _to_keep(
        self, call: Call, verdict: Verdict | None, response: Response | None, *, gone: bool
    ) -> Redacted[Interaction] | str:
        """The interaction to keep, or the reason why there is none."""
        if response is None:
            limit = self.response_bytes_max
            return f"the response is larger than limits.response_body_bytes_max ({limit:,} bytes)"
        if verdict is None:
            return call.opaque or ""
        if "proxy" in values(response.headers, SOURCE_HEADER):
            return "the upstream is a runreel too, and this answer is its own, not the API's"
        if not gone and call.session.state.regresses(verdict, response.status):
            return (
                f"upstream_retired: the upstream answers {response.status} where a good recording "
                "stands (OpenAI switched this API off on 2026-08-26); --allow-regress overrides"
            )
        return self.recorder.interaction(
            Exchange(
                live=call.live,
                plain=call.plain,
                operation=call.operation,
                fingerprint=verdict.fingerprint,
                checks=call.checks,
                response=response,
                recorded_at=call.clock.now(),
                duration_ms=call.elapsed_ms(),
                client_gone=gone,
            )
        )
