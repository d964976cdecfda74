"""What the processes of one run know together."""

import io
from pathlib import Path

from runreel.pytest_plugin.proxy import RunFacts
from runreel.server.embedded import Commands

FILE = Path("cassettes/mine.json")


class Files:
    """Those of the proxy, without a pipe."""

    def __init__(self) -> None:
        self._commands = Commands(io.StringIO())

    def exists(self, file: Path) -> bool:
        return self._commands.exists(str(file))

    def first(self, file: Path, text: str) -> str:
        return self._commands.first(str(file), text)


def test_the_first_process_to_ask_decides_for_all_of_a_run(tmp_path: Path) -> None:
    first, second = RunFacts(tmp_path, Files), RunFacts(tmp_path, Files)

    assert first.existed(FILE, lambda: False) is False
    assert second.existed(FILE, lambda: True) is False
    assert second.existed(Path("cassettes/other.json"), lambda: True) is True


def test_a_cassette_is_claimed_once(tmp_path: Path) -> None:
    first, second = RunFacts(tmp_path, Files), RunFacts(tmp_path, Files)

    assert first.claimed(FILE) is False
    assert first.claim(FILE) is True
    assert (first.claimed(FILE), second.claimed(FILE)) == (True, True)
    assert (first.claim(FILE), second.claim(FILE)) == (False, False)


def test_a_process_alone_needs_no_folder() -> None:
    facts = RunFacts(None, Files)

    assert facts.existed(FILE, lambda: False) is False
    assert facts.existed(FILE, lambda: True) is False
    assert (facts.claim(FILE), facts.claim(FILE)) == (True, False)
