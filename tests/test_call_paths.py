from pathlib import Path

from call_paths import MOST, paths


async def test_a_call_runs_through_no_more_files_than_its_ideas_need(tmp_path: Path) -> None:
    found = {name: len(files) for name, files in (await paths(tmp_path)).items()}

    assert {name: count for name, count in found.items() if count > MOST[name]} == {}
    assert min(found.values()) > 10  # it has looked
