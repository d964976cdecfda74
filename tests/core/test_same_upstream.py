"""Which upstreams are one: by URL, on this machine whatever the port, and by name."""

from dataclasses import replace

import pytest

from builders import a_cassette
from runreel.cassettes.format import dump, parse
from runreel.cassettes.upstreams import UpstreamId, same_upstream, upstream_of
from runreel.http.strict_json import BadDocument

LOCAL = "http://127.0.0.1:8000"


def same(recorded: str, live: str) -> bool:
    return same_upstream(UpstreamId(recorded), UpstreamId(live))


@pytest.mark.parametrize(
    "live",
    [LOCAL, "http://127.0.0.1:9999", "http://localhost:8000", "http://LOCALHOST", "http://[::1]:1"],
)
def test_names_and_ports_of_this_machine_are_one_upstream(live: str) -> None:
    assert same(LOCAL, live)
    assert same(live, LOCAL)


@pytest.mark.parametrize(
    "live",
    [
        "https://127.0.0.1:8000",
        "http://127.0.0.1:8000/api",
        "http://127.0.0.2:8000",
        "http://localhost.example:8000",
        "http://example.com:8000",
    ],
)
def test_another_scheme_path_or_machine_is_another_upstream(live: str) -> None:
    assert not same(LOCAL, live)
    assert not same(live, LOCAL)


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        ("https://api.example.com", True),
        ("https://API.example.com:443/", True),
        ("https://api.example.com:8443", False),
        ("https://api.example.org", False),
        ("https://api.example.com/v2", False),
    ],
)
def test_elsewhere_a_url_counts_but_for_how_it_is_spelled(live: str, expected: bool) -> None:
    assert same("https://api.example.com", live) is expected


@pytest.mark.parametrize(
    ("recorded", "live", "expected"),
    [
        ("staging", "staging", True),
        ("staging", "production", False),
        ("staging", None, False),
        (None, "staging", True),
        (None, None, False),
    ],
)
def test_a_name_makes_two_urls_one_upstream(
    recorded: str | None, live: str | None, expected: bool
) -> None:
    there, here = "http://theirs.example:8000", "http://mine.example:9000"

    assert same_upstream(UpstreamId(there, recorded), UpstreamId(here, live)) is expected


def test_two_names_are_two_upstreams_whatever_the_url() -> None:
    assert not same_upstream(UpstreamId(LOCAL, "rubra"), UpstreamId(LOCAL, "mock"))
    assert same_upstream(UpstreamId(LOCAL, "rubra"), UpstreamId(LOCAL))


def test_the_simulator_is_no_other_upstream_whatever_it_is_called() -> None:
    made_up = UpstreamId("simulator", "staging")

    assert same_upstream(made_up, UpstreamId("simulator"))
    assert not same_upstream(made_up, UpstreamId(LOCAL, "staging"))
    assert not same_upstream(UpstreamId(LOCAL, "staging"), made_up)


@pytest.mark.parametrize("url", ["http://[", "http://127.0.0.1:port", "none", ""])
def test_what_is_no_url_is_itself_alone(url: str) -> None:
    assert same(url, url)
    assert not same(url, LOCAL)


class TestInACassette:
    def test_the_name_stands_beside_the_url_and_is_read_again(self) -> None:
        named = replace(a_cassette(), upstream_name="staging")

        text = dump(named)

        assert text.startswith(
            '{\n  "format": 1,\n  "upstream": "https://api.openai.com",\n'
            '  "upstream_name": "staging",\n  "profile": "openai",\n'
        )
        assert upstream_of(parse(text)) == UpstreamId("https://api.openai.com", "staging")

    def test_without_a_name_nothing_of_it_is_written(self) -> None:
        text = dump(a_cassette())

        assert "upstream_name" not in text
        assert parse(text).upstream_name is None

    @pytest.mark.parametrize("name", ["", "a b", "-a", "a" * 82])
    def test_what_can_be_no_name_is_refused_with_its_place(self, name: str) -> None:
        text = dump(a_cassette()).replace(
            '  "profile"', f'  "upstream_name": "{name}",\n  "profile"'
        )

        with pytest.raises(BadDocument) as refused:
            parse(text)

        assert (refused.value.at, refused.value.reason) == (
            "/upstream_name",
            "the name of an upstream is a letter or digit and up to 80 of these, '.', '_' or '-'",
        )
