"""What a stream says of its run, while it passes.

Owns the last run in the events that have come so far; the rest is forgotten at once. Knows nothing
of who reads the stream, or how it ends.
"""

from runreel.core import sse
from runreel.core.coding import Unpacker, codings
from runreel.core.messages import Response, without


class Watch:
    """Looks at a stream; at no event of more than `bytes_max`, and at nothing after it."""

    def __init__(self, head: Response, bytes_max: int) -> None:
        self.ended = False  # whether it said that it is complete
        self.status = head.status
        self._head = head
        self._bytes_max = bytes_max
        applied = codings(head.headers)
        self._unpacker = Unpacker(applied, bytes_max) if applied else None
        self._splitter = sse.Splitter()
        self._last = b""
        self._open = 0  # bytes of the event that is not whole

    def feed(self, chunk: bytes) -> None:
        """Look at what has come."""
        if self._open > self._bytes_max:
            return
        self._open += len(chunk)
        plain = chunk if self._unpacker is None else self._unpacker.feed(chunk)
        for event in self._splitter.feed(plain):
            self._open = 0
            if b'"thread.run"' in event:
                self._last = event
            self.ended = self.ended or sse.is_done(event)

    def response(self) -> Response:
        """The answer, with the last event that holds a run for its body."""
        headers = without(self._head.headers, frozenset({"content-encoding"}))
        return Response(self._head.status, headers, self._last)
