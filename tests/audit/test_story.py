"""What the auditor is told of the story equals tables that were written by hand."""

import json
from pathlib import Path

import pytest

from audit_story import tell
from cli_tools import Tool
from servers import Proxy, RawUpstream

# Of the actors: A is 0881cb32, B c6c9ce8a, C 7209c43f.
KEY = b"0123456789abcdef0123456789abcdef"

LOG = """\
ENTRY  AT                        OPERATION  RESOURCE  ACTOR     EFFECT          STATUS  CHANGES
2      2026-11-22T10:01:00.000Z  modifyRun  run_1     0881cb32  applied         200     stage: ? -> "a"
4      2026-11-22T10:02:00.000Z  modifyRun  run_2     0881cb32  applied         200     stage: ? -> "a"
6      2026-11-22T10:03:00.000Z  modifyRun  run_3     c6c9ce8a  partly_applied  200     stage: ? -> "a", asked for {"debug":"1","stage":"a"}
8      2026-11-22T10:04:00.000Z  modifyRun  run_4     7209c43f  applied         200     stage: ? -> "b"
10     2026-11-22T10:05:00.000Z  modifyRun  run_1     c6c9ce8a  applied         200     stage: "a" -> "b"
12     2026-11-22T10:06:00.000Z  modifyRun  run_1     7209c43f  applied         200     +note: "x"
14     2026-11-22T10:07:00.000Z  modifyRun  run_2     0881cb32  not_applied     200     asked for {"debug":"1"}
16     2026-11-22T10:08:00.000Z  modifyRun  run_3     0881cb32  applied         200     stage: "a" -> "b"
18     2026-11-22T10:09:00.000Z  modifyRun  run_4     c6c9ce8a  refused         400     asked for {"forbidden":"1"}
20     2026-11-22T10:10:00.000Z  modifyRun  run_2     7209c43f  applied         200     owner: "ops" -> "dev"
23     2026-11-22T10:11:00.000Z  modifyRun  run_4     0881cb32  applied         200     +note: "n", stage: "b" -> "c"
25     2026-11-22T10:12:00.000Z  modifyRun  run_1     c6c9ce8a  applied         200     no change
27     2026-11-22T10:13:00.000Z  modifyRun  run_3     7209c43f  not_applied     200     asked for {"debug":"2"}
29     2026-11-22T10:14:00.000Z  modifyRun  run_3     0881cb32  partly_applied  200     stage: "b" -> "c", asked for {"debug":"3","stage":"c"}
31     2026-11-22T10:15:00.000Z  modifyRun  run_2     c6c9ce8a  applied         200     stage: "a" -> "b"
33     2026-11-22T10:16:00.000Z  modifyRun  run_4     7209c43f  applied         200     note: "n" -> "m"
34     2026-11-22T10:16:30.000Z  getRun     run_3     0881cb32  seen            200     +owner: "root"
36     2026-11-22T10:17:00.000Z  modifyRun  run_1     0881cb32  applied         200     note: "x" -> "y"
38     2026-11-22T10:18:00.000Z  modifyRun  run_2     c6c9ce8a  refused         400     asked for {"forbidden":"2","stage":"z"}
40     2026-11-22T10:19:00.000Z  modifyRun  run_3     7209c43f  applied         200     stage: "c" -> "d"
42     2026-11-22T10:20:00.000Z  modifyRun  run_4     0881cb32  refused         400     asked for {"forbidden":"3"}
44     2026-11-22T10:21:00.000Z  modifyRun  run_1     c6c9ce8a  applied         200     note: "y" -> "z", stage: "b" -> "c"
46     2026-11-22T10:22:00.000Z  modifyRun  run_2     7209c43f  applied         200     +note: "1"
48     2026-11-22T10:23:00.000Z  modifyRun  run_3     0881cb32  not_applied     200     asked for {"debug":"4"}
50     2026-11-22T10:24:00.000Z  modifyRun  run_4     c6c9ce8a  applied         200     stage: "c" -> "d"
52     2026-11-22T10:25:00.000Z  modifyRun  run_1     7209c43f  partly_applied  200     stage: "c" -> "d", asked for {"debug":"5","stage":"d"}
54     2026-11-22T10:26:00.000Z  modifyRun  run_2     0881cb32  applied         200     stage: "b" -> "c"
56     2026-11-22T10:27:00.000Z  modifyRun  run_3     c6c9ce8a  applied         200     +note: "q"
58     2026-11-22T10:28:00.000Z  modifyRun  run_4     7209c43f  refused         400     asked for {"forbidden":"4"}
60     2026-11-22T10:29:00.000Z  modifyRun  run_1     0881cb32  applied         200     -note: "z"
62     2026-11-22T10:30:00.000Z  modifyRun  run_2     c6c9ce8a  applied         200     owner: "dev" -> "ops"
"""  # noqa: E501 - a table

SHOWN = {  # (run, at): metadata, the entries that made it, the last that showed it
    ("run_1", "2026-11-22T10:01:00Z"): ({"stage": "a"}, [2], 2),
    ("run_1", "2026-11-22T10:12"): ({"note": "x", "stage": "b"}, [10, 12], 25),
    ("run_1", "2026-11-22T12:24:59+02:00"): ({"note": "z", "stage": "c"}, [44], 44),
    ("run_1", "2026-11-22"): ({"stage": "d"}, [52], 60),
    ("run_2", "2026-11-22T10:09:00Z"): ({"owner": "ops", "stage": "a"}, [4], 14),
    ("run_2", "2026-11-22T10:18:30Z"): ({"owner": "dev", "stage": "b"}, [20, 31], 31),
    ("run_2", None): ({"note": "1", "owner": "ops", "stage": "c"}, [46, 54, 62], 62),
    ("run_3", "2026-11-22T10:16:29Z"): ({"stage": "c"}, [29], 29),
    ("run_3", "2026-11-22T10:16:30Z"): ({"owner": "root", "stage": "c"}, [29, 34], 34),
    ("run_4", "2026-11-22T10:23:00Z"): ({"note": "m", "stage": "c"}, [23, 33], 33),
    ("run_4", "2026-12-01"): ({"note": "m", "stage": "d"}, [33, 50], 50),
}

BLAMED = {
    "run_1": """\
KEY    VALUE  HOW      ENTRY  AT                        ACTOR     OPERATION
note   -      removed  60     2026-11-22T10:29:00.000Z  0881cb32  modifyRun
stage  "d"    set      52     2026-11-22T10:25:00.000Z  7209c43f  modifyRun
""",
    "run_2": """\
KEY    VALUE  HOW  ENTRY  AT                        ACTOR     OPERATION
note   "1"    set  46     2026-11-22T10:22:00.000Z  7209c43f  modifyRun
owner  "ops"  set  62     2026-11-22T10:30:00.000Z  c6c9ce8a  modifyRun
stage  "c"    set  54     2026-11-22T10:26:00.000Z  0881cb32  modifyRun
""",
    "run_3": """\
KEY    VALUE   HOW   ENTRY  AT                        ACTOR     OPERATION
note   "q"     set   56     2026-11-22T10:27:00.000Z  c6c9ce8a  modifyRun
owner  "root"  seen  34     2026-11-22T10:16:30.000Z  -         getRun
stage  "d"     set   40     2026-11-22T10:19:00.000Z  7209c43f  modifyRun
""",
    "run_4": """\
KEY    VALUE  HOW  ENTRY  AT                        ACTOR     OPERATION
note   "m"    set  33     2026-11-22T10:16:00.000Z  7209c43f  modifyRun
stage  "d"    set  50     2026-11-22T10:24:00.000Z  c6c9ce8a  modifyRun
""",
}

STATS = """\
62 entries: 30 intents, 30 outcomes, 2 observations
OPERATION  ENTRIES
modifyRun  30
getRun     2
EFFECT          ENTRIES
applied         20
refused         4
not_applied     3
partly_applied  3
ACTOR                                         ENTRIES
hmac-sha256:0881cb324c47fc3c601e8c5afd043cf7  12
hmac-sha256:7209c43f961a0d5e112b6d5695f9fe4b  10
hmac-sha256:c6c9ce8a3c69a4568ba01115b8d6258d  10
KEY NOT AS ASKED  ENTRIES
debug             6
"""


CONDITIONS: tuple[tuple[list[str], list[int]], ...] = (
    (["--run", "run_2"], [4, 14, 20, 31, 38, 46, 54, 62]),
    (["--thread", "thread_1", "--effect", "refused"], [18, 38, 42, 58]),
    (["--effect", "not_applied"], [14, 27, 48]),
    (["--effect", "partly_applied", "--actor", "0881"], [29]),
    (["--actor", "hmac-sha256:7209", "--run", "run_1"], [12, 52]),
    (["--key", "owner"], [20, 34, 62]),
    (["--key", "forbidden"], [18, 38, 42, 58]),
    (["--key", "stage", "--value", "z"], [38]),
    (["--value", "z"], [38, 44]),
    (["--operation", "getRun"], [34]),
    (["--operation", "getRun", "--all"], [21, 34]),
    (["--since", "2026-11-22T10:28:00Z"], [58, 60, 62]),
    (["--until", "2026-11-22T12:02+02:00"], [2, 4]),
    (["--until", "2026-11-22T10:02", "--all"], [1, 2, 3, 4]),
    (["--since", "2026-11-22", "--until", "2026-11-22", "--key", "note", "--value", "m"], [33]),
    (["--since", "2026-11-23"], []),
    (["--actor", "none"], []),
    (["--run", "run_5"], []),
)


@pytest.fixture
async def told(
    proxy: Proxy, upstream: RawUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, cassettes = tmp_path / "audit", tmp_path / "cassettes"
    folder.mkdir()
    (folder / "actor.key").write_bytes(KEY)
    sizes = {"audit__rotate_bytes": 8_192, "audit__checkpoint_entries": 20}
    async with proxy(
        mode="record", upstream=upstream.url, audit__path=folder, cassettes=cassettes, **sizes
    ) as running:
        await tell(running.url, upstream, monkeypatch)
    assert len([*folder.glob("metadata.*.jsonl")]) > 2  # all are read as one


@pytest.mark.usefixtures("told")
def test_the_story_is_told_by_log_show_blame_and_stats(audit: Tool) -> None:
    shown = {}
    for run, at in SHOWN:
        at_some_time = ("--at", at) if at else ()
        said = json.loads(audit("show", run, *at_some_time, "--json").out)
        shown[run, at] = (said["metadata"], said["made_by"], said["seen"]["seq"])
    stats = audit("stats").out
    counted = json.loads(audit("stats", "--json").out)
    (upstream,) = counted["upstreams"].values()

    assert audit("log").out == LOG
    assert shown == SHOWN
    assert {run: audit("blame", run).out for run in BLAMED} == BLAMED
    assert stats.startswith(STATS)
    assert stats.endswith("  32       merges\nevery change has its outcome\n")
    assert upstream == {"entries": 32, "manner": "merges", "merges": 17, "replaces": 0}
    assert counted["without_outcome"] == []
    assert audit("verify").out.startswith(
        "runreel: 62 entries, each following from the one before, verified against 4 checkpoints\n"
    )


@pytest.mark.usefixtures("told")
def test_the_cassette_alone_tells_the_same_but_for_the_actors(audit: Tool) -> None:
    actors = ("0881cb32", "c6c9ce8a", "7209c43f", "ACTOR   ")
    expected = LOG.replace("ACTOR   ", "ACTOR")
    for name in actors:
        expected = expected.replace(name, "-    ")

    assert audit("log", "--cassette", "default").out == expected
    for run, table in BLAMED.items():
        blamed = audit("blame", run, "--cassette", "default").out
        assert [line.split()[:5] for line in blamed.splitlines()] == [
            line.split()[:5] for line in table.splitlines()
        ]


@pytest.mark.usefixtures("told")
def test_conditions_select_entries(audit: Tool) -> None:
    told = [audit("log", *conditions, "--json") for conditions, _ in CONDITIONS]

    selected = [[json.loads(line)["seq"] for line in each.out.splitlines()] for each in told]
    assert selected == [entries for _, entries in CONDITIONS]
