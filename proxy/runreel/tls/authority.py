"""The authority of a user: made once, in the folder of the user's state, and read by every runreel.

    ~/.local/state/runreel/        0700
      authority.key                0600  its key and certificate: the truth
      authority.pem                its certificate alone, for whoever is to trust it
      leaf-….pem                   0600  what a proxy listens with: key and certificate
      .lock                        held while something is made

Processes that need it at once are one after the other: the first makes it, the others find it.
Files are put in their places whole, so that nothing waits for the lock to read.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from runreel.errors import StartRefused
from runreel.storage.files import make_folders, release_lock, replace_file, take_lock
from runreel.tls.certificates import LEAF_DAYS, Hosts, Signed, new_authority, new_leaf

KEY = "authority.key"
FILE = "authority.pem"
_LOCK = ".lock"
_LEFT_DAYS_MIN = LEAF_DAYS / 2  # that a certificate must hold when a proxy starts
_PRIVATE = 0o600
_OF_OTHERS = 0o077
_PUBLIC = 0o644

Thing = TypeVar("Thing")


def state_folder(environment: Mapping[str, str]) -> Path:
    """Where runreel keeps what is the user's and no project's.

    Raises:
        StartRefused: nobody says where that is.
    """
    given = Path(environment.get("XDG_STATE_HOME") or ".")
    if given.is_absolute():  # what is relative is to be ignored, says the rule
        return given / "runreel"
    try:
        home = Path(environment.get("HOME") or Path.home())
    except RuntimeError:
        raise StartRefused(
            "listen.tls: there is no home folder to keep the local authority in; set "
            "XDG_STATE_HOME to a folder"
        ) from None
    return home / ".local" / "state" / "runreel"


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority as it stands in its folder."""

    folder: Path
    signed: Signed

    @property
    def file(self) -> Path:
        """Its certificate, which clients are to trust."""
        return self.folder / FILE

    @property
    def pem(self) -> str:
        """What that file holds."""
        return self.signed.public_pem.decode("ascii")

    def leaf(self, hosts: Collection[str], now: datetime) -> Path:
        """A file of key and certificate for loopback and these hosts that holds for days to come.

        Raises:
            StartRefused: it cannot be made.
        """
        wanted = _checked(hosts)
        named = b"\n".join([self.signed.fingerprint, *map(str.encode, wanted.texts)])
        path = self.folder / f"leaf-{hashlib.sha256(named).hexdigest()[:16]}.pem"

        def found() -> Path | None:
            try:
                leaf = _read(path)
            except ValueError:
                return None  # half of one is none
            return path if leaf is not None and leaf.lasts(_LEFT_DAYS_MIN, now) else None

        def make() -> Path:
            _drop_leaves(self.folder, now - timedelta(days=LEAF_DAYS))
            replace_file(path, new_leaf(self.signed, wanted, now).pem, _PRIVATE)
            return path

        return _had(self.folder, found, make)


def get(folder: Path, hosts: Collection[str], now: datetime) -> Authority:
    """The authority in a folder; the first one is made for these hosts, and so is the next one
    when it comes to its end.

    Raises:
        StartRefused: it cannot be read or made, or it may not speak for one of the hosts.
    """
    wanted = _checked(hosts)

    def found() -> Authority | None:
        signed = _stored(folder)
        if signed is None or not signed.lasts(LEAF_DAYS, now):
            return None
        return Authority(folder, signed) if (folder / FILE).exists() else None

    def make() -> Authority:
        signed = _stored(folder)
        if signed is not None and signed.lasts(LEAF_DAYS, now):
            return _put(folder, signed)  # whose file was removed
        return _made(folder, wanted, now)

    authority = _had(folder, found, make)
    permitted = authority.signed.speaks_for().texts
    missing = [host for host in wanted.texts if host not in permitted]
    if missing:
        raise StartRefused(
            f"listen.tls: the authority {authority.file} may not speak for {missing[0]}; make a "
            "new one that may with runreel tls renew, and let clients trust that"
        )
    return authority


def renew(folder: Path, hosts: Collection[str], now: datetime) -> Authority:
    """A new authority in a folder, for these hosts and for those that the old one had.

    Raises:
        StartRefused: it cannot be made.
    """
    wanted = _checked(hosts)
    return _had(folder, lambda: None, lambda: _made(folder, wanted, now))


def _checked(hosts: Collection[str]) -> Hosts:
    try:
        return Hosts.of(hosts)
    except ValueError as error:
        raise StartRefused(
            f"listen.tls: {str(error)!r} of listen.host or listen.allowed_hosts cannot stand in a "
            "certificate; write a host's name or address there, or name a certificate of your own "
            "in listen.tls_cert"
        ) from None


def _stored(folder: Path) -> Signed | None:
    path = folder / KEY
    try:
        signed = _read(path)
        if signed is None:
            return None
        signed.speaks_for()
    except ValueError:
        raise StartRefused(
            f"{path}: holds no authority of runreel that can be read; make a new one with runreel "
            "tls renew"
        ) from None
    if path.stat().st_mode & _OF_OTHERS:
        raise StartRefused(
            f"{path}: other users may open it, so that the key may be no secret any more; make a "
            "new one with runreel tls renew"
        )
    return signed


def _made(folder: Path, wanted: Hosts, now: datetime) -> Authority:
    try:
        before = _stored(folder)
    except StartRefused:  # it is what is mended here
        before = None
    if before is not None:
        wanted = wanted | before.speaks_for()
    _drop_leaves(folder, datetime.max.replace(tzinfo=UTC))
    return _put(folder, new_authority(wanted, now))


def _put(folder: Path, signed: Signed) -> Authority:
    replace_file(folder / KEY, signed.pem, _PRIVATE)
    replace_file(folder / FILE, signed.public_pem, _PUBLIC)
    return Authority(folder, signed)


def _read(path: Path) -> Signed | None:
    try:
        return Signed.read(path.read_bytes())
    except FileNotFoundError:
        return None


def _drop_leaves(folder: Path, written_before: datetime) -> None:
    """Remove what nobody listens with any more, so that the folder does not grow."""
    for path in folder.glob("leaf-*.pem"):
        if path.stat().st_mtime < written_before.timestamp():
            path.unlink(missing_ok=True)


def _had(folder: Path, found: Callable[[], Thing | None], make: Callable[[], Thing]) -> Thing:
    """What is found, or else is made while nobody else makes anything."""
    try:
        there = found()
        if there is not None:
            return there
        with _alone_in(folder):
            there = found()
            return there if there is not None else make()
    except OSError as error:
        raise StartRefused(
            f"listen.tls: {error.filename or folder} cannot be used ({error.strerror}); the local "
            "authority is kept in that folder, and XDG_STATE_HOME sets another one"
        ) from None


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    make_folders(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    lock = take_lock(folder / _LOCK, wait=True)
    assert lock is not None  # noqa: S101 - it was waited for
    try:
        yield
    finally:
        release_lock(folder / _LOCK, lock)
