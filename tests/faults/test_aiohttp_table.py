"""aiohttp's defaults that a proxy must not have, one row each, on raw sockets.

Our proxy keeps every rule, and another is seen to break each: the naive one, set as naively as that
takes, or one on raw sockets that makes one mistake.
"""

import inspect
import io
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import ClientTimeout
from aiohttp.log import access_logger

from faults import judging
from faults import rules_for_answers as down
from faults import rules_for_connections as rules
from faults import rules_for_patience as patience
from faults import rules_for_requests as up
from faults import rules_for_surroundings as around
from faults.mistaken_proxy import Mistake, mistaken_proxy
from faults.naive_proxy import PLAIN, Naivety, naive_proxy, tries_again
from faults.rules_for_surroundings import Subject
from servers import Proxy, RawUpstream

Check = Callable[[str, RawUpstream], Awaitable[None]]
SubjectCheck = Callable[[Subject, RawUpstream], Awaitable[None]]
AnyCheck = Check | SubjectCheck

ROWS: dict[str, tuple[Check, ...]] = {
    "TE and CL copied from the peer": (
        up.a_chunked_body_goes_up_with_one_framing,
        down.a_chunked_answer_comes_down_with_one_framing,
    ),
    "shared cookie jar": (rules.cookies_of_one_client_never_reach_another,),
    "path re-quoting, dot segments collapsed": (rules.a_target_goes_up_byte_for_byte,),
    "raw_path that does not begin with a slash": (
        up.an_absolute_target_of_ours_is_its_path,
        up.an_absolute_target_of_others_is_never_dialled,
    ),
    "redirects followed, with the credential": (rules.redirects_are_passed_on,),
    "answers decompressed under their old headers": (rules.a_compressed_answer_arrives_as_it_left,),
    "requests decompressed under their old headers": (
        rules.a_compressed_request_arrives_as_it_left,
    ),
    "headers added to requests": (rules.no_header_is_made_up_for_the_upstream,),
    "raise_for_status": (rules.an_answer_that_is_an_error_is_passed_on,),
    "timeouts": (
        patience.a_call_may_take_almost_ten_minutes,
        patience.an_upstream_that_stays_silent_is_given_up,
    ),
    "connector limit": (
        rules.a_hundred_and_one_calls_are_under_way_at_once,
        rules.one_call_too_many_is_refused_rather_than_left_to_wait,
    ),
    "pooled POST race": (
        rules.a_post_on_a_connection_that_breaks_is_an_error_and_sent_once,
        rules.no_method_is_sent_again_when_a_connection_breaks,
        patience.a_connection_that_was_idle_for_long_is_not_used_again,
    ),
    "lenient response parser": (rules.an_answer_with_bare_line_feeds_is_framed_anew,),
    "response with two framings": (
        down.an_answer_of_two_lengths_is_refused,
        rules.an_answer_with_two_framings_is_an_error,
    ),
    "duplicate headers flattened, and spelled anew": (
        up.repeated_fields_go_up_in_number_and_order,
        up.repeated_fields_go_up_however_they_are_spelled,
        down.repeated_fields_come_down_in_number_and_order,
        down.names_come_down_as_they_are_spelled,
    ),
    "header bytes that are not UTF-8": (
        up.other_bytes_in_a_field_are_refused_rather_than_changed,
        down.no_character_of_a_field_is_lost_on_the_way_down,
    ),
    "max_field_size of responses": (rules.an_answer_may_have_a_long_header,),
    "client_max_size and header limits": (
        rules.a_request_that_is_too_large_is_refused,
        rules.a_chunked_request_that_is_too_large_is_refused,
        rules.a_header_that_is_too_long_is_refused,
        rules.a_request_line_that_is_too_long_is_refused,
        rules.too_many_headers_are_refused,
    ),
    "parser errors that quote the request": (
        rules.what_is_no_http_is_refused_without_a_quotation,
        rules.a_chunked_request_that_turns_invalid_is_refused_at_once,
        rules.a_request_under_way_is_answered_before_the_nonsense_behind_it,
    ),
    "slow headers, slow bodies": (
        patience.a_head_that_never_ends_is_not_waited_for,
        patience.a_body_that_never_ends_is_not_waited_for,
    ),
    "handler_cancellation": (patience.a_client_that_leaves_does_not_end_its_call,),
    "streaming (SSE)": (
        patience.an_event_is_passed_on_before_the_next_one_comes,
        down.a_body_that_is_torn_after_its_beginning_never_looks_complete,
    ),
    "204, 304, HEAD": (
        down.head_has_the_length_of_the_body_it_does_not_have,
        down.answers_204_and_304_have_no_body,
    ),
}
ROWS_OF_A_WHOLE_PROXY: dict[str, tuple[SubjectCheck, ...]] = {
    "trust_env": (
        around.no_proxy_of_the_environment_is_used,
        around.no_credential_of_the_machine_is_used,
    ),
    "access log with the query": (around.no_key_in_a_target_is_written_down,),
    "shutdown": (
        around.a_stop_waits_for_what_is_under_way,
        around.a_stop_takes_less_than_ten_seconds,
    ),
    "run_app binds 0.0.0.0": (around.it_listens_on_one_address,),
}
# What it takes to see a rule broken, if the naive proxy does not as it is.
NAIVETIES: dict[AnyCheck, Naivety | Mistake] = {
    up.an_absolute_target_of_ours_is_its_path: Mistake.TARGET_AS_IT_CAME,
    up.repeated_fields_go_up_in_number_and_order: Mistake.FIELDS_IN_A_DICT,
    down.repeated_fields_come_down_in_number_and_order: Mistake.FIELDS_IN_A_DICT,
    down.an_answer_of_two_lengths_is_refused: Mistake.LENGTH_BEFORE_CODING,
    down.a_body_that_is_torn_after_its_beginning_never_looks_complete: Mistake.WHATEVER_CAME,
    down.head_has_the_length_of_the_body_it_does_not_have: Mistake.LENGTH_OF_WHAT_IS_HERE,
    down.answers_204_and_304_have_no_body: Mistake.ALWAYS_CHUNKED,
    rules.an_answer_with_bare_line_feeds_is_framed_anew: Mistake.HEAD_AS_IT_CAME,
    rules.an_answer_with_two_framings_is_an_error: Mistake.LENGTH_BEFORE_CODING,
    rules.an_answer_that_is_an_error_is_passed_on: Naivety(session={"raise_for_status": True}),
    rules.a_post_on_a_connection_that_breaks_is_an_error_and_sent_once: Naivety(
        session={"middlewares": (tries_again,)}
    ),
    patience.an_upstream_that_stays_silent_is_given_up: Naivety(
        session={"timeout": ClientTimeout(total=None)}
    ),
    patience.a_client_that_leaves_does_not_end_its_call: Naivety(
        runner={"handler_cancellation": True}
    ),
    around.no_proxy_of_the_environment_is_used: Naivety(session={"trust_env": True}),
    around.no_credential_of_the_machine_is_used: Naivety(session={"trust_env": True}),
    around.no_key_in_a_target_is_written_down: Naivety(runner={"access_log": access_logger}),
    around.a_stop_takes_less_than_ten_seconds: Naivety(runner={"shutdown_timeout": 60}),
    around.it_listens_on_one_address: Naivety(host="0.0.0.0"),  # noqa: S104 - run_app does
}
# Why the naive proxy would break a rule without that too; the others it then keeps.
BROKEN_ANYWAY: dict[AnyCheck, str] = {
    rules.an_answer_with_two_framings_is_an_error: "the error is in our words",
    rules.a_post_on_a_connection_that_breaks_is_an_error_and_sent_once: "the error is in our words",
    patience.an_upstream_that_stays_silent_is_given_up: "the error is in our words",
    around.no_key_in_a_target_is_written_down: "then it has no log at all",
}
NOT_APPLICABLE: dict[str, str] = {
    "numeric hosts": "the upstream comes from the configuration only",
    "connection cap": "left to the operating system's limit of open files; aiohttp has none",
    "a connector for streams alone": "no connector has a limit; the calls have one for all",
    "force_close": "no option: what fails on a used connection is answered 502, not repeated",
    "upstream_nonconforming in the log": "what is accepted is framed anew, so nobody need know",
    "floor of aiohttp's version": (
        "a dependency, so the installer sees to it; the parser: test_refused_at_the_door"
    ),
}
# Small enough for a test, large enough for what is healthy.
SETTINGS: dict[AnyCheck, dict[str, Any]] = {
    rules.a_request_that_is_too_large_is_refused: {"limits__request_body_bytes_max": 1_000},
    rules.a_chunked_request_that_is_too_large_is_refused: {"limits__request_body_bytes_max": 1_000},
    rules.one_call_too_many_is_refused_rather_than_left_to_wait: {"limits__upstream_calls_max": 1},
    patience.a_client_that_leaves_does_not_end_its_call: {"mode": "record"},
    down.a_body_that_is_torn_after_its_beginning_never_looks_complete: {
        "limits__response_body_bytes_max": 1_000
    },
}

CHECKS = [check for checks in ROWS.values() for check in checks]
WHOLE = [check for checks in ROWS_OF_A_WHOLE_PROXY.values() for check in checks]
EVERY: list[AnyCheck] = [*CHECKS, *WHOLE]


def _name(check: AnyCheck) -> str:
    return getattr(check, "__name__", "")


def _by_name(upstream: RawUpstream) -> str:
    # aiohttp's cookie jar ignores addresses, so a rule that is checked by address proves nothing.
    return f"http://localhost:{upstream.port}"


def _naive(upstream: RawUpstream, naivety: Naivety | Mistake) -> AbstractAsyncContextManager[str]:
    if isinstance(naivety, Mistake):
        return mistaken_proxy(_by_name(upstream), naivety)
    return naive_proxy(_by_name(upstream), naivety)


def _not_so_naive(
    upstream: RawUpstream, naivety: Naivety | Mistake
) -> AbstractAsyncContextManager[str]:
    if isinstance(naivety, Mistake):
        return mistaken_proxy(_by_name(upstream), None)
    return naive_proxy(_by_name(upstream), PLAIN)


async def _put(subject: Subject, check: AnyCheck, upstream: RawUpstream) -> None:
    if check in WHOLE:
        await check(subject, upstream)
    else:
        async with subject.start() as url:
            await cast("Check", check)(url, upstream)


@pytest.mark.parametrize("check", EVERY, ids=_name)
async def test_our_proxy_keeps_the_rule(
    proxy: Proxy,
    upstream: RawUpstream,
    log: io.StringIO,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    check: AnyCheck,
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = {"mode": "passthrough", "upstream": _by_name(upstream)} | SETTINGS.get(check, {})
    if check not in WHOLE:  # their checks leave calls behind that need not be waited for
        monkeypatch.setattr("runreel.server.listener.DRAIN_S", 0.1)
        monkeypatch.setattr("runreel.server.listener.SHUTDOWN_S", 0.1)

    @asynccontextmanager
    async def start() -> AsyncIterator[str]:
        async with proxy(**settings) as running:
            yield running.url

    subject = Subject(start, tmp_path, lambda: log.getvalue() + caplog.text)
    await _put(subject, check, upstream)


@pytest.mark.parametrize("check", EVERY, ids=_name)
async def test_a_naive_proxy_is_seen_to_break_the_rule(
    upstream: RawUpstream,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    check: AnyCheck,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(judging, "PATIENCE_S", 0.3)
    start = partial(_naive, upstream, NAIVETIES.get(check, PLAIN))

    with pytest.raises(AssertionError):
        await _put(Subject(start, tmp_path, lambda: caplog.text), check, upstream)


@pytest.mark.parametrize(
    "check", [check for check in NAIVETIES if check not in BROKEN_ANYWAY], ids=_name
)
async def test_without_its_naivety_a_proxy_keeps_the_rule(
    upstream: RawUpstream, tmp_path: Path, check: AnyCheck
) -> None:
    start = partial(_not_so_naive, upstream, NAIVETIES[check])

    await _put(Subject(start, tmp_path, str), check, upstream)


def test_every_row_has_its_check_or_its_reason() -> None:
    written = {
        value
        for module in (rules, patience, around)
        for name, value in vars(module).items()
        if inspect.iscoroutinefunction(value)
        and value.__module__ == module.__name__
        and not name.startswith("_")
    }
    rows = [*ROWS, *ROWS_OF_A_WHOLE_PROXY, *NOT_APPLICABLE]

    assert set(EVERY) >= written | NAIVETIES.keys() | SETTINGS.keys()
    assert len(set(EVERY)) == len(EVERY)
    assert len(set(rows)) == len(rows)
    assert all([*ROWS.values(), *ROWS_OF_A_WHOLE_PROXY.values(), *NOT_APPLICABLE.values()])
    assert NAIVETIES.keys() >= BROKEN_ANYWAY.keys()
