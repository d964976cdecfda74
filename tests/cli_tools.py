"""What the fixtures of the command's tests are."""

from collections.abc import Callable
from pathlib import Path

from processes import Ended
from runreel.cassettes.format import Cassette

Tool = Callable[..., Ended]  # the command with these arguments
Keep = Callable[[str, Cassette], Path]  # a cassette as a file, under this name
