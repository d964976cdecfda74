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
    from runreel.cli.terminal import paint, safe, say
    from runreel.demo import story

    for number, step in enumerate(story(folder), start=1):
        say(f"{paint(f'{number}. {step.title}', bold=True)}")
        say(f"   {paint(f'$ {step.command}', fg='cyan')}")
        for line in step.seen:
            say(f"   {safe(line)}")
        say()


def _refuse_what_is_there(folder: Path) -> None:
    from runreel.core.errors import StartRefused

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StartRefused(f"{folder}: is there already; name an empty or a new folder with --keep")
