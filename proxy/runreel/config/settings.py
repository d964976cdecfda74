"""Every setting: its name, default, check and description.

What a single value may be stands here; how values are found and what they mean together is
`loading`. Sections are in the order of `config.example.toml`, which a test holds to this file.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from runreel.assistants import NAMES, check_profile
from runreel.cassettes.format import SIMULATOR, check_name, check_upstream_name
from runreel.http.forward_proxy import HttpProxy
from runreel.http.headers import Trait, has
from runreel.http.location import LOOPBACK_NAMES
from runreel.http.strict_json import is_pointer
from runreel.matching.matchers import MatchOn, match_on_of
from runreel.redaction.names import DISTINCT, FLAT, Manner, of_header
from runreel.redaction.redactor import Redaction
from runreel.redaction.rules import PatternRule
from runreel.sessions.modes import SPELLINGS, Latency


class Section(BaseModel):
    """A table of settings: no other names, no other values."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True
    )


def header_name(text: str) -> str:
    """The name of a header.

    Raises:
        ValueError: it is none.
    """
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", text):
        raise ValueError("must be the name of a header")
    return text


def pointer(text: str) -> str:
    """A JSON pointer to something within a document, with `*` for any one step.

    Raises:
        ValueError: it is none.
    """
    if not is_pointer(text) or not _writable(text):
        raise ValueError(
            'must be a JSON pointer such as "/metadata/trace_id" (~1 stands for / in a name, ~0 '
            "for ~, and * for any one step)"
        )
    return text


_UNRECORDED = Trait.SECRET | Trait.NEVER_STORED | Trait.NOISE | Trait.HOP_BY_HOP | Trait.FRAMING


def _recorded_header(text: str) -> str:
    name = header_name(text).lower()
    if has(name, _UNRECORDED):
        raise ValueError(f"{text!r} is never part of a recording, so nothing can match by it")
    return name


def _parameter(text: str) -> str:
    if not text or not _writable(text):
        raise ValueError("must be the name of a query parameter, as it is when decoded")
    return text


def _writable(text: str) -> bool:
    # What the environment has that is not UTF-8 could be written into no cassette.
    return not any("\ud800" <= char <= "\udfff" for char in text)


class Match(Section):
    """What decides whether a request matches a recording; where nothing is set, the cassette's own
    rules do.
    """

    headers: list[Annotated[str, AfterValidator(_recorded_header)]] | None = Field(
        None, description="more headers that must be equal, beside OpenAI-Beta"
    )
    ignore_query: list[Annotated[str, AfterValidator(_parameter)]] | None = Field(
        None, description="query parameters that do not count"
    )
    ignore_body: list[Annotated[str, AfterValidator(pointer)]] | None = Field(
        None, description="JSON pointers that do not count in request bodies; * for any one step"
    )

    @property
    def match_on(self) -> MatchOn | None:
        """The rules as a cassette holds them, or None if the cassette's own hold."""
        if (self.headers, self.ignore_query, self.ignore_body) == (None, None, None):
            return None
        return match_on_of(self.headers or (), self.ignore_query or (), self.ignore_body or ())


# A run expires ten minutes after it was made, and has two statuses before it ends.
_STATUS_MS_MAX = 300_000


def _in_one_sentence(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError:
        raise ValueError(
            f"must be 'poll', or milliseconds from 1 to {_STATUS_MS_MAX}, so that runs end before "
            "they expire"
        ) from None


_Status = Annotated[
    Literal["poll"] | Annotated[int, Field(ge=1, le=_STATUS_MS_MAX)],
    WrapValidator(_in_one_sentence),
]


class Simulation(Section):
    """How the simulator behaves, where it is the upstream."""

    metadata: Literal["replace", "merge"] = Field(
        "replace",
        description="what modify does; which of them OpenAI did is not settled; rubra merges",
    )
    status: _Status = Field(
        "poll", description="a run goes on when it is asked for, or after so many milliseconds"
    )
    seed: int = Field(0, description="ids and times are the same for the same seed and calls")
    lenient: bool = Field(
        False, description="threads and runs exist when they are named; no state refuses anything"
    )
    api_key: str | None = Field(None, min_length=1, description="the only key that is taken")
    objects_max: int = Field(
        100_000, gt=0, description="assistants, threads, messages, runs and steps held at once"
    )
    bytes_max: int = Field(67_108_864, gt=0, description="bytes of all of them as compact JSON")


def _audit_folder(path: Path) -> Path:
    if "\0" in str(path):
        raise ValueError("must be the path of a folder")
    # Whoever names the file means the folder it stands in, beside its key and its checkpoints.
    return path.parent if path.name == "metadata.jsonl" else path


class Audit(Section):
    """Whether and where changes of metadata are logged."""

    enabled: bool = Field(
        True, description="log changes of metadata whenever the upstream can be reached"
    )
    path: Annotated[Path, AfterValidator(_audit_folder)] = Field(
        Path("audit"), description="folder of the audit log, never inside that of the cassettes"
    )
    fetch_before: bool = Field(
        False,
        description="read a run, a thread … before a change if its metadata is not known yet; "
        "where reads move runs on, as in the simulator, this one does too",
    )
    rotate_bytes: int = Field(
        67_108_864, ge=4096, description="a file that has so many is followed by the next"
    )
    checkpoint_entries: int = Field(
        1_000, gt=0, description="entries between two lines of checkpoints.log"
    )


LATENCY_MS_MAX = 600_000


def _mode(text: str) -> str:
    if text not in SPELLINGS:
        raise ValueError(f"must be one of {', '.join(SPELLINGS)}")
    return SPELLINGS[text]


def _upstream(text: str) -> str:
    if text == SIMULATOR:
        return text
    try:
        parts = urlsplit(text)
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        port_ok = False
    if not port_ok or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a URL such as https://api.example.com or http://127.0.0.1:8000")
    if "@" in parts.netloc:
        raise ValueError(
            "must not hold a user or password; set the header in upstream_options.headers"
        )
    if not re.fullmatch(r"[\x21\x22\x24-\x3e\x40-\x7e]+", text):  # visible, but no # or ?
        raise ValueError("must be scheme://host[:port][/prefix] and nothing more")
    return text.rstrip("/")


def _proxy(text: str) -> str:
    try:
        parts = urlsplit(text)
        there = parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        there = False
    more = parts.path not in ("", "/") or parts.query or parts.fragment if there else True
    if more or parts.scheme != "http" or not re.fullmatch(r"[\x21-\x7e]+", text):
        raise ValueError(
            "must be the URL of an HTTP proxy such as http://proxy.example:3128, or "
            "http://USER:PASSWORD@proxy.example:3128, percent-encoded where those hold special "
            "characters"
        )
    return text


def _base_path(text: str) -> str:
    if text not in ("", "/") and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+/?", text):
        raise ValueError('must be a path such as "/v1", or "" for the root')
    return text.rstrip("/")


def _added_header_name(text: str) -> str:
    if has(header_name(text).lower(), Trait.HOP_BY_HOP | Trait.FRAMING):
        raise ValueError(f"{text!r} belongs to one connection; the proxy computes it itself")
    return text


def _folder(path: Path) -> Path:
    if "\0" in str(path):
        raise ValueError("must be the path of a folder")
    return path


def _file(path: Path) -> Path:
    if "\0" in str(path) or not path.name:
        raise ValueError("must be the path of a file")
    return path


def _header_value(text: str) -> str:
    if not re.fullmatch(r"[\x20-\x7e]*", text):
        raise ValueError("must be printable ASCII")
    return text


def _latency(value: Any) -> Any:
    if value in ("none", "recorded"):
        return value
    text = "" if isinstance(value, bool) else str(value)
    if not text.isdecimal() or int(text) > LATENCY_MS_MAX:
        raise ValueError(f'must be "none", "recorded" or milliseconds from 0 to {LATENCY_MS_MAX:,}')
    return int(text)


def _regex(text: str) -> str:
    try:
        matches_nothing = re.compile(text).match("")
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"must be a regular expression: {error}") from None
    if matches_nothing:
        raise ValueError("must not match the empty text")
    return text


def _origin(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9+.-]*://(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?", text):
        raise ValueError(
            "must be an origin as browsers write it, scheme://host[:port] in lower case and "
            "nothing more; there is no * for all of them"
        )
    return text


class Listen(Section):
    """Where the proxy listens."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="0 takes any free port")
    tls: bool = Field(
        False,
        description="speak https, with a certificate of a local authority; needs runreel[tls]",
    )
    tls_cert: Annotated[Path, AfterValidator(_file)] | None = Field(
        None, description="PEM file of a certificate of your own to speak https with, and its chain"
    )
    tls_key: Annotated[Path, AfterValidator(_file)] | None = Field(
        None, description="PEM file of its private key, without a passphrase"
    )
    admin_token: str | None = Field(
        None,
        min_length=16,
        description="bearer token of the admin API; a host that is not loopback needs it",
    )
    client_token: str | None = Field(
        None,
        min_length=16,
        description="key of this proxy, which clients must send as theirs; never passed on",
    )
    cors_origins: list[Annotated[str, AfterValidator(_origin)]] = Field(
        [], description="origins of web pages that may call, such as http://localhost:3000"
    )
    allowed_hosts: list[str] = Field(
        [], description="more names that requests may carry in Host, beside loopback and `host`"
    )
    fast_lane: bool = Field(
        True, description="plain requests are served in front of aiohttp; false: all by it"
    )
    uvloop: bool = Field(
        False,
        description="run on uvloop, which is faster, but around a command; needs runreel[speed]",
    )

    @property
    def is_tls(self) -> bool:
        """Whether it speaks https: if that is asked for, or by a certificate of one's own."""
        return self.tls or (self.tls_cert is not None and "tls" not in self.model_fields_set)

    @property
    def names(self) -> frozenset[str]:
        """What requests may carry in Host, in lower case."""
        return LOOPBACK_NAMES | {name.lower() for name in (self.host, *self.allowed_hosts)}


class Replay(Section):
    """How recordings are played."""

    repeat: Literal["never", "last"] = Field(
        "never", description='"last": a program may run again, a used-up recording answers again'
    )
    repeats_max: int = Field(
        1000, ge=0, description="equal requests in a row that are answered again; 0: any number"
    )
    barriers: bool = Field(
        True, description="a recording answers only after the writes that it was recorded after"
    )
    order_wait_ms: int = Field(
        150, ge=0, le=10_000, description="how long a call waits at most for others to come first"
    )
    watch: bool = Field(
        False, description="a cassette that is written while it is played is read anew at once"
    )
    accept_incomplete: bool = Field(
        False, description="mode once replays half a recording instead of recording it anew"
    )
    latency: Annotated[Latency, BeforeValidator(_latency)] = Field(
        "none",
        description='"recorded", or milliseconds to wait before each answer and event of a stream',
    )


class Validation(Section):
    """What is checked against the profile's models."""

    request: Literal["off", "warn", "strict"] = Field(
        "warn", description='off, warn or strict; "strict" answers what the real API answers'
    )
    response: Literal["off", "warn", "strict"] = Field(
        "warn", description='off, warn or strict; "strict" passes a bad response on unstored'
    )


class _QueryRule(Section):
    name: str
    distinct: bool = False


class _BodyRule(Section):
    pointer: Annotated[str, AfterValidator(pointer)]
    distinct: bool = False


class _PatternRule(Section):
    pattern: Annotated[str, AfterValidator(_regex)]
    distinct: bool = False


def _as_table(name: str) -> Callable[[Any], Any]:
    """What reads a rule that is written as its text alone."""
    return lambda value: {name: value} if isinstance(value, str) else value


class RedactionRules(Section):
    """What is taken out before anything is matched, stored or logged, beside the defaults."""

    headers: list[Annotated[str, AfterValidator(header_name), AfterValidator(str.lower)]] = Field(
        [], description="more headers to leave out"
    )
    query: list[Annotated[_QueryRule, BeforeValidator(_as_table("name"))]] = Field(
        [],
        description="more query parameters to blank; { name, distinct = true } keeps values apart",
    )
    body: list[Annotated[_BodyRule, BeforeValidator(_as_table("pointer"))]] = Field(
        [],
        description="JSON pointers to blank in bodies, * for one step; or { pointer, distinct }",
    )
    patterns: list[Annotated[_PatternRule, BeforeValidator(_as_table("pattern"))]] = Field(
        [],
        description="regular expressions to blank in every string; or { pattern, distinct }",
    )
    allow: list[Annotated[str, AfterValidator(str.lower)]] = Field(
        [],
        description="names of headers, parameters and members that look suspicious and are not",
    )


class Verify(Section):
    """What counts as drift in verify mode, beside the defaults."""

    ignore: list[Annotated[str, AfterValidator(pointer)]] = Field(
        [], description="JSON pointers not to compare in response bodies; * for any one step"
    )
    volatile: list[str] = Field(
        [], description="more members whose values do not count, nor what is below them"
    )
    headers: list[Annotated[str, AfterValidator(header_name), AfterValidator(str.lower)]] = Field(
        [], description="more response headers to compare"
    )


class Record(Section):
    """How recordings are kept."""

    durability: Literal["strict", "relaxed"] = Field(
        "strict", description='"relaxed" replies before the recording is on disk'
    )


class UpstreamOptions(Section):
    """How the upstream is called."""

    connect_timeout_s: float = Field(10.0, gt=0, description="seconds to wait for a connection")
    read_timeout_s: float = Field(600.0, gt=0, description="seconds of silence to wait through")
    total_timeout_s: float | None = Field(
        None, gt=0, description="seconds that a whole call may take; unlimited if not set"
    )
    ca_file: Annotated[Path, AfterValidator(_file)] | None = Field(
        None, description="PEM file of the authorities to trust for https, in place of the system's"
    )
    proxy: Annotated[str, AfterValidator(_proxy)] | None = Field(
        None,
        description="HTTP proxy to go through, http://[USER:PASSWORD@]HOST:PORT; never assumed",
    )
    headers: dict[
        Annotated[str, AfterValidator(_added_header_name)],
        Annotated[str, AfterValidator(_header_value)],
    ] = Field({}, description="headers sent upstream in place of the client's own of that name")


class LogSettings(Section):
    """What is logged, on stderr."""

    format: Literal["text", "json"] = Field("text", description="text, or a JSON object a line")
    quiet: bool | None = Field(
        None, description="only misses and what went wrong; around a command so if not set"
    )
    verbose: bool = Field(False, description="also the headers that were sent, and all findings")


class Limits(Section):
    """How much of a thing is too much."""

    request_body_bytes_max: int = Field(
        4_194_304, gt=0, description="larger requests are refused with 413"
    )
    response_body_bytes_max: int = Field(
        67_108_864, gt=0, description="larger responses are passed on but not stored"
    )
    decoded_body_bytes_max: int = Field(
        67_108_864, gt=0, description="compressed bodies that decode to more are kept as they came"
    )
    request_body_read_s_max: float = Field(
        30.0, gt=0, description="seconds that a request's body may take to come in, else 408"
    )
    upstream_calls_max: int = Field(
        256, gt=0, description="calls to the upstream at once; one more is refused with 503"
    )
    sessions_max: int = Field(
        1_000, gt=0, description="sessions beside the default one; one more is refused with 503"
    )
    session_idle_s_max: float = Field(
        900.0, gt=0, description="seconds after which a session nobody uses is saved and ended"
    )


class Config(Section):
    """All settings; each one's description is its manual."""

    mode: Annotated[str, AfterValidator(_mode)] = Field(
        "replay", description="replay, record, once, new_episodes, passthrough or verify"
    )
    upstream: Annotated[str, AfterValidator(_upstream)] | None = Field(
        None,
        description='the API to forward to, without the base path, or "simulator"; never assumed',
    )
    upstream_name: Annotated[str, AfterValidator(check_upstream_name)] | None = Field(
        None, description="two URLs of one name are one upstream; goes into the cassette"
    )
    cassettes: Annotated[Path, AfterValidator(_folder)] = Field(
        Path("cassettes"), description="folder of the cassettes"
    )
    cassette: Annotated[str, AfterValidator(check_name)] = Field(
        "default", description="name of the cassette"
    )
    profile: Annotated[str, AfterValidator(check_profile)] = Field(
        "openai", description=f"dialect of the API: {', '.join(NAMES)}; see docs/profiles.md"
    )
    base_path: Annotated[str, AfterValidator(_base_path)] = Field(
        "/v1", description="path at which clients find the API, as in OPENAI_BASE_URL"
    )
    listen: Listen = Listen()
    match: Match = Match()
    replay: Replay = Replay()
    validation: Validation = Validation()
    redaction: RedactionRules = RedactionRules()
    verify: Verify = Verify()
    record: Record = Record()
    log: LogSettings = LogSettings()
    upstream_options: UpstreamOptions = UpstreamOptions()
    simulator: Simulation = Simulation()
    audit: Audit = Audit()
    limits: Limits = Limits()


def keys(model: type[BaseModel] = Config, prefix: str = "") -> dict[str, str]:
    """Every setting by its dotted key, with its description."""
    found: dict[str, str] = {}
    for name, field in model.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            found |= keys(section, f"{prefix}{name}.")
        else:
            found[prefix + name] = field.description or ""
    return found


SECRET_KEYS = frozenset(
    {"listen.admin_token", "listen.client_token", "simulator.api_key", "upstream_options.headers"}
)


def shown(config: Config) -> dict[str, Any]:
    """The configuration by dotted key, as it may be printed: secrets are blanked."""
    values: dict[str, Any] = {}
    for key in keys():
        value: Any = config
        for step in key.split("."):
            value = getattr(value, step)
        if key == "upstream_options.proxy" and value:
            value = re.sub("//.*@", "//[hidden]@", value)
        if key in SECRET_KEYS and value:
            value = dict.fromkeys(value, "[hidden]") if isinstance(value, dict) else "[hidden]"
        values[key] = str(value) if isinstance(value, Path) else _plain(value)
    return values


def _plain(value: Any) -> Any:
    """A value as it may be printed: a rule that is no more than its text is that text."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, Section):
        return value
    members = value.model_dump()
    return members if members.get("distinct") else next(iter(members.values()))


def redaction_of(config: Config) -> Redaction:
    """The rules in force: the defaults and the configuration's additions."""
    rules = config.redaction
    return Redaction(
        headers=frozenset(rules.headers),
        query=frozenset(rule.name.lower() for rule in rules.query),
        body=tuple(rule.pointer for rule in rules.body),
        patterns=tuple(
            PatternRule(
                f"user-{number}",
                re.compile(rule.pattern),
                manner=DISTINCT if rule.distinct else FLAT,
            )
            for number, rule in enumerate(rules.patterns, start=1)
        ),
        distinct=frozenset(
            (
                *(f"query.{rule.name.lower()}" for rule in rules.query if rule.distinct),
                *(f"body.{rule.pointer}" for rule in rules.body if rule.distinct),
            )
        ),
        allow=frozenset(rules.allow),
        known=(*_added(config, FLAT), *_proxy_credentials(config)),
        known_names=_added(config, DISTINCT),
    )


def shown_upstream(config: Config) -> str | None:
    """The upstream's URL as it may be stored and told: a secret in its path is taken out."""
    return None if config.upstream is None else redaction_of(config).text(config.upstream)


def adds_key(config: Config) -> bool:
    """Whether the proxy adds a credential of its own to what it forwards."""
    return bool(_added(config, FLAT))


def _proxy_credentials(config: Config) -> tuple[str, ...]:
    url = config.upstream_options.proxy
    authorization = url and HttpProxy.at(url).authorization
    return (authorization,) if authorization else ()


def _added(config: Config, manner: Manner) -> tuple[str, ...]:
    """The values of the headers that the configuration adds, of those that are hidden so."""
    return tuple(
        value
        for name, value in config.upstream_options.headers.items()
        if not has(name.lower(), Trait.HARMLESS) and (of_header(name) or FLAT) is manner
    )
