"""The rule of what says nothing of the API: which values, under which names."""

from decimal import Decimal

import pytest

from runreel.matching.drift import Place, Rule

DEFAULT = Rule()


def place(*names: str, rule: Rule = DEFAULT) -> Place:
    """The place of the last of these members, each an object in the one before."""
    found = Place(rule)
    for name in names:
        found = found.member(name)
    return found


IDS = [
    ("run_abc123", "run_0f9e8d"),
    ("file-abc123", "assistant-BXYz1234"),
    ("run_PS0ksndVoX7DxtmdXn66ZMXU", "run_Sn70VjjVrk8Vf7VKCi1W3OYA"),
    ("65f1c0ffee65f1c0ffee65f1", "65f1c0ffee65f1c0ffee0000"),
    ("3f2a9c1e-0000-4000-8000-0123456789ab", "chatcmpl-3f2a9c1e-0000-4000-8000-0123456789ab"),
    (17, 18),
]
NO_IDS = [
    ("gpt-4o", "gpt-4o-mini"),
    ("run_abc123", "the run"),
    ("run_abc123", ""),
    ("a", "b"),
    ("run_1", "run_2"),
    (True, False),
]
TIMES = [
    (1699075072, 1774963893),
    (Decimal("1699075072.5"), 1774963893123),
    ("2026-03-31T10:15:02Z", "2026-03-31 10:15:02.5+02:00"),
]
NO_TIMES = [(0, 1699075072), (1699075072, -1), ("soon", "later"), ("2026-03-31T10:15:02Z", "now")]


@pytest.mark.parametrize("name", ["id", "_id", "thread_id", "file_ids"])
@pytest.mark.parametrize(("recorded", "live"), IDS)
def test_an_id_may_be_another_where_an_id_stands(name: str, recorded: object, live: object) -> None:
    assert place(name).varies(recorded, live)
    assert place(name).varies(live, recorded)


@pytest.mark.parametrize(("recorded", "live"), NO_IDS)
def test_what_does_not_look_like_an_id_counts_even_there(recorded: object, live: object) -> None:
    assert not place("id").varies(recorded, live)
    assert not place("id").varies(live, recorded)


@pytest.mark.parametrize("name", ["created", "created_at", "expires_at"])
@pytest.mark.parametrize(("recorded", "live"), TIMES)
def test_a_time_may_be_another_where_a_time_stands(
    name: str, recorded: object, live: object
) -> None:
    assert place(name).varies(recorded, live)
    assert place(name).varies(live, recorded)


@pytest.mark.parametrize(("recorded", "live"), NO_TIMES)
def test_what_does_not_look_like_a_time_counts_even_there(recorded: object, live: object) -> None:
    assert not place("created_at").varies(recorded, live)
    assert not place("created_at").varies(live, recorded)


@pytest.mark.parametrize("name", ["model", "identity", "ids", "paid", "at", "format"])
def test_under_other_names_both_count(name: str) -> None:
    assert not place(name).varies("run_abc123", "run_0f9e8d")
    assert not place(name).varies(1699075072, 1774963893)


def test_an_item_of_a_list_has_the_name_of_the_list() -> None:
    assert place("file_ids").item(0).varies("file-abc123", "file-0f9e8d")
    assert not place("tools").item(0).varies("file-abc123", "file-0f9e8d")


@pytest.mark.parametrize("names", [("user_id",), ("usage",), ("text", "value"), ("deep", "id")])
def test_below_metadata_everything_counts(names: tuple[str, ...]) -> None:
    assert not place("metadata", *names).varies("user_abc123", "user_0f9e8d")


@pytest.mark.parametrize(
    "names",
    [
        ("usage",),
        ("usage", "total_tokens"),
        ("text", "value"),
        ("message", "content"),
        ("function", "arguments"),
        ("code_interpreter", "outputs", "logs"),
    ],
)
def test_what_a_model_wrote_and_what_it_cost_do_not_count(names: tuple[str, ...]) -> None:
    assert place("data", *names).varies("Paris.", "It is Paris.")


@pytest.mark.parametrize("names", [("value",), ("context", "value"), ("content",), ("text", "no")])
def test_other_members_of_half_such_a_name_count(names: tuple[str, ...]) -> None:
    assert not place(*names).varies("Paris.", "It is Paris.")


def test_a_name_of_the_configuration_frees_all_below_it_whatever_it_looks_like() -> None:
    rule = Rule(volatile=("seed", "fingerprint"))

    assert place("seed", rule=rule).varies("a", "b")
    assert place("seed", "deep", "model", rule=rule).varies("a", "b")
    assert place("metadata", "seed", rule=rule).varies("a", "b")
    assert not place("model", rule=rule).varies("a", "b")


@pytest.mark.parametrize(
    ("pointer", "at", "ignored"),
    [
        ("/status", "/status", True),
        ("/status", "/data/status", False),
        ("/status", "/status/deep", False),
        ("/data/*/status", "/data/0/status", True),
        ("/data/*/status", "/data/12/status", True),
        ("/data/*/status", "/data/0/1/status", False),
        ("/data/*", "/data/any", True),
        ("/a.c", "/abc", False),
        ("/a*c", "/abc", False),
        ("/a~1b", "/a~1b", True),
    ],
)
def test_a_pointer_ignores_one_place_and_an_asterisk_stands_for_one_step(
    pointer: str, at: str, ignored: bool
) -> None:
    assert Rule(ignore=("/other", pointer)).ignores(at) is ignored


def test_headers_of_the_configuration_come_beside_the_others() -> None:
    rule = Rule(headers=("X-Request-Id", "content-type"))

    assert rule.compared_headers == (
        *("allow", "content-type", "deprecation", "location", "openai-version", "retry-after"),
        *("sunset", "www-authenticate", "x-request-id", "x-should-retry"),
    )
