"""An upstream that knows none of its paths any more, as OpenAI's since 2026-08-26.

Owns when that is worth a sentence, from facts alone: early, and at the end, as long as nothing but
404 and 410 has come back. Knows nothing of what was asked for, so it tells no secret.
"""

from collections.abc import Callable

from runreel.core.facts import Fact

_GONE = frozenset({404, 410})
_EARLY = 3  # calls; one or two may well ask for what is not there


class Retirement:
    """Watches the answers of one upstream; `tell` gets the sentence."""

    def __init__(self, upstream: str | None, tell: Callable[[str], None]) -> None:
        self._upstream = upstream
        self._tell = tell
        self._answers = 0
        self._alive = False
        self._told = 0  # calls that were spoken of

    def __call__(self, fact: Fact) -> None:
        """Take one fact."""
        if not fact.upstream_called:
            return
        self._alive = self._alive or fact.status not in _GONE
        self._answers += 1
        if self._answers == _EARLY:
            self.sum_up()

    def sum_up(self) -> None:
        """Tell what happened, if anything was forwarded and all of it was gone."""
        if self._alive or self._answers == self._told:
            return
        self._told = self._answers
        calls = "The one call" if self._answers == 1 else f"All {self._answers} calls"
        self._tell(
            f"{calls} to {self._upstream} came back as 404 or 410: OpenAI switched off the "
            "Assistants API on 2026-08-26; replay what is recorded, or name another upstream "
            "(with the path where its API begins) with --upstream"
        )
