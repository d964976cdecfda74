"""The settings of the audit log."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from runreel.config.section import Section


def _folder(path: Path) -> Path:
    if "\0" in str(path):
        raise ValueError("must be the path of a folder")
    # Whoever names the file means the folder it stands in, beside its key and its checkpoints.
    return path.parent if path.name == "metadata.jsonl" else path


class Audit(Section):
    """Whether and where changes of metadata are logged."""

    enabled: bool = Field(
        True, description="log changes of metadata whenever the upstream can be reached"
    )
    path: Annotated[Path, AfterValidator(_folder)] = Field(
        Path("audit"), description="folder of the audit log, never inside that of the cassettes"
    )
    fetch_before: bool = Field(
        False,
        description="read a run before a change if its metadata is not known yet; where reads move "
        "runs on, as in the simulator, this one does too",
    )
    rotate_bytes: int = Field(
        67_108_864, ge=4096, description="a file that has so many is followed by the next"
    )
    checkpoint_entries: int = Field(
        1_000, gt=0, description="entries between two lines of checkpoints.log"
    )
