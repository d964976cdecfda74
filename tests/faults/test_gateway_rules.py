"""The rules of a gateway (RFC 9110, 9112), one row each, on raw sockets.

Our proxy keeps them all, and another is seen to break each: the naive one or, where the framework
keeps a rule for anybody, a careful one that makes one mistake and keeps the rule without it.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from faults import rules_for_answers as down
from faults import rules_for_requests as up
from faults.mistaken_proxy import Mistake, mistaken_proxy
from faults.naive_proxy import naive_proxy
from servers import Proxy, RawUpstream

Check = Callable[[str, RawUpstream], Awaitable[None]]

RULES: dict[str, tuple[Check, ...]] = {
    "9110 7.6.1: the fields of one connection": (
        up.hop_by_hop_fields_do_not_go_up,
        up.what_connection_lists_does_not_go_up,
        up.connection_takes_away_neither_credential_nor_body,
        down.hop_by_hop_fields_do_not_come_down,
        down.what_connection_lists_does_not_come_down,
    ),
    "9112 6.1-6.3: one framing, computed by us": (
        up.a_chunked_body_goes_up_with_one_framing,
        down.a_chunked_answer_comes_down_with_one_framing,
        down.an_answer_of_two_lengths_is_refused,
    ),
    "9112 6.1, 6.3: framings to refuse": (
        up.two_lengths_are_refused,
        up.a_last_coding_that_is_not_chunked_is_refused,
        up.an_empty_transfer_encoding_is_refused,
        up.a_transfer_encoding_in_http_1_0_is_refused,
        up.an_unknown_coding_under_chunked_is_refused,
        up.what_a_client_sends_after_a_refusal_is_not_taken_for_a_request,
    ),
    "9112 3.2: one valid Host": (
        up.a_host_that_is_not_ours_is_refused,
        up.other_than_one_host_is_refused,
        up.http_1_0_needs_no_host,
        up.the_upstream_is_called_by_its_own_name,
    ),
    "9112 3.2.2: absolute form": (
        up.an_absolute_target_of_ours_is_its_path,
        up.an_absolute_target_of_others_is_never_dialled,
    ),
    "9112 2.3: HTTP versions": (up.other_versions_are_refused_in_ours,),
    "9110 7.6.3: Via and loops": (
        up.a_request_is_signed,
        up.a_loop_ends_in_its_second_round,
        down.an_answer_is_signed,
    ),
    "9110 7.6.2: Max-Forwards, TRACE, CONNECT": (
        up.options_is_answered_here_when_it_may_go_no_further,
        up.options_goes_up_with_one_forward_less,
        up.trace_and_connect_are_refused,
    ),
    "9110 10.1.1: Expect and interim answers": (
        up.an_expectation_stays_here,
        up.a_body_is_called_for_only_if_it_is_wanted,
        up.an_unknown_expectation_is_refused_and_not_repeated,
        down.interim_answers_are_consumed,
        down.a_switch_of_protocols_is_refused,
    ),
    "9110 8.6, 15: HEAD, 204, 304": (
        down.head_has_the_length_of_the_body_it_does_not_have,
        down.answers_204_and_304_have_no_body,
    ),
    "9110 7.7: nothing transformed, nothing added": (
        down.nothing_of_the_content_is_touched,
        down.no_type_and_no_server_are_added,
    ),
    "9112 8: incomplete bodies": (
        down.a_body_shorter_than_announced_is_an_error,
        down.a_chunked_body_without_its_end_is_an_error,
        down.a_body_that_is_torn_after_its_beginning_never_looks_complete,
    ),
    "9110 6.5: trailers": (down.trailers_are_dropped,),
    "9110 10.2.2: Location": (down.a_redirect_on_the_upstream_leads_through_the_proxy,),
    "9110 5.2, 5.3: repeated fields": (
        up.repeated_fields_go_up_in_number_and_order,
        up.repeated_fields_go_up_however_they_are_spelled,
        down.repeated_fields_come_down_in_number_and_order,
        down.names_come_down_as_they_are_spelled,
    ),
    "9110 5.5: bytes beyond ASCII": (
        up.utf8_in_a_field_goes_up_byte_for_byte,
        up.other_bytes_in_a_field_are_refused_rather_than_changed,
        down.utf8_in_a_field_comes_down_byte_for_byte,
        down.no_character_of_a_field_is_lost_on_the_way_down,
    ),
}

# What aiohttp keeps for anybody, or breaks in no way of interest: the mistakes that break it.
MISTAKES: dict[Check, tuple[Mistake, ...]] = {
    up.connection_takes_away_neither_credential_nor_body: (Mistake.ALL_THAT_IS_LISTED_GOES,),
    up.two_lengths_are_refused: (
        Mistake.LENGTH_BEFORE_CODING,
        Mistake.LENGTH_AS_A_NUMBER,
        Mistake.FIELDS_IN_A_DICT,
    ),
    up.a_last_coding_that_is_not_chunked_is_refused: (Mistake.CHUNKED_ANYWHERE,),
    up.other_than_one_host_is_refused: (Mistake.NO_LOOK_AT_HOST, Mistake.FIELDS_IN_A_DICT),
    up.http_1_0_needs_no_host: (Mistake.HOST_ALWAYS,),
    up.an_absolute_target_of_ours_is_its_path: (Mistake.TARGET_AS_IT_CAME,),
    up.repeated_fields_go_up_in_number_and_order: (
        Mistake.FIELDS_IN_A_DICT,
        Mistake.FIELDS_JOINED,
        Mistake.FIELDS_SORTED,
    ),
    up.utf8_in_a_field_goes_up_byte_for_byte: (Mistake.TEXT_BY_TWO_CODINGS,),
    down.an_answer_of_two_lengths_is_refused: (Mistake.LENGTH_BEFORE_CODING,),
    down.interim_answers_are_consumed: (Mistake.FIRST_ANSWER_IS_FINAL,),
    down.head_has_the_length_of_the_body_it_does_not_have: (
        Mistake.LENGTH_OF_WHAT_IS_HERE,
        Mistake.ALWAYS_CHUNKED,
    ),
    down.answers_204_and_304_have_no_body: (
        Mistake.LENGTH_OF_WHAT_IS_HERE,
        Mistake.ALWAYS_CHUNKED,
    ),
    down.a_body_shorter_than_announced_is_an_error: (Mistake.WHATEVER_CAME,),
    down.a_chunked_body_without_its_end_is_an_error: (Mistake.WHATEVER_CAME,),
    down.a_body_that_is_torn_after_its_beginning_never_looks_complete: (Mistake.WHATEVER_CAME,),
    down.trailers_are_dropped: (Mistake.TRAILERS_ARE_FIELDS,),
    down.repeated_fields_come_down_in_number_and_order: (
        Mistake.FIELDS_IN_A_DICT,
        Mistake.FIELDS_JOINED,
        Mistake.FIELDS_SORTED,
    ),
    down.utf8_in_a_field_comes_down_byte_for_byte: (Mistake.TEXT_BY_TWO_CODINGS,),
}
# What there is no check for, and why.
NOT_APPLICABLE: dict[str, str] = {
    "9110 7.6.2: Max-Forwards of TRACE": "TRACE is refused whatever it carries",
    "9110 7.6.3: no Via, by an option": "there is none: a gateway has to sign what it forwards",
    "9110 7.8: Upgrade": "no protocol is switched to; the field is dropped like its fellows",
    "9112 9.3.2: order of pipelined answers": "aiohttp's server answers one request after another",
}
# So small that an answer is passed on before its end is known.
SETTINGS: dict[Check, dict[str, Any]] = {
    down.a_body_that_is_torn_after_its_beginning_never_looks_complete: {
        "limits__response_body_bytes_max": 1_000
    },
}

CHECKS = [check for checks in RULES.values() for check in checks]


def _name(check: Check) -> str:
    return getattr(check, "__name__", "")


@pytest.mark.parametrize("check", CHECKS, ids=_name)
async def test_our_proxy_keeps_the_rule(proxy: Proxy, upstream: RawUpstream, check: Check) -> None:
    settings = SETTINGS.get(check, {})

    async with proxy(mode="passthrough", upstream=upstream.url, **settings) as running:
        await check(running.url, upstream)


@pytest.mark.parametrize("check", [check for check in CHECKS if check not in MISTAKES], ids=_name)
async def test_a_naive_proxy_is_seen_to_break_the_rule(upstream: RawUpstream, check: Check) -> None:
    async with naive_proxy(upstream.url) as url:
        with pytest.raises(AssertionError):
            await check(url, upstream)


@pytest.mark.parametrize("check", MISTAKES, ids=_name)
async def test_a_careful_proxy_keeps_the_rule(upstream: RawUpstream, check: Check) -> None:
    async with mistaken_proxy(upstream.url, None) as url:
        await check(url, upstream)


@pytest.mark.parametrize(
    ("check", "mistake"),
    [(check, mistake) for check, mistakes in MISTAKES.items() for mistake in mistakes],
    ids=lambda value: value.name if isinstance(value, Mistake) else _name(value),
)
async def test_one_mistake_is_seen_to_break_the_rule(
    upstream: RawUpstream, check: Check, mistake: Mistake
) -> None:
    async with mistaken_proxy(upstream.url, mistake) as url:
        with pytest.raises(AssertionError):
            await check(url, upstream)


def test_every_rule_has_its_check_or_its_reason() -> None:
    written = {
        getattr(module, name)
        for module in (up, down)
        for name, value in vars(module).items()
        if callable(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }

    assert set(CHECKS) == written
    assert len(CHECKS) == len(written)
    assert all([*RULES.values(), *MISTAKES.values(), *NOT_APPLICABLE.values()])
    assert written >= MISTAKES.keys() | SETTINGS.keys()
    assert RULES.keys() & NOT_APPLICABLE.keys() == set()
