"""`runreel demo`: the whole of it in a few seconds, with no key and no network."""

from pathlib import Path

import click

_HELP = """Show what runreel does: record, stop the upstream, replay, miss, audit.

Everything happens on this machine, with the simulator in the place of the API: no key, no network.
Each step names the command that does it for real. What is written is removed again, unless --keep
names a folder for it.

\b
Example:
  runreel demo
  runreel demo --keep tryout
"""


@click.command("demo", help=_HELP)
@click.option("--keep", type=click.Path(path_type=Path), help="Folder to keep what is written in.")
def demo(keep: Path | None) -> None:
    """Tell the story as it happens."""
    import tempfile

    if keep is not None:
        _make(keep)
        _tell(keep, kept=True)
        return
    with tempfile.TemporaryDirectory(prefix="runreel-demo-") as folder:
        _tell(Path(folder), kept=False)


def _tell(folder: Path, *, kept: bool) -> None:
    from runreel.cli.audit.log import log
    from runreel.demo import AUDIT, audit_command, story

    number = 0
    for number, step in enumerate(story(folder, kept=kept), start=1):
        _say(number, step.title, step.command, step.seen)
    title = "Every change stands in the audit log"
    _say(number + 1, title, audit_command(folder, kept=kept), ())
    log.main(["--audit", str(folder / AUDIT)], standalone_mode=False)


def _say(number: int, title: str, command: str, seen: tuple[str, ...]) -> None:
    from runreel.cli.terminal import paint, safe, say

    if number > 1:
        say()
    say(paint(f"{number}. {title}", bold=True))
    say(f"   {paint(f'$ {command}', fg='cyan')}")
    for line in seen:
        say(f"   {safe(line)}")


def _make(folder: Path) -> None:
    """Make the folder that is kept, with a folder in it: so that it can be written is known now."""
    from runreel.core.errors import StartRefused

    remedy = "name an empty or a new folder with --keep"
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise StartRefused(f"{folder}: is there already; {remedy}")
        (folder / "cassettes").mkdir(parents=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StartRefused(f"{folder}: cannot be written: {reason}; {remedy}") from None
