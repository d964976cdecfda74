"""A miss that explains itself: the recordings that resemble a request, and every word about it.

Values are those that matching compared (`differences`), sides are labelled `sent` and `recorded`,
and recordings that were already played are candidates too. `Missed` is the one place where a miss
is worded, whoever tells it: what differs, how far the cassette was played, where it is, what would
ignore the difference, and what records it anew. Knows nothing of HTTP.
"""

import json
import re
import shlex
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from operator import eq
from typing import Any
from urllib.parse import urlsplit

from runreel.http import strict_json
from runreel.http.messages import Interaction, Request
from runreel.matching.drift import is_id, is_time
from runreel.matching.json_diff import (
    ABSENT,
    Difference,
    apart,
    differences,
    readable,
    unified_diff,
)
from runreel.matching.matchers import (
    BODY_PREFIX,
    HEADER_PREFIX,
    MATCH_ON,
    QUERY_PREFIX,
    Fingerprint,
    MatchOn,
    in_order,
)
from runreel.matching.resources import base_path_of
from runreel.redaction.redactor import Redacted, request_of
from runreel.redaction.rules import PLACEHOLDER
from runreel.text import counted, cut, excerpt, json_excerpt, safe, safe_ascii

NO_MATCH = "no_matching_interaction"
EXHAUSTED = "interaction_exhausted"
ANOTHER_STORY = "another_story"

_COMPARED_CHARS_MAX = 1_000_000  # of candidates that are compared member by member: some 0.3 s
_COMPARED_MAX = 256  # such candidates
_SHOWN_MAX = 12  # ids of writes that the cassette does not hold
WRITES_MAX = 6  # played ones that are named, the last ones
_RULES_MAX = 12  # places that a configuration is shown to ignore
_VARIABLE_CHARS_MAX = 200  # of what may look like an id, a time or a random value
_COMMAND_CHARS_MAX = 8_000  # of a command that is shown
_STATE = (
    "A recording answers only after the very writes that had been made when it was recorded; "
    "--no-barriers (on pytest's marker: barriers=False) plays by request and order alone, for "
    "those who replay parts of a cassette on purpose."
)
_ONCE = (
    "Each recording answers once, in recorded order; --repeat last lets the last one answer again."
)
_ONCE_AGAIN = "POST /_runreel/sessions/ID/rewind makes all of them answer again."
_VALUE_CHARS_MAX = 100  # of one value in a message
_FILE_CHARS_MAX = 1_000  # of the path of a cassette


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recording that a request was compared with."""

    fingerprint: Fingerprint
    interaction: Redacted[Interaction]
    played: bool


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with all that tells it from a request; nothing does if it matches."""

    candidate: Candidate
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Unmet:
    """What keeps a recording that matches from answering, in terms of writes.

    `unplayed` were made before it when it was recorded and were not played; `played` were played,
    and not made before it; `missing` are ids that the cassette does not hold. `overlapped`: it was
    recorded while another call was under way, and `order` is how these came then. `unrecorded`: a
    write was passed on that no recording knows. `unordered`: its list was entered in another way
    than recorded. `twins`: equal requests are recorded in several states, so that workers that make
    them cannot be told apart. `repeats`: --repeat last is on.
    """

    unplayed: tuple[Candidate, ...] = ()
    played: tuple[Candidate, ...] = ()
    missing: tuple[str, ...] = ()
    overlapped: bool = False
    order: tuple[Candidate, ...] = ()
    unrecorded: bool = False
    unordered: bool = False
    twins: bool = False
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a cassette was played: how many of its `recordings`, and which `writes` last, with
    `more_writes` before those.
    """

    played: int
    recordings: int
    writes: tuple[Candidate, ...] = ()
    more_writes: int = 0


def progress_of(candidates: Iterable[tuple[Candidate, bool]]) -> Progress:
    """The progress of a session, from its recordings, each with whether it is a write."""
    every = [*candidates]
    writes = [item for item, writes in every if item.played and writes]
    last = tuple(writes[-WRITES_MAX:])
    return Progress(
        sum(item.played for item, _ in every), len(every), last, len(writes) - len(last)
    )


@dataclass(frozen=True, slots=True)
class Miss:
    """Nothing to serve: `code` says which kind; `nearest` is None on an empty cassette.

    `differences` is empty when the nearest recording does match but was played already, or belongs
    to another state; then `unmet` says by which writes. `diff` shows them line by line. `repeated`
    is how many times in a row it has answered again, `repeats` whether it may at all. `compared` is
    with how many recordings it was compared, None: with all that could be the nearest.
    """

    code: str
    nearest: Candidate | None = None
    differences: tuple[Difference, ...] = ()
    unmet: Unmet | None = None
    repeated: int = 0
    repeats: bool = False
    diff: tuple[str, ...] = ()
    progress: Progress | None = None
    compared: int | None = None


def nearest_to(
    sent: Fingerprint, code: str, candidates: Iterable[Candidate], *, are_all: bool = True
) -> Miss:
    """The miss of a request, with the candidate that resembles it most; they may not be all that
    there are.
    """
    likeness = _Likeness(sent)
    every = [*candidates]
    if not every:
        return Miss(code)
    most = max(likeness.of(item.fingerprint) for item in every)
    alike = [item for item in every if likeness.of(item.fingerprint) == most]
    tried = _tried(sent, alike)
    compared = [Ranked(item, differences(sent, item.fingerprint)) for item in tried]
    found = max(compared, key=lambda item: (-len(item.differences), not item.candidate.played))
    told = None
    if len(alike) > _COMPARED_MAX:
        told = len(tried)
    elif not are_all:
        told = len(every)
    miss = Miss(code, found.candidate, found.differences, compared=told)
    if not found.differences:
        return miss
    recorded = found.candidate
    name = recorded.interaction.value.id
    return replace(miss, diff=unified_diff(sent, recorded.fingerprint, found.differences, name))


def _tried(sent: Fingerprint, alike: list[Candidate]) -> list[Candidate]:
    """Those of equally alike candidates that are compared member by member: as many as may be, and
    of more than that those whose texts have the most pieces in common with the request.
    """
    if len(alike) > _COMPARED_MAX:
        pieces = [set(text.split(",")) for _, text in sent]

        def common(item: Candidate) -> int:
            pairs = zip(pieces, item.fingerprint, strict=True)
            return sum(len(mine.intersection(text.split(","))) for mine, (_, text) in pairs)

        alike = sorted(alike, key=common, reverse=True)[:_COMPARED_MAX]
    return alike[: _affordable(alike)]


def _affordable(candidates: Sequence[Candidate]) -> int:
    """How many of them can be compared member by member, from the first on; at least one."""
    chars = count = 0
    while count < len(candidates) and chars <= _COMPARED_CHARS_MAX:
        chars += sum(len(text) for _, text in candidates[count].fingerprint)
        count += 1
    return count


def ranking(sent: Fingerprint, candidates: Iterable[Candidate]) -> Iterator[Ranked]:
    """The candidates as they resemble a request, the most alike first; ties go to the unplayed.

    Where there is too much to compare, what is less alike at a glance comes last, in that order.
    """
    likeness = _Likeness(sent)

    def compared(item: Candidate) -> Ranked:
        return Ranked(item, differences(sent, item.fingerprint))

    alike = sorted(candidates, key=lambda item: likeness.of(item.fingerprint), reverse=True)
    count = _affordable(alike)
    yield from sorted(
        map(compared, alike[:count]),
        key=lambda item: (
            likeness.of(item.candidate.fingerprint),
            -len(item.differences),
            not item.candidate.played,
        ),
        reverse=True,
    )
    yield from map(compared, alike[count:])


class _Likeness:
    """How alike requests are to one: the method first, then the path by its equal segments, then
    the number of equal matchers. So another body for the same run is nearer than this body for
    another.
    """

    def __init__(self, sent: Fingerprint) -> None:
        self._sent = sent
        names = [name for name, _ in sent]
        self._method = names.index("method") if "method" in names else None
        self._path = names.index("path") if "path" in names else None
        self._known: dict[str, float] = {}  # by path

    def of(self, recorded: Fingerprint) -> tuple[bool, float, int]:
        """The likeness of a request that is matched by the same rules; the greatest is the most."""
        sent, method = self._sent, self._method
        alike = 1.0
        if self._path is not None:
            path = recorded[self._path][1]
            if path not in self._known:
                self._known[path] = _path_likeness(sent[self._path][1], path)
            alike = self._known[path]
        same_method = method is None or sent[method] == recorded[method]
        return same_method, alike, sum(map(eq, sent, recorded))


class Neighbours:
    """Where recordings stand by method and path, to find those near a request without looking at
    all. Its cost is a few bytes for each path.
    """

    def __init__(self, fingerprints: Iterable[tuple[int, Fingerprint]]) -> None:
        # By method and path; most paths have one.
        self._positions: dict[str, dict[str, int | list[int]]] = {}
        for at, print_ in fingerprints:
            method, path = _call(print_)
            paths = self._positions.get(method)
            if paths is None:
                paths = self._positions[method] = {}
            there = paths.get(path)
            if there is None:
                paths[path] = at
            elif isinstance(there, int):
                paths[path] = [there, at]
            else:
                there.append(at)
        self._paths = {method: sorted(paths) for method, paths in self._positions.items()}

    def near(self, sent: Fingerprint) -> list[int]:
        """The positions of at most `LOOKED_AT_MAX` recordings, in order: of the same method, if
        there are any, those of the same path, of paths that begin alike, also under other base
        paths, and some of all others.
        """
        method, path = _call(sent)
        methods = [method] if method in self._paths else [*self._paths]
        found: dict[int, None] = {}
        share = LOOKED_AT_MAX // len(methods)
        for each in methods:
            some = islice(self._some(each, path), share)
            found.update(dict.fromkeys(some))
        return sorted(found)

    def _some(self, method: str, path: str) -> Iterator[int]:
        paths = self._paths[method]
        sample = paths[:: max(1, len(paths) // _SAMPLED_MAX)]
        yield from self._of(method, path, LOOKED_AT_MAX // 2)
        for like in dict.fromkeys((path, *_elsewhere(path, sample))):
            for neighbour in _beside(paths, like):
                yield from self._of(method, neighbour, _OF_ONE_PATH_MAX)
        for other in sample:
            yield from self._of(method, other, 1)

    def _of(self, method: str, path: str, most: int) -> Sequence[int]:
        """At most so many of the positions of a path: the first ones, and some of all others."""
        there = self._positions[method].get(path, ())
        return (there,) if isinstance(there, int) else _spread(there, most)


LOOKED_AT_MAX = 1_000  # recordings that a miss is compared with, most of them at a glance
_SAMPLED_MAX = 64  # paths that are tried whatever they are
_BESIDE_MAX = 64  # paths before and after one in the order of the alphabet
_OF_ONE_PATH_MAX = 8  # recordings of a path that begins alike


def _call(print_: Fingerprint) -> tuple[str, str]:
    method = path = ""
    for name, text in print_:
        if name == "path":
            path = text
        elif name == "method":
            method = text
    return method, path


def _spread(positions: Sequence[int], most: int) -> Sequence[int]:
    """At most so many of them: the first half of that, and some of all that follow."""
    if len(positions) <= most:
        return positions
    rest = positions[most // 2 :]
    step = -(-len(rest) // (most - most // 2))
    return [*positions[: most // 2], *rest[::step]]


def _elsewhere(path: str, sample: Iterable[str]) -> Iterator[str]:
    """The same resource under the base paths of other paths."""
    mine = base_path_of(path)
    if mine is not None:
        bases = {base_path_of(other) for other in sample} - {mine, None}
        yield from (f"{base}{path.removeprefix(mine)}" for base in sorted(filter(None, bases)))
        if "" in bases:
            yield path.removeprefix(mine)


def _beside(paths: list[str], path: str) -> Iterator[str]:
    """The paths around the place of one in their order, the nearest first."""
    at = bisect_left(paths, path)
    for step in range(_BESIDE_MAX):
        yield from paths[at + step : at + step + 1]
        if step < at:
            yield paths[at - step - 1]


def _path_likeness(sent: str, recorded: str) -> float:
    longest = max(sent.count("/"), recorded.count("/")) + 1
    if (bases := _other_base(sent, recorded)) is None:
        return _equal_segments(sent, recorded) / longest
    # What is wrong there moves all the rest, and is half a segment: the same thing elsewhere is
    # nearer than another thing here.
    sent, recorded = sent.removeprefix(bases[0]), recorded.removeprefix(bases[1])
    of_rest = max(sent.count("/"), recorded.count("/")) + 1
    return _equal_segments(sent, recorded) / of_rest - 0.5 / longest


def _equal_segments(sent: str, recorded: str) -> int:
    both = zip(sent.split("/"), recorded.split("/"), strict=False)
    return sum(one == other for one, other in both)


def _other_base(sent: str, recorded: str) -> tuple[str, str] | None:
    """The base paths of two paths to the same kind of resource, if they differ."""
    mine, theirs = base_path_of(sent), base_path_of(recorded)
    if mine is None or theirs is None or mine == theirs:
        return None
    roots = {sent.removeprefix(mine).split("/")[1], recorded.removeprefix(theirs).split("/")[1]}
    return (mine, theirs) if len(roots) == 1 else None


BEHIND = "To record it anew, run the program again behind"  # a proxy that is started so
UPSTREAM = "\0"  # in a word of a command: where the URL of the upstream belongs
_NONE_YET = "simulator"  # the upstream of those who have none
_SWITCHED_OFF = "api.openai.com"


def is_switched_off(url: str) -> bool:
    """Whether it is of OpenAI's own API, which is not there since 2026-08-26."""
    return urlsplit(url).hostname == _SWITCHED_OFF


@dataclass(frozen=True, slots=True)
class Rerun:
    """How a cassette is recorded anew: what leads to the `words` of a command."""

    words: tuple[str, ...]
    lead: str = "To record it anew"

    def told(self, upstream: str | None) -> str:
        """It in a line, for the upstream of a cassette; None is for one that has none yet."""
        url = upstream or _NONE_YET
        url = "URL" if PLACEHOLDER in url else url
        command = " ".join(_shell_word(word.replace(UPSTREAM, url)) for word in self.words)
        if upstream is None:
            note = " (from the simulator, or give the URL of an API)"
        elif is_switched_off(url):
            note = (
                " (OpenAI switched its API off on 2026-08-26; another upstream needs a cassette of "
                "another name)"
            )
        else:
            note = ""
        return f"{self.lead}{note}: {cut(command, _COMMAND_CHARS_MAX)}"


def _shell_word(word: str) -> str:
    if word.isprintable():
        return shlex.quote(word)
    escaped = word.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{safe(escaped)}'"  # as bash and zsh read it


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the recordings of a session are and come from: their `file`, the `upstream` (without
    secrets) that they were recorded from, if any, and the rules by which they are matched. `rerun`
    is None where nobody knows how the program is run.
    """

    file: str | None = None
    upstream: str | None = None
    match_on: MatchOn = MATCH_ON
    rerun: Rerun | None = None

    def how_to_record(self) -> str | None:
        """What records the cassette anew, in a line."""
        return None if self.rerun is None else self.rerun.told(self.upstream)


NOWHERE = Origin()


@dataclass(frozen=True, slots=True)
class Missed:
    """A miss as it is told: the exception of a client, the log, a test report, `explain` and the
    receipt are renderings of this one value.

    `request` is None if it could not be redacted, and so was compared with nothing; `opaque` says
    why. `cassette` is the name of the one that had nothing to serve.
    """

    miss: Miss
    request: Redacted[Request] | None
    cassette: str
    opaque: str | None = None
    origin: Origin = NOWHERE

    @property
    def code(self) -> str:
        """Its slug."""
        return self.miss.code

    def sentence(self) -> str:
        """The first sentence, which holds the essentials."""
        return next(self._lines())

    def details(self) -> tuple[str, ...]:
        """What there is to say beside that, but for the remedy: one line each."""
        return tuple(self._lines())[1:]

    def remedy(self) -> str | None:
        """What to do, in a line, if it is known."""
        if self.request is None or self.miss.repeated:
            return None
        if (bases := self._bases()) is not None:
            return f"Give the client a base URL whose path is {_told_base(bases[1])}."
        return self.origin.how_to_record()

    def message(self) -> str:
        """All of it: what a client's exception shows."""
        return "\n".join((*self._lines(), *filter(None, (self.remedy(),))))

    def brief(self) -> str | None:
        """What is wrong in a few words, for who shows the call and the nearest recording too."""
        if self.request is None:
            return self.opaque
        if self.miss.differences:
            return self._first_difference()
        return _reasons(self.miss.unmet)[0] if self.miss.unmet else None

    def document(self) -> dict[str, Any]:
        """The miss as a receipt lists it, without method and target; an absent side is left out."""
        nearest = self.miss.nearest
        return {
            "code": self.miss.code,
            "nearest": nearest.interaction.value.id if nearest else None,
            "differences": [difference_document(item) for item in self.miss.differences],
            "message": self.sentence(),
            "details": list(self.details()),
            "remedy": self.remedy(),
        }

    def _lines(self) -> Iterator[str]:
        if self.request is None:
            yield f"No recording matches: {self.opaque}, so it was compared with nothing."
            return
        yield from self._what_is_wrong(self.request.value)
        if self.miss.progress is not None and self.miss.progress.recordings:
            yield _told_progress(self.miss.progress)
        if self.origin.file is not None and self.miss.nearest is not None:
            yield f"cassette: {excerpt(self.origin.file, _FILE_CHARS_MAX)}"
        yield from _what_ignores(self.miss.differences, self.origin.match_on)

    def _what_is_wrong(self, request: Request) -> Iterator[str]:
        miss = self.miss
        call = f"{request.method} {_name(request.target)}"
        if miss.code == ANOTHER_STORY:
            yield _another_story(call, self.cassette)
            yield from () if miss.unmet is None else _reasons(miss.unmet)
            return
        if miss.nearest is None:
            yield f"No recording matches {call}: cassette '{self.cassette}' is empty."
            return
        name = _name(miss.nearest.interaction.value.id)
        if miss.repeated:
            yield (
                f"The last recording of {call} in cassette '{self.cassette}', {name}, has answered "
                f"again {miss.repeated:,} times in a row; the client seems to be in a loop."
            )
        elif miss.unmet is not None:
            yield from _other_state(miss.unmet, call, name, self.cassette)
        elif miss.code == EXHAUSTED:
            yield (
                f"Every recording of {call} in cassette '{self.cassette}' was played already, the "
                f"last as {name}."
            )
            yield _ONCE_AGAIN if miss.repeats else _ONCE
        else:
            others = len(miss.differences) - 1
            played = " (already played)" if miss.nearest.played else ""
            yield (
                f"No recording matches {call}: {self._first_difference()}"
                f"{f', and {others} more' if others else ''}; nearest in cassette "
                f"'{self.cassette}' is {name}{played}{self._out_of()}."
            )
            yield from miss.diff

    def _out_of(self) -> str:
        """With how many recordings it was compared, if not with all of them."""
        compared, progress = self.miss.compared, self.miss.progress
        if compared is None or progress is None:
            return ""
        return f", of {compared:,} compared out of {progress.recordings:,}"

    def _first_difference(self) -> str:
        if (bases := self._bases()) is not None:
            return (
                f"the base path is wrong: sent {_told_base(bases[0])}, "
                f"recorded {_told_base(bases[1])}"
            )
        return difference_line(self.miss.differences[0])

    def _bases(self) -> tuple[str, str] | None:
        """The base paths that were sent and recorded, if that is what is wrong."""
        miss = self.miss
        if self.request is None or miss.nearest is None or miss.code != NO_MATCH:
            return None
        return _other_base(self.request.value.path, request_of(miss.nearest.interaction).value.path)


def _told_base(path: str) -> str:
    return _name(path) or "empty"


def _told_progress(found: Progress) -> str:
    count = f"{found.played:,} of {found.recordings:,} played"
    if not found.writes:
        return f"{count}, none of them a write" if found.played else count
    more = f"{found.more_writes:,} more and " if found.more_writes else ""
    listed = ", ".join(_call_of(item.interaction) for item in found.writes)
    return f"{count}, the writes among them: {more}{listed}"


_UNSTEADY = (  # digits and letters of either case, as random values have them
    re.compile(r"(?=.*\d)(?=.*[a-fA-F])[0-9a-fA-F]{8,}"),
    re.compile(r"(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9+/_-]{16,}={0,2}"),
)
_DECIMALS_MIN = 8  # of a fraction that nobody wrote by hand


def _variable(value: Any) -> str | None:
    """What a value looks like that is another one in each run; None if it looks like none."""
    match value:
        case bool():
            return None
        case str() if len(value) <= _VARIABLE_CHARS_MAX:
            number = int(value) if value.isascii() and value.isdecimal() else value
            if is_time(number):
                return "a time"
            if isinstance(number, str) and any(map(str.isdigit, value)) and is_id(value):
                return "an id"
            return "a random value" if any(it.fullmatch(value) for it in _UNSTEADY) else None
        case int():
            return "a time" if is_time(value) else None
        case float():
            if is_time(int(value)):
                return "a time"
            return "a random value" if len(repr(value).partition(".")[2]) >= _DECIMALS_MIN else None
    return None


def _what_ignores(found: tuple[Difference, ...], match_on: MatchOn) -> Iterator[str]:
    """The lines of configuration that ignore what looks as if it were another in each run."""
    rules: dict[str, str] = {}
    for item in found:
        kinds = {_variable(side) for side in (item.sent, item.recorded) if side is not ABSENT}
        rule = _rule_for(item)
        if rule is not None and len(kinds) == 1 and (kind := kinds.pop()) is not None:
            rules.setdefault(rule, kind)
    if not rules or not set(MATCH_ON) <= set(match_on):
        return
    told = " or ".join(sorted(set(rules.values())))
    yield f"What looks like {told} is ignored with this in runreel.toml:"
    yield "  [match]"
    entries = in_order((*match_on, *[*_folded(rules)][:_RULES_MAX]))
    for key, prefix in _SETTINGS:
        names = [
            entry.removeprefix(prefix)
            for entry in entries
            if entry.startswith(prefix) and entry not in MATCH_ON
        ]
        if names:
            yield f"  {key} = {safe(json.dumps(names, ensure_ascii=False))}"


_SETTINGS = (
    ("headers", HEADER_PREFIX),
    ("ignore_query", QUERY_PREFIX),
    ("ignore_body", BODY_PREFIX),
)


def _rule_for(item: Difference) -> str | None:
    steps = strict_json.steps(item.at)
    if strict_json.ANY_STEP in steps or not item.at.isprintable():
        return None
    if item.facet == "query":
        return QUERY_PREFIX + item.at
    return BODY_PREFIX + item.at if item.facet == "body" and steps else None


def _folded(rules: Iterable[str]) -> Iterator[str]:
    """The rules, where those that differ in the number of an item only are one."""
    alike: dict[str, list[str]] = {}
    for rule in rules:
        steps = ("*" if step.isdecimal() else step for step in rule.split("/"))
        alike.setdefault("/".join(steps), []).append(rule)
    for folded, every in alike.items():
        yield every[0] if len(every) == 1 else folded


def _another_story(call: str, cassette: str) -> str:
    return (
        f"{call} belongs to another story than cassette '{cassette}' tells, and was not sent: the "
        "upstream would no longer stand where the cassette ends. Record this scenario anew, or "
        "under a name of its own."
    )


def _other_state(unmet: Unmet, call: str, name: str, cassette: str) -> Iterator[str]:
    first, *others = _reasons(unmet)
    yield f"No recording of {call} belongs to this state: {name} in cassette '{cassette}' {first}."
    yield from (f"  {reason}" for reason in others)
    if unmet.twins:
        yield (
            "Equal requests of several workers cannot be told apart; a header that each of them "
            "sends with a value of its own, named in match.headers, tells them apart."
        )
    if unmet.repeats:
        yield (
            "A program that was cut off between two equal writes may mean either; "
            "POST /_runreel/sessions/ID/rewind begins anew."
        )
    yield _STATE


def _reasons(unmet: Unmet) -> list[str]:
    """Why a recording cannot answer, each without a full stop."""
    reasons = []
    if unmet.unplayed:
        reasons.append(f"was recorded after {_listed(unmet.unplayed)}, not played here")
    if unmet.played:
        words = "was recorded before" if not unmet.overlapped else "was not recorded after"
        reasons.append(f"{words} {_listed(unmet.played)}, played here already")
    if unmet.unplayed and unmet.played:
        reasons.append("the writes may be the same ones in another order")
    if unmet.missing:
        names = ", ".join(map(_name, unmet.missing[:_SHOWN_MAX]))
        reasons.append(f"was recorded after writes that the cassette does not hold ({names})")
    if unmet.unrecorded:
        reasons.append("a write was passed on to the upstream that is no recording")
    if unmet.unordered:
        reasons.append("its list was added to in another order than it was recorded in")
    if unmet.overlapped:
        calls = [_call_of(item.interaction) for item in unmet.order[:_SHOWN_MAX]]
        then = f" (in the order {', '.join(calls)})" if calls[1:] else ""
        reasons.append(f"calls overlapped when this was recorded{then}, and came in another now")
    return reasons or ["stands in the recorded order where this session has been already"]


def _listed(writes: tuple[Candidate, ...]) -> str:
    first, *others = [_call_of(item.interaction) for item in writes]
    return first + (f" (and {len(others)} more)" if others else "")


def _call_of(interaction: Redacted[Interaction]) -> str:
    request = request_of(interaction).value
    return f"{request.method} {_name(request.path)} ({_name(interaction.value.id)})"


BLOCKS_MAX = 3  # misses of a session that are told whole; what follows is mostly their consequence
_BODY_CHARS_MAX = 10_000  # of a body that is looked into, to show how it begins


def told_miss(document: Mapping[str, Any], *, whole: bool) -> tuple[str, ...]:
    """The lines of a miss in a receipt, without its remedy: all of them, or the first."""
    return (document["message"], *(document.get("details", ()) if whole else ()))


def remedies(missed: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """What to do about the misses of a receipt, each line once."""
    return tuple(dict.fromkeys(remedy for item in missed if (remedy := item.get("remedy"))))


def call_document(recorded: Candidate) -> dict[str, Any]:
    """A recording as a receipt tells it: its id, and its request with the beginning of its body."""
    request = request_of(recorded.interaction).value
    told = {
        "id": recorded.interaction.value.id,
        "method": request.method,
        "target": cut(request.target, _FILE_CHARS_MAX),
    }
    text = dict(recorded.fingerprint).get("body", "absent")
    if len(text) > _BODY_CHARS_MAX:
        return told | {"body": f"{len(text):,} characters"}
    try:
        request.body.decode("utf-8")
    except UnicodeDecodeError:
        return told | {"body": counted(len(request.body), "byte")}
    body = readable("body", text)
    return told if body is ABSENT else told | {"body": shown(body)}


def told_call(document: Mapping[str, Any]) -> str:
    """The same in a line."""
    call = f"{document['method']} {_name(document['target'])}"
    body = excerpt(f" {document['body']}", _VALUE_CHARS_MAX) if "body" in document else ""
    return f"{call}{body} ({_name(document['id'])})"


def difference_line(item: Difference) -> str:
    """A difference in a line that can steer no terminal; long values are cut."""
    where = f"{item.facet} {excerpt(item.at, _VALUE_CHARS_MAX)}" if item.at else item.facet
    sent, recorded = apart(item.sent, item.recorded)
    return f"{where}: sent {sent}, recorded {recorded}"


def shown(side: Any, chars_max: int = _VALUE_CHARS_MAX) -> str:
    """A side of a difference for people: its JSON, cut, or that there is nothing."""
    return "nothing" if side is ABSENT else json_excerpt(side, chars_max)


def _name(text: str) -> str:
    return cut(safe_ascii(text[: _VALUE_CHARS_MAX + 1]), _VALUE_CHARS_MAX)


def difference_document(item: Difference) -> dict[str, Any]:
    """A difference as JSON; an absent side is left out."""
    sides = {"sent": item.sent, "recorded": item.recorded}
    shown = {side: value for side, value in sides.items() if value is not ABSENT}
    return {"facet": item.facet, "at": item.at, **shown}
