"""What a user of the plugin sees, in runs of pytest itself."""

import os

import pytest

from suites import ONCE, RECORD, Suite

pytest_plugins = ("pytester",)


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Suite:
    return Suite(pytester)


def test_a_recorded_test_passes_without_an_upstream(suite: Suite) -> None:
    suite.write("def test_a():\n    assert create('a') == 'a'")

    recorded = suite.run(*ONCE)
    replayed = suite.run()

    recorded.assert_outcomes(passed=1)
    recorded.stdout.fnmatch_lines(["runreel: 0 replayed, 1 recorded, 0 missed, 0 unplayed, 1 li*"])
    replayed.assert_outcomes(passed=1)
    replayed.stdout.fnmatch_lines(["runreel: 1 replayed, 0 recorded, 0 missed, 0 unplayed, 0 li*"])
    assert suite.recorded() == ["cassettes/test_it/test_a.json"]


def test_tests_leave_nothing_but_cassettes(suite: Suite) -> None:
    suite.write("def test_a():\n    assert create('a') == 'a'")
    before = {path.name for path in suite.folder.iterdir()}

    suite.run(*RECORD).assert_outcomes(passed=1)

    after = {path.name for path in suite.folder.iterdir()}
    assert after - before - {".pytest_cache"} == {"cassettes"}


def test_a_miss_that_the_code_swallowed_fails_the_test_and_is_explained(suite: Suite) -> None:
    suite.write("def test_a():\n    create('a')")
    suite.run(*ONCE)
    swallows = "    try:\n        create('b')\n    except Refused:\n        pass"
    suite.write("def test_a():\n    create('a')\n" + swallows)

    result = suite.run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            'runreel: No recording matches POST /v1/threads: body /metadata/stage: sent "b", *',
            "To record it anew: pytest test_it.py::test_a --runreel-mode=record *",
        ]
    )


def test_what_was_not_played_fails_the_test_unless_that_is_allowed(suite: Suite) -> None:
    suite.write("def test_a():\n    create('a')\n    create('b')")
    suite.run(*ONCE)
    suite.write("def test_a():\n    create('a')")
    failing = suite.run()
    suite.write("@pytest.mark.runreel(allow_unplayed=True)\ndef test_a():\n    create('a')")
    allowed = suite.run()

    failing.assert_outcomes(failed=1)
    failing.stdout.fnmatch_lines(
        [
            "runreel: 1 recording in cassette 'test_it/test_a' was not played:",
            '  POST /v1/threads {"metadata": {"stage": "b"}} (createThread-*)',
        ]
    )
    allowed.assert_outcomes(passed=1)


def test_a_test_that_fails_in_the_middle_of_recording_leaves_what_was_there(suite: Suite) -> None:
    suite.write("def test_a():\n    create('a')")
    suite.run(*RECORD)
    file = suite.folder / "cassettes/test_it/test_a.json"
    before = file.read_bytes()
    suite.write("def test_a():\n    create('b')\n    assert 0\ndef test_new():\n    create(1 / 0)")

    result = suite.run(*RECORD)

    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["runreel: *(1 more discarded, of tests that did not pass)"])
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["test_a.json"]


def test_what_a_failing_test_missed_stands_beside_its_failure(suite: Suite) -> None:
    body = (
        "    try:\n        create('b')\n    except Refused:\n        pass\n    assert 'mine' == ''"
    )
    suite.write("def test_a():\n" + body)

    result = suite.run()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*assert 'mine' == ''",
            "*- runreel -*",
            "No recording matches POST /v1/threads: cassette 'test_it/test_a' is empty.",
            "There is no cassette */cassettes/test_it/test_a.json.",
        ]
    )


def test_parameters_of_any_kind_name_cassettes_that_any_file_system_takes(suite: Suite) -> None:
    suite.write(
        "IDS = ['a/b', 'a\\\\b', '🚚', 'A', 'a', 'x' * 90, '..', 'CON']\n"
        "@pytest.mark.parametrize('stage', IDS, ids=IDS)\n"
        "def test_a(stage):\n    create(stage)"
    )

    suite.run(*ONCE).assert_outcomes(passed=8)
    suite.run().assert_outcomes(passed=8)

    names = [name.removeprefix("cassettes/test_it/") for name in suite.recorded()]
    assert len({name.lower() for name in names}) == 8
    assert all(name.isascii() and "/" not in name and len(name) < 86 for name in names)


def test_equal_names_in_classes_and_modules_do_not_meet(suite: Suite) -> None:
    body = "class Test{0}:\n    def test_a(self):\n        create('{0}')\n"
    suite.write(body.format("One") + body.format("Two") + "def test_a():\n    create('0')")
    suite.write("def test_a():\n    create('other')", name="test_other")

    suite.run(*ONCE).assert_outcomes(passed=4)
    suite.run().assert_outcomes(passed=4)

    assert len(suite.recorded()) == 4


def test_async_tests_are_no_different(suite: Suite) -> None:
    suite.write(
        "import asyncio\n"
        "async def test_a():\n"
        "    sent = [asyncio.to_thread(create, stage) for stage in 'abc']\n"
        "    assert await asyncio.gather(*sent) == ['a', 'b', 'c']"
    )

    suite.run(*ONCE).assert_outcomes(passed=1)
    suite.run().assert_outcomes(passed=1)


def test_workers_in_random_order_add_up_to_one_line(suite: Suite) -> None:
    suite.write("@pytest.mark.parametrize('n', range(6))\ndef test_a(n):\n    create(str(n))")
    suite.run(*ONCE)

    (suite.folder / "tox.ini").unlink()

    workers = ("-p", "xdist", "-n", "2", "-p", "pytest_randomly")
    result = suite.start(*workers, "--runreel-block-sockets")

    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(["runreel: 6 replayed, 0 recorded, 0 missed, 0 unplayed, 0 live*"])


def test_the_environment_is_left_as_it_was(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "mine")
    suite.write("def test_a():\n    create('a')")

    suite.run(*ONCE)

    assert "OPENAI_BASE_URL" not in os.environ
    assert os.environ["OPENAI_API_KEY"] == "mine"
