"""300 secrets, each in a place of an exchange and with an innocent twin: none is kept, no twin is
altered, and `cassette check` finds each where it was planted by hand.
"""

import json
from pathlib import Path

import pytest

from builders import a_cassette
from leaks import leaks
from placing import PAIRS, Placement, exchange
from redacting import written
from runreel.cassettes.check import check
from runreel.cassettes.format import dump
from runreel.redaction.redactor import Redacted, Redaction

TRUE = [pytest.param(true, id=str(true)) for true, _ in PAIRS]
FALSE = [pytest.param(false, id=str(false)) for _, false in PAIRS]
# A place that a person edits by hand holds no event in pieces, and no header that is left out.
OF_REDACTION = "redaction"


def test_the_table_has_300_rows_of_all_kinds() -> None:
    assert len(PAIRS) == 300
    assert len({true.place for true, _ in PAIRS}) == 14


@pytest.mark.parametrize("placed", TRUE)
def test_a_secret_is_kept_nowhere(placed: Placement) -> None:
    planted = exchange(placed)
    assert leaks(placed.secret, written(planted))

    found = Redaction().interaction(planted.request, planted).value

    assert not leaks(placed.secret, written(found))


@pytest.mark.parametrize("placed", FALSE)
def test_its_innocent_twin_is_not_altered(placed: Placement) -> None:
    planted = exchange(placed)

    assert Redaction().interaction(planted.request, planted).value == planted


@pytest.mark.parametrize("placed", TRUE)
def test_check_finds_a_secret_that_was_planted_by_hand(placed: Placement) -> None:
    text = dump(a_cassette(Redacted(exchange(placed))))

    found = check(text, Redaction())

    assert [item for item in found if item.rule != OF_REDACTION]
    assert not leaks(placed.secret, json.dumps([item.message for item in found]).encode())


@pytest.mark.parametrize("placed", FALSE)
def test_check_finds_nothing_in_an_innocent_twin(placed: Placement) -> None:
    assert check(dump(a_cassette(Redacted(exchange(placed)))), Redaction()) == ()


def test_no_scanner_takes_the_table_for_a_leak() -> None:
    from detect_secrets.core.scan import scan_line  # noqa: PLC0415 - it takes a second to load
    from detect_secrets.settings import default_settings  # noqa: PLC0415

    text = (Path(__file__).parent / "placements.json").read_text("utf-8")
    with default_settings():
        found = [secret.type for line in text.splitlines() for secret in scan_line(line)]

    assert [kind for kind in found if "Entropy" not in kind and "Keyword" not in kind] == []
