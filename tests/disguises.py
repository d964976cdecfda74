"""Ways in which a credential turns up in a text, for tests that plant one.

A disguise takes the secret and a source of chance; given equal chance it makes equal choices for
secrets of equal length, so that two keys can be planted in the same way.
"""

import base64
import json
from collections.abc import Callable
from random import Random
from urllib.parse import quote

Disguise = Callable[[str, Random], str]


def chance(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - repeatable is what a test needs


def plain(secret: str, _: Random) -> str:
    return secret


def percent_encoded(secret: str, random: Random) -> str:
    """Some or all characters, in either case, perhaps twice."""
    share = random.choice((0.2, 1.0))
    percent = random.choice(("%", "%", "%25", "%2525"))

    def written(byte: int) -> str:
        escaped, lower = random.random() < share, random.random() < 0.5
        digits = f"{byte:02x}" if lower else f"{byte:02X}"
        return f"{percent}{digits}" if escaped or byte > 0x7F else chr(byte)

    return "".join(map(written, secret.encode()))


def json_escaped(secret: str, random: Random) -> str:
    r"""Some or all characters as `\u0041`, a slash as `\/`; inside a JSON string in a JSON string,
    with more backslashes.
    """
    share = random.choice((0.2, 1.0))
    backslashes = "\\" * random.choice((1, 2, 4))

    def written(char: str) -> str:
        escaped, lower = random.random() < share, random.random() < 0.5
        if escaped or char in '"\\' or not char.isascii():
            digits = f"{ord(char):04x}" if lower else f"{ord(char):04X}"
            return f"{backslashes}u{digits}"
        return f"{backslashes}/" if char == "/" else char

    return "".join(map(written, secret))


def json_escaped_in_url(secret: str, random: Random) -> str:
    return quote(json_escaped(secret, random), safe="")


def in_base64(secret: str, random: Random) -> str:
    """At any alignment, in either alphabet, with or without padding."""
    before, after = (random.randbytes(random.randrange(8)) for _ in range(2))
    encode = random.choice((base64.b64encode, base64.urlsafe_b64encode))
    text = encode(before + secret.encode() + after).decode()
    return text.rstrip("=") if random.random() < 0.5 else text


def in_base64_in_url(secret: str, random: Random) -> str:
    return quote(in_base64(secret, random), safe="")


def in_nested_json(secret: str, random: Random) -> str:
    text = json.dumps({"key": secret, "é": [None, 1.5]}, ensure_ascii=random.random() < 0.5)
    for _ in range(random.randrange(3)):
        text = json.dumps({"raw": text})
    return text


def in_words(secret: str, _: Random) -> str:
    return f"Incorrect API key provided: {secret}. You can find it at https://example.com/keys"


def in_hex(secret: str, random: Random) -> str:
    """Of the secret and what stands beside it, in either case."""
    before, after = (random.randbytes(random.randrange(4)) for _ in range(2))
    text = (before + secret.encode() + after).hex()
    return text if random.random() < 0.5 else text.upper()


def in_base32(secret: str, random: Random) -> str:
    """At any alignment, with or without padding, in either case."""
    before, after = (random.randbytes(random.randrange(8)) for _ in range(2))
    text = base64.b32encode(before + secret.encode() + after).decode()
    text = text.rstrip("=") if random.random() < 0.5 else text
    return text if random.random() < 0.5 else text.lower()


def in_base64_of_base64(secret: str, random: Random) -> str:
    return in_base64(in_base64(secret, random), random)


def in_utf16(secret: str, random: Random) -> str:
    """Its bytes as a text, in either order."""
    order = random.choice(("utf-16-le", "utf-16-be"))
    return secret.encode(order).decode("latin-1")


def in_utf16_in_base64(secret: str, random: Random) -> str:
    order = random.choice(("utf-16-le", "utf-16-be"))
    return base64.b64encode(secret.encode(order)).decode()


DISGUISES: tuple[Disguise, ...] = (
    plain,
    percent_encoded,
    json_escaped,
    json_escaped_in_url,
    in_base64,
    in_base64_in_url,
    in_nested_json,
    in_words,
    in_hex,
    in_base32,
    in_base64_of_base64,
    in_utf16,
    in_utf16_in_base64,
)
