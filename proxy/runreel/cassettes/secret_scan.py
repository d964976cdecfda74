"""What looks like a secret, in a text and in all that the text says in other words, and where.

It is there to notice when redaction failed, or when somebody wrote into a cassette by hand. So it
has rules and a reader of its own and shares nothing with what takes secrets out (an import contract
holds that), and it is wider: a shape counts in every disguise, a name in every place.

- *Texts* are read as they are, without their escapes (percent, JSON, line by line), and out of
  UTF-16, base64, base32, hex and gzip, each in the other. In them count the shapes of keys.
- *Names* are read word by word wherever a value has one: headers, parameters of targets, of URLs
  and forms, members of JSON, also of JSON in strings and in base64. Under a name that says so any
  value is a secret, under one that may say so what looks drawn by lot.
- *Pieces* that stand at one place of several events are read as one text.
"""

import base64
import binascii
import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from runreel.http import sse, strict_json
from runreel.http.encoding import partial_decode
from runreel.http.headers import codings
from runreel.http.messages import Interaction

_ESCAPES_MAX = 12  # levels; a JSON string in a JSON string in a query is three
_LAYERS_MAX = 3  # of base64 in base64, and the like
_SHOWN = 3  # characters of a secret that may be told; they name its kind, as in sk-
_APART = "\n|\n"  # between texts of which none goes on in the next
_UNPACKED_BYTES_MAX = 16 * 1024 * 1024

_RUN = re.compile(r"[A-Za-z0-9+/_-]{16,}")
_HEX_RUN = re.compile(r"[0-9A-Fa-f]{40,}")
_BASE32_RUN = re.compile(r"[A-Z2-7]{32,}|[a-z2-7]{32,}")
_WRAP = re.compile(r"(?<=[A-Za-z0-9+/_-]{60})[\r\n]+[ \t]*(?=[A-Za-z0-9+/_-])")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_ESCAPED = re.compile(r'\\+(?:u([0-9A-Fa-f]{4})|(["/])|([bfnrt]))?')

# -- What values look like ------------------------------------------------------------------------

# What stands where a secret stood, here and in the recordings of other tools, and in manuals.
_PLACEHOLDER = re.compile(
    r"(?:[A-Za-z]+ +)?(?:REDACTED(?:-[0-9a-f]{10})?|\[[A-Za-z ]+\]|<[^<>]+>|\{+[^{}]+\}+|\$\S+"
    r"|\*+|x+|X+|\.+|[A-Z]+(?:_[A-Z]+)+"
    r"|(?i:sanitized|filtered|redacted|none|null|true|false|your[-_ a-z]*))"
)


def _wordy(text: str) -> bool:
    """Whether most of a text is stretches of four letters or more in one case, as words have."""
    stretches = re.findall(r"[a-z]{4,}|[A-Z]{4,}", text)
    return 2 * sum(map(len, stretches)) >= len(text)


def _mixed(text: str) -> bool:
    """Whether a run in it has digits and letters of both cases and is no word, or is all hex."""
    for run in re.findall(r"[A-Za-z0-9]{16,}", text):
        kinds = [any(map(kind, run)) for kind in (str.isdigit, str.islower, str.isupper)]
        if all(kinds) and not _wordy(run):
            return True
    return re.search(r"(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{32}", text) is not None


def _drawn_by_lot(text: str) -> bool:
    """Whether a value looks random: at least 2.2 bits a character, and letters with digits."""
    if len(text) < 16 or " " in text or _wordy(text):
        return False
    shares = [count / len(text) for count in Counter(text).values()]
    entropy = -sum(share * math.log2(share) for share in shares)
    return entropy >= 2.2 and any(map(str.isdigit, text)) and any(map(str.isalpha, text))


def _decodes_to_a_pair(text: str) -> bool:
    try:
        pair = base64.b64decode(text.rpartition(" ")[2] + "==").decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return ":" in pair and pair.isprintable()


def _no_manual(text: str) -> bool:
    """Whether a password in a URL is one, and not the word for it."""
    value = text.rpartition(":")[2].lower()
    return not (_PLACEHOLDER.fullmatch(value) or value in ("password", "pass", "secret", "pwd"))


def _any(_: str) -> bool:
    return True


def _changes_case(text: str) -> bool:
    """Whether its letters change their case as often as those of no name do."""
    letters = "".join(filter(str.isalpha, text))
    return len(re.findall(r"(?=[a-z][A-Z]|[A-Z][a-z])", letters)) >= 0.25 * len(letters)


def _no_mask(text: str) -> bool:
    """Whether it has digits, and is not what manuals write: a prefix and many x."""
    return re.search(r"([xX])\1{11}", text) is None and any(map(str.isdigit, text))


_NO_SECRET_LAST = frozenset({"id", "ids", "hash", "name", "event", "file", "path", "url"})


def _is_assigned(text: str) -> bool:
    """Whether the value after a name that says so looks drawn by lot: `api_key = "…"`."""
    name, value = re.split(r"[\"'`:?=,>\s.]+(?=\S+$)", text, maxsplit=1)
    words = _words(name.lower() if "-" in name else name)  # of a header, as it is written there
    if not (_says_so(words) or words[-1:] == ["pass"]) or words[-1] in _NO_SECRET_LAST:
        return False
    changes = len(re.findall(r"(?=\d[A-Za-z]|[A-Za-z]\d)", value))
    return changes >= 0.2 * len(value) or _drawn_by_lot(value) or _mixed(value)


# How the tokens of many services begin, and what follows; public scanners keep such lists.
_OTHERS = (
    ("pplx-", r"[A-Za-z0-9]{40,}"),
    ("dapi", r"[0-9a-f]{32,}"),
    *((f"do{kind}_v1_", r"[0-9a-f]{32,}") for kind in "opr"),
    ("SG.", r"[\w-]{20,}\.[\w-]{30,}"),
    *((f"shp{kind}_", r"[0-9a-fA-F]{32}") for kind in ("at", "ca", "pa", "ss")),
    *((f"sq0{kind}-", r"[\w-]{22,}") for kind in ("atp", "csp", "idp")),
    ("AKC", r"[A-Za-z0-9]{60,}"),
    ("AP", r"[0-9A-F][A-Za-z0-9]{40,}"),
    ("cmVmd", r"[A-Za-z0-9]{59}\b"),
    ("AGE-SECRET-KEY-1", r"[0-9A-Z]{58}"),
    ("ATATT3", r"[\w=-]{60,}"),
    ("ATCTT3", r"[\w=-]{60,}"),
    ("LTAI", r"[A-Za-z0-9]{20}\b"),
    ("ABSK", r"[A-Za-z0-9+/]{100,}"),
    ("bedrock-api-key-", r"[\w+/]{24,}"),
    ("CLOJARS_", r"[0-9A-Za-z]{60}"),
    ("EZ", r"(?:AK|TK)[A-Za-z0-9]{54}"),
    ("FLWSECK", r"_TEST-[0-9a-h]{12,}"),
    *((f"dp.{kind}.", r"[A-Za-z0-9]{40,}") for kind in ("pt", "st", "ct", "sa")),
    ("dt0c01.", r"\w{24}\.\w{64}"),
    *((f"f{kind}_", r"[\w+/=-]{40,}") for kind in ("o1", "m1", "m2")),
    ("glc_", r"[A-Za-z0-9+/]{32,}"),
    ("glsa_", r"[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}"),
    ("HRKU-AA", r"[\w-]{50,}"),
    ("hvb.", r"[\w-]{90,}"),
    ("hvs.", r"[\w-]{20,}"),
    ("lin_api_", r"[A-Za-z0-9]{40}"),
    ("NR", r"(?:AK|II)-[\w-]{27,}"),
    ("ntn_", r"\d{11}[A-Za-z0-9]{35}"),
    ("ops_eyJ", r"[A-Za-z0-9+/]{100,}"),
    ("p8e-", r"[0-9a-z]{32}\b"),
    ("PMAK-", r"[0-9a-f]{24}-[0-9a-f]{34}"),
    ("pnu_", r"[A-Za-z0-9]{36}"),
    *((f"pscale_{kind}_", r"[\w=.-]{32,}") for kind in ("pw", "tkn", "oauth")),
    ("pul-", r"[0-9a-f]{40}"),
    ("rdme_", r"[a-z0-9]{70}"),
    ("rubygems_", r"[0-9a-f]{48}"),
    ("s-s4t2", r"(?:ud|af)-[0-9a-f]{64}"),
    ("sgp_", r"(?:\w{5,16}_)?[A-Fa-f0-9]{40}"),
    ("sha256~", r"[\w-]{43}"),
    ("shippo_", r"(?:live|test)_[0-9a-fA-F]{40}"),
    ("sm_", r"[aps]at_[A-Za-z0-9]{16}\b"),
    *((f"sntry{kind}_", r"[\w+/=]{64,}") for kind in "us"),
    ("tfp_", r"[\w.=-]{50,}"),
    ("tk-us-", r"[\w-]{40,}"),
    ("xkeysib-", r"[0-9a-f]{64}-[A-Za-z0-9]{16}"),
)


# (name, texts of which one stands in each, how it looks, and what more it must be)
_Shape = tuple[str, tuple[str, ...], re.Pattern[str], Callable[[str], bool]]
_TABLE: tuple[tuple[str, tuple[str, ...], str, Callable[[str], bool]], ...] = (
    ("openai-key", ("sk-",), r"sk-[\w-]{16,}", _mixed),
    ("openai-key", ("sk-",), r"sk-[\w-]{80,}", _no_mask),
    ("masked-key", ("***",), r"sk-[\w-]*\*{3,}[\w-]*", _any),
    ("session-key", ("sess-",), r"sess-[A-Za-z0-9]{20,}", _mixed),
    ("ephemeral-key", ("ek_",), r"ek_[A-Za-z0-9]{20,}\b", _mixed),
    ("jwt", ("eyJ",), r"eyJ(?:(?![_-]eyJ)[\w-]){8,}+\.eyJ[\w-]{8,}+\.[\w-]*", _any),
    ("jwe", ("eyJ",), r"eyJ(?:(?![_-]eyJ)[\w-]){8,}+\.[\w-]*+(?:\.[\w-]{8,}+){3}", _any),
    ("organization-id", ("org-",), r"org-[A-Za-z0-9]{20,}\b", _mixed),
    ("project-id", ("proj_",), r"proj_[A-Za-z0-9]{20,}\b", _mixed),
    ("aws-key-id", ("AKIA", "ABIA", "ACCA"), r"A(?:KIA|BIA|CCA)(?!X{12})[A-Z2-7]{16}\b", _any),
    ("aws-key-id", ("ASIA", "A3T"), r"A(?:SIA|3T\w)(?=[A-Z]*[2-7])[A-Z2-7]{16}\b", _any),
    ("azure-key", ("JQQJ99",), r"[A-Za-z0-9]{30,70}JQQJ99[A-Za-z0-9]{8,}", _any),
    ("azure-shared-key", ("Key=",), r"(?:Account|SharedAccess)Key=[\w+/]{40,}=*", _any),
    ("github-token", ("gh",), r"gh[pousr]_[A-Za-z0-9]{30,}", _no_mask),
    ("github-token", ("github_pat_",), r"github_pat_\w{30,}", _no_mask),
    ("gitlab-token", ("GR1348941",), r"GR1348941[\w-]{20,}", _any),
    ("gitlab-token", ("gl",), r"gl[a-z]{2,5}-(?=[a-z_-]*[A-Z0-9])[\w-]{20,}", _any),
    ("google-key", ("AIza",), r"AIza[\w-]{35}(?![\w-])", _no_mask),
    ("google-key", ("ya29.", "GOCSPX-"), r"(?:ya29\.|GOCSPX-)[\w-]{20,}", _any),
    ("slack-token", ("xox", "xapp-"), r"(?:xox[abeprs]|xapp)-(?=\D*\d)[\w-]{10,}", _any),
    ("slack-token", ("xoxo-",), r"xoxo-\d[\w-]{10,}", _any),
    ("slack-webhook", ("hooks.slack",), r"hooks\.slack\.com/\w+/[\w/]{20,}", _any),
    ("hugging-face-token", ("hf_", "api_org_"), r"(?:hf|api_org)_[A-Za-z]{34}\b", _changes_case),
    ("hugging-face-token", ("hf_", "api_org_"), r"(?:hf|api_org)_[A-Za-z0-9]{30,}\b", _no_mask),
    ("groq-key", ("gsk_",), r"gsk_[A-Za-z0-9]{40,}\b", _any),
    ("xai-key", ("xai-",), r"xai-[A-Za-z0-9]{40,}", _any),
    ("replicate-token", ("r8_",), r"r8_[A-Za-z0-9]{30,}", _any),
    ("stripe-key", ("k_",), r"[sr]k_(?:live|test|prod)_(?=[A-Za-z]*\d)[A-Za-z0-9]{16,}", _any),
    ("stripe-key", ("whsec_",), r"whsec_[\w+/]{20,}", _any),
    ("npm-token", ("npm_",), r"npm_[A-Za-z0-9]{36}\b", _any),
    ("pypi-token", ("pypi-",), r"pypi-[\w-]{50,}", _mixed),
    *(("other-token", (begin,), re.escape(begin) + rest, _no_mask) for begin, rest in _OTHERS),
    ("other-token", ("AC", "SK"), r"(?:AC|SK)[0-9a-f]{32}(?![\w-])", _any),
    ("other-token", ("-us",), r"[0-9a-f]{32}-us\d{1,2}\b", _any),
    ("other-token", (".",), r"[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,}", _mixed),
    ("other-token", (":A",), r"\d{8,10}:A[\w-]{34}(?![\w-])", _any),
    ("other-token", ("8Q~",), r"[\w~.]{0,3}8Q~[\w~.-]{31,}", _no_mask),
    ("other-token", (".atlasv1.",), r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,}", _no_mask),
    ("private-key", ("PRIVATE KEY",), r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY", _any),
    ("private-key", ("PuTTY-User-Key",), r"PuTTY-User-Key-File-\d", _any),
    ("bearer-token", ("earer", "EARER"), r"(?i:bearer)\s{1,4}[\w.~+/-]{20,}=*", _mixed),
    ("basic-credentials", ("asic ",), r"(?i:basic) [A-Za-z0-9+/]{8,}={0,2}", _decodes_to_a_pair),
    ("url-token", ("://",), r"[a-z]+://[\w-]{16,255}(?=@[\w\[])", _mixed),
    (
        "url-password",
        ("://",),
        r"[a-z][a-z0-9+.-]*://[^\s/:@?#\"'<>\\]*:[^\s/@\"'<>\\]{3,200}(?=@[\w\[])",
        _no_manual,
    ),
    (
        "curl-password",
        ("curl",),
        (
            r"curl(?:(?!curl)[^\n]){0,300}?\s(?:-u|--user)[ =]?[\"']?"
            r"[^\s:\"'\\]{1,100}:[^\s\"'\\]{3,200}"
        ),
        _no_manual,
    ),
    (
        "assignment",
        ("=", ":", ",", ">"),
        (
            r"[\w.-]{0,60}?(?i:key|token|secret|auth|credentials?|pass|passwd|pwd)[\w.-]{0,20}"
            r"(?:[\"'`]?(?: string)?\s{0,4}(?:[:?.]{0,3}=>?|:|,)\s{0,4}[\"'`]?|>\s{0,40})"
            r"[\w/+~-]{16,200}=*"
        ),
        _is_assigned,
    ),
)
# Where a key begins: not in the middle of a word, unless that is the end of an escape.
_START = (
    r"(?:(?<![A-Za-z0-9\u00c0-\u024f])|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4})(?<!\\u0[12]..)"
    r"|(?<=%[0-9A-Fa-f]{2})(?<!%[Cc][3-9]%..))"
)
_SHAPES: tuple[_Shape, ...] = tuple(
    (name, hints, re.compile(_START + pattern), fits) for name, hints, pattern, fits in _TABLE
)
# Beside base64 there may be anything, also a length that looks like a letter: then a key begins
# where it does not in a text, and shows by its mixture that it is no word.
_INSIDE: tuple[_Shape, ...] = tuple(
    (name, hints, re.compile(pattern), _mixed)
    for name, hints, pattern, _ in _TABLE
    if name in ("openai-key", "session-key")
)

# -- What names say -------------------------------------------------------------------------------

_SAY_SO = frozenset(
    [
        "key",
        "token",
        "secret",
        "auth",
        "authorization",
        "authentication",
        "bearer",
        "credential",
        "credentials",
        "session",
        "signature",
        "sig",
        "hmac",
        "password",
        "passwd",
        "passphrase",
        "passcode",
        "pwd",
        "pat",
        "jwt",
        "assertion",
        "csrf",
        "xsrf",
        "otp",
        "sid",
        "sessid",
    ]
)
_RUN_TOGETHER = re.compile(
    r"\w*(?:token|secret|password|passwd|signature|credentials?|sessionid|sessid)"
    r"|(?:\w*api|auth|access|account|admin|client|consumer|crypto|encryption|functions?|host|license"
    r"|master|private|security|service|shared|signing|storage|subscription|user)key(?:id)?"
)
_NO_SECRET_BEFORE = frozenset(
    [
        "idempotency",
        "cache",
        "surrogate",
        "partition",
        "sort",
        "primary",
        "foreign",
        "public",
        "routing",
        "group",
        "range",
        "object",
        "hash",
        "order",
        "map",
        "row",
        "page",
        "next",
        "continuation",
        "sync",
        "previous",
        "cursor",
    ]
)
_NO_SECRET_AFTER = frozenset(
    [
        "type",
        "types",
        "count",
        "limit",
        "limits",
        "version",
        "method",
        "methods",
        "mode",
        "algorithm",
        "expires",
        "expiry",
        "ttl",
        "length",
        "size",
        "status",
        "budget",
        "usage",
        "used",
        "remaining",
        "scheme",
        "affinity",
        "prefix",
        "duration",
        "timeout",
        "name",
        "hint",
    ]
)
_NO_SECRET = re.compile(
    r"(?i)access-control-.*|sec-.*|.*authentication-(?:info|results)|x-ratelimit-.*|idempotency-key"
)
_ALONE_IN_QUERIES = frozenset({"code", "pass", "ticket", "sas", "nonce"})
# Members of JSON whose value is a secret, letters only; any other name may only say so.
_MEMBERS = re.compile(
    r"(?:\w*pass(?:word|wd|phrase)|\w*clientsecret|\w*apikey|apitoken|apisecret(?:key)?|authorization"
    r"|proxyauthorization|accesstoken(?:secret)?|refreshtoken|idtoken|authtoken|bearertoken"
    r"|oauthtoken|\w*sessiontoken|privatekey(?:pem)?|secretkey|\w*secretaccesskey|signingkey"
    r"|signingsecret|webhooksecret|sharedsecret|appsecret|encryptionkey|subscriptionkey|accountkey"
    r"|masterkey|servicekey|servicerolekey|clientassertion|csrftoken|connectionstring"
    r"|\w*accesskeyid|accesskey|sessionkey)"
)
_NEVER_MEMBERS = frozenset({"signature"})  # of a model's thoughts
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# Always gone from a cassette, whatever the value.
_HEADERS_LEFT_OUT = frozenset(
    {"cookie", "set-cookie", "cf-ray", "openai-organization", "openai-project"}
)


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z]+", _CAMEL.sub(" ", name).lower())


def _says_so(words: list[str]) -> bool:
    """Whether the words of a name say that its value is a secret."""
    for at, word in enumerate(words):
        if word not in _SAY_SO and not _RUN_TOGETHER.fullmatch(word):
            continue
        harmless = (
            words[at - 1] in _NO_SECRET_BEFORE if at else False,
            at + 1 < len(words) and words[at + 1] in _NO_SECRET_AFTER,
        )
        if not any(harmless):
            return True
    return False


def _header_says_so(name: str) -> bool:
    if name.lower() in _HEADERS_LEFT_OUT:
        return True
    return _NO_SECRET.fullmatch(name) is None and _says_so(re.findall(r"[a-z]+", name.lower()))


def _parameter_says_so(name: str) -> bool:
    words = _words(name)
    return _says_so(words) or (len(words) == 1 and words[0] in _ALONE_IN_QUERIES)


def _member_is_secret(name: str, value: str) -> bool:
    """Whether the value of a member of JSON is a secret, by its name or by both."""
    if _PLACEHOLDER.fullmatch(value) or not value:
        return False
    if _MEMBERS.fullmatch(re.sub(r"[^a-z]", "", name.lower())):
        return True
    words = [word for word in _words(name) if word not in _NEVER_MEMBERS | {"session"}]
    return (_says_so(words) or words[-1:] == ["pass"]) and _drawn_by_lot(value)


# -- Texts ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something that looks like a key: the rule's name, what it is hidden in (empty: nothing), and
    the `secret` itself, which is never to be shown.
    """

    rule: str
    disguise: str
    secret: str = field(repr=False)

    @property
    def begins(self) -> str:
        """As much as may be told."""
        return f"{self.secret[:_SHOWN]}…" if self.rule != BY_NAME else "…"


BY_NAME = "name"  # the rule of what only its name betrays


def sightings(text: str) -> tuple[Sighting, ...]:
    """All that looks like a key in a text; each once, in the plainest way it shows."""
    found: dict[str, Sighting] = {}
    for sighting in _search(text, "", _LAYERS_MAX):
        found.setdefault(sighting.secret, sighting)
    return tuple(found.values())


def discreet(text: str) -> str:
    """The text, or what may be told of it: no more than how it begins, if it holds a key."""
    return f"{text[:_SHOWN]}…" if sightings(text) else text


def _search(text: str, disguise: str, layers: int) -> Iterator[Sighting]:
    for _ in range(_ESCAPES_MAX):
        yield from _shapes_in(text, _SHAPES, disguise)
        yield from _parameters_in(text, disguise)
        if "\0" in text:
            yield from _shapes_in(text.replace("\0", ""), _SHAPES, disguise or "UTF-16")
        if layers:
            said: dict[str, list[str]] = {}
            for kind, decoded in _decoded(text):
                said.setdefault(kind, []).append(decoded)
            for kind, parts in said.items():  # at once, for there may be very many
                together = _APART.join(parts)
                yield from _shapes_in(together, _INSIDE, kind)
                yield from _search(together, kind, layers - 1)
        plainer = _without_escapes(text)
        if plainer == text:
            return
        text, disguise = plainer, disguise or "escaped"


def _shapes_in(text: str, shapes: tuple[_Shape, ...], disguise: str) -> Iterator[Sighting]:
    for name, hints, pattern, fits in shapes:
        if any(hint in text for hint in hints):
            for match in pattern.finditer(text):
                if fits(match[0]):
                    yield Sighting(name, disguise, match[0])


_IN_URL = re.compile(
    r"(?:[?&;]|%3[Ff]|%26)([A-Za-z][\w.-]{1,40})(?:=|%3[Dd])((?:(?!%26|%23|%3[Ff])[^&?\s\"'<>#\\;,)]){8,})"
)
_SIGNED = re.compile(r"(?i)sig|signature|x-(?:amz|goog)-(?:signature|credential|security-token)")


def _parameters_in(text: str, disguise: str) -> Iterator[Sighting]:
    """Signatures and tokens among the parameters of URLs."""
    if "=" not in text and "%3" not in text:
        return
    for match in _IN_URL.finditer(text):
        name, value = match[1], unquote_plus(match[2])
        if len(value) < 8 or _PLACEHOLDER.fullmatch(value) or not _parameter_says_so(name):
            continue
        plain = _MEMBERS.fullmatch(re.sub(r"[^a-z]", "", name.lower()))
        if plain or _SIGNED.fullmatch(name) or _drawn_by_lot(value):
            yield Sighting("url-parameter", disguise, match[2])


def _decoded(text: str) -> Iterator[tuple[str, str]]:
    """What each run of an encoding says, read from each of its first characters on."""
    for run in _RUN.findall(text):
        letters = run.replace("-", "+").replace("_", "/")
        for start in range(4):
            part = letters[start:]
            if len(part) % 4 == 1:  # no number of bytes is written so
                part = part[:-1]
            yield "base64", _said_by(base64.b64decode(part + "=" * (-len(part) % 4)))
    for run in _HEX_RUN.findall(text):
        for start in range(2):
            part = run[start : start + (len(run) - start) // 2 * 2]
            yield "hex", _said_by(bytes.fromhex(part))
    for run in _BASE32_RUN.findall(text):
        for start in range(8):
            part = run[start:]
            part = part[: len(part) - (len(part) % 8 in (1, 3, 6))]
            yield "base32", _said_by(_of_base32(part))


def _of_base32(part: str) -> bytes:
    try:
        return base64.b32decode(part + "=" * (-len(part) % 8), casefold=True)
    except binascii.Error:
        return base64.b32decode(part[: len(part) // 8 * 8], casefold=True)


def _said_by(raw: bytes) -> str:
    """The text behind bytes: unpacked if they are packed."""
    if raw.startswith((b"\x1f\x8b", b"\x78\x01", b"\x78\x9c", b"\x78\xda")):
        try:
            unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
            raw = unpacker.decompress(raw, _UNPACKED_BYTES_MAX)
        except zlib.error:
            pass
    return raw.decode("utf-8", "replace")


def _without_escapes(text: str) -> str:
    """The text after one level of percent and JSON escapes, and without line breaks in base64."""
    if "%" in text:
        text = _PERCENT.sub(_unquoted, text)
    if "\\" in text:
        text = _ESCAPED.sub(_meant, text)
    return _WRAP.sub("", text) if "\n" in text or "\r" in text else text


def _unquoted(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "replace")


def _meant(match: re.Match[str]) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    if match[3]:
        return "\n"
    return match[2] or "\\"


# -- Documents ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spot:
    """Something that looks like a key, at a JSON pointer."""

    at: str
    sighting: Sighting


def in_document(text: str) -> Iterator[Spot]:
    """All that looks like a secret in the JSON text of a cassette, in its order; a name counts at
    its own place.
    """
    seen: dict[str, tuple[Sighting, ...]] = {}
    for span in strict_json.spans(text):
        if span.kind not in ("name", "string"):
            continue
        value = json.loads(text[span.start : span.end])
        if value not in seen:
            seen[value] = sightings(value)
        found = seen[value]
        if span.kind == "string":
            named = _named(strict_json.steps(span.at), value)
            known = {sighting.secret for sighting in found}
            found += tuple(item for item in dict.fromkeys(named) if item.secret not in known)
        for sighting in found:
            yield Spot(span.at, sighting)
    yield from _pairs_of_headers(text)


def _named(steps: tuple[str, ...], value: str) -> Iterator[Sighting]:
    """What in a string of a cassette is a secret by its name, with where the string stands."""
    last = steps[-1] if steps else ""
    if steps[-2:-1] == ("headers",) and ":" in value:  # "Name: value"
        name, _, text = value.partition(":")
        yield from _header(name.strip(), text.strip())
    elif last == "target":
        yield from _pairs(value.partition("?")[2])
    elif last == "text":
        yield from _in_body(value)
    elif last == "base64":
        yield from _in_base64_body(value)
    else:
        if steps[-2:-1] != ("properties",) and _member_is_secret(last, value):
            yield Sighting(BY_NAME, "", value)
        yield from _in_json(value)


def _header(name: str, value: str) -> Iterator[Sighting]:
    if value and _header_says_so(name) and not _PLACEHOLDER.fullmatch(value):
        yield Sighting(BY_NAME, "", value)


def _pairs(query: str) -> Iterator[Sighting]:
    """The secrets among the parameters of a query or a form."""
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        read = unquote_plus(value)
        if read and _parameter_says_so(unquote_plus(name)) and not _PLACEHOLDER.fullmatch(read):
            yield Sighting(BY_NAME, "", value)


_FORM = re.compile(r"[\w.%\[\]+-]{1,80}=[^&\s]*(?:&[\w.%\[\]+-]{1,80}=[^&\s]*)*")
_FIELD = re.compile(
    r'(?i)Content-Disposition:[^\r\n]*?\bname="?([^"\r\n;\s]*)"?([^\r\n]*)\r?\n'
    r"(?:[^\r\n]+\r?\n)*\r?\n(.*?)(?=\r?\n--)",
    re.DOTALL,
)
_MEMBER = re.compile(r'"([A-Za-z][\w-]{2,40})\\*"\s{0,8}:\s{0,8}\\*"((?:[^"\\]|\\.)*?)\\*"')


def _in_body(text: str) -> Iterator[Sighting]:
    """The same in the text of a body: a form, fields, JSON, or lines of it."""
    if _FORM.fullmatch(text.strip()):
        yield from _pairs(text.strip())
    for match in _FIELD.finditer(text) if "isposition" in text else ():
        fits = _parameter_says_so(match[1]) and "filename=" not in match[2]
        if fits and match[3] and not _PLACEHOLDER.fullmatch(match[3]):
            yield Sighting(BY_NAME, "", match[3])
    yield from _in_json(text)


def _in_json(text: str) -> Iterator[Sighting]:
    """The same among the members of JSON in a text, however deep it is escaped."""
    for _ in range(_ESCAPES_MAX if '"' in text else 0):
        for match in _MEMBER.finditer(text):
            if _member_is_secret(match[1], match[2]) and '"properties"' not in text:
                yield Sighting(BY_NAME, "", match[2])
        plainer = _ESCAPED.sub(_meant, text) if "\\" in text else text
        if plainer == text:
            return
        text = plainer


def _in_base64_body(text: str) -> Iterator[Sighting]:
    try:
        raw = base64.b64decode(text)
    except binascii.Error:
        return
    said = _said_by(raw)
    yield from _in_body(said)
    for sighting in sightings(said):
        yield Sighting(sighting.rule, sighting.disguise or "base64", sighting.secret)


def _pairs_of_headers(text: str) -> Iterator[Spot]:
    """The secrets among headers that are written as pairs, as the first build did."""
    try:
        document = json.loads(text)
    except ValueError:
        return
    items = document.get("interactions") if isinstance(document, dict) else None
    for number, item in enumerate(items if isinstance(items, list) else []):
        for part in ("request", "response"):
            message = item.get(part) if isinstance(item, dict) else None
            headers = message.get("headers") if isinstance(message, dict) else None
            for place, pair in enumerate(headers if isinstance(headers, list) else []):
                if isinstance(pair, list) and [*map(type, pair)] == [str, str]:
                    at = f"/interactions/{number}/{part}/headers/{place}/1"
                    yield from (Spot(at, sighting) for sighting in _header(*pair))


def in_lines(text: str) -> Iterator[Spot]:
    """The same in a text that is no JSON; places are lines."""
    for number, line in enumerate(text.splitlines(), start=1):
        for sighting in sightings(line):
            yield Spot(f"line {number}", sighting)


def in_bodies(interaction: Interaction) -> Iterator[Spot]:
    """What no single string of an interaction's document says, but its bodies do."""
    response = interaction.response
    records = sse.split(response.body) if response.at_ms else tuple(response.body.splitlines(True))
    for first, text in _joined(records):
        at = f"/response/body/events/{first}" if response.at_ms else "/response/body"
        for sighting in (*sightings(text), *_in_json(text)):
            yield Spot(at, sighting)
    for at, message in (("/request/body", interaction.request), ("/response/body", response)):
        if applied := codings(message.headers):
            read = partial_decode(message.body, applied, _UNPACKED_BYTES_MAX).decode(
                "utf-8", "replace"
            )
            for sighting in (*sightings(read), *_in_body(read)):
                yield Spot(at, sighting)


def shown_pointer(at: str) -> str:
    """A JSON pointer that may be told: a step that holds a key shows no more than how it begins."""
    shown = ""
    for step in strict_json.steps(at):
        shown = strict_json.pointer(shown, discreet(step))
    return shown


def _joined(records: tuple[bytes, ...]) -> Iterator[tuple[int, str]]:
    """What the strings at one place of several events say together, with the number of the first.

    Not only deltas: it costs little, and nobody knows what an upstream sends in pieces.
    """
    texts: dict[tuple[str, str], list[str]] = {}
    first: dict[tuple[str, str], int] = {}
    for number, record in enumerate(records):
        for key, piece in _pieces(record):
            texts.setdefault(key, []).append(piece)
            first.setdefault(key, number)
    return ((first[key], "".join(pieces)) for key, pieces in texts.items() if len(pieces) > 1)


def _pieces(record: bytes) -> Iterator[tuple[tuple[str, str], str]]:
    parts = sse.around_data(sse.on_one_line(record))
    data = parts[1] if parts else record
    try:
        text = data.decode("utf-8")
        value = strict_json.loads(text)
    except ValueError:
        if parts:
            yield ("", ""), data.decode("utf-8", "replace")
        return
    owner = str(value.get("id")) if isinstance(value, dict) else ""
    for span in strict_json.spans(text):
        if span.kind == "string":
            piece = json.loads(text[span.start : span.end])
            yield (owner, span.at), piece
            yield ("", span.at), piece
