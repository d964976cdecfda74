"""Work on large bodies is done aside: its result and its errors are those of the work itself."""

import asyncio
import os
import pickle
import signal

import pytest

from builders import a_request, a_response, an_interaction
from elsewhere import fails, where
from redacting import BEARER, KEY
from runreel.assistants import PROFILES
from runreel.engine.call import AT_ONCE_BYTES_MAX, PROCESS_BYTES_MIN, Aside
from runreel.engine.engine import look_at
from runreel.engine.forwarding import Verifying
from runreel.engine.recorder import Exchange, Recorder
from runreel.errors import Unredactable
from runreel.matching.drift import Rule
from runreel.matching.matchers import MATCH_ON, fingerprint, remember
from runreel.redaction.redactor import Redaction


async def test_only_what_is_large_leaves_the_process() -> None:
    aside = Aside(process=True)

    found = [await aside.run(size, where) for size in (1, AT_ONCE_BYTES_MAX + 1)]
    large = [await aside.run(PROCESS_BYTES_MIN, where) for _ in range(2)]
    await aside.close()

    assert found == [os.getpid()] * 2
    assert large[0] == large[1] != os.getpid()


async def test_an_error_of_the_work_is_raised_as_it_was() -> None:
    aside = Aside(process=True)

    with pytest.raises(Unredactable, match="as it was said"):
        await aside.run(PROCESS_BYTES_MIN, fails)
    assert await aside.run(PROCESS_BYTES_MIN, where) != os.getpid()
    await aside.close()


async def test_a_thread_does_what_no_process_can() -> None:
    aside = Aside(process=True)

    assert await aside.run(PROCESS_BYTES_MIN, lambda: "cannot be sent") == "cannot be sent"
    await aside.close()


async def test_work_goes_on_in_a_thread_if_the_helper_is_killed_and_then_in_a_new_one() -> None:
    aside = Aside(process=True)
    helper = await aside.run(PROCESS_BYTES_MIN, where)
    assert helper != os.getpid()
    os.kill(helper, signal.SIGKILL)

    killed = await aside.run(PROCESS_BYTES_MIN, where)
    later = await aside.run(PROCESS_BYTES_MIN, where)
    await aside.close()

    assert killed == os.getpid()
    assert later not in (helper, os.getpid())


async def test_a_call_that_is_cancelled_leaves_no_helper_that_answers_the_next_one() -> None:
    aside = Aside(process=True)
    first = asyncio.ensure_future(aside.run(PROCESS_BYTES_MIN, where))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])

    assert await aside.run(PROCESS_BYTES_MIN, str, "the second") == "the second"
    await aside.close()


async def test_a_large_request_is_seen_as_a_small_one_would_be() -> None:
    body = b'{"metadata":{"a":"' + KEY.encode() + b" " * PROCESS_BYTES_MIN + b'"}}'
    live = a_request(body, headers=BEARER)
    aside = Aside(process=True)

    rules = (Redaction(salt="5f" * 16), MATCH_ON, 1_000_000)
    seen = await aside.run(len(body), look_at, live, *rules)
    await aside.close()

    assert seen == look_at(live, *rules)
    assert seen.sent is not None
    assert seen.print == fingerprint(seen.sent, MATCH_ON)
    remember(seen.sent, MATCH_ON, (("method", "as it was remembered"),))
    assert fingerprint(seen.sent, MATCH_ON) == (("method", "as it was remembered"),)


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_itself_on_the_other_side(name: str) -> None:
    assert pickle.loads(pickle.dumps(PROFILES[name])) is PROFILES[name]  # noqa: S301 - ours


async def test_a_large_answer_drifts_from_its_recording_as_a_small_one_would() -> None:
    verifying = Verifying(Recorder(PROFILES["openai"], "warn", 1_000_000), Rule(), 1_000_000)
    hit = an_interaction(response=a_response(b'{"id":"run_abc123","status":"queued"}'))
    body = b'{"id":"run_abc123","status":1' + b" " * PROCESS_BYTES_MIN + b"}"
    exchange = Exchange(
        live=a_request(headers=BEARER),
        sent=Redaction().request(a_request()),
        operation="modifyRun",
        fingerprint=fingerprint(Redaction().request(a_request()), MATCH_ON),
        checks=(),
        response=a_response(body),
        recorded_at=hit.value.recorded_at,
        duration_ms=1,
        redaction=Redaction(salt="5f" * 16),
    )
    aside = Aside(process=True)

    found = await aside.run(len(body), verifying.found, exchange, hit, ())
    helper = await aside.run(PROCESS_BYTES_MIN, where)
    await aside.close()

    assert helper != os.getpid()  # it did not give up
    assert found == verifying.found(exchange, hit, ())
    assert [item.at for item in found[0]] == ["/status"]
    assert found[1]
