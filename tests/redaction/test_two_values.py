"""Two values stay two: what was told apart before redaction is told apart after it, and what was
equal is equal, in every process that shares the cassette's salt. Credentials alone decide nothing.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from builders import TARGET, a_request
from redacting import KEY, OTHER_KEY
from runreel.http.messages import Request
from runreel.matching.matchers import MATCH_ON, Fingerprint, fingerprint
from runreel.redaction.redactor import Redaction
from runreel.redaction.rules import random
from servers import Proxy, RawUpstream, http
from wire import Reply, exchange, get, post

SALT = "5f0c" * 8
RULES = Redaction(salt=SALT)
IDS = st.text("abcdefghijABCDEFGHIJ0123456789", min_size=24, max_size=24).filter(random)


def of(request: Request, rules: Redaction = RULES) -> Fingerprint:
    return fingerprint(rules.request(request), MATCH_ON)


def in_metadata(value: str) -> Request:
    return a_request(json.dumps({"metadata": {"project": value}}).encode())


def in_path(value: str) -> Request:
    return a_request(target=f"/v1/organization/projects/{value}/keys")


def in_query(value: str) -> Request:
    return a_request(target=f"{TARGET}?a=1&key={quote(value, safe='')}")


PLACES = [
    pytest.param(lambda value: in_metadata(f"proj_{value}"), id="metadata"),
    pytest.param(lambda value: in_path(f"proj_{value}"), id="path"),
    pytest.param(in_query, id="query"),
    pytest.param(lambda value: in_query(f"a b&{value}%"), id="query-escaped"),
    pytest.param(lambda value: in_metadata(f"in org-{value}, proj_{value}"), id="text"),
]


@pytest.mark.parametrize("place", PLACES)
@given(one=IDS, other=IDS)
def test_different_values_never_match_and_equal_ones_always_do(
    place: Callable[[str], Request], one: str, other: str
) -> None:
    assume(one != other)
    sent = place(one)

    assert of(sent) == of(place(one))
    assert of(sent) != of(place(other))
    assert one not in repr(of(sent))


@pytest.mark.parametrize("place", PLACES)
@given(value=IDS)
def test_what_was_redacted_once_stays_as_it_is(place: Callable[[str], Request], value: str) -> None:
    once = RULES.request(place(value)).value

    assert RULES.request(once).value == once


def test_another_process_gives_the_same_digits_and_another_salt_others() -> None:
    program = (
        "from runreel.redaction.rules import distinct\n"
        f"print(distinct('proj_AbC', '{SALT}'), distinct('proj_AbC', '{'00' * 16}'))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert told.stdout.split() == [b"REDACTED-9dbe7bfe0e", b"REDACTED-5cfb1b4b63"]


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (f"/v1/x?key={quote(KEY)}", f"/v1/x?key={quote(OTHER_KEY)}"),
        (f"/v1/x?k={quote('user:' + KEY)}", f"/v1/x?k={quote('user:' + OTHER_KEY)}"),
        ("/v1/x?api_key=one", "/v1/x?api_key=another"),
        ("/v1/x?key=AI" + "za" + "FaKe0" * 7, "/v1/x?key=AI" + "za" + "0tHeR" * 7),
        ("/v1/x?sig=" + "a1" * 10, "/v1/x?sig=" + "b2" * 10),
    ],
)
def test_credentials_alone_decide_no_match(mine: str, theirs: str) -> None:
    requests = [
        a_request(target=target, headers=(("Authorization", f"Bearer {key}"),))
        for target, key in ((mine, KEY), (theirs, OTHER_KEY))
    ]

    assert of(requests[0]) == of(requests[1])


FIRST, SECOND, THIRD = (f"proj_{name * 4}" for name in ("aB3xY9", "cD4wZ8", "eF5vQ7"))


async def test_a_third_value_that_was_never_recorded_is_a_miss(
    proxy: Proxy, upstream: RawUpstream
) -> None:
    def asked(value: str) -> bytes:
        return post(TARGET, json.dumps({"metadata": {"project": value}}).encode())

    upstream.answer = lambda received: http(200, [], b"answer " + str(len(received.body)).encode())
    async with proxy(mode="record", upstream=upstream.url) as running:
        recorded = [await exchange(running.url, asked(value)) for value in (FIRST, SECOND)]
    async with proxy(mode="replay") as running:
        replies = [await exchange(running.url, asked(each)) for each in (FIRST, SECOND, THIRD)]

    assert [reply.status for reply in recorded] == [200, 200]
    assert [reply.status for reply in replies] == [200, 200, 424]


@pytest.mark.parametrize("escaped", [False, True])
async def test_an_id_that_was_redacted_in_an_answer_can_be_used_in_the_next_path(
    proxy: Proxy, upstream: RawUpstream, escaped: bool
) -> None:
    listed = json.dumps({"data": [{"id": FIRST}]}).encode()
    upstream.answer = lambda received: http(
        200,
        [("Content-Type", "application/json")],
        listed if received.target.endswith("projects") else b'{"name":"first"}',
    )
    async with proxy(mode="record", upstream=upstream.url) as running:
        await exchange(running.url, get("/v1/projects"))
        await exchange(running.url, get(f"/v1/projects/{FIRST}"))

    async with proxy(mode="replay") as running:
        known: Reply = await exchange(running.url, get("/v1/projects"))
        name = json.loads(known.body)["data"][0]["id"]
        shown = "".join(f"%{ord(char):02X}" for char in name) if escaped else name
        found = await exchange(running.url, get(f"/v1/projects/{shown}"))
        receipt = running.receipt()

    assert name.startswith("REDACTED-")
    assert known.values("X-Runreel-Redacted") == ["1"]
    assert (found.status, found.body) == (200, b'{"name":"first"}')
    assert found.values("X-Runreel-Redacted") == []
    assert (receipt["served"], receipt["redacted"]) == (2, 1)


def test_rules_of_the_user_keep_values_apart_where_they_say_so() -> None:
    apart = Redaction(body=("/metadata/email",), distinct=frozenset({"body./metadata/email"}))
    together = Redaction(body=("/metadata/email",))
    one, other = (
        a_request(json.dumps({"metadata": {"email": name}}).encode()) for name in ("a@b", "c@d")
    )

    assert of(one, together) == of(other, together)
    assert of(one, apart) != of(other, apart)
