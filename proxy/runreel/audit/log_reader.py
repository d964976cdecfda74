"""The files of an audit log, read line by line.

Owns their names and order, and that a reader sees one state while runreel writes on. Never writes,
holds one line at a time, and imports nothing of what writes the log.
"""

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from runreel.audit.verification import LINE_BYTES_MAX, Line
from runreel.errors import AuditDamaged, StartRefused

CURRENT = "metadata.jsonl"
CHECKPOINTS = "checkpoints.log"
_ROTATED = re.compile(r"metadata\.(\d{6,})\.jsonl", re.ASCII)


@dataclass(frozen=True)
class AuditLog:
    """An audit log that is there; its lines can be read once.

    `missing` are files that should be there. Without the current one the log is whole for as long
    as there is no room to begin it; `gap` is the first missing one that cannot be explained so.
    """

    entries: Iterator[Line]
    checkpoints: Iterator[Line]
    missing: tuple[str, ...]
    gap: str | None


@contextmanager
def opened(folder: Path) -> Iterator[AuditLog]:
    """The log in a folder, as it is now: what is written from now on may be seen or not.

    Raises:
        StartRefused: there is none.
        AuditDamaged: it cannot be read.
    """
    try:
        with ExitStack() as stack:
            yield _log(folder, stack)
    except OSError as error:
        where = error.filename or folder
        raise AuditDamaged(f"{where}: cannot be read: {error.strerror}") from None


def _log(folder: Path, stack: ExitStack) -> AuditLog:
    # Checkpoints first: each is written after the entries that it speaks of.
    checkpoints = _open(folder / CHECKPOINTS, stack)
    current = _open(folder / CURRENT, stack)
    rotated = _rotated(folder)
    if not rotated and current is None and checkpoints is None:
        raise StartRefused(f"{folder}: there is no audit log; name its folder with --audit DIR")
    numbers = set(rotated)
    gaps = [
        str(folder / f"metadata.{number:06}.jsonl")
        for number in range(1, max(numbers, default=0) + 1)
        if number not in numbers
    ]
    missing = gaps if current else [*gaps, str(folder / CURRENT)]
    gap = missing[0] if gaps or (not rotated and missing) else None
    if current is not None:
        opened_as = os.fstat(current.fileno())
        if any(os.path.samestat(opened_as, path.stat()) for path in rotated.values()):
            current = None  # it was rotated since
    known = os.fstat(checkpoints.fileno()).st_size if checkpoints else 0
    return AuditLog(
        _entries([rotated[number] for number in sorted(numbers)], folder / CURRENT, current),
        _lines(folder / CHECKPOINTS, checkpoints, known),
        tuple(missing),
        gap,
    )


def _open(path: Path, stack: ExitStack) -> BinaryIO | None:
    try:
        return stack.enter_context(path.open("rb"))
    except (FileNotFoundError, NotADirectoryError):
        return None


def _rotated(folder: Path) -> dict[int, Path]:
    try:
        found = ((_ROTATED.fullmatch(path.name), path) for path in folder.iterdir())
        return {int(match[1]): path for match, path in found if match}
    except (FileNotFoundError, NotADirectoryError):
        return {}


def _entries(rotated: list[Path], path: Path, current: BinaryIO | None) -> Iterator[Line]:
    for each in rotated:
        with each.open("rb") as file:
            yield from _lines(each, file)
    yield from _lines(path, current)


def _lines(path: Path, file: BinaryIO | None, end: int | None = None) -> Iterator[Line]:
    """The lines that begin before byte `end`."""
    if file is None:
        return
    name, number, at = str(path), 0, 0
    while (end is None or at < end) and (content := file.readline(LINE_BYTES_MAX + 1)):
        number += 1
        at += len(content)
        yield Line(name, number, content)
