"""Ids shaped like the API's own, and the same in every run of the same script.

Owns how an id is made: of the seed, the kind of thing, what it belongs to, and its number there.
So threads that are used at the same time do not change each other's ids.
"""

import hashlib
from collections import Counter

OPENAI_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
OPENAI_CHARS = 24
RUBRA_ALPHABET = "0123456789abcdef"
RUBRA_CHARS = 6


class Ids:
    """Makes ids; `seed` is any text."""

    def __init__(
        self, seed: str, alphabet: str = OPENAI_ALPHABET, chars: int = OPENAI_CHARS
    ) -> None:
        self._seed = seed
        self._alphabet = alphabet
        self._chars = chars
        self._made: dict[str, Counter[str]] = {}

    def new(self, prefix: str, parent: str = "") -> str:
        """The next id of a kind (`run`) below a parent (`thread_…`), as in `run_` and 24 chars."""
        made = self._made.setdefault(parent, Counter())
        made[prefix] += 1
        name = f"{self._seed}\n{prefix}\n{parent}\n{made[prefix]}"
        number = int.from_bytes(hashlib.sha512(name.encode("utf-8", "backslashreplace")).digest())
        text = ""
        for _ in range(self._chars):
            number, digit = divmod(number, len(self._alphabet))
            text += self._alphabet[digit]
        return f"{prefix}_{text}"

    def forget(self, parent: str) -> None:
        """Nothing will be made below that parent any more."""
        self._made.pop(parent, None)
