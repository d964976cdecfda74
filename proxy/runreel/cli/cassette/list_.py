"""`runreel cassette list`: what there is."""

import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runreel.cli.cassette.options import configuration, of_cassettes
from runreel.core.errors import CassetteDamaged

if TYPE_CHECKING:
    from runreel.stores.files import FileStore

_UNITS = (("y", 31_536_000), ("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_TITLES = ("NAME", "INTERACTIONS", "AGE", "PROFILE", "SIZE", "VIOLATIONS")


@click.command(
    "list",
    help="List cassettes: interactions, age of the newest one, profile, size, violations.\n\n\b\n"
    "Example:\n  runreel cassette list --json",
)
@click.option("--json", "as_json", is_flag=True, help="As a JSON array.")
@of_cassettes
def list_(config: Path | None, cassettes: Path | None, *, as_json: bool) -> None:
    """Print a row for each cassette; exit with 1 if one is damaged."""
    from runreel.cli.terminal import columns, safe, say, say_json
    from runreel.clock import SystemClock
    from runreel.stores.files import FileStore

    folder = configuration(config, cassettes).cassettes
    store = FileStore(folder)
    now = SystemClock().now()
    rows = [_row(store, folder, name, now) for name in store.names()]
    if as_json:
        say_json(rows)
    elif rows:
        whole = iter(columns([_TITLES, *(_cells(row) for row in rows if "damaged" not in row)]))
        say(next(whole))
        for row in rows:
            damaged = f"{row['name']}  damaged: {row.get('damaged')}"
            say(safe(damaged if "damaged" in row else next(whole)))
    else:
        say(f"runreel: there are no cassettes in {safe(str(folder))}", err=True)
    if any("damaged" in row for row in rows):
        sys.exit(1)


def _row(store: "FileStore", folder: Path, name: str, now: datetime) -> dict[str, Any]:
    from runreel.stores.journals import parts_of

    path = folder / f"{name}.json"
    files = [path, *(part.path for part in parts_of(path))]
    size = sum(file.stat().st_size for file in files if file.exists())
    try:
        stored = store.load(name)
    except CassetteDamaged as error:
        return {"name": name, "bytes": size, "damaged": str(error)}
    if stored is None:
        return {"name": name, "bytes": size, "damaged": "an empty journal and no cassette"}
    found = [item.value for item in stored.cassette.interactions]
    newest = max((item.recorded_at for item in found), default=None)
    severities = Counter(violation.severity for item in found for violation in item.violations)
    return {
        "name": name,
        "interactions": len(found),
        "newest": newest and newest.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "age_s": newest and max(0, int((now - newest).total_seconds())),
        "profile": stored.cassette.profile,
        "bytes": size,
        "violations": {"error": severities["error"], "advice": severities["advice"]},
    }


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    from runreel.cli.terminal import counted

    errors, advice = row["violations"]["error"], row["violations"]["advice"]
    told = [counted(errors, "error")] * bool(errors) + [f"{advice:,} advice"] * bool(advice)
    return (
        row["name"],
        f"{row['interactions']:,}",
        _age(row["age_s"]),
        row["profile"],
        _size(row["bytes"]),
        ", ".join(told) or "none",
    )


def _age(seconds: int | None) -> str:
    if seconds is None:
        return "-"
    unit, length = next((pair for pair in _UNITS if seconds >= pair[1]), _UNITS[-1])
    return f"{seconds // length} {unit}"


def _size(count: int) -> str:
    for unit, length in (("MB", 1_000_000), ("kB", 1_000)):
        if count >= length:
            return f"{count / length:.1f} {unit}"
    return f"{count} B"
