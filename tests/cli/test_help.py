import subprocess
import sys
from pathlib import Path

import click
import pytest

from processes import run
from runreel import __version__
from runreel.cli import main

COMMANDS = [
    ([], "  runreel replay --cassette examples/modify-run\n"),
    (["replay"], "Example:\n    runreel replay --cassette examples/modify-run --repeat last\n"),
    (["replay"], "\n    runreel replay --cassette mine -- pytest tests/\n"),
    (["none"], "Example:\n    runreel replay --cassette examples/modify-run --repeat last\n"),
    (["record"], "Example:\n    runreel record --cassette mine --upstream http://127.0.0.1:8000\n"),
    (["all"], "Example:\n    runreel record --cassette mine --upstream http://127.0.0.1:8000\n"),
    (["once"], "Example:\n    runreel once --cassette mine --upstream http://127.0.0.1:8000\n"),
    (
        ["new_episodes"],
        "Example:\n    runreel new_episodes --cassette mine --upstream http://127.0.0.1:8000\n",
    ),
    (["passthrough"], "Example:\n    runreel passthrough --upstream http://127.0.0.1:8000\n"),
    (
        ["verify"],
        (
            "Example:\n    runreel verify --cassette mine --upstream http://127.0.0.1:8000 "
            "--receipt drift.json\n"
        ),
    ),
    (["serve"], "Example:\n    runreel serve --mode replay\n"),
    (["cassette"], "Example:\n    runreel cassette import old.yaml --to mine\n"),
    (
        ["cassette", "import"],
        "Example:\n    runreel cassette import tests/cassettes/old.yaml --to mine\n",
    ),
    (
        ["cassette", "export"],
        "Example:\n    runreel cassette export mine --format har --output mine.har\n",
    ),
    (["cassette", "list"], "Example:\n    runreel cassette list --json\n"),
    (
        ["cassette", "show"],
        "Example:\n    runreel cassette show examples/modify-run modifyRun-55f2ed47\n",
    ),
    (
        ["cassette", "check"],
        "Example:\n    runreel cassette check cassettes/examples/modify-run.json\n",
    ),
    (["cassette", "diff"], "Example:\n    runreel cassette diff mine examples/modify-run\n"),
    (["cassette", "edit"], "Example:\n    runreel cassette edit mine modifyRun-55f2ed47\n"),
    (["cassette", "accept"], "Example:\n    runreel cassette accept mine\n"),
    (["cassette", "scrub"], "Example:\n    runreel cassette scrub mine --dry-run\n"),
    (["cassette", "upgrade"], "Example:\n    runreel cassette upgrade mine\n"),
    (["demo"], "Example:\n    runreel demo\n    runreel demo --keep tryout\n"),
    (["audit"], "Example:\n    runreel audit log --run run_abc123\n"),
    (["audit", "log"], "  runreel audit log --key stage --since 2026-11-01\n"),
    (["audit", "show"], "Examples:\n    runreel audit show run_abc123 --at 2026-11-22\n"),
    (["audit", "blame"], "Examples:\n    runreel audit blame run_abc123\n"),
    (["audit", "stats"], "Example:\n    runreel audit stats --json\n"),
    (["audit", "verify"], "Example:\n    runreel audit verify --anchor kept-elsewhere.json\n"),
    (["simulate"], "Example:\n    runreel simulate --port 8000\n"),
    (["simulate"], "\n    runreel simulate -- pytest tests/\n"),
    (["explain"], "Example:\n    runreel explain --last-miss receipt.json\n"),
    (["config"], "Example:\n    runreel config show\n"),
    (["config", "show"], "Example:\n    runreel config show --json\n"),
    (["config", "check"], "Example:\n    runreel config check\n"),
    (["tls"], "Example:\n    runreel tls path\n"),
    (
        ["tls", "path"],
        'curl --cacert "$(runreel tls path)" https://127.0.0.1:8080/_runreel/health\n',
    ),
    (["tls", "renew"], "Example:\n    runreel tls renew\n"),
]


@pytest.mark.parametrize("option", ["--help", "-h"])
@pytest.mark.parametrize(("command", "example"), COMMANDS)
def test_the_help_of_every_command_shows_an_example(
    capsys: pytest.CaptureFixture[str], command: list[str], example: str, option: str
) -> None:
    main.main([*command, option])

    out, err = capsys.readouterr()
    assert out.startswith("Usage: runreel ")
    assert example in out
    assert "\\b" not in out
    assert err == ""


def test_the_help_of_verify_shows_the_rule_of_what_does_not_count(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main.main(["verify", "--help"])

    out, _ = capsys.readouterr()
    assert (
        "  These say nothing of the API and are no drift:\n\n"
        "    what looks like an id or a time, in members named\n"
        "      id, *_id, *_ids, created, *_at\n"
        "    what a model wrote and what it cost, but for names and types:\n"
        "      usage, text/value, text/annotations, refusal, message/content,\n"
    ) in out
    assert "      allow, content-type, deprecation, location, openai-version,\n" in out


def _commands_of(group: click.Group) -> dict[str, click.Command]:
    context = click.Context(group)
    found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def test_no_command_is_without_its_line_above() -> None:
    tested = {words[0] for words, _ in COMMANDS if words} - {"none", "all"}

    found = _commands_of(main.commands)
    assert set(found) == tested
    for name, command in found.items():
        if isinstance(command, click.Group):
            below = {words[1] for words, _ in COMMANDS if words[:1] == [name] and words[1:]}
            assert set(_commands_of(command)) == below


def test_every_mode_takes_the_same_options() -> None:
    options = {
        name: {option for parameter in command.params for option in parameter.opts}
        for name, command in _commands_of(main.commands).items()
        if not isinstance(command, click.Group) and name not in ("simulate", "demo", "explain")
    }

    assert options.pop("serve") - {"--mode"} == options["replay"]
    options["verify"].remove("--map")
    assert options["replay"] == {
        *("--config", "--cassettes", "--cassette", "--upstream", "--host", "--port", "--tls"),
        *("--repeat", "--no-barriers", "--watch", "--accept-incomplete"),
        "--upstream-name",
        *("--receipt", "--log-format", "--quiet", "--verbose", "-v", "--allow-regress", "--prune"),
        *("--base-path", "--profile", "--env", "--fail-on-unplayed", "--no-audit"),
    }
    assert [name for name, found in options.items() if found != options["replay"]] == []


def test_the_version_is_said_on_stdout(tmp_path: Path) -> None:
    ended = run("--version", cwd=tmp_path)

    assert (ended.code, ended.out, ended.err) == (0, f"runreel {__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "loaded"),
    [
        ([], ["click"]),
        (["cassette"], ["click"]),
        (["audit"], ["click"]),
        (["replay"], ["asyncio", "click"]),
        (["serve"], ["asyncio", "click"]),
        (["config", "show"], ["click", "pydantic"]),
        (["cassette", "check"], ["asyncio", "click", "pydantic"]),
        (["explain"], ["click", "pydantic"]),
        (["audit", "log"], ["click", "pydantic"]),
    ],
)
def test_help_loads_no_server_and_where_all_is_listed_no_models_either(
    tmp_path: Path, words: list[str], loaded: list[str]
) -> None:
    """They take most of the time of a start; `--help` is to answer at once."""
    program = (
        "import sys\n"
        "from runreel.cli.main import main\n"
        f"main([*{words!r}, '--help'])\n"
        "known = {'aiohttp', 'pydantic', 'yaml', 'asyncio', 'click'}\n"
        "print('loaded:', sorted(known & set(sys.modules)))\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert done.stdout.startswith("Usage: runreel ")
    assert done.stdout.endswith(f"loaded: {loaded}\n")
