"""Profiles: the dialects of the API, by name.

A new dialect is one more value in `PROFILES`; nothing else asks which one it is.
"""

from runreel.assistants.openai import OPENAI
from runreel.assistants.openai_v1 import OPENAI_V1
from runreel.assistants.profile import Finding, Profile, Refusal, Shape, kind_of
from runreel.assistants.rubra import RUBRA

PROFILES = {profile.name: profile for profile in (OPENAI, OPENAI_V1, RUBRA)}

__all__ = [
    "OPENAI",
    "OPENAI_V1",
    "PROFILES",
    "RUBRA",
    "Finding",
    "Profile",
    "Refusal",
    "Shape",
    "kind_of",
]
