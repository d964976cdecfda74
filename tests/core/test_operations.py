"""Which method and path is which operation, however the path is spelled."""

import pytest

from runreel.assistants.operations import (
    ID,
    OPERATIONS,
    Resource,
    ids_of,
    loosely,
    operations_of,
    plain_segments,
    recognise,
)

RUN = "/threads/thread_abc123/runs/run_abc123"
MESSAGE = "/threads/thread_abc123/messages/msg_abc123"

TABLE = [
    ("POST", "/threads/thread_abc123/runs", "createRun"),
    ("GET", "/threads/thread_abc123/runs", "listRuns"),
    ("GET", RUN, "getRun"),
    ("POST", RUN, "modifyRun"),
    ("PATCH", RUN, "modifyRun"),
    ("PUT", RUN, "modifyRun"),
    ("POST", f"{RUN}/cancel", "cancelRun"),
    ("POST", f"{RUN}/submit_tool_outputs", "submitToolOuputsToRun"),
    ("POST", "/threads/runs", "createThreadAndRun"),
    ("GET", f"{RUN}/steps", "listRunSteps"),
    ("GET", f"{RUN}/steps/step_abc123", "getRunStep"),
    ("POST", "/threads/thread_abc123/runs/stream", "streamRun"),
    ("POST", "/threads/thread_abc123/runs/wait", "waitForRun"),
    ("POST", "/threads", "createThread"),
    ("GET", "/threads", "listThreads"),
    ("GET", "/threads/thread_abc123", "getThread"),
    ("POST", "/threads/thread_abc123", "modifyThread"),
    ("PUT", "/threads/thread_abc123", "modifyThread"),
    ("PATCH", "/threads/thread_abc123", "patchThread"),
    ("POST", "/threads/search", "searchThreads"),
    ("POST", "/threads/count", "countThreads"),
    ("POST", "/threads/thread_abc123/messages", "createMessage"),
    ("GET", "/threads/thread_abc123/messages", "listMessages"),
    ("GET", MESSAGE, "getMessage"),
    ("POST", MESSAGE, "modifyMessage"),
    ("PATCH", MESSAGE, "modifyMessage"),
    ("PUT", MESSAGE, "modifyMessage"),
    ("POST", "/assistants", "createAssistant"),
    ("GET", "/assistants", "listAssistants"),
    ("GET", "/assistants/asst_abc123", "getAssistant"),
    ("POST", "/assistants/asst_abc123", "modifyAssistant"),
    ("PATCH", "/assistants/asst_abc123", "modifyAssistant"),
    ("POST", "/assistants/search", "searchAssistants"),
    ("POST", "/assistants/count", "countAssistants"),
    ("POST", "/vector_stores", "createVectorStore"),
    ("GET", "/vector_stores", "listVectorStores"),
    ("GET", "/vector_stores/vs_abc123", "getVectorStore"),
    ("POST", "/vector_stores/vs_abc123", "modifyVectorStore"),
    ("POST", "/conversations", "createConversation"),
    ("GET", "/conversations/conv_abc123", "getConversation"),
    ("POST", "/conversations/conv_abc123", "updateConversation"),
    ("PATCH", "/conversations/conv_abc123", "updateConversation"),
    ("GET", "/chat/completions", "listChatCompletions"),
    ("GET", "/chat/completions/chatcmpl-abc123", "getChatCompletion"),
    ("POST", "/chat/completions/chatcmpl-abc123", "updateChatCompletion"),
]


def name_of(method: str, path: str) -> str | None:
    operation = recognise(method, path)
    return operation.name if operation else None


@pytest.mark.parametrize("prefix", ["", "/v1", "/openai", "/api/v1", "/api/projects/p", "/files/x"])
@pytest.mark.parametrize(("method", "path", "name"), TABLE)
def test_an_operation_is_recognised_behind_any_prefix(
    prefix: str, method: str, path: str, name: str
) -> None:
    assert name_of(method, prefix + path) == name


def test_the_table_holds_every_operation() -> None:
    assert set(OPERATIONS) == {row[2] for row in TABLE}


def test_a_new_resource_is_one_row() -> None:
    row = Resource(
        kind="widget",
        path=("widgets", ID),
        shown_as="widget",
        create="createWidget",
        list=None,
        get="getWidget",
        modify="modifyWidget",
    )

    assert [(each.name, each.methods, each.pattern) for each in operations_of(row)] == [
        ("createWidget", ("POST",), ("widgets",)),
        ("getWidget", ("GET",), ("widgets", ID)),
        ("modifyWidget", ("POST", "PATCH", "PUT"), ("widgets", ID)),
    ]


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/v1/threads/thread%2Fabc/runs/run%2Fabc", "modifyRun"),
        ("POST", "/v1/threads/%C3%BC/runs/%3Fx%20y", "modifyRun"),
        ("POST", "/v1/threads/t%2Fruns/runs", "createRun"),
        ("POST", "/v1/threads/runs/runs/run_abc123", "modifyRun"),
        ("POST", "/v1/threads/runs/runs", "createRun"),
        ("POST", "/v1/threads/runs/runs/runs", "modifyRun"),
        ("POST", "/v1/threads/threads/runs/threads", "modifyRun"),
        ("POST", "/v1/threads/threads/runs", "createRun"),
        ("POST", "/v1/threads/t/runs/cancel", "modifyRun"),
        ("GET", "/v1/threads/t/runs/steps", "getRun"),
        ("GET", "/v1/threads/t/runs/r/steps/steps", "getRunStep"),
        ("POST", "/v1/threads/t/runs/r/cancel", "cancelRun"),
        ("GET", "/v1/threads/runs", "getThread"),
        ("POST", "/v1/threads/messages", "modifyThread"),
        ("POST", "/v1/threads/RUNS/runs/CANCEL", "modifyRun"),
    ],
)
def test_an_id_may_be_anything_that_is_not_empty(method: str, path: str, name: str) -> None:
    assert name_of(method, path) == name


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/v1/threads/t/runs/", "createRun"),
        ("GET", "/v1/threads/t/runs/", "listRuns"),
        ("POST", "//v1//threads/t//runs//r", "modifyRun"),
        ("POST", "/v1/threads/t/runs//cancel", "modifyRun"),
        ("POST", "/v1/threads/t/runs/r//cancel/", "cancelRun"),
        ("GET", "/v1/threads/t/runs/r/steps/", "listRunSteps"),
        ("POST", "/v1/threads/runs/", "createThreadAndRun"),
        ("POST", "/v1/Threads/t/RUNS/r", "modifyRun"),
        ("POST", "/V1/THREADS/T/RUNS/R/CANCEL", "cancelRun"),
        ("POST", "/v1/threads/t/%72uns/r", "modifyRun"),
        ("POST", "/v1/thr%65ads/t", "modifyThread"),
        ("PATCH", "/v1/%54hreads/t", "patchThread"),
        ("POST", "/v1/threads%2Ft/runs/r", "modifyRun"),
        ("POST", "/v1%2fthreads%2ft%2fruns%2fr", "modifyRun"),
        ("POST", "/v1/threads/t/runs%2Fr", "modifyRun"),
        ("POST", "/v1/threads/t/runs%5Cr", "modifyRun"),
        ("POST", "/v1\\threads/t/runs\\r", "modifyRun"),
        ("POST", "/v1/./threads/t/./runs/r/.", "modifyRun"),
        ("POST", "/v1/threads/x/../t/runs/%2e/r/%2E%2e/r", "modifyRun"),
        ("POST", "/v1/threads/t/runs/r/..;/r", "modifyRun"),
        ("POST", "/v1/threads;v=1/t/runs;jsessionid=x/r;y=z", "modifyRun"),
        ("POST", "/v1/x%2F..%2Fthreads/t/runs/r", "modifyRun"),
        ("POST", "/v1/conversations/c/", "updateConversation"),
        ("POST", "/v1/Vector_Stores/vs/", "modifyVectorStore"),
    ],
)
def test_another_spelling_of_a_path_is_the_same_operation(
    method: str, path: str, name: str
) -> None:
    assert name_of(method, path) == name


@pytest.mark.parametrize(
    ("path", "segments"),
    [
        ("/v1/threads/T/runs/R", ["v1", "threads", "T", "runs", "R"]),
        ("/v1/THREADS/RUNS/Runs/Cancel", ["v1", "threads", "RUNS", "runs", "Cancel"]),
        ("/v1/threads/a%2fb/runs/%41%20", ["v1", "threads", "a%2Fb", "runs", "A%20"]),
        ("/threads/t/../../assistants/a", ["assistants", "a"]),
        ("/v1/threads/t%2F..%2Fu/runs", ["v1", "threads", "t%2F..%2Fu", "runs"]),
        ("/v1%2Fthreads%2F..%2Fthreads%2Ft", ["v1", "threads", "t"]),
        ("/v1/Widgets/a%2Fb/./c/", ["v1", "Widgets", "a%2Fb", "c"]),
        ("/../..", []),
        ("/", []),
        ("", []),
    ],
)
def test_a_path_is_read_in_its_plainest_spelling(path: str, segments: list[str]) -> None:
    assert list(plain_segments(path)) == segments
    assert list(plain_segments("/" + "/".join(segments))) == segments


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/threads//runs/r"),
        ("DELETE", "/v1/threads/t/runs/r"),
        ("post", "/v1/threads/t/runs/r"),
        ("HEAD", "/v1/threads/t/runs/r"),
        ("GET", "/v1/threads/t/runs/r/cancel"),
        ("POST", "/v1/threads/t/runs/r/steps"),
        ("POST", "/v1/threads/t/runs/r/steps/s"),
        ("POST", "/v1/threads/t%2Fruns/r"),
        ("POST", "/v1/threads/t/ru%256es/r"),
        ("POST", "/v1/mythreads/t/runs/r"),
        ("POST", "/v1/threads/t/runs/r/x/y"),
        ("POST", "/v1/vector_stores/v/search"),
        ("POST", "/v1/conversations/c/items"),
        ("POST", "/v1/embeddings"),
        ("POST", "/v1/chat/completions"),
        ("POST", "/"),
        ("POST", ""),
        ("POST", "runs"),
    ],
)
def test_any_other_call_is_no_operation(method: str, path: str) -> None:
    assert name_of(method, path) is None


@pytest.mark.parametrize(
    ("method", "path", "name", "ids"),
    [
        ("POST", "/v1/threads/t%2Fruns/R", "modifyRun", ("t", "R")),
        ("POST", "/v1/threads/t/r%2575ns/R", "modifyRun", ("t", "R")),
        ("POST", "/v1/threads/t/runs%20/R", "modifyRun", ("t", "R")),
        ("POST", "/v1/threads/t/runs%00/R", "modifyRun", ("t", "R")),
        ("POST", "/v1/threads/t/runs./R", "modifyRun", ("t", "R")),
        ("POST", "/v1/threads//runs/R", "modifyRun", (None, "R")),
        ("POST", "/v1/threads/t/runs/R/metadata", "modifyRun", ("t", "R")),
        ("PUT", "/v1/threads/t/metadata", "modifyThread", ("t", "t")),
        ("PUT", "/v1/threads/t/runs", "createRun", ("t", None)),
        ("patch", "/v1/threads/t/runs/R", "modifyRun", ("t", "R")),
        ("MERGE", "/v1/assistants/a", "modifyAssistant", (None, "a")),
        ("DELETE", "/v1/threads/t/r%2575ns/R", None, None),
        ("GET", "/v1/threads/t/r%2575ns/R", None, None),
        ("POST", "/v1/vector_stores/v/search", None, None),
        ("POST", "/v1/threads/t/history", None, None),
        ("POST", "/v1/embeddings", None, None),
        ("POST", "/", None, None),
    ],
)
def test_what_only_looks_like_a_change_is_told_as_such(
    method: str, path: str, name: str | None, ids: tuple[str | None, str | None] | None
) -> None:
    found = loosely(method, path)

    assert (found and found[0].name) == name
    assert (found and ids_of(*found)) == ids
