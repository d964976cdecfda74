"""Where cassettes are, how tests are marked, and when clients are led to the proxy."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from runreel.cassettes.file_store import FileStore
from runreel.cassettes.format import Cassette
from suites import ONCE, RECORD, Suite

pytest_plugins = ("pytester",)
ROOT = Path(__file__).parents[2]
NAMED = "@pytest.mark.runreel(cassette='shared/mine')\ndef test_a():\n    create('a')\n"


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Suite:
    return Suite(pytester)


@pytest.mark.parametrize(
    ("configuration", "options", "file"),
    [
        (None, (), "cassettes/shared/mine.json"),
        ("", (), "cassettes/shared/mine.json"),
        ('cassettes = "tapes"', (), "tapes/shared/mine.json"),
        ('cassettes = "tapes"', ("--runreel-cassettes=other",), "other/shared/mine.json"),
        (None, ("--runreel-cassettes=other",), "other/shared/mine.json"),
    ],
)
def test_a_named_cassette_is_where_the_configuration_says_or_beside_the_test(
    suite: Suite, configuration: str | None, options: tuple[str, ...], file: str
) -> None:
    if configuration is not None:
        (suite.folder / "runreel.toml").write_text(configuration, encoding="utf-8")
    suite.write(NAMED)

    suite.run(*ONCE, *options).assert_outcomes(passed=1)

    assert suite.recorded() == [file]


def test_an_unnamed_one_is_beside_its_test_whatever_is_configured(suite: Suite) -> None:
    (suite.folder / "runreel.toml").write_text('cassettes = "tapes"', encoding="utf-8")
    below = suite.folder / "unit"
    below.mkdir()
    suite.write("def test_a():\n    create('a')", name="unit/test_it")

    suite.run(*ONCE, "-o", "pythonpath=.").assert_outcomes(passed=1)

    assert suite.recorded() == ["unit/cassettes/test_it/test_a.json"]


def test_the_closest_marker_says_what_it_says_and_the_wider_ones_the_rest(suite: Suite) -> None:
    suite.write(
        "@pytest.mark.runreel(allow_unplayed=True, mode='replay')\n"
        "class TestMine:\n"
        "    @pytest.mark.runreel(cassette='mine', mode='record')\n"
        "    def test_a(self, runreel):\n"
        "        assert (runreel.cassette, runreel.receipt()['mode']) == ('mine', 'record')\n"
        "    def test_b(self, runreel):\n"
        "        assert runreel.receipt()['mode'] == 'replay'\n"
    )

    suite.run(*RECORD).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("mark", "options", "sentence"),
    [
        ("'mine'", (), "*the marker takes cassette=*, mode=*, allow_unplayed=* only, not 'mine'"),
        ("casette='x'", (), "*the marker takes * only, not casette"),
        ("cassette='../x'", (), "*'../x' cannot name a cassette; *"),
        ("mode='rec'", (), "*there is no mode 'rec'; there are replay, record, *"),
        ("mode='record'", (), "*mode record goes live and needs an upstream; *--runreel-upstream*"),
        ("", ("--runreel-mode=rec",), "*mode: must be one of replay, record, *"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(
    suite: Suite, mark: str, options: tuple[str, ...], sentence: str
) -> None:
    suite.write(f"@pytest.mark.runreel({mark})\ndef test_a():\n    create('a')")

    result = suite.run(*options)

    result.assert_outcomes()
    result.stderr.fnmatch_lines([sentence])


def test_a_cassette_that_another_process_records_is_a_failure_that_says_so(suite: Suite) -> None:
    suite.write(NAMED)
    header = Cassette("simulator", "openai", ("method",), "")
    journal = FileStore(suite.folder / "cassettes").open_journal("shared/mine", header)

    result = suite.run(*RECORD)
    journal.commit(None)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*cassette 'shared/mine' is being recorded by another*"])
    suite.run(*RECORD).assert_outcomes(passed=1)


def test_without_an_upstream_once_never_goes_live(suite: Suite) -> None:
    suite.write("def test_a():\n    create('a')")

    result = suite.run("--runreel-mode=once")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["runreel: 0 replayed, 0 recorded, 1 missed, 0 unplayed, 0 live*"])


def test_a_test_that_sent_nothing_is_warned_about(suite: Suite) -> None:
    suite.write("def test_a():\n    pass")

    result = suite.run()

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["runreel: WARNING: 1 of 1 tests sent no request. *test_a"])


def test_a_project_that_never_names_it_is_left_alone(suite: Suite) -> None:
    suite.write(
        "import os\nBEFORE = os.environ.get('OPENAI_BASE_URL')\n"
        "def test_a():\n    assert BEFORE is os.environ.get('OPENAI_BASE_URL') is None",
        head="",
    )

    result = suite.run()

    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("runreel*")  # the header may name it, where it is installed


@pytest.mark.parametrize("options", [(), ("--runreel-mode=replay",)])
def test_clients_of_a_conftest_are_led_here_by_its_word_or_by_an_option(
    suite: Suite, options: tuple[str, ...]
) -> None:
    early = "import os\nBASE = os.environ.get('OPENAI_BASE_URL')\n"
    uses = "import pytest\n@pytest.fixture\ndef client(runreel):\n    return runreel.base_url\n"
    (suite.folder / "conftest.py").write_text(early + ("" if options else uses), encoding="utf-8")
    body = "assert client == BASE" if not options else "assert conftest.BASE == BASE"
    suite.write(
        f"import conftest, os\nBASE = os.environ['OPENAI_BASE_URL']\n"
        f"def test_a({'' if options else 'client'}):\n    {body}",
        head="",
    )

    suite.run(*options).assert_outcomes(passed=1)


def test_blocked_sockets_reach_loopback_only(suite: Suite) -> None:
    suite.write(
        "import socket\n"
        "def test_a():\n    assert create('a') == 'a'\n"
        "@pytest.mark.parametrize('host', ['192.0.2.1', 'example.org'])\n"
        "def test_b(host):\n    socket.create_connection((host, 80))"
    )

    result = suite.run(*ONCE, "--runreel-block-sockets")

    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*SocketBlocked: a test tried to * 192.0.2.1*loopback only"])


NOTHING_HEAVY = """
import sys, pytest
plugin = "runreel.pytest_plugin.hooks"
code = pytest.main(["-q", "-p", plugin, "--runreel-mode=replay", "test_it.py"])
heavy = {"aiohttp", "pydantic", "click", "orjson", "asyncio", "brotli", "yaml"}
print(int(code), sorted(heavy & set(sys.modules)))
"""


@pytest.mark.parametrize("used", ["", "runreel"])
def test_nothing_heavy_is_ever_imported_among_the_tests(
    suite: Suite, monkeypatch: pytest.MonkeyPatch, used: str
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (suite.folder / "tox.ini").unlink()
    suite.write(f"def test_a({used}):\n    pass  # runreel", head="")

    done = subprocess.run(
        [sys.executable, "-c", NOTHING_HEAVY],
        cwd=suite.folder,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines()[-1] == "0 []"


NOTHING_OURS = """
import sys, pytest
code = pytest.main(["-q", "-p", "runreel.pytest_plugin.hooks", "test_it.py"])
print(int(code), sorted(name for name in sys.modules if name.startswith("runreel.")))
"""


def test_where_nobody_uses_it_nothing_of_it_is_imported_but_its_hooks(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (suite.folder / "tox.ini").unlink()
    suite.write("def test_a():\n    pass", head="")
    suite.write("def test_b(runreel):\n    pass", name="test_beside_it", head="")

    done = subprocess.run(
        [sys.executable, "-c", NOTHING_OURS],
        cwd=suite.folder,
        capture_output=True,
        text=True,
        check=True,
    )

    told = "0 ['runreel.pytest_plugin', 'runreel.pytest_plugin.hooks']"
    assert done.stdout.splitlines()[-1] == told


@pytest.mark.parametrize(
    "marking",
    [
        "def pytest_itemcollected(item):\n    item.add_marker(NAME)",
        "def pytest_collection_modifyitems(items):\n    items[0].add_marker(NAME)",
    ],
)
def test_a_marker_whose_name_stands_in_no_file_counts_too(suite: Suite, marking: str) -> None:
    (suite.folder / "conftest.py").write_text(f"NAME = 'run' 'reel'\n{marking}", encoding="utf-8")
    suite.write("def test_a():\n    from api import create\n    create('a')", head="")
    suite.run(*ONCE).assert_outcomes(passed=1)

    result = suite.run()

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["runreel: 1 replayed, 0 recorded, 0 missed, 0 unplayed, 0 live*"])


def test_installing_the_package_loads_the_plugin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert project["entry-points"]["pytest11"] == {"runreel": "runreel.pytest_plugin.hooks"}
    assert not any(wanted.startswith("pytest") for wanted in project["dependencies"])
