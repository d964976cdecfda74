"""The names of cassettes that no marker names: after the test or fixture whose calls they hold."""

import hashlib
import re
from collections.abc import Iterable, Sequence

SETUP, TEARDOWN = ".setup", ".teardown"  # what ends the name of a cassette of that phase

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.]*(?:\[[A-Za-z0-9_.\[\]-]+\])?")
_PLAIN_CHARS_MAX = 72  # with TEARDOWN it stays below 82
_UNSAFE = re.compile(r"[^A-Za-z0-9_]+")
_READABLE_CHARS = 48  # of a name that is not plain
_HASH_DIGITS = 10
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul"}
    | {f"{port}{number}" for port in ("com", "lpt") for number in range(10)}
)
_HOOK_OF_OTHERS = re.compile(r"_(?:xunit|unittest)_(\w+?)_fixture_.*")  # as pytest names them


def cassette_name(module: str, test: Sequence[str], *, apart: bool = False) -> str:
    """The name for a test in a module (its file's name without suffix), given by its classes and
    its own name with parameters, as in `["TestRuns", "test_list[a/b]"]`; `apart` as for `segment`.
    """
    folder = segment(module, apart=module != module.lower())
    return f"{folder}/{segment('.'.join(test), apart=apart)}"


def segment(text: str, *, apart: bool = False) -> str:
    """A text as one part of a cassette's name. Texts that differ never give the same; those that
    differ in case only are kept `apart` by whoever knows them both.

    A name that every file system takes stands as it is, any other gets a suffix from its hash.
    """
    plain = len(text) <= _PLAIN_CHARS_MAX and _PLAIN.fullmatch(text)
    if plain and not apart and not _collides(text):
        return text
    digest = hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:_HASH_DIGITS]
    readable = _UNSAFE.sub("-", text).strip("-_")[:_READABLE_CHARS].rstrip("-_")
    return f"{readable}-{digest}" if readable else digest


def fixture_name(argname: str) -> str:
    """What a fixture is called: `setUpClass` for the one that pytest makes of such a method."""
    made = _HOOK_OF_OTHERS.fullmatch(argname)
    return made[1] if made else argname


def equal_but_for_case(names: Iterable[str]) -> set[str]:
    """Those of some names that a file system that does not count case would take for another one;
    of each such group one without capitals stands as it is.
    """
    groups: dict[str, set[str]] = {}
    for name in names:
        groups.setdefault(name.lower(), set()).add(name)
    return {
        name for lower, group in groups.items() if len(group) > 1 for name in group if name != lower
    }


def _collides(text: str) -> bool:
    # Windows takes NUL.json for the device, too.
    stem = text.partition(".")[0].lower()
    return stem in _RESERVED or text.lower().endswith((".", ".json", SETUP, TEARDOWN))
