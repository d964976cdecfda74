import json
from dataclasses import replace
from typing import Any

import pytest

from builders import a_cassette, a_request, a_response, an_interaction
from cli_tools import Keep, Tool
from runreel.http.messages import NO_RESPONSE, Interaction, Response, Violation
from runreel.redaction.redactor import Redacted, Redaction

HOSTILE = "\x1b[31mred \u202ehidden\u200b\x9b2J\r\x07"
ESCAPED = "\\u001b[31mred \\u202ehidden\\u200b\\u009b2J\\r\\u0007"


def _redacted(item: Redacted[Interaction], **changes: Any) -> Redacted[Interaction]:
    return Redaction().interaction(item.value.request, replace(item.value, **changes))


def test_every_interaction_has_its_line_with_the_metadata_sent(tool: Tool, keep: Keep) -> None:
    get = a_request(b"", "/v1/threads/t/runs?limit=2", "GET")
    keep("mine", a_cassette(an_interaction(), an_interaction(get, a_response(status=404), "get")))

    ended = tool("show", "mine")

    assert (ended.code, ended.err) == (0, "")
    time = "2026-03-31T10:15:02Z"
    assert ended.out == (
        f"modifyRun-00000000  {time}  200  POST  /v1/threads/thread_abc123/runs/run_abc123"
        '  {"stage": "a"}\n'
        f"get                 {time}  404  GET   /v1/threads/t/runs?limit=2\n"
    )


def test_half_a_recording_says_so_beside_what_it_holds(tool: Tool, keep: Keep) -> None:
    keep("mine", replace(a_cassette(an_interaction()), incomplete="the disk was full"))

    ended = tool("show", "mine")

    assert (ended.code, len(ended.out.splitlines())) == (0, 1)
    assert ended.err == "runreel: cassette 'mine' is incomplete: the disk was full\n"


def test_one_interaction_is_shown_with_its_metadata_first(tool: Tool, keep: Keep) -> None:
    item = _redacted(
        an_interaction(response=a_response(b'{"metadata": {"stage": "a"}, "n": [1, true]}')),
        violations=(Violation("", "json", "advice", "odd"), Violation("/a", "type", "error", "no")),
        client_gone=True,
    )
    keep("mine", a_cassette(item))

    ended = tool("show", "mine", "modifyRun-00000000")

    assert (
        ended.out
        == """\
modifyRun-00000000  2026-03-31T10:15:02Z, 212 ms
metadata sent: {"stage": "a"}
metadata returned: {"stage": "a"}
advice: the body: odd
error: /a: no
client gone: this answer reached nobody and is never played

POST /v1/threads/thread_abc123/runs/run_abc123
Content-Type: application/json
OpenAI-Beta: assistants=v2

{
  "metadata": {
    "stage": "a"
  }
}

200
Content-Type: application/json

{
  "metadata": {
    "stage": "a"
  },
  "n": [
    1,
    true
  ]
}
"""
    )


def test_a_stream_is_shown_event_by_event(tool: Tool, keep: Keep) -> None:
    stream = b'event: thread.run.created\ndata: {"id":"run_1"}\n\nevent: done\ndata: [DONE]\n\n'
    headers = (("Content-Type", "text/event-stream"),)
    item = an_interaction(response=Response(200, headers, stream, (5, 1200)))
    keep("mine", a_cassette(item))

    ended = tool("show", "mine", "modifyRun-00000000")

    assert ended.out.endswith("""\
200
Content-Type: text/event-stream

+5 ms  thread.run.created
{
  "id": "run_1"
}

+1200 ms
event: done
data: [DONE]


""")


def test_bytes_that_are_no_text_are_shown_in_base64(tool: Tool, keep: Keep) -> None:
    keep("mine", a_cassette(an_interaction(response=a_response(b"\xff" * 60, headers=()))))

    ended = tool("show", "mine", "modifyRun-00000000")

    assert ended.out.endswith(f"\n200\n\n{'/' * 76}\n{'/' * 4}\n")


@pytest.mark.parametrize("colours", [False, True])
def test_nothing_in_a_cassette_can_steer_a_terminal(
    tool: Tool, keep: Keep, monkeypatch: pytest.MonkeyPatch, colours: bool
) -> None:
    monkeypatch.setattr("runreel.cli.output.colours", lambda _: colours)
    body = json.dumps({"metadata": {HOSTILE: HOSTILE}}, ensure_ascii=False).encode()
    text = HOSTILE.replace("\x1b", "").replace("\x07", "")
    item = _redacted(
        an_interaction(a_request(body), a_response(text.encode(), headers=()), HOSTILE),
        violations=(Violation(HOSTILE, "type", "error", HOSTILE),),
    )
    path = keep("mine", a_cassette(item))

    outputs = [
        *(tool("show", "mine").out, tool("show", "mine", HOSTILE).out, tool("list").out),
        *(tool("check").out, tool("diff", "mine", str(path)).out),
        *(tool("show", "mine", "--json").out, tool("check", "--json").out),
    ]

    ours = ("\x1b[0m", "\x1b[1m", *(f"\x1b[{code}m" for code in range(31, 37)))
    for style in ours:
        outputs = [out.replace(style, "") for out in outputs] if colours else outputs
    assert [
        char for out in outputs for char in out if char != "\n" and not char.isprintable()
    ] == []
    assert ESCAPED in outputs[0]
    assert ESCAPED in outputs[1]
    assert tool("show", "mine", "x").err.count("\n") == 1


def test_a_script_gets_what_stands_in_the_cassette(tool: Tool, keep: Keep) -> None:
    path = keep("mine", a_cassette(an_interaction(name="é"), an_interaction(name="b")))
    stored = json.loads(path.read_text(encoding="utf-8"))["interactions"]

    listed, one = tool("show", "mine", "--json"), tool("show", "mine", "é", "--json")

    assert json.loads(listed.out) == stored
    assert json.loads(one.out) == stored[0]
    assert one.out.isascii()


def test_a_file_is_shown_as_well_as_a_name(tool: Tool, keep: Keep) -> None:
    path = keep("mine", a_cassette(an_interaction()))

    assert tool("show", str(path)).out == tool("show", "mine").out
    assert tool("show", "cassettes/mine.json").out == tool("show", "mine").out


def test_what_is_not_there_is_named_with_a_remedy(tool: Tool, keep: Keep) -> None:
    keep("mine", a_cassette(an_interaction()))

    asked = [tool("show", "other"), tool("show", "no.json"), tool("show", "mine", "modifyRun-1")]

    assert [ended.code for ended in asked] == [2, 2, 2]
    assert [ended.err for ended in asked] == [
        (
            "runreel: error: there is no cassette 'other'; runreel cassette list shows those there "
            "are, and --cassettes DIR looks elsewhere\n"
        ),
        "runreel: error: no.json: there is no such file\n",
        (
            "runreel: error: there is no interaction 'modifyRun-1' in cassette 'mine'; the nearest "
            "is 'modifyRun-00000000', and runreel cassette show mine lists all\n"
        ),
    ]


def test_a_write_without_an_answer_and_its_history_are_told(tool: Tool, keep: Keep) -> None:
    lost = replace(
        an_interaction().value,
        response=NO_RESPONSE,
        failed="upstream_timeout",
        scope="a test",
        after=(),
        during=("one", "two"),
    )
    keep("mine", a_cassette(Redacted(lost)))

    ended = tool("show", "mine", "modifyRun-00000000")

    assert ended.code == 0
    assert ended.out.splitlines()[1:] == [
        'metadata sent: {"stage": "a"}',
        "upstream_timeout: there was no answer, so this is never played",
        "scope: a test",
        "after: nothing",
        "during: one, two",
        "",
        "POST /v1/threads/thread_abc123/runs/run_abc123",
        "Content-Type: application/json",
        "OpenAI-Beta: assistants=v2",
        "",
        "{",
        '  "metadata": {',
        '    "stage": "a"',
        "  }",
        "}",
    ]
