"""What receipts mean for the test that they are of, and for the run as a whole.

Which findings make a test fail, the text that says so, and the lines that end a run, over all of
its worker processes, between which values pass as plain data. Nothing that was sent can steer a
terminal from here. Pure.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runreel.text import counted, cut, excerpt, json_excerpt, safe

Receipt = Mapping[str, Any]

_MISSES_MAX = 10  # told in full
_LISTED_MAX = 12  # differences or ids
_VALUE_CHARS_MAX = 200  # of one value that is told
_IDS_CHARS_MAX = 1_000  # of a list of ids
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
    missed = receipt["missed"]
    if not missed:  # and nothing of ours that is heavy gets among the tests
        return []
    from runreel.matching import near_miss

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


def nothing_done(mode: str, cassette: str) -> dict[str, Any]:
    """The receipt of a session that nobody used, so that it was never opened."""
    counts = dict.fromkeys(("requests", "served", "recorded", "not_stored", "upstream_calls"), 0)
    lists: dict[str, Any] = {"missed": [], "unplayed": [], "not_rerecorded": []}
    return {"mode": mode, "cassette": cassette, **counts, **lists}


def is_shared(scope: str | None, receipt: Receipt) -> bool:
    """Whether a session that has a story was answered from what belongs to none, as others are."""
    return scope is not None and receipt.get("scope") is None


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


def counts(receipt: Receipt) -> dict[str, int]:
    """The numbers of `_KINDS` of one session; what verify did not compare is not unplayed."""
    missed = receipt.get("missed_in_all", len(receipt["missed"]))
    unplayed = 0 if receipt["mode"] == "verify" else len(receipt["unplayed"])
    numbers = (receipt["served"], receipt["recorded"], missed, unplayed, receipt["upstream_calls"])
    return dict(zip(_KINDS, numbers, strict=True))


def properties(cassette: str, receipts: Sequence[Receipt]) -> dict[str, str | int]:
    """What a test did in all its sessions: cassette, mode and the numbers."""
    each = [counts(receipt) for receipt in receipts]
    numbers = {kind.replace(" ", "_"): sum(one[kind] for one in each) for kind in _KINDS}
    return {"cassette": cassette, "mode": receipts[0]["mode"], **numbers}


_ROWS_MAX = 200  # tests in the table of a summary
_TEXTS_MAX = 20  # tests whose trouble is told there
_TEXT_CHARS_MAX = 4_000  # of one of them
_COLUMNS = ("cassette", *(kind.replace(" ", "_") for kind in _KINDS))


@dataclass(slots=True)
class Summary:
    """A run for whoever looks at the job that it was part of, as Markdown: by test its `properties`
    and the texts that say what went wrong.
    """

    rows: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)

    def markdown(self, totals: Sequence[str]) -> str:
        """The document; `totals` are the lines that end the run."""
        return "\n".join(self._lines(totals or ["runreel: no test used it"])) + "\n"

    def _lines(self, totals: Sequence[str]) -> Iterator[str]:
        first, *warnings = totals
        yield f"### {_inline(first)}"
        yield from (f"\n**{_inline(line)}**" for line in warnings)
        for test, texts in [*self.texts.items()][:_TEXTS_MAX]:
            text = cut("\n".join(texts), _TEXT_CHARS_MAX)
            fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", text)), 3)
            yield f"\n{_code(test)}\n\n{fence}text\n{text}\n{fence}"
        if len(self.texts) > _TEXTS_MAX:
            yield f"\nand {counted(len(self.texts) - _TEXTS_MAX, 'more test')} with trouble"
        if self.rows:
            yield f"\n| test | {' | '.join(_COLUMNS).replace('_', ' ')} |"
            yield f"|---|---|{'---:|' * len(_KINDS)}"
        wrong_first = sorted(self.rows.items(), key=lambda row: row[0] not in self.texts)
        for test, row in wrong_first[:_ROWS_MAX]:
            cells = (_code(str(row["cassette"])), *(str(row[name]) for name in _COLUMNS[1:]))
            yield f"| {_code(test)} | {' | '.join(cells)} |"
        if len(self.rows) > _ROWS_MAX:
            yield f"\nand {counted(len(self.rows) - _ROWS_MAX, 'more test')}"


def _code(text: str) -> str:
    """A text in a cell of a table, as it is but for what would end the cell or the code."""
    return f"`{safe(text).replace('`', chr(39)).replace('|', chr(92) + '|')}`"


def _inline(text: str) -> str:
    return re.sub(r"([\\`*_<>\[\]#|])", r"\\\1", safe(text))


_NAMED_MAX = 10  # tests that are named in a warning


@dataclass(slots=True)
class Totals:
    """Counts by kind; `discarded` recordings are those of tests that did not pass, `silent` are the
    tests that sent no request, `stale` those that did not make all their old recordings again.
    `threads` outlived their tests; `shares` are of cassettes that several tests may share.
    """

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_KINDS, 0))
    discarded: int = 0
    silent: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    tests: int = 0
    threads: list[str] = field(default_factory=list)
    shares: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self,
        test: str,
        receipts: list[Mapping[str, Any]],
        *,
        passed: bool,
        whole: bool = False,
        called: bool = False,
    ) -> None:
        """Count a test: the receipts of all its sessions; `whole` says that all its recordings are
        to be made again, `called` that a fixture which it uses made calls.
        """
        self.tests += 1
        for receipt in receipts:
            self.add_fixture(receipt)
        if passed and not called and all(map(sent_nothing, receipts)):
            self.silent.append(test)
        if passed and whole and any(item["not_rerecorded"] for item in receipts):
            self.stale.append(test)

    def add_fixture(self, receipt: Receipt) -> None:
        """Count what one session did, of a fixture of several tests for instance."""
        for kind, number in counts(receipt).items():
            self.counts[kind] += number
        self.discarded += receipt.get("discarded", 0)

    def add_share(self, file: str, test: str, receipt: Receipt, *, judged: bool) -> None:
        """What a test did with a cassette that others may name too; `judged` if it did all."""
        self.shares.append(
            {
                "file": file,
                "test": test,
                "cassette": receipt["cassette"],
                "mode": receipt["mode"],
                "judged": judged,
                # What has no story; of its own each test is judged alone.
                "unplayed": None if "scope" in receipt else list(receipt["unplayed"]),
            }
        )

    def take_in(self, document: Mapping[str, Any]) -> None:
        """Add what another process counted."""
        for kind, number in document["counts"].items():
            self.counts[kind] += number
        self.discarded += document["discarded"]
        self.silent += document["silent"]
        self.stale += document["stale"]
        self.threads += document["threads"]
        self.shares += document["shares"]
        self.tests += document["tests"]

    def document(self) -> dict[str, Any]:
        """For `take_in`, in another process."""
        return {
            "counts": dict(self.counts),
            "discarded": self.discarded,
            "silent": list(self.silent),
            "stale": list(self.stale),
            "threads": list(self.threads),
            "shares": list(self.shares),
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
        if self.threads:
            lines.append(
                f"runreel: WARNING: {counted(len(self.threads), 'thread')} outlived the test that "
                "began it, and call into whichever test runs then; end them in their tests: "
                f"{_named(self.threads)}"
            )
        return lines


def _listed(ids: list[str]) -> str:
    more = f" and {len(ids) - _LISTED_MAX} more" if len(ids) > _LISTED_MAX else ""
    return excerpt(", ".join(ids[:_LISTED_MAX]), _IDS_CHARS_MAX) + more


def played_by_none(
    shares: Sequence[Mapping[str, Any]], names: Mapping[str, Collection[str]]
) -> list[str]:
    """What is wrong with cassettes that several tests name, when all of those have run.

    `names` are the tests that name a file. Recordings that belong to no test's story must have
    been played by one of them.
    """
    found = []
    for file, tests in sorted(names.items()):
        mine = [share for share in shares if share["file"] == file]
        if not set(tests) <= {share["test"] for share in mine if share["judged"]}:
            continue
        lists = [share["unplayed"] for share in mine if share["unplayed"] is not None]
        left = [id_ for id_ in lists[0] if all(id_ in each for each in lists)] if lists else []
        if left and mine[0]["mode"] != "verify":
            found.append(
                f"{counted(len(left), 'recording')} in cassette '{mine[0]['cassette']}' "
                f"{'was' if len(left) == 1 else 'were'} played by none of the "
                f"{counted(len(tests), 'test')} that name it: {_listed(left)}"
            )
    return found


def orphan_lines(gone: Sequence[str], does: str) -> list[str]:
    """What is told at the end of a run of cassettes whose tests are gone."""
    if not gone:
        return []
    what = f"{counted(len(gone), 'cassette')} {'has' if len(gone) == 1 else 'have'}"
    shown = [excerpt(each, _IDS_CHARS_MAX) for each in gone]
    if does == "delete":
        return [f"runreel: {what} recordings of tests that are gone; deleted: {_named(shown)}"]
    word = "ERROR" if does == "fail" else "WARNING"
    told = f"{what} recordings of tests that are gone; --runreel-orphans=delete removes them"
    return [f"runreel: {word}: {told}: {_named(shown)}"]


def crash_line(workers: Sequence[str]) -> str:
    """What is told at the end of a run some of whose worker processes crashed."""
    return (
        f"runreel: WARNING: {counted(len(workers), 'worker process', 'worker processes')} crashed "
        f"({', '.join(workers)}): what its tests did is not in these numbers; recordings of those "
        "that had passed are kept, and the run as a whole was not judged"
    )


def recorded_by_all(
    shares: Sequence[Mapping[str, Any]], names: Mapping[str, Collection[str]]
) -> dict[str, set[str]]:
    """The files of which all tests that name them have recorded all they have, with those tests:
    what else is in them belongs to no test any more.
    """
    found = {}
    for file, tests in names.items():
        done = [share for share in shares if share["file"] == file and share["judged"]]
        recorded = {share["test"] for share in done if share["mode"] == "record"}
        if recorded and set(tests) <= recorded:
            found[file] = set(tests)
    return found


def _named(tests: list[str]) -> str:
    names = sorted(tests)
    more = f" and {len(names) - _NAMED_MAX} more" if len(names) > _NAMED_MAX else ""
    return f"{', '.join(names[:_NAMED_MAX])}{more}"
