"""What an earlier writer of an audit log has left: where the chain ends, and what is not concluded.

Owns the names of the files, the cutting off of a line that a crash has torn, and the search for
intents without outcomes. Only a line without its end is torn: a whole one that is no entry was
altered, and stays where whoever verifies the log will find it. Raises OSError as it comes.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import orjson

from runreel.core.audit.chain import Link, digest
from runreel.core.audit.entries import Entry, parse_entry
from runreel.core.errors import StartRefused
from runreel.stores.durable import NEW_FILE, sync, write_all

CURRENT = "metadata.jsonl"
SEARCHED_BYTES_MAX = 268_435_456  # of the newest files, for intents without outcomes
_ROTATED = re.compile(r"metadata\.(\d{6,})\.jsonl")
_TORN = re.compile(r".+\.(\d+)\.torn")


def rotated(folder: Path) -> list[Path]:
    """The files before the current one, oldest first."""
    found = ((path, _ROTATED.fullmatch(path.name)) for path in folder.iterdir())
    numbered = sorted((int(match[1]), path) for path, match in found if match)
    return [path for _, path in numbered]


def next_rotated(folder: Path) -> Path:
    """Where the current file goes when the next one begins."""
    last = rotated(folder)[-1:]
    match = _ROTATED.fullmatch(last[0].name) if last else None
    return folder / f"metadata.{int(match[1]) + 1 if match else 1:06}.jsonl"


def cut_torn_line(path: Path) -> str | None:
    """Keep what stands after the last line feed in a file of its own; a sentence about it."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    return _put_aside(path, content, content.rfind(b"\n") + 1)


def last_link(folder: Path) -> tuple[Link, str | None]:
    """Where the chain ends; and a sentence if it ends with lines that are no entries.

    Each of those counts as one in the link, which holds the hash of the last entry: the chain goes
    on, and neither with those lines nor with any others in their place is it ever whole again.

    Raises:
        StartRefused: there are lines, and none is an entry.
    """
    bad = 0
    for path in (folder / CURRENT, *reversed(rotated(folder))):
        for line in _lines_from_the_end(path) if path.exists() else ():
            if _is_entry(line):
                entry = parse_entry(orjson.loads(line))
                return Link(entry.seq + bad, entry.hash), _altered(folder, bad) if bad else None
            bad += 1
    if bad:
        raise StartRefused(
            f"{folder / CURRENT}: holds no entry of an audit log; restore it, or set audit.path to "
            "another folder"
        )
    return Link(), None


def rejoined(folder: Path, found: Link, lost: Link) -> tuple[Link, str | None]:
    """Where the chain goes on whose file was gone for a while, if it ended with `lost`.

    If that entry is not there any more, the next one fits to nothing that is, and there is a
    sentence about it. `found` is where the chain ends that is there now.
    """
    files = (folder / CURRENT, *reversed(rotated(folder)))
    sealed = b'"hash":"%b"' % lost.hash.encode("ascii")
    if not lost.seq or any(sealed in path.read_bytes() for path in files if path.exists()):
        return found, None
    return Link(max(found.seq, lost.seq), lost.hash), (
        f"{folder / CURRENT}: goes on after entry {lost.seq}, which is not there any more; put "
        "back what was removed, or runreel audit verify names the gap"
    )


def unmet_checkpoint(folder: Path, checkpoints: Path, link: Link) -> str | None:
    """A sentence if the last checkpoint does not fit the log, which ends with `link`."""
    try:
        last = checkpoints.read_bytes().splitlines()[-1:]
    except FileNotFoundError:
        return None
    if not last or _is_met(folder, last[0], link):
        return None
    return (
        f"{checkpoints}: the last checkpoint does not fit the log, which was cut off, rolled back "
        "or rewritten since, or it was altered itself; runreel audit verify names the place"
    )


def _is_met(folder: Path, line: bytes, link: Link) -> bool:
    document = orjson.loads(line) if _is_json(line) else {}
    size, seal = document.get("size"), document.get("hash")
    if size == link.seq:
        return bool(seal == link.hash)
    if not isinstance(size, int) or size > link.seq:
        return False
    numbered = b'"seq":%d,' % size
    for path in (folder / CURRENT, *reversed(rotated(folder))):
        for each in _lines_from_the_end(path) if path.exists() else ():
            entry = orjson.loads(each) if numbered in each and _is_json(each) else {}
            if entry.get("seq") == size:
                return bool(entry.get("hash") == seal)
    return False


def unconcluded(folder: Path) -> list[Entry]:
    """The intents without outcomes in the newest files, in their order."""
    concluded: set[int] = set()
    found: list[Entry] = []
    left = SEARCHED_BYTES_MAX
    for path in (folder / CURRENT, *reversed(rotated(folder))):
        if left <= 0 or not path.exists():
            continue
        left -= path.stat().st_size
        for line in _lines_from_the_end(path):
            if b'"kind":"observation"' in line or not _is_json(line):
                continue
            document = orjson.loads(line)
            concludes, seq = document.get("intent"), document.get("seq")
            if isinstance(concludes, int):
                concluded.add(concludes)
            elif document.get("kind") == "intent" and isinstance(seq, int) and seq not in concluded:
                with suppress(ValueError):  # no entry: for whoever verifies the log
                    found.append(parse_entry(document))
    return found[::-1]


def _lines_from_the_end(path: Path) -> Iterator[bytes]:
    content = path.read_bytes()
    end = len(content) - content.endswith(b"\n")
    while end > 0:
        start = content.rfind(b"\n", 0, end) + 1
        yield content[start:end]
        end = start - 1


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(orjson.loads(line), dict)
    except ValueError:
        return False


def _is_entry(line: bytes) -> bool:
    try:
        entry = parse_entry(orjson.loads(line))
        return digest(entry) == entry.hash
    except ValueError:
        return False


def _altered(folder: Path, lines: int) -> str:
    which = "last line is no entry" if lines == 1 else f"last {lines} lines are no entries"
    return (
        f"{folder / CURRENT}: the {which} of an audit log: altered since, or put there by somebody "
        "else; nothing was removed, and runreel audit verify names the place"
    )


def _put_aside(path: Path, content: bytes, end: int) -> str | None:
    if end == len(content):
        return None
    numbers = (_TORN.fullmatch(each.name) for each in path.parent.iterdir())
    number = max((int(match[1]) for match in numbers if match), default=0) + 1
    torn = path.with_name(f"{path.name}.{number}.torn")
    descriptor = os.open(torn, NEW_FILE, 0o600)
    try:
        write_all(descriptor, content[end:])
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync(path.parent)
    os.truncate(path, end)
    sync(path)
    return (
        f"{path}: the last {len(content) - end} bytes, from byte {end}, are no whole entry (a "
        f"crash while it was written) and were moved to {torn.name}"
    )
