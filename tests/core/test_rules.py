"""Each rule against its own examples: what it must replace, and what it must leave alone."""

import re

import pytest

from runreel.http.headers import Trait, named
from runreel.redaction import names
from runreel.redaction.rules import (
    HEADER_PATTERNS,
    PATTERNS,
    PatternRule,
)

RULES = (*PATTERNS, *HEADER_PATTERNS)
SECRET = [
    pytest.param(rule, text, id=f"{rule.name}-{number}")
    for rule in RULES
    for number, text in enumerate(rule.secret)
]
INNOCENT = [
    pytest.param(rule, text, id=f"{rule.name}-{number}")
    for rule in RULES
    for number, text in enumerate(rule.innocent)
]
FAKE = "FaKe0"


@pytest.mark.parametrize(("rule", "text"), SECRET)
def test_a_rule_replaces_the_secret_in_its_true_examples(rule: PatternRule, text: str) -> None:
    clean = rule.replace_in(text)

    assert "REDACTED" in clean
    assert FAKE not in clean
    assert rule.replace_in(clean) == clean


@pytest.mark.parametrize(("rule", "text"), INNOCENT)
def test_a_rule_leaves_its_false_examples_alone(rule: PatternRule, text: str) -> None:
    assert rule.replace_in(text) == text


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_brings_examples_of_both_kinds(rule: PatternRule) -> None:
    assert rule.secret
    assert rule.innocent


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_hint_stands_in_all_that_its_rule_replaces(rule: PatternRule) -> None:
    assert [text for text in rule.secret if not rule.hinted(text)] == []


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("key sk-proj-" + FAKE * 12 + "-x_y, revoked", "key REDACTED, revoked"),
        ('\\"sk-' + FAKE * 4 + '\\"', '\\"REDACTED\\"'),
        ("sk-svcacct-" + FAKE * 4 + "T3Blbk" + "FJ" + FAKE * 4 + ".", "REDACTED."),
        ("sk-None-" + FAKE * 4, "REDACTED"),
        ("密钥sk-" + FAKE * 4 + "。", "密钥REDACTED。"),
        ("sk-" + "A" * 16, "sk-" + "A" * 16),
        ("provided: sk-" + "BQ" + "*" * 20 + "Cf6e. You", "provided: REDACTED. You"),
        ("sess-" + FAKE * 8 + " ok", "REDACTED ok"),
        ("t=eyJ" + FAKE * 3 + ".eyJ" + FAKE * 3 + "." + FAKE + "&x", "t=REDACTED&x"),
        ("organization org-" + FAKE * 4 + " on", "organization REDACTED-c696ecc310 on"),
        ("project `proj_" + FAKE * 4 + "`.", "project `REDACTED-59f8cff34a`."),
    ],
)
def test_exactly_the_secret_goes(text: str, clean: str) -> None:
    for rule in PATTERNS:
        text = rule.replace_in(text)

    assert text == clean


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Bearer " + FAKE * 4, "Bearer REDACTED"),
        ("bearer\t" + FAKE * 4 + ", x", "bearer\tREDACTED x"),
        ("Basic " + "ZmFr" * 5 + "ZQ==", "Basic REDACTED"),
        ('Bearer realm="https://api.example.com", error="invalid_token"',) * 2,
    ],
)
def test_in_a_header_the_scheme_stays_and_the_token_goes(text: str, clean: str) -> None:
    for rule in HEADER_PATTERNS:
        text = rule.replace_in(text)

    assert text == clean


def test_what_a_rule_replaced_before_is_not_replaced_again() -> None:
    rule = PatternRule("user-1", re.compile(r"\w+"))

    assert rule.replace_in("REDACTED red REDACTED") == "REDACTED REDACTED REDACTED"


def test_an_empty_match_adds_nothing() -> None:
    assert PatternRule("user-1", re.compile(r"\b|x+")).replace_in("a xx") == "a REDACTED"


def test_the_credential_headers_are_all_there() -> None:
    assert {
        "api-key",
        "astra-api-token",
        "authorization",
        "cf-ray",
        "cookie",
        "llm-param-aws-access-key-id",
        "llm-param-aws-secret-access-key",
        "ocp-apim-subscription-key",
        "openai-organization",
        "openai-project",
        "proxy-authorization",
        "set-cookie",
        "x-api-key",
    } <= named(Trait.SECRET)
    assert named(Trait.NEVER_STORED) == {"date"}
    assert names.SECRET_PARAMETERS.keys() == {"api_key", "api-key", "apikey", "access_token"}
