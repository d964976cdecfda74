"""curl commands: what a person tries by hand.

Owns their writing, safe for any POSIX shell and exact to the byte. How one is read is
`curl_command`.
"""

import base64
import shlex

from runreel.cassettes.format import Cassette
from runreel.http.messages import Interaction
from runreel.importers.records import exported

_KEY = '-H "Authorization: Bearer $OPENAI_API_KEY"'  # in quotes that let the shell put it in


def write(cassette: Cassette, base_url: str) -> tuple[bytes, list[str]]:
    """One command for each interaction, and the ids of what is left out."""
    found, gone = exported(cassette)
    lines = (f"{_command(interaction, base_url)}\n" for interaction in found)
    return "".join(lines).encode("latin-1"), gone


def _command(interaction: Interaction, base_url: str) -> str:
    request = interaction.request
    # As they are: no braces expanded, no dots resolved.
    words = ["curl", "-sS", "--globoff", "--path-as-is"]
    words += ["--head"] if request.method == "HEAD" else ["-X", shlex.quote(request.method)]
    words += [shlex.quote(base_url + request.target), _KEY]
    names = {name.lower() for name, _ in request.headers}
    for name, value in request.headers:
        words += ["-H", shlex.quote(f"{name}: {value}" if value else f"{name};")]
    if not request.body:
        return " ".join(words)
    if "content-type" not in names:
        words += ["-H", "Content-Type:"]  # or curl would say that it is a form
    text = request.body.decode("latin-1")
    if _fits_a_shell(request.body):
        return " ".join([*words, "--data-raw", shlex.quote(text)])
    coded = base64.b64encode(request.body).decode("ascii")
    return " ".join(["printf %s", coded, "| base64 -d |", *words, "--data-binary @-"])


def _fits_a_shell(body: bytes) -> bool:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(char.isprintable() or char in "\t\n" for char in text)
