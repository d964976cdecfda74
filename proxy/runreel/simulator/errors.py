"""What the simulator answers when it does not do what it is asked: each case and its text.

Owns the texts of OpenAI's API as far as they are known; what another server says in its own words
stands in its profile, and so does the wording of findings in request bodies. Texts that were seen
in recordings or public reports stand first; the others are of the same family, and marked.
"""

from typing import Any

from runreel.assistants.dialect import NOT_FOUND, Case, Dialect, Json
from runreel.http.messages import Headers

CASES = {
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
        headers=(("www-authenticate", 'Bearer realm="OpenAI API"'),),
    ),
    "no_beta": Case(
        "You must provide the 'OpenAI-Beta' header to access the Assistants API. Please try "
        "again by setting the header 'OpenAI-Beta: assistants=v2'.",
        code="invalid_beta",
    ),
    # From here on: of the same family, not seen.
    "no_thread_of_run": Case("No thread found with id '{id}'.", NOT_FOUND),
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
    "no_conversation": Case("Conversation with id '{id}' not found.", NOT_FOUND),
    # Of servers that are built otherwise.
    "no_method": Case("Method Not Allowed", 405, headers=(("allow", "{allow}"),)),
    "slash": Case(None, 307, headers=(("location", "{location}"),)),
    "no_steps": Case("No run found with id '{id}'.", NOT_FOUND),
    # No text of the API: what only the simulator can say.
    "full": Case(
        "The simulator is full: {what}. See the section `simulator` of the configuration, or "
        "start it anew.",
        507,
        code="simulator_full",
        headers=(("x-should-retry", "false"),),
    ),
}


class Problem(Exception):
    """A request that is refused: a case of `CASES` and the values of its text."""

    def __init__(self, case: str, **values: Any) -> None:
        super().__init__(case)
        self.case = case
        self.values: dict[str, Any] = values


def refusal(dialect: Dialect, problem: Problem) -> tuple[int, Json | None, Headers]:
    """Status, document (None: no body) and headers of a problem, as a dialect tells it."""
    case = dialect.cases.get(problem.case) or CASES[problem.case]
    headers = tuple((name, value.format_map(problem.values)) for name, value in case.headers)
    if case.text is None:
        return case.status, None, headers
    message = case.text.format_map(problem.values)
    param = case.param.format_map(problem.values) if case.param else None
    return case.status, dialect.envelope(case.status, message, param, case.code), headers


def masked(key: str) -> str:
    """A key as the API quotes it: its ends only, and nothing of a short one."""
    return f"{key[:8]}***{key[-4:]}" if len(key) > 24 else "***"
