"""The ledger of a cassette: the entries that its interactions would have made.

Owns that rebuilding, with the same books as live traffic. A recording knows no actor, since its
credential was taken out; there is no chain either, since nothing was written.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from runreel.core.audit.books import Books, Came, Occasion
from runreel.core.audit.entries import Entry
from runreel.core.audit.observing import CHANGING, SHOWING, asked, meant, runs
from runreel.core.messages import Interaction, values
from runreel.core.redaction import Redacted, request_of, response_of

_GONE = "the client had left before the answer"


def entries(
    interactions: Iterable[Redacted[Interaction]], upstream: str, session: str
) -> Iterator[Entry]:
    """The entries of recorded interactions, numbered from 1; `prev` and `hash` are empty.

    They are in the order of time; within a second, in that of the cassette.
    """
    books, seq = Books(), 0
    for interaction in sorted(interactions, key=lambda each: each.value.recorded_at):
        for draft in _drafts(books, interaction, upstream, session, seq + 1):
            seq += 1
            yield replace(draft, seq=seq)


def _drafts(
    books: Books, interaction: Redacted[Interaction], upstream: str, session: str, seq: int
) -> Iterator[Entry]:
    value = interaction.value
    operation = value.operation or meant(value.request) or ""
    if operation not in CHANGING | SHOWING:
        return
    question = asked(operation, request_of(interaction))
    clients = values(value.request.headers, "user-agent")
    occasion = Occasion(
        at=value.recorded_at,
        operation=operation,
        actor=None,
        client=clients[0] if clients else None,
        session=session,
        upstream=upstream,
    )
    came = Came(
        value.recorded_at,
        value.response.status,
        runs(question, response_of(interaction)),
        value.id,
        _GONE if value.client_gone else None,
    )
    if operation in SHOWING:
        yield from books.observations(occasion, came)
        return
    intent = replace(books.intent(occasion, question), seq=seq)
    yield intent
    yield books.outcome(intent, question, came)
