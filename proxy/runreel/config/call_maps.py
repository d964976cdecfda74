"""Maps of calls as TOML: those that come with runreel, by name, and people's own, by file.

What a map may say is `CallMap`; here it is read, and each mistake in it is a sentence that names
the file, the rule and the remedy.
"""

import difflib
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError, model_validator

from runreel.config.settings import Section, header_name
from runreel.errors import StartRefused
from runreel.http.strict_json import is_pointer, steps
from runreel.matching.call_map import Again, CallMap, CallRule, variables_of

LIST = "list"  # in place of a map: which there are
_SUFFIX = ".toml"
_BYTES_MAX = 1_000_000
_CALLS_MAX = 1_000
_METHODS = ("*", "GET", "POST", "PUT", "PATCH", "DELETE")


def _pointer(text: str) -> str:
    if not is_pointer(text) or "*" in steps(text):
        raise ValueError('must be a JSON pointer to one member, such as "/metadata"')
    return text


_Pointer = Annotated[str, AfterValidator(_pointer)]
_Members = dict[_Pointer, _Pointer]


def _path(text: str) -> str:
    if not text.startswith("/") or "?" in text or not text.isprintable() or " " in text:
        raise ValueError("must be a path that begins with /, without a query")
    return text


def _method(text: str) -> str:
    if text not in _METHODS:
        raise ValueError(f"must be one of {', '.join(_METHODS)}")
    return text


_Path = Annotated[str, AfterValidator(_path)]
_Method = Annotated[str, AfterValidator(_method)]


class _Request(Section):
    members: _Members | None = None
    constants: dict[_Pointer, Any] = Field({})


class _Response(Section):
    members: _Members | None = None
    values: dict[_Pointer, dict[str, list[str]]] = Field({})


class _Again(Section):
    at: _Pointer
    values: Annotated[list[str], Field(min_length=1)]
    every_ms: Annotated[int, Field(ge=1, le=60_000)] = 1_000
    at_most: Annotated[int, Field(ge=1, le=1_000)] = 120

    def value(self) -> Again:
        return Again(self.at, tuple(self.values), self.every_ms, self.at_most)


class _Call(Section):
    method: _Method
    path: _Path
    to: _Path | None = None
    skip: Annotated[str, Field(min_length=1)] | None = None
    to_method: _Method | None = None
    query: dict[str, str] = Field({})
    without_headers: list[Annotated[str, AfterValidator(header_name)]] = Field([])
    request: _Request = _Request()
    response: _Response = _Response()
    again: _Again | None = None

    @model_validator(mode="after")
    def _fits(self) -> "_Call":
        if (self.to is None) == (self.skip is None):
            raise ValueError("either `to` or `skip` must be here")
        known = variables_of(self.path)
        texts = [self.to or "", *(v for v in self.request.constants.values() if isinstance(v, str))]
        for name in sorted({name for text in texts for name in variables_of(text)} - known):
            raise ValueError(f"there is no {{{name}}} in its path; write one there, or take it out")
        if self.again is not None and self.method != "GET":
            raise ValueError("only a GET may be sent again; take `again` out")
        if self.to_method == "*":
            raise ValueError("to_method must be one method")
        return self

    def value(self) -> CallRule:
        again = None if self.again is None else self.again.value()
        return CallRule(
            method=self.method,
            path=self.path,
            to=self.to or "/",
            skip=self.skip,
            to_method=self.to_method,
            query=self.query,
            without_headers=frozenset(name.lower() for name in self.without_headers),
            request=self.request.members,
            constants=self.request.constants,
            response=self.response.members,
            values={
                at: {here: tuple(there) for here, there in table.items()}
                for at, table in self.response.values.items()
            },
            again=again,
        )


class _Map(Section):
    about: Annotated[str, Field(min_length=1)]
    key_from: str | None = None
    ids: dict[str, str] = Field({})
    calls: Annotated[list[_Call], Field(min_length=1, max_length=_CALLS_MAX)]


def shipped() -> dict[str, Path]:
    """The maps that come with runreel: the file of each by its name."""
    folder = Path(str(files("runreel") / "maps"))
    return {path.stem: path for path in sorted(folder.glob(f"*{_SUFFIX}"))}


def load_call_map(text: str) -> CallMap:
    """The map of that name, or in that file.

    Raises:
        StartRefused: there is none, or it is not right.
    """
    path = shipped().get(text, Path(text))
    if text not in shipped() and path.suffix != _SUFFIX:
        raise StartRefused(
            f"--map: there is no map {text!r}; there are {' and '.join(shipped())}, and a map of "
            f"your own is a file whose name ends in {_SUFFIX}"
        )
    try:
        found = _Map.model_validate(_read(path))
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
        # A member that is missing may be there under another name.
        misspelt = (one for one in mistakes if one["type"] == "extra_forbidden")
        first = next(misspelt, mistakes[0])
        raise StartRefused(f"{path}: {_told(first['type'], first['loc'], first['msg'])}") from None
    return CallMap(
        found.about, tuple(call.value() for call in found.calls), found.ids, found.key_from
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _BYTES_MAX:
            raise StartRefused(f"{path}: a map has at most {_BYTES_MAX:,} bytes; is it one?")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise StartRefused(
            f"{path}: the map cannot be read ({error.strerror}); name a readable TOML file, or one "
            f"of {', '.join(shipped())}, with --map"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StartRefused(f"{path}: not TOML: {error}") from None
    except RecursionError:
        raise StartRefused(f"{path}: not TOML that is read here: nested too deeply") from None


def _told(kind: str, loc: tuple[int | str, ...], message: str) -> str:
    """A mistake with its place; rules are counted from 1."""
    steps = [str(step + 1) if isinstance(step, int) else step for step in loc if step != "[key]"]
    at = " ".join(steps)
    if kind == "extra_forbidden":
        *parents, last = steps
        known = _known(parents)
        near = difflib.get_close_matches(last, known, n=1, cutoff=0)[0]
        return f"{at}: there is no member {last!r} here; the nearest is {near!r}"
    if kind == "missing":
        return f"{at}: this member is missing"
    text = message.removeprefix("Value error, ")
    return f"{at}: {text[:1].lower() + text[1:]}"


def _known(parents: list[str]) -> list[str]:
    of_a_part: dict[str, type[Section]] = {
        "request": _Request,
        "response": _Response,
        "again": _Again,
    }
    model = of_a_part.get(parents[-1], _Call) if parents else _Map
    return list(model.model_fields)
