"""The receipt as a file, for scripts.

Owns where it may be written and its bytes; what it says is `receipt`.
"""

import json
from pathlib import Path
from typing import Any

from runreel.core.errors import StartRefused, StoreFailed


def check_receipt(path: Path | None) -> None:
    """Return if a receipt can be expected to be written there at the end; None is for nowhere.

    Raises:
        StartRefused: it cannot.
    """
    if path is not None and (path.is_dir() or not path.parent.is_dir()):
        raise StartRefused(
            f"{path}: the receipt cannot be written there; name a file in a folder that exists "
            "with --receipt"
        )


def write_receipt(path: Path, document: dict[str, Any]) -> None:
    """Write a receipt.

    Raises:
        StoreFailed: it cannot be written there.
    """
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    try:
        # Half a surrogate pair, which JSON may escape but UTF-8 cannot hold, stays escaped.
        path.write_bytes(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise StoreFailed(f"{path}: the receipt cannot be written: {error.strerror}") from None
