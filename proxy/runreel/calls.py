"""One request on its way through the engine.

Owns what is known of it while it is answered, and the one fact in which it ends. What is done with
it is `engine`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from runreel.core.facts import Fact, Outcome
from runreel.core.messages import Request, Violation
from runreel.core.redaction import Redacted
from runreel.live import LiveSession
from runreel.ports import Clock


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One request: `sent` is None if it cannot be redacted, and `opaque` says why.

    `plain` is what would be stored of it, but for its secrets. `gone` tells whether the client has
    left; once it has, it stays so.
    """

    session: LiveSession
    arrival: int
    live: Request
    sent: Redacted[Request] | None
    plain: Request
    operation: str | None
    clock: Clock
    started: float
    gone: Callable[[], bool]
    opaque: str | None = None
    checks: tuple[Violation, ...] = ()

    def elapsed_ms(self) -> int:
        """Milliseconds since it came in."""
        return round((self.clock.monotonic() - self.started) * 1000)

    async def wait_until(self, at_ms: int) -> None:
        """Return when it is so many milliseconds old; at once if it is already."""
        left_ms = at_ms - (self.clock.monotonic() - self.started) * 1000
        if left_ms > 0:
            await self.clock.sleep(left_ms / 1000)

    def tell(
        self, outcome: Outcome, status: int, *, upstream: bool = False, **details: object
    ) -> None:
        """Say what became of it; `details` are the optional members of `Fact`, by name.

        Unless they say more, its violations are the findings of the request.
        """
        details = {"violations": len(self.checks)} | details
        self.session.tell(
            Fact(
                at=self.clock.now(),
                session=self.session.id,
                outcome=outcome,
                method=self.live.method,
                operation=self.operation,
                status=status,
                duration_ms=self.elapsed_ms(),
                request=self.sent,
                upstream_called=upstream,
                **details,  # type: ignore[arg-type]  # see above
            )
        )
