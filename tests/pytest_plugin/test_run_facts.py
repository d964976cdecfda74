"""What the processes of one run know together."""

from pathlib import Path

from runreel.pytest_plugin.proxy import RunFacts

FILE = Path("cassettes/mine.json")


def test_the_first_process_to_ask_decides_for_all_of_a_run(tmp_path: Path) -> None:
    first, second = RunFacts(tmp_path), RunFacts(tmp_path)

    assert first.existed(FILE, lambda: False) is False
    assert second.existed(FILE, lambda: True) is False
    assert second.existed(Path("cassettes/other.json"), lambda: True) is True


def test_a_cassette_is_claimed_once(tmp_path: Path) -> None:
    first, second = RunFacts(tmp_path), RunFacts(tmp_path)

    assert first.claimed(FILE) is False
    assert first.claim(FILE) is True
    assert (first.claimed(FILE), second.claimed(FILE)) == (True, True)
    assert (first.claim(FILE), second.claim(FILE)) == (False, False)


def test_a_process_alone_needs_no_folder() -> None:
    facts = RunFacts(None)

    assert facts.existed(FILE, lambda: False) is False
    assert facts.existed(FILE, lambda: True) is False
    assert (facts.claim(FILE), facts.claim(FILE)) == (True, False)
