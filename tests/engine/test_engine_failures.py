"""Upstreams that fail."""

import pytest

from builders import a_request
from fakes import Script
from runreel.errors import UpstreamFailed, UpstreamFault
from stages import LIVE, A, error_of, rest, stage


@pytest.mark.parametrize("mode", LIVE)
@pytest.mark.parametrize(
    ("fault", "slug", "status"),
    [
        (UpstreamFault.UNREACHABLE, "upstream_unreachable", 502),
        (UpstreamFault.DISCONNECTED, "upstream_disconnected", 502),
        (UpstreamFault.MALFORMED, "upstream_malformed", 502),
        (UpstreamFault.TIMEOUT, "upstream_timeout", 504),
    ],
)
async def test_a_failure_before_the_head_is_a_named_error(
    mode: str, fault: UpstreamFault, slug: str, status: int
) -> None:
    scene = stage(mode, Script(refused=UpstreamFailed(fault, "The upstream failed.")))

    answer = await scene.ask(a_request(A))

    assert (answer.source, answer.response.status) == ("proxy", status)
    assert answer.recorded is (None if mode in ("passthrough", "verify") else False)
    assert error_of(answer) == {
        "message": "The upstream failed.",
        "type": "runreel_error",
        "param": None,
        "code": slug,
    }
    assert answer.response.headers == (("Content-Type", "application/json"),)
    assert scene.received == []
    assert scene.told == [("failed", status, True)]
    assert len(scene.upstream.sent) == 1


@pytest.mark.parametrize("mode", LIVE)
async def test_a_body_that_is_torn_is_an_error_and_not_kept(mode: str) -> None:
    torn = UpstreamFailed(UpstreamFault.DISCONNECTED, "The upstream went away.")
    scene = stage(mode, Script([b"half"], torn=torn))

    answer = await scene.ask(a_request(A))

    assert (answer.source, answer.response.status) == ("proxy", 502)
    assert error_of(answer)["code"] == "upstream_disconnected"
    assert scene.received == []
    assert scene.told == [("failed", 502, True)]
    assert scene.upstream.closed == 1


async def test_a_long_body_that_is_torn_raises_while_it_is_passed_on() -> None:
    torn = UpstreamFailed(UpstreamFault.DISCONNECTED, "The upstream went away.")
    scene = stage("record", Script([b"aaaa", b"bbbb"], torn=torn), response_bytes_max=3)

    answer = await scene.ask(a_request(A))

    with pytest.raises(UpstreamFailed):
        await rest(answer.tail)
    assert scene.kept == []
