"""Which recording a miss names as the nearest."""

from dataclasses import replace

import pytest

from builders import a_request
from near_misses import (
    a_candidate,
    a_miss,
    fingerprint_of,
    nearest_name,
    redacted,
    with_stage,
)
from runreel.http.messages import Request
from runreel.matching import near_miss
from runreel.matching.json_diff import Difference
from runreel.matching.near_miss import NO_MATCH, Miss, Missed, Neighbours, Progress


def test_an_empty_cassette_has_no_nearest_recording() -> None:
    assert a_miss(a_request()) == Miss(NO_MATCH)


def test_the_recording_with_the_fewest_differences_is_the_nearest() -> None:
    sent = a_request(b'{"a":1,"b":2,"c":3}')
    far = a_candidate(a_request(b'{"a":9,"b":9,"c":3}'), "far")
    near = a_candidate(a_request(b'{"a":1,"b":2,"c":9}'), "near")

    miss = a_miss(sent, far, near)

    assert nearest_name(miss) == "near"
    assert miss.differences == (Difference("body", "/c", 3, 9),)


def test_another_body_for_the_same_run_is_nearer_than_this_body_for_another_run() -> None:
    sent = a_request(b'{"metadata":{"stage":"b"}}', target="/v1/threads/t1/runs/r1")
    same_run = a_candidate(
        a_request(b'{"metadata":{"stage":"a"}}', target="/v1/threads/t1/runs/r1"), "same run"
    )
    same_body = a_candidate(
        a_request(b'{"metadata":{"stage":"b"}}', target="/v1/threads/t1/runs/r2"), "same body"
    )

    assert nearest_name(a_miss(sent, same_body, same_run)) == "same run"


def test_the_same_call_is_nearer_than_one_with_fewer_differences() -> None:
    sent = Request("POST", "/v1/threads/t/runs/r", (), b'{"a":1,"b":2,"c":3}')
    same_call = a_candidate(Request("POST", "/v1/threads/t/runs/r", (), b"{}"), "same call")
    elsewhere = a_candidate(Request("GET", "/v1/models", (), b'{"a":1,"b":2,"c":3}'), "elsewhere")

    assert nearest_name(a_miss(sent, elsewhere, same_call)) == "same call"


def test_paths_are_alike_by_their_segments() -> None:
    sent = a_request(target="/v1/threads/t1/runs/r1")
    other_api = a_candidate(a_request(target="/v1/models/t1/of/r2"), "other api")
    other_run = a_candidate(a_request(target="/v1/threads/t1/runs/r2"), "other run")

    miss = a_miss(sent, other_api, other_run)

    assert nearest_name(miss) == "other run"
    assert miss.differences == (
        Difference("path", "", "/v1/threads/t1/runs/r1", "/v1/threads/t1/runs/r2"),
    )


def test_a_longer_path_with_the_same_beginning_is_less_alike() -> None:
    sent = a_request(target="/v1/threads/t1")
    deep = a_candidate(a_request(target="/v1/threads/t1/runs/r1/steps/s1"), "deep")
    beside = a_candidate(a_request(target="/v1/threads/t2"), "beside")

    assert nearest_name(a_miss(sent, deep, beside)) == "beside"


def test_of_equally_near_recordings_one_that_was_not_played_is_named() -> None:
    played = a_candidate(with_stage("a"), "played", played=True)
    unplayed = a_candidate(with_stage("b"), "unplayed")

    assert nearest_name(a_miss(with_stage("c"), played, unplayed)) == "unplayed"
    assert nearest_name(a_miss(with_stage("c"), unplayed, played)) == "unplayed"


def test_a_played_recording_is_named_when_it_is_nearer() -> None:
    sent = a_request(b'{"a":1,"b":2}')
    played = a_candidate(a_request(b'{"a":1,"b":3}'), "played", played=True)
    unplayed = a_candidate(a_request(b'{"a":2,"b":3}'), "unplayed")

    miss = a_miss(sent, unplayed, played)

    assert nearest_name(miss) == "played"
    assert (
        "; nearest in cassette 'default' is played (already played)."
        in Missed(miss, redacted(sent), "default").message()
    )


def test_an_alike_recording_is_found_behind_many_others() -> None:
    others = [a_candidate(a_request(b'{"a":%d,"b":2}' % at), f"o{at}") for at in range(200)]
    long = [a_candidate(a_request(b"x" * 100_000, target="/x"), f"l{at}") for at in range(20)]
    alike = a_candidate(a_request(b'{"a":"s","b":1}'), "alike")

    assert nearest_name(a_miss(a_request(b'{"a":"s","b":"s"}'), *long, *others, alike)) == "alike"


def calls(count: int) -> list[Request]:
    """Updates and readings of runs, ten in each thread, and one call of another kind."""
    runs = [f"/v1/threads/t{at // 10:06}/runs/r{at:06}" for at in range(count)]
    updates = [a_request(b'{"n":%d}' % at, target=run) for at, run in enumerate(runs)]
    return [*updates, *(Request("GET", run) for run in runs), Request("GET", "/v1/models/m")]


RECORDED = calls(5_000)
NEIGHBOURS = Neighbours(enumerate(map(fingerprint_of, RECORDED)))


@pytest.mark.parametrize(
    ("sent", "nearest"),
    [
        (a_request(b"{}", target="/v1/threads/t000123/runs/r001234"), 1_234),
        (a_request(b"{}", target="/threads/t000123/runs/r001234"), 1_234),
        (a_request(b"{}", target="/openai/v1/threads/t000123/runs/r001234"), 1_234),
        (Request("GET", "/v1/threads/t000123/runs/other"), 5_000 + 1_230),
        (Request("GET", "/v1/models/other"), 10_000),
        (Request("DELETE", "/v1/models/m"), 10_000),
    ],
)
def test_of_many_recordings_those_near_by_method_and_path_are_found(
    sent: Request, nearest: int
) -> None:
    near = NEIGHBOURS.near(fingerprint_of(sent))
    candidates = [a_candidate(RECORDED[at], str(at)) for at in near]

    assert len(near) <= near_miss.LOOKED_AT_MAX
    assert near == sorted(set(near))
    assert nearest_name(a_miss(sent, *candidates)) == str(nearest)


def test_of_many_recordings_of_one_path_the_first_and_some_of_the_others_are_looked_at() -> None:
    many = Neighbours((at, fingerprint_of(a_request(b"%d" % at))) for at in range(10_000))

    near = many.near(fingerprint_of(a_request(b"new")))

    assert near[:250] == [*range(250)]
    assert near[-1] > 9_000
    assert len(near) <= near_miss.LOOKED_AT_MAX


def test_a_miss_says_with_how_many_it_was_compared_if_not_with_all() -> None:
    alike = [a_candidate(a_request(b'{"a":%d,"b":1}' % at), str(at)) for at in range(300)]
    alike.append(a_candidate(a_request(b'{"a":300,"b":2}'), "300"))
    sent = a_request(b'{"a":"x","b":2}')

    few = a_miss(sent, *alike[:250])
    many = replace(a_miss(sent, *alike), progress=Progress(0, 301))

    assert few.compared is None
    assert many.compared == 256
    assert nearest_name(many) == "300"  # what has more in common is among them, wherever it stands
    assert (
        Missed(many, redacted(sent), "default")
        .sentence()
        .endswith("; nearest in cassette 'default' is 300, of 256 compared out of 301.")
    )
