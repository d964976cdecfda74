"""What the simulator answers when it does not do what it is asked: each case and its text.

Owns the texts of OpenAI's API as far as they are known; findings in request bodies are worded by
the profiles. Texts that were seen in recordings or public reports stand first; the others
are of the same family, and marked.
"""

from typing import Any

from runreel.http.messages import Headers

NOT_FOUND, INVALID = 404, 400

# case -> (status, text, param, code)
OPENAI_TEXTS: dict[str, tuple[int, str, str | None, str | None]] = {
    "update_status": (INVALID, "Cannot update run with status '{status}'.", None, None),
    "outputs_status": (
        INVALID,
        'Runs in status "{status}" do not accept tool outputs.',
        None,
        None,
    ),
    "no_step": (NOT_FOUND, "No run step found with id '{id}'.", None, None),
    "no_thread": (NOT_FOUND, "No thread found with id '{id}'.", None, None),
    "no_user_message": (
        INVALID,
        "Run creation requires a Thread with a user message or an assistant with instructions.",
        None,
        "invalid_thread",
    ),
    "active_run": (INVALID, "Thread {thread} already has an active run {run}.", None, None),
    "busy_thread": (
        INVALID,
        "Can't add messages to {thread} while a run {run} is active.",
        None,
        None,
    ),
    "malformed_id": (
        INVALID,
        "Invalid '{param}': '{id}'. Expected an ID that begins with '{prefix}'.",
        "{param}",
        "invalid_value",
    ),
    "bad_key": (
        401,
        (
            "Incorrect API key provided: {key}. You can find your API key at "
            "https://platform.openai.com/account/api-keys."
        ),
        None,
        "invalid_api_key",
    ),
    "no_beta": (
        INVALID,
        (
            "You must provide the 'OpenAI-Beta' header to access the Assistants API. Please try "
            "again by setting the header 'OpenAI-Beta: assistants=v2'."
        ),
        None,
        "invalid_beta",
    ),
    # From here on: of the same family, not seen.
    "no_run": (NOT_FOUND, "No run found with id '{id}'.", None, None),
    "no_message": (NOT_FOUND, "No message found with id '{id}'.", None, None),
    "no_assistant": (NOT_FOUND, "No assistant found with id '{id}'.", None, None),
    "cancel_status": (INVALID, "Cannot cancel run with status '{status}'.", None, None),
    "missing_outputs": (
        INVALID,
        "Expected tool outputs for call_ids {expected}, got {got}",
        None,
        None,
    ),
    "no_route": (NOT_FOUND, "Invalid URL ({method} {path})", None, None),
    "invalid_value": (
        INVALID,
        "Invalid value: '{value}'. Supported values are: {supported}.",
        "{param}",
        "invalid_value",
    ),
    "not_integer": (
        INVALID,
        "Invalid type for '{param}': expected an integer, but got a string instead.",
        "{param}",
        "invalid_type",
    ),
    "below": (
        INVALID,
        (
            "Invalid '{param}': integer below minimum value. Expected a value >= {limit}, but got "
            "{value} instead."
        ),
        "{param}",
        "integer_below_min_value",
    ),
    "above": (
        INVALID,
        (
            "Invalid '{param}': integer above maximum value. Expected a value <= {limit}, but got "
            "{value} instead."
        ),
        "{param}",
        "integer_above_max_value",
    ),
    # No text of the API: what only the simulator can say.
    "full": (
        507,
        (
            "The simulator is full: {what}. See the section `simulator` of the configuration, or "
            "start it anew."
        ),
        None,
        "simulator_full",
    ),
}


class Problem(Exception):
    """A request that is refused: a case of `OPENAI_TEXTS` and the values of its text."""

    def __init__(self, case: str, **values: Any) -> None:
        super().__init__(case)
        self.case = case
        self.values: dict[str, Any] = values


def openai(problem: Problem) -> tuple[int, Any, Headers]:
    """Status, document and headers of a problem in OpenAI's envelope."""
    status, text, param, code = OPENAI_TEXTS[problem.case]
    error = {
        "message": text.format_map(problem.values),
        "type": "invalid_request_error",
        "param": param.format_map(problem.values) if param else None,
        "code": code,
    }
    headers: Headers = ()
    if status == 401:
        headers = (("www-authenticate", 'Bearer realm="OpenAI API"'),)
    if status == 507:
        headers = (("x-should-retry", "false"),)
    return status, {"error": error}, headers


def rubra(problem: Problem) -> tuple[int, Any, Headers]:
    """Status, document and headers of a problem as rubra told it."""
    values = problem.values
    match problem.case:
        case "no_run":
            thread = values["thread"]
            detail = f"Run with ID '{values['id']}' in thread '{thread}' not found"
        case "no_thread":
            detail = f"Run with ID '{values['run']}' in thread '{values['id']}' not found"
            if not values["run"]:
                detail = "Thread not found"
        case "no_method":
            return 405, {"detail": "Method Not Allowed"}, (("allow", values["allow"]),)
        case "slash":
            return 307, None, (("location", values["location"]),)
        case "no_route":
            detail = "Not Found"
        case case:
            status, text, _, _ = OPENAI_TEXTS[case]
            return status, {"detail": text.format_map(values)}, ()
    return NOT_FOUND, {"detail": detail}, ()


def masked(key: str) -> str:
    """A key as the API quotes it: its ends only, and nothing of a short one."""
    return f"{key[:8]}***{key[-4:]}" if len(key) > 24 else "***"
