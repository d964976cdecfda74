from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runreel.config.loading import load
from runreel.config.settings import keys, shown
from runreel.errors import StartRefused


@pytest.fixture(autouse=True)
def _work_in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refusal(
    file: Path | None = None,
    environment: dict[str, str] | None = None,
    options: dict[str, Any] | None = None,
) -> str:
    with pytest.raises(StartRefused) as refused:
        load(file, environment or {}, options or {})
    assert refused.value.exit_code == 2
    return str(refused.value)


LATENCY = 'replay.latency: must be "none", "recorded" or milliseconds from 0 to 600,000'
PROFILES = "openai, openai_v1, azure_agents, dashscope, langgraph, rubra"
IN_A_FILE = [
    *(
        (f"[replay]\nlatency = {value}", f"runreel.toml: {LATENCY}")
        for value in ("-1", "0.5", "true", '"fast"', "600001")
    ),
    ('mood = "replay"', "runreel.toml: there is no setting 'mood'; the nearest is 'mode'"),
    (
        "[listen]\nprot = 1",
        "runreel.toml: there is no setting 'listen.prot'; the nearest is 'listen.port'",
    ),
    (
        "[limit]\nrequest_body_bytes_max = 1",
        "runreel.toml: there is no setting 'limit'; the nearest is 'limits'",
    ),
    ("listen = 8080", "runreel.toml: there is no setting 'listen'; the nearest is 'listen.host'"),
    (
        'mode = "reply"',
        (
            "runreel.toml: mode: must be one of replay, record, new_episodes, passthrough, "
            "verify, once, none, all"
        ),
    ),
    ("mode = 5", "runreel.toml: mode: input should be a valid string"),
    (
        "[listen]\nport = 65536",
        "runreel.toml: listen.port: input should be less than or equal to 65535",
    ),
    (
        '[listen]\nadmin_token = "short"',
        "runreel.toml: listen.admin_token: string should have at least 16 characters",
    ),
    (
        '[replay]\nrepeat = "always"',
        "runreel.toml: replay.repeat: input should be 'never' or 'last'",
    ),
    (
        'profile = "azure"',
        f"runreel.toml: profile: must be one of {PROFILES}; the nearest is 'azure_agents'",
    ),
    (
        "[upstream_options]\nread_timeout_s = 0",
        "runreel.toml: upstream_options.read_timeout_s: input should be greater than 0",
    ),
    (
        "[upstream_options]\nread_timeout_s = inf",
        "runreel.toml: upstream_options.read_timeout_s: input should be a finite number",
    ),
    *(
        (
            f'[{table}]\n{name} = ["{text}"]',
            (
                f"runreel.toml: {table}.{name}: must be a JSON pointer such as "
                '"/metadata/trace_id" (~1 stands for / in a name, ~0 for ~, and * for any one step)'
            ),
        )
        for table, name in (("match", "ignore_body"), ("redaction", "body"), ("verify", "ignore"))
        for text in ("metadata", "/a~2b", "")
    ),
    (
        '[redaction]\npatterns = ["a(b"]',
        (
            "runreel.toml: redaction.patterns: must be a regular expression: "
            "missing ), unterminated subpattern at position 1"
        ),
    ),
    (
        '[redaction]\npatterns = ["a{99999999999}"]',
        (
            "runreel.toml: redaction.patterns: must be a regular expression: "
            "the repetition number is too large"
        ),
    ),
    (
        '[redaction]\npatterns = ["x*"]',
        "runreel.toml: redaction.patterns: must not match the empty text",
    ),
    (
        '[redaction]\nheaders = ["not a name"]',
        "runreel.toml: redaction.headers: must be the name of a header",
    ),
    (
        '[upstream_options.headers]\n"X Team" = "blue"',
        "runreel.toml: upstream_options.headers: must be the name of a header",
    ),
    (
        '[upstream_options.headers]\nX-Team = "bl\\nue"',
        "runreel.toml: upstream_options.headers: must be printable ASCII",
    ),
    (
        '[upstream_options.headers]\nContent-Length = "5"',
        (
            "runreel.toml: upstream_options.headers: 'Content-Length' belongs to one connection; "
            "the proxy computes it itself"
        ),
    ),
    (
        '[upstream_options]\nca_file = ""',
        "runreel.toml: upstream_options.ca_file: must be the path of a file",
    ),
    ('cassettes = "a\\u0000b"', "runreel.toml: cassettes: must be the path of a folder"),
    (
        'base_path = "v1"',
        'runreel.toml: base_path: must be a path such as "/v1", or "" for the root',
    ),
    ("mode =", "runreel.toml: not TOML: Invalid value (at end of document)"),
    ("x = " + "[" * 20_000, "runreel.toml: not TOML that is read here: nested too deeply"),
]

ELSEWHERE: list[tuple[dict[str, str], dict[str, Any], str]] = [
    (
        {"RUNREEL_MODUS": "replay"},
        {},
        "the environment: there is no setting 'RUNREEL_MODUS'; the nearest is 'RUNREEL_MODE'",
    ),
    (
        {"RUNREEL_LISTEN__PROT": "1"},
        {},
        (
            "the environment: there is no setting 'RUNREEL_LISTEN__PROT'; the nearest is "
            "'RUNREEL_LISTEN__PORT'"
        ),
    ),
    (
        {"RUNREEL_LISTEN__PORT": "many"},
        {},
        (
            "the environment: RUNREEL_LISTEN__PORT: input should be a valid integer, unable to "
            "parse string as an integer"
        ),
    ),
    (
        {"RUNREEL_LISTEN": "8080", "RUNREEL_LISTEN__PORT": "8080"},
        {},
        (
            "RUNREEL_LISTEN__PORT: it stands below RUNREEL_LISTEN, which is set to a value of its "
            "own; unset one of the two"
        ),
    ),
    (
        {"RUNREEL_MODE__X": "1", "RUNREEL_MODE": "replay"},
        {},
        (
            "RUNREEL_MODE__X: it stands below RUNREEL_MODE, which is set to a value of its own; "
            "unset one of the two"
        ),
    ),
    (
        {"RUNREEL_REDACTION__QUERY": "[" * 20_000},
        {},
        "the environment: RUNREEL_REDACTION__QUERY: input should be a valid list",
    ),
    (
        {"RUNREEL_MODE": "record"},
        {"mode": "reply"},
        (
            "the command line: mode: must be one of replay, record, new_episodes, passthrough, "
            "verify, once, none, all"
        ),
    ),
    (
        {},
        {"listen.port": -1},
        "the command line: listen.port: input should be greater than or equal to 0",
    ),
    (
        {},
        {"listen.host": "0.0.0.0"},  # noqa: S104 - the case under test
        (
            "listen.host: 0.0.0.0 can be reached from other machines; set listen.admin_token "
            "(16 characters or more) to allow that, or listen on 127.0.0.1"
        ),
    ),
    (
        {},
        {"upstream": "http://h/v1"},
        (
            "upstream: http://h/v1 already ends in the base path /v1, so calls would go to "
            "/v1/v1/…; write http://h, or set base_path if clients call another path"
        ),
    ),
    (
        {},
        {"upstream": "http://h/openai/v1/"},
        (
            "upstream: http://h/openai/v1 already ends in the base path /v1, so calls would go to "
            "/openai/v1/v1/…; write http://h/openai, or set base_path if clients call another path"
        ),
    ),
]

NO_URL = "must be a URL such as https://api.example.com or http://127.0.0.1:8000"
USERINFO = "must not hold a user or password; set the header in upstream_options.headers"
TOO_MUCH = "must be scheme://host[:port][/prefix] and nothing more"


class TestRefusals:
    @pytest.mark.parametrize(("text", "message"), IN_A_FILE)
    def test_what_is_wrong_in_a_file_is_named_with_the_file(self, text: str, message: str) -> None:
        Path("runreel.toml").write_text(text)

        assert refusal() == message

    @pytest.mark.parametrize(("environment", "options", "message"), ELSEWHERE)
    def test_what_is_wrong_elsewhere_is_named_too(
        self, environment: dict[str, str], options: dict[str, Any], message: str
    ) -> None:
        assert refusal(None, environment, options) == message

    @pytest.mark.parametrize(
        ("url", "message"),
        [
            ("", NO_URL),
            ("api.example.com", NO_URL),
            ("ftp://h", NO_URL),
            ("http://", NO_URL),
            ("http://h:0", NO_URL),
            ("http://h:70000", NO_URL),
            ("http://h:port", NO_URL),
            ("http://[::1", NO_URL),
            ("http://user:word@h", USERINFO),
            ("http://user@h", USERINFO),
            ("http://:@h", USERINFO),
            ("http://h?a=b", TOO_MUCH),
            ("http://h?", TOO_MUCH),
            ("http://h/#part", TOO_MUCH),
            ("http://h/#", TOO_MUCH),
            ("http://h/a b", TOO_MUCH),
            ("http://h/\n", TOO_MUCH),
            ("http://h/é", TOO_MUCH),
        ],
    )
    def test_an_upstream_that_is_no_plain_url_is_refused(self, url: str, message: str) -> None:
        found = refusal(options={"upstream": url})

        assert found == f"the command line: upstream: {message}"

    def test_a_refusal_never_repeats_a_password(self) -> None:
        assert "wOrD" not in refusal(options={"upstream": "http://user:wOrD@h"})

    def test_a_named_file_that_is_not_there_is_refused(self) -> None:
        assert refusal(Path("nowhere.toml")) == (
            "nowhere.toml: the configuration cannot be read (No such file or directory); name a "
            "readable TOML file with --config"
        )

    def test_a_folder_is_no_configuration(self, tmp_path: Path) -> None:
        assert refusal(tmp_path) == (
            f"{tmp_path}: the configuration cannot be read (Is a directory); name a readable "
            "TOML file with --config"
        )

    def test_a_file_that_is_not_utf8_is_refused(self) -> None:
        Path("runreel.toml").write_bytes(b'mode = "\xff"')

        assert refusal().startswith("runreel.toml: not TOML: 'utf-8' codec can't decode byte 0xff")

    @given(st.sampled_from(sorted(keys())), st.text(max_size=30))
    def test_no_value_in_the_environment_does_worse_than_a_refusal(
        self, key: str, text: str
    ) -> None:
        variable = "RUNREEL_" + key.upper().replace(".", "__")

        try:
            config = load(None, {variable: text}, {})
        except StartRefused as refused:
            found = str(refused)
        else:
            found = ""
            assert key in shown(config)

        assert not found or variable in found or found.startswith(key)


@pytest.mark.parametrize("name", ["cassettes/examples/x.json", "cassettes/examples/x"])
def test_a_path_given_as_a_name_is_refused_with_the_name_to_write(name: str) -> None:
    with pytest.raises(StartRefused) as refused:
        load(None, {}, {"cassette": name})

    assert str(refused.value) == (
        f"cassette: '{name}' is a path; a cassette is named without its folder and suffix, as in "
        "'examples/x'"
    )
