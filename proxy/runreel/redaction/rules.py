"""What stands where a secret stood: `REDACTED`, or `REDACTED-` and ten hex digits.

The flat one is for what authenticates: requests that differ in nothing else are equal. The digits
are for identifiers and for what only looks suspicious, so that two values stay two; they come from
an HMAC of the value under the cassette's salt, which is public. All characters are unreserved in a
URL, so that a client can use what it got in the path of its next request.

The redaction rules that are always on, each with its true and false examples beside it.

Owns shapes; names are `names`, and how they are applied is `redactor`. Examples are put together
from pieces, so that no scanner takes this file for a leak. Sources: the published rules of the
common secret scanners, and what those lack (`sess-` keys, keys without the usual infix).
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from urllib.parse import quote, unquote

from runreel.redaction import names
from runreel.redaction.names import DISTINCT, FLAT, Manner

PLACEHOLDER = "REDACTED"
_DIGITS = 10

# A placeholder as we write it; the digits may not be the beginning of something longer.
OURS = re.compile(rf"{PLACEHOLDER}(?:-[0-9a-f]{{{_DIGITS}}}(?![0-9A-Za-z]))?")
_FLAT_ONE = re.compile(rf"{PLACEHOLDER}(?!-[0-9a-f]{{{_DIGITS}}}(?![0-9A-Za-z]))")
_WORD = re.compile(rf"(?<![A-Za-z0-9_]){OURS.pattern}(?![A-Za-z0-9_])")
# What other tools write, and the first build of this one did: VCR's `<NAME>`, `[redacted]`.
_FOREIGN = re.compile(r"Sanitized|<[A-Z][A-Z0-9_ -]{2,}>|\[(?i:redacted|filtered)\]")


def distinct(value: str, salt: str) -> str:
    """The placeholder that only this value has; `salt` is hex digits, or empty for none."""
    raw = value.encode("utf-8", "surrogatepass")
    digest = hmac.new(salt.encode("ascii"), raw, hashlib.sha256).hexdigest()
    return f"{PLACEHOLDER}-{digest[:_DIGITS]}"


def is_ours(text: str) -> bool:
    """Whether the text is a placeholder and nothing else."""
    return OURS.fullmatch(text) is not None


def is_anyones(text: str) -> bool:
    """Whether the text is a placeholder, ours or that of another tool, and nothing else."""
    return is_ours(text) or _FOREIGN.fullmatch(text) is not None


def hides(text: str) -> bool:
    """Whether a flat placeholder stands in the text: two that hide something may be two values."""
    return PLACEHOLDER in text and _FLAT_ONE.search(text) is not None


def count(body: bytes) -> int:
    """How many placeholders stand in a body."""
    if PLACEHOLDER.encode() not in body:
        return 0
    return sum(1 for _ in _WORD.finditer(body.decode("latin-1")))


def read_segment(segment: str) -> str:
    """A segment of a path as a body would say it, if it is a placeholder; else as it is."""
    read = unquote(segment)
    return read if is_anyones(read) else segment


def plain_segment(segment: str) -> str:
    """A segment of a path, or a value of a query, in the one spelling of what may be a placeholder:
    ours without escapes, those of other tools with all of theirs; anything else as it is.
    """
    if "%" not in segment and segment[:1] not in ("<", "["):
        return segment
    read = unquote(segment)
    if is_ours(read):
        return read
    return quote(read, safe="") if _FOREIGN.fullmatch(read) else segment


# The start of a key. A letter or digit before it makes it the middle of a word (`task-…`,
# `Gdańsk-…`), unless that letter belongs to the escape of something else, as in `\nsk-…` inside a
# JSON string inside a JSON string.
_HEX = r"[0-9A-Fa-f]"
START = (
    r"(?:(?<![A-Za-z0-9\u00c0-\u024f])|(?<=\\[bfnrt])"
    rf"|(?<=\\u{_HEX}{{4}})(?<!\\u0[12]{_HEX}{_HEX})(?<!\\u00[C-Fc-f]{_HEX})"
    rf"|(?<=%{_HEX}{_HEX})(?<!%[Cc][3-9]%{_HEX}{_HEX}))"
)
_END = r"(?![A-Za-z0-9])"


@dataclass(frozen=True)
class PatternRule:
    """A shape that is replaced wherever it stands in a string.

    A match holds one of the `hints`, if there are any; each is a text, or a shape that is found as
    fast. What of it is the secret is its group `secret`, or all of it; `real` says whether that is
    one, however it looks, and may be None.
    """

    name: str
    pattern: re.Pattern[str]
    hints: tuple["str | re.Pattern[str]", ...] = ()
    manner: Manner = FLAT
    real: Callable[[re.Match[str]], bool] | None = None
    secret: tuple[str, ...] = field(default=(), repr=False)
    innocent: tuple[str, ...] = field(default=(), repr=False)

    def hinted(self, text: str) -> bool:
        """Whether it may find something in the text; a cheap look."""
        if not self.hints:
            return True
        for hint in self.hints:  # no generator: most texts are asked all of them
            if (hint in text) if isinstance(hint, str) else hint.search(text):
                return True
        return False

    def replace_in(self, text: str, salt: str = "") -> str:
        """The text with every match replaced; what was replaced before stays as it is."""
        if not self.hinted(text):
            return text

        def replaced(match: re.Match[str]) -> str:
            return self._replaced(match, salt)

        return self.pattern.sub(replaced, text)

    def _replaced(self, match: re.Match[str], salt: str) -> str:
        start, end = match.span("secret" if "secret" in self.pattern.groupindex else 0)
        if start == end or _stands_at(match.string, start, end):
            return match[0]
        if self.real is not None and not self.real(match):
            return match[0]
        secret = match.string[start:end]
        new = PLACEHOLDER
        if self.manner_of(match) is DISTINCT:
            new = distinct(secret, salt)
        return match.string[match.start() : start] + new + match.string[end : match.end()]

    def manner_of(self, match: re.Match[str]) -> Manner:  # noqa: ARG002 - see `_ByName`
        """How what was found is hidden."""
        return self.manner


def _stands_at(text: str, start: int, end: int) -> bool:
    """Whether the span lies within a placeholder."""
    around = max(0, start - _PLACEHOLDER_WIDTH)
    found = OURS.finditer(text, around, min(len(text), end + _PLACEHOLDER_WIDTH))
    return any(match.start() <= start and end <= match.end() for match in found)


_PLACEHOLDER_WIDTH = len(distinct("", ""))


class _ByName(PatternRule):
    """A parameter of a URL in a text: `name` says how its value is hidden."""

    def manner_of(self, match: re.Match[str]) -> Manner:
        return names.of_parameter(match["name"]) or FLAT


_RUN = re.compile(r"[A-Za-z0-9]{16,}")
_HEX_RUN = re.compile(r"(?=[0-9a-f]*[a-f])(?=[0-9a-f]*[0-9])[0-9a-f]{32,}")
_LONGEST = 80  # characters of a key that no slug reaches at all
_LONG = 40  # characters of a key that no class name or slug reaches with digits and both cases


def random(text: str) -> bool:
    """Whether a part of the text looks drawn by lot: digits and both cases in a run of 16 that
    changes between them often, or 32 hex digits. Class names, slugs and words do not.
    """
    if any(_is_random(run) for run in _RUN.findall(text)):
        return True
    return _HEX_RUN.search(text) is not None


def _is_random(run: str) -> bool:
    kinds = [0 if char.isdigit() else 1 if char.islower() else 2 for char in run]
    if len(set(kinds)) < 3:
        return False
    changes = sum(one != other for one, other in pairwise(kinds))
    return len(run) >= _LONG or changes >= 0.3 * (len(run) - 1)


def _random(match: re.Match[str]) -> bool:
    return random(match[0])


def _random_or_long(match: re.Match[str]) -> bool:
    long = len(match[0]) >= _LONGEST and _has_digit(match) and _not_masked(match)
    return long or random(match[0])


def _has_digit(match: re.Match[str]) -> bool:
    return any(char.isdigit() for char in match[0])


_MASKED = re.compile(r"([xX])\1{11}")


def _not_masked(match: re.Match[str]) -> bool:
    """Whether it is more than what manuals write for a key: its prefix and many x."""
    return _MASKED.search(match[0]) is None


def _changes_case(match: re.Match[str]) -> bool:
    """Whether its letters change their case as often as those of no name do."""
    letters = [char.isupper() for char in match[0] if char.isalpha()]
    return sum(one != other for one, other in pairwise(letters)) >= 0.25 * len(letters)


def _is_token(match: re.Match[str]) -> bool:
    """Whether it is drawn by lot as tokens are: digits, and no mask."""
    return _has_digit(match) and _not_masked(match)


def _is_assigned(match: re.Match[str]) -> bool:
    """Whether a value looks drawn by lot; under a name that leaves no doubt letters of one case
    with digits among them do.
    """
    value = match["secret"]
    if random(value):
        return match["name"].isupper() or names.of_parameter(match["name"]) is FLAT
    kinds = [char.isdigit() for char in value if char.isalnum()]
    changes = sum(one != other for one, other in pairwise(kinds))
    return changes >= 0.2 * len(kinds) and names.of_parameter(match["name"]) is FLAT


def _is_basic(match: re.Match[str]) -> bool:
    """Whether it decodes to a user and a password."""
    try:
        text = base64.b64decode(match["secret"] + "==").decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return ":" in text and text.isprintable()


# What documentation writes for a password, a key or a signature.
_NO_VALUE = re.compile(
    r"(?i)(?:x+|\*+|\.+|pass(?:word|wd)?|secret|pw|pwd|token|key|example|changeme"
    r"|[<$%{\[].*|your[-_a-z]*|my[-_a-z]*|(?-i:[A-Z]+(?:_[A-Z]+)+))"
)


def _is_value(match: re.Match[str]) -> bool:
    return _NO_VALUE.fullmatch(match["secret"]) is None


def _is_signed(match: re.Match[str]) -> bool:
    """Whether a parameter of a URL is a secret: by its name, or if that is vague by its looks."""
    manner = names.of_parameter(unquote(match["name"]))
    value = match["secret"]
    if manner is None or not _is_value(match):
        return False
    if manner is FLAT:
        return len(unquote(value)) >= 8
    letters = any(char.isalpha() for char in value)
    return len(value) >= 16 and letters and any(char.isdigit() for char in value)


_FAKE = "FaKe0"
_FAKE_HEX = "0f1e2d3c"
_FAKE_32 = "Q2W3E4R5"


def _key(
    name: str,
    pattern: str,
    *hints: str | re.Pattern[str],
    secret: tuple[str, ...],
    innocent: tuple[str, ...],
    manner: Manner = FLAT,
    real: Callable[[re.Match[str]], bool] = _not_masked,
) -> PatternRule:
    return PatternRule(name, re.compile(START + pattern), hints, manner, real, secret, innocent)


_ASSIGNED = (
    "key",
    "secret",
    "token",
    "password",
    "passwd",
    "pwd",
    "authorization",
)  # how such names end

PATTERNS: tuple[PatternRule, ...] = (
    _key(  # OpenAI, Anthropic and all who write theirs like them
        "openai-key",
        r"sk-[A-Za-z0-9_-]{16,}",
        "sk-",
        real=_random_or_long,
        secret=(
            "sk-" + _FAKE * 4,
            "key sk-proj-" + _FAKE * 12 + "-x_y, revoked",
            "sk-svcacct-" + _FAKE * 8,
            "sk-admin-" + _FAKE * 8,
            "sk-ant-api03-" + _FAKE * 6,
            "sk-ant-api03-" + ("-" + _FAKE * 2) * 8,
            "sk-" + _FAKE_HEX * 4,
            r"line\nsk-" + _FAKE * 4,
            "?k=%20sk-" + _FAKE * 4,
        ),
        innocent=(
            "task-0123456789abcdef0",
            "disk-usage-of-the-last-month",
            "sk-short",
            "sk- learn how to ski in a week",
            "risk-0123456789abcdef0123",
            "Gda\u0144sk-Warszawa-Wschodnia",
            r"Gda\u0144sk-Warszawa-Wschodnia",
            "?city=Gda%C5%84sk-Warszawa-Wschodnia",
            "sk-estimator-doc-link",
            "sk-text-repr-fallback",
            "sk-RandomForestClassifier2",
            "sk-Section2-OverviewOfAllThings",
            "sk-toggleable__label-arrow:before",
        ),
    ),
    _key(
        "masked-key",
        r"sk-[A-Za-z0-9_-]*\*{3,}[A-Za-z0-9_-]*",
        "***",
        secret=("Incorrect API key provided: sk-" + "BQ" + "***" + "Cf6e.",),
        innocent=("*** note ***", "ask-***"),
    ),
    _key(
        "session-key",
        r"sess-[A-Za-z0-9]{20,}",
        "sess-",
        real=_random,
        secret=("sess-" + _FAKE * 4,),
        innocent=("sess-ion", "assess-01234567890123456789", "sess-1", "sess-abcdefghijklmnopqrst"),
    ),
    _key(  # of a realtime session
        "ephemeral-key",
        r"ek_[A-Za-z0-9]{20,}" + _END,
        "ek_",
        real=_random,
        secret=("ek_" + _FAKE * 5, "ek_" + _FAKE_HEX * 4),
        innocent=("week_" + _FAKE * 5, "ek_internationalization_of_texts", "ek_1"),
    ),
    _key(
        "jwt",
        # The first part ends where the next could begin, or time would be quadratic in `-eyJ-eyJ…`.
        r"eyJ(?:(?![_-]eyJ)[A-Za-z0-9_-]){8,}+\.eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]*",
        "eyJ",
        secret=("eyJ" + _FAKE * 3 + ".eyJ" + _FAKE * 3 + "." + _FAKE,),
        innocent=("eyJ.eyJ.", "heyJude.heyJude.x"),
    ),
    _key(
        "jwe",
        r"eyJ(?:(?![_-]eyJ)[A-Za-z0-9_-]){8,}+\.[A-Za-z0-9_-]*+(?:\.[A-Za-z0-9_-]{8,}+){3}",
        "eyJ",
        secret=(
            "eyJ"
            + _FAKE * 3
            + "."
            + _FAKE * 4
            + "."
            + _FAKE * 3
            + "."
            + _FAKE * 4
            + "."
            + _FAKE * 4,
            "eyJ" + _FAKE * 3 + ".." + ".".join((_FAKE * 3, _FAKE * 4, _FAKE * 4)),
        ),
        innocent=("eyJ0.a.b.c.d", "heyJude12345.a.b.c.d", "eyJ" + _FAKE * 3 + ".json"),
    ),
    _key(
        "organization-id",
        r"org-[A-Za-z0-9]{20,}" + _END,
        "org-",
        manner=DISTINCT,
        real=_random,
        secret=("in organization org-" + _FAKE * 4 + " on tokens",),
        innocent=(
            "org-internationalization",
            "org-chart",
            "cyborg-0123456789abcdefghijkl",
            "org-marketingQ32025launch",
            "org-0123456789012345678901234",
        ),
    ),
    _key(
        "project-id",
        r"proj_[A-Za-z0-9]{20,}" + _END,
        "proj_",
        manner=DISTINCT,
        real=_random,
        secret=("proj_" + _FAKE * 4,),
        innocent=(
            "proj_internationalization",
            "proj_1",
            "subproj_0123456789abcdefghijkl",
            "proj_marketingQ32025launch",
        ),
    ),
    _key(
        "aws-key-id",
        r"(?:AKIA|ABIA|ACCA|(?=A(?:SIA|3T[A-Z0-9])[A-Z]*[2-7])A(?:SIA|3T[A-Z0-9]))[A-Z2-7]{16}"
        + _END,
        *("AKIA", "ASIA", "ABIA", "ACCA", "A3T"),
        secret=("AKIA" + _FAKE_32 * 2, "ASIA" + _FAKE_32 * 2 + "/2025", "A3TX" + _FAKE_32 * 2),
        innocent=(
            *("ASIAPACIFICSALESTEAM", "AKIAK", "akia" + _FAKE_32 * 2, "xAKIA" + _FAKE_32 * 2),
            *("AKIA" + "X" * 16, "A3TEAM"),
        ),
    ),
    _key(
        "azure-key",
        r"[A-Za-z0-9]{30,70}JQQJ99[A-Za-z0-9]{8,60}" + _END,
        "JQQJ99",
        secret=(_FAKE * 10 + "00" + "JQQJ" + "99" + _FAKE * 5 + "0",),
        innocent=("JQQJ" + "99", "the JQQJ" + "99 of all"),
    ),
    PatternRule(
        "azure-shared-key",
        re.compile(r"(?i)(?:Account|SharedAccess)Key=(?P<secret>[A-Za-z0-9+/]{40,}={0,2})"),
        ("Key=", "key="),
        secret=("AccountName=a;AccountKey=" + _FAKE * 17 + "0==;X",),
        innocent=("AccountKey=none", "PartitionKey=" + "a" * 44),
    ),
    _key(
        "github-token",
        r"(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,})",
        *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        secret=("ghp" + "_" + _FAKE * 7 + "x", "github" + "_pat_" + _FAKE * 4 + "_" + _FAKE * 11),
        innocent=("ghp_short", "ghs_", "github_pat_tern", "lghp_" + _FAKE * 8, "ghp_" + "x" * 36),
    ),
    _key(
        "gitlab-token",
        r"(?:gl(?:pat|dt|rt|ptt|cbt|oas|ft|imt|agent|soat)-[A-Za-z0-9_-]{20,}"
        r"|GR1348941[A-Za-z0-9_-]{20,})",
        "gl",
        "GR1348941",
        real=_has_digit,
        secret=("gl" + "pat-" + _FAKE * 4,),
        innocent=("glpat-", "glrt-short", "glft-a-long-name-of-a-thing-of-ours"),
    ),
    _key(
        "google-key",
        r"(?:AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])|ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,})",
        *("AIza", "ya29.", "GOCSPX-"),
        secret=("AI" + "za" + _FAKE * 7, "ya" + "29." + _FAKE * 6, "GOC" + "SPX-" + _FAKE * 5),
        innocent=("AIza", "AIzawadi", "ya29.x", "Maya29." + _FAKE * 6, "GOCSPX-"),
    ),
    _key(
        "slack-token",
        r"(?:xox(?:[abeprs]|o(?=-[0-9]))-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,})",
        "xox",
        "xapp-",
        real=_has_digit,
        secret=("xox" + "b-1234567890-" + _FAKE * 4, "xapp" + "-1-A0" + _FAKE * 4),
        innocent=(
            *("xoxo-hugs-and-kisses", "xapp-lication", "xoxb-short", "xoxo-with-love-from-us"),
            "2018-250-xoxo-indieweb-1.jpg",
        ),
    ),
    PatternRule(
        "slack-webhook",
        re.compile(r"hooks\.slack\.com/(?:services|workflows)/(?P<secret>[A-Za-z0-9/_]{20,})"),
        ("hooks.slack.com/",),
        secret=(
            "https://hooks.slack" + ".com/services/T0" + _FAKE + "/B0" + _FAKE + "/" + _FAKE * 4,
        ),
        innocent=("https://hooks.slack.com/services/", "hooks.slack.com/help"),
    ),
    _key(
        "hugging-face-token",
        r"(?:hf_|api_org_)[A-Za-z0-9]{34}(?![A-Za-z0-9_])",
        "hf_",
        "api_org_",
        real=_changes_case,
        secret=("hf" + "_" + "FaKeTe" * 5 + "stst",),
        innocent=(
            *("hf_transfer", "hf_hub_download_of_a_long_name_x", "shf_" + _FAKE * 7),
            *("hf_" + "requiredCharacteristicTypesForData", "hf_" + "x" * 34),
        ),
    ),
    _key(
        "groq-key",
        r"gsk_[A-Za-z0-9]{40,}" + _END,
        "gsk_",
        secret=("gsk" + "_" + _FAKE * 10 + "12",),
        innocent=(
            "gsk_short",
            "pgsk_" + _FAKE * 10,
            "gsk_settings_of_the_whole_application_of_ours",
        ),
    ),
    _key(
        "xai-key",
        r"xai-[A-Za-z0-9]{40,}" + _END,
        "xai-",
        secret=("xai" + "-" + _FAKE * 16,),
        innocent=("xai-explainable", "taxai-" + _FAKE * 16),
    ),
    _key(
        "replicate-token",
        r"r8_[A-Za-z0-9]{30,}" + _END,
        "r8_",
        secret=("r8" + "_" + _FAKE * 7 + "ab",),
        innocent=("r8_v2", "er8_" + _FAKE * 7),
    ),
    _key(
        "stripe-key",
        r"(?:[sr]k_(?:live|test|prod)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/]{20,}={0,2})",
        *("sk_live_", "sk_test_", "rk_live_", "rk_test_", "k_prod_", "whsec_"),
        real=_has_digit,
        secret=(
            "sk" + "_live_" + _FAKE * 5,
            "rk" + "_test_" + _FAKE * 5,
            "whs" + "ec_" + _FAKE * 6,
        ),
        innocent=("sk_live_", "task_test_0123456789abcdef01", "sk_test_suite", "whsec_"),
    ),
    _key(
        "npm-token",
        r"npm_[A-Za-z0-9]{36}" + _END,
        "npm_",
        secret=("np" + "m_" + _FAKE * 7 + "x",),
        innocent=("npm_config_cache", "npm_lifecycle_event", "npm_package_name"),
    ),
    _key(
        "pypi-token",
        r"pypi-[A-Za-z0-9_-]{50,}",
        "pypi-",
        real=_random,
        secret=("py" + "pi-AgEIcHlwaS5vcmc" + _FAKE * 12,),
        innocent=("pypi-mirror", "pypi-the-python-package-index-and-all-that-belongs-to-it-here"),
    ),
    _key(  # of many services, each with a beginning of its own; scanners publish such lists
        "other-token",
        r"(?:pplx-[A-Za-z0-9]{40,}|dapi[0-9a-f]{32}|do[opr]_v1_[0-9a-f]{64}"
        r"|SG\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{30,}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"
        r"|sq0(?:atp|csp|idp)-[A-Za-z0-9_-]{22,43}|AKCp[A-Za-z0-9]{69}|AP[0-9A-F][A-Za-z0-9]{40}"
        r"|[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}"
        r"|[0-9]{8,10}:AA[A-Za-z0-9_-]{33}|[0-9a-f]{32}-us[0-9]{1,2}|(?:AC|SK)[0-9a-f]{32}"
        r"|AGE-SECRET-KEY-1[0-9A-Z]{58}|A(?:TATT|TCTT)3[A-Za-z0-9_=-]{100,200}|CLOJARS_[0-9a-z]{60}"
        r"|dp\.(?:pt|st|ct|sa)\.[A-Za-z0-9]{40,44}|dt0c01\.[A-Z0-9]{24}\.[A-Z0-9]{64}"
        r"|glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_[A-Za-z0-9+/]{32,400}|hv[bs]\.[A-Za-z0-9_-]{90,}"
        r"|lin_api_[A-Za-z0-9]{40}|NRAK-[A-Z0-9]{27}|ntn_[0-9]{11}[A-Za-z0-9]{35}"
        r"|ops_eyJ[A-Za-z0-9+/]{250,}|PMAK-[0-9a-f]{24}-[0-9a-f]{34}|pnu_[A-Za-z0-9]{36}"
        r"|pscale_(?:pw|tkn|oauth)_[A-Za-z0-9=._-]{32,64}|pul-[0-9a-f]{40}|rdme_[a-z0-9]{70}"
        r"|rubygems_[0-9a-f]{48}|sgp_(?:[A-Fa-f0-9]{16}_)?[A-Fa-f0-9]{40}|sntry[us]_[A-Za-z0-9+/=_]{64,}"
        r"|xkeysib-[0-9a-f]{64}-[A-Za-z0-9]{16})" + _END,
        *("pplx-", "dapi", "_v1_", "SG.", "shp", "sq0", "AKCp", ":AA", "-us"),
        re.compile(r"AP[0-9A-F][A-Za-z0-9]{40}|(?:AC|SK)[0-9a-f]{32}"),
        re.compile(r"\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27}"),
        *("dp.", "dt0c01.", "hvb.", "hvs."),
        *("AGE-", "ATATT3", "ATCTT3", "CLOJARS_", "glsa_", "glc_", "lin_", "NRAK-", "ntn_"),
        *("ops_", "PMAK-"),
        *("pnu_", "pscale_", "pul-", "rdme_", "rubygems_", "sgp_", "sntry", "xkeysib-"),
        real=_is_token,
        secret=(
            *("pplx" + "-" + _FAKE * 10, "dapi" + _FAKE_HEX * 4, "dop" + "_v1_" + _FAKE_HEX * 8),
            *("SG" + "." + _FAKE * 5 + "." + _FAKE * 8, "shp" + "at_" + _FAKE_HEX * 4),
            *(
                "sq0" + "csp-" + _FAKE * 8,
                "AK" + "Cp" + _FAKE * 13 + "FaKe",
                "1234567890:" + "AA" + _FAKE * 6 + "aB3",
            ),
            *(
                "MT" + _FAKE * 4 + "Az.FaKe0_." + _FAKE * 5 + "ab",
                _FAKE_HEX * 4 + "-us12",
                "SK" + _FAKE_HEX * 4,
            ),
            *("gl" + "sa_" + _FAKE * 6 + "xy_" + _FAKE_HEX, "rubygems" + "_" + _FAKE_HEX * 6),
        ),
        innocent=(
            *("pplx-api", "dapi", "SG.com", "shpat_", "crash_v1_x", "AC/DC", "SKILL", "12:AA"),
            *("pplx-" + "x" * 48, "MANAGEMENT.module.internationalizationoftext", "pul-ley"),
            *(
                _FAKE_HEX * 4 + "-use1",
                "sq0csp-short",
                "glc_size",
                "APPLICATIONPROGRAMMINGINTERFACEOFTHEWHOLEX",
            ),
        ),
    ),
    PatternRule(
        "private-key",
        re.compile(
            r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----.*?"
            r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)"
            r"|PuTTY-User-Key-File-[0-9]:.*?(?:Private-MAC: [0-9a-f]*|\Z)",
            re.DOTALL,
        ),
        ("PRIVATE KEY", "PuTTY-User-Key"),
        secret=(
            "-----BEGIN " + "PRIVATE KEY-----\n" + _FAKE * 12 + "\n-----END " + "PRIVATE KEY-----",
            "-----BEGIN RSA " + "PRIVATE KEY-----\\n" + _FAKE * 12,
            "PuTTY-" + "User-Key-File-2: ssh-rsa\n" + _FAKE * 12 + "\nPrivate-MAC: 0f1e",
        ),
        innocent=(
            "-----BEGIN PUBLIC KEY-----\n" + _FAKE * 4 + "\n-----END PUBLIC KEY-----",
            "-----BEGIN CERTIFICATE-----",
            "a PRIVATE KEY is secret",
        ),
    ),
    PatternRule(
        "url-password",
        re.compile(
            r"(?<=://)[^\s/:@?#\"'<>\\]{0,200}:(?P<secret>[^\s/@\"'<>\\]{3,200})(?=@[A-Za-z0-9\[])"
        ),
        ("://",),
        real=_is_value,
        secret=("postgres://app:hu" + "nter2x@db:5432/x", "redis://:" + _FAKE * 3 + "@r"),
        innocent=(
            "http://localhost:8080/@scope",
            "postgres://user:password@host/db",
            "https://a.example/x:y@z",
            "mailto://a@b",
        ),
    ),
    PatternRule(
        "url-token",
        re.compile(r"(?<=://)(?P<secret>[A-Za-z0-9_-]{16,255})(?=@[A-Za-z0-9\[])"),
        ("://",),
        real=lambda match: random(match["secret"]),
        secret=("git clone https://" + _FAKE * 4 + "@git.example/a.git",),
        innocent=("https://a-name-of-somebody@a.example", "ssh://" + _FAKE * 4 + "/x@y"),
    ),
    PatternRule(
        "curl-password",
        re.compile(
            r"\bcurl\b(?:(?!curl)[^\n]){0,300}?\s(?:-u|--user)[ =]?[\"']?[^\s:\"'\\]{1,100}:"
            r"(?P<secret>[^\s\"'\\]{3,200})"
        ),
        ("curl",),
        real=_is_value,
        secret=(
            "curl -s -u admin:hu" + "nter2x https://a.example",
            'curl --user "a:' + _FAKE + '"',
        ),
        innocent=("curl -u user:password https://a.example", "curl -H a:b x", "curl -u admin x"),
    ),
    _ByName(
        "url-parameter",
        re.compile(
            r"(?:[?&;]|%3[Ff]|%26)(?P<name>[A-Za-z][A-Za-z0-9_.-]{1,40})(?:=|%3[Dd])"
            r"(?P<secret>(?:(?!%26|%23|%3[Ff])[^&?\s\"'<>#\\;,)]){8,})"
        ),
        ("=", "%3D", "%3d"),
        real=_is_signed,
        secret=(
            "https://a.example/b?sv=2024&sig=" + _FAKE * 8 + "%3D",
            "https://b.example/?X-Amz-Signature=" + _FAKE_HEX * 8,
            "https://b.example/?X-Amz-Credential=" + "AK" + _FAKE * 3 + "%2Fus",
            "https://b.example/?a=1&amp;X-Amz-Security-Token=" + _FAKE * 8,
            "/next?access_token=" + _FAKE * 4,
            "u=https%3A%2F%2Fa.example%3Fsig%3D" + _FAKE * 4,
            "/login?next=https%3A%2F%2Fa.example%3Fsig%3D" + _FAKE * 4,
            "/login?next=/a?access_token=" + _FAKE * 4,
            "https://a.example/f?token=" + _FAKE * 4,
        ),
        innocent=(
            "https://a.example/?design=0123456789abcdef01",
            "?page=2&key=value&order=desc",
            "a.example/?token=next&x=1",
            "if (a?sig=b:c)",
            "https://a.example/?api_key=YOUR_API_KEY",
            "?X-Amz-SignedHeaders=host%3Bx-amz-date&X-Amz-Date=20250101T000000Z",
        ),
    ),
    PatternRule(
        "bearer-token",
        re.compile(r"(?i)\bbearer\s{1,4}(?P<secret>[A-Za-z0-9._~+/-]{20,2000}=*)"),
        ("earer", "EARER"),
        real=lambda match: random(match["secret"]),
        secret=("curl -H 'Authorization: Bearer " + _FAKE * 5 + "' x",),
        innocent=("the bearer of internationalization-and-more", "Bearer $OPENAI_API_KEY"),
    ),
    PatternRule(
        "basic-credentials",
        re.compile(r"(?i)\bbasic (?P<secret>[A-Za-z0-9+/]{8,2000}={0,2})(?![A-Za-z0-9+/])"),
        ("asic ", "ASIC "),
        real=_is_basic,
        secret=("Authorization: Basic " + "dXNlcjpm" + "YWtlMTIz",),
        innocent=("Basic arithmetic", "a basic internationalization test"),
    ),
    PatternRule(
        "assignment",
        re.compile(
            r"(?:(?<![\w.-])|(?<=\\[bfnrt]))-{0,2}(?P<name>(?:[A-Za-z][A-Za-z0-9_.-]{0,60}?)?"
            r"(?i:key|secret|token|password|passwd|pwd|authorization))[\"'`]?\s{0,4}(?:[:?]{0,2}=>?|:|>)\s{0,4}"
            r"[\"'`]?(?P<secret>[A-Za-z0-9/+_.~-]{16,200}=*)"
        ),
        tuple(f(end) for end in _ASSIGNED for f in (str.lower, str.upper, str.capitalize)),
        real=_is_assigned,
        secret=(
            *("export AWS_SECRET_ACCESS_KEY=" + _FAKE * 8, 'API_KEY = "' + _FAKE * 4 + '"'),
            *(
                "my.apiKey: '" + _FAKE * 4 + "'",
                "<apiKey>" + _FAKE * 4 + "</apiKey>",
                "x --api-key=" + _FAKE * 4,
                "cloudant_api_key := " + _FAKE_HEX * 8,
            ),
            *("password => 'fake0fake1" + _FAKE.lower() * 3 + "'", "aws_key='" + _FAKE * 8 + "'"),
        ),
        innocent=(
            *("OPENAI_API_KEY=your-key-goes-here-please", "KEY=value", "MAX_TOKENS=1000"),
            *("cache_key = " + _FAKE * 4, "api_key = settings['OPENAI_API_KEY_OF_2025']"),
            *("nextPageToken: " + _FAKE * 4, "password: at-least-16-characters-long", "key: a1b2"),
        ),
    ),
)


class Hints:
    """The hints of some rules, each of which has some: whether any of them may find something."""

    def __init__(self, patterns: Sequence[PatternRule]) -> None:
        found = dict.fromkeys(hint for rule in patterns for hint in rule.hints)
        texts = [hint for hint in found if isinstance(hint, str)]
        # One that stands within another says no less.
        self._texts = tuple(
            text for text in texts if not any(one != text and one in text for one in texts)
        )
        self._shapes = tuple(hint for hint in found if isinstance(hint, re.Pattern))

    def stand_in(self, text: str) -> bool:
        """Whether one of them does."""
        for hint in self._texts:
            if hint in text:
                return True
        return any(shape.search(text) for shape in self._shapes)


HINTS = Hints(PATTERNS)  # of the rules that are always on

# In header values only: in prose they would eat "Basic arithmetic" or the rest of a JSON text.
HEADER_PATTERNS = (
    PatternRule(
        "bearer",
        re.compile(r'(?i)\bbearer\s+(?!\w+=")(?P<secret>\S{16,})'),
        secret=("Bearer " + _FAKE * 4,),
        innocent=('Bearer realm="https://api.example.com"', "the Bearer of this letter"),
    ),
    PatternRule(
        "basic",
        re.compile(r"(?i)\bbasic (?P<secret>[A-Za-z0-9+/]{8,}={0,2})(?![^\s,;])"),
        secret=("Basic " + "ZmFr" * 5 + "ZQ==",),
        innocent=('Basic realm="api"', "Basic"),
    ),
)
