"""The bytes of an answer: JSON with two spaces as OpenAI wrote it, compact as rubra did, and SSE.

Owns layout only; the order of members is the documents' own.
"""

import json
from typing import Any

DONE = b"event: done\ndata: [DONE]\n\n"


def indented(document: Any) -> bytes:
    """JSON with two spaces."""
    return json.dumps(document, indent=2, ensure_ascii=False).encode("utf-8", "replace")


def compact(document: Any) -> bytes:
    """JSON in one line."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "replace")


def event(name: str, document: Any) -> bytes:
    """One event of a stream, with the blank line that ends it."""
    return b"event: %b\ndata: %b\n\n" % (name.encode("ascii"), compact(document))
