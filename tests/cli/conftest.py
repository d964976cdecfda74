"""What the tests of the command share."""

from pathlib import Path

import pytest


@pytest.fixture
def example() -> Path:
    """The folder of the cassettes that the project ships."""
    return Path(__file__).parents[2] / "cassettes"
