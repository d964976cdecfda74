"""curl commands, written and read: what a person tries by hand, or pastes.

They are written safe for any POSIX shell and exact to the byte. When one is read, the options that
say what is sent are understood, and those that say nothing of it; any other is refused by name, for
a request that is only nearly the one would explain nothing. No shell is run and no file opened.
"""

import base64
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from runreel.cassettes.format import Cassette
from runreel.http.messages import Headers, Interaction, Request
from runreel.importers.records import exported

_KEY = '-H "Authorization: Bearer $OPENAI_API_KEY"'  # in quotes that let the shell put it in


def write(cassette: Cassette, base_url: str) -> tuple[bytes, list[str]]:
    """One command for each interaction, and the ids of what is left out."""
    found, gone = exported(cassette)
    lines = (f"{_command(interaction, base_url)}\n" for interaction in found)
    return "".join(lines).encode("latin-1"), gone


def _command(interaction: Interaction, base_url: str) -> str:
    request = interaction.request
    # As they are: no braces expanded, no dots resolved.
    words = ["curl", "-sS", "--globoff", "--path-as-is"]
    words += ["--head"] if request.method == "HEAD" else ["-X", shlex.quote(request.method)]
    words += [shlex.quote(base_url + request.target), _KEY]
    names = {name.lower() for name, _ in request.headers}
    for name, value in request.headers:
        words += ["-H", shlex.quote(f"{name}: {value}" if value else f"{name};")]
    if not request.body:
        return " ".join(words)
    if "content-type" not in names:
        words += ["-H", "Content-Type:"]  # or curl would say that it is a form
    text = request.body.decode("latin-1")
    if _fits_a_shell(request.body):
        return " ".join([*words, "--data-raw", shlex.quote(text)])
    coded = base64.b64encode(request.body).decode("ascii")
    return " ".join(["printf %s", coded, "| base64 -d |", *words, "--data-binary @-"])


def _fits_a_shell(body: bytes) -> bool:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(char.isprintable() or char in "\t\n" for char in text)


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
_WITHOUT_VALUE = _SILENT | {"-I", "--head"}
# option -> what it is about: "nothing" of what is sent, a part of the request, or a header's name
_MEANINGS = {
    **dict.fromkeys(_SILENT, "nothing"),
    **dict.fromkeys(("-m", "-o", "-w", "--connect-timeout", "--max-time"), "nothing"),
    **dict.fromkeys(("--output", "--retry", "--write-out"), "nothing"),
    **dict.fromkeys(("-X", "--request"), "method"),
    **dict.fromkeys(("-I", "--head"), "head"),
    **dict.fromkeys(("-H", "--header"), "header"),
    **dict.fromkeys(("-A", "--user-agent"), "User-Agent"),
    **dict.fromkeys(("-b", "--cookie"), "Cookie"),
    **dict.fromkeys(("-d", "--data", "--data-ascii", "--data-raw", "--data-binary"), "data"),
    "--json": "data",
    "--url": "url",
}


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
        sent.take(option, value)
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

    def take(self, option: str, value: str) -> None:
        """Take an option of `_MEANINGS` and its value, "" if it has none."""
        match _MEANINGS[option]:
            case "method":
                self.method = value
            case "head":
                self.head = True
            case "url":
                self.urls.append(value)
            case "header":
                self._take_header(value)
            case "data":
                self._take_data(option, value)
            case "nothing":
                pass
            case own_header:
                self._take_header(f"{own_header}: {value}")

    def _take_header(self, value: str) -> None:
        line = value.encode("utf-8", "surrogateescape").decode("latin-1")
        name, colon, rest = line.partition(":")
        if not colon and name.endswith(";"):
            self.headers.append((name.removesuffix(";"), ""))
        elif not colon:
            raise NotACurlCommand(f"its header {value!r} is not written as 'Name: value'")
        elif rest.strip():
            self.headers.append((name.strip(), rest.strip()))
        else:
            self.removed.add(name.strip().lower())

    def _take_data(self, option: str, value: str) -> None:
        if value.startswith("@") and option != "--data-raw":
            raise NotACurlCommand(f"{option} {value} reads a file; put what is in it in its place")
        joint = "" if option == "--json" else "&"
        self.body = value if self.body is None else self.body + joint + value
        if option == "--json":
            self.media_type = _JSON

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
        yield option, _value(option, word[at:] or None, left)
        if option not in _WITHOUT_VALUE:
            return


def _value(option: str, attached: str | None, left: Iterator[str]) -> str:
    if option not in _MEANINGS:
        raise NotACurlCommand(
            f"its option {option} is not known here; take it out if it changes nothing of what is "
            "sent, or give the request as a cassette has it"
        )
    if option in _WITHOUT_VALUE:
        return ""
    value = attached if attached is not None else next(left, None)
    if value is None:
        raise NotACurlCommand(f"its option {option} has no value")
    return value
