"""What is remembered of strings that were looked at changes nothing of what is blanked."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from runreel.http.messages import Request
from runreel.redaction.redactor import Redaction
from runreel.redaction.rules import HINTS, PATTERNS

_FAKE = "FaKe0"
KEY = "sk-" + _FAKE * 8
CREDENTIAL = "fAkE0" * 8
LIVE = Request("POST", "/", (("Authorization", f"Bearer {CREDENTIAL}"),))
PIECES = (
    *("run_abc", "completed", "", " ", "é", "\n", "\\", '"', "/", "token", "metadata", "sk-"),
    *(KEY, CREDENTIAL, CREDENTIAL[:20], "password", "api_key", "apiKey", "properties", "proj_"),
    *("api_key = ", "https://u:", "@h", "?sig=", _FAKE * 5, '{"password":"x1y2"}', "REDACTED"),
)
TEXTS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map("".join)
DOCUMENTS = st.recursive(
    TEXTS | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(st.tuples(DOCUMENTS, st.booleans()), min_size=1, max_size=6))
def test_what_was_seen_before_changes_nothing_of_what_is_blanked(
    documents: list[tuple[object, bool]],
) -> None:
    redaction = Redaction()
    warm = redaction._blanker(redaction.secrets_of(LIVE))
    plain = replace(warm, calm=None)

    for document, in_ascii in documents * 2:
        body = json.dumps({"metadata": document}, ensure_ascii=in_ascii).encode()
        try:
            expected = plain.body(body)
        except Exception as error:
            try:
                warm.body(body)
            except type(error):
                continue
            raise
        assert warm.body(body) == expected


def test_a_name_that_is_denied_is_noticed_though_the_same_word_was_seen_as_text() -> None:
    redaction = Redaction()

    def body(text: str) -> bytes:
        return redaction.request(Request("POST", "/x", (), text.encode())).value.body

    assert body('{"a":"hunter2hunter"}') == b'{"a":"hunter2hunter"}'
    assert body('{"a":"password"}') == b'{"a":"password"}'
    assert body('{"password":"hunter2hunter"}') == b'{"password":"REDACTED"}'


def test_what_one_client_may_say_is_looked_at_anew_with_the_key_of_another() -> None:
    redaction = Redaction()
    said = Request("POST", "/x", (), json.dumps({"a": CREDENTIAL}).encode())

    assert redaction.request(said).value.body == said.body
    assert redaction.request(said, LIVE).value.body == b'{"a": "REDACTED"}'


@given(st.lists(st.sampled_from((*PIECES, "AKIA", ".", "eyJ", "AP0", "://")), max_size=4))
def test_the_hints_of_all_rules_stand_in_a_text_if_those_of_one_do(pieces: list[str]) -> None:
    text = "".join(pieces)

    assert HINTS.stand_in(text) == any(rule.hinted(text) for rule in PATTERNS)
