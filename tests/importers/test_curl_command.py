"""curl commands as people copy them."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import TARGET, a_cassette, a_request, an_interaction
from runreel.http.messages import Headers, Request
from runreel.importers import curl
from runreel.importers.curl import NotACurlCommand, read

URL = f"http://127.0.0.1:8080{TARGET}"
ANY: Headers = (("Accept", "*/*"),)
FORM: Headers = (("Content-Type", "application/x-www-form-urlencoded"), *ANY)


@pytest.mark.parametrize(
    ("command", "request_"),
    [
        (f"curl {URL}", Request("GET", TARGET, ANY)),
        (
            f"$ curl -s '{URL}?limit=1&order=asc'",
            Request("GET", f"{TARGET}?limit=1&order=asc", ANY),
        ),
        (f"curl --url {URL}", Request("GET", TARGET, ANY)),
        ("curl localhost:8080", Request("GET", "/", ANY)),
        ("curl https://api.openai.com/v1/x?a=%20b#part", Request("GET", "/v1/x?a=%20b", ANY)),
        (
            "curl http://127.0.0.1:8080/_runreel/s/one/v1/x",
            Request("GET", "/v1/x", ANY),
        ),
        (f"curl -X DELETE {URL}", Request("DELETE", TARGET, ANY)),
        (f"curl -XDELETE {URL}", Request("DELETE", TARGET, ANY)),
        (f"curl --request PUT {URL}", Request("PUT", TARGET, ANY)),
        (f"curl -sSLX PUT {URL} -o out.json", Request("PUT", TARGET, ANY)),
        (f"curl -I {URL}", Request("HEAD", TARGET, ANY)),
        (f"curl {URL} -d a=1", Request("POST", TARGET, FORM, b"a=1")),
        (f"curl {URL} -d a=1 --data b=2", Request("POST", TARGET, FORM, b"a=1&b=2")),
        (f"curl {URL} -d ''", Request("POST", TARGET, FORM)),
        (f"curl {URL} --data-raw @x", Request("POST", TARGET, FORM, b"@x")),
        (f"curl {URL} --data-binary 'é'", Request("POST", TARGET, FORM, "é".encode())),
        (
            f"curl {URL} --json '{{}}'",
            Request(
                *("POST", TARGET),
                (("Content-Type", "application/json"), ("Accept", "application/json")),
                b"{}",
            ),
        ),
        (
            f"curl {URL} -H 'Content-Type: text/plain' -H 'Accept:' -H 'X-Empty;' -d x",
            Request("POST", TARGET, (("Content-Type", "text/plain"), ("X-Empty", "")), b"x"),
        ),
        (
            f"curl {URL} -A me -b a=1",
            Request("GET", TARGET, (("User-Agent", "me"), ("Cookie", "a=1"), *ANY)),
        ),
    ],
)
def test_a_command_is_the_request_that_it_sends(command: str, request_: Request) -> None:
    assert read(command) == request_


def test_lines_that_go_on_are_joined_but_not_in_single_quotes() -> None:
    command = f"curl {URL} \\\n  -H \"X-A: 1\" \\\r\n  --data-raw 'a \\\nb'"

    assert read(command) == Request("POST", TARGET, (("X-A", "1"), *FORM), b"a \\\nb")


@pytest.mark.parametrize(
    ("quoted", "body"),
    [
        (r"$'it\'s \u00210'", b"it's !0"),
        (r"$'{\"a\":\"\u00e9\\n\"}'", b'{"a":"\xc3\xa9\\n"}'),
        (r"$'\n\t\e\x41\x4a1\101\60\?'", b"\n\t\x1bAJ1A0?"),
        (r"$'\ud83d\ude00 \U1F600'", b"\xed\xa0\xbd\xed\xb8\x80 \xf0\x9f\x98\x80"),
        (r"$'\q \xg \\u0021'", b"\\q \\xg \\u0021"),
        (r"a$'b'\''c'", b"ab'c"),
        ("\"$'a\\u0021'\"", b"$'a\\u0021'"),
        ("$''", b""),
        ("$'é \\\n'", "é \\\n".encode()),
    ],
)
def test_quotes_with_escapes_are_read_as_bash_reads_them(quoted: str, body: bytes) -> None:
    assert read(f"curl {URL} --data-binary {quoted}").body == body


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("", "it does not begin with curl"),
        ("wget http://h/", "it does not begin with curl"),
        ("curl", "it has no URLs, and one is needed"),
        ("curl http://h/a http://h/b", "it has 2 URLs, and one is needed"),
        ("curl -G http://h/", "its option -G is not known here; take it out if it changes "),
        ("curl -sF a=@b http://h/", "its option -F is not known here; "),
        ("curl --data-urlencode a=b http://h/", "its option --data-urlencode is not known here; "),
        ("curl --request=POST http://h/", "its option --request=POST is not known here; "),
        ("curl http://h/ -X", "its option -X has no value"),
        ("curl http://h/ -X post", "'post' is not a method in capital letters, as in POST"),
        ("curl http://h/ -d @body.json", "-d @body.json reads a file; put what is in it in its pl"),
        ("curl http://h/ --json @-", "--json @- reads a file; "),
        ("curl http://h/ -H @h.txt", "its header '@h.txt' is not written as 'Name: value'"),
        ("curl ftp://h/", "its URL is not one of http or https"),
        ("curl 'http://h/a b'", "its URL holds a space or a control character"),
        ("curl http://[h/", "its URL cannot be read: "),
        ("curl http://h/ -d 'a", "its quotes cannot be read (No closing quotation)"),
        ("curl http://h/ -d $'a\\x00b'", "its quotes cannot be read (a NUL, where a shell cuts "),
        (
            "curl http://h/ -d $'\\UFFFFFFFF'",
            "its quotes cannot be read (\\UFFFFFFFF is no ",
        ),
        ("curl http://h/ | jq .", "only the curl command itself is read, and nothing with '|'"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(command: str, why: str) -> None:
    with pytest.raises(NotACurlCommand) as caught:
        read(command)

    assert str(caught.value).startswith(why)


def test_what_export_writes_is_read() -> None:
    sent = a_request(b'{"metadata":{"note":"it\'s \xc3\xa9"}}', target=f"{TARGET}?a=1")

    written, _ = curl.write(a_cassette(an_interaction(sent)), "http://127.0.0.1:8080")

    found = read(written.decode())
    assert (found.method, found.target, found.body) == (sent.method, sent.target, sent.body)
    assert found.headers[:3] == (
        ("Authorization", "Bearer $OPENAI_API_KEY"),
        ("Content-Type", "application/json"),
        ("OpenAI-Beta", "assistants=v2"),
    )


@given(st.lists(st.text(), max_size=6))
def test_any_words_are_a_request_or_one_sentence(words: list[str]) -> None:
    try:
        found = read("curl " + shlex.join(words))
    except NotACurlCommand as refused:
        assert str(refused)
    else:
        assert found.target.startswith("/")
