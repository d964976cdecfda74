from pathlib import Path
from typing import Any

import pytest

from runreel.assistants import NAMES
from runreel.config.loading import load
from runreel.config.settings import shown

TOKEN = "fake-" * 5
HIDDEN = "[hidden]"


@pytest.fixture(autouse=True)
def _work_in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class TestPrecedence:
    def test_without_anything_the_defaults_hold(self) -> None:
        config = load(None, {}, {})

        assert config.mode == "replay"
        assert config.upstream is None
        assert config.cassettes == Path("cassettes")
        assert config.cassette == "default"
        assert config.base_path == "/v1"
        assert (config.listen.host, config.listen.port) == ("127.0.0.1", 8080)
        assert config.replay.repeat == "never"

    def test_a_file_wins_over_a_default(self) -> None:
        Path("runreel.toml").write_text('mode = "record"\n[listen]\nport = 1001\n')

        config = load(None, {}, {})

        assert (config.mode, config.listen.port) == ("record", 1001)

    def test_the_environment_wins_over_a_file(self) -> None:
        Path("runreel.toml").write_text('mode = "record"\n[listen]\nport = 1001\n')

        config = load(None, {"RUNREEL_MODE": "once", "RUNREEL_LISTEN__PORT": "1002"}, {})

        assert (config.mode, config.listen.port) == ("once", 1002)

    def test_an_option_wins_over_the_environment(self) -> None:
        environment = {"RUNREEL_MODE": "once", "RUNREEL_LISTEN__PORT": "1002"}

        config = load(None, environment, {"mode": "passthrough", "listen.port": 1003})

        assert (config.mode, config.listen.port) == ("passthrough", 1003)

    def test_an_option_that_was_not_given_wins_over_nothing(self) -> None:
        config = load(None, {"RUNREEL_MODE": "once"}, {"mode": None, "listen.port": None})

        assert (config.mode, config.listen.port) == ("once", 8080)

    def test_layers_add_up_within_a_section(self) -> None:
        Path("runreel.toml").write_text('[listen]\nhost = "localhost"\nport = 1001\n')

        config = load(None, {"RUNREEL_LISTEN__PORT": "1002"}, {"listen.allowed_hosts": ["box"]})

        assert config.listen.host == "localhost"
        assert config.listen.port == 1002
        assert config.listen.allowed_hosts == ["box"]

    def test_a_named_file_is_read_in_place_of_the_one_in_the_working_directory(self) -> None:
        Path("runreel.toml").write_text('cassette = "found"\nmode = "record"')
        Path("other.toml").write_text('cassette = "named"')

        config = load(Path("other.toml"), {}, {})

        assert (config.cassette, config.mode) == ("named", "replay")


class TestFolders:
    def test_cassettes_in_a_file_are_relative_to_the_file(self, tmp_path: Path) -> None:
        (tmp_path / "project").mkdir()
        (tmp_path / "project" / "own.toml").write_text('cassettes = "tapes"')

        config = load(Path("project/own.toml"), {}, {})

        assert config.cassettes == Path("project/tapes")

    def test_a_certificate_file_in_a_file_is_relative_to_the_file(self, tmp_path: Path) -> None:
        (tmp_path / "project").mkdir()
        text = '[upstream_options]\nca_file = "ours.pem"\nheaders = {ca_file = "x"}\n'
        (tmp_path / "project" / "own.toml").write_text(text)

        config = load(Path("project/own.toml"), {}, {})

        assert config.upstream_options.ca_file == Path("project/ours.pem")
        assert config.upstream_options.headers == {"ca_file": "x"}

    def test_an_absolute_folder_in_a_file_stays_as_it_is(self, tmp_path: Path) -> None:
        (tmp_path / "project").mkdir()
        (tmp_path / "project" / "own.toml").write_text('cassettes = "/srv/tapes"')

        config = load(Path("project/own.toml"), {}, {})

        assert config.cassettes == Path("/srv/tapes")

    @pytest.mark.parametrize(
        ("environment", "options"),
        [({"RUNREEL_CASSETTES": "mine"}, {}), ({}, {"cassettes": Path("mine")})],
        ids=["environment", "option"],
    )
    def test_elsewhere_they_are_relative_to_the_working_directory(
        self, tmp_path: Path, environment: dict[str, str], options: dict[str, Any]
    ) -> None:
        (tmp_path / "project").mkdir()
        (tmp_path / "project" / "own.toml").write_text('cassettes = "tapes"')

        config = load(Path("project/own.toml"), environment, options)

        assert config.cassettes == Path("mine")


class TestSpellings:
    @pytest.mark.parametrize(
        ("word", "mode"),
        [
            ("replay", "replay"),
            ("none", "replay"),
            ("record", "record"),
            ("all", "record"),
            ("once", "once"),
            ("new_episodes", "new_episodes"),
            ("passthrough", "passthrough"),
        ],
    )
    def test_a_mode_may_be_called_as_vcr_calls_it(self, word: str, mode: str) -> None:
        Path("runreel.toml").write_text(f'mode = "{word}"')

        assert load(None, {}, {}).mode == mode

    @pytest.mark.parametrize("name", list(NAMES))
    def test_a_profile_is_called_as_it_is(self, name: str) -> None:
        assert load(None, {"RUNREEL_PROFILE": name}, {}).profile == name

    def test_lists_and_tables_in_the_environment_are_written_as_in_toml(self) -> None:
        config = load(
            None,
            {
                "RUNREEL_REDACTION__QUERY": '["email", "name"]',
                "RUNREEL_UPSTREAM_OPTIONS__HEADERS": '{"X-Team" = "blue"}',
            },
            {},
        )

        assert [rule.name for rule in config.redaction.query] == ["email", "name"]
        assert config.upstream_options.headers == {"X-Team": "blue"}

    def test_a_trailing_slash_says_nothing(self) -> None:
        config = load(None, {}, {"upstream": "http://h/openai/", "base_path": "/v1/"})

        assert (config.upstream, config.base_path) == ("http://h/openai", "/v1")

    @pytest.mark.parametrize("root", ["", "/"])
    def test_the_base_path_may_be_the_root(self, root: str) -> None:
        config = load(None, {}, {"upstream": "http://h/v1", "base_path": root})

        assert (config.upstream, config.base_path) == ("http://h/v1", "")

    def test_a_path_that_only_looks_like_the_base_path_is_no_repetition(self) -> None:
        config = load(None, {}, {"upstream": "http://h/dev1", "base_path": "/v1"})

        assert config.upstream == "http://h/dev1"

    def test_a_redacted_header_is_known_in_any_case(self) -> None:
        config = load(None, {}, {"redaction.headers": ["X-Tenant"]})

        assert config.redaction.headers == ["x-tenant"]

    def test_a_host_for_other_machines_is_fine_with_a_token(self) -> None:
        config = load(None, {}, {"listen.host": "0.0.0.0", "listen.admin_token": TOKEN})  # noqa: S104 - the case under test

        assert config.listen.host == "0.0.0.0"  # noqa: S104 - the case under test


def test_what_may_be_printed_hides_the_secrets() -> None:
    config = load(
        None,
        {},
        {"listen.admin_token": TOKEN, "upstream_options.headers": {"Authorization": TOKEN}},
    )

    found = shown(config)

    assert found["listen.admin_token"] == HIDDEN
    assert found["upstream_options.headers"] == {"Authorization": HIDDEN}
    assert TOKEN not in str(found)
