"""One curl command, read: what a person copied from a browser, a document or a terminal.

Owns which options are understood: those that say what is sent, and those that say nothing of it.
Any other is refused by name, for a request that is only nearly the one would explain nothing. Runs
no shell and opens no file.
"""

import re
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from runreel.http.messages import Headers, Request

# What a shell reads and `shlex` does not: lines that go on, and $'…', both outside of quotes.
_SHELLS_OWN = re.compile(
    r"""(\\\r?\n)|\$'((?:[^'\\]|\\.)*)'|\\.|'[^']*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL
)
_ESCAPE = re.compile(
    r"\\(?:x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|(.))", re.DOTALL
)
_LETTERS = dict(zip("abeEfnrtv\\'\"?", "\a\b\x1b\x1b\f\n\r\t\v\\'\"?", strict=True))
_SHELL = frozenset({"|", "||", "&", "&&", ";", ">", ">>", "<", "2>", "2>&1"})
_SESSION = re.compile(r"^/_runreel/s/[^/]+")  # the same request, in a session of its own
_METHOD = re.compile(r"[A-Z][A-Z0-9_-]*")
_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"

_SILENT = frozenset(
    {
        *("-f", "-g", "-i", "-k", "-L", "-N", "-s", "-S", "-v"),
        *("--compressed", "--fail", "--fail-with-body", "--globoff", "--http1.1", "--include"),
        *("--insecure", "--location", "--no-buffer", "--path-as-is", "--show-error", "--silent"),
        *("--verbose",),
    }
)
_SILENT_WITH_VALUE = frozenset(
    {
        *("-m", "-o", "-w", "--connect-timeout", "--max-time", "--output", "--retry"),
        *("--write-out",),
    }
)


class NotACurlCommand(ValueError):
    """The text is no curl command that is understood here; the message says why, in a sentence."""


def read(text: str) -> Request:
    """The request that a curl command sends to runreel or to the API; its host does not matter.

    Raises:
        NotACurlCommand: it has an option that is not known here, or it is none at all.
    """
    words = _words(text)
    if words[:1] == ["$"]:
        words = words[1:]
    if words[:1] != ["curl"]:
        raise NotACurlCommand("it does not begin with curl")
    sent = _Sent()
    for option, value in _options(words[1:]):
        _TAKEN[option](sent, option, value)
    return sent.request()


def _words(text: str) -> list[str]:
    try:
        words = shlex.split(_SHELLS_OWN.sub(_plain, text))
    except ValueError as error:
        raise NotACurlCommand(f"its quotes cannot be read ({error})") from None
    shell = next((word for word in words if word in _SHELL), None)
    if shell:
        raise NotACurlCommand(f"only the curl command itself is read, and nothing with {shell!r}")
    return words


def _plain(found: re.Match[str]) -> str:
    """What `_SHELLS_OWN` found, as `shlex` reads it; a `ValueError` if nobody can."""
    if found[1] is not None:
        return ""
    if found[2] is None:
        return found[0]
    raw = found[2].encode("utf-8", "surrogateescape").decode("latin-1")
    meant = _ESCAPE.sub(_escaped, raw)
    if "\0" in meant:
        raise ValueError("a NUL, where a shell cuts the text off")
    return shlex.quote(meant.encode("latin-1").decode("utf-8", "surrogateescape"))


def _escaped(found: re.Match[str]) -> str:
    """An escape of $'…' as the bytes that it stands for, in latin-1; another one stays."""
    byte, octal, short, long, letter = found.groups()
    if letter is not None:
        return _LETTERS.get(letter, found[0])
    if byte or octal:
        return chr(int(byte, 16) if byte else int(octal, 8) & 0xFF)
    point = int(short or long, 16)
    if point > sys.maxunicode:
        raise ValueError(f"{found[0]} is no character")
    return chr(point).encode("utf-8", "surrogatepass").decode("latin-1")


@dataclass
class _Sent:
    """What the options say so far."""

    method: str | None = None
    urls: list[str] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    removed: set[str] = field(default_factory=set)
    body: str | None = None
    media_type: str = _FORM
    head: bool = False

    def request(self) -> Request:
        if len(self.urls) != 1:
            raise NotACurlCommand(f"it has {len(self.urls) or 'no'} URLs, and one is needed")
        method = self.method or ("HEAD" if self.head else "GET" if self.body is None else "POST")
        if not _METHOD.fullmatch(method):
            raise NotACurlCommand(f"{method!r} is not a method in capital letters, as in POST")
        body = (self.body or "").encode("utf-8", "surrogateescape")
        return Request(method, _target(self.urls[0]), self._all_headers(), body)

    def _all_headers(self) -> Headers:
        own: list[tuple[str, str]] = [("Accept", "*/*")]
        if self.body is not None:
            own = [("Content-Type", self.media_type)]
            own.append(("Accept", _JSON if self.media_type == _JSON else "*/*"))
        said = self.removed | {name.lower() for name, _ in self.headers}
        return (*self.headers, *(pair for pair in own if pair[0].lower() not in said))


def _target(url: str) -> str:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
    except ValueError as error:
        raise NotACurlCommand(f"its URL cannot be read: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise NotACurlCommand("its URL is not one of http or https")
    path = _SESSION.sub("", parts.path) or "/"
    target = path + (f"?{parts.query}" if parts.query else "")
    raw = target.encode("utf-8", "surrogateescape").decode("latin-1")
    if re.search(r"[\x00-\x20\x7f]", raw):
        raise NotACurlCommand("its URL holds a space or a control character")
    return raw


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """Every option with its value; a URL that stands alone is one of --url."""
    left = iter(words)
    for word in left:
        if word.startswith("--"):
            yield word, _value(word, None, left)
        elif word.startswith("-") and len(word) > 1:
            yield from _letters(word, left)
        else:
            yield "--url", word


def _letters(word: str, left: Iterator[str]) -> Iterator[tuple[str, str]]:
    for at, letter in enumerate(word[1:], start=2):
        option = f"-{letter}"
        if option in _SILENT or option in _NO_VALUE:
            yield option, ""
            continue
        yield option, _value(option, word[at:] or None, left)
        return


def _value(option: str, attached: str | None, left: Iterator[str]) -> str:
    if option not in _TAKEN:
        raise NotACurlCommand(
            f"its option {option} is not known here; take it out if it changes nothing of what is "
            "sent, or give the request as a cassette has it"
        )
    if option in _SILENT or option in _NO_VALUE:
        return ""
    value = attached if attached is not None else next(left, None)
    if value is None:
        raise NotACurlCommand(f"its option {option} has no value")
    return value


def _take_nothing(_: _Sent, __: str, ___: str) -> None:
    return


def _take_method(sent: _Sent, _: str, value: str) -> None:
    sent.method = value


def _take_head(sent: _Sent, _: str, __: str) -> None:
    sent.head = True


def _take_url(sent: _Sent, _: str, value: str) -> None:
    sent.urls.append(value)


def _take_header(sent: _Sent, _: str, value: str) -> None:
    line = value.encode("utf-8", "surrogateescape").decode("latin-1")
    name, colon, rest = line.partition(":")
    if not colon and name.endswith(";"):
        sent.headers.append((name.removesuffix(";"), ""))
    elif not colon:
        raise NotACurlCommand(f"its header {value!r} is not written as 'Name: value'")
    elif rest.strip():
        sent.headers.append((name.strip(), rest.strip()))
    else:
        sent.removed.add(name.strip().lower())


def _take_own_header(sent: _Sent, option: str, value: str) -> None:
    _take_header(sent, option, f"{_OWN_HEADERS[option]}: {value}")


def _take_data(sent: _Sent, option: str, value: str) -> None:
    if value.startswith("@") and option != "--data-raw":
        raise NotACurlCommand(f"{option} {value} reads a file; put what is in it in its place")
    joint = "" if option == "--json" else "&"
    sent.body = value if sent.body is None else sent.body + joint + value
    if option == "--json":
        sent.media_type = _JSON


_NO_VALUE = frozenset({"-I", "--head"})
_OWN_HEADERS = {
    "-A": "User-Agent",
    "--user-agent": "User-Agent",
    "-b": "Cookie",
    "--cookie": "Cookie",
}
_TAKEN: dict[str, Callable[[_Sent, str, str], None]] = {
    **dict.fromkeys(_SILENT | _SILENT_WITH_VALUE, _take_nothing),
    **dict.fromkeys(("-X", "--request"), _take_method),
    **dict.fromkeys(_NO_VALUE, _take_head),
    **dict.fromkeys(("-H", "--header"), _take_header),
    **dict.fromkeys(_OWN_HEADERS, _take_own_header),
    **dict.fromkeys(
        ("-d", "--data", "--data-ascii", "--data-raw", "--data-binary", "--json"), _take_data
    ),
    "--url": _take_url,
}
