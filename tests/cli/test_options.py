"""Every option reaches the configuration or the run that it is for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runreel.cli import main
from runreel.config.settings import Config, keys
from runreel.server import app
from runreel.server.listener import RunOptions

Started = Callable[..., tuple[Config, RunOptions]]


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Started:
    """Run the command up to where it would serve; with what it would have served."""
    monkeypatch.chdir(tmp_path)
    runs: list[tuple[Config, RunOptions]] = []

    async def run(config: Config, options: RunOptions, _: Callable[[str], None]) -> None:
        runs.append((config, options))

    monkeypatch.setattr(app, "run", run)

    def start(*arguments: str) -> tuple[Config, RunOptions]:
        main.main(list(arguments))
        (only,) = runs
        return only

    return start


def setting(config: Config, key: str) -> Any:
    value: Any = config
    for step in key.split("."):
        value = getattr(value, step)
    return value


@pytest.mark.parametrize(
    ("arguments", "key", "value"),
    [
        (["--cassettes", "tapes"], "cassettes", Path("tapes")),
        (["--cassette", "mine"], "cassette", "mine"),
        (["--upstream", "http://h"], "upstream", "http://h"),
        (["--upstream-name", "staging"], "upstream_name", "staging"),
        (["--host", "localhost"], "listen.host", "localhost"),
        (["--port", "1003"], "listen.port", 1003),
        (["--repeat", "last"], "replay.repeat", "last"),
        (["--log-format", "json"], "log.format", "json"),
        (["--quiet"], "log.quiet", True),
        (["--no-quiet"], "log.quiet", False),
        (["-v"], "log.verbose", True),
    ],
)
def test_an_option_changes_its_setting_and_no_other(
    started: Started, arguments: list[str], key: str, value: object
) -> None:
    config, _ = started("replay", *arguments)

    changed = {name for name in keys() if setting(config, name) != setting(Config(), name)}
    assert changed == {key}
    assert setting(config, key) == value


@pytest.mark.parametrize(
    ("arguments", "name", "value"),
    [
        (["--receipt", "receipt.json"], "receipt", Path("receipt.json")),
        (["--allow-regress"], "allow_regress", True),
        (["--prune"], "prune", True),
    ],
)
def test_an_option_changes_its_part_of_the_run_and_no_other(
    started: Started, arguments: list[str], name: str, value: object
) -> None:
    _, options = started("record", *arguments)

    default = RunOptions(log=options.log)
    names = ["receipt", "allow_regress", "prune"]
    assert [item for item in names if getattr(options, item) != getattr(default, item)] == [name]
    assert getattr(options, name) == value


def test_config_names_the_file_to_read(started: Started, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('cassette = "named"')

    config, _ = started("replay", "--config", "own.toml")

    assert config.cassette == "named"


@pytest.mark.parametrize(
    ("words", "mode"),
    [
        (["replay"], "replay"),
        (["none"], "replay"),
        (["record"], "record"),
        (["all"], "record"),
        (["once"], "once"),
        (["new_episodes"], "new_episodes"),
        (["passthrough"], "passthrough"),
        (["verify"], "verify"),
        (["serve"], "replay"),
        (["serve", "--mode", "none"], "replay"),
        (["serve", "--mode", "all"], "record"),
    ],
)
def test_the_word_of_the_command_is_the_mode(started: Started, words: list[str], mode: str) -> None:
    config, _ = started(*words)

    assert config.mode == mode
