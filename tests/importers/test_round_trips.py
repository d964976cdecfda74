"""What is exported is imported as it was, and read by the tools whose format it is."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import referencing
import vcr
from hypothesis import assume, given
from hypothesis import strategies as st
from vcr.serialize import deserialize
from vcr.serializers import yamlserializer

from builders import a_cassette, a_request, a_response
from foreign import adoption, cassette_of
from runreel.cassettes import interactions
from runreel.cassettes.format import Cassette
from runreel.http.messages import Interaction
from runreel.importers import har
from runreel.importers import vcr as vcr_format
from runreel.importers.importer import assemble
from runreel.importers.records import Foreign
from runreel.redaction.redactor import Redaction
from strategies import cassettes

Write = Callable[[Cassette], tuple[bytes, list[str]]]
WRITERS: dict[str, Write] = {"har": har.write, "vcrpy": vcr_format.write_vcrpy}
UPSTREAMS = ["https://api.openai.com", "http://127.0.0.1:8000/prefix", "simulator"]
STREAM = b'data: {"id":"a"}\n\nevent: done\ndata: [DONE]\n\n'
STREAM_HEADERS = (("Content-Type", "text/event-stream"),)


def a_stream(at_ms: tuple[int, ...] = (3, 250)) -> Interaction:
    response = replace(a_response(STREAM, headers=STREAM_HEADERS), at_ms=at_ms)
    request = a_request(b'{"stream":true}')
    time = datetime(2026, 3, 31, 10, 15, 2, tzinfo=UTC)
    return Interaction("x", None, time, 260, request, response)


def stored(*several: Interaction, upstream: str = UPSTREAMS[0]) -> Cassette:
    redacted = (Redaction().interaction(one.request, one) for one in several)
    return replace(a_cassette(*redacted), upstream=upstream)


@st.composite
def recorded(draw: st.DrawFn) -> Cassette:
    """Cassettes as they are recorded or imported: generated traffic, adopted once."""
    upstream = draw(st.sampled_from(UPSTREAMS))
    streams = draw(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=1))
    values = [*interactions(draw(cassettes())), *map(a_stream, streams)]
    adopted = [
        adoption().adopt(
            Foreign(
                "interaction",
                one.request.method,
                upstream,
                one.request.target,
                one.request.headers,
                one.request.body,
                one.response.status,
                one.response.headers,
                one.response.body,
                one.recorded_at,
                one.duration_ms,
                one.response.at_ms,
            ),
            one.recorded_at,
        )
        for one in values
        if one.failed is None
    ]
    assume(adopted)
    kept = [one for one in adopted if not isinstance(one, str)]
    assert len(kept) == len(adopted)
    return assemble(upstream, "", kept)


@given(cassette=recorded())
def test_what_is_exported_as_har_is_imported_as_it_was(cassette: Cassette) -> None:
    content, left = har.write(cassette)

    assert left == []
    assert cassette_of(content) == cassette


@given(cassette=recorded())
def test_what_is_exported_for_vcrpy_is_imported_as_it_was(cassette: Cassette) -> None:
    content, left = vcr_format.write_vcrpy(cassette)

    # vcrpy keeps the values of one name together, and no order of names among each other.
    assert left == []
    assert cassette_of(content) == replace(
        cassette, interactions=tuple(map(_with_headers_grouped, cassette.interactions))
    )
    assert cassette_of(vcr_format.write_vcrpy(cassette_of(content))[0]) == cassette_of(content)


def _with_headers_grouped(redacted: Any) -> Any:
    one = redacted.value
    request = replace(one.request, headers=_grouped(one.request.headers))
    response = replace(one.response, headers=_grouped(one.response.headers))
    return replace(redacted, value=replace(one, request=request, response=response))


def _grouped(headers: Any) -> Any:
    order = list(dict.fromkeys(name for name, _ in headers))
    return tuple(sorted(headers, key=lambda pair: order.index(pair[0])))


@pytest.mark.parametrize("kind", WRITERS)
def test_time_duration_and_the_times_of_a_stream_survive(kind: str) -> None:
    content, _ = WRITERS[kind](stored(a_stream()))

    (found,) = interactions(cassette_of(content))
    assert found.recorded_at == datetime(2026, 3, 31, 10, 15, 2, tzinfo=UTC)
    assert found.duration_ms == 260
    assert found.response.at_ms == (3, 250)
    assert found.response.body == STREAM


@pytest.mark.parametrize("upstream", UPSTREAMS)
@pytest.mark.parametrize("kind", WRITERS)
def test_the_upstream_survives(kind: str, upstream: str) -> None:
    content, _ = WRITERS[kind](stored(a_stream(), upstream=upstream))

    found = cassette_of(content)
    assert found.upstream == upstream
    assert interactions(found)[0].request.target == a_request().target


@pytest.mark.parametrize("kind", WRITERS)
def test_what_nobody_received_is_left_out_and_named(kind: str) -> None:
    gone = replace(a_stream(), id="gone", client_gone=True)

    content, left = WRITERS[kind](stored(gone, a_stream()))

    assert left == ["gone"]
    assert len(cassette_of(content).interactions) == 1


def test_an_edited_export_whose_times_do_not_fit_is_refused() -> None:
    content, _ = har.write(stored(a_stream()))
    document = json.loads(content)
    document["log"]["entries"][0]["_runreel"]["at_ms"].append(300)

    with pytest.raises(Exception, match="interaction 1: /response/body: it has 3 times for 2 ev"):
        cassette_of(json.dumps(document).encode())


def various() -> Cassette:
    """A stream, a body that is no text in both directions, none at all, and an error."""
    binary = replace(
        a_stream(), request=a_request(b"\x00\xff"), response=a_response(b"\xff\x00", 201)
    )
    empty = replace(a_stream(), request=a_request(b"", method="GET"), response=a_response(b"", 204))
    error = replace(a_stream(), response=a_response('{"e":"é\x01"}'.encode(), 404))
    return stored(a_stream(), binary, empty, error)


def test_the_real_vcrpy_reads_what_is_exported_for_it() -> None:
    content, _ = vcr_format.write_vcrpy(various())

    requests, responses = deserialize(content.decode("utf-8"), yamlserializer)

    assert [(one.method, one.uri, one.body) for one in requests] == [
        ("POST", f"https://api.openai.com{a_request().target}", b'{"stream":true}'),
        ("POST", f"https://api.openai.com{a_request().target}", b"\x00\xff"),
        ("GET", f"https://api.openai.com{a_request().target}", None),
        ("POST", f"https://api.openai.com{a_request().target}", b'{"stream":true}'),
    ]
    assert [(one["status"]["code"], one["body"]["string"]) for one in responses] == [
        (200, STREAM),
        (201, b"\xff\x00"),
        (204, b""),
        (404, '{"e":"é\x01"}'.encode()),
    ]


def test_what_the_real_vcrpy_wrote_is_imported(tmp_path: Path) -> None:
    path = tmp_path / "theirs.yaml"
    sent = vcr.request.Request(
        "POST", "https://api.openai.com/v1/threads", b'{"a":1}', {"X-A": "1"}
    )
    answer = {
        "status": {"code": 200, "message": "OK"},
        "headers": {"Content-Type": ["application/json"]},
        "body": {"string": b'{"id": "thread_1"}'},
    }
    with vcr.use_cassette(str(path)) as cassette:
        cassette.append(sent, answer)

    (found,) = interactions(cassette_of(path.read_bytes()))

    assert (found.request.method, found.request.target) == ("POST", "/v1/threads")
    assert (found.request.headers, found.request.body) == ((("X-A", "1"),), b'{"a":1}')
    assert (found.response.status, found.response.body) == (200, b'{"id": "thread_1"}')


def test_the_exported_har_passes_the_schema_of_har_1_2() -> None:
    folder = os.environ.get("HAR_SCHEMA")
    if folder is None:
        if os.environ.get("CI"):
            pytest.fail("CI has to provide HAR_SCHEMA")
        pytest.skip("HAR_SCHEMA names no folder with the schemas of the npm package har-schema")
    schemas = [json.loads(path.read_text(encoding="utf-8")) for path in Path(folder).glob("*.json")]
    pairs = [(schema["$id"], referencing.Resource.from_contents(schema)) for schema in schemas]
    registry: Any = referencing.Registry().with_resources(pairs)
    validator = jsonschema.Draft6Validator({"$ref": "har.json#"}, registry=registry)

    content, _ = har.write(various())

    assert [error.message for error in validator.iter_errors(json.loads(content))] == []
    assert list(validator.iter_errors({"log": {"version": "1.2", "entries": [{}]}})) != []
