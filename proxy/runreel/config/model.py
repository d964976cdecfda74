"""Every setting: name, default, check and description.

Owns what a single value may be. How values are found and what they mean together is `loading`.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from runreel.config.auditing import Audit
from runreel.config.matching import Match
from runreel.config.names import header_name, pointer
from runreel.config.section import Section as _Section
from runreel.config.simulation import Simulation
from runreel.core.cassette import SIMULATOR, check_name
from runreel.core.messages import FRAMING, HOP_BY_HOP
from runreel.core.modes import SPELLINGS
from runreel.core.pace import Latency
from runreel.core.profiles import PROFILES

LATENCY_MS_MAX = 600_000


def _mode(text: str) -> str:
    if text not in SPELLINGS:
        raise ValueError(f"must be one of {', '.join(SPELLINGS)}")
    return SPELLINGS[text]


def _profile(text: str) -> str:
    if text not in PROFILES:
        raise ValueError(f"must be one of {', '.join(PROFILES)}")
    return text


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


def _base_path(text: str) -> str:
    if text not in ("", "/") and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+/?", text):
        raise ValueError('must be a path such as "/v1", or "" for the root')
    return text.rstrip("/")


def _added_header_name(text: str) -> str:
    if header_name(text).lower() in HOP_BY_HOP | FRAMING:
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


class Listen(_Section):
    """Where the proxy listens."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="0 takes any free port")
    admin_token: str | None = Field(
        None,
        min_length=16,
        description="bearer token of the admin API; a host that is not loopback needs it",
    )
    allowed_hosts: list[str] = Field(
        [], description="more names that requests may carry in Host, beside loopback and `host`"
    )


class Replay(_Section):
    """How recordings are played."""

    repeat: Literal["never", "last"] = Field(
        "never", description='"last": a used-up recording answers again, up to 1,000 times in a row'
    )
    barriers: bool = Field(
        True, description="a read is answered only from recordings made in the same state"
    )
    latency: Annotated[Latency, BeforeValidator(_latency)] = Field(
        "none",
        description='"recorded", or milliseconds to wait before each answer and event of a stream',
    )


class Validation(_Section):
    """What is checked against the profile's models."""

    request: Literal["off", "warn", "strict"] = Field(
        "warn", description='off, warn or strict; "strict" answers what the real API answers'
    )
    response: Literal["off", "warn", "strict"] = Field(
        "warn", description='off, warn or strict; "strict" passes a bad response on unstored'
    )


class RedactionRules(_Section):
    """What is taken out before anything is matched, stored or logged, beside the defaults."""

    headers: list[Annotated[str, AfterValidator(header_name), AfterValidator(str.lower)]] = Field(
        [], description="more headers to leave out"
    )
    query: list[str] = Field([], description="more query parameters to blank")
    body: list[Annotated[str, AfterValidator(pointer)]] = Field(
        [], description="JSON pointers to blank in request and response bodies"
    )
    patterns: list[Annotated[str, AfterValidator(_regex)]] = Field(
        [], description="regular expressions to blank in every string"
    )


class Verify(_Section):
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


class Record(_Section):
    """How recordings are kept."""

    durability: Literal["strict", "relaxed"] = Field(
        "strict", description='"relaxed" replies before the recording is on disk'
    )


class UpstreamOptions(_Section):
    """How the upstream is called."""

    connect_timeout_s: float = Field(10.0, gt=0, description="seconds to wait for a connection")
    read_timeout_s: float = Field(600.0, gt=0, description="seconds of silence to wait through")
    total_timeout_s: float | None = Field(
        None, gt=0, description="seconds that a whole call may take; unlimited if not set"
    )
    ca_file: Annotated[Path, AfterValidator(_file)] | None = Field(
        None, description="PEM file of the authorities to trust for https, in place of the system's"
    )
    headers: dict[
        Annotated[str, AfterValidator(_added_header_name)],
        Annotated[str, AfterValidator(_header_value)],
    ] = Field({}, description="headers sent upstream in place of the client's own of that name")


class Limits(_Section):
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


class Config(_Section):
    """All settings; each one's description is its manual."""

    mode: Annotated[str, AfterValidator(_mode)] = Field(
        "replay", description="replay, record, once, new_episodes, passthrough or verify"
    )
    upstream: Annotated[str, AfterValidator(_upstream)] | None = Field(
        None,
        description='the API to forward to, without the base path, or "simulator"; never assumed',
    )
    cassettes: Annotated[Path, AfterValidator(_folder)] = Field(
        Path("cassettes"), description="folder of the cassettes"
    )
    cassette: Annotated[str, AfterValidator(check_name)] = Field(
        "default", description="name of the cassette"
    )
    profile: Annotated[str, AfterValidator(_profile)] = Field(
        "openai", description="dialect of the API: openai, openai_v1 (2023 to early 2024) or rubra"
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


SECRET_KEYS = frozenset({"listen.admin_token", "simulator.api_key", "upstream_options.headers"})


def shown(config: Config) -> dict[str, Any]:
    """The configuration by dotted key, as it may be printed: secrets are blanked."""
    values: dict[str, Any] = {}
    for key in keys():
        value: Any = config
        for step in key.split("."):
            value = getattr(value, step)
        if key in SECRET_KEYS and value:
            value = dict.fromkeys(value, "[hidden]") if isinstance(value, dict) else "[hidden]"
        values[key] = str(value) if isinstance(value, Path) else value
    return values
