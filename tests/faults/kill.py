"""The long form of the crash tests, for a night or before a release.

python tests/faults/kill.py --times 1000     kill recorders under load, ten on each cassette
python tests/faults/kill.py --injected       fail and kill every call of a recording and of the
                                             starts that follow a crash; needs strace
"""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

sys.path.insert(0, str(Path(__file__).parents[1]))

from faults.injecting import (
    EIO,
    ENOSPC,
    INTERACTIONS,
    KILL,
    Case,
    Fault,
    Start,
    calls_of,
    faults_of,
    recording,
    sweep,
)
from faults.killing import kill_again_and_again
from faults.recording_under_load import Traffic

KILLS_OF_A_CASSETTE = 10
CASES_AT_A_TIME = 20  # between two lines of progress


async def kills(times: int, seed: int, folder: Path) -> bool:
    """Whether so many kills did no harm; stops at the first that did."""
    acknowledged = 0
    for done in range(0, times, KILLS_OF_A_CASSETTE):
        cwd = Path(tempfile.mkdtemp(dir=folder))
        some = min(KILLS_OF_A_CASSETTE, times - done)
        async with Traffic(seed) as traffic:
            wrong = await kill_again_and_again(cwd, traffic, some)
        acknowledged += len(traffic.acknowledged)
        if wrong:
            click.echo("\n".join([f"seed {seed}, in {cwd}:", *wrong]))
            return False
        click.echo(f"{done + some} kills, {acknowledged} acknowledged, none lost (seed {seed})")
        seed += 1
    return True


async def injected(folder: Path) -> bool:
    """Whether no fault did harm."""
    cases = await _recordings(folder) + await _starts(folder)
    harmless = True
    for done in range(0, len(cases), CASES_AT_A_TIME):
        some = cases[done : done + CASES_AT_A_TIME]
        wrong = await sweep(folder / f"{done}", some)
        harmless &= not wrong
        click.echo("\n".join([*wrong, f"{done + len(some)} of {len(cases)} cases"]))
    return harmless


async def _recordings(folder: Path) -> list[Case]:
    calls = await calls_of(folder / "recording", Start(1, requests=INTERACTIONS))
    return [recording(fault) for fault in faults_of(calls, KILL, EIO, ENOSPC)]


async def _starts(folder: Path) -> list[Case]:
    """A crash, a start that fails, and after a second crash each that may fail then."""
    cases: list[Case] = []
    for first, second, third in ((1, 2, 3), (3, 2, 1)):
        crash = Start(first, requests=INTERACTIONS, faults=(Fault("write", 22, KILL),))
        calls = await calls_of(folder / f"start-{first}", crash, Start(second))
        failing = [Start(second, faults=(each,)) for each in faults_of(calls, KILL, EIO, ENOSPC)]
        cases += [Case((crash, start)) for start in failing]
        for number, fault in enumerate(faults_of(calls, KILL)):
            before = (crash, Start(second, faults=(fault,)))
            then = await calls_of(folder / f"start-{first}-{number}", *before, Start(third))
            cases += _followed(before, third, faults_of(then, KILL))
    return cases


def _followed(before: tuple[Start, ...], number: int, faults: Sequence[Fault]) -> list[Case]:
    return [Case((*before, Start(number, faults=(fault,)))) for fault in faults]


@click.command(help=__doc__)
@click.option("--times", default=1000, show_default=True, help="How many kills under load.")
@click.option("--seed", default=1, show_default=True, help="Of the first cassette.")
@click.option("--injected", "inject", is_flag=True, help="Sweep by strace instead.")
def main(times: int, seed: int, inject: bool) -> None:
    """Run; the exit code is 1 if there was harm, and the folder with it is kept then."""
    folder = Path(tempfile.mkdtemp(prefix="runreel-kill-"))
    harmless = asyncio.run(injected(folder) if inject else kills(times, seed, folder))
    if harmless:
        shutil.rmtree(folder)
    click.echo("no harm" if harmless else f"HARM: see {folder}")
    sys.exit(0 if harmless else 1)


if __name__ == "__main__":
    main()
