"""The plainest spelling of a path: what it must not change, and what it must not be fooled by."""

from hypothesis import given
from hypothesis import strategies as st

from runreel.assistants.operations import plain_segments, recognise
from runreel.http.messages import Request
from runreel.matching.resources import access_of

NAMES = ("threads", "runs", "messages", "assistants", "vector_stores", "conversations", "cancel")
IDS = st.text("abcXYZ019_-~", min_size=1, max_size=6)
METHODS = st.sampled_from(("GET", "POST", "PATCH", "PUT", "DELETE"))
PLAIN = st.lists(st.sampled_from(NAMES) | IDS, max_size=7)
ITEMS = st.sampled_from(
    (
        ("threads", None),
        ("threads", None, "runs"),
        ("threads", None, "runs", None),
        ("threads", None, "runs", None, "cancel"),
        ("threads", None, "messages", None),
        ("assistants", None),
        ("vector_stores", None),
        ("conversations", None),
        ("conversations",),
    )
)


@st.composite
def paths(draw: st.DrawFn) -> tuple[list[str], list[bool]]:
    """The segments of a path behind `/v1`, and of each whether it is a name."""
    pattern = draw(ITEMS)
    segments = [part or draw(IDS.filter(lambda text: "." not in text)) for part in pattern]
    return ["v1", *segments], [False, *(part is not None for part in pattern)]


@st.composite
def spelled(draw: st.DrawFn, segments: list[str], names: list[bool]) -> str:
    """The same path in another spelling."""
    path = ""
    for at, (segment, is_name) in enumerate(zip(segments, names, strict=True)):
        slash = draw(st.sampled_from(("/", "//", "/./", "/%2e/", "/x/../", "/x/%2E%2E;/")))
        if at and (at == 1 or not is_name) and draw(st.booleans()):  # not at the end of an id
            slash = draw(st.sampled_from(("%2F", "%2f", "%5C", "\\")))
        text = "".join(
            f"%{ord(char):02x}" if draw(st.integers(0, 3)) == 0 else char
            for char in (segment.upper() if is_name and draw(st.booleans()) else segment)
        )
        path += slash + text + draw(st.sampled_from(("", "", ";v=1", ";")))
    return path + draw(st.sampled_from(("", "/", "//", "/.", ";")))


@given(st.data(), METHODS, paths())
def test_every_spelling_is_the_same_operation_and_touches_the_same(
    data: st.DataObject, method: str, path: tuple[list[str], list[bool]]
) -> None:
    segments, names = path
    plain = "/" + "/".join(segments)
    other = data.draw(spelled(segments, names))

    assert list(plain_segments(other)) == segments
    assert recognise(method, other) is recognise(method, plain)
    assert access_of(Request(method, other)) == access_of(Request(method, plain))


@given(PLAIN)
def test_a_plain_path_is_read_as_it_stands(segments: list[str]) -> None:
    assert list(plain_segments("/" + "/".join(segments))) == segments


@given(st.text("/%2FfeE.;\\athredsunTHREADSUN5C"))
def test_a_plainest_spelling_is_its_own_plainest_spelling(path: str) -> None:
    once = list(plain_segments(f"/{path}"))

    assert list(plain_segments("/" + "/".join(once))) == once
