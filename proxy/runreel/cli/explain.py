"""`runreel explain`: why a request matches a recording, or does not."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from runreel.cassettes.file_store import FileStore
from runreel.cassettes.format import read_request
from runreel.cli.cassette_options import PATH, missing
from runreel.cli.config import load_config
from runreel.cli.output import paint, say, say_json
from runreel.config.settings import redaction_of
from runreel.errors import BadFile, StartRefused
from runreel.http.messages import Request
from runreel.http.strict_json import BadDocument, read_json
from runreel.importers import curl
from runreel.matching.json_diff import readable
from runreel.matching.near_miss import (
    BEHIND,
    UPSTREAM,
    Missed,
    Origin,
    Ranked,
    Rerun,
    difference_line,
    shown,
)
from runreel.sessions.explain import (
    Effect,
    Explanation,
    Rules,
    by_facet,
    explanation_document,
)
from runreel.sessions.explain import explain as explained
from runreel.text import counted, cut, excerpt, safe

CANDIDATES_MAX = 5  # without --all
BYTES_MAX = 64 * 1024 * 1024  # of a request or a receipt
_PLACES_MAX = 5  # of one rule on the screen; --json has them all
_VALUE_CHARS_MAX = 200  # of one value on the screen
_LINES_MAX = 60  # of what a receipt says of a miss
_LINE_CHARS_MAX = 2_000  # of one of them
_STDIN = "-"


@click.command(
    "explain",
    help="Say why a request matches a recording, or does not: what counts of it, which rule "
    "changed what, the recordings that resemble it most, and what a replay that begins with it "
    "would answer. REQUEST is a file, or - for stdin, with a request as a cassette or a receipt "
    "has it, or with a curl command. Exit code 0 if it would be served, 1 if it would be refused, "
    "2 if it is no request.\n\n\b\n"
    "Example:\n  runreel explain --last-miss receipt.json",
)
@click.argument("request", required=False, metavar="[REQUEST]")
@click.option("--last-miss", "receipt", type=PATH, help="The last miss of a receipt.")
@click.option("--cassette", help="Name of the cassette; else the receipt's or [default].")
@click.option("--all", "all_", is_flag=True, help=f"All candidates, not only {CANDIDATES_MAX}.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@click.option("--config", type=PATH, help="TOML file; else runreel.toml, if it is there.")
@click.option("--cassettes", type=PATH, help="Folder of the cassettes [cassettes].")
def explain(
    request: str | None,
    receipt: Path | None,
    cassette: str | None,
    *,
    all_: bool,
    as_json: bool,
    config: Path | None,
    cassettes: Path | None,
) -> None:
    """Print the explanation; nothing in it can steer the terminal."""
    try:
        sent, seen = _asked(request, receipt)
    except BadFile as error:
        # 1 says that it would be refused; this says that nobody can tell.
        raise StartRefused(str(error)) from None
    options = {"cassette": cassette or seen.get("cassette"), "cassettes": cassettes}
    settings = load_config(config, options)
    stored = FileStore(settings.cassettes).load(settings.cassette)
    if stored is None:
        raise missing(settings.cassette)
    rules = Rules(
        match_on=settings.match.match_on or stored.cassette.match_on,
        redaction=redaction_of(settings),
        barriers=settings.replay.barriers,
        decoded_bytes_max=settings.limits.decoded_body_bytes_max,
    )
    found = explained(sent, stored.cassette, rules, None if all_ else CANDIDATES_MAX)
    given = {"--config": config, "--cassettes": cassettes, "--cassette": settings.cassette}
    words = (word for name, value in given.items() if value for word in (name, str(value)))
    rerun = Rerun(("runreel", "record", *words, "--upstream", UPSTREAM), BEHIND)
    upstream = stored.cassette.upstream if stored.cassette.interactions else None
    origin = Origin(stored.place, upstream, rules.match_on, rerun)
    if as_json:
        say_json(explanation_document(found, rules.match_on, settings.cassette, origin))
    else:
        missed = found.missed(settings.cassette, origin)
        for line in _lines(found, settings.cassette, missed, seen):
            say(line)
    if found.served is None:
        sys.exit(1)


def _asked(request: str | None, receipt: Path | None) -> tuple[Request, dict[str, Any]]:
    """The request to explain, and what a receipt says of it: its `cassette`, its `code`, and the
    lines in which it was `told`.
    """
    if (request is None) == (receipt is None):
        raise StartRefused("give one of both: a REQUEST (a file, or - for stdin), or --last-miss")
    if receipt is not None:
        return _last_miss(receipt)
    assert request is not None  # noqa: S101 - one of the two is given
    return _read_request(_content(request), request), {}


def _content(place: str) -> str:
    try:
        if place == _STDIN:
            content = sys.stdin.buffer.read(BYTES_MAX + 1)
        else:
            with Path(place).open("rb") as file:
                content = file.read(BYTES_MAX + 1)
    except FileNotFoundError:
        raise StartRefused(f"{place}: there is no such file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise StartRefused(f"{place}: cannot be read: {reason}") from None
    if len(content) > BYTES_MAX:
        raise BadFile(place, "", f"larger than {BYTES_MAX:,} bytes")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadFile(place, "", f"not UTF-8 at byte {error.start}") from None


def _read_request(text: str, place: str) -> Request:

    if text.lstrip().startswith("{"):
        try:
            return read_request(read_json(text))
        except BadDocument as error:
            raise BadFile(place, "", f"not a request as a cassette has it: {error}") from None
    try:
        return curl.read(text)
    except curl.NotACurlCommand as error:
        raise BadFile(
            place, "", f"neither a request as a cassette has it nor a curl command: {error}"
        ) from None


def _last_miss(path: Path) -> tuple[Request, dict[str, Any]]:
    """The last miss of the default session, or else of the last session that has one."""
    place = str(path)
    try:
        match read_json(_content(place)):
            case {"missed": list(), "sessions": list(others)} as receipt:
                sessions = [*(item for item in others if isinstance(item, dict)), receipt]
            case _:
                raise BadFile(place, "", "not a receipt of runreel")
        missed = [(each, item) for each in sessions for item in each.get("missed", ())]
        if not missed:
            raise StartRefused(f"{place}: nothing was missed, so there is nothing to explain")
        session, last = missed[-1]
        if last.get("code") == "session_unknown":
            raise StartRefused(f"{place}: the last miss named no session: {last['message']}")
        request = last.get("request")
        if request is None:
            raise BadFile(place, "", "the last miss could not be redacted, so it was not kept")
        told = [last.get("message"), *last.get("details", ()), last.get("remedy")]
        seen = {
            "cassette": session.get("cassette"),
            "code": last.get("code"),
            "told": [line for line in told if isinstance(line, str)],
        }
        return read_request(request), seen
    except (BadDocument, AttributeError, TypeError) as error:
        raise BadFile(place, "", f"not a receipt of runreel: {error}") from None


def _lines(
    found: Explanation, cassette: str, missed: Missed | None, seen: Mapping[str, Any]
) -> Iterator[str]:
    yield paint("What counts of the request", bold=True)
    width = max(len(name) for name, _ in found.fingerprint)
    for name, text in found.fingerprint:
        yield safe(f"  {name.ljust(width)}  {_shown(readable(name, text))}")
    for verb, effects in (("redacted", found.redacted), ("ignored", found.ignored)):
        yield from _effects(verb, effects)
    yield ""
    recordings = counted(found.recordings, "recording")
    yield paint(f"The nearest of {recordings} in cassette '{cassette}'", bold=True)
    for number, item in enumerate(found.candidates, start=1):
        yield from _candidate(number, item)
    if (left := found.recordings - len(found.candidates)) > 0:
        yield f"  and {left:,} more; --all shows them"
    yield ""
    if seen.get("code") is not None:
        yield safe(f"In the session of the receipt it was {seen['code']}.")
        yield from (f"  {excerpt(line, _LINE_CHARS_MAX)}" for line in seen["told"][:_LINES_MAX])
    yield from _answer(found, missed)


def _effects(verb: str, effects: tuple[Effect, ...]) -> Iterator[str]:

    places: dict[str, list[str]] = {}
    for item in effects:
        places.setdefault(item.rule, []).append(f"{item.facet} {item.at}".rstrip())
    if places:
        yield ""
        yield paint(f"What was {verb}, and by which rule", bold=True)
    for rule, all_ in places.items():
        more = f" and {len(all_) - _PLACES_MAX:,} more" if len(all_) > _PLACES_MAX else ""
        yield safe(f"  {rule}: {', '.join(all_[:_PLACES_MAX])}{more}")


def _candidate(number: int, item: Ranked) -> Iterator[str]:

    recorded = item.candidate.interaction.value
    yield safe(f"  {number}. {recorded.id}  {recorded.request.method} {recorded.request.target}")
    matchers = [*by_facet(item)]
    width = max(len(name) for name, _ in matchers)
    for name, found in matchers:
        verdict = paint("differs", fg="red") if found else paint("equal", fg="green")
        yield f"     {safe(name.ljust(width))}  {verdict}"
        for each in found:
            yield safe(f"       {difference_line(each)}")


def _answer(found: Explanation, missed: Missed | None) -> Iterator[str]:
    if missed is None:
        yield paint(f"A replay that begins with it would serve {found.served}.", fg="green")
        return
    yield paint(f"A replay that begins with it would refuse it: {missed.code}.", fg="red")
    yield from map(safe, missed.message().split("\n"))


def _shown(value: Any) -> str:
    return (
        cut(value, _VALUE_CHARS_MAX) if isinstance(value, str) else shown(value, _VALUE_CHARS_MAX)
    )
