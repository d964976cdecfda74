"""Work that tells where it is done. A module of the tests' root: another process imports it."""

import os

from runreel.errors import Unredactable


def where() -> int:
    return os.getpid()


def fails() -> None:
    raise Unredactable("as it was said")
