"""A call of one API in terms of another: which path it has there, which members, which ids.

`verify --map` sends the calls of a cassette to another API by the rules of a `CallMap`, and turns
each answer back, so that it is compared as an answer to the recorded call. A rule is data; what
holds for every map is code here: ids. What the new API makes has an id of its own, so `Ids` learns
from the answers to what makes something how the new API calls it, and later calls name it so. What
was made in the recording and not there is named by no call: `CallMap.step` says so in a sentence.
"""

import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from runreel.http import sse, strict_json
from runreel.http.messages import Headers, Interaction, Request, Response, values, without
from runreel.http.strict_json import steps
from runreel.matching.json_diff import ABSENT
from runreel.redaction.rules import OURS
from runreel.text import cut

_VARIABLE = re.compile(r"\{([a-z_]+)(\*?)\}")

_ID_CHARS_MAX = 100  # of one that is told

Members = Mapping[str, str]  # what is made, by JSON pointer: where it is taken from


@dataclass(frozen=True, slots=True)
class Again:
    """A read that is sent again while the member `at` of its answer is one of `values` and the
    recorded one is none of them: every `every_ms`, `at_most` times.
    """

    at: str
    values: tuple[str, ...]
    every_ms: int
    at_most: int


@dataclass(frozen=True, slots=True)
class CallRule:
    """One kind of call: `method` and `path` as recorded (`*` is any method, `{name}` a segment,
    `{name*}` all that is left), `to_method` and `to` as the new API has it.

    With `skip`, a sentence, nothing is sent and that is why.

    `request` and `response` are None where bodies go as they are; else no member counts that is
    not named. `constants` are members that the new API gets besides, `query` parameters. `values`
    says by JSON pointer which values of the new API stand for a recorded one.
    """

    method: str
    path: str
    to: str = "/"
    skip: str | None = None
    to_method: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    without_headers: frozenset[str] = frozenset()
    request: Members | None = None
    constants: Mapping[str, Any] = field(default_factory=dict)
    response: Members | None = None
    values: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    again: Again | None = None

    def variables(self, method: str, path: str) -> dict[str, str] | None:
        """What the variables of `path` stand for in a call; None if the rule is not for it."""
        if self.method not in ("*", method):
            return None
        found = _pattern(self.path).fullmatch(path)
        return None if found is None else found.groupdict()

    @property
    def makes(self) -> bool:
        """Whether it makes other bodies of calls."""
        return self.request is not None or bool(self.constants)

    @property
    def turns(self) -> bool:
        """Whether it makes other bodies of answers."""
        return self.response is not None or bool(self.values)


def variables_of(template: str) -> set[str]:
    """The names of the variables in a path or a constant."""
    return {name for name, _ in _VARIABLE.findall(template)}


def _pattern(path: str) -> re.Pattern[str]:
    parts = _VARIABLE.split(path)
    texts, names, stars = parts[::3], parts[1::3], parts[2::3]
    pattern = re.escape(texts[0])
    for name, star, text in zip(names, stars, texts[1:], strict=True):
        pattern += f"(?P<{name}>{'.*' if star else '[^/]+'}){re.escape(text)}"
    return re.compile(pattern)


def _filled(template: str, variables: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: variables[found[1]], template)


class Ids:
    """What the recording calls things, and what the new API does; `given` is known before."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._there = dict(given)
        self._here = {there: here for here, there in given.items()}
        self._missing: set[str] = set()

    def missing(self, texts: Iterator[str]) -> str | None:
        """The first of these texts that names what the recording made and the new API did not."""
        return next((text for text in texts if text in self._missing), None)

    def there(self, text: str) -> str:
        """A text of a call, in which an id is that of the new API."""
        return self._there.get(text, text)

    def to(self, document: Any) -> Any:
        """A document of a call, likewise."""
        return _replaced(document, self._there)

    def back(self, document: Any) -> Any:
        """A document of the new API with the recorded ids."""
        return _replaced(document, self._here)

    def learn(self, made: Mapping[str, str], live: Mapping[str, str]) -> None:
        """Take in the ids, by their members, that were new in a recorded answer and in the new
        API's to the same call; one that has no counterpart there is missing.
        """
        for member, recorded in made.items():
            if recorded in self._there:
                continue
            if member in live:
                self._there[recorded] = live[member]
                self._here[live[member]] = recorded
                self._missing.discard(recorded)
            else:
                self._missing.add(recorded)


@dataclass(frozen=True, slots=True)
class Step:
    """A recorded call and what is sent for it: `request`, without any credential, by `rule`."""

    recorded: Interaction
    request: Request
    rule: CallRule

    def waits(self, answer: Response) -> bool:
        """Whether the call is to be sent again, for the answer is not the last one."""
        again = self.rule.again
        if again is None:
            return False
        bodies = answer.body, self.recorded.response.body
        there, here = (_member(_document(body), again.at) for body in bodies)
        return there in again.values and here not in again.values

    def turned(self, answer: Response, ids: Ids) -> bytes:
        """The body of the new API's answer in terms of the recorded call; `ids` learns from it.

        An answer that went another way than the recorded one, or is no JSON, stays as it came.
        """
        there, here = _document(answer.body), _document(self.recorded.response.body)
        turned = there
        alike = answer.status // 100 == self.recorded.response.status // 100 == _WORKED
        if alike and isinstance(there, dict) and isinstance(here, dict):
            turned = self._in_recorded_terms(there, here)
        self.learn(_ids_of(turned) if alike else {}, ids)
        turned = ids.back(turned)
        return answer.body if turned is there or turned == there else _written(turned)

    def learn_from_stream(self, answer: Response, ids: Ids) -> None:
        """Take in the ids of what a stream tells that it made."""
        self.learn(_ids_of_events(answer.body), ids)

    def learn(self, live: Mapping[str, str], ids: Ids) -> None:
        """Take in the ids of what the call made, in the recording and in the new API."""
        ids.learn(made_by(self.recorded), live)

    def _in_recorded_terms(self, there: dict[str, Any], here: dict[str, Any]) -> dict[str, Any]:
        turned = deepcopy(there)
        if self.rule.response is not None:
            turned = deepcopy(here)
            for made, taken in self.rule.response.items():
                _put(turned, made, _member(there, taken))
        for at, stand_for in self.rule.values.items():
            recorded = _member(here, at)
            if isinstance(recorded, str) and _member(turned, at) in stand_for.get(recorded, ()):
                _put(turned, at, recorded)
        return turned


@dataclass(frozen=True)
class CallMap:
    """A way from one API to another: the first of the `calls` that is for a call counts.

    `about` says in a sentence what it is for, `key_from` the environment variable whose value is
    sent as a bearer token, None if there is none.
    """

    about: str
    calls: tuple[CallRule, ...]
    ids: Mapping[str, str] = field(default_factory=dict)
    key_from: str | None = None

    def step(self, recorded: Interaction, base_path: str, ids: Ids) -> Step | str:
        """What is sent for a recorded call, or a sentence that says why nothing is."""
        request = recorded.request
        if recorded.never_served:
            return "it has no recorded answer that anybody received"
        if OURS.search(request.target) or OURS.search(request.body.decode("latin-1")):
            return "a secret was taken out of it when it was recorded"
        path, _, query = request.target.partition("?")
        below = path.removeprefix(base_path) if path.startswith(f"{base_path}/") else path
        rule, variables = self._rule(request.method, below)
        if rule is None:
            return "the map has no rule for it"
        if rule.skip is not None:
            return rule.skip
        if recorded.response.at_ms is not None and rule.turns:
            return "its answer is a stream, and the map's rule for it is one for documents"
        if (absent := ids.missing(_named(request))) is not None:
            shown = cut(absent, _ID_CHARS_MAX)
            return f"it names {shown}, which was made in the recording and not by the new API"
        if rule.makes and request.body and _document(request.body) is ABSENT:
            return "its body is no JSON, and the map's rule for it takes members of one"
        variables = {name: _in_path(value, ids) for name, value in variables.items()}
        return Step(recorded, _request(rule, request, query, variables, ids), rule)

    def _rule(self, method: str, path: str) -> tuple[CallRule | None, dict[str, str]]:
        for rule in self.calls:
            if (variables := rule.variables(method, path)) is not None:
                return rule, variables
        return None, {}


def _request(
    rule: CallRule, request: Request, query: str, variables: Mapping[str, str], ids: Ids
) -> Request:
    target = _filled(rule.to, variables) + _query(query, rule, ids)
    # A header of which a secret was taken out says nothing to anybody.
    kept = without(request.headers, rule.without_headers)
    headers: Headers = tuple(pair for pair in kept if not OURS.search(pair[1]))
    body = _body(rule, request.body, variables, ids)
    if body and not values(headers, "content-type"):
        headers += (("Content-Type", "application/json"),)
    return Request(rule.to_method or request.method, target, headers, body)


def _in_path(segments: str, ids: Ids) -> str:
    """Segments of a path, in which an id is that of the new API."""
    found = []
    for segment in segments.split("/"):
        read = unquote(segment)
        there = ids.there(read)
        found.append(segment if there == read else quote(there, safe=""))
    return "/".join(found)


def _query(query: str, rule: CallRule, ids: Ids) -> str:
    parts = []
    for part in filter(None, query.split("&")):
        name, equals, value = part.partition("=")
        if unquote(name) not in rule.query:
            parts.append(f"{name}{equals}{_in_path(value, ids)}")
    parts += [f"{quote(name)}={quote(value, safe='')}" for name, value in rule.query.items()]
    return f"?{'&'.join(parts)}" if parts else ""


def _body(rule: CallRule, body: bytes, variables: Mapping[str, str], ids: Ids) -> bytes:
    document = _document(body)
    if rule.makes:
        if not body and not rule.constants:
            return b""
        made: dict[str, Any] = {}
        if rule.request is None and isinstance(document, dict):
            made = deepcopy(document)
        for at, taken in (rule.request or {}).items():
            _put(made, at, _member(document, taken))
        read = {name: unquote(value) for name, value in variables.items()}
        for at, value in rule.constants.items():
            _put(made, at, _filled(value, read) if isinstance(value, str) else value)
        return _written(ids.to(made))
    there = ids.to(document)
    return body if there is ABSENT or there == document else _written(there)


def _named(request: Request) -> Iterator[str]:
    """All that a call may name: segments of its path, values of its query, texts of its body."""
    path, _, query = request.target.partition("?")
    yield from (unquote(segment) for segment in path.split("/"))
    yield from (unquote(part.partition("=")[2]) for part in query.split("&"))
    document = _document(request.body)
    yield from () if document is ABSENT else strict_json.strings_of(document)


def made_by(recorded: Interaction) -> dict[str, str]:
    """The ids of what a recorded call made, by the members that tell them: those in the answer to a
    POST that the call itself did not name.
    """
    request, response = recorded.request, recorded.response
    if request.method != "POST" or recorded.failed or response.status // 100 != _WORKED:
        return {}
    found = (
        _ids_of_events(response.body)
        if response.at_ms is not None
        else _ids_of(_document(response.body))
    )
    named = set(_named(request))
    return {member: id_ for member, id_ in found.items() if id_ not in named}


def _ids_of(document: Any) -> dict[str, str]:
    if not isinstance(document, dict):
        return {}
    return {
        name: value
        for name, value in document.items()
        if (name == "id" or name.endswith("_id")) and isinstance(value, str) and value
    }


def _ids_of_events(body: bytes) -> dict[str, str]:
    """The ids in the first event of each name that tells of something new."""
    found: dict[str, str] = {}
    for event in sse.split(body):
        name, parts = sse.name_of(event), sse.around_data(event)
        if name.endswith(_NEW) and parts is not None:
            for member, id_ in _ids_of(_document(parts[1])).items():
                found.setdefault(f"{name} {member}", id_)
    return found


_NEW = ".created"  # how the names of events end that tell of something new
_WORKED = 2  # hundreds of a status


def _document(body: bytes) -> Any:
    """The JSON value of a body, `ABSENT` if it has none."""
    try:
        return strict_json.loads(body.decode("utf-8"))
    except ValueError:
        return ABSENT


def _written(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )


def _member(document: Any, at: str) -> Any:
    """What stands at a JSON pointer, `ABSENT` if nothing does."""
    for step in steps(at):
        if isinstance(document, dict):
            document = document.get(step, ABSENT)
        elif isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            return ABSENT
    return document


def _put(document: dict[str, Any], at: str, value: Any) -> None:
    """Let a value, or nothing if it is `ABSENT`, stand at a JSON pointer."""
    *parents, last = steps(at)
    for step in parents:
        inner = document.get(step)
        if not isinstance(inner, dict):
            if value is ABSENT:
                return
            inner = document[step] = {}
        document = inner
    if value is ABSENT:
        document.pop(last, None)
    else:
        document[last] = value


def _replaced(value: Any, others: Mapping[str, str]) -> Any:
    """A value in which some texts are others."""
    if isinstance(value, str):
        return others.get(value, value)
    if isinstance(value, list):
        return [_replaced(item, others) for item in value]
    if isinstance(value, dict):
        return {name: _replaced(item, others) for name, item in value.items()}
    return value
