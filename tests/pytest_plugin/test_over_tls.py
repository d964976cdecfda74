"""Suites whose proxy speaks https: their clients trust it, and all is put back."""

import os
from pathlib import Path

import pytest

from runreel.pytest_plugin.sockets import Address, certificates
from suites import ONCE, Suite

pytest_plugins = ["pytester"]

VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
LOOKS = """
def test_a():
    import os
    assert os.environ["OPENAI_BASE_URL"].startswith("https://127.0.0.1:")
    assert create('a') == 'a'
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Suite:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Suite(pytester)


def speak_tls(suite: Suite, more: str = "") -> None:
    (suite.folder / "runreel.toml").write_text(f"[listen]\ntls = true\n{more}")


def test_a_suite_is_recorded_and_played_over_https(suite: Suite) -> None:
    speak_tls(suite)
    suite.write(LOOKS)
    named = [name for name in os.environ if name != "PYTEST_CURRENT_TEST"]

    suite.run(*ONCE).assert_outcomes(passed=1)
    suite.run().assert_outcomes(passed=1)

    assert suite.recorded() == ["cassettes/test_it/test_a.json"]
    assert [name for name in os.environ if name != "PYTEST_CURRENT_TEST"] == named


def test_in_processes_of_their_own_workers_share_one_authority(
    suite: Suite, tmp_path: Path
) -> None:
    speak_tls(suite)
    suite.write(LOOKS + LOOKS.replace("test_a", "test_b"))

    result = suite.start(*ONCE, "-p", "xdist", "-n", "2")

    result.assert_outcomes(passed=2)
    found = {path.name.partition("-")[0] for path in (tmp_path / "state" / "runreel").iterdir()}
    assert found == {"authority.key", "authority.pem", "leaf"}


def test_the_environment_can_ask_for_it(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNREEL_LISTEN__TLS", "true")
    suite.write(LOOKS)

    suite.run(*ONCE).assert_outcomes(passed=1)


def test_why_it_cannot_be_had_is_one_sentence(suite: Suite, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder\n")
    speak_tls(suite)
    suite.write(LOOKS)

    result = suite.run(*ONCE)

    place = f"{tmp_path}/state/runreel/authority.key"
    assert result.errlines[0].startswith(
        f"ERROR: runreel: listen.tls: {place} cannot be used (Not a directory); "
    )
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_what_the_user_trusts_and_is_not_there_is_one_sentence(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "none.pem")
    speak_tls(suite)
    suite.write(LOOKS)

    result = suite.run(*ONCE)

    assert result.errlines[0].startswith("ERROR: runreel: SSL_CERT_FILE: none.pem cannot be read (")
    assert os.environ["SSL_CERT_FILE"] == "none.pem"


def test_the_files_to_trust_are_gone_when_all_is_put_back(tmp_path: Path) -> None:
    environment = {"SSL_CERT_FILE": str(tmp_path / "mine.pem")}
    (tmp_path / "mine.pem").write_text("")
    address = Address("/v1", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n")

    address.set_variables(environment)
    file = Path(environment["SSL_CERT_FILE"])
    text = file.read_text()
    address.release(environment)

    assert address.base_url.startswith("https://")
    assert text.splitlines()[1] == "x"
    assert (file.exists(), environment) == (False, {"SSL_CERT_FILE": str(tmp_path / "mine.pem")})


@pytest.mark.parametrize(
    ("text", "environment"),
    [
        ("", {}),
        ("[listen]\nport = 1\n", {"RUNREEL_LISTEN__HOST": "::1", "TLS": "1"}),
        ("[listen]\ntls = false\n", {}),
        ("[listen]\ntls = true\n", {"RUNREEL_LISTEN__TLS": "false"}),
        ('listen = "tls"\n', {}),
        ("[listen\n", {}),
    ],
)
def test_nothing_has_to_be_trusted_where_plain_http_is_spoken(
    tmp_path: Path, text: str, environment: dict[str, str]
) -> None:
    file = tmp_path / "runreel.toml"
    file.write_text(text)

    assert certificates(file, environment) is None
    assert certificates(None, {}) is None
