"""The variables by which a program trusts us, and all that it trusted before."""

from pathlib import Path

import pytest

from runreel.errors import StartRefused
from runreel.tls import trust
from runreel.tls.trust import trusting


def pem(name: str) -> str:
    """What looks like a certificate."""
    return f"-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----"


OURS = f"{pem('ours')}\n"
ALL = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


@pytest.fixture(autouse=True)
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that has two files of authorities, with some in common."""
    system, mozilla = tmp_path / "system.pem", tmp_path / "cacert.pem"
    system.write_text(f"# comment\n{pem('a')}\n{pem('b')}\n")
    mozilla.write_text(f"{pem('b')}\n{pem('c')}\n")
    monkeypatch.setattr(trust, "_of_the_system", lambda: iter([system, mozilla]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the files are written."""
    made = tmp_path / "made"
    made.mkdir()
    return made


def trusted(given: dict[str, str]) -> dict[str, list[str]]:
    """The names of what is in the files."""
    texts = {name: Path(path).read_text() for name, path in given.items()}
    return {
        name: [line for line in text.splitlines() if line and "-" not in line]
        for name, text in texts.items()
    }


def test_the_authorities_of_the_system_stay_trusted(folder: Path) -> None:
    given = trusting({}, OURS, folder)

    assert trusted(given) == {
        "SSL_CERT_FILE": ["a", "b", "c", "ours"],
        "REQUESTS_CA_BUNDLE": ["a", "b", "c", "ours"],
        "CURL_CA_BUNDLE": ["a", "b", "c", "ours"],
        "NODE_EXTRA_CA_CERTS": ["ours"],
    }
    assert len([*folder.iterdir()]) == 2


@pytest.mark.parametrize(
    ("variable", "instead"),
    [
        ("SSL_CERT_FILE", {"SSL_CERT_FILE", "CURL_CA_BUNDLE"}),
        ("REQUESTS_CA_BUNDLE", {"REQUESTS_CA_BUNDLE"}),
        ("CURL_CA_BUNDLE", {"CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"}),
    ],
)
def test_a_file_of_the_users_own_stays_trusted_in_place_of_the_systems(
    tmp_path: Path, folder: Path, variable: str, instead: set[str]
) -> None:
    mine = tmp_path / "mine.pem"
    mine.write_text(pem("mine"))

    found = trusted(trusting({variable: str(mine)}, OURS, folder))

    assert {name for name in ALL if found[name] == ["mine", "ours"]} == instead
    assert found["NODE_EXTRA_CA_CERTS"] == ["ours"]
    others = set(ALL[:3]) - instead
    assert [found[name] for name in others] == [["a", "b", "c", "ours"]] * len(others)


def test_what_node_trusts_beside_its_own_stays_trusted(tmp_path: Path, folder: Path) -> None:
    mine = tmp_path / "mine.pem"
    mine.write_text(pem("mine"))

    found = trusted(trusting({"NODE_EXTRA_CA_CERTS": str(mine)}, OURS, folder))

    assert found["NODE_EXTRA_CA_CERTS"] == ["mine", "ours"]
    assert found["SSL_CERT_FILE"] == ["a", "b", "c", "ours"]


def test_folders_of_authorities_stay_trusted(tmp_path: Path, folder: Path) -> None:
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    for place, name in ((mine, "d"), (theirs, "e")):
        place.mkdir()
        (place / "0a1b2c3d.0").write_text(pem(name))
    given = {"SSL_CERT_DIR": f"{mine}:{tmp_path / 'none'}", "REQUESTS_CA_BUNDLE": str(theirs)}

    found = trusted(trusting(given, OURS, folder))

    assert found["SSL_CERT_FILE"] == ["a", "b", "c", "d", "ours"]
    assert found["REQUESTS_CA_BUNDLE"] == ["e", "ours"]


def test_within_another_runreel_nothing_stands_there_twice(tmp_path: Path, folder: Path) -> None:
    outer = trusting({}, OURS, folder)
    inner = tmp_path / "inner"
    inner.mkdir()

    found = trusted(trusting(outer, f"{pem('other')}\n", inner))

    assert found["SSL_CERT_FILE"] == ["a", "b", "c", "ours", "other"]
    assert trusted(trusting(outer, OURS, inner))["SSL_CERT_FILE"] == ["a", "b", "c", "ours"]


def test_a_file_that_cannot_be_read_is_named_with_its_variable(
    tmp_path: Path, folder: Path
) -> None:
    with pytest.raises(StartRefused) as refused:
        trusting({"CURL_CA_BUNDLE": str(tmp_path / "none.pem")}, OURS, folder)

    assert str(refused.value) == (
        f"CURL_CA_BUNDLE: {tmp_path}/none.pem cannot be read (No such file or directory); name a "
        "file of the authorities to trust, or unset it"
    )


def test_the_authorities_of_this_machine_are_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()

    given = trusting({}, OURS, folder)

    assert Path(given["SSL_CERT_FILE"]).read_text().count("BEGIN CERTIFICATE") > 50
