"""The writes that a replaying session has made, as each resource saw them.

Owns the state that a past is compared with: sums of weights, as in `history`. `Made` counts writes
once and for all; `Views` keeps for each resource of a cassette the order in which they were made,
so that the resource can go back when a program runs again (`--repeat last`).
"""

from collections.abc import Iterable
from itertools import accumulate

from runreel.cassettes.history import Tally
from runreel.matching.resources import Access, Scope, cells, changes, covers


class Made:
    """The writes of a session by what they cover."""

    def __init__(self) -> None:
        self._tally = Tally()

    def add(self, write: Access, value: int) -> None:
        """A write was made; what it covers has seen it."""
        self._tally.add(write, value)

    def replace(self, write: Access, old: int, new: int) -> None:
        """A write that was made has another weight from here on; a new one of 0 takes it back."""
        self._tally.add(write, new - old)

    def over(self, scope: Scope) -> int:
        """The sum of the writes that cover a resource."""
        return self._tally.over(scope)

    def above(self, scope: Scope) -> int:
        """The sum of the writes that change a resource or what it stands in."""
        return self._tally.above(scope)

    def has(self, value: int, scope: Scope, *, above: bool) -> bool | None:
        """Whether a resource has seen a write of a weight; None where whoever made it knows."""
        del value, scope, above
        return None


class Views(Made):
    """The same, by resource and in order; the resources are those that a cassette knows.

    `scopes` are what recordings read or write, `lists` what they create in. A write costs what
    lies below its item.
    """

    def __init__(self, scopes: Iterable[Scope], lists: Iterable[Scope]) -> None:
        super().__init__()
        self._over: dict[Scope, list[int]] = {scope: [] for scope in scopes}
        self._above: dict[Scope, list[int]] = {scope: [] for scope in lists}
        self._below: dict[Scope, set[Scope]] = {}
        for scope in {*self._over, *self._above}:
            for length in range(len(scope) + 1):
                self._below.setdefault(scope[:length], set()).add(scope)
        self._unknown: set[int] = set()  # weights of marks that fit nothing

    def add(self, write: Access, value: int) -> None:
        """A write was made; what it covers has seen it."""
        super().add(write, value)
        for scope in self.covered(write):
            if scope in self._over:
                self._over[scope].append(value)
            if scope in self._above and changes(write, scope):
                self._above[scope].append(value)

    def spoil(self, write: Access, value: int) -> None:
        """As `add`, for a mark that fits nothing and goes where the write after it goes."""
        self._unknown.add(value)
        self.add(write, value)

    def replace(self, write: Access, old: int, new: int) -> None:
        """A write that was made has another weight from here on; a new one of 0 takes it back."""
        super().replace(write, old, new)
        for scope in self.covered(write):
            for seen in (self._over.get(scope), self._above.get(scope)):
                if seen and old in seen:
                    at = seen.index(old)
                    seen[at : at + 1] = [new] if new else []

    def over(self, scope: Scope) -> int:
        """The sum of the writes that cover a resource, since it went back last."""
        seen = self._over.get(scope)
        return super().over(scope) if seen is None else sum(seen)

    def above(self, scope: Scope) -> int:
        """The sum of the writes that change a resource or what it stands in, likewise."""
        seen = self._above.get(scope)
        return super().above(scope) if seen is None else sum(seen)

    def has(self, value: int, scope: Scope, *, above: bool) -> bool | None:
        """Whether a resource has seen a write of a weight."""
        seen = (self._above if above else self._over).get(scope)
        return None if seen is None else value in seen

    def began_with(self, past: int, scope: Scope, *, above: bool) -> bool:
        """Whether the writes of a past are the first ones that a resource has seen."""
        seen = (self._above if above else self._over).get(scope, [])
        return any(total == past for total in accumulate(seen, initial=0))

    def covered(self, write: Access) -> set[Scope]:
        """The known resources that a write covers."""
        found: set[Scope] = set()
        for _, at in cells(write):
            found |= {scope for scope in self._below.get(at, ()) if covers(write, scope)}
        return found

    def below(self, scope: Scope) -> set[Scope]:
        """The known resources at and below one."""
        return self._below.get(scope, set())

    def go_back(self, write: Access, value: int, created: Scope | None) -> None:
        """What a write covers forgets it and all that it saw since; what it `created` is new."""
        for scope in self.covered(write):
            for seen in (self._over.get(scope), self._above.get(scope)):
                if seen and value in seen:
                    cut = seen.index(value)
                    del seen[cut - (cut > 0 and seen[cut - 1] in self._unknown) :]
        if created is not None and write.listed is not None:
            fresh = self._above.get(write.listed, [])
            for scope in self.below(created):
                for views in (self._over, self._above):
                    if scope in views:
                        views[scope] = list(fresh)

    def start_over(self) -> None:
        """Nothing has been made."""
        self._tally = Tally()
        self._unknown.clear()
        for seen in (*self._over.values(), *self._above.values()):
            seen.clear()
