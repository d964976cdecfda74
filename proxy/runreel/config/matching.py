"""The settings of matching."""

from typing import Annotated

from pydantic import AfterValidator, Field

from runreel.config.names import header_name
from runreel.config.section import Section
from runreel.core.facets import MatchOn, match_on_of
from runreel.core.ignoring import is_pointer
from runreel.core.recordable import never_recorded
from runreel.core.rules import NEVER_STORED, SECRET_HEADERS


def _recorded_header(text: str) -> str:
    name = header_name(text).lower()
    if name in SECRET_HEADERS | NEVER_STORED or never_recorded(name):
        raise ValueError(f"{text!r} is never part of a recording, so nothing can match by it")
    return name


def _parameter(text: str) -> str:
    if not text or not _writable(text):
        raise ValueError("must be the name of a query parameter, as it is when decoded")
    return text


def _pointer(text: str) -> str:
    if not is_pointer(text) or not _writable(text):
        raise ValueError(
            'must be a JSON pointer such as "/metadata/trace_id" (~1 stands for / in a name, ~0 '
            "for ~, and * for any one step)"
        )
    return text


def _writable(text: str) -> bool:
    # What the environment has that is not UTF-8 could be written into no cassette.
    return not any("\ud800" <= char <= "\udfff" for char in text)


class Match(Section):
    """What decides whether a request matches a recording; where nothing is set, the cassette's own
    rules do.
    """

    headers: list[Annotated[str, AfterValidator(_recorded_header)]] | None = Field(
        None, description="more headers that must be equal, beside OpenAI-Beta"
    )
    ignore_query: list[Annotated[str, AfterValidator(_parameter)]] | None = Field(
        None, description="query parameters that do not count"
    )
    ignore_body: list[Annotated[str, AfterValidator(_pointer)]] | None = Field(
        None, description="JSON pointers that do not count in request bodies; * for any one step"
    )

    @property
    def match_on(self) -> MatchOn | None:
        """The rules as a cassette holds them, or None if the cassette's own hold."""
        if (self.headers, self.ignore_query, self.ignore_body) == (None, None, None):
            return None
        return match_on_of(self.headers or (), self.ignore_query or (), self.ignore_body or ())
