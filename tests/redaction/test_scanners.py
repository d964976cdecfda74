"""A public scanner agrees: it finds nothing in what is stored, and nothing that `check` does not.

The scanner is detect-secrets, in the way of its own command (`detect-secrets scan`), with all its
plugins. `agrees_with_gitleaks.py` beside this file asks another one.
"""

import json
from pathlib import Path

import pytest
from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class
from detect_secrets.core.scan import scan_file
from detect_secrets.settings import default_settings

from builders import a_cassette
from placing import PAIRS, exchange
from runreel.cassettes.check import check
from runreel.cassettes.format import dump
from runreel.cassettes.secret_scan import in_document
from runreel.redaction.redactor import Redacted, Redaction
from scanned import KNOWN_TO_SCANNERS, samples, with_a_text

# What the scanner finds in what is stored and what is no secret, by its own names and why.
NOT_COUNTED = {
    "Secret Keyword": ("REDACTED",),  # a member `password` says what stands there now
    "Basic Auth Credentials": ("REDACTED",),  # and so does a URL with a password
}
DIGESTS = "Hex High Entropy String"  # of the interactions, which a cassette is read by
# What it takes for a secret that is none, and whatever looks drawn by lot: so do the ids of an API.
BY_NAME = "Secret Keyword"
BEYOND = {"Public IP (ipv4)", "Base64 High Entropy String", "Hex High Entropy String"}


def found_by_the_scanner(text: str, file: Path) -> set[tuple[str, str]]:
    """The kinds and values of what it finds; it reads line by line, so each line is shown once."""
    file.write_text("\n".join(dict.fromkeys(text.splitlines())), "utf-8")
    with default_settings():
        return {(secret.type, secret.secret_value or "") for secret in scan_file(str(file))}


def test_the_scanner_finds_nothing_in_what_is_stored(tmp_path: Path) -> None:
    planted = [*(exchange(true) for true, _ in PAIRS), *samples()]
    stored = dump(a_cassette(*(Redaction().interaction(item.request, item) for item in planted)))
    digests = {item["digest"] for item in json.loads(stored)["interactions"]}

    found = found_by_the_scanner(stored, tmp_path / "stored.json")

    counted = {
        (kind, value)
        for kind, value in found
        if value not in NOT_COUNTED.get(kind, digests if kind == DIGESTS else ())
    }
    assert counted == set()


def test_check_finds_whatever_the_scanner_finds(tmp_path: Path) -> None:
    missed, unknown = [], []
    for number, (name, (text, kind)) in enumerate(KNOWN_TO_SCANNERS.items()):
        planted = dump(a_cassette(Redacted(with_a_text(text, number))))
        line = next(line for line in planted.splitlines() if '"note"' in line)
        if kind not in {each for each, _ in found_by_the_scanner(line, tmp_path / "line.json")}:
            unknown.append(name)
        if not [item for item in check(planted, Redaction()) if item.rule != "redaction"]:
            missed.append(name)

    assert (unknown, missed) == ([], [])


def test_every_plugin_of_the_scanner_has_a_sample_or_finds_no_secrets() -> None:
    with default_settings():
        plugins = set(get_mapping_from_secret_type_to_class())

    assert plugins - BEYOND - {BY_NAME} == {kind for _, kind in KNOWN_TO_SCANNERS.values()}


@pytest.mark.parametrize(
    "name",
    [
        *("api_key", "apikey", "auth_key", "service_key", "account_key", "db_key", "database_key"),
        *(
            "priv_key",
            "private_key",
            "client_key",
            "db_pass",
            "database_pass",
            "key_pass",
            "password",
        ),
        *("passwd", "pwd", "secret", "my_secret_value", "user_password_2"),
    ],
)
def test_check_finds_a_member_whose_name_the_scanner_takes_for_a_secrets(
    name: str, tmp_path: Path
) -> None:
    text = json.dumps({name: "Zq9fAkE7x" * 2}, indent=2)
    kinds = {kind for kind, _ in found_by_the_scanner(text, tmp_path / "member.json")}

    assert BY_NAME in kinds
    assert [spot.sighting.rule for spot in in_document(text)] == ["name"]
