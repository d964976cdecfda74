"""A value of a foreign document together with its place, so that every refusal can name it.

Owns the reading of single members: what is not of the kind that is asked for is a `BadDocument`.
Knows no format.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any, NoReturn

from runreel.core import jsontext
from runreel.core.document import BadDocument


@dataclass(frozen=True, slots=True)
class Part:
    """A value (of JSON or YAML: also bytes) and its JSON pointer in the document."""

    value: Any
    at: str = ""

    def refuse(self, reason: str) -> NoReturn:
        """Raise the error that names this place."""
        raise BadDocument(self.at, reason)

    def has(self, name: str) -> bool:
        """Whether it is an object with this member, and not null."""
        return isinstance(self.value, dict) and self.value.get(name) is not None

    def get(self, name: str) -> "Part":
        """A member; null where there is none."""
        if not isinstance(self.value, dict):
            self.refuse("an object must be here")
        return Part(self.value.get(name), jsontext.pointer(self.at, name))

    def members(self) -> list[tuple[str, "Part"]]:
        """The names and values of an object; none for null."""
        if self.value is None:
            return []
        if not isinstance(self.value, dict):
            self.refuse("an object must be here")
        return [
            (str(name), Part(value, jsontext.pointer(self.at, str(name))))
            for name, value in self.value.items()
        ]

    def items(self) -> list["Part"]:
        """The items of an array; none for null."""
        if self.value is None:
            return []
        if not isinstance(self.value, list):
            self.refuse("an array must be here")
        return [
            Part(value, jsontext.pointer(self.at, place)) for place, value in enumerate(self.value)
        ]

    def text(self) -> str:
        """A text; a number that a person left unquoted is one too."""
        value = self.value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, bytes):
            return value.decode("latin-1")
        if not isinstance(value, str):
            self.refuse("a text must be here")
        return value

    def integer(self) -> int:
        """A whole number, also as a text."""
        value = self.value
        if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 16:
            return int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            self.refuse("a whole number must be here")
        return value

    def amount(self) -> int:
        """A time or size of 0 or more; tools write -1 where they do not know, taken for 0."""
        value = self.value
        if value is None:
            return 0
        if not isinstance(value, int | float) or isinstance(value, bool) or not value < _AMOUNT_MAX:
            self.refuse("a number must be here")
        return max(0, round(value))

    def bytes(self, encoding: str = "utf-8") -> bytes:
        """A body: nothing, a text, or bytes."""
        value = self.value
        if value is None:
            return b""
        if isinstance(value, bytes):
            return value
        if not isinstance(value, str):
            self.refuse("a text must be here")
        try:
            return value.encode(encoding)
        except UnicodeEncodeError:
            self.refuse(f"it holds a character that {encoding} cannot say")


_AMOUNT_MAX = 1e15


def from_base64(part: Part) -> bytes:
    """The bytes of a text in base64, in which there may be white space."""
    try:
        return base64.b64decode("".join(part.text().split()), validate=True)
    except (binascii.Error, ValueError) as error:
        part.refuse(f"base64 that cannot be read: {error}")


def as_sent(text: str) -> str:
    """The view of raw bytes of a header's text that may hold characters no byte can be."""
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass").decode("latin-1")
    return text
