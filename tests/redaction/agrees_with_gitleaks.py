"""Whether gitleaks agrees: what it finds in what is stored, and what `check` does not find.

    python tests/redaction/agrees_with_gitleaks.py [--gitleaks PATH]

The table of placements and a secret of each kind that scanners know are planted in a cassette by
hand, and recorded into another one. It is a command and no test, since it takes minutes to build:
`go install github.com/zricethezav/gitleaks/v8@latest`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from builders import a_cassette
from placing import PAIRS, exchange
from runreel.cassettes.check import check
from runreel.cassettes.format import dump
from runreel.redaction.redactor import Redacted, Redaction
from runreel.redaction.rules import OURS
from scanned import samples

# It finds a value by the name before it, so also what stands there instead, and is not counted.
BY_NAME = "generic-api-key"


def found(gitleaks: str, text: str, folder: Path) -> list[dict[str, Any]]:
    """What it finds in a file with that text."""
    (folder / "cassette.json").write_text(text, "utf-8")
    report = folder / "report.json"
    options = ("--no-banner", "--exit-code", "0", "--log-level", "error")
    written = ("--report-format", "json", "--report-path", str(report))
    subprocess.run([gitleaks, "dir", folder / "cassette.json", *written, *options], check=True)
    findings: list[dict[str, Any]] = json.loads(report.read_text("utf-8"))
    return findings


def main() -> int:
    """The exit status: 0 if they agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gitleaks", default="gitleaks")
    gitleaks = parser.parse_args().gitleaks
    planted = [*(exchange(true) for true, _ in PAIRS), *samples()]
    by_hand = dump(a_cassette(*map(Redacted, planted)))
    stored = dump(a_cassette(*(Redaction().interaction(item.request, item) for item in planted)))
    places = [item.at for item in check(by_hand, Redaction()) if item.rule != "redaction"]
    starts = [
        at for at, line in enumerate(by_hand.splitlines(), 1) if line.startswith('      "id"')
    ]
    with tempfile.TemporaryDirectory() as folder:
        before = found(gitleaks, by_hand, Path(folder))
        after = found(gitleaks, stored, Path(folder))
    left = [
        item for item in after if not (item["RuleID"] == BY_NAME and OURS.search(item["Match"]))
    ]
    missed = []
    for item in before:
        number = sum(start <= item["StartLine"] for start in starts) - 1
        if not any(at.startswith(f"/interactions/{number}/") for at in places):
            missed.append(item)
    print(
        f"planted: {len(planted)}; check finds {len({at.split('/')[2] for at in places})} of them"
    )
    print(f"gitleaks finds {Counter(item['RuleID'] for item in before)}")
    print(f"of those check does not find {[item['RuleID'] for item in missed]}")
    print(f"in what is stored gitleaks finds {[item['RuleID'] for item in left]}")
    return int(bool(left or missed))


if __name__ == "__main__":
    sys.exit(main())
