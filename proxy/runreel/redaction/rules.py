"""The redaction rules that are always on, each with its true and false examples beside it.

Owns names and shapes; how they are applied is `redaction`. Examples are put together from pieces,
so that no scanner takes this file for a leak. Sources: the published rules of the common secret
scanners, and what those lack (`sess-` keys, keys without the usual infix).
"""

import re
from dataclasses import dataclass, field

PLACEHOLDER = "[redacted]"

# Whose value is a credential: it is blanked, and looked for everywhere else. Headers of that kind
# are in the table of `http.headers`.
CREDENTIAL_QUERY = frozenset({"access_token", "api-key", "api_key", "apikey"})

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

    `hint` is a text without which the shape cannot occur; `keeps` is what of a match stays.
    """

    name: str
    pattern: re.Pattern[str]
    hint: str = ""
    keeps: str = ""
    secret: tuple[str, ...] = field(default=(), repr=False)
    innocent: tuple[str, ...] = field(default=(), repr=False)

    def replace_in(self, text: str) -> str:
        """The text with every match replaced; what was replaced before stays as it is."""
        if self.hint not in text:
            return text
        return self.pattern.sub(self._replacement, text)

    def _replacement(self, match: re.Match[str]) -> str:
        width = len(PLACEHOLDER)
        around = match.string.find(PLACEHOLDER, max(0, match.end() - width), match.start() + width)
        nothing_new = around >= 0 or not match[0]
        return match[0] if nothing_new else match.expand(self.keeps) + PLACEHOLDER


_FAKE = "FaKe0"

PATTERNS = (
    PatternRule(
        "openai-key",
        re.compile(START + r"sk-[A-Za-z0-9_-]{16,}"),
        hint="sk-",
        secret=(
            "sk-" + _FAKE * 4,
            "key sk-proj-" + _FAKE * 12 + "-x_y, revoked",
            "sk-ant-" + _FAKE * 6,
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
        ),
    ),
    PatternRule(
        "masked-key",
        re.compile(START + r"sk-[A-Za-z0-9_-]*\*{3,}[A-Za-z0-9_-]*"),
        hint="***",
        secret=("Incorrect API key provided: sk-" + "BQ" + "***" + "Cf6e.",),
        innocent=("*** note ***", "ask-***"),
    ),
    PatternRule(
        "session-key",
        re.compile(START + r"sess-[A-Za-z0-9]{20,}"),
        hint="sess-",
        secret=("sess-" + _FAKE * 4,),
        innocent=("sess-ion", "assess-01234567890123456789", "sess-1"),
    ),
    PatternRule(
        "jwt",
        # The first part ends where the next could begin, or time would be quadratic in `-eyJ-eyJ…`.
        re.compile(
            START + r"eyJ(?:(?![_-]eyJ)[A-Za-z0-9_-]){8,}+\.eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]*"
        ),
        hint="eyJ",
        secret=("eyJ" + _FAKE * 3 + ".eyJ" + _FAKE * 3 + "." + _FAKE,),
        innocent=("eyJ.eyJ.", "heyJude.heyJude.x"),
    ),
    PatternRule(
        "organization-id",
        re.compile(START + r"org-(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{16,}" + _END),
        hint="org-",
        secret=("in organization org-" + _FAKE * 4 + " on tokens",),
        innocent=("org-internationalization", "org-chart", "cyborg-0123456789abcdefgh"),
    ),
    PatternRule(
        "project-id",
        re.compile(START + r"proj_(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{16,}" + _END),
        hint="proj_",
        secret=("proj_" + _FAKE * 4,),
        innocent=("proj_internationalization", "proj_1", "subproj_0123456789abcdefgh"),
    ),
)

# In header values only: in prose they would eat "Basic arithmetic" or the rest of a JSON text.
HEADER_PATTERNS = (
    PatternRule(
        "bearer",
        re.compile(r'(?i)\b(bearer)\s+(?!\w+=")\S{16,}'),
        keeps=r"\1 ",
        secret=("Bearer " + _FAKE * 4,),
        innocent=('Bearer realm="https://api.example.com"', "the Bearer of this letter"),
    ),
    PatternRule(
        "basic",
        re.compile(r"(?i)\b(basic) [A-Za-z0-9+/]{8,}={0,2}(?![^\s,;])"),
        keeps=r"\1 ",
        secret=("Basic " + "ZmFr" * 5 + "ZQ==",),
        innocent=('Basic realm="api"', "Basic"),
    ),
)
