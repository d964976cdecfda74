"""Which parts of an answer say nothing of the API that gave it: the rule of verify mode.

Owns the tables, which README and `runreel verify --help` show, and `Rule`, which a configuration
adds to. Compares nothing itself and imports nothing of ours, so that help stays quick.
"""

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property

# A member of such a name does not count if both its values have the shape of an id, or of a time.
# Below `metadata` it does: that is the client's own.
IDS = ("id", "*_id", "*_ids")
TIMES = ("created", "*_at")
CLIENTS_OWN = "metadata"
# What a model wrote, and what it cost: of these, and of all below, only names and types count.
OUTPUT = (
    "usage",
    "text/value",
    "text/annotations",
    "refusal",
    "message/content",
    "function/arguments",
    "function/output",
    "code_interpreter/input",
    "code_interpreter/outputs",
    "file_search/results",
)
# Events of such names come in as many pieces as the model pleases.
PIECES = (".delta", ".chunk")
# All other headers belong to the moment or to the machines in between.
HEADERS = (
    "allow",
    "content-type",
    "deprecation",
    "location",
    "openai-version",
    "retry-after",
    "sunset",
    "www-authenticate",
    "x-should-retry",
)

_LETTERS_AND_DIGITS = r"[A-Za-z0-9]"
_UUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
# run_abc123, file-abc123, 65f1c0ffee65f1c0ffee65f1, UUIDs with or without a prefix; not gpt-4o.
_ID = re.compile(
    rf"(?:[A-Za-z]+[_-])+{_LETTERS_AND_DIGITS}{{6,}}|{_LETTERS_AND_DIGITS}{{16,}}"
    rf"|(?:[A-Za-z]+[_-])*{_UUID}"
)
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")
_OUTPUT_ENDS = tuple(f"/{end}" for end in OUTPUT)
_UNIX_TIME = (10**8, 10**14)  # 1973 in seconds to the year 5138 in milliseconds


@dataclass(frozen=True)
class Rule:
    """What a configuration adds to the tables.

    `ignore` are JSON pointers (`*` for any one step) to what is not compared at all, `volatile`
    names of members whose values do not count whatever they are, `headers` more to compare.
    """

    ignore: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()

    @cached_property
    def compared_headers(self) -> tuple[str, ...]:
        """The names of the headers that are compared, in lower case and in order."""
        return tuple(sorted({*HEADERS, *(name.lower() for name in self.headers)}))

    @cached_property
    def _ignored(self) -> tuple[re.Pattern[str], ...]:
        return tuple(
            re.compile("/".join("[^/]*" if step == "*" else re.escape(step) for step in steps))
            for steps in (at.split("/") for at in self.ignore)
        )

    def ignores(self, at: str) -> bool:
        """Whether what stands at a JSON pointer is not compared."""
        return any(pattern.fullmatch(at) for pattern in self._ignored)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a document a value stands: its JSON pointer, and the name of the member it is in.

    It is `free` if its value does not count, and the client's `own` below `metadata`.
    """

    at: str = ""
    name: str = ""
    free: bool = False
    own: bool = False

    def member(self, at: str, name: str, rule: Rule) -> "Place":
        """The place of a member of the object here."""
        own = self.own or name == CLIENTS_OWN
        written = at.endswith(_OUTPUT_ENDS) and not own
        return Place(at, name, self.free or written or name in rule.volatile, own)

    def item(self, at: str) -> "Place":
        """The place of an item of the list here: it has the name of the list."""
        return replace(self, at=at)

    def varies(self, recorded: object, live: object) -> bool:
        """Whether two values of one type may differ here."""
        if self.free:
            return True
        if self.own:
            return False
        return (_named(self.name, IDS) and _is_id(recorded) and _is_id(live)) or (
            _named(self.name, TIMES) and _is_time(recorded) and _is_time(live)
        )


def _named(name: str, patterns: tuple[str, ...]) -> bool:
    return any(
        name.endswith(pattern[1:]) if pattern.startswith("*") else name == pattern
        for pattern in patterns
    )


def _is_id(value: object) -> bool:
    if isinstance(value, str):
        return _ID.fullmatch(value) is not None
    return isinstance(value, int) and not isinstance(value, bool)


def _is_time(value: object) -> bool:
    if isinstance(value, str):
        return _ISO_TIME.fullmatch(value) is not None
    return isinstance(value, int | Decimal) and _UNIX_TIME[0] <= value < _UNIX_TIME[1]
