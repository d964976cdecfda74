"""What receipts mean for the test that they are of, and for the run as a whole.

Which findings make a test fail, the text that says so, and the lines that end a run, over all of
its worker processes, between which values pass as plain data. Nothing that was sent can steer a
terminal from here. Pure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from runreel.text import counted, excerpt, json_excerpt

Receipt = Mapping[str, Any]

_MISSES_MAX = 10  # told in full
_LISTED_MAX = 12  # differences or ids
_VALUE_CHARS_MAX = 200  # of one value that is told
_FILE_CHARS_MAX = 1_000  # of the path of a cassette


def findings(receipt: Receipt, *, allow_unplayed: bool) -> list[str]:
    """What is wrong, a finding after the other, each of one or more lines; empty if all is well."""
    found = misses(receipt)
    unplayed = receipt["unplayed"]
    if receipt["mode"] == "verify":
        found += [_drift(item) for item in receipt.get("drift", ())]
    elif unplayed and not allow_unplayed:
        found.append("\n".join(_unplayed(receipt)))
    if receipt["not_stored"]:
        found.append(f"{counted(receipt['not_stored'], 'exchange')} could not be recorded")
    return found


def misses(receipt: Receipt) -> list[str]:
    """The calls that no recording answered, the first ones with all there is to say of them."""
    from runreel.matching import near_miss

    missed = receipt["missed"]
    told = [
        "\n".join(near_miss.told_miss(item, whole=number < near_miss.BLOCKS_MAX))
        for number, item in enumerate(missed[:_MISSES_MAX])
    ]
    if len(missed) > _MISSES_MAX:
        told.append(f"and {counted(len(missed) - _MISSES_MAX, 'more miss', 'more misses')}")
    return told


def remedies(receipt: Receipt) -> tuple[str, ...]:
    """What to do about the findings of a receipt, in lines."""
    from runreel.matching import near_miss

    of_all = receipt.get("remedy")
    if receipt["missed"]:
        return near_miss.remedies(receipt["missed"])
    return (of_all,) if of_all is not None else ()


def _unplayed(receipt: Receipt) -> Iterator[str]:
    from runreel.matching import near_miss

    left = len(receipt["unplayed"])
    yield (
        f"{counted(left, 'recording')} in cassette '{receipt['cassette']}' "
        f"{'was' if left == 1 else 'were'} not played:"
    )
    calls = receipt["unplayed_calls"][:_LISTED_MAX]
    yield from (f"  {near_miss.told_call(item)}" for item in calls)
    if left > len(calls):
        yield f"  and {left - len(calls):,} more"
    if receipt.get("cassette_file"):
        yield f"cassette: {excerpt(receipt['cassette_file'], _FILE_CHARS_MAX)}"
    yield "A test that may leave some says so: @pytest.mark.runreel(allow_unplayed=True)"


def sent_nothing(receipt: Receipt) -> bool:
    """Whether the test made no call at all, so that it may have gone elsewhere."""
    made = (receipt[kind] for kind in ("served", "recorded", "not_stored", "upstream_calls"))
    return not any(made) and not receipt["missed"]


def _drift(item: Mapping[str, Any]) -> str:
    call = f"{item['method']} {excerpt(str(item['target']), _VALUE_CHARS_MAX)}"
    lines = [f"{call} drifted from {item['interaction']}:"]
    for each in item["differences"][:_LISTED_MAX]:
        sides = f"recorded {_side(each, 'recorded')}, live {_side(each, 'live')}"
        lines.append(f"  {each['kind']} {excerpt(each['at'], _VALUE_CHARS_MAX)}: {sides}")
    return "\n".join(lines)


def _side(item: Mapping[str, Any], side: str) -> str:
    return json_excerpt(item[side], _VALUE_CHARS_MAX) if side in item else "nothing"


_KINDS = ("replayed", "recorded", "missed", "unplayed", "live calls")
_NAMED_MAX = 10  # tests that are named in a warning


@dataclass(slots=True)
class Totals:
    """Counts by kind; `discarded` recordings are those of tests that did not pass, `silent` are the
    tests that sent no request, `stale` those that did not make all their old recordings again.
    """

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_KINDS, 0))
    discarded: int = 0
    silent: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    tests: int = 0

    def add(
        self,
        test: str,
        receipts: list[Mapping[str, Any]],
        *,
        passed: bool,
        whole: bool = False,
    ) -> None:
        """Count a test: the receipts of all its sessions; `whole` says that all its recordings are
        to be made again.
        """
        self.tests += 1
        for receipt in receipts:
            verifies = receipt["mode"] == "verify"
            self.counts["replayed"] += receipt["served"]
            self.counts["recorded"] += receipt["recorded"]
            self.counts["missed"] += receipt.get("missed_in_all", len(receipt["missed"]))
            self.counts["unplayed"] += 0 if verifies else len(receipt["unplayed"])
            self.counts["live calls"] += receipt["upstream_calls"]
            self.discarded += receipt.get("discarded", 0)
        if passed and all(map(sent_nothing, receipts)):
            self.silent.append(test)
        if passed and whole and any(item["not_rerecorded"] for item in receipts):
            self.stale.append(test)

    def take_in(self, document: Mapping[str, Any]) -> None:
        """Add what another process counted."""
        for kind, number in document["counts"].items():
            self.counts[kind] += number
        self.discarded += document["discarded"]
        self.silent += document["silent"]
        self.stale += document["stale"]
        self.tests += document["tests"]

    def document(self) -> dict[str, Any]:
        """For `take_in`, in another process."""
        return {
            "counts": dict(self.counts),
            "discarded": self.discarded,
            "silent": list(self.silent),
            "stale": list(self.stale),
            "tests": self.tests,
        }

    def lines(self) -> list[str]:
        """What is printed at the end of a run; nothing if no test used runreel."""
        if not self.tests:
            return []
        told = ", ".join(f"{number} {kind}" for kind, number in self.counts.items())
        if self.discarded:
            told += f" ({self.discarded} more discarded, of tests that did not pass)"
        lines = [f"runreel: {told}"]
        if self.silent:
            lines.append(
                f"runreel: WARNING: {len(self.silent)} of {self.tests} tests sent no request. Is "
                "their client made with a base URL of its own, or before runreel could set "
                f"OPENAI_BASE_URL? {_named(self.silent)}"
            )
        if self.stale:
            lines.append(
                f"runreel: WARNING: {len(self.stale)} of {self.tests} tests have recordings that "
                "they did not make again, and will fail when these are not played; "
                f"--runreel-prune drops them: {_named(self.stale)}"
            )
        return lines


def _named(tests: list[str]) -> str:
    names = sorted(tests)
    more = f" and {len(names) - _NAMED_MAX} more" if len(names) > _NAMED_MAX else ""
    return f"{', '.join(names[:_NAMED_MAX])}{more}"
