"""The authority of a user: where it is, who may read it, when it is made, and what stops it."""

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from runreel.errors import StartRefused
from runreel.tls import local_authority
from runreel.tls.authority import Authority, get, renew, state_folder
from tls.handshakes import NOW, handshake

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
BOX = LOOPBACK | {"box.local"}

# Makes an authority and a leaf when a line comes, and tells what it has then.
RACER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from runreel.tls.authority import get

print("ready", flush=True)
sys.stdin.readline()
now = datetime.now(UTC)
authority = get(Path(sys.argv[1]), {"localhost"}, now)
leaf = authority.leaf({"localhost"}, now)
print(authority.signed.fingerprint.hex(), leaf.name)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the authority of a test is; not there yet."""
    return tmp_path / "state" / "runreel"


def mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o777)


def good(authority: Authority, leaf: Path, name: str, folder: Path) -> bool:
    return handshake(leaf.read_bytes(), authority.file.read_bytes(), name, folder) is None


def test_only_its_user_may_read_the_keys(folder: Path) -> None:
    authority = get(folder, LOOPBACK, NOW)
    leaf = authority.leaf(LOOPBACK, NOW)

    assert mode(folder) == "0o700"
    assert {path.name: mode(path) for path in folder.iterdir()} == {
        "authority.key": "0o600",
        "authority.pem": "0o644",
        leaf.name: "0o600",
    }
    assert b"PRIVATE" not in authority.file.read_bytes()


def test_it_is_made_once(folder: Path) -> None:
    first = get(folder, LOOPBACK, NOW)
    leaf = first.leaf(LOOPBACK, NOW)
    written = {path.name: path.read_bytes() for path in folder.iterdir()}

    second = get(folder, LOOPBACK, NOW + timedelta(days=14))

    assert second.leaf(LOOPBACK, NOW + timedelta(days=14)) == leaf
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == written


def test_it_is_read_where_nothing_can_be_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = get(folder, LOOPBACK, NOW)
    leaf = first.leaf(LOOPBACK, NOW)

    def refuse(*_: object, **__: object) -> int:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("runreel.tls.authority.take_lock", refuse)
    monkeypatch.setattr("runreel.tls.authority.replace_file", refuse)

    assert get(folder, LOOPBACK, NOW).leaf(LOOPBACK, NOW) == leaf


def test_a_leaf_near_its_end_is_made_anew(folder: Path, tmp_path: Path) -> None:
    authority = get(folder, LOOPBACK, NOW - timedelta(days=40))
    expired = authority.leaf(LOOPBACK, NOW - timedelta(days=40))
    shown = expired.read_bytes()
    found = handshake(shown, authority.file.read_bytes(), "localhost", tmp_path)

    again = authority.leaf(LOOPBACK, NOW)

    assert found == "certificate has expired"
    assert (again == expired, again.read_bytes() == shown) == (True, False)
    assert good(authority, again, "localhost", tmp_path)
    shown = again.read_bytes()
    assert authority.leaf(LOOPBACK, NOW + timedelta(days=14)).read_bytes() == shown
    assert authority.leaf(LOOPBACK, NOW + timedelta(days=16)).read_bytes() != shown


def test_half_a_leaf_is_made_anew(folder: Path, tmp_path: Path) -> None:
    authority = get(folder, LOOPBACK, NOW)
    leaf = authority.leaf(LOOPBACK, NOW)
    leaf.write_bytes(leaf.read_bytes()[:200])

    assert good(authority, authority.leaf(LOOPBACK, NOW), "localhost", tmp_path)


def test_leaves_that_nobody_listens_with_are_removed(folder: Path) -> None:
    authority = get(folder, BOX, NOW)
    authority.leaf(LOOPBACK, NOW)

    authority.leaf(BOX, NOW + timedelta(days=31))

    assert len([*folder.glob("leaf-*.pem")]) == 1


def test_an_authority_at_its_end_is_followed_by_another(folder: Path, tmp_path: Path) -> None:
    old = get(folder, LOOPBACK, NOW - timedelta(days=3640))
    old.leaf(LOOPBACK, NOW - timedelta(days=3640))

    new = get(folder, LOOPBACK, NOW)

    assert new.signed.fingerprint != old.signed.fingerprint
    assert good(new, new.leaf(LOOPBACK, NOW), "127.0.0.1", tmp_path)
    assert len([*folder.glob("leaf-*.pem")]) == 1


def test_its_file_comes_back_if_it_was_removed(folder: Path) -> None:
    first = get(folder, LOOPBACK, NOW)
    said = first.file.read_bytes()
    first.file.unlink()

    assert get(folder, LOOPBACK, NOW).file.read_bytes() == said


def test_renew_makes_another_that_speaks_for_what_the_old_one_did(
    folder: Path, tmp_path: Path
) -> None:
    old = get(folder, BOX, NOW)
    old_leaf = old.leaf(BOX, NOW)

    new = renew(folder, LOOPBACK | {"10.0.0.7"}, NOW)

    assert new.signed.fingerprint != old.signed.fingerprint
    assert (mode(folder / "authority.key"), old_leaf.exists()) == ("0o600", False)
    leaf = new.leaf(BOX | {"10.0.0.7"}, NOW)
    assert [good(new, leaf, name, tmp_path) for name in ("box.local", "10.0.0.7")] == [True, True]


def test_a_host_that_it_may_not_speak_for_is_named_with_the_remedy(folder: Path) -> None:
    get(folder, LOOPBACK, NOW)

    with pytest.raises(StartRefused) as refused:
        get(folder, BOX, NOW)

    assert str(refused.value) == (
        f"listen.tls: the authority {folder}/authority.pem may not speak for box.local; make a new "
        "one that may with runreel tls renew, and let clients trust that"
    )
    renew(folder, BOX, NOW)
    assert get(folder, BOX, NOW).signed.speaks_for().names == ("box.local",)


def test_a_name_that_no_certificate_can_have_is_refused(folder: Path) -> None:
    with pytest.raises(StartRefused) as refused:
        get(folder, {"*.example.com"}, NOW)

    assert str(refused.value) == (
        "listen.tls: '*.example.com' of listen.host or listen.allowed_hosts cannot stand in a "
        "certificate; write a host's name or address there, or name a certificate of your own in "
        "listen.tls_cert"
    )
    assert not folder.exists()


@pytest.mark.parametrize("text", [b"", b"no key\n", b"\xff\x00"])
def test_what_is_no_authority_is_refused_until_it_is_renewed(folder: Path, text: bytes) -> None:
    get(folder, LOOPBACK, NOW)
    (folder / "authority.key").write_bytes(text)

    with pytest.raises(StartRefused) as refused:
        get(folder, LOOPBACK, NOW)

    assert str(refused.value) == (
        f"{folder}/authority.key: holds no authority of runreel that can be read; make a new one "
        "with runreel tls renew"
    )
    renew(folder, LOOPBACK, NOW)
    assert get(folder, LOOPBACK, NOW)


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o620])
def test_a_key_that_others_may_open_is_refused_until_it_is_renewed(folder: Path, bits: int) -> None:
    get(folder, LOOPBACK, NOW)
    (folder / "authority.key").chmod(bits)

    with pytest.raises(StartRefused) as refused:
        get(folder, LOOPBACK, NOW)

    assert str(refused.value) == (
        f"{folder}/authority.key: other users may open it, so that the key may be no secret any "
        "more; make a new one with runreel tls renew"
    )
    renew(folder, LOOPBACK, NOW)
    assert mode(folder / "authority.key") == "0o600"


@pytest.mark.parametrize("act", [get, renew], ids=["get", "renew"])
def test_a_folder_that_cannot_be_used_is_one_sentence(
    tmp_path: Path, act: Callable[..., Authority]
) -> None:
    (tmp_path / "state").write_text("no folder\n")

    with pytest.raises(StartRefused) as refused:
        act(tmp_path / "state" / "runreel", LOOPBACK, NOW)

    place = "runreel/authority.key"
    assert str(refused.value) == (
        f"listen.tls: {tmp_path}/state/{place if act is get else 'runreel'} cannot be used (Not a "
        "directory); the local authority is kept in that folder, and XDG_STATE_HOME sets another "
        "one"
    )


def test_many_processes_at_once_have_the_same_one(folder: Path) -> None:
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    told = {racer.communicate()[0] for racer in racers}

    authority = get(folder, {"localhost"}, NOW)
    leaf = authority.leaf({"localhost"}, NOW)
    assert told == {f"{authority.signed.fingerprint.hex()} {leaf.name}\n"}
    assert sorted(path.name for path in folder.iterdir()) == [
        *("authority.key", "authority.pem", leaf.name),
    ]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"XDG_STATE_HOME": "/state", "HOME": "/home/a"}, "/state/runreel"),
        ({"HOME": "/home/a"}, "/home/a/.local/state/runreel"),
        ({"XDG_STATE_HOME": "", "HOME": "/home/a"}, "/home/a/.local/state/runreel"),
        ({"XDG_STATE_HOME": "state", "HOME": "/home/a"}, "/home/a/.local/state/runreel"),
    ],
)
def test_it_is_in_the_state_folder_of_the_user(environment: dict[str, str], expected: str) -> None:
    assert state_folder(environment) == Path(expected)


def test_who_has_no_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", nowhere)

    with pytest.raises(StartRefused, match=r"set XDG_STATE_HOME to a folder$"):
        state_folder({})


def test_without_the_extra_one_sentence_says_which(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in sys.modules if name.startswith("runreel.tls.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("runreel.tls.authority", raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)

    with pytest.raises(StartRefused) as refused:
        local_authority({"XDG_STATE_HOME": str(tmp_path)}, LOOPBACK, NOW)

    assert str(refused.value) == (
        "listen.tls: cryptography is not installed; install it with pip install 'runreel[tls]', or "
        "name a certificate of your own in listen.tls_cert and listen.tls_key"
    )
