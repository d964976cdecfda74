"""The search for one exact secret, in every disguise."""

import base64
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from builders import FAKE_KEY
from disguises import DISGUISES, Disguise, chance
from leaks import leaks
from runreel.redaction.names import of_header
from runreel.redaction.secrets import Secrets, credentials_of, of_authorization

MARK = "[gone]"
# No shape of a known key, and the characters that every escaping treats differently.
KEY = "Zq/" + "fAkE+7" * 3 + "=-_w"
KEYS = (
    KEY,
    "plain-" + "fAkE0" * 4,
    'quo"te\\back/' + "fAkE0" * 3,
    "пароль-é-" + "fAkE0" * 3,
    "100%25-%41-" + "fAkE0" * 3,
)


def _view(secret: str) -> str:
    """A header value as the edge reads it: one character a byte."""
    return secret.encode().decode("latin-1")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"key {KEY}.", "key [gone]."),
        (KEY + KEY, "[gone][gone]"),
        ("a=Zq%2FfAkE%2B7fAkE%2B7fAkE%2B7%3D-_w&b", "a=[gone]&b"),
        ("a=Zq%2ffAkE%2b7fAkE%2b7fAkE%2b7%3d-_w&b", "a=[gone]&b"),
        ("a=%5A%71%2FfAkE%2B7fA%6bE+7fAkE+7=%2D_w&b", "a=[gone]&b"),
        ("a=Zq%252FfAkE%252B7fAkE%252B7fAkE%252B7%253D-_w", "a=[gone]"),
        (r'{"a":"Zq\/fAkE+7fAkE+7fAkE+7=-_w"}', '{"a":"[gone]"}'),
        (r'{"a":"\u005aq\u002FfAkE\u002b7fAkE+7fAkE+7=-_\u0077"}', '{"a":"[gone]"}'),
        (r'"{\"a\":\"Zq\\\/fAkE\\u002b7fAkE+7fAkE+7=-_w\"}"', r'"{\"a\":\"[gone]\"}"'),
        ("j=%5Cu005Aq%5C/fAkE%5Cu002B7fAkE+7fAkE+7=-_w", "j=[gone]"),
        ("j=%255Cu005Aq%255C%252FfAkE+7fAkE+7fAkE+7=-_w", "j=[gone]"),
        ("j=\\u0025" + "5Aq/fAkE+7fAkE+7fAkE+7=-_w", "j=[gone]"),
    ],
)
def test_a_secret_goes_in_every_spelling_and_nothing_else_does(text: str, clean: str) -> None:
    secrets = Secrets.of([KEY])

    assert secrets.occur_in(text)
    assert secrets.replace_in(text, lambda _: MARK) == clean


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("before", [b"", b"u", b"us", b"use", b"user:", b"\xff\xfe" * 9])
@pytest.mark.parametrize("after", [b"", b":", b"::", b"\xff" * 20])
def test_base64_goes_at_every_alignment(encode, before, after) -> None:  # type: ignore[no-untyped-def]
    encoded = encode(before + KEY.encode() + after).decode()

    clean = Secrets.of([KEY]).replace_in(f"<{encoded}>", lambda _: MARK)

    assert clean.startswith("<")
    assert clean.endswith(">")
    assert MARK in clean
    assert not leaks(KEY, clean.encode())
    # Of what stands around it, at most the characters that share bits with it may go.
    assert len(clean) - len(MARK) - 2 >= (len(before) * 8 // 6) + (len(after) * 8 // 6) - 2


def test_the_padding_of_base64_goes_with_it() -> None:
    secret = "fAkE0" * 5 + "xy"

    text = "auth=" + base64.b64encode(b":" + secret.encode()).decode() + "; next"

    assert Secrets.of([secret]).replace_in(text, lambda _: MARK) == "auth=O[gone]; next"


@pytest.mark.parametrize(
    "text",
    [
        "ZkFrRT8/Pj5+fmZBa0UwZkFrRTA=",
        "ZkFrRT8_Pj5-fmZBa0UwZkFrRTA",
        "ZkFrRT8%2FPj5%2Bfm\\u005aBa0UwZkFrRTA%3D",
        "ZkFrRT8\\/Pj5+fmZBa0UwZkFrRTA=",
    ],
)
def test_base64_goes_in_both_alphabets_and_escaped(text: str) -> None:
    assert Secrets.of(["fAkE??>>~~fAkE0fAkE0"]).replace_in(text, lambda _: MARK) == "[gone]"


def test_base64_of_an_escaped_secret_is_found_too() -> None:
    in_url = base64.b64encode(b"key=Zq%2FfAkE%2B7fAkE%2B7fAkE%2B7%3D-_w").decode()
    in_json = base64.b64encode(b'{"key":"Zq\\/fAkE+7fAkE+7fAkE+7=-_w"}').decode()

    assert Secrets.of([KEY]).occur_in(in_url)
    assert Secrets.of([KEY]).occur_in(in_json)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fAkE+7" * 3,
        KEY[:-1],
        KEY[1:],
        KEY.swapcase(),
        "Zq/ fAkE+7fAkE+7fAkE+7=-_w",
        base64.b64encode(KEY[:-2].encode()).decode(),
        "100% sure, C:\\new\\table, \\u00zz %zz %",
    ],
)
def test_a_text_without_the_whole_secret_stays_as_it_is(text: str) -> None:
    secrets = Secrets.of([KEY])

    assert not secrets.occur_in(text)
    assert secrets.replace_in(text, lambda _: MARK) == text


def test_a_secret_of_sixteen_characters_is_looked_for_and_one_of_fifteen_is_not() -> None:
    assert Secrets.of(["fAkE0fAkE0fAkE0x"]).plain == ("fAkE0fAkE0fAkE0x",)
    assert Secrets.of(["fAkE0fAkE0fAkE0"]).plain == ()
    assert not Secrets.of(["fAkE0fAkE0fAkE0"]).occur_in("fAkE0fAkE0fAkE0")


def test_characters_count_and_not_bytes() -> None:
    assert Secrets.of([_view("é" * 15)]).plain == ()
    assert Secrets.of([_view("é" * 16)]).plain == (_view("é" * 16),)


def test_the_longer_of_two_secrets_goes_whole() -> None:
    inner = "fAkE0" * 4

    clean = Secrets.of([inner, f"user-{inner}-x"]).replace_in(
        f"a user-{inner}-x b {inner}", lambda _: MARK
    )

    assert clean == "a [gone] b [gone]"


def test_a_password_with_spaces_is_found_in_a_form() -> None:
    secrets = Secrets.of(["correct horse battery"])

    assert secrets.replace_in("p=correct+horse+battery&q=1", lambda _: MARK) == "p=[gone]&q=1"


def test_a_password_with_a_backslash_is_found_at_any_depth_of_json() -> None:
    secrets = Secrets.of(["back\\slash-" + "fAkE0" * 3])
    text = "back\\slash-" + "fAkE0" * 3

    for _ in range(4):
        text = json.dumps(text)

        assert not leaks("slash-" + "fAkE0" * 3, secrets.replace_in(text, lambda _: MARK).encode())


def test_a_password_with_control_characters_is_found_in_json() -> None:
    secrets = Secrets.of(["tab\there-" + "fAkE0" * 3])

    assert secrets.replace_in(r'"tab\there-fAkE0fAkE0fAkE0"', lambda _: MARK) == '"[gone]"'


@pytest.mark.parametrize(
    "text",
    [
        '"пароль-é-fAkE0fAkE0fAkE0"',
        r'"\u043f\u0430\u0440\u043e\u043b\u044c-\u00e9-fAkE0fAkE0fAkE0"',
        _view('"пароль-é-fAkE0fAkE0fAkE0"'),
        '"%D0%BF%D0%B0%D1%80%D0%BE%D0%BB%D1%8C-%C3%A9-fAkE0fAkE0fAkE0"',
    ],
)
def test_a_secret_beyond_ascii_is_found_however_its_bytes_are_read(text: str) -> None:
    secrets = Secrets.of([_view("пароль-é-" + "fAkE0" * 3)])

    assert secrets.replace_in(text, lambda _: MARK) == '"[gone]"'


def test_a_secret_that_looks_escaped_is_found_as_it_is_and_unescaped() -> None:
    secrets = Secrets.of(["s%3AfAkE0fAkE0fAkE0.%2Bx"])

    assert secrets.replace_in("c=s%3AfAkE0fAkE0fAkE0.%2Bx;", lambda _: MARK) == "c=[gone];"
    assert secrets.replace_in("c=s%253AfAkE0fAkE0fAkE0.%252Bx;", lambda _: MARK) == "c=[gone];"
    assert secrets.replace_in("c=s:fAkE0fAkE0fAkE0.+x;", lambda _: MARK) == "c=[gone];"


@given(
    secret=st.sampled_from(KEYS),
    disguise=st.sampled_from(DISGUISES),
    seed=st.integers(0, 2**32),
    before=st.text("abcXYZ019 .,:;'\"/&=\n", max_size=12),
    after=st.text("abcXYZ019 .,:;'\"/&=\n", max_size=12),
)
def test_no_disguise_hides_a_secret(
    secret: str, disguise: Disguise, seed: int, before: str, after: str
) -> None:
    text = _view(before + disguise(secret, chance(seed)) + after)
    assert leaks(secret, text.encode("latin-1"))  # the checker sees it, so its silence means much

    clean = Secrets.of([_view(secret)]).replace_in(text, lambda _: MARK)

    assert not leaks(secret, clean.encode("latin-1"))
    assert MARK in clean


@given(st.text())
@example("%" * 100 + "\\" * 100)
@example("%25" * 40 + "\\u" * 40 + "\\u005c" * 40)
def test_a_text_that_holds_no_secret_is_not_changed(text: str) -> None:
    assert Secrets.of([KEY]).replace_in(text, lambda _: MARK) == text


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (("Authorization", "Bearer t0ken"), ("t0ken",)),
        (("authorization", "  bearer   t0ken  "), ("t0ken",)),
        (("Authorization", "Bearer\tt0ken"), ("t0ken",)),
        (("Authorization", "t0ken"), ("t0ken",)),
        (("Authorization", ""), ("",)),
        (("X-API-Key", " t0ken "), ("t0ken",)),
        (("Cookie", 'a=one; b="two"; three'), ("one", "two", "three")),
        (("Set-Cookie", "a=one; Path=/; HttpOnly"), ("one",)),
        (("Set-Cookie", "a=b=c=="), ("b=c==",)),
        (("X-Other", "t0ken"), ()),
    ],
)
def test_the_credentials_of_a_header(header: tuple[str, str], found: tuple[str, ...]) -> None:
    values = tuple(value for value, _ in credentials_of((header,), of_header))

    assert values == found


@pytest.mark.parametrize("encoded", ["bWU6c2VjcmV0cw==", "bWU6c2VjcmV0cw"])
def test_basic_gives_token_pair_user_and_password(encoded: str) -> None:
    assert of_authorization(f"Basic {encoded}") == (encoded, "me:secrets", "me", "secrets")


@pytest.mark.parametrize("token", ["é", "A", "\xff\x00"])
def test_a_basic_token_that_is_no_base64_is_a_credential_as_it_is(token: str) -> None:
    assert of_authorization(f"Basic {token}") == (token,)


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\\n", "\\r\\n", "\n  "])
@pytest.mark.parametrize("width", [4, 7, 76])
def test_base64_is_found_however_it_is_wrapped_into_lines(width: int, line_break: str) -> None:
    encoded = base64.b64encode(f"Authorization: Bearer {FAKE_KEY}".encode()).decode()
    lines = [encoded[at : at + width] for at in range(0, len(encoded), width)]
    text = f"before\n{line_break.join(lines)}\nafter"

    clean = Secrets.of([FAKE_KEY]).replace_in(text, lambda _: "REDACTED")

    assert clean.startswith("before\n")
    assert clean.endswith("\nafter")
    assert "REDACTED" in clean
    joined = clean.replace("\\r", "").replace("\\n", "").translate({9: "", 10: "", 13: "", 32: ""})
    assert encoded[28:-4] not in joined
