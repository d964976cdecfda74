"""What receipts mean for the test that they are of, and for the run as a whole.

Which findings make a test fail, the text that says so, and the lines that end a run, over all of
its worker processes, between which values pass as plain data. Nothing that was sent can steer a
terminal from here. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runreel.text import counted, excerpt, json_excerpt

Receipt = Mapping[str, Any]

_MISSES_MAX = 10  # told in full
_LISTED_MAX = 12  # differences or ids
_VALUE_CHARS_MAX = 200  # of one value that is told
_IDS_CHARS_MAX = 1_000  # of a list of ids


def findings(receipt: Receipt, *, allow_unplayed: bool) -> list[str]:
    """What is wrong, a finding after the other, each of one or more lines; empty if all is well."""
    found = misses(receipt)
    unplayed = receipt["unplayed"]
    if receipt["mode"] == "verify":
        found += [_drift(item) for item in receipt.get("drift", ())]
    elif unplayed and not allow_unplayed:
        found.append(
            f"{counted(len(unplayed), 'recording')} in cassette '{receipt['cassette']}' "
            f"{'was' if len(unplayed) == 1 else 'were'} not played: {_listed(unplayed)}"
        )
    if receipt["not_stored"]:
        found.append(f"{counted(receipt['not_stored'], 'exchange')} could not be recorded")
    return found


def misses(receipt: Receipt) -> list[str]:
    """The calls that no recording answered, each with the difference."""
    missed = receipt["missed"]
    told = ["\n".join((item["message"], *item["details"])) for item in missed[:_MISSES_MAX]]
    if len(missed) > _MISSES_MAX:
        told.append(f"and {counted(len(missed) - _MISSES_MAX, 'more miss', 'more misses')}")
    return told


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


def _listed(ids: list[str]) -> str:
    more = f" and {len(ids) - _LISTED_MAX} more" if len(ids) > _LISTED_MAX else ""
    return excerpt(", ".join(ids[:_LISTED_MAX]), _IDS_CHARS_MAX) + more


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
