"""Mistakes that no test can be run with: told once, before the first test."""

import socket
from collections.abc import Iterator

import pytest

from suites import ONCE, Suite

pytest_plugins = ("pytester",)

MANY = "@pytest.mark.parametrize('n', range(3))\ndef test_a(n):\n    create(str(n))\n"
AFTER_IT = "def test_b():\n    open('ran', 'w').close()\n"


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Suite:
    return Suite(pytester)


@pytest.fixture
def nobody() -> Iterator[str]:
    """The URL of a port on which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def _told(suite: Suite, result: pytest.RunResult) -> list[str]:
    """The errors of a run that was refused before its first test."""
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.assert_outcomes()
    assert not (suite.folder / "ran").exists()
    return [line for line in result.errlines if line.startswith("ERROR: ")]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--runreel-mode=rec"], "mode: must be one of replay, record, "),
        (
            ["--runreel-mode=record"],
            "ERROR: runreel: mode record goes live and needs an upstream; give one with ",
        ),
        (
            ["--runreel-mode=record", "--runreel-upstream=http://127.0.0.1:9/v1"],
            "upstream: ",  # as the command says it, with the remedy
        ),
        (["--runreel-cassettes=nowhere"], "there is no folder "),
        (["--runreel-cassettes=api.py", *ONCE], "there is no folder "),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused_once(
    suite: Suite, options: list[str], sentence: str
) -> None:
    suite.write(MANY + AFTER_IT)

    (told,) = _told(suite, suite.run(*options))

    assert sentence in told


def test_a_mode_that_there_is_not_is_refused_with_the_first_test_that_has_it(suite: Suite) -> None:
    suite.write("@pytest.mark.runreel(mode='rec')\n" + MANY + AFTER_IT)

    (told,) = _told(suite, suite.run())

    assert told.startswith(
        "ERROR: runreel: test_it.py::test_a[0]: there is no mode 'rec'; there are replay, record, "
    )
    assert told.endswith("(and 2 more tests)")


def test_an_upstream_that_is_not_there_is_refused_where_it_would_be_asked(
    suite: Suite, nobody: str
) -> None:
    suite.write(MANY + AFTER_IT)

    for mode in ("once", "record", "new_episodes", "verify", "passthrough"):
        (told,) = _told(suite, suite.run(f"--runreel-mode={mode}", f"--runreel-upstream={nobody}"))
        assert told == (
            f"ERROR: runreel: The upstream {nobody} cannot be reached; is it running, and is the "
            "URL right?"
        )


def test_an_upstream_that_is_not_there_is_no_matter_where_nobody_asks_it(
    suite: Suite, nobody: str
) -> None:
    suite.write(MANY)
    suite.run(*ONCE).assert_outcomes(passed=3)

    for mode in ("once", "replay"):
        result = suite.run(f"--runreel-mode={mode}", f"--runreel-upstream={nobody}")
        result.assert_outcomes(passed=3)


def test_a_folder_that_is_configured_but_not_there_is_refused_if_a_test_names_a_cassette(
    suite: Suite,
) -> None:
    (suite.folder / "runreel.toml").write_text('cassettes = "nowhere"', encoding="utf-8")
    suite.write(MANY.replace("create(str(n))", "pass") + AFTER_IT)
    suite.run().assert_outcomes(passed=4)
    (suite.folder / "ran").unlink()
    suite.write("@pytest.mark.runreel(cassette='mine')\n" + MANY + AFTER_IT)

    (told,) = _told(suite, suite.run())

    assert told.startswith(f"ERROR: runreel: there is no folder {suite.folder}/nowhere, in which ")


def test_tests_that_do_not_use_it_run_whatever_its_options_are(suite: Suite) -> None:
    suite.write("def test_a():\n    pass", head="")

    suite.run("--runreel-mode=rec").assert_outcomes(passed=1)


def test_workers_say_it_once_too(suite: Suite, nobody: str) -> None:
    suite.write(MANY + AFTER_IT)

    result = suite.start("-p", "xdist", "-n", "2", *ONCE[:1], f"--runreel-upstream={nobody}")

    assert len(_told(suite, result)) == 1
