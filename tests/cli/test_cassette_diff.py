import json
from dataclasses import replace

from builders import a_cassette, a_request, a_response, an_interaction
from cli_tools import Keep, Tool

CALL = "POST /v1/threads/thread_abc123/runs/run_abc123"


def _keep_two(keep: Keep) -> None:
    get = an_interaction(a_request(b"", method="GET"), name="get")
    cancel = an_interaction(a_request(b"", target="/v1/threads/t/runs/r/cancel"), name="cancel")
    other = an_interaction(
        a_request(b'{"metadata":{"stage":"b"}}'), a_response(b'{"id":"run_1"}', 404), "other"
    )
    keep("old", a_cassette(an_interaction(), get))
    keep("new", replace(a_cassette(cancel, other), profile="rubra"))


def test_each_difference_has_its_line_and_the_exit_code_says_that_there_are_some(
    tool: Tool, keep: Keep
) -> None:
    _keep_two(keep)

    ended = tool("diff", "old", "new")

    assert (ended.code, ended.err) == (1, "")
    assert ended.out == (
        '~ profile: "openai" -> "rubra"\n'
        "- get  GET /v1/threads/thread_abc123/runs/run_abc123\n"
        "+ cancel  POST /v1/threads/t/runs/r/cancel\n"
        f"~ modifyRun-00000000  {CALL} (there other)\n"
        '    request body /metadata/stage: "a" -> "b"\n'
        "    response status: 200 -> 404\n"
        '    response body /id: "run_abc123" -> "run_1"\n'
    )


def test_a_script_gets_both_sides_as_json(tool: Tool, keep: Keep) -> None:
    _keep_two(keep)

    found = json.loads(tool("diff", "old", "new", "--json").out)

    target = "/v1/threads/thread_abc123/runs/run_abc123"
    assert found == {
        "equal": False,
        "head": [{"part": "head", "facet": "profile", "at": "", "a": "openai", "b": "rubra"}],
        "changed": [
            {
                "a": "modifyRun-00000000",
                "b": "other",
                "method": "POST",
                "target": target,
                "differences": [
                    {
                        "part": "request",
                        "facet": "body",
                        "at": "/metadata/stage",
                        "a": "a",
                        "b": "b",
                    },
                    {"part": "response", "facet": "status", "at": "", "a": 200, "b": 404},
                    {
                        "part": "response",
                        "facet": "body",
                        "at": "/id",
                        "a": "run_abc123",
                        "b": "run_1",
                    },
                ],
            }
        ],
        "removed": [{"a": "get", "method": "GET", "target": target}],
        "added": [{"b": "cancel", "method": "POST", "target": "/v1/threads/t/runs/r/cancel"}],
    }


def test_equal_cassettes_have_nothing_to_say(tool: Tool, keep: Keep) -> None:
    path = keep("old", a_cassette(an_interaction()))

    ended, as_json = tool("diff", "old", str(path)), tool("diff", "old", "old", "--json")

    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert (as_json.code, json.loads(as_json.out)["equal"]) == (0, True)


def test_a_side_may_be_a_file_of_any_name_as_a_shell_makes_it_of_git_show(
    tool: Tool, keep: Keep
) -> None:
    keep("old", a_cassette(an_interaction())).rename("pipe:[1]")
    keep("new", a_cassette())

    ended = tool("diff", "pipe:[1]", "new")

    assert (ended.code, ended.out) == (1, f"- modifyRun-00000000  {CALL}\n")


def test_a_long_value_is_cut_on_the_screen_and_an_absent_one_is_nothing(
    tool: Tool, keep: Keep
) -> None:
    keep("old", a_cassette(an_interaction(a_request(b'{"a":"%b"}' % (b"x" * 500)))))
    keep("new", a_cassette(an_interaction(a_request(b"{}"))))

    ended = tool("diff", "old", "new")

    assert ended.out.splitlines()[1] == f'    request body /a: "{"x" * 198}… -> nothing'


def test_what_cannot_be_compared_is_an_error(tool: Tool, keep: Keep) -> None:
    keep("old", a_cassette()).write_text("{")

    damaged, missing = tool("diff", "old", "old"), tool("diff", "other", "old")

    assert (damaged.code, damaged.out, missing.code, missing.out) == (1, "", 2, "")
    assert damaged.err.startswith("runreel: error: cassettes/old.json: not readable as JSON: ")
    assert missing.err.startswith("runreel: error: there is no cassette 'other'; ")
