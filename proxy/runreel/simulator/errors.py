"""What the simulator answers when it does not do what it is asked: each case and its text.

Owns the texts of OpenAI's API as far as they are known; findings in request bodies are worded by
the profiles. Texts that were seen in recordings or public reports stand first; the others
are of the same family, and marked.
"""

from typing import Any, NamedTuple

from runreel.http.messages import Headers

NOT_FOUND, INVALID = 404, 400


class Case(NamedTuple):
    """A refusal; the values of a `Problem` go into its text and into what it says of `param`."""

    text: str
    status: int = INVALID
    param: str | None = None
    code: str | None = None


OPENAI_TEXTS = {
    "update_status": Case("Cannot update run with status '{status}'."),
    "outputs_status": Case('Runs in status "{status}" do not accept tool outputs.'),
    "no_step": Case("No run step found with id '{id}'.", NOT_FOUND),
    "no_thread": Case("No thread found with id '{id}'.", NOT_FOUND),
    "no_user_message": Case(
        "Run creation requires a Thread with a user message or an assistant with instructions.",
        code="invalid_thread",
    ),
    "active_run": Case("Thread {thread} already has an active run {run}."),
    "busy_thread": Case("Can't add messages to {thread} while a run {run} is active."),
    "malformed_id": Case(
        "Invalid '{param}': '{id}'. Expected an ID that begins with '{prefix}'.",
        param="{param}",
        code="invalid_value",
    ),
    "bad_key": Case(
        "Incorrect API key provided: {key}. You can find your API key at "
        "https://platform.openai.com/account/api-keys.",
        401,
        code="invalid_api_key",
    ),
    "no_beta": Case(
        "You must provide the 'OpenAI-Beta' header to access the Assistants API. Please try "
        "again by setting the header 'OpenAI-Beta: assistants=v2'.",
        code="invalid_beta",
    ),
    # From here on: of the same family, not seen.
    "no_run": Case("No run found with id '{id}'.", NOT_FOUND),
    "no_message": Case("No message found with id '{id}'.", NOT_FOUND),
    "no_assistant": Case("No assistant found with id '{id}'.", NOT_FOUND),
    "cancel_status": Case("Cannot cancel run with status '{status}'."),
    "missing_outputs": Case("Expected tool outputs for call_ids {expected}, got {got}"),
    "no_route": Case("Invalid URL ({method} {path})", NOT_FOUND),
    "invalid_value": Case(
        "Invalid value: '{value}'. Supported values are: {supported}.",
        param="{param}",
        code="invalid_value",
    ),
    "not_integer": Case(
        "Invalid type for '{param}': expected an integer, but got a string instead.",
        param="{param}",
        code="invalid_type",
    ),
    "below": Case(
        "Invalid '{param}': integer below minimum value. Expected a value >= {limit}, but got "
        "{value} instead.",
        param="{param}",
        code="integer_below_min_value",
    ),
    "above": Case(
        "Invalid '{param}': integer above maximum value. Expected a value <= {limit}, but got "
        "{value} instead.",
        param="{param}",
        code="integer_above_max_value",
    ),
    # No text of the API: what only the simulator can say.
    "full": Case(
        "The simulator is full: {what}. See the section `simulator` of the configuration, or "
        "start it anew.",
        507,
        code="simulator_full",
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
    text, status, param, code = OPENAI_TEXTS[problem.case]
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
            known = OPENAI_TEXTS[case]
            return known.status, {"detail": known.text.format_map(values)}, ()
    return NOT_FOUND, {"detail": detail}, ()


def masked(key: str) -> str:
    """A key as the API quotes it: its ends only, and nothing of a short one."""
    return f"{key[:8]}***{key[-4:]}" if len(key) > 24 else "***"
