"""The pytest plugin: a session of its own behind one URL for each test that asks for it.

Here are pytest's hooks; what a test plays is `proxy`, what is made of its receipt `report`. It is
loaded wherever runreel is installed, so it imports nothing that takes time.
"""

import os
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from runreel.errors import RunreelError, StartRefused
from runreel.pytest_plugin.proxy import (
    Case,
    PluginOptions,
    Recording,
    TestProxy,
    TestRun,
    cassette_name,
)
from runreel.pytest_plugin.report import Summary, Totals, misses, properties, remedies

_REFUSED = "runreel_refused"  # what a worker process tells of a run that it will not begin
_NAME = b"runreel"  # a test module in which this stands wants the URL before it is imported
_STAGE = pytest.StashKey[TestProxy]()
_ATTEMPT = pytest.StashKey[TestRun]()
_TOTALS = pytest.StashKey[Totals]()  # over all processes
_DONE = pytest.StashKey[dict[str, str | int]]()  # what a test did, once it has ended
_OPTIONS = ("mode", "upstream", "cassettes", "prune", "block_sockets", "summary")
_MARKS = ("cassette", "mode", "allow_unplayed", "barriers")
_MARK = (
    "runreel(cassette=NAME, mode=MODE, allow_unplayed=BOOL, barriers=BOOL): the test's calls of "
    "the API are played from a cassette, or recorded into it"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("runreel", "recorded calls of an Assistants API (runreel)")
    group.addoption(
        "--runreel-mode",
        metavar="MODE",
        help="replay, record, once, new_episodes, passthrough or verify, for tests whose marker "
        "names none [that of the configuration, else replay]",
    )
    group.addoption(
        "--runreel-upstream",
        metavar="URL",
        help="the API to record from, without /v1; without one nothing is ever live",
    )
    group.addoption(
        "--runreel-cassettes",
        metavar="DIR",
        help="folder of named cassettes [that of the configuration, else cassettes/ beside the "
        "test file]",
    )
    group.addoption(
        "--runreel-prune",
        action="store_true",
        help="with --runreel-mode=record: drop recordings that their test did not make again",
    )
    group.addoption(
        "--runreel-block-sockets",
        action="store_true",
        help="let sockets reach loopback (and the upstream) only, in all tests of the run",
    )
    group.addoption(
        "--runreel-summary",
        metavar="FILE",
        help="write what the run replayed, recorded and missed there, in Markdown for the page of "
        "a CI job",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """With an option given, clients of any conftest find us."""
    _lead_if_asked(early_config)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """The same, where no conftest was loaded before."""
    config.addinivalue_line("markers", _MARK)
    if (file := _option(config, "summary")) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_SummaryWriter(config.invocation_params.dir / file))
    _lead_if_asked(config)


def pytest_plugin_registered(plugin: object, manager: pytest.PytestPluginManager) -> None:
    """A conftest that names runreel has been imported."""
    path = Path(str(getattr(plugin, "__file__", None) or ""))
    config = manager.getplugin("pytestconfig")
    if path.name == "conftest.py" and isinstance(config, pytest.Config) and _names_us(path):
        _stage(config).set_base_url()


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> None:
    """A test module that names runreel is about to be imported."""
    if _names_us(module_path):
        _stage(parent.config).set_base_url()


@pytest.fixture
def runreel(request: pytest.FixtureRequest) -> Recording:
    """Plays or records the test's calls of the API: `base_url`, `cassette`, `receipt()`."""
    return _begun(request.node).call


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """What no test can be run with stops the run before the first one."""
    config = session.config
    if config.option.collectonly or session.testsfailed:  # nothing will be run
        return
    try:
        if cases := [_case(item) for item in session.items if _uses_us(item)]:
            _stage(config).check(cases)
    except RunreelError as error:
        refused = f"runreel: {error}"
    else:
        return
    if (output := getattr(config, "workeroutput", None)) is None:
        raise pytest.UsageError(refused)
    output[_REFUSED] = refused  # who started this worker process says it, once for all of them
    pytest.exit(refused, returncode=pytest.ExitCode.USAGE_ERROR)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture is set up, requests belong to this test."""
    if _ATTEMPT in item.stash:  # of an earlier go at this test
        del item.stash[_ATTEMPT]
    if _uses_us(item):
        _begun(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A test that is content fails all the same if its receipt says otherwise."""
    result = yield
    if (attempt := item.stash.get(_ATTEMPT, None)) is not None:
        _fail_on(_findings(item, attempt), item, attempt, attempt.call)
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note how it went; a failure of the test's own has the misses beside it."""
    report = yield
    if report.when == "teardown" and _DONE in item.stash:
        vars(report)["runreel"] = item.stash[_DONE]  # which passes from worker processes too
    attempt = item.stash.get(_ATTEMPT, None)
    if attempt is None or report.passed:
        return report
    reel = attempt.teardown if report.when == "teardown" else attempt.call
    missed = _missed(reel)
    if hasattr(report, "wasxfail") and not missed:
        return report  # as it was expected to
    attempt.failed = True
    if report.failed and missed and f"runreel: {missed[0]}" in report.longreprtext:
        return report  # it failed for that, and says so
    # What skips where the API is away must not hide a miss, nor what is expected to fail.
    if report.skipped and missed:
        vars(report).pop("wasxfail", None)
        report.outcome = "failed"
        report.longrepr = f"runreel: {_text(missed, item, attempt, reel)}"
    elif report.failed and missed:
        report.sections.append(("runreel", _text(missed, item, attempt, reel)))
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Fixtures that clean up make their calls in a session of their own."""
    attempt = item.stash.get(_ATTEMPT, None)
    if attempt is None:
        return (yield)
    stage = _stage(item.config)
    with suppress(RunreelError):  # fixtures clean up all the same; `end` will say what is wrong
        stage.tear_down(attempt)
    try:
        result = yield
    except BaseException:
        attempt.failed = True
        _ended(item, stage, attempt)
        raise
    _fail_on(_ended(item, stage, attempt), item, attempt, attempt.teardown)
    return result


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop, and hand what was counted to who prints it."""
    stage = session.config.stash.get(_STAGE, None)
    if stage is None:
        return
    stage.close()  # a worker process may be ended at any time after this hook
    output = getattr(session.config, "workeroutput", None)
    if output is None:
        _totals(session.config).take_in(stage.totals.document())
    else:
        output["runreel"] = stage.totals.document()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker process of pytest-xdist has ended."""
    if (refused := getattr(node, "workeroutput", {}).get(_REFUSED)) is not None:
        raise pytest.UsageError(refused)
    if (counted := getattr(node, "workeroutput", {}).get("runreel")) is not None:
        _totals(node.config).take_in(counted)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what all tests together did."""
    for line in _totals(terminalreporter.config).lines():
        warns = "WARNING" in line
        terminalreporter.write_line(line, yellow=warns, bold=warns)


class _SummaryWriter:
    """Makes a summary of what the reports of all processes say of runreel, and writes it."""

    def __init__(self, path: Path) -> None:
        if path.is_dir() or not path.parent.is_dir():
            raise pytest.UsageError(
                f"--runreel-summary: {path} cannot be written; name a file in a folder that exists"
            )
        self._path = path
        self._summary = Summary()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if (done := getattr(report, "runreel", None)) is not None:
            self._summary.rows[report.nodeid] = done
        if report.failed:
            texts = [text for title, text in report.sections if title == "runreel"]
            texts += [report.longreprtext] if report.longreprtext.startswith("runreel: ") else []
            if texts:
                self._summary.texts.setdefault(report.nodeid, []).extend(texts)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        text = self._summary.markdown(_totals(terminalreporter.config).lines())
        try:
            self._path.write_text(text, encoding="utf-8")
        except OSError as error:
            terminalreporter.write_line(
                f"runreel: the summary was not written: {self._path}: {error.strerror}", red=True
            )


def pytest_unconfigure(config: pytest.Config) -> None:
    """Where no session came to its end, the environment is as it was all the same."""
    if (stage := config.stash.get(_STAGE, None)) is not None:
        stage.close()
        del config.stash[_STAGE]


def _stage(config: pytest.Config) -> TestProxy:
    if _STAGE not in config.stash:
        folder = _option(config, "cassettes")
        asked = PluginOptions(
            root=config.rootpath,
            mode=_option(config, "mode"),
            upstream=_option(config, "upstream"),
            cassettes=config.invocation_params.dir / folder if folder else None,
            block_sockets=bool(_option(config, "block_sockets")),
            prune=bool(_option(config, "prune")),
        )
        config.stash[_STAGE] = TestProxy(asked, os.environ)
    return config.stash[_STAGE]


def _option(config: pytest.Config, name: str) -> Any:
    # The first has them when all is parsed, the second while the first conftests are loaded.
    spaces = (config.option, config.known_args_namespace)
    return next(
        (found for space in spaces if (found := getattr(space, f"runreel_{name}", None))), None
    )


def _totals(config: pytest.Config) -> Totals:
    return config.stash.setdefault(_TOTALS, Totals())


def _lead_if_asked(config: pytest.Config) -> None:
    if any(_option(config, name) for name in _OPTIONS):
        _stage(config).set_base_url()


def _names_us(file: Path) -> bool:
    try:
        return _NAME in file.read_bytes()
    except OSError:
        return False


def _begun(item: pytest.Item) -> TestRun:
    if (attempt := item.stash.get(_ATTEMPT, None)) is not None:
        return attempt
    try:
        item.stash[_ATTEMPT] = _stage(item.config).begin(_case(item))
    except RunreelError as error:  # as a rule known before the first test; not of a late fixture
        refused = str(error)
    else:
        return item.stash[_ATTEMPT]
    pytest.fail(f"runreel: {refused}", pytrace=False)


def _case(item: pytest.Item) -> Case:
    marks: dict[str, Any] = {}
    for mark in item.iter_markers("runreel"):  # the closest first
        unknown = [repr(value) for value in mark.args] + sorted(mark.kwargs.keys() - set(_MARKS))
        if unknown:
            raise StartRefused(
                f"{item.nodeid}: the marker takes {', '.join(f'{name}=…' for name in _MARKS)} "
                f"only, not {', '.join(unknown)}"
            )
        marks = dict(mark.kwargs) | marks
    parts = [node.name for node in item.listchain() if isinstance(node, pytest.Class | pytest.Item)]
    file, *rest = item.nodeid.split("::")
    to_run = Path(os.path.relpath(item.config.rootpath / file, item.config.invocation_params.dir))
    return Case(
        item.nodeid,
        item.path.parent,
        cassette_name(item.path.stem, parts),
        to_run="::".join((to_run.as_posix(), *rest)),
        **marks,
    )


def _uses_us(item: pytest.Item) -> bool:
    marked = item.get_closest_marker("runreel") is not None
    return marked or "runreel" in getattr(item, "fixturenames", ())


def _findings(item: pytest.Item, attempt: TestRun) -> list[str]:
    try:
        return _stage(item.config).findings(attempt)
    except RunreelError as error:
        return [str(error)]


def _missed(reel: Recording) -> list[str]:
    try:
        return misses(reel.receipt())
    except RunreelError as error:  # nobody knows what it missed
        return [str(error)]


def _fail_on(found: list[str], item: pytest.Item, attempt: TestRun, reel: Recording) -> None:
    if found:
        pytest.fail(f"runreel: {_text(found, item, attempt, reel)}", pytrace=False)


def _text(found: list[str], item: pytest.Item, attempt: TestRun, reel: Recording) -> str:
    lines = list(found)
    if not _stage(item.config).holds(attempt):
        lines.append(f"There is no cassette {attempt.file}.")
    with suppress(RunreelError):  # what nobody knows has no remedy
        lines += remedies(reel.receipt())
    return "\n".join(lines)


def _ended(item: pytest.Item, stage: TestProxy, attempt: TestRun) -> list[str]:
    found = stage.end(attempt)
    receipts = [known for reel in (attempt.call, attempt.teardown) if (known := reel.last())]
    if receipts:
        file = os.path.relpath(attempt.file, item.config.rootpath).replace(os.sep, "/")
        done = properties(file, receipts)
        item.stash[_DONE] = done
        if _junit_has_properties(item.config):
            ours = {f"runreel.{name}": value for name, value in done.items()}
            others = [one for one in item.user_properties if one[0] not in ours]  # tried again
            item.user_properties[:] = [*others, *ours.items()]
    return found


def _junit_has_properties(config: pytest.Config) -> bool:
    """Whether they are allowed in JUnit's XML: not by the schema of xunit2, pytest's default."""
    plugin = config.pluginmanager.has_plugin("junitxml")
    return plugin and config.getini("junit_family") != "xunit2"
