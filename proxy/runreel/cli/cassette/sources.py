"""Cassettes as the commands name them: by name, or by file.

Owns how the two are told apart, and the sentences for what is not there.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from runreel.core.errors import StartRefused

if TYPE_CHECKING:
    from runreel.ports import Stored
    from runreel.stores.files import FileStore

_REMEDY = "runreel cassette list shows those there are, and --cassettes DIR looks elsewhere"


def is_file(text: str) -> bool:
    """Whether the text is a file: it ends in .json, or it cannot be a name and is there."""
    from runreel.core.cassette import NotACassetteName, check_name

    if text.endswith(".json"):
        return True
    try:
        check_name(text)
    except NotACassetteName:
        return Path(text).exists()
    return False


def named(text: str) -> str:
    """The text, if it can name a cassette.

    Raises:
        StartRefused: it cannot; says what can.
    """
    from runreel.core.cassette import NotACassetteName, check_name

    try:
        return check_name(text)
    except NotACassetteName as error:
        raise StartRefused(str(error)) from None


def read(store: "FileStore", text: str) -> "Stored":
    """The cassette of a name, with its journals, or that of a file alone.

    Raises:
        StartRefused: there is no such cassette.
        CassetteDamaged: it is there but cannot be trusted; names the place.
    """
    from runreel.stores.reading import read_file

    by_file = is_file(text)
    stored = read_file(Path(text)) if by_file else store.load(named(text))
    if stored is None:
        raise missing(text)
    return stored


def missing(text: str) -> StartRefused:
    """What to raise for a cassette that is not there."""
    if is_file(text):
        return StartRefused(f"{text}: there is no such file")
    return StartRefused(f"there is no cassette '{text}'; {_REMEDY}")
