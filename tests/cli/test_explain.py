import io
import json
from pathlib import Path

import pytest

from asking import a_missed, a_receipt, a_request_object, written
from builders import FAKE_KEY, TARGET, a_cassette, a_request, an_interaction
from cli_tools import Keep, Tool
from near_misses import with_stage
from runreel.cli.explain import CANDIDATES_MAX

CURL = f"""curl http://127.0.0.1:8080{TARGET} \\
  -H 'OpenAI-Beta: assistants=v2' -H 'Authorization: Bearer {FAKE_KEY}' \\
  --json '{{"metadata": {{"stage": "b", "trace_id": 7}}}}'
"""
REFUSED = (
    f"No recording matches POST {TARGET}: body /metadata/stage: "
    'sent "b", recorded "a"; nearest in cassette \'mine\' is modifyRun-3f2a9c1e.\n'
    "--- recorded: modifyRun-3f2a9c1e\n"
    "+++ sent\n"
    f" POST {TARGET}\n"
    " openai-beta: assistants=v2\n"
    " {\n"
    '   "metadata": {\n'
    '-    "stage": "a",\n'
    '+    "stage": "b",\n'
    "   },\n"
    " }\n"
    "0 of 1 played\n"
    "cassette: cassettes/mine.json\n"
    "To record it anew, run the program again behind (OpenAI switched its API off on "
    "2026-08-26; another upstream needs a cassette of another name): runreel record "
    "--cassette mine --upstream https://api.openai.com\n"
)
RULES = """
[match]
ignore_body = ["/metadata/trace_id"]
"""


def test_a_miss_is_explained_facet_by_facet_and_rule_by_rule(
    tmp_path: Path, explain: Tool, keep: Keep
) -> None:
    keep("mine", a_cassette(an_interaction(with_stage("a"), name="modifyRun-3f2a9c1e")))
    written(tmp_path, "runreel.toml", RULES)

    ended = explain(written(tmp_path, "call.txt", CURL), "--cassette", "mine")

    assert (ended.code, ended.err) == (1, "")
    assert ended.out == (
        "What counts of the request\n"
        "  method              POST\n"
        f"  path                {TARGET}\n"
        "  query               nothing\n"
        '  body                {"metadata": {"stage": "b"}}\n'
        "  header.openai-beta  assistants=v2\n"
        "\n"
        "What was redacted, and by which rule\n"
        "  header.authorization: header.authorization\n"
        "\n"
        "What was ignored, and by which rule\n"
        "  -body./metadata/trace_id: body /metadata/trace_id\n"
        "\n"
        "The nearest of 1 recording in cassette 'mine'\n"
        f"  1. modifyRun-3f2a9c1e  POST {TARGET}\n"
        "     method              equal\n"
        "     path                equal\n"
        "     query               equal\n"
        "     body                differs\n"
        '       body /metadata/stage: sent "b", recorded "a"\n'
        "     header.openai-beta  equal\n"
        "\n"
        "A replay that begins with it would refuse it: no_matching_interaction.\n" + REFUSED
    )


def test_a_request_that_would_be_served_ends_with_the_recording_and_exit_code_0(
    tmp_path: Path, explain: Tool, keep: Keep
) -> None:
    keep("default", a_cassette(an_interaction(with_stage("a"), name="one")))

    ended = explain(written(tmp_path, "call.json", a_request_object()))

    assert ended.code == 0
    assert ended.out.endswith("\n\nA replay that begins with it would serve one.\n")
    assert "What was" not in ended.out


def test_the_rules_of_the_cassette_hold_where_none_are_configured(
    tmp_path: Path, explain: Tool, keep: Keep
) -> None:
    cassette = a_cassette(an_interaction(with_stage("b"), name="one"))
    path = keep("default", cassette)
    path.write_text(
        path.read_text().replace(
            '"header.openai-beta"]', '"header.openai-beta", "-body./metadata/trace_id"]'
        )
    )

    ended = explain(written(tmp_path, "call.txt", CURL))

    assert (ended.code, "-body./metadata/trace_id: body" in ended.out) == (0, True)


def test_a_request_comes_from_stdin(
    explain: Tool, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep("default", a_cassette(an_interaction(with_stage("a"))))
    monkeypatch.setattr(
        "sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(a_request_object()).encode()))
    )

    assert explain("-").code == 0


def test_the_last_miss_of_a_receipt_is_explained_with_its_cassette(
    tmp_path: Path, explain: Tool, keep: Keep
) -> None:
    keep("mine", a_cassette(an_interaction(with_stage("b"), name="one")))
    receipt = a_receipt("mine", a_missed("a"), a_missed("b", "interaction_exhausted"))

    ended = explain("--last-miss", written(tmp_path, "receipt.json", receipt))

    assert ended.code == 0
    assert ended.out.splitlines()[-2:] == [
        "In the session of the receipt it was interaction_exhausted.",
        "A replay that begins with it would serve one.",
    ]


def test_what_a_receipt_says_of_its_last_miss_is_told_again(
    tmp_path: Path, explain: Tool, keep: Keep
) -> None:
    keep("mine", a_cassette(an_interaction(with_stage("b"), name="one")))
    said = {"message": "Every one was played.", "details": ["6 of 11 played", 7], "remedy": None}
    receipt = a_receipt("mine", a_missed("b", "interaction_exhausted") | said)

    ended = explain("--last-miss", written(tmp_path, "receipt.json", receipt))

    assert ended.out.splitlines()[-4:] == [
        "In the session of the receipt it was interaction_exhausted.",
        "  Every one was played.",
        "  6 of 11 played",
        "A replay that begins with it would serve one.",
    ]


def test_a_miss_of_another_session_is_found_too(tmp_path: Path, explain: Tool, keep: Keep) -> None:
    keep("theirs", a_cassette(an_interaction(with_stage("b"), name="one")))
    sessions = [a_receipt("theirs", a_missed("a"), a_missed("b")), a_receipt("quiet")]

    ended = explain(
        "--last-miss", written(tmp_path, "receipt.json", a_receipt("mine", sessions=sessions))
    )

    assert ended.out.endswith("would serve one.\n")


def test_a_read_of_another_state_says_which_write_was_not_played(
    tmp_path: Path, explain: Tool, keep: Keep
) -> None:
    read = a_request(b"", method="GET", headers=())
    keep("default", a_cassette(an_interaction(name="write"), an_interaction(read, name="read")))

    ended = explain(written(tmp_path, "call.json", {"method": "GET", "target": TARGET}))

    assert ended.code == 1
    said = (
        f"No recording of GET {TARGET} belongs to this state: read in cassette 'default' was "
        f"recorded after POST {TARGET} (write), not played here."
    )
    assert ended.out.splitlines()[-6:-4] == [
        "A replay that begins with it would refuse it: interaction_exhausted.",
        said,
    ]


def test_five_candidates_are_shown_or_all(tmp_path: Path, explain: Tool, keep: Keep) -> None:
    recorded = (an_interaction(with_stage(f"s{at}"), name=f"r{at}") for at in range(7))
    keep("default", a_cassette(*recorded))
    call = written(tmp_path, "call.json", a_request_object())

    few, every = explain(call).out, explain(call, "--all").out

    assert CANDIDATES_MAX == 5
    assert "\n  5. r4  POST " in few
    assert "\n  6. r5  POST " not in few
    assert "\n  and 2 more; --all shows them\n" in few
    assert "\n  7. r6  POST " in every
    assert "--all" not in every


def test_a_rule_that_ignored_much_names_a_few_places(
    tmp_path: Path, explain: Tool, keep: Keep
) -> None:
    keep("default", a_cassette())
    written(tmp_path, "runreel.toml", '[match]\nignore_body = ["/*/id"]\n')
    request = a_request_object() | {"body": {"json": [{"id": 1}] * 7, "layout": "compact"}}

    ended = explain(written(tmp_path, "call.json", request))

    assert (
        "  -body./*/id: body /0/id, body /1/id, body /2/id, body /3/id, body /4/id and 2 more\n"
    ) in ended.out


def test_a_script_gets_one_json_object(tmp_path: Path, explain: Tool, keep: Keep) -> None:
    keep("default", a_cassette(an_interaction(with_stage("a"), name="one")))

    ended = explain(written(tmp_path, "call.json", a_request_object()), "--json")

    found = json.loads(ended.out)
    assert (ended.code, found["served"], found["code"], found["message"]) == (0, "one", None, None)
    assert found["request"]["body"] == {"metadata": {"stage": "a"}}


def test_nothing_in_a_request_a_receipt_or_a_cassette_steers_the_terminal(
    tmp_path: Path, explain: Tool, keep: Keep
) -> None:
    evil = "\x1b[2J\u202e\r"
    recorded = a_request(json.dumps({evil: evil}).encode(), target="/v1/x")
    keep("default", a_cassette(an_interaction(recorded, name=f"one{evil}")))
    written(tmp_path, "runreel.toml", "[match]\nignore_query = ['a\\u001b']\n".replace("'", '"'))
    request = a_request_object(evil) | {"target": "/v1/x?a%1B=1&b=%1B"}
    receipt = a_receipt("default", {"code": evil, "request": request})

    ended = explain("--last-miss", written(tmp_path, "receipt.json", receipt))

    assert ended.code == 1
    assert all(char.isprintable() or char == "\n" for char in ended.out)
    assert "-query.a\\u001b: query a\\u001b" in ended.out
    assert "one\\u001b[2J" in ended.out
