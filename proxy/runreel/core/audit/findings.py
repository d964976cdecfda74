"""What a proof of an audit log speaks of: lines of files, and what is wrong with them.

Like all that proves a log it must never import anything of what writes it.
"""

import json
from dataclasses import dataclass
from typing import Any, Literal

LINE_BYTES_MAX = 4 * 1024 * 1024  # of an entry; five metadata objects of 64 KiB are far below


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file with its number from 1; `content` ends with the LF if there is one."""

    file: str
    number: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong, and where; `seq` is the number of the entry in question, if it is about one.

    `kind` tells tampering or damage (`entry`, `missing`, `checkpoint`, `anchor`) from a change
    that nobody has finished (`open_intent`).
    """

    kind: Literal["entry", "missing", "checkpoint", "anchor", "open_intent"]
    file: str
    line: int | None
    seq: int | None
    message: str


class Unreadable(ValueError):
    """Not what it should be; the message is a sentence without its subject."""


def json_object(content: bytes) -> dict[str, Any]:
    """The JSON object of a line.

    Raises:
        Unreadable: it is none.
    """
    try:
        document = json.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Unreadable(f"is not UTF-8 at byte {error.start + 1}") from None
    except (ValueError, RecursionError):
        raise Unreadable("is not JSON") from None
    if not isinstance(document, dict):
        raise Unreadable("is no JSON object")
    return document
