"""History as it is, in the shape that the laws ask for (`counting_model` has the mistaken one)."""

from collections.abc import Sequence

from history_sessions import Live, Playing, add, prune, record
from history_world import Call, Cassette, Step, World
from runreel.sessions.session import Manner


class Named(Cassette):
    @property
    def calls(self) -> list[tuple[str, Call]]:
        return [(item.id, item.fingerprint) for item in self.recordings]  # type: ignore[misc]


class Identified:
    """Recording, adding and replaying with identified writes."""

    @staticmethod
    def cassette() -> Named:
        return Named()

    @staticmethod
    def record(cassette: Named, world: World, script: Sequence[Step]) -> Live:
        return record(cassette, world, [script])

    @staticmethod
    def add(cassette: Named, world: World, script: Sequence[Step]) -> tuple[Live, int]:
        session = add(cassette, world, script)
        return session.made, session.unstored

    @staticmethod
    def prune(cassette: Named, at: int) -> None:
        prune(cassette, {cassette.recordings[at].id})

    @staticmethod
    def session(cassette: Named, *, repeat: bool = False) -> Playing:
        return Playing(cassette, manner=Manner(repeat=repeat))
