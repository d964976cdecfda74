"""Server-sent events: a stream of bytes cut into whole events, and nothing lost.

Owns where an event ends (a blank line, in any of the three line endings) and what its data is.
The pieces always join to the very bytes that came in, however those were cut into chunks. Knows
nothing of HTTP, time or cassettes.
"""

import re
from collections.abc import Iterator

_DONE = b"[DONE]"  # the data of the last event of OpenAI's streams

# The end of a line and a blank line. A lone CR is an end only if it is clear that no LF follows.
_LINE_END = rb"(?:\r\n|\n|\r(?!\n))"
_EVENT_END = re.compile(_LINE_END + _LINE_END)
_END_BYTES_MAX = 4
_NAME = re.compile(rb"(?:^|[\r\n])event: ?([^\r\n]*)")
_DATA = re.compile(rb"(?:^|[\r\n])data: ?([^\r\n]*)")


class Splitter:
    """Cuts what it is fed into whole events; an event is given back once its end has come."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._searched = 0

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The events that are whole now, each with the blank line that ends it."""
        self._rest += chunk
        while end := self._event_end():
            event = bytes(self._rest[:end])
            del self._rest[:end]
            self._searched = 0
            yield event

    def rest(self) -> bytes:
        """What has come of an event that is not whole; the splitter is empty after."""
        rest, self._rest, self._searched = bytes(self._rest), bytearray(), 0
        return rest

    def _event_end(self) -> int | None:
        found = _EVENT_END.search(self._rest, self._searched)
        if found is None:
            self._searched = max(0, len(self._rest) - _END_BYTES_MAX + 1)
            return None
        if found.end() == len(self._rest) and self._rest.endswith(b"\r"):
            self._searched = found.start()  # a LF may follow and belong to it
            return None
        return found.end()


def split(body: bytes) -> tuple[bytes, ...]:
    """The events of a whole body; the last may lack its end."""
    splitter = Splitter()
    events = [*splitter.feed(body)]
    # An event that ends in CR is whole at the end of a body.
    return (*events, rest) if (rest := splitter.rest()) else tuple(events)


def around_data(event: bytes) -> tuple[bytes, bytes, bytes] | None:
    """What stands before the data of an event, the data, and what stands after.

    None if the event has no data, or has it on several lines.
    """
    found = list(_DATA.finditer(event))
    if len(found) != 1:
        return None
    start, end = found[0].span(1)
    return event[:start], event[start:end], event[end:]


_LINES = re.compile(rb"(?:(?<=[\r\n])|^)data: ?[^\r\n]*(?:(?:\r\n|\n|\r)data: ?[^\r\n]*)+")


def on_one_line(event: bytes) -> bytes:
    """An event whose data stands on several lines in a row, with a space for each of their breaks:
    JSON says the same so. Any other event as it is.
    """
    found = list(_LINES.finditer(event))
    if len(found) != 1 or len(_DATA.findall(event)) != len(_DATA.findall(found[0][0])):
        return event
    data = b" ".join(_DATA.findall(found[0][0]))
    return event[: found[0].start()] + b"data: " + data + event[found[0].end() :]


def name_of(event: bytes) -> str:
    """The name of an event; empty if it has none."""
    found = _NAME.findall(event)
    return found[-1].decode("utf-8", "replace") if found else ""


def is_done(event: bytes) -> bool:
    """Whether the event says that its stream is complete."""
    parts = around_data(event) if _DONE in event else None
    return parts is not None and parts[1] == _DONE
