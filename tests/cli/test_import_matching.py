from pathlib import Path

from cli_tools import Tool
from foreign import har, har_entry
from runreel.cassettes import interactions, load


def test_an_import_is_written_and_named_under_the_configured_rules(
    tool: Tool, tmp_path: Path
) -> None:
    har(tmp_path / "old.har", har_entry())
    plain = tool("import", "old.har", "--to", "plain")
    (tmp_path / "runreel.toml").write_text('[match]\nignore_body = ["/metadata"]\n')
    ruled = tool("import", "old.har", "--to", "ruled")

    assert (plain.code, ruled.code) == (0, 0)
    first, second = (load(tmp_path / f"cassettes/{name}.json") for name in ("plain", "ruled"))
    assert second.match_on == (*first.match_on, "-body./metadata")
    (one,), (other,) = interactions(first), interactions(second)
    assert one.request == other.request
    assert one.id != other.id
