"""What the pytest plugin is made of; none of it knows pytest, which only `pytest_plugin` does.

Tests may name the type of the fixture `runreel`, `Reel`.
"""

from runreel.testing.stage import Reel

__all__ = ["Reel"]
