"""Fixtures of classes, modules and sessions have calls of their own, whichever test comes first."""

import pytest

from suites import ONCE, RECORD, Suite

pytest_plugins = ("pytester",)
SUITE = """
import unittest

@pytest.fixture(scope="session")
def house():
    yield create("house")
    create("house gone")

@pytest.fixture(scope="module")
def room(house):
    yield create("room")
    create("room gone")

@pytest.fixture(scope="module", params=["red", "blue"])
def wall(room, request):
    return create(request.param)

@pytest.fixture(scope="class")
def desk(wall):
    return create(f"desk at {wall}")

def test_a(room):
    create("a")

class TestDesk:
    def test_b(self, desk):
        create(desk)

class TestOld(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        create("class")

    @classmethod
    def tearDownClass(cls):
        create("class gone")

    def test_c(self):
        create("c")

def test_d(house):
    create("d")
"""
BACKWARDS = "def pytest_collection_modifyitems(items):\n    items.reverse()\n"
FILES = [
    "TestDesk.desk[blue].setup.json",
    "TestDesk.desk[red].setup.json",
    "TestDesk.test_b[blue].json",
    "TestDesk.test_b[red].json",
    "TestOld.setUpClass.setup.json",
    "TestOld.setUpClass.teardown.json",
    "TestOld.test_c.json",
    "house.setup.json",
    "house.teardown.json",
    "room.setup.json",
    "room.teardown.json",
    "test_a.json",
    "test_d.json",
    "wall[blue].setup.json",
    "wall[red].setup.json",
]


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Suite:
    return Suite(pytester)


@pytest.fixture
def recorded(suite: Suite) -> Suite:
    suite.write(SUITE)
    suite.run(*ONCE).assert_outcomes(passed=5)
    return suite


def test_each_has_cassettes_named_after_it_and_its_parameters(recorded: Suite) -> None:
    assert recorded.recorded() == [f"cassettes/test_it/{name}" for name in FILES]
    assert recorded.stages("cassettes/test_it/room.teardown.json") == [
        b'{"metadata": {"stage": "room gone"}}'
    ]


def test_any_test_alone_and_any_order_play_them(recorded: Suite) -> None:
    for part in ("test_a", "red", "blue", "test_c", "test_d"):
        recorded.run("-k", part).assert_outcomes(passed=1, deselected=4)
    (recorded.folder / "conftest.py").write_text(BACKWARDS, encoding="utf-8")

    recorded.run().assert_outcomes(passed=5)


def test_recording_one_test_again_or_all_backwards_changes_no_byte(recorded: Suite) -> None:
    folder = recorded.folder / "cassettes"
    before = {path: path.read_bytes() for path in folder.rglob("*.json")}

    recorded.run(*RECORD, "-k", "blue").assert_outcomes(passed=1, deselected=4)
    (recorded.folder / "conftest.py").write_text(BACKWARDS, encoding="utf-8")
    recorded.run(*RECORD, "--runreel-prune").assert_outcomes(passed=5)

    assert {path: path.read_bytes() for path in folder.rglob("*.json")} == before


def test_a_new_test_is_recorded_with_fixtures_that_are_played(suite: Suite) -> None:
    suite.write(
        "import openai\nCLIENT = openai.OpenAI(max_retries=0).beta.threads\n"
        "@pytest.fixture(scope='module')\ndef room():\n    return CLIENT.create().id\n"
        "def test_a(room):\n    CLIENT.update(room, metadata={'by': 'a'})\n"
    )
    suite.run(*ONCE, "-W", "ignore").assert_outcomes(passed=1)
    more = "def test_b(room):\n    assert CLIENT.retrieve(room).metadata == {}\n"
    file = suite.folder / "test_it.py"
    file.write_text(file.read_text(encoding="utf-8") + more, encoding="utf-8")

    later = suite.run(*ONCE, "-W", "ignore")

    later.assert_outcomes(passed=2)
    later.stdout.fnmatch_lines(["runreel: 2 replayed, 1 rec*"])


WRONG = """
@pytest.fixture(scope="module")
def room():
    {}

def test_a(room):
    pass

def test_b(room):
    pass
"""
SWALLOWS = "with pytest.raises(Refused):\n        create('other')"
SKIPS = "try:\n        create('other')\n    except Refused:\n        pytest.skip('away')"


@pytest.mark.parametrize("body", ["create('other')", SWALLOWS, SKIPS])
def test_a_miss_in_one_fails_all_tests_that_use_it(suite: Suite, body: str) -> None:
    suite.write(WRONG.format("create('room')"))
    suite.run(*ONCE)
    suite.write(WRONG.format(body))

    result = suite.run()

    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["*fixture room:", '*sent "other", recorded "room"*'])


def test_what_one_does_not_call_any_more_is_told(suite: Suite) -> None:
    suite.write(WRONG.format("create('room')"))
    suite.run(*ONCE)
    suite.write(WRONG.format("pass"))

    played = suite.run()
    suite.run(*RECORD, "--runreel-prune").assert_outcomes(passed=2)

    played.assert_outcomes(errors=2)
    played.stdout.fnmatch_lines(["*1 recording in cassette 'test_it/room.setup' was not played*"])
    assert suite.recorded() == []


def test_one_that_calls_and_skips_keeps_its_recording(suite: Suite) -> None:
    suite.write(WRONG.format("create('room'); pytest.skip('enough')"))

    suite.run(*ONCE).assert_outcomes(skipped=2)
    suite.run().assert_outcomes(skipped=2)

    assert suite.recorded() == ["cassettes/test_it/room.setup.json"]


def test_one_that_fails_keeps_nothing(suite: Suite) -> None:
    suite.write(WRONG.format("create('room'); assert 0"))

    suite.run(*ONCE).assert_outcomes(errors=2)

    assert suite.recorded() == []


def test_what_goes_wrong_in_its_teardown_is_an_error_there(recorded: Suite) -> None:
    recorded.write(SUITE.replace('create("room gone")', "pytest.raises(Refused, create, 'x')"))

    result = recorded.run()

    result.assert_outcomes(passed=5, errors=1)
    result.stdout.fnmatch_lines(["*ERROR at teardown*", "*fixture room:*", '*sent "x", recorded*'])


def test_a_test_that_uses_what_a_fixture_called_has_not_gone_elsewhere(suite: Suite) -> None:
    suite.write(WRONG.format("create('room')"))

    suite.run(*ONCE).stdout.no_fnmatch_line("*WARNING*")


THREADS = """
import threading
GO = threading.Event()
DONE = threading.Event()

def later():
    GO.wait(30)
    try:
        create("late")
    except Refused:
        pass
    DONE.set()

def test_a():
    threading.Thread(target=later, name="straggler").start()
    create("a")

def test_b():
    GO.set()
    DONE.wait(30)
    create("b")
"""


def test_a_thread_that_outlives_its_test_is_named(suite: Suite) -> None:
    suite.write(THREADS.replace("    GO.set()\n    DONE.wait(30)\n", ""))
    suite.run(*ONCE, "-k", "test_b").assert_outcomes(passed=1, deselected=1)
    suite.write(THREADS.replace('create("late")', "pass"))
    suite.run(*ONCE).assert_outcomes(passed=2)
    suite.write(THREADS)

    result = suite.run()

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*WARNING: 1 thread outlived the test that began it, *test_it.py::test_a (straggler)"]
    )


def test_the_log_names_the_test_and_not_a_number(suite: Suite) -> None:
    suite.write(WRONG.format("create('room')") + "def test_c():\n    create('c')")

    result = suite.start()

    text = str(result.stdout) + str(result.stderr)
    assert "session=test_it.py::test_c " in text
    assert "session=test_it.py::room (set-up) " in text
