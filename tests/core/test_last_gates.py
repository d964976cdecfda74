"""What stands behind the rules of redaction: gates that hold even if a rule fails, and how deep a
disguise is looked through. Each was once taken out without a test noticing.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

import pytest

from builders import a_request, a_response, an_interaction
from redacting import BEARER, KEY
from runreel.errors import Unredactable
from runreel.http.messages import Violation
from runreel.redaction.blanker import Blanker
from runreel.redaction.redactor import Redaction
from runreel.redaction.secrets import Secrets


def _blind(_self: Blanker, text: str, _more: object = ()) -> str:
    return text


@pytest.mark.parametrize(
    "finding",
    [
        Violation("/metadata/stage", "type", "error", f"expected a string, got {KEY}"),
        Violation(f"/metadata/{KEY.replace('/', '~1')}", "type", "error", "expected a string"),
    ],
    ids=["message", "place"],
)
def test_no_finding_with_a_credential_is_kept_even_if_blanking_fails(
    finding: Violation, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = a_request(headers=BEARER)
    seen = replace(an_interaction(response=a_response()).value, request=request)
    monkeypatch.setattr(Blanker, "text", _blind)

    kept = Redaction().interaction(request, seen)
    with pytest.raises(Unredactable, match="a credential stands where it cannot be replaced"):
        Redaction().interaction(request, replace(seen, violations=(finding,)))

    assert kept.value.violations == ()


def test_no_finding_with_a_credential_is_told_even_if_blanking_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Blanker, "text", _blind)
    finding = Violation("/a", "type", "error", f"got {KEY}")

    told = Redaction().finding(a_request(headers=BEARER), finding)

    assert (told.at, KEY in told.message) == ("", False)


def _in_json(text: str) -> str:
    return json.dumps(text).replace("/", "\\/")


@pytest.mark.parametrize("levels", range(1, 9))
@pytest.mark.parametrize("escape", [lambda text: quote(text, safe=""), _in_json])
def test_a_credential_that_was_escaped_up_to_eight_times_is_found_and_goes(
    levels: int, escape: Callable[[str], str]
) -> None:
    written = KEY
    for _ in range(levels):
        written = escape(written)
    secrets = Secrets.of([KEY])

    clean = secrets.replace_in(f"before {written} after", lambda _: "GONE")

    assert secrets.occur_in(written)
    assert not secrets.occur_in(clean)
    assert clean.startswith("before ")
    assert clean.endswith(" after")
    assert "GONE" in clean
