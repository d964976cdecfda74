"""What the command line adds to the configuration."""

from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import TextIO


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options of one run; `log` is where log lines go.

    `listener` is a bound socket to listen on, in place of the configured address.
    """

    log: TextIO
    log_as_json: bool = False
    quiet: bool = False
    receipt: Path | None = None
    allow_regress: bool = False
    prune: bool = False
    listener: socket | None = None
