"""YAML, read as plain values only.

Anybody may have written it, so it is built from the parser's events: no tag ever builds an object,
nothing recurses, and what aliases repeat is counted before it is used. Every refusal names line and
column.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from runreel.http.strict_json import BadDocument

DEPTH_MAX = 100
# What a document may come to when aliases are written out, in bytes of text plus so many for each
# value: it is held in memory, and read from end to end.
EXPANDED_BYTES_MAX = 256 * 1024 * 1024
_VALUE_BYTES = 64

_STANDARD = "tag:yaml.org,2002:"
# Ruby 1.8 wrote `!binary`; Python 2 marked its strings.
_TEXTS = {f"{_STANDARD}{name}" for name in ("str", "python/str", "python/unicode", "timestamp")}
_BINARIES = {f"{_STANDARD}binary", "!binary"}
_CONSTRUCTORS = {
    f"{_STANDARD}null": SafeConstructor.construct_yaml_null,
    f"{_STANDARD}bool": SafeConstructor.construct_yaml_bool,
    f"{_STANDARD}int": SafeConstructor.construct_yaml_int,
    f"{_STANDARD}float": SafeConstructor.construct_yaml_float,
}
_COLLECTIONS = {None, "!", f"{_STANDARD}seq", f"{_STANDARD}map"}
_NO_KEY = object()


def load(content: bytes) -> Any:
    """The value of a document: dicts, lists, strings, bytes and plain scalars.

    Raises:
        BadDocument: not YAML, or YAML that is not read here; names line and column.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    building = _Building()
    try:
        for event in yaml.parse(content, Loader=loader):
            building.take(event)
    except yaml.MarkedYAMLError as error:
        raise BadDocument(_place(error.problem_mark), f"not YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise BadDocument("", f"not YAML: {' '.join(str(error).split())}") from None
    return building.value


def _place(mark: Any) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come, and the key that waits for its value."""

    value: list[Any] | dict[Any, Any]
    anchor: str | None
    begun: int
    key: Any = _NO_KEY


class _Building:
    """What the events so far come to."""

    def __init__(self) -> None:
        self.value: Any = None
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._expanded = 0
        self._documents = 0
        self._constructor = SafeConstructor()
        self._resolve: Any = Resolver().resolve

    def take(self, event: Any) -> None:
        """Take the next event."""
        match event:
            case yaml.AliasEvent():
                if event.anchor not in self._anchors:
                    raise _bad(event, f"the alias *{event.anchor} stands for nothing before it")
                value, size = self._anchors[event.anchor]
                self._count(event, size)
                self._add(event, value)
            case yaml.ScalarEvent():
                begun = self._expanded
                self._count(event, _VALUE_BYTES + len(event.value))
                value = self._scalar(event)
                self._name(event.anchor, value, begun)
                self._add(event, value)
            case yaml.SequenceStartEvent():
                self._begin(event, [])
            case yaml.MappingStartEvent():
                self._begin(event, {})
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                done = self._open.pop()
                self._name(done.anchor, done.value, done.begun)
                self._add(event, done.value)
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise _bad(event, "a second document begins")

    def _begin(self, event: Any, value: "list[Any] | dict[Any, Any]") -> None:
        if event.tag not in _COLLECTIONS:
            raise _bad_tag(event, event.tag)
        if len(self._open) == DEPTH_MAX:
            raise _bad(event, f"nested deeper than {DEPTH_MAX} levels")
        if event.anchor is not None:
            self._anchors.pop(event.anchor, None)
        self._open.append(_Open(value, event.anchor, self._expanded))
        self._count(event, _VALUE_BYTES)

    def _add(self, event: Any, value: Any) -> None:
        if not self._open:
            self.value = value
            return
        parent = self._open[-1]
        if isinstance(parent.value, list):
            parent.value.append(value)
        elif parent.key is not _NO_KEY:
            parent.value[parent.key] = value
            parent.key = _NO_KEY
        elif isinstance(value, list | dict):
            raise _bad(event, "the name of a member is a collection")
        elif value in parent.value:
            raise _bad(event, f"the member {value!r} stands twice")
        else:
            parent.key = value

    def _name(self, anchor: str | None, value: Any, begun: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = (value, self._expanded - begun)

    def _count(self, event: Any, size: int) -> None:
        self._expanded += size
        if self._expanded > EXPANDED_BYTES_MAX:
            raise _bad(event, f"it comes to more than {EXPANDED_BYTES_MAX:,} bytes")

    def _scalar(self, event: Any) -> Any:
        tag = event.tag
        if tag is None or tag == "!":
            tag = self._resolve(yaml.ScalarNode, event.value, event.implicit)
        if tag in _TEXTS:
            return event.value
        try:
            if tag in _BINARIES:
                return base64.b64decode("".join(event.value.split()), validate=True)
            if construct := _CONSTRUCTORS.get(tag):
                return construct(self._constructor, yaml.ScalarNode(tag, event.value))
        except binascii.Error as error:
            raise _bad(event, f"base64 that cannot be read: {error}") from None
        except (ValueError, KeyError):
            raise _bad(event, f"not a value of its tag: {event.value[:40]!r}") from None
        raise _bad_tag(event, tag)


def _bad(event: Any, reason: str) -> BadDocument:
    return BadDocument(_place(event.start_mark), reason)


def _bad_tag(event: Any, tag: str) -> BadDocument:
    return _bad(
        event, f"the tag {tag.replace(_STANDARD, '!!')} is not plain data, and is never run"
    )
