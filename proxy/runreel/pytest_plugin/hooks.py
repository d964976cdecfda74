"""The pytest plugin as pytest finds it: options, the fixture `runreel`, and who wants either.

It is loaded wherever runreel is installed, so it imports nothing that takes time. The hooks of a
run whose tests use it are in `run`, which is registered as soon as an option is given, a conftest
or a test module names runreel, or a test turns out to use it.
"""

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from runreel.pytest_plugin.proxy import Recording

_NAME = b"runreel"  # a test module in which this stands wants the URL before it is imported
_RUN = "runreel-run"
_OPTIONS = ("mode", "upstream", "cassettes", "prune", "block_sockets", "orphans", "summary")
_MARK = (
    "runreel(cassette=NAME, mode=MODE, allow_unplayed=BOOL, barriers=BOOL, match=RULES): the "
    "test's calls of the API are played from a cassette, or recorded into it"
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
        "--runreel-orphans",
        choices=("report", "fail", "delete"),
        help="what to do with recordings that no test has any more, at the end of a run of all "
        "tests [report]",
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
    _lead_if_asked(config)
    if config.getoption("dist", "no") != "no":  # its workers will see the tests, and we hear of it
        _run(config)


def pytest_plugin_registered(plugin: object, manager: pytest.PytestPluginManager) -> None:
    """A conftest that names runreel has been imported."""
    path = Path(str(getattr(plugin, "__file__", None) or ""))
    config = manager.getplugin("pytestconfig")
    if path.name == "conftest.py" and isinstance(config, pytest.Config) and _names_us(path):
        _run(config).lead(config)


@pytest.hookimpl(tryfirst=True)
def pytest_collectstart(collector: pytest.Collector) -> None:
    """A test module that names runreel is about to be imported; others beside it need not be."""
    if isinstance(collector, pytest.Module) and _names_us(collector.path):
        run = _run(collector.config)
        run.lead(collector.config)
        run.prepare(collector.config)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """What uses it by a marker of another plugin is known now."""
    if not config.pluginmanager.has_plugin(_RUN) and any(map(_is_marked, items)):
        _run(config).pytest_collection_modifyitems(session, config, items)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """And so is what a conftest marked that does not name it in one word."""
    config = session.config
    if not config.pluginmanager.has_plugin(_RUN) and any(map(_is_marked, session.items)):
        _run(config).pytest_collection_finish(session)


@pytest.fixture
def runreel(request: pytest.FixtureRequest) -> "Recording":
    """Plays or records the test's calls of the API: `base_url`, `cassette`, `receipt()`."""
    recording: Recording = _run(request.config).begun(request.node).call
    return recording


def _run(config: pytest.Config) -> ModuleType:
    """The hooks of a run whose tests use runreel."""
    from runreel.pytest_plugin import run

    if not config.pluginmanager.has_plugin(_RUN):
        config.pluginmanager.register(run, _RUN)
    return run


def _lead_if_asked(config: pytest.Config) -> None:
    # The first has them when all is parsed, the second while the first conftests are loaded.
    for space in (config.option, config.known_args_namespace):
        if any(getattr(space, f"runreel_{name}", None) for name in _OPTIONS):
            _run(config).lead(config)
            return


def _names_us(file: Path) -> bool:
    try:
        return _NAME in file.read_bytes()
    except OSError:
        return False


def _is_marked(item: pytest.Item) -> bool:
    return item.get_closest_marker("runreel") is not None
