"""What a crash may do to the bytes of a journal, and what is read then."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runreel.cassettes.journal import Flaw, Frame, Reading, encode_frame, read_frames

WRITER = "0123456789abcdef"
ONE = Frame(WRITER, 0, b'{"a":1}')
TWO = Frame(WRITER, 1, b"")
# The CRC is of the writer, a space, the sequence and the payload.
ONE_BYTES = b'runreel1 7 1e606853 0123456789abcdef 0\n{"a":1}\n'
TWO_BYTES = b"runreel1 0 cc55c98f 0123456789abcdef 1\n\n"

payloads = st.binary(max_size=60).map(lambda payload: payload.replace(b"\n", b"")) | st.just(
    b"runreel1 0 cc55c98f 0123456789abcdef 1"
)


@st.composite
def journals(draw: st.DrawFn, frames_min: int = 0) -> list[Frame]:
    """The frames of one writer, in the order they were written."""
    writer = f"{draw(st.integers(0, 2**64 - 1)):016x}"
    drawn = draw(st.lists(payloads, min_size=frames_min, max_size=5))
    return [Frame(writer, number, payload) for number, payload in enumerate(drawn)]


def ends(frames: list[Frame]) -> list[int]:
    """The offsets at which frames end."""
    lengths = [len(encode_frame(frame)) for frame in frames]
    return [sum(lengths[: count + 1]) for count in range(len(frames))]


def test_a_frame_is_a_line_of_its_head_and_its_payload() -> None:
    assert encode_frame(ONE) == ONE_BYTES
    assert encode_frame(TWO) == TWO_BYTES


def test_frames_are_read_in_order() -> None:
    assert read_frames(ONE_BYTES + TWO_BYTES) == Reading((ONE, TWO), 87, 87, None)


def test_an_empty_journal_is_whole() -> None:
    assert read_frames(b"") == Reading((), 0, 0, None)


@pytest.mark.parametrize(
    "tail",
    [
        *(TWO_BYTES[:length] for length in range(1, len(TWO_BYTES))),
        b"runreel1 9999999999 cc55c98f 0123456789abcdef 999999999999",
        b"runreel1 99999 cc55c98f 0123456789abcdef 1\n" + TWO_BYTES[:20],
    ],
)
def test_a_frame_that_stops_half_way_is_unfinished(tail: bytes) -> None:
    reading = read_frames(ONE_BYTES + tail)

    assert reading == Reading((ONE,), 47, 47 + len(tail), Flaw.UNFINISHED)


@pytest.mark.parametrize(
    "tail",
    [
        b"\0" * 600,
        b"\n",
        TWO_BYTES[:-1] + b"\0",
        b'runreel1 7 1e606853 0123456789abcdef 1\n{"a":2}\n',
        b"runreel2",
        b"runreel1 0 cc55c98f\n",
        b"runreel1 9999999999 cc55c98f 0123456789abcdef 9999999999999",
    ],
)
def test_what_never_was_the_beginning_of_a_frame_is_spoiled(tail: bytes) -> None:
    reading = read_frames(ONE_BYTES + tail)

    assert reading == Reading((ONE,), 47, 47 + len(tail), Flaw.SPOILED)


def test_a_frame_that_is_gone_is_missing_where_it_was() -> None:
    three = encode_frame(Frame(WRITER, 2, b""))

    assert read_frames(ONE_BYTES + three) == Reading((ONE,), 47, 87, Flaw.MISSING)
    assert read_frames(TWO_BYTES + three) == Reading((), 0, 80, Flaw.MISSING)
    assert read_frames(ONE_BYTES + ONE_BYTES) == Reading((ONE,), 47, 94, Flaw.MISSING)


def test_a_frame_of_another_writer_is_not_the_next_one() -> None:
    other = encode_frame(Frame("f" * 16, 1, b""))

    assert read_frames(ONE_BYTES + other) == Reading((ONE,), 47, 87, Flaw.MISSING)


@pytest.mark.parametrize("bad", [b"\0", b"\n", b"runreel1 ", ONE_BYTES[:-1], ONE_BYTES[1:]])
def test_bad_bytes_before_a_good_frame_are_damage(bad: bytes) -> None:
    reading = read_frames(ONE_BYTES + bad + TWO_BYTES)

    assert reading == Reading((ONE,), 47, 47 + len(bad) + 40, Flaw.DAMAGED)


@pytest.mark.parametrize(
    "head",
    [
        b"runreel2 7 1e606853 0123456789abcdef 0",
        b"runreel1 7 1E606853 0123456789abcdef 0",
        b"runreel1 7 1e606853 0123456789abcdef 00",
        b"runreel1 7 1e606853 0123456789ABCDEF 0",
        b"runreel1 -7 1e606853 0123456789abcdef 0",
        b"runreel1 6 1e606853 0123456789abcdef 0",
        b"runreel1 8 1e606853 0123456789abcdef 0",
        b"runreel1  7 1e606853 0123456789abcdef 0",
        b"runreel1 7 1e606853 0123456789abcdef 0 ",
        b"runreel1 7 1e606853 0123456789abcdef 1",
        b"runreel1 7 1e606853 0123456789abcdee 0",
    ],
)
def test_a_head_that_says_anything_else_is_none(head: bytes) -> None:
    assert read_frames(head + b'\n{"a":1}\n').frames == ()


@given(journals())
def test_whatever_was_written_is_read_back(frames: list[Frame]) -> None:
    written = b"".join(map(encode_frame, frames))

    assert read_frames(written) == Reading(tuple(frames), len(written), len(written), None)


@given(journals(), st.data())
def test_cut_anywhere_all_whole_frames_come_back_and_the_rest_is_unfinished(
    frames: list[Frame], data: st.DataObject
) -> None:
    written = b"".join(map(encode_frame, frames))
    cut = data.draw(st.integers(0, len(written)))

    reading = read_frames(written[:cut])

    whole = [end for end in ends(frames) if end <= cut]
    good = whole[-1] if whole else 0
    flaw = Flaw.UNFINISHED if good < cut else None
    assert reading == Reading(tuple(frames[: len(whole)]), good, cut, flaw)


@given(journals(2), st.data())
def test_one_byte_changed_before_the_last_frame_is_damage_at_the_offset_of_its_frame(
    frames: list[Frame], data: st.DataObject
) -> None:
    written = bytearray(b"".join(map(encode_frame, frames)))
    starts = [0, *ends(frames)]
    hit = data.draw(st.integers(0, len(frames) - 2))
    at = data.draw(st.integers(starts[hit], starts[hit + 1] - 1))
    written[at] ^= data.draw(st.integers(1, 255))

    reading = read_frames(bytes(written))

    assert reading == Reading(tuple(frames[:hit]), starts[hit], len(written), Flaw.DAMAGED)


@given(journals(2), st.data())
def test_one_frame_taken_out_before_the_last_is_missing_where_it_was(
    frames: list[Frame], data: st.DataObject
) -> None:
    gone = data.draw(st.integers(0, len(frames) - 2))
    written = b"".join(encode_frame(frame) for frame in frames if frame.sequence != gone)

    reading = read_frames(written)

    at = [0, *ends(frames)][gone]
    assert reading == Reading(tuple(frames[:gone]), at, len(written), Flaw.MISSING)


@given(journals(1), st.data())
def test_one_byte_changed_in_the_last_frame_is_seen_and_never_another_frame(
    frames: list[Frame], data: st.DataObject
) -> None:
    written = bytearray(b"".join(map(encode_frame, frames)))
    start = [0, *ends(frames)][-2]
    at = data.draw(st.integers(start, len(written) - 1))
    written[at] ^= data.draw(st.integers(1, 255))

    reading = read_frames(bytes(written))

    # The length may say now that more should follow.
    assert reading.flaw in (Flaw.SPOILED, Flaw.UNFINISHED)
    assert reading == Reading(tuple(frames[:-1]), start, len(written), reading.flaw)
