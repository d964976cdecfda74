"""What a receipt means for the test that it is of.

Owns which findings make a test fail, and the text that says so. Nothing that was sent can steer a
terminal from there. Pure.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

Receipt = Mapping[str, Any]

_MISSES_MAX = 10  # told in full
_LISTED_MAX = 12  # differences or ids
_VALUE_CHARS_MAX = 200  # of one value that is told


def findings(receipt: Receipt, *, allow_unplayed: bool) -> list[str]:
    """What is wrong, a finding after the other, each of one or more lines; empty if all is well."""
    found = misses(receipt)
    unplayed = receipt["unplayed"]
    if receipt["mode"] == "verify":
        found += [_drift(item) for item in receipt.get("drift", ())]
    elif unplayed and not allow_unplayed:
        found.append(
            f"{_count(len(unplayed), 'recording')} in cassette '{receipt['cassette']}' "
            f"{'was' if len(unplayed) == 1 else 'were'} not played: {_listed(unplayed)}"
        )
    if receipt["not_stored"]:
        found.append(f"{_count(receipt['not_stored'], 'exchange')} could not be recorded")
    return found


def misses(receipt: Receipt) -> list[str]:
    """The calls that no recording answered, each with the difference."""
    missed = receipt["missed"]
    told = ["\n".join(_miss(item, receipt["cassette"])) for item in missed[:_MISSES_MAX]]
    if len(missed) > _MISSES_MAX:
        told.append(f"and {_count(len(missed) - _MISSES_MAX, 'more miss', 'more misses')}")
    return told


def sent_nothing(receipt: Receipt) -> bool:
    """Whether the test made no call at all, so that it may have gone elsewhere."""
    made = (receipt[kind] for kind in ("served", "recorded", "not_stored", "upstream_calls"))
    return not any(made) and not receipt["missed"]


def _miss(item: Mapping[str, Any], cassette: str) -> Iterator[str]:
    call = f"{item['method']} {_plain(str(item['target'] or '(not shown)'))}"
    nearest = item["nearest"]
    differences = item["differences"]
    if nearest is None:
        yield f"no recording matches {call}: cassette '{cassette}' is empty"
    elif not differences:
        yield (
            f"no recording is left for {call}: those in cassette '{cassette}' were played, or "
            f"belong to another state; nearest is {_plain(nearest)}"
        )
    else:
        yield f"no recording matches {call}; nearest in '{cassette}' is {_plain(nearest)}:"
        yield from (f"  {_difference(each)}" for each in differences[:_LISTED_MAX])
        if len(differences) > _LISTED_MAX:
            yield f"  and {len(differences) - _LISTED_MAX} more"


def _difference(item: Mapping[str, Any]) -> str:
    where = f"{item['facet']} {_plain(item['at'])}" if item["at"] else item["facet"]
    return f"{where}: sent {_side(item, 'sent')}, recorded {_side(item, 'recorded')}"


def _drift(item: Mapping[str, Any]) -> str:
    lines = [f"{item['method']} {_plain(str(item['target']))} drifted from {item['interaction']}:"]
    for each in item["differences"][:_LISTED_MAX]:
        sides = f"recorded {_side(each, 'recorded')}, live {_side(each, 'live')}"
        lines.append(f"  {each['kind']} {_plain(each['at'])}: {sides}")
    return "\n".join(lines)


def _side(item: Mapping[str, Any], side: str) -> str:
    return _plain(json.dumps(item[side], ensure_ascii=False)) if side in item else "nothing"


def _listed(ids: list[str]) -> str:
    more = f" and {len(ids) - _LISTED_MAX} more" if len(ids) > _LISTED_MAX else ""
    return _plain(", ".join(ids[:_LISTED_MAX]), chars_max=1_000) + more


def _count(number: int, noun: str, plural: str | None = None) -> str:
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def _plain(text: str, chars_max: int = _VALUE_CHARS_MAX) -> str:
    shown = "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)
    return shown if len(shown) <= chars_max else shown[: chars_max - 1] + "…"
