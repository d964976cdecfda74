from receipts import a_miss, a_receipt
from runreel.pytest_plugin.report import findings, misses, sent_nothing

BODY = {"facet": "body", "at": "/metadata/stage", "sent": "b", "recorded": "a"}


def test_a_receipt_without_a_fault_is_no_finding() -> None:
    assert findings(a_receipt(), allow_unplayed=False) == []


def test_a_miss_tells_each_difference_with_its_sides() -> None:
    gone = {"facet": "query", "at": "limit", "recorded": "2"}
    receipt = a_receipt(missed=[a_miss(differences=[BODY, gone])])

    (told,) = findings(receipt, allow_unplayed=True)
    assert told.splitlines() == [
        "no recording matches POST /v1/threads/t/runs/r; nearest in 'mine' is modifyRun-1:",
        '  body /metadata/stage: sent "b", recorded "a"',
        '  query limit: sent nothing, recorded "2"',
    ]


def test_a_miss_of_what_was_played_says_that_none_is_left() -> None:
    (told,) = misses(a_receipt(missed=[a_miss()]))
    assert told == (
        "no recording is left for POST /v1/threads/t/runs/r: those in cassette 'mine' were played, "
        "or belong to another state; nearest is modifyRun-1"
    )


def test_a_miss_on_an_empty_cassette_says_so() -> None:
    missed = [a_miss(nearest=None), a_miss(nearest=None, target=None)]

    assert misses(a_receipt(missed=missed)) == [
        "no recording matches POST /v1/threads/t/runs/r: cassette 'mine' is empty",
        "no recording matches POST (not shown): cassette 'mine' is empty",
    ]


def test_many_misses_are_counted_after_the_tenth() -> None:
    told = misses(a_receipt(missed=[a_miss()] * 12))

    assert (len(told), told[-1]) == (11, "and 2 more misses")


def test_nothing_that_was_sent_steers_a_terminal() -> None:
    evil = BODY | {"sent": "\x1b[2J\u202e\n🚚"}

    (told,) = misses(a_receipt(missed=[a_miss(differences=[evil])]))

    assert told.endswith(r'sent "\u001b[2J\u202e\n🚚", recorded "a"')
    assert not {"\x1b", "\u202e"} & set(told)


def test_what_was_not_played_is_a_finding_unless_that_is_allowed() -> None:
    receipt = a_receipt(unplayed=["getRun-1", "getRun-2"])

    assert findings(receipt, allow_unplayed=False) == [
        "2 recordings in cassette 'mine' were not played: getRun-1, getRun-2"
    ]
    assert findings(receipt, allow_unplayed=True) == []


def test_what_could_not_be_recorded_is_a_finding() -> None:
    receipt = a_receipt(mode="record", not_stored=1)

    assert findings(receipt, allow_unplayed=False) == ["1 exchange could not be recorded"]


def test_drift_is_a_finding_of_verify_and_what_it_left_unplayed_is_none() -> None:
    differences = [{"kind": "value", "at": "/status", "recorded": "completed", "live": "failed"}]
    drift = {"method": "GET", "target": "/x", "interaction": "GET-1", "differences": differences}
    receipt = a_receipt(mode="verify", unplayed=["GET-2"], drift=[drift])

    assert findings(receipt, allow_unplayed=False) == [
        'GET /x drifted from GET-1:\n  value /status: recorded "completed", live "failed"'
    ]


def test_a_call_of_any_kind_is_not_nothing() -> None:
    assert sent_nothing(a_receipt(served=0))
    assert not sent_nothing(a_receipt())
    assert not sent_nothing(a_receipt(served=0, missed=[a_miss()]))
    assert not sent_nothing(a_receipt(served=0, upstream_calls=1))
