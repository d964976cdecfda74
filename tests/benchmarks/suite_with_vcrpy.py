"""One suite of 60 tests with runreel and with vcrpy's pytest plugin, side by side, as Markdown.

    python tests/benchmarks/suite_with_vcrpy.py [ROUNDS=5]

The suite is tests/sixty_tests: the real SDK against the simulator, which listens on a port as any
server would. It is recorded and replayed, with the server gone, in three copies: with runreel, with
pytest-recording as one begins with it, and with pytest-recording and what helps it (`_MENDED`).
Then tests are changed, one at a time, and replayed again. Everything in the tables is observed
here; pytest-recording is fetched from the package index for the time of the run.
"""

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import ndiff
from importlib.metadata import version
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1])]

from suites import PLUGIN

SUITE = Path(__file__).parents[1] / "sixty_tests"
TESTS = 60
RECORDING = "pytest-recording"
KEY = "sk-" + "made-up-" * 4  # which no file should hold
ALL_PLAYED = "0 missed, 0 unplayed, 0 live calls"
STILL = ("-p", "no:randomly")
_SECONDS_MAX = 600  # of one run of pytest
_ALONE_STEP = 5  # of all tests, every fifth is run alone
CHOOSING = """
def pytest_addoption(parser):
    parser.addoption("--backwards", action="store_true")
    parser.addoption("--only", type=int)

def pytest_collection_modifyitems(config, items):
    if config.getoption("backwards"):
        items.reverse()
    if (only := config.getoption("only")) is not None:
        config.hook.pytest_deselected(items=items[:only] + items[only + 1:])
        items[:] = items[only : only + 1]
"""
ORDERS: dict[str, list[tuple[str, ...]]] = {
    "as written": [STILL],
    "backwards": [(*STILL, "--backwards")],
    "random, three times": [("-p", "randomly", f"--randomly-seed={seed}") for seed in range(3)],
    "two workers, twice": [(*STILL, "-n", "2")] * 2,
    "one test alone, twelve of them": [
        (*STILL, "--only", str(number)) for number in range(0, TESTS, _ALONE_STEP)
    ],
    "`-k stage`": [(*STILL, "-k", "stage")],
    "`-k 'Together or Old'`": [(*STILL, "-k", "Together or Old")],
}

_MARK = "pytest.mark.runreel"
_SHARES = 'pytest.mark.runreel(cassette="shared")'
_IGNORES = 'pytest.mark.runreel(match={"ignore_body": ["/metadata/token"]})'
_PLAIN = {
    _SHARES: '[pytest.mark.vcr, pytest.mark.default_cassette("shared.yaml")]',
    _IGNORES: "pytest.mark.vcr",
    _MARK: "pytest.mark.vcr",
}
_BY_URL = '["method", "scheme", "host", "port", "path", "query"]'
_MENDED = {
    _SHARES: "pytest.mark.vcr",
    _IGNORES: f"pytest.mark.vcr(match_on={_BY_URL})",
    _MARK: "pytest.mark.vcr",
    "import openai\nimport pytest\n\n\n@": "import openai\nimport pytest\n"
    "from helping import CONFIG, in_a_cassette\n\n\n@",
    '@pytest.fixture(scope="session")\ndef clerk': '@pytest.fixture(scope="session")\n'
    "@in_a_cassette\ndef clerk",
    "import openai\nimport pytest\n\npytestmark = pytest.mark.runreel\nCLIENT": "import openai\n"
    "import pytest\nfrom helping import cassette, in_a_cassette\n\n"
    "pytestmark = pytest.mark.vcr\nCLIENT",
    '@pytest.fixture(scope="module")\n': '@pytest.fixture(scope="module")\n@in_a_cassette\n',
    'params=["red", "blue"])\n': 'params=["red", "blue"])\n@in_a_cassette\n',
    '    @pytest.fixture(scope="class")\n': '    @pytest.fixture(scope="class")\n'
    "    @in_a_cassette\n",
    "    def setUpClass": '    @cassette("TestOld.setUpClass")\n    def setUpClass',
    "    def tearDownClass": '    @cassette("TestOld.tearDownClass")\n    def tearDownClass',
    '"größer 🚚"])': '"größer 🚚"], ids=["a", "b", "c", "d"])',
}
_IN_CONFTEST = """

@pytest.fixture(scope="session")
def vcr_config():
    return CONFIG


@pytest.fixture(autouse=True)
def _all_played(vcr, record_mode):
    yield
    assert vcr is None or record_mode != "none" or vcr.all_played, "some were not played"
"""
_HELPING = """
import functools
import inspect
import sys
from contextlib import contextmanager
from pathlib import Path
import vcr

BY_BODY = ["method", "scheme", "host", "port", "path", "query", "body"]
CONFIG = {"match_on": BY_BODY, "filter_headers": ["authorization"]}
MODE = "new_episodes" if any(each.startswith("--record-mode") for each in sys.argv) else "none"


@contextmanager
def cassette(name):
    file = Path(__file__).parent / "cassettes" / "fixtures" / f"{name}.yaml"
    with vcr.use_cassette(str(file), record_mode=MODE, **CONFIG):
        yield


def in_a_cassette(fixture):
    if not inspect.isgeneratorfunction(fixture):
        return cassette(fixture.__name__)(fixture)

    @functools.wraps(fixture)
    def wrapped(*args, **named):
        made = fixture(*args, **named)
        with cassette(f"{fixture.__name__}.setup"):
            value = next(made)
        yield value
        with cassette(f"{fixture.__name__}.teardown"):
            next(made, None)

    return wrapped
"""


@dataclass(frozen=True)
class Change:
    """What somebody does to a test that was recorded: `new` in place of `old` in a file."""

    what: str
    test: str
    old: str
    new: str
    shows: str  # what a report that helps would hold

    @property
    def file(self) -> str:
        return self.test.partition("::")[0]


CHANGES = [
    Change(
        "a value that is sent changes",
        "test_threads.py::test_a_change_is_seen",
        'client.beta.threads.update(thread, metadata={"stage": "changed"})',
        'client.beta.threads.update(thread, metadata={"stage": "altered"})',
        "altered",
    ),
    Change(
        "the same, in code that swallows what goes wrong",
        "test_ends.py::test_a_best_effort_note",
        '"best effort"',
        '"worst effort"',
        "worst",
    ),
    Change(
        "a change is not sent any more",
        "test_ends.py::test_a_best_effort_note",
        'client.beta.threads.update(thread, metadata={"note": "best effort"})',
        "pass",
        "POST",
    ),
    Change(
        "a last call is dropped",
        "test_threads.py::test_equal_creates_go_separate_ways",
        '    assert client.beta.threads.retrieve(other.id).metadata == {"way": "right"}\n',
        "",
        "GET",
    ),
    Change(
        "the first of two equal reads is dropped, so that the change is sent before the read",
        "test_threads.py::test_a_read_before_and_after_a_change",
        "before = client.beta.threads.retrieve(thread).metadata",
        "before: dict[str, str] = {}",
        "GET",
    ),
    Change(
        "a loop asks once more than it did",
        "test_runs.py::test_a_run_is_polled_by_hand",
        '    assert seen[-1] == "completed"',
        "    client.beta.threads.runs.retrieve(run.id, thread_id=thread)\n"
        '    assert seen[-1] == "completed"',
        "GET",
    ),
    Change(
        "a test is renamed",
        "test_threads.py::test_what_never_was",
        "def test_what_never_was_is_not_there",
        "def test_what_never_was",
        "cassette",
    ),
]


@dataclass
class Copy:
    """The suite for one tool, in a folder of its own."""

    name: str
    folder: Path
    options: tuple[str, ...]
    record: tuple[str, ...]
    path: tuple[str, ...]
    url: str
    needs: int = 0  # lines, beyond what the tests say
    took: list[float] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)  # tests that failed, and how

    def run(self, *options: str) -> tuple[int, str]:
        """The exit code of pytest, and what it printed."""
        environment = {name: os.environ[name] for name in os.environ if name != "OPENAI_BASE_URL"}
        paths = (str(self.folder), *self.path, *filter(None, sys.path))
        environment |= {"PYTHONPATH": os.pathsep.join(paths), "OPENAI_API_KEY": KEY}
        if self.name != "runreel":
            environment["OPENAI_BASE_URL"] = f"{self.url}/v1"
        command = [sys.executable, "-m", "pytest", "-q", "-rfE", "-p", "choosing"]
        done = subprocess.run(
            [*command, *self.options, *options],
            cwd=self.folder,
            env=environment | {"COLUMNS": "400"},
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS_MAX,
        )
        return done.returncode, done.stdout + done.stderr

    def failed(self, *options: str) -> dict[str, str]:
        """The tests that fail in a run, each with the reason that pytest's summary gives."""
        code, said = self.run(*options)
        lines = re.findall(r"^(?:FAILED|ERROR) (\S+?\.py\S*.*?)(?: - (.*))?$", said, re.MULTILINE)
        found = dict(lines)
        replays = self.name == "runreel" and not set(self.record) <= set(options)
        if bool(code) != bool(found) or (replays and code == 0 and ALL_PLAYED not in said):
            raise SystemExit(said)  # it is not as it is counted
        return found

    def recordings(self) -> list[Path]:
        """Its cassettes."""
        return sorted(path for path in self.folder.rglob("cassettes/**/*") if path.is_file())


@contextmanager
def live_simulator() -> Iterator[str]:
    """The URL of a simulator that listens on a port, in a process of its own."""
    command = [sys.executable, "-m", "runreel", "simulate", "--port", "0", "--quiet"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().rpartition(" at ")[2].strip()
        finally:
            process.terminate()


def pytest_recording(folder: Path) -> Path:
    """A folder with that package; what it stands on is what the tests of this project use."""
    command = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target")
    subprocess.run([*command, str(folder), RECORDING], check=True)
    return folder


def _copied(place: Path, name: str, replaced: dict[str, str], *, helped: bool) -> tuple[Path, int]:
    """The suite with another tool's words, and how many lines are for the tool."""
    folder = place / name.replace(" ", "-")
    shutil.copytree(SUITE, folder, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    needs = len(_HELPING.splitlines()) if helped else 0
    for file in sorted(folder.glob("*.py")):
        neutral = text = file.read_text(encoding="utf-8")
        for old in sorted(replaced, key=len, reverse=True):
            text = text.replace(old, replaced[old])
        if file.name == "conftest.py" and helped:
            text += _IN_CONFTEST
        file.write_text(text, encoding="utf-8")
        without = [line for line in neutral.splitlines() if "runreel" not in line]
        needs += sum(line.startswith("+ ") for line in ndiff(without, text.splitlines()))
    (folder / "choosing.py").write_text(CHOOSING, encoding="utf-8")
    if helped:
        (folder / "helping.py").write_text(_HELPING, encoding="utf-8")
    return folder, needs


def _copies(place: Path, url: str) -> list[Copy]:
    path = (str(pytest_recording(place / "packages")),)
    vcr = ("-p", "no:runreel")
    once = ("--runreel-mode=once", f"--runreel-upstream={url}")
    made = [Copy("runreel", place, PLUGIN, once, (), url)]
    for name, mode in ((RECORDING, "new_episodes"), (f"{RECORDING}, mended", "once")):
        made.append(Copy(name, place, vcr, (f"--record-mode={mode}",), path, url))
    for copy, replaced in zip(made, ({}, _PLAIN, _MENDED), strict=True):
        helped = replaced is _MENDED
        copy.folder, copy.needs = _copied(place, copy.name, replaced, helped=helped)
    return made


def _recorded(copies: list[Copy]) -> None:
    for copy in copies:
        began = time.monotonic()
        for test, why in copy.failed(*STILL, *copy.record).items():
            copy.broken[test] = f"while it was recorded: {why}"
        copy.took.append(time.monotonic() - began)


def _table(copies: list[Copy], rows: dict[str, list[str]]) -> None:
    print(f"\n| | {' | '.join(copy.name for copy in copies)} |")
    print(f"|---|{'---|' * len(copies)}")
    for name, cells in rows.items():
        print(f"| {name} | {' | '.join(cells)} |")


def _sizes(copies: list[Copy], rounds: int) -> dict[str, list[str]]:
    for _ in range(rounds):
        for copy in copies:
            began = time.monotonic()
            copy.run(*STILL)
            copy.took.append(time.monotonic() - began)
    files = [copy.recordings() for copy in copies]
    held = [[file.read_bytes() for file in each] for each in files]
    return {
        f"lines for the tool, in a suite of {_lines()} lines": [str(copy.needs) for copy in copies],
        "files of recordings": [str(len(each)) for each in files],
        "bytes of recordings": [f"{sum(map(len, each)):,}" for each in held],
        "of these files hold the API key": [
            str(sum(KEY.encode() in data for data in each)) for each in held
        ],
        "seconds to record": [f"{copy.took[0]:.1f}" for copy in copies],
        f"seconds to replay, median of {rounds}": [
            f"{statistics.median(copy.took[1:]):.1f}" for copy in copies
        ],
    }


def _lines() -> int:
    return sum(len(file.read_text(encoding="utf-8").splitlines()) for file in SUITE.glob("*.py"))


def _replayed(copies: list[Copy]) -> dict[str, list[str]]:
    """How many tests fail in an order, at most; which, and how, is noted."""
    rows: dict[str, list[str]] = {}
    for order, runs in ORDERS.items():
        rows[order] = []
        for copy in copies:
            failed = [copy.failed(*options) for options in runs]
            alone = any("--only" in options for options in runs)
            number = sum(map(len, failed)) if alone else max(map(len, failed))
            rows[order].append(str(number))
            for each in failed:
                copy.broken = each | copy.broken
    return rows


def _changed(copies: list[Copy]) -> dict[str, list[str]]:
    """What a replay of a test says after each change to it."""
    rows: dict[str, list[str]] = {}
    for change in CHANGES:
        rows[change.what] = []
        for copy in copies:
            file = copy.folder / change.file
            before = file.read_text(encoding="utf-8")
            if before.count(change.old) < 1:
                raise SystemExit(f"{file} does not hold {change.old!r}")
            at = before.index(change.old, before.index(f"def {change.test.split('::')[1]}"))
            file.write_text(
                before[:at] + change.new + before[at + len(change.old) :], encoding="utf-8"
            )
            code, said = copy.run(*STILL, change.test)
            file.write_text(before, encoding="utf-8")
            shown = re.search(rf"^.*\b{change.shows}\b.*$", said, re.MULTILINE) is not None
            rows[change.what].append("passes" if code == 0 else f"fails{'' if shown else ' (?)'}")
    return rows


def main(rounds: int) -> None:
    """Record, replay, change; print."""
    with tempfile.TemporaryDirectory() as made:
        with live_simulator() as url:
            copies = _copies(Path(made), url)
            _recorded(copies)
        names = ("openai", "pytest", "vcrpy")
        used = ", ".join(f"{name} {version(name)}" for name in names)
        print(f"{datetime.now(UTC):%Y-%m-%d}, {used}, load {os.getloadavg()[0]:.1f}")
        _table(copies, _sizes(copies, rounds))
        print(f"\nTests that fail offline, of {TESTS}:")
        _table(copies, _replayed(copies))
        print("\nAfter a test was changed, its replay:")
        _table(copies, _changed(copies))
        for copy in copies:
            print(f"\n{copy.name}: {len(copy.broken)} tests failed once or more")
            for test, why in sorted(copy.broken.items()):
                print(f"- `{test}`: {why[:160]}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
