"""What the applications did whose recordings are imported, in whatever `openai` is here.

Arguments: base URL, and what to do: `polling`, `streaming` or `modifying`. Prints one JSON value:
what the package gave back. Runs under openai 1.x to 3.x.
"""

import json
import sys
import warnings
from typing import Any

import openai

KEY = "sk-" + "FaKe0" * 8
QUESTION = "I need to solve the equation `3x + 11 = 14`. Can you help me?"
INSTRUCTIONS = "Please address the user as Jane Doe. The user has a premium account."
TUTOR: dict[str, Any] = {
    "model": "gpt-4o-mini",
    "instructions": ("You are a personal math tutor. Write and run code to answer math questions."),
    "name": "Math Tutor",
    "tools": [{"type": "code_interpreter"}],
}
# The runs of Ruby's recording, each with the API version that it asked for.
MODIFIED = [
    ("thread_ReW48cUDDH3YnHLlclTUSQYM", "run_Iefoyxdnur5MAfQUqlc2ZHoe", "assistants=v1"),
    ("thread_MYDBfccGRK0iRGALXoV30O9q", "run_iJJ1FnvtEApdHAby84v2OEjS", "assistants=v1"),
    ("thread_20fALQT94GlxxbQtT0iguHr0", "run_YAEaml9SDRKnV2S57vES2oSz", "assistants=v1"),
    ("thread_gdGHwrXQ8YPgNx7qPfWR7rIE", "run_wJ1j1H1b9Muubjscq4kNmG4Y", "assistants=v2"),
]


def asked(client: openai.OpenAI) -> tuple[str, str]:
    """A new assistant, and a new thread with the question."""
    assistant = client.beta.assistants.create(**TUTOR)
    thread = client.beta.threads.create()
    client.beta.threads.messages.create(thread.id, role="user", content=QUESTION)
    return assistant.id, thread.id


def polling(client: openai.OpenAI) -> list[Any]:
    assistant, thread = asked(client)
    run = client.beta.threads.runs.create_and_poll(
        thread_id=thread, assistant_id=assistant, instructions=INSTRUCTIONS, poll_interval_ms=1
    )
    messages = client.beta.threads.messages.list(thread_id=thread, order="asc")
    named = client.beta.assistants.retrieve(assistant).name
    return [run.id, run.status, [message.role for message in messages.data], named]


def streaming(client: openai.OpenAI) -> list[Any]:
    assistant, thread = asked(client)
    client.beta.assistants.retrieve(assistant)
    events = client.beta.threads.runs.create(
        thread_id=thread, assistant_id=assistant, instructions=INSTRUCTIONS, stream=True
    )
    return [event.to_dict() for event in events]


def modifying(client: openai.OpenAI) -> list[Any]:
    raised: list[Any] = []
    metadata: Any = {"modified": True}
    for thread, run, beta in MODIFIED:
        try:
            client.beta.threads.runs.update(
                run, thread_id=thread, metadata=metadata, extra_headers={"OpenAI-Beta": beta}
            )
        except openai.BadRequestError as error:
            raised.append(error.body)
    return raised


def main() -> None:
    warnings.simplefilter("ignore")  # the package calls the whole API deprecated
    base_url, what = sys.argv[1:]
    do = {"polling": polling, "streaming": streaming, "modifying": modifying}[what]
    with openai.OpenAI(base_url=base_url, api_key=KEY, max_retries=0) as client:
        result = do(client)
    print(json.dumps({"version": openai.__version__, "result": result}))


if __name__ == "__main__":
    main()
