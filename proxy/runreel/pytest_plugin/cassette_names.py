"""The name of the cassette of a test that names none.

Owns that it is safe on every file system: a plain name stands as it is, any other gets a suffix
from its hash, so that tests that differ anywhere never share a cassette, also where upper and lower
case are one. It depends on the test alone, not on which others there are. Pure.
"""

import hashlib
import re
from collections.abc import Sequence

TEARDOWN = ".teardown"  # what ends the name of the cassette of a test's teardown

_PLAIN = re.compile(r"[a-z0-9][a-z0-9_.]{0,63}")
_UNSAFE = re.compile(r"[^A-Za-z0-9_]+")
_READABLE_CHARS = 48  # of a name that is not plain; with hash and TEARDOWN it stays below 81
_HASH_DIGITS = 10
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul"}
    | {f"{port}{number}" for port in ("com", "lpt") for number in range(10)}
)


def cassette_name(module: str, test: Sequence[str]) -> str:
    """The name for a test in a module (its file's name without suffix), given by its classes and
    its own name with parameters, as in `["TestRuns", "test_list[a/b]"]`.
    """
    return f"{segment(module)}/{segment('.'.join(test))}"


def segment(text: str) -> str:
    """A text as one part of a cassette's name; texts that differ never give the same."""
    if _PLAIN.fullmatch(text) and not _collides(text):
        return text
    digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:_HASH_DIGITS]
    readable = _UNSAFE.sub("-", text).strip("-_")[:_READABLE_CHARS].rstrip("-_")
    return f"{readable}-{digest}" if readable else digest


def _collides(text: str) -> bool:
    # Windows takes NUL.json for the device, too.
    stem = text.partition(".")[0]
    return stem in _RESERVED or text.endswith((".", ".json", TEARDOWN))
