"""The `runreel` command with file names that can be told beforehand, for strace to filter by.

The first argument is a number that keeps the names of one start from those of another. One worker
thread does all that is blocking, because strace counts the calls of each thread for itself. Nothing
else differs from the command.
"""

import concurrent.futures
import itertools
import secrets
import sys
from functools import partial
from pathlib import Path

from runreel.cli.main import main

STARTS_MAX = 4
NAMES_MAX = 6  # of one start: its journal's writer first, then temporary files


def name(start: int, number: int) -> str:
    """What `secrets.token_hex(8)` gives for the n-th time, from 1."""
    return f"{start:08x}{number:08x}"


def paths(folder: Path) -> list[Path]:
    """Every path below a folder that some starts can touch, and the folder."""
    tokens = [name(*pair) for pair in itertools.product(range(STARTS_MAX), range(1, NAMES_MAX))]
    journals = [
        folder / f".default.{token}.{part:04}.journal" for token in tokens for part in range(1, 5)
    ]
    temporary = [folder / f".default.json.{token}.tmp" for token in tokens]
    lock = folder / ".default.lock"
    return [folder, folder / "default.json", lock, *journals, *temporary]


if __name__ == "__main__":
    numbers = itertools.count(1)
    start = int(sys.argv.pop(1))
    salt = "5a17" * 8
    # Names are of 8 bytes; all else that is random is the salt of a cassette, and names no file.
    secrets.token_hex = lambda nbytes=None: name(start, next(numbers)) if nbytes == 8 else salt
    concurrent.futures.ThreadPoolExecutor = partial(  # type: ignore[assignment,misc]  # see above
        concurrent.futures.ThreadPoolExecutor, max_workers=1
    )
    main()
