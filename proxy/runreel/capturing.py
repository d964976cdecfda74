"""From an answer of the upstream to an interaction on disk.

Owns whether an exchange is kept, which a session, its rules and its journal decide together, and
the fact that says so. Knows nothing of how the answer reached the client.
"""

import asyncio
from dataclasses import dataclass

from runreel.calls import AT_ONCE_BYTES_MAX, Call
from runreel.core.errors import StoreFailed
from runreel.core.facts import Outcome
from runreel.core.messages import Interaction, Response
from runreel.core.recordable import not_the_apis
from runreel.core.recorder import Recorder, too_large
from runreel.core.redaction import Redacted
from runreel.core.session import Verdict


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
        had its head, though it may have left since.
        """
        gone = call.gone() and not received
        if gone and verdict is not None:
            call.session.state.give_back(verdict)
        if response is not None and len(response.body) > AT_ONCE_BYTES_MAX:
            kept = await asyncio.to_thread(self._to_keep, call, verdict, response, gone=gone)
        else:
            kept = self._to_keep(call, verdict, response, gone=gone)
        if not isinstance(kept, str):
            kept = call.session.refuses(kept.value.response) or kept
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
            return too_large(self.response_bytes_max)
        if verdict is None:
            return call.opaque or ""
        if reason := not_the_apis(response):
            return reason
        if not gone and call.session.state.regresses(verdict, response.status):
            return (
                f"upstream_retired: the upstream answers {response.status} where a good recording "
                "stands (OpenAI switched this API off on 2026-08-26); --allow-regress overrides"
            )
        return self.recorder.interaction(
            call.exchange(verdict.fingerprint, response, client_gone=gone)
        )
