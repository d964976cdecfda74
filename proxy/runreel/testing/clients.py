"""How clients find the proxy: an address known before anything listens there, and who is told it.

Owns the variables of the environment that lead there, and that they are put back. Imports nothing
that takes time: it runs before the first test.
"""

import socket
import tomllib
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from runreel.core.bypass import bypass

PLACEHOLDER_KEY = "none-needed"  # the SDKs refuse to start without one
_BASE_PATH = "/v1"


class Address:
    """A port of this machine that is ours from now on; who calls before we listen is refused.

    `set_variables` leads clients there, `give_back` puts the environment back as it was.
    """

    def __init__(self, base_path: str) -> None:
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self.socket.getsockname()[1]}{base_path}"
        self._before: dict[str, str | None] = {}

    def set_variables(self, environment: MutableMapping[str, str]) -> None:
        """Lead all clients that are made from now on here."""
        changed = bypass(environment) | {"OPENAI_BASE_URL": self.base_url}
        if not environment.get("OPENAI_API_KEY"):
            changed["OPENAI_API_KEY"] = PLACEHOLDER_KEY
        self._before = {name: environment.get(name) for name in changed}
        environment.update(changed)

    def give_back(self, environment: MutableMapping[str, str]) -> None:
        """Undo it all."""
        for name, value in self._before.items():
            if value is None:
                environment.pop(name, None)
            else:
                environment[name] = value
        self._before = {}
        self.socket.close()


def base_path(file: Path | None, environment: Mapping[str, str]) -> str:
    """The setting `base_path`, without what a whole configuration takes to load; if it is wrong,
    who loads that will say so.
    """
    if (set_to := environment.get("RUNREEL_BASE_PATH")) is not None:
        return set_to
    if file is None:
        return _BASE_PATH
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8")).get("base_path", _BASE_PATH)
    except (OSError, ValueError):
        return _BASE_PATH
    return told if isinstance(told, str) else _BASE_PATH
