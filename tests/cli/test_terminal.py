import io
import sys

import pytest

from runreel.cli.output import columns, paint, say
from runreel.text import counted, safe


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "painted"),
    [
        ({}, "\x1b[31mbad\x1b[0m"),
        ({"NO_COLOR": ""}, "\x1b[31mbad\x1b[0m"),  # no-color.org: empty counts as not set
        ({"NO_COLOR": "1"}, "bad"),
        ({"TERM": "dumb"}, "bad"),
    ],
)
def test_a_terminal_gets_colour_unless_it_is_not_wanted(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], painted: str
) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdout", _Terminal())

    assert paint("bad", fg="red") == painted


def test_a_file_or_a_pipe_gets_no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stdout", io.StringIO())

    assert paint("bad", fg="red") == "bad"


def test_what_is_not_printable_comes_out_as_an_escape() -> None:
    assert safe("a\tb\x1b\x7f\x9b\u202e\u2028\ud800 ü 漢 \U000e0001") == (
        "a\\tb\\u001b\\u007f\\u009b\\u202e\\u2028\\ud800 ü 漢 \\udb40\\udc01"
    )


def test_an_encoding_that_lacks_a_character_gets_its_escape(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))

    say("grün")
    sys.stdout.flush()

    assert raw.getvalue() == b"gr\\xfcn\n"


def test_columns_stand_below_each_other() -> None:
    assert columns([("a", "bb", ""), ("aaa", "b", "c")]) == ["a    bb", "aaa  b   c"]


def test_one_is_one_and_more_are_many() -> None:
    assert [counted(number, "place") for number in (0, 1, 2_000)] == [
        "0 places",
        "1 place",
        "2,000 places",
    ]
