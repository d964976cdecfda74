"""Nothing can be done to a log of 200 entries that is not found, and named where it begins.

Which bytes are flipped is a sample, the same in every run; HYPOTHESIS_PROFILE=night takes them all.
"""

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from audit_logs import busy, chained, checkpoint, lines
from runreel.audit.verification import Chain, Checkpoints, Finding, Line, _followed, verify

DOCUMENTS = chained(busy(200))
LINES = lines(DOCUMENTS)
CHECKPOINTS = [checkpoint(DOCUMENTS[size - 1]) for size in (50, 100, 150, 200)]
EVERY_BYTE = os.environ.get("HYPOTHESIS_PROFILE") == "night"
FLIPS = (0x01, 0x20, 0x80)  # a neighbour, the other case, beyond ASCII

Named = tuple[int | None, int | None] | None  # line and entry


def _placed(contents: list[bytes], start: int = 1, file: str = "metadata.jsonl") -> list[Line]:
    return [Line(file, number, content) for number, content in enumerate(contents, start)]


def _seals(*contents: bytes) -> list[Line]:
    return _placed(list(contents), file="checkpoints.log")


def _chains() -> list[Chain]:
    """How far the log was followed before each of its lines, and at its end."""
    chain = Chain()
    found = [Chain()]
    for line in _placed(LINES):
        assert chain.follow(line) is None
        found.append(replace(chain, open=dict(chain.open)))
    return found


CHAINS = _chains()


def first_bad(
    lines: list[Line], checkpoints: list[Line], chain: Chain | None = None
) -> Finding | None:
    """What `verify` finds first in a log that goes on from `chain`, open intents aside."""
    found = _followed(lines, Checkpoints(checkpoints), None, chain or Chain())
    return found[0] if found else None


def _from(index: int, contents: list[bytes]) -> Named:
    """What is named in a log that was as written before line `index`, and goes on like this."""
    chain = replace(CHAINS[index], open=dict(CHAINS[index].open))
    unmet = _seals(*CHECKPOINTS[index // 50 :])
    found = first_bad(_placed(contents, index + 1), unmet, chain)
    if found is None:
        return None
    return (found.line if found.kind == "entry" else None, found.seq)


def _flips(index: int) -> Iterator[list[bytes]]:
    line = LINES[index]
    whole = EVERY_BYTE or index in (0, 117)
    for place in range(len(line)) if whole else (index * 7919 % len(line), len(line) - 1):
        for mask in FLIPS:
            flipped = line[:place] + bytes([line[place] ^ mask]) + line[place + 1 :]
            yield _split(flipped + b"".join(LINES[index + 1 : index + 3]))


def _split(text: bytes) -> list[bytes]:
    """The lines of a file; the last one may have no end."""
    pieces = text.split(b"\n")
    return [piece + b"\n" for piece in pieces[:-1]] + [piece for piece in pieces[-1:] if piece]


def test_the_log_as_it_was_written_is_whole() -> None:
    verdict = verify(_placed(LINES), _seals(*CHECKPOINTS))

    assert (verdict.size, verdict.hash) == (200, DOCUMENTS[199]["hash"])
    assert (verdict.met, verdict.sealed, verdict.findings) == (4, 200, ())


def test_every_flipped_byte_is_found_in_its_line() -> None:
    missed = [
        (index, contents[0])
        for index in range(200)
        for contents in _flips(index)
        if _from(index, contents) != (index + 1, index + 1)
    ]

    assert missed == []


def test_every_other_value_of_a_byte_is_found() -> None:
    line, missed = LINES[30], []
    for place in range(0, len(line), 97):
        for mask in range(1, 256):
            flipped = line[:place] + bytes([line[place] ^ mask]) + line[place + 1 :]
            if _from(30, _split(flipped + LINES[31])) != (31, 31):
                missed.append((place, mask))

    assert missed == []


def test_every_entry_that_was_altered_with_its_own_hash_is_told_by_the_one_after_it() -> None:
    named = []
    for index, document in enumerate(DOCUMENTS):
        (altered,) = lines(chained([document | {"client": "curl/8"}], document["prev"]))
        named.append(_from(index, [altered, *LINES[index + 1 :]]))

    assert named == [*((seq, seq) for seq in range(2, 201)), (None, 200)]


def test_every_deleted_line_is_missed_where_it_stood() -> None:
    named = [_from(index, LINES[index + 1 :]) for index in range(200)]

    assert named == [*((seq, seq) for seq in range(1, 200)), (None, 200)]


def test_every_pair_of_swapped_lines_is_named_at_the_first() -> None:
    wrong = []
    for one in range(199):
        for other in {one + 1, min(one + 17, 199)}:
            moved = LINES[one:]
            moved[0], moved[other - one] = moved[other - one], moved[0]
            if _from(one, moved) != (one + 1, one + 1):
                wrong.append((one, other))

    assert wrong == []


def test_every_duplicated_line_is_named_at_its_second_time() -> None:
    in_place = [_from(index, [LINES[index], *LINES[index:]]) for index in range(200)]
    at_the_end = [_from(200, LINES[index:]) for index in range(200)]

    assert in_place == [(seq, seq) for seq in range(2, 202)]
    assert at_the_end == [(201, 201)] * 200


def test_every_end_that_was_cut_off_between_lines_is_told_by_the_next_checkpoint() -> None:
    named = [_from(index, []) for index in range(200)]

    assert named == [(None, (index // 50 + 1) * 50) for index in range(200)]


def test_every_end_that_was_cut_off_within_a_line_is_named() -> None:
    wrong = [
        (index, length)
        for index in range(200)
        for length in (1, len(LINES[index]) // 2, len(LINES[index]) - 1)
        if _from(index, [LINES[index][:length]]) != (index + 1, index + 1)
    ]

    assert wrong == []


def _rewritten(seq: int) -> list[bytes]:
    """The log with another value in one entry, and every hash from there on made to fit."""
    documents = [document | {} for document in DOCUMENTS]
    documents[seq - 1] |= {"client": "curl/8"}
    return lines(chained(documents))


@pytest.mark.parametrize(
    ("seq", "sentence"),
    [
        (1, "entry 50: that entry or one before it was altered"),
        (50, "entry 50: that entry or one before it was altered"),
        (
            51,
            "entry 100: that entry or one after entry 50 was altered",
        ),
    ],
)
def test_a_log_that_was_rewritten_is_told_by_the_next_checkpoint(seq: int, sentence: str) -> None:
    found = first_bad(_placed(_rewritten(seq)), _seals(*CHECKPOINTS))

    assert found is not None
    assert found.kind == "checkpoint"
    assert found.message.endswith(f"{sentence}, and the log rewritten from there")
