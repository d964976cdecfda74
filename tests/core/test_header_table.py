"""The one table of header names: what is true of each, written out."""

import pytest

from runreel.http.headers import HEADERS, PREFIXES, Trait, drop, has, named


@pytest.mark.parametrize(
    ("name", "trait"),
    [
        ("transfer-encoding", Trait.HOP_BY_HOP),
        ("host", Trait.FRAMING),
        ("authorization", Trait.UNLISTABLE),
        ("x-runreel-session", Trait.ENDS_HERE),
        ("idempotency-key", Trait.OF_BODY),
        ("x-runreel-source", Trait.OURS),
        ("via", Trait.RELAY),
        ("traceparent", Trait.NOISE),
        ("x-stainless-retry-count", Trait.NOISE),
        ("date", Trait.NEVER_STORED),
        ("ocp-apim-subscription-key", Trait.SECRET),
        ("accept-language", Trait.HARMLESS),
        ("apim-request-id", Trait.VOLATILE),
        ("x-envoy-upstream-service-time", Trait.VOLATILE),
        ("x-ms-request-id", Trait.VOLATILE),
        ("x-ms-region", Trait.VOLATILE),
        ("x-ms-client-request-id", Trait.NOISE),
        ("request-context", Trait.VOLATILE),
        ("req-cost-time", Trait.VOLATILE),
        ("x-dashscope-sdk-session-id", Trait.NOISE),
        ("x-ratelimit-remaining-requests", Trait.VOLATILE),
        ("retry-after", Trait.COMPARED),
    ],
)
def test_a_name_has_its_trait(name: str, trait: Trait) -> None:
    assert has(name, trait)


@pytest.mark.parametrize("name", ["x-team", "x-ratelimited", "etag", "x-msg", ""])
def test_a_name_that_is_not_there_has_none(name: str) -> None:
    assert not has(name, ~Trait(0))


def test_names_are_in_order_and_in_small_letters() -> None:
    for table in (HEADERS, PREFIXES):
        assert list(table) == sorted(name.lower() for name in table)


def test_what_differs_and_decides_nothing_is_never_compared_by_verify() -> None:
    assert named(Trait.VOLATILE) & named(Trait.COMPARED) == set()


def test_headers_are_dropped_whatever_their_spelling() -> None:
    headers = (("X-Stainless-Lang", "python"), ("Accept", "*/*"), ("TRACEPARENT", "00-1"))

    assert drop(headers, Trait.NOISE) == (("Accept", "*/*"),)
