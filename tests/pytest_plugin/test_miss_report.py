"""A miss in the report of pytest, and that what the report says to do works as printed."""

import shlex

import pytest

from suites import ONCE, Suite

pytest_plugins = ("pytester",)
ANEW = "To record it anew: "


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Suite:
    return Suite(pytester)


def reported(result: pytest.RunResult) -> list[str]:
    """The lines of the report, from the first that is runreel's to the remedy."""
    begins = ("No recording matches ", "runreel: 1 recording ")
    begin = next(at for at, line in enumerate(result.outlines) if line.startswith(begins))
    lines = result.outlines[begin:]
    return lines[: next(at for at, line in enumerate(lines) if line.startswith(ANEW)) + 1]


def do_as_told(suite: Suite, lines: list[str]) -> None:
    program, *words = shlex.split(lines[-1].removeprefix(ANEW))
    assert program == "pytest"
    suite.run(*words).assert_outcomes(passed=1)


def test_a_changed_value_is_told_in_one_block(suite: Suite) -> None:
    suite.write("def test_a():\n    create('a')\n    create('old')")
    suite.run(*ONCE)
    suite.write("def test_a():\n    create('a')\n    create('new')")

    result = suite.run()

    lines = reported(result)
    file = suite.folder / "cassettes/test_it/test_a.json"
    assert lines == [
        (
            'No recording matches POST /v1/threads: body /metadata/stage: sent "new", '
            "recorded \"old\"; nearest in cassette 'test_it/test_a' is createThread-e2139296."
        ),
        "--- recorded: createThread-e2139296",
        "+++ sent",
        " POST /v1/threads",
        " openai-beta: assistants=v2",
        " {",
        '   "metadata": {',
        '-    "stage": "old",',
        '+    "stage": "new",',
        "   },",
        " }",
        "1 of 2 played, the writes among them: POST /v1/threads (createThread-1fb7b0bc)",
        f"cassette: {file}",
        (
            "To record it anew: pytest test_it.py::test_a --runreel-mode=record --runreel-prune "
            "--runreel-upstream=simulator"
        ),
    ]
    do_as_told(suite, lines)
    suite.run().assert_outcomes(passed=1)
    assert [b"old" in body for body in suite.stages(str(file))] == [False, False]


def test_what_was_left_unplayed_is_told_with_its_requests(suite: Suite) -> None:
    suite.write("def test_a():\n    create('a')\n    create('b')")
    suite.run(*ONCE)
    suite.write("def test_a():\n    create('a')")

    lines = reported(suite.run())

    assert lines == [
        "runreel: 1 recording in cassette 'test_it/test_a' was not played:",
        '  POST /v1/threads {"metadata": {"stage": "b"}} (createThread-be407b73)',
        f"cassette: {suite.folder / 'cassettes/test_it/test_a.json'}",
        "A test that may leave some says so: @pytest.mark.runreel(allow_unplayed=True)",
        (
            "To record it anew: pytest test_it.py::test_a --runreel-mode=record --runreel-prune "
            "--runreel-upstream=simulator"
        ),
    ]
    do_as_told(suite, lines)
    suite.run().assert_outcomes(passed=1)


def test_a_test_in_a_folder_with_parameters_is_named_so_that_a_shell_finds_it(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = suite.folder / "my tests"
    below.mkdir()
    monkeypatch.syspath_prepend(suite.folder)
    body = "@pytest.mark.parametrize('s', [\"a b's\"])\ndef test_a(s):\n    create(s)\n"
    suite.write(body, name="my tests/test_it")
    suite.run(*ONCE)
    suite.write(body + "    create('more')\n", name="my tests/test_it")
    monkeypatch.chdir(below)

    lines = reported(suite.run("--rootdir", str(suite.folder), "-c", str(suite.folder / "tox.ini")))

    words = shlex.split(lines[-1].removeprefix(ANEW))
    assert words[:3] == ["pytest", "test_it.py::test_a[a b's]", "--runreel-mode=record"]


def test_a_test_without_a_cassette_is_recorded_from_the_simulator(suite: Suite) -> None:
    suite.write("def test_a():\n    create('a')")

    result = suite.run()

    result.stdout.fnmatch_lines(
        [
            "No recording matches POST /v1/threads: cassette 'test_it/test_a' is empty.",
            f"There is no cassette {suite.folder / 'cassettes/test_it/test_a.json'}.",
            (
                "To record it anew (from the simulator, or give the URL of an API): pytest "
                "test_it.py::test_a --runreel-mode=record --runreel-prune "
                "--runreel-upstream=simulator"
            ),
        ],
        consecutive=True,
    )
