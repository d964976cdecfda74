"""Profiles: the dialects of the API, by name.

A new one is a module of its name, with its value in capital letters, and one more name in `NAMES`;
nothing else asks which one it is. Its models are made when it is asked for first: who only replays
needs none.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runreel.assistants.profile import Profile

NAMES = ("openai", "openai_v1", "azure_agents", "dashscope", "langgraph", "rubra")


class _Profiles(Mapping[str, "Profile"]):
    """The profiles, each loaded when it is looked up."""

    def __getitem__(self, name: str) -> "Profile":
        if name not in NAMES:
            raise KeyError(name)
        found: Profile = getattr(import_module(f"{__name__}.{name}"), name.upper())
        return found

    def __contains__(self, name: object) -> bool:
        return name in NAMES

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


PROFILES: Mapping[str, "Profile"] = _Profiles()


def check_profile(name: str) -> str:
    """The name of a profile.

    Raises:
        ValueError: there is none of that name.
    """
    if name in NAMES:
        return name
    (nearest,) = get_close_matches(name, NAMES, n=1, cutoff=0)
    raise ValueError(f"must be one of {', '.join(NAMES)}; the nearest is {nearest!r}")
