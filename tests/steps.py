"""Steps of a run as the document has them, for tests to change."""

from typing import Any

CODE_CALL: dict[str, Any] = {
    "id": "call_abc123",
    "type": "code_interpreter",
    "code_interpreter": {
        "input": "6 * 7",
        "outputs": [
            {"type": "logs", "logs": "42"},
            {"type": "image", "image": {"file_id": "file-abc123"}},
        ],
    },
}
SEARCH_CALL: dict[str, Any] = {
    "id": "call_abc124",
    "type": "file_search",
    "file_search": {
        "ranking_options": {"ranker": "auto", "score_threshold": 0.5},
        "results": [
            {
                "file_id": "file-abc123",
                "file_name": "a.txt",
                "score": 0.9,
                "content": [{"type": "text", "text": "found"}],
            }
        ],
    },
}
FUNCTION_CALL: dict[str, Any] = {
    "id": "call_abc125",
    "type": "function",
    "function": {"name": "weather", "arguments": "{}", "output": None},
}
STEP: dict[str, Any] = {
    "id": "step_abc123",
    "object": "thread.run.step",
    "created_at": 1699075072,
    "run_id": "run_abc123",
    "assistant_id": "asst_abc123",
    "thread_id": "thread_abc123",
    "type": "tool_calls",
    "status": "completed",
    "cancelled_at": None,
    "completed_at": 1699075073,
    "expired_at": None,
    "failed_at": None,
    "last_error": None,
    "metadata": {},
    "step_details": {
        "type": "tool_calls",
        "tool_calls": [CODE_CALL, SEARCH_CALL, FUNCTION_CALL],
    },
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}
