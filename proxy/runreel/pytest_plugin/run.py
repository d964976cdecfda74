"""The hooks of a run whose tests use runreel: a session for each of them, behind one URL.

What a test plays is `proxy`, what is made of its receipt `report`. It is imported where a test uses
runreel only, and what takes time is in the process of the proxy all the same.
"""

import os
import sys
import tempfile
import unittest
from collections.abc import Generator, Sequence
from contextlib import suppress
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest

from runreel.errors import RunreelError, StartRefused
from runreel.pytest_plugin.collected import Collected, orphans, remove_orphan
from runreel.pytest_plugin.names import cassette_name, equal_but_for_case, fixture_name
from runreel.pytest_plugin.proxy import (
    Case,
    FixtureRun,
    PluginOptions,
    Recording,
    TestProxy,
    TestRun,
)
from runreel.pytest_plugin.report import (
    Summary,
    Totals,
    crash_line,
    misses,
    orphan_lines,
    played_by_none,
    properties,
    recorded_by_all,
    remedies,
)

_REFUSED = "runreel_refused"  # what a worker process tells of a run that it will not begin
_STAGE = pytest.StashKey[TestProxy]()
_ATTEMPT = pytest.StashKey[TestRun]()
_TOTALS = pytest.StashKey[Totals]()  # over all processes
_COLLECTED = pytest.StashKey[Collected]()  # likewise
_SHARED = pytest.StashKey["tempfile.TemporaryDirectory[str]"]()
_USED = pytest.StashKey[set[str]]()  # names of the fixtures of tests that use runreel
_APART = pytest.StashKey[bool]()  # whether a node has a sibling whose name differs in case only
_CRASHED = pytest.StashKey[list[str]]()  # worker processes
_TOLD = pytest.StashKey[list[str]]()  # what is wrong with the run as a whole
_DONE = pytest.StashKey[dict[str, str | int]]()  # what a test did, once it has ended
_MARKS = ("cassette", "mode", "allow_unplayed", "barriers", "match")


def lead(config: pytest.Config) -> None:
    """Clients that are made from now on find us."""
    _stage(config).set_base_url()


def prepare(config: pytest.Config) -> None:
    """A test is likely to need a proxy soon."""
    option = config.option
    if not (option.collectonly or option.keyword or option.markexpr):
        _stage(config).prepare()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """A worker process knows that it is one."""
    if (file := _option(config, "summary")) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_SummaryWriter(config.invocation_params.dir / file))
    if _STAGE in config.stash:
        _share(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """A worker process of pytest-xdist is about to begin: all of them share a folder."""
    stash = node.config.stash
    if _SHARED not in stash:
        stash[_SHARED] = tempfile.TemporaryDirectory(prefix="runreel-")
    node.workerinput["runreel"] = stash[_SHARED].name


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Names that differ in case only are known where they stand side by side."""
    nodes = [node for node in report.result or () if isinstance(node, pytest.Class | pytest.Item)]
    apart = equal_but_for_case({node.name for node in nodes})
    for node in nodes:
        node.stash[_APART] = node.name in apart


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Before any test is left out, all that there are are known."""
    using = [item for item in items if _uses(item)]
    config.stash[_USED] = {name for item in using for name in _fixtures_of(item)}
    if using and not config.getoption("collectonly"):
        config.stash[_COLLECTED] = _collected(session, items, using)


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Not all tests are run."""
    for item in items[:1]:
        if (found := item.config.stash.get(_COLLECTED, None)) is not None:
            found.whole = False


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """What no test can be run with stops the run before the first one."""
    config = session.config
    if config.option.collectonly or session.testsfailed:  # nothing will be run
        return
    try:
        if cases := [_case(item) for item in session.items if _uses(item)]:
            _stage(config).check(cases)
    except RunreelError as error:
        refused = f"runreel: {error}"
    else:
        return
    if (output := getattr(config, "workeroutput", None)) is None:
        raise pytest.UsageError(refused)
    output[_REFUSED] = refused  # who started this worker process says it, once for all of them
    pytest.exit(refused, returncode=pytest.ExitCode.USAGE_ERROR)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """What a fixture of more than one test calls belongs to it, also when it is torn down."""
    stage = request.config.stash.get(_STAGE, None)
    if stage is None or fixturedef.scope == "function" or not _is_wanted(fixturedef, request):
        if stage is not None and fixturedef.scope == "function":
            _settle(stage)
        return (yield)
    try:
        case, label = _fixture_case(stage, fixturedef, request)
        fixture = stage.set_up(case, fixturedef.argname, label, _uses_of(fixturedef, request))
    except RunreelError as error:
        refused = str(error)
    else:
        fixturedef.addfinalizer(partial(_cleaned_up, stage, fixture))  # the last one that runs
        try:
            return (yield from _set_up(stage, fixture, fixturedef))
        finally:
            fixturedef.addfinalizer(partial(_clean_up, stage, fixture))  # and the first
    return _spoil(fixturedef, request, refused)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture is set up, requests belong to this test."""
    if _ATTEMPT in item.stash:  # of an earlier go at this test
        del item.stash[_ATTEMPT]
    if _uses(item):
        begun(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A test that is content fails all the same if its receipt says otherwise."""
    attempt = item.stash.get(_ATTEMPT, None)
    if attempt is not None:
        _settle(_stage(item.config))
    result = yield
    if attempt is not None or (attempt := item.stash.get(_ATTEMPT, None)) is not None:
        stage = _stage(item.config)
        if found := stage.findings(attempt):
            _fail_on(found + stage.strangers(), item, attempt.call)
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note how it went; a failure of the test's own has the misses beside it."""
    report = yield
    if report.when == "teardown" and _DONE in item.stash:
        vars(report)["runreel"] = item.stash[_DONE]  # which passes from worker processes too
    if call.excinfo is not None:  # where a wide fixture has said what went wrong
        notes = getattr(call.excinfo.value, "__notes__", ())
        vars(report)["runreel_notes"] = [note for note in notes if note.startswith("runreel: ")]
    attempt = item.stash.get(_ATTEMPT, None)
    if attempt is None or report.passed:
        return report
    reel = attempt.teardown if report.when == "teardown" else attempt.call
    missed = _missed(reel)
    if report.skipped and not missed:  # or failed as it was expected to
        attempt.skipped = True
        return report
    attempt.failed = True
    if reel is None or (
        report.failed and missed and f"runreel: {missed[0]}" in report.longreprtext
    ):
        return report  # it failed for that, and says so
    # What skips where the API is away must not hide a miss, nor what is expected to fail.
    if report.skipped and missed:
        vars(report).pop("wasxfail", None)
        report.outcome = "failed"
        report.longrepr = f"runreel: {_text(missed, item, reel)}"
    elif report.failed and missed:
        report.sections.append(("runreel", _text(missed, item, reel)))
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Fixtures that clean up make their calls in a session of their own."""
    attempt = item.stash.get(_ATTEMPT, None)
    if attempt is None:
        return (yield)
    stage = _stage(item.config)
    stage.tear_down(attempt)
    try:
        result = yield
    except BaseException:
        attempt.failed = True
        _ended(item, stage, attempt)
        raise
    _fail_on(_ended(item, stage, attempt), item, attempt.current)
    return result


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop, and hand what was counted to who prints it."""
    config = session.config
    stage, collected = config.stash.get(_STAGE, None), config.stash.get(_COLLECTED, None)
    if stage is not None:
        _totals(config).take_in(stage.totals.document())
    if stage is not None and collected is not None:
        collected.files |= set(map(str, stage.files))
    if collected is not None:
        collected.whole &= not (session.shouldstop or session.shouldfail)
    output = getattr(config, "workeroutput", None)
    try:
        if output is None:
            _judge(session)
        elif stage is not None:
            there = collected and collected.document()
            output["runreel"] = {"totals": _totals(config).document(), "collected": there}
    finally:
        if (stage := config.stash.get(_STAGE, None)) is not None:
            stage.close()  # a worker process may be ended at any time after this hook


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """A worker process of pytest-xdist has ended."""
    if error is not None:
        node.config.stash.setdefault(_CRASHED, []).append(str(node.gateway.id))
    if (refused := getattr(node, "workeroutput", {}).get(_REFUSED)) is not None:
        raise pytest.UsageError(refused)
    told = getattr(node, "workeroutput", {}).get("runreel")
    stash = node.config.stash
    if told is None:  # it crashed, or no test of it used runreel
        return
    _totals(node.config).take_in(told["totals"])
    if told["collected"] is not None:
        mine = Collected.of(told["collected"])
        stash[_COLLECTED] = mine.together(stash.get(_COLLECTED, mine))


# In quotes: pytest 8.3 has no public name for that class.
def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter") -> None:
    """Say what all tests together did."""
    for line in _run_lines(terminalreporter.config):
        warns, fails = "WARNING" in line, "ERROR" in line
        terminalreporter.write_line(line, yellow=warns, red=fails, bold=warns or fails)


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
            texts += getattr(report, "runreel_notes", ())
            if texts:
                self._summary.texts.setdefault(report.nodeid, []).extend(texts)

    def pytest_terminal_summary(self, terminalreporter: "pytest.TerminalReporter") -> None:
        text = self._summary.markdown(_run_lines(terminalreporter.config))
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
    if (shared := config.stash.get(_SHARED, None)) is not None:
        shared.cleanup()


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
        _share(config)
    return config.stash[_STAGE]


def _share(config: pytest.Config) -> None:
    """A worker process knows that it is one from `pytest_configure` on."""
    if (folder := getattr(config, "workerinput", {}).get("runreel")) is not None:
        _stage(config).share(Path(folder))


def _option(config: pytest.Config, name: str) -> Any:
    # The first has them when all is parsed, the second while the first conftests are loaded.
    spaces = (config.option, config.known_args_namespace)
    return next(
        (found for space in spaces if (found := getattr(space, f"runreel_{name}", None))), None
    )


def _totals(config: pytest.Config) -> Totals:
    return config.stash.setdefault(_TOTALS, Totals())


def _run_lines(config: pytest.Config) -> list[str]:
    """What all tests together did, and what only they can tell."""
    return [*_totals(config).lines(), *config.stash.get(_TOLD, [])]


def begun(item: pytest.Item) -> TestRun:
    """A test is on the proxy, from now on at the latest."""
    if (attempt := item.stash.get(_ATTEMPT, None)) is not None:
        return attempt
    try:
        item.stash[_ATTEMPT] = _stage(item.config).begin(_case(item), _fixtures_of(item))
    except RunreelError as error:  # as a rule known before the first test; not of a late fixture
        refused = str(error)
    else:
        return item.stash[_ATTEMPT]
    pytest.fail(f"runreel: {refused}", pytrace=False)


def _uses(item: pytest.Item) -> bool:
    return bool(item.get_closest_marker("runreel")) or "runreel" in _fixtures_of(item)


def _fixtures_of(item: pytest.Item) -> list[str]:
    return list(getattr(item, "fixturenames", ()))


def _settle(stage: TestProxy) -> None:
    try:
        stage.settle()
    except RunreelError as error:
        refused = str(error)
    else:
        return
    pytest.fail(f"runreel: {refused}", pytrace=False)


def _case(item: pytest.Item) -> Case:
    to_run = _to_run(item)
    return Case(item.nodeid, item.path.parent, _unnamed(item), to_run=to_run, **_marks(item))


def _to_run(node: pytest.Item | pytest.Collector) -> str:
    """The id of a node as seen from the folder in which pytest was started."""
    file, *rest = node.nodeid.split("::")
    to_run = Path(os.path.relpath(node.config.rootpath / file, node.config.invocation_params.dir))
    return "::".join((to_run.as_posix(), *rest))


def _unnamed(item: pytest.Item) -> str:
    """The cassette of a test that names none."""
    nodes = [node for node in item.listchain() if isinstance(node, pytest.Class | pytest.Item)]
    apart = any(node.stash.get(_APART, False) for node in nodes)
    return cassette_name(item.path.stem, [node.name for node in nodes], apart=apart)


def _marks(node: pytest.Item | pytest.Collector) -> dict[str, Any]:
    marks: dict[str, Any] = {}
    for mark in node.iter_markers("runreel"):  # the closest first
        unknown = [repr(value) for value in mark.args] + sorted(mark.kwargs.keys() - set(_MARKS))
        if unknown:
            raise StartRefused(
                f"{node.nodeid}: the marker takes {', '.join(f'{name}=…' for name in _MARKS)} "
                f"only, not {', '.join(unknown)}"
            )
        marks = dict(mark.kwargs) | marks
    return marks


def _missed(reel: Recording | None) -> list[str]:
    try:
        return misses(reel.receipt()) if reel is not None else []
    except RunreelError as error:  # nobody knows what it missed
        return [str(error)]


def _fail_on(found: list[str], item: pytest.Item, reel: Recording) -> None:
    if found:
        pytest.fail(f"runreel: {_text(found, item, reel)}", pytrace=False)


def _text(found: list[str], item: pytest.Item, reel: Recording) -> str:
    return _told(found, _stage(item.config), reel, item.stash[_ATTEMPT].call)


def _told(found: list[str], stage: TestProxy, reel: Recording, of: Recording) -> str:
    """Findings of a session, whether the cassette that it is `of` is missing, and remedies."""
    lines = list(found)
    if not stage.holds(of):
        lines.append(f"There is no cassette {of.file}.")
    with suppress(RunreelError):  # what nobody knows has no remedy
        lines += remedies(reel.receipt())
    return "\n".join(lines)


def _ended(item: pytest.Item, stage: TestProxy, attempt: TestRun) -> list[str]:
    found = stage.end(attempt)
    if receipts := attempt.receipts():
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


# ---------------------------------------------------------------- fixtures of more than one test


def _is_wanted(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> bool:
    """Whether a test that uses runreel uses a fixture too."""
    item = getattr(request, "_pyfuncitem", None)
    if isinstance(item, pytest.Item) and _uses(item):
        return True
    return fixturedef.argname in request.config.stash.get(_USED, ())


def _uses_of(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> set[str]:
    """The fixtures that one is set up after: those that it asks for, and those that are for all."""
    manager = getattr(request.session, "_fixturemanager", None)
    for_all = getattr(manager, "_getautousenames", lambda _: ())(request.node)
    return {*fixturedef.argnames, *for_all} - {fixturedef.argname}


def _fixture_case(
    stage: TestProxy, fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> tuple[Case, str]:
    """Where the calls of a fixture belong, and what tells it from itself with other parameters."""
    node = request.node
    label = stage.label(fixturedef.argname, _parameter(fixturedef, request), fixturedef.argnames)
    named = fixture_name(fixturedef.argname) + label
    if isinstance(node, pytest.Class | pytest.Module):
        folder, module = node.path.parent, node.path.stem
        classes = [each.name for each in node.listchain() if isinstance(each, pytest.Class)]
    else:
        folder, module = _defined_in(fixturedef, request.config.rootpath)
        classes = []
    classes = classes or fixturedef.baseid.split("::")[1:]
    marks = {name: value for name, value in _marks(node).items() if name != "cassette"}
    where = node.nodeid or folder.name
    name = cassette_name(module, [*classes, named])
    case = Case(f"{where}::{named}", folder, name, to_run=_to_run(node), **marks)
    return case, label


def _defined_in(fixturedef: pytest.FixtureDef[Any], root: Path) -> tuple[Path, str]:
    """The folder and the module of a fixture; the project's folder, if it is none of its own."""
    name = getattr(fixturedef.func, "__module__", None) or "fixtures"
    file = Path(str(getattr(sys.modules.get(name), "__file__", None) or ""))
    own = file.is_absolute() and root in file.parents and "site-packages" not in file.parts
    return (file.parent, file.stem) if own else (root, name.rpartition(".")[2])


def _parameter(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> str:
    """The parameter that a fixture has, as pytest would write it."""
    if not hasattr(request, "param"):
        return ""
    at = getattr(request, "param_index", 0)
    ids = fixturedef.ids if isinstance(fixturedef.ids, Sequence) else ()
    if at < len(ids) and ids[at] is not None:
        return f"[{ids[at]}]"
    plain = isinstance(request.param, str | int | float | bool | None)
    return f"[{request.param if plain else f'{fixturedef.argname}{at}'}]"


_CUT_SHORT = (pytest.skip.Exception, pytest.xfail.Exception, unittest.SkipTest)


def _set_up(
    stage: TestProxy, fixture: FixtureRun, fixturedef: pytest.FixtureDef[Any]
) -> Generator[None, object, object]:
    try:
        result = yield
    except BaseException as error:
        skipped = isinstance(error, _CUT_SHORT)
        found = stage.is_set_up(fixture, failed=not skipped, skipped=skipped)
        if skipped and found:  # what skips where the API is away must not hide a miss
            _fail_set_up(stage, fixture, fixturedef, found)
        if found:
            error.add_note(f"runreel: {_about(stage, fixture, found)}")
        raise
    if found := stage.is_set_up(fixture, failed=False, skipped=False):
        _fail_set_up(stage, fixture, fixturedef, found)
    return result


def _fail_set_up(
    stage: TestProxy,
    fixture: FixtureRun,
    fixturedef: pytest.FixtureDef[Any],
    found: list[str],
) -> None:
    """Fail, for this test and for all others that use the fixture."""
    try:
        pytest.fail(f"runreel: {_about(stage, fixture, found)}", pytrace=False)
    except pytest.fail.Exception as failed:
        _, key, *_ = fixturedef.cached_result or (None, None)
        fixturedef.cached_result = (None, key, (failed, failed.__traceback__))
        raise


def _spoil(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest, refused: str
) -> NoReturn:
    """Fail a fixture that was not even begun."""
    try:
        pytest.fail(f"runreel: fixture {fixturedef.argname}: {refused}", pytrace=False)
    except pytest.fail.Exception as failed:
        told = (failed, failed.__traceback__)
        fixturedef.cached_result = (None, fixturedef.cache_key(request), told)  # type: ignore[arg-type] # as pytest does, whatever SubRequest is called
        raise


def _clean_up(stage: TestProxy, fixture: FixtureRun) -> None:
    if not stage.closed:
        stage.clean_up(fixture)


def _cleaned_up(stage: TestProxy, fixture: FixtureRun) -> None:
    if stage.closed:
        return
    if found := stage.is_cleaned_up(fixture):
        pytest.fail(f"runreel: {_about(stage, fixture, found)}", pytrace=False)


def _about(stage: TestProxy, fixture: FixtureRun, found: list[str]) -> str:
    name = f"fixture {fixture_name(fixture.argname)}:"
    return "\n".join((name, _told(found, stage, fixture.reel, fixture.reel)))


# ---------------------------------------------------------------- the run as a whole


def _collected(
    session: pytest.Session, items: list[pytest.Item], using: list[pytest.Item]
) -> Collected:
    """All that was collected; `whole` if nothing was left out before anybody could see it."""
    config = session.config
    left_out = any(config.getoption(name, None) for name in ("lf", "stepwise", "stepwise_skip"))
    cut = any("::" in str(arg) for arg in config.args)
    found = Collected(
        root=str(config.rootpath),
        whole=not (left_out or cut or session.testsfailed),
        full=all((config.invocation_params.dir / arg) == config.rootpath for arg in config.args)
        or config.args_source is pytest.Config.ArgsSource.TESTPATHS,
        fixtures={fixture_name(name) for item in items for name in _fixtures_of(item)},
    )
    stage = _stage(config)
    for item in items:
        found.add(item.nodeid, item.path, _unnamed(item))
    for item in using:
        if item.get_closest_marker("runreel"):
            _name_shared(stage, found, item)
    return found


def _name_shared(stage: TestProxy, found: Collected, item: pytest.Item) -> None:
    names = [
        mark.kwargs["cassette"]
        for mark in item.iter_markers("runreel")
        if "cassette" in mark.kwargs
    ]
    if not names:
        return
    try:
        folder, name = stage.place(Case(item.nodeid, item.path.parent, "", names[0]))
    except RunreelError:
        return  # the test will say so
    found.share(folder, name, item.nodeid)


def _judge(session: pytest.Session) -> None:
    """What only all tests together can tell; it makes a run that went well fail."""
    config = session.config
    found = config.stash.get(_COLLECTED, None)
    told = config.stash.setdefault(_TOLD, [])
    crashed = config.stash.get(_CRASHED, [])
    if found is not None and crashed:
        told.append(crash_line(crashed))
    if found is None or session.exitstatus not in (0, 1) or not found.whole or crashed:
        return
    try:
        fails = _judge_shared(config, found, told) | _judge_orphans(config, found, told)
    except RunreelError as error:
        told.append(f"runreel: ERROR: the run as a whole could not be judged: {error}")
        fails = True
    if session.exitstatus == 0 and fails:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _judge_shared(config: pytest.Config, found: Collected, told: list[str]) -> bool:
    """Whether cassettes that several tests name hold what none of them played."""
    if not found.full:
        return False
    shares = _totals(config).shares
    wrong = played_by_none(shares, found.shared)
    told += [f"runreel: ERROR: {line}" for line in wrong]
    if _option(config, "prune") and not wrong:
        for file, tests in recorded_by_all(shares, found.shared).items():
            _stage(config).drop_scopes(Path(file), tests, others=True)
    return bool(wrong)


def _judge_orphans(config: pytest.Config, found: Collected, told: list[str]) -> bool:
    """Whether there are recordings of tests that are gone, and there must be none."""
    does = _option(config, "orphans") or "report"
    patterns = config.getini("python_files")
    gone = orphans(
        found,
        lambda name: any(fnmatch(f"{name}.py", each) for each in patterns),
        lambda file: _stage(config).scopes(file),
    )
    told += orphan_lines([each.told(config.rootpath) for each in gone], does)
    if does == "delete":
        for each in gone:
            remove_orphan(each, _stage(config))
    return bool(gone) and does == "fail"
