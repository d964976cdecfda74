from receipts import a_miss, a_receipt
from runreel.pytest_plugin.report import findings, misses, remedies, sent_nothing


def test_a_receipt_without_a_fault_is_no_finding() -> None:
    assert findings(a_receipt(), allow_unplayed=False) == []


def test_a_miss_is_told_in_the_words_of_the_receipt() -> None:
    missed = a_miss(message="No recording matches it.", details=["  body /a: sent 1, recorded 2"])
    receipt = a_receipt(missed=[missed])

    (told,) = findings(receipt, allow_unplayed=True)
    assert told.splitlines() == ["No recording matches it.", "  body /a: sent 1, recorded 2"]


def test_the_first_three_misses_are_told_whole() -> None:
    told = misses(a_receipt(missed=[a_miss(message="Missed.", details=["why"])] * 4))

    assert told == ["Missed.\nwhy", "Missed.\nwhy", "Missed.\nwhy", "Missed."]


def test_what_to_do_is_told_once() -> None:
    anew, base = a_miss(remedy="Record."), a_miss(remedy="Another base URL.")

    assert remedies(a_receipt(missed=[anew, base, anew, a_miss()], remedy="Record all.")) == (
        "Record.",
        "Another base URL.",
    )
    assert remedies(a_receipt(remedy="Record all.")) == ("Record all.",)
    assert remedies(a_receipt()) == ()


def test_many_misses_are_counted_after_the_tenth() -> None:
    told = misses(a_receipt(missed=[a_miss()] * 12))

    assert (len(told), told[-1]) == (11, "and 2 more misses")


def test_nothing_that_was_sent_steers_a_terminal() -> None:
    differences = [{"kind": "value", "at": "/a", "recorded": "a", "live": "\x1b[2J\u202e\n🚚"}]
    drift = {"method": "GET", "target": "/x", "interaction": "GET-1", "differences": differences}

    (told,) = findings(a_receipt(mode="verify", drift=[drift]), allow_unplayed=True)

    assert told.endswith(r'recorded "a", live "\u001b[2J\u202e\n🚚"')
    assert not {"\x1b", "\u202e"} & set(told)


def test_what_was_not_played_is_a_finding_unless_that_is_allowed() -> None:
    calls = [
        {"id": "getRun-1", "method": "GET", "target": "/v1/x"},
        {"id": "POST-2", "method": "POST", "target": "/v1/x", "body": '{"a": 1}'},
    ]
    receipt = a_receipt(
        unplayed=["getRun-1", "POST-2", "getRun-3"],
        unplayed_calls=calls,
        cassette_file="cassettes/mine.json",
    )

    (told,) = findings(receipt, allow_unplayed=False)
    assert told == (
        "3 recordings in cassette 'mine' were not played:\n"
        "  GET /v1/x (getRun-1)\n"
        '  POST /v1/x {"a": 1} (POST-2)\n'
        "  and 1 more\n"
        "cassette: cassettes/mine.json\n"
        "A test that may leave some says so: @pytest.mark.runreel(allow_unplayed=True)"
    )
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
