"""From files of other tools to cassettes: everything is read and adopted first, nothing written.

A recording is taken over as if it were live traffic: through the same recordable form, validation
and redaction. Every refusal names the file and the place in it. What a format means is its own
module's business, how a cassette is saved that of `cassettes`.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from runreel.assistants import PROFILES, validation
from runreel.assistants.operations import recognise
from runreel.assistants.profile import Profile
from runreel.cassettes.format import (
    SIMULATOR,
    Cassette,
    NotACassetteName,
    check_exchange,
    check_name,
)
from runreel.cassettes.upstreams import UpstreamId, same_upstream
from runreel.engine.recorder import Check, Exchange, Recorder
from runreel.errors import BadFile, StartRefused, Unredactable
from runreel.http.headers import codings, recordable_request, recordable_response, simulated
from runreel.http.messages import (
    Headers,
    Interaction,
    Request,
    Response,
    Violation,
    values,
    without,
)
from runreel.http.strict_json import BadDocument, read_json
from runreel.importers import har, safe_yaml, vcr
from runreel.importers.records import Broken, Foreign, Recording, Skipped
from runreel.matching.matchers import MATCH_ON, Fingerprint, MatchOn, fingerprint
from runreel.redaction.redactor import Redacted, Redaction, renamed
from runreel.redaction.rules import count

# Which dialect a recording of OpenAI is in, by its OpenAI-Beta header.
PROFILE_OF_BETA = {"assistants=v1": "openai_v1", "assistants=v2": "openai"}
MIXED_PROFILE = "openai"  # of a cassette that holds several dialects

# What tools put in the place of a secret: it stays where it shows up, and is no secret.
_PLACEHOLDER_VALUE = re.compile(r"(?:[A-Za-z]+ +)?<[^<>]+>")
_PLACEHOLDER_IN_QUERY = re.compile(r"(?:<|%3[Cc])[^<>&%]+(?:>|%3[Ee])")
# How a coded body begins; one that does not was decoded by the tool, which left the header.
_BEGINS = {"gzip": b"\x1f\x8b", "x-gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}


@dataclass(frozen=True, slots=True)
class Adopted:
    """A recording taken over: `left_out` credential headers are not in it, and `blanked` counts
    the places where a placeholder stands now.
    """

    interaction: Redacted[Interaction]
    fingerprint: Fingerprint
    profile: str
    left_out: int
    blanked: int


@dataclass(frozen=True)
class Adoption:
    """The rules of taking over: those of recording and of matching, with a `profile` for who does
    not say, and the `salt` of the cassettes to be.
    """

    redaction: Redaction
    profile: Profile
    check_request: Check
    check_response: Check
    decoded_bytes_max: int
    match_on: MatchOn = MATCH_ON
    salt: str = ""

    def adopt(self, foreign: Foreign, otherwise: datetime) -> Adopted | str:
        """The recording as a cassette keeps it, or a sentence that says why it does not.

        `otherwise` is the time of recordings that do not tell theirs.

        Raises:
            BadDocument: it cannot have been an exchange, or a body cannot be decoded.
        """
        if 100 <= foreign.status < 200:
            return f"status {foreign.status} is not the final answer"
        _check_wire(foreign)
        request, response = self._messages(foreign)
        live = replace(request, target=_PLACEHOLDER_IN_QUERY.sub("", request.target))
        plain = recordable_request(request, self.decoded_bytes_max)
        try:
            redacted = self._rules.request(plain, live)
        except Unredactable as problem:
            return f"it cannot be redacted: {problem}"
        matched_by = fingerprint(redacted, self.match_on)
        profile = profile_of(plain.headers, self.profile)
        operation = recognise(foreign.method, plain.path)
        name = operation.name if operation else None
        recorder = Recorder(profile, self.check_response, self.decoded_bytes_max)
        kept = recorder.interaction(
            Exchange(
                live=live,
                sent=redacted,
                operation=name,
                fingerprint=matched_by,
                checks=self._findings_of_request(profile, name, plain),
                response=response,
                recorded_at=_time_of(foreign, otherwise),
                duration_ms=foreign.duration_ms,
                redaction=self._rules,
            )
        )
        if isinstance(kept, str):
            return kept
        before = _blanks(
            plain, recordable_response(foreign.method, response, self.decoded_bytes_max)
        )
        after = _blanks(kept.value.request, kept.value.response)
        return Adopted(kept, matched_by, profile.name, self._left_out(foreign), after - before)

    def _findings_of_request(
        self, profile: Profile, operation: str | None, plain: Request
    ) -> tuple[Violation, ...]:
        if self.check_request == "off":
            return ()
        media_type = next(iter(values(plain.headers, "content-type")), None)
        return validation.check_request(profile, operation, plain.body, media_type)

    def _messages(self, foreign: Foreign) -> tuple[Request, Response]:
        """Both messages as they came over the wire, less what the tool did to them."""
        limit = self.decoded_bytes_max
        headers = self._without_placeholders(foreign.request_headers)
        request = Request(foreign.method, foreign.target, headers, foreign.request_body)
        plain = recordable_request(request, limit)
        if plain.body and codings(plain.headers):
            headers = _decoded_already(headers, plain.body, "/request/body", limit)
            request = replace(request, headers=headers)
        headers = self._without_placeholders(foreign.response_headers)
        response = Response(foreign.status, headers, foreign.response_body, foreign.at_ms)
        answer = recordable_response(foreign.method, response, limit)
        if answer.body and codings(answer.headers):
            headers = _decoded_already(headers, answer.body, "/response/body", limit)
            response = replace(response, headers=headers)
            answer = recordable_response(foreign.method, response, limit)
        said, there = len(foreign.at_ms or ()), len(answer.at_ms or ())
        if said and there and said != there:
            raise BadDocument("/response/body", f"it has {said} times for {there} events")
        return request, response

    def _without_placeholders(self, headers: Headers) -> Headers:
        return tuple(
            (name, value)
            for name, value in headers
            if self.redaction.header(name) is None or not _PLACEHOLDER_VALUE.fullmatch(value)
        )

    @cached_property
    def _rules(self) -> Redaction:
        """The redaction of the cassettes to be."""
        return self.redaction.salted(self.salt)

    def _left_out(self, foreign: Foreign) -> int:
        headers = (*foreign.request_headers, *foreign.response_headers)
        return sum(self.redaction.header(name) is not None for name, _ in headers)


def profile_of(headers: Headers, configured: Profile) -> Profile:
    """The profile of a request: which of OpenAI's dialects its OpenAI-Beta header asks for.

    A configured profile that is none of these was chosen because the server only looks like OpenAI.
    """
    if configured.name not in PROFILE_OF_BETA.values():
        return configured
    listed = (value.split(",") for value in values(headers, "openai-beta"))
    tokens = (token.strip() for line in listed for token in line)
    named = (PROFILE_OF_BETA[token] for token in tokens if token in PROFILE_OF_BETA)
    return PROFILES[next(named, configured.name)]


def assemble(
    upstream: str, salt: str, adopted: Sequence[Adopted], match_on: MatchOn = MATCH_ON
) -> Cassette:
    """The cassette of what was taken over, in this order; ids of repeats get a number."""
    numbers: Counter[str] = Counter()
    interactions = []
    for one in adopted:
        name = one.interaction.value.id
        numbers[name] += 1
        again = f"{name}-{numbers[name]}"
        interactions.append(renamed(one.interaction, name if numbers[name] == 1 else again))
    profiles = {one.profile for one in adopted}
    return Cassette(
        upstream=upstream,
        profile=profiles.pop() if len(profiles) == 1 else MIXED_PROFILE,
        match_on=match_on,
        salt=salt,
        interactions=tuple(interactions),
    )


def _check_wire(foreign: Foreign) -> None:
    """Return if it can have been an exchange, by the rules of a cassette.

    Raises:
        BadDocument: a status, header, method or target that no cassette may hold.
    """
    check_exchange(
        Request(foreign.method, foreign.target, foreign.request_headers),
        Response(foreign.status, foreign.response_headers),
    )


def _decoded_already(headers: Headers, body: bytes, at: str, bytes_max: int) -> Headers:
    """The headers without the coding that the tool has undone; refused if it has not."""
    applied = codings(headers)
    start = _BEGINS.get(applied[-1])
    try:
        coded = body.startswith(start) if start else not body.decode("utf-8")
    except UnicodeDecodeError:
        coded = True
    if coded:
        raise BadDocument(
            at, f"its coding {', '.join(applied)} cannot be undone within {bytes_max:,} bytes"
        )
    return without(headers, frozenset({"content-encoding"}))


def _time_of(foreign: Foreign, otherwise: datetime) -> datetime:
    if foreign.recorded_at is not None:
        return foreign.recorded_at
    for text in values(foreign.response_headers, "date"):
        try:
            return parsedate_to_datetime(text).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return otherwise


def _blanks(*messages: Request | Response) -> int:
    texts = (
        text
        for message in messages
        for text in (*(value for _, value in message.headers), message.body.decode("latin-1"))
    )
    targets = (message.target for message in messages if isinstance(message, Request))
    return sum(count(text.encode("latin-1", "replace")) for text in (*texts, *targets))


FILE_BYTES_MAX = 64 * 1024 * 1024
AUTO = "auto"

# format -> (what it is called, the member by which it is known, its reader); in order of search
_FORMATS = {
    "har": ("a HAR file", "log", har.read),
    "vcr-ruby": ("a cassette of Ruby's VCR", "http_interactions", vcr.read_ruby),
    "vcrpy": ("a cassette of vcrpy", "interactions", vcr.read_vcrpy),
}
FORMATS = tuple(_FORMATS)


def read_file(path: Path) -> tuple[bytes, datetime]:
    """The content of a file, and when it was last changed.

    Raises:
        StartRefused: it is not there, or not a file.
        BadFile: it is too large, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
        changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        raise StartRefused(f"{path}: there is no such file") from None
    except OSError as error:
        raise BadFile(str(path), "", f"cannot be read: {error.strerror}") from None
    if len(content) > FILE_BYTES_MAX:
        raise BadFile(str(path), "", f"larger than {FILE_BYTES_MAX:,} bytes; split it")
    return content, changed


def parse(content: bytes, kind: str, file: str) -> Recording:
    """The recordings in a file of a format in `FORMATS`, or of any with `auto`.

    Raises:
        BadFile: it is not of that format, or something in it cannot be what it says.
    """
    try:
        document = _document(content)
        return _FORMATS[_format(document, kind)][2](document)
    except BadDocument as error:
        raise BadFile(file, "", str(error)) from None


def _format(document: Any, kind: str) -> str:
    found = next((name for name in FORMATS if _is(name, document)), None)
    if found is None:
        known = ", ".join(called for called, _, _ in _FORMATS.values())
        raise BadDocument("", f"it is none of these: {known}")
    if kind not in (AUTO, found):
        raise BadDocument("", f"it is {_FORMATS[found][0]}; see --format")
    return found


def _is(name: str, document: Any) -> bool:
    if name == "vcrpy" and isinstance(document, list):
        return True  # as vcrpy wrote before 1.0
    return isinstance(document, dict) and _FORMATS[name][1] in document


def _document(content: bytes) -> Any:
    if not content.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"[")):
        return safe_yaml.load(content)
    try:
        return read_json(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadDocument("", f"not UTF-8 at byte {error.start}") from None


_NAME_CHARS_MAX = 81


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: what it holds, and when it was last changed."""

    path: Path
    changed: datetime
    recording: Recording

    @property
    def body_bytes(self) -> int:
        """How much there is to do."""
        return sum(len(one.request_body + one.response_body) for one in self.recording.exchanges)


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a file."""

    file: str
    cassette: str
    imported: int
    skipped: tuple[Skipped, ...]
    violations: int
    credential_headers: int
    blanked: int

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        skipped = [{"at": item.place, "reason": item.reason} for item in self.skipped]
        return asdict(self) | {"skipped": skipped}

    def lines(self) -> list[str]:
        """The report for people."""
        summary = (
            f"{self.file} -> '{self.cassette}': {self.imported} imported, "
            f"{len(self.skipped)} skipped; violations: {self.violations}, credential headers left "
            f"out: {self.credential_headers}, places blanked: {self.blanked}"
        )
        return [summary, *(f"  skipped {item.place}: {item.reason}" for item in self.skipped)]


@dataclass(frozen=True, slots=True)
class Plan:
    """The cassettes to write, by name, and what to say of each file."""

    cassettes: dict[str, Cassette]
    reports: list[Report]


def read_sources(files: Sequence[Path], kind: str) -> list[Source]:
    """What the files hold.

    Raises:
        StartRefused: one is not there.
        BadFile: one cannot be read.
    """
    sources = []
    for path in files:
        content, changed = read_file(path)
        sources.append(Source(path, changed, parse(content, kind, str(path))))
    return sources


def plan(
    sources: Sequence[Source],
    adoption: Adoption,
    name: str | None,
    host: str | None,
    each: Callable[[Sequence[Foreign]], Iterable[Foreign]] = iter,
) -> Plan:
    """What to write: all files as the cassette `name`, or each as one named after it.

    `host` selects one of several; `each` is told of every exchange that is worked on.

    Raises:
        StartRefused: files do not fit together, or a name or a host is missing.
        BadFile: something in a file cannot be taken over.
    """
    names = _names(sources, name)
    adopted: dict[tuple[str, str], list[Adopted]] = {}
    reports = []
    for source, target in zip(sources, names, strict=True):
        upstream, chosen, skipped = _of_one_upstream(source, host)
        kept: list[Adopted] = []
        for foreign in each(chosen):
            taken = _adopted(adoption, source, foreign)
            if isinstance(taken, str):
                skipped.append(Skipped(foreign.place, taken))
            else:
                kept.append(taken)
        if not kept:
            raise BadFile(str(source.path), "", f"nothing in it can be imported{_why(skipped)}")
        for one in kept:
            made_up = simulated(one.interaction.value.response)
            went_to = UpstreamId(SIMULATOR if made_up else upstream)
            known = (url for name, url in adopted if name == target)
            url = next(
                (url for url in known if same_upstream(UpstreamId(url), went_to)), went_to.url
            )
            adopted.setdefault((target, url), []).append(one)
        reports.append(_report(source, target, kept, skipped))
    if len(adopted) > len(set(names)):
        found = " and ".join(sorted({upstream for _, upstream in adopted}))
        raise StartRefused(
            f"the files are of different upstreams ({found}), and these are never merged into one "
            "cassette; import them one by one"
        )
    cassettes = {
        target: assemble(upstream, adoption.salt, several, adoption.match_on)
        for (target, upstream), several in adopted.items()
    }
    return Plan(cassettes, reports)


def _adopted(adoption: Adoption, source: Source, foreign: Foreign) -> Adopted | str:
    try:
        return adoption.adopt(foreign, source.changed)
    except BadDocument as error:
        raise BadFile(str(source.path), foreign.place, str(error)) from None


def _names(sources: Sequence[Source], name: str | None) -> list[str]:
    if name is not None:
        try:
            return [check_name(name)] * len(sources)
        except NotACassetteName as error:
            raise StartRefused(f"--to: {error}") from None
    names = [legal_name(source.path.stem) for source in sources]
    twice = next((found for found in names if names.count(found) > 1), None)
    if twice is not None:
        raise StartRefused(
            f"several files would become the cassette '{twice}'; put them into one with --to NAME, "
            "or import them one by one"
        )
    return names


def legal_name(stem: str) -> str:
    """A cassette's name as near to that of a file as one can be."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("._-")
    # A name that ends in .json would be taken for a file.
    return name[:_NAME_CHARS_MAX].removesuffix(".json").rstrip("._-") or "imported"


def _of_one_upstream(source: Source, host: str | None) -> tuple[str, list[Foreign], list[Skipped]]:
    """The exchanges of the one upstream that is asked for, and what is left of the file."""
    recording = source.recording
    skipped = list(recording.skipped)
    everything: list[Foreign | Broken] = [*recording.exchanges, *recording.broken]
    found = dict.fromkeys(one.upstream for one in everything)
    wanted = [upstream for upstream in found if host is None or _is_at(upstream, host)]
    if len(wanted) != 1:
        file = str(source.path)
        if not found:
            raise BadFile(file, "", f"nothing in it can be imported{_why(skipped)}")
        there = ", ".join(found)
        if not wanted:
            raise StartRefused(f"{file}: no call went to {host}; there are calls to {there}")
        raise StartRefused(
            f"{file}: there are calls to several upstreams ({there}); choose one with --host"
        )
    for one in recording.broken:
        if one.upstream == wanted[0]:
            raise BadFile(str(source.path), one.place, one.reason)
    chosen = [one for one in recording.exchanges if one.upstream == wanted[0]]
    skipped += [
        Skipped(one.place, f"it went to {one.upstream}")
        for one in everything
        if one.upstream != wanted[0]
    ]
    return wanted[0], chosen, skipped


def _is_at(upstream: str, host: str) -> bool:
    place = upstream.rpartition("://")[2]
    wanted = host.lower()
    server = place.partition("/")[0]
    return wanted in (upstream, place, server, re.sub(r":\d+$", "", server))


def _why(skipped: Sequence[Skipped]) -> str:
    return f": {skipped[0].place}: {skipped[0].reason}" if skipped else ""


def _report(
    source: Source, target: str, kept: Sequence[Adopted], skipped: Sequence[Skipped]
) -> Report:
    return Report(
        file=str(source.path),
        cassette=target,
        imported=len(kept),
        skipped=tuple(skipped),
        violations=sum(len(one.interaction.value.violations) for one in kept),
        credential_headers=sum(one.left_out for one in kept),
        blanked=sum(one.blanked for one in kept),
    )
