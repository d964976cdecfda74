"""In which order the audit log has what was said, and what it still knows after it failed."""

from datetime import UTC, datetime

import pytest

from audit_scenes import RUN, THREAD, Scene, less, run_of
from audited import MemoryAuditLog
from builders import a_request
from fakes import Script
from runreel.audit.entries import Entry, ResourceId
from runreel.audit.history import ChangeResult, Occasion
from runreel.audit.observation import ChangeRequest, Shown
from runreel.audit.writer import AuditWriter, Concluded, Intended, Observed
from runreel.errors import StoreFailed, UpstreamFailed, UpstreamFault
from stages import A

WHICH = ResourceId("run", RUN)
ASKED = ChangeRequest(WHICH, THREAD, {"stage": "a"})
AT = datetime(2026, 3, 31, 10, 15, 2, tzinfo=UTC)
OCCASION = Occasion(
    at=AT, operation="modifyRun", actor=None, client=None, session="default", upstream="http://u"
)
FULL = "the audit log cannot be written: No space left on device"


def seen(**metadata: str) -> Observed:
    return Observed((), OCCASION, ChangeResult(AT, 200, (Shown(WHICH, THREAD, metadata),)))


def intended() -> Intended:
    return Intended((), OCCASION, ASKED)


def concluded(intent: Entry, **metadata: str) -> Concluded:
    return Concluded(intent, ASKED, ChangeResult(AT, 200, (Shown(WHICH, THREAD, metadata),)))


async def test_what_waits_together_is_written_in_the_order_in_which_it_was_said() -> None:
    ledger = MemoryAuditLog()
    keeper = AuditWriter(ledger, print)
    intent = await keeper.say(intended())
    assert intent is not None

    said = (seen(stage="z"), intended(), concluded(intent, stage="a"), seen(stage="y"))
    _, second, *_ = [keeper.say(each) for each in said]
    await keeper.close()

    assert [(entry.kind, entry.before, entry.after) for entry in ledger.entries[1:]] == [
        ("observation", "unknown", {"stage": "z"}),
        ("intent", {"stage": "z"}, None),
        ("outcome", "unknown", {"stage": "a"}),
        ("observation", {"stage": "a"}, {"stage": "y"}),
    ]
    found = await second
    assert found is not None
    assert found.seq == 3


async def test_what_could_not_be_logged_is_no_before_and_what_was_concluded_is_logged_later() -> (
    None
):
    ledger = MemoryAuditLog()
    told: list[str] = []
    keeper = AuditWriter(ledger, told.append)
    keeper.say(seen(by="x"))
    intent = await keeper.say(intended())
    assert intent is not None
    ledger.broken = FULL

    said = (seen(by="lost"), concluded(intent, by="x", stage="a"), seen(by="z"), intended())
    *_, second = [keeper.say(each) for each in said]
    with pytest.raises(StoreFailed):
        await second
    known = keeper.known(ASKED)
    ledger.broken = None
    keeper.say(seen(stage="y"))
    await keeper.close()

    assert known == {"by": "x"}
    merges = "the upstream merges metadata of runs: keys that a change does not name are kept"
    assert [(entry.kind, entry.before, entry.reason) for entry in ledger.entries[2:]] == [
        ("outcome", {"by": "x"}, merges),
        ("observation", {"by": "x", "stage": "a"}, None),
    ]
    assert told.count(merges) == 1


async def test_a_run_first_seen_when_nothing_could_be_logged_is_unknown_before() -> None:
    scene = Scene("passthrough", Script([run_of(by="x")]), Script([run_of(stage="a")]))
    scene.ledger.broken = FULL
    await scene.stage.ask(a_request(b"", method="GET"))
    await scene.stage.ask(a_request(A))
    scene.ledger.broken = None

    await scene.stage.ask(a_request(A))
    found = await scene.log()

    assert [less(entry, "kind", "before") for entry in found] == [
        ("intent", "unknown"),
        ("outcome", "unknown"),
    ]


@pytest.mark.parametrize(
    ("failure", "effect"),
    [
        (UpstreamFailed(UpstreamFault.TOO_MANY, "It was not sent."), "refused"),
        (UpstreamFailed(UpstreamFault.STOPPED, "It was not sent.", sent=False), "refused"),
        (UpstreamFailed(UpstreamFault.UNREACHABLE, "Nobody was there."), "refused"),
        (UpstreamFailed(UpstreamFault.STOPPED, "It was given up."), "unknown"),
        (UpstreamFailed(UpstreamFault.DISCONNECTED, "It was cut off."), "unknown"),
    ],
)
async def test_a_change_that_was_never_sent_is_refused_and_says_why(
    failure: UpstreamFailed, effect: str
) -> None:
    scene = Scene("passthrough", Script(refused=failure))

    await scene.stage.ask(a_request(A))
    _, outcome = await scene.log()

    assert less(outcome, "kind", "effect", "status", "after", "reason") == (
        "outcome",
        effect,
        None,
        "unknown",
        str(failure),
    )
