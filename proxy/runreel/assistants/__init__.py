"""Profiles: the dialects of the API, by name.

A new dialect is a module of that name, with its value in capital letters, and one more name in
`PROFILES`; nothing else asks which one it is. Its models are made when it is asked for first: who
only replays needs none.
"""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runreel.assistants.profile import Profile


class _Profiles(Mapping[str, "Profile"]):
    """The profiles, each loaded when it is looked up."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def __getitem__(self, name: str) -> "Profile":
        if name not in self._names:
            raise KeyError(name)
        found: Profile = getattr(import_module(f"{__name__}.{name}"), name.upper())
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


PROFILES: Mapping[str, "Profile"] = _Profiles("openai", "openai_v1", "rubra")
