"""Where settings come from: option > environment > file > default.

Owns the merging (`RUNREEL_MODE` and `RUNREEL_LISTEN__PORT` in the environment) and what settings
mean together. All errors leave here as one sentence that names the setting, where it was set, and
the remedy.
"""

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from runreel.config.settings import Config, adds_key, keys
from runreel.errors import StartRefused
from runreel.http.location import LOOPBACK_NAMES

FILE_NAME = "runreel.toml"
ENVIRONMENT_PREFIX = "RUNREEL_"

_ENVIRONMENT = "the environment"
_PATHS = frozenset(
    {"audit.path", "cassettes", "listen.tls_cert", "listen.tls_key", "upstream_options.ca_file"}
)


def load(file: Path | None, environment: Mapping[str, str], options: Mapping[str, Any]) -> Config:
    """The configuration in force.

    `file` is what `--config` names, else None: then `runreel.toml` in the working directory, if it
    is there. `options` are dotted keys with values; None means not given.

    Raises:
        StartRefused: something is wrong; names the setting, where it was set, and the remedy.
    """
    found = file if file is not None else Path(FILE_NAME)
    layers: list[tuple[str, dict[str, Any]]] = []
    if file is not None or found.is_file():
        layers.append((str(found), _relative_to(found.parent, _read(found))))
    layers.append((_ENVIRONMENT, _from_environment(environment)))
    layers.append(("the command line", _nested(options)))
    merged: dict[str, Any] = {}
    for source, layer in layers:
        _check_keys(source, layer)
        _merge(merged, layer)
    _check_no_path(merged)
    try:
        config = Config.model_validate(merged)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise StartRefused(_invalid(first["loc"], first["msg"], layers)) from None
    _check_together(config)
    return config


def _check_no_path(merged: Mapping[str, Any]) -> None:
    """A cassette is named without its folder; who completes a file name in a shell gives both."""
    name = merged.get("cassette")
    folder = Path(str(merged.get("cassettes", "cassettes"))).name
    if isinstance(name, str) and name.startswith(f"{folder}/"):
        shorter = name.removeprefix(f"{folder}/").removesuffix(".json")
        raise StartRefused(
            f"cassette: {name!r} is a path; a cassette is named without its folder and suffix, as "
            f"in {shorter!r}"
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StartRefused(
            f"{path}: the configuration cannot be read ({error.strerror}); name a readable TOML "
            "file with --config"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StartRefused(f"{path}: not TOML: {error}") from None
    except RecursionError:
        raise StartRefused(f"{path}: not TOML that is read here: nested too deeply") from None


def _relative_to(folder: Path, layer: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """The layer of a file in that folder, with its paths as seen from the working directory."""
    found = dict(layer)
    for name, value in layer.items():
        if prefix + name in _PATHS and isinstance(value, str):
            found[name] = folder / value
        elif isinstance(value, dict):
            found[name] = _relative_to(folder, value, f"{prefix}{name}.")
    return found


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    dotted = {
        name.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", "."): value
        for name, value in environment.items()
        if name.startswith(ENVIRONMENT_PREFIX)
    }
    return _nested({key: _from_text(key, value) for key, value in dotted.items()})


def _from_text(key: str, text: str) -> Any:
    """Lists and tables are written as in TOML; everything else is the text itself."""
    if not text.startswith(("[", "{")) or key == "upstream":
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        return text


def _variable(key: str) -> str:
    return ENVIRONMENT_PREFIX + key.upper().replace(".", "__")


def _nested(dotted: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for key, value in sorted(dotted.items()):  # what stands above comes first
        if value is None:
            continue
        *parents, last = key.split(".")
        place = nested
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise StartRefused(
                    f"{_variable(key)}: it stands below {_variable(parent)}, which is set to a "
                    "value of its own; unset one of the two"
                )
        place[last] = value
    return nested


def _merge(base: dict[str, Any], layer: Mapping[str, Any]) -> None:
    for key, value in layer.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = dict(value) if isinstance(value, dict) else value


def _check_keys(source: str, layer: Mapping[str, Any], prefix: str = "") -> None:
    known = keys()
    for name, value in layer.items():
        key = prefix + name
        if key in known:
            continue
        is_section = any(other.startswith(key + ".") for other in known)
        if not is_section or not isinstance(value, dict):
            sections = {other.rpartition(".")[0] for other in known} - {""}
            possible = known.keys() | (sections if isinstance(value, dict) else set())
            inside = [other for other in known if other.startswith(key + ".")]
            near = (inside or difflib.get_close_matches(key, sorted(possible), n=1, cutoff=0))[0]
            if source == _ENVIRONMENT:
                key, near = _variable(key), _variable(near)
            raise StartRefused(f"{source}: there is no setting {key!r}; the nearest is {near!r}")
        _check_keys(source, value, key + ".")


def _invalid(
    loc: tuple[int | str, ...], message: str, layers: list[tuple[str, dict[str, Any]]]
) -> str:
    named = [str(step) for step in loc if isinstance(step, str)]
    key = next(
        (".".join(named[:n]) for n in range(len(named), 0, -1) if ".".join(named[:n]) in keys()),
        ".".join(named),
    )
    source = next(
        (source for source, layer in reversed(layers) if _has(layer, key)), "the configuration"
    )
    text = message.removeprefix("Value error, ")
    shown = _variable(key) if source == _ENVIRONMENT else key
    return f"{source}: {shown}: {text[:1].lower() + text[1:]}"


def _has(layer: Mapping[str, Any], key: str) -> bool:
    place: Any = layer
    for step in key.split("."):
        if not isinstance(place, Mapping) or step not in place:
            return False
        place = place[step]
    return True


def _check_together(config: Config) -> None:
    for name in config.match.headers or ():
        if name in config.redaction.headers:
            raise StartRefused(
                f"match.headers: redaction.headers leaves {name!r} out of every recording, so "
                "nothing can match by it; take it out of one of the two"
            )
    if config.upstream and config.base_path:
        prefix = urlsplit(config.upstream).path
        if prefix.endswith(config.base_path):
            without = config.upstream.removesuffix(config.base_path)
            raise StartRefused(
                f"upstream: {config.upstream} already ends in the base path {config.base_path}, "
                f"so calls would go to {prefix}{config.base_path}/…; write {without}, or set "
                "base_path if clients call another path"
            )
    others_can_reach = config.listen.host not in LOOPBACK_NAMES
    if others_can_reach and not config.listen.admin_token:
        raise StartRefused(
            f"listen.host: {config.listen.host} can be reached from other machines; set "
            "listen.admin_token (16 characters or more) to allow that, or listen on 127.0.0.1"
        )
    if others_can_reach and not config.listen.client_token and adds_key(config):
        raise StartRefused(
            f"listen.host: {config.listen.host} can be reached from other machines, and everybody "
            "there could spend the credential of upstream_options.headers; set "
            "listen.client_token (16 characters or more), which clients send as their key, or "
            "listen on 127.0.0.1"
        )
    for name, other in (("tls_cert", "tls_key"), ("tls_key", "tls_cert")):
        if getattr(config.listen, name) and not getattr(config.listen, other):
            raise StartRefused(
                f"listen.{name}: a certificate and its key belong together; set listen.{other} "
                f"too, or neither for one of the local authority (--tls)"
            )
    if config.listen.client_token and config.listen.client_token == config.listen.admin_token:
        raise StartRefused(
            "listen.client_token: it is the admin token too, so that every client could use the "
            "admin API; set another one"
        )
