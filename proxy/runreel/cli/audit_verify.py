"""`runreel audit verify`: is the log whole and unaltered? Shares no code with what writes it."""

import sys
from dataclasses import asdict, replace
from pathlib import Path

import click

from runreel.audit import verification
from runreel.audit.log_reader import opened
from runreel.audit.verification import (
    Checkpoint,
    Finding,
    Unreadable,
    Verdict,
    checkpoint_line,
    checkpoint_of,
)
from runreel.cli.config import PATH, audit_folder, of_config
from runreel.cli.output import paint, say, say_json
from runreel.errors import StartRefused
from runreel.text import counted, safe


@click.command(
    "verify",
    help="Verify that the audit log is whole and unaltered: the form and hash of each entry, the "
    "chain of them through all files, every checkpoint, and that each change has its outcome. "
    "Exit code 1 on any finding.\n\n"
    "Whoever can write the folder can write a new log with new checkpoints. Keep a checkpoint "
    "elsewhere, and give it (its file, or the line itself) as the anchor.\n\n\b\n"
    "Example:\n  runreel audit verify --anchor kept-elsewhere.json",
)
@click.option("--audit", type=PATH, help="Folder of the log [audit].")
@click.option("--anchor", metavar="CHECKPOINT", help="A checkpoint that was kept elsewhere.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@of_config
def verify(audit: Path | None, anchor: str | None, config: Path | None, *, as_json: bool) -> None:
    """Print what is wrong first, or how far the log is proved and what to keep of it."""
    kept = None if anchor is None else _checkpoint(anchor)
    with opened(audit_folder(config, audit)) as log:
        gone = tuple(Finding("missing", file, None, None, _GONE) for file in log.missing)
        verdict = verification.verify(log.entries, log.checkpoints, kept)
    verdict = replace(verdict, findings=gone + verdict.findings)
    if as_json:
        keep = _to_keep(verdict)
        say_json({"intact": not verdict.findings} | asdict(verdict) | {"anchor": keep})
    else:
        _tell(verdict, anchored=kept is not None)
    if verdict.findings:
        sys.exit(1)


def _checkpoint(text: str) -> Checkpoint:
    """The checkpoint of a file, or of the text itself."""
    if text.lstrip().startswith("{"):
        name, content = "--anchor", text.encode("utf-8", "surrogateescape")
    else:
        name = text
        try:
            with Path(text).open("rb") as file:
                content = file.read(_ANCHOR_BYTES_MAX)
        except (OSError, ValueError):
            raise StartRefused(
                f"{text}: the anchor cannot be read; give a file with one line of checkpoints.log, "
                "or that line"
            ) from None
    try:
        return checkpoint_of(content)
    except Unreadable as error:
        raise StartRefused(
            f"{name}: {error}; give one line of checkpoints.log, as a file or as text"
        ) from None


_GONE = "this file of the log is not there"
_ANCHOR_BYTES_MAX = 4_096  # a checkpoint has about 130


def _tell(verdict: Verdict, *, anchored: bool) -> None:
    for finding in verdict.findings:
        say(_line(finding))
    keep = _to_keep(verdict)
    if keep is None and verdict.findings:
        say(paint(f"runreel: nothing is proved after entry {verdict.sealed:,}", fg="red"))
        return
    against = f"{counted(verdict.met, 'checkpoint')}{' and the anchor' * anchored}"
    entries = counted(verdict.size, "entry", "entries")
    say(f"runreel: {entries}, each following from the one before, verified against {against}")
    if verdict.size > verdict.sealed:
        since = f" after entry {verdict.sealed:,}" if verdict.sealed else ""
        say(f"There is no checkpoint{since} yet: if later entries were cut off, nothing shows it.")
    if keep is not None:
        say("Keep this line where nobody who can change the log can change it, for --anchor:")
        say(keep)


def _line(finding: Finding) -> str:
    colour = "yellow" if finding.kind == "open_intent" else "red"
    where = f"{finding.file}:{finding.line}" if finding.line else finding.file
    seq = f"entry {finding.seq}: " if finding.kind == "open_intent" else ""
    place = f"{safe(where)}: " if where else ""
    return f"{place}{paint(seq + finding.message, fg=colour)}"


def _to_keep(verdict: Verdict) -> str | None:
    """The checkpoint that this verdict makes, unless nothing is known."""
    if verdict.at is None or any(each.kind != "open_intent" for each in verdict.findings):
        return None
    return checkpoint_line(Checkpoint(verdict.at, verdict.hash, verdict.size))
