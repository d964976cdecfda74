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
        _refuse_what_is_there(keep)
        _tell(keep)
        return
    with tempfile.TemporaryDirectory(prefix="runreel-demo-") as folder:
        _tell(Path(folder))


def _tell(folder: Path) -> None:
    from runreel.cli.audit.log import log
    from runreel.demo import story

    number = 0
    for number, step in enumerate(story(folder), start=1):
        _say(number, step.title, step.command, step.seen)
    _say(number + 1, "Every change stands in the audit log", "runreel audit log", ())
    log.main(["--audit", str(folder / "audit")], standalone_mode=False)


def _say(number: int, title: str, command: str, seen: tuple[str, ...]) -> None:
    from runreel.cli.terminal import paint, safe, say

    if number > 1:
        say()
    say(paint(f"{number}. {title}", bold=True))
    say(f"   {paint(f'$ {command}', fg='cyan')}")
    for line in seen:
        say(f"   {safe(line)}")


def _refuse_what_is_there(folder: Path) -> None:
    from runreel.core.errors import StartRefused

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StartRefused(f"{folder}: is there already; name an empty or a new folder with --keep")
