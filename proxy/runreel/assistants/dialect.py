"""How a server of a profile speaks beyond its models, as data: what the simulator needs of it.

Owns the shape of that data and the ways in which several servers do the same: ids, JSON, envelopes.
What happens when a server is asked is the simulator's business.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from runreel.http.messages import Headers

Json = dict[str, Any]

NOT_FOUND, INVALID = 404, 400


class Case(NamedTuple):
    """A refusal: the values of a problem go into its text, its headers and into `param`.

    Without a text the answer has no body.
    """

    text: str | None
    status: int = INVALID
    param: str | None = None
    code: str | None = None
    headers: Headers = ()


class Requirement(NamedTuple):
    """What every request needs: a header or a parameter of the query, and what is to be in it.

    Without it a request is refused as the case says; `except_for` are operations that do without.
    """

    place: Literal["header", "query"]
    name: str
    value: str
    case: str
    except_for: frozenset[str] = frozenset()


def spelled(alphabet: str, chars: int) -> Callable[[str, int], str]:
    """Makes ids of a kind and a large number: `run_` and so many characters."""

    def spell(prefix: str, number: int) -> str:
        text = ""
        for _ in range(chars):
            number, digit = divmod(number, len(alphabet))
            text += alphabet[digit]
        return f"{prefix}_{text}"

    return spell


def indented(document: Any) -> bytes:
    """JSON with two spaces."""
    return json.dumps(document, indent=2, ensure_ascii=False).encode("utf-8", "replace")


def compact(document: Any) -> bytes:
    """JSON in one line."""
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "replace")


def event(name: str, data: bytes) -> bytes:
    """One event of a stream, with the blank line that ends it."""
    return b"event: %b\ndata: %b\n\n" % (name.encode("ascii"), data)


def each(show: Callable[[Json], Json], document: Json) -> Json:
    """A page with each item as it is shown; anything else as it is shown itself."""
    if document.get("object") != "list":
        return show(document)
    return document | {"data": [show(item) for item in document["data"]]}


def as_members(members: Mapping[str, str], document: Json, known: Json) -> Json:
    """A document with the members that its kind has here, in that order; others as they are.

    `known` are values of those that are not in the document; else they are null.
    """
    names = members.get(document.get("object", ""))
    if names is None:
        return document
    whole = known | document
    return {name: whole.get(name) for name in names.split()}


ASSISTANTS = frozenset(
    {
        *("createAssistant", "listAssistants", "getAssistant", "modifyAssistant"),
        *("deleteAssistant", "createThread", "getThread", "modifyThread", "deleteThread"),
        *("createMessage", "listMessages", "getMessage", "modifyMessage", "deleteMessage"),
        *("createRun", "listRuns", "getRun", "modifyRun", "cancelRun", "submitToolOuputsToRun"),
        *("createThreadAndRun", "listRunSteps", "getRunStep"),
    }
)
CONVERSATIONS = frozenset(
    {"createConversation", "getConversation", "updateConversation", "deleteConversation"}
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """One server's way of speaking.

    `operations` are those that it has, `bases` patterns of the path at which its API begins (none:
    wherever the configuration says, or at the root). `new_id` makes an id of the prefix of a kind
    and a number; `id_prefixes` tell, by the parameter of a path, how an id must begin, and are
    empty where that does not matter. `cases` are refusals that it words in its own way, `envelope`
    makes a body of a status, message, `param` and code. `shown` makes what is answered of a
    document of the newest OpenAI API (None: 204, nothing), `framed` adds to a whole answer what
    belongs to its request's id. `merges`: metadata are merged; `free`: no state refuses;
    `converts`: a value of another type is taken for what it may mean, as pydantic 1 does; `strays`:
    another method is 405 and a slash too many leads on, as with FastAPI; `gaps`: a run without
    steps has no list of them; `dated`: a thread tells when it was changed.
    """

    new_id: Callable[[str, int], str]
    body: Callable[[Any], bytes]
    envelope: Callable[[int, str, str | None, str | None], Json]
    headers: Callable[[str], Headers] = lambda _: ()
    shown: Callable[[Json], Json | None] = lambda document: document
    framed: Callable[[Json, str], Json] = lambda document, _: document
    event: Callable[[str, bytes], bytes] = event
    operations: frozenset[str] = ASSISTANTS
    bases: tuple[str, ...] = ()
    requires: tuple[Requirement, ...] = ()
    cases: Mapping[str, Case] = field(default_factory=dict)
    id_prefixes: Mapping[str, str] = field(default_factory=dict)
    merges: bool = False
    free: bool = False
    converts: bool = False
    strays: bool = False
    gaps: bool = False
    dated: bool = False
