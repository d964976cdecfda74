"""A redaction by default values, for tests that look at what comes out."""

import json
from dataclasses import replace

from builders import a_request, a_response, an_interaction
from runreel.http.messages import Headers, Interaction, Request, Response
from runreel.redaction.redactor import Redaction

# No shape of a known key: only the rule of the request's own credential can find it.
KEY = "Zq/" + "fAkE+7" * 5 + "=-_w"
OTHER_KEY = "0b+" + "/tEsT1" * 5 + "w_9-"  # of the same length
BEARER: Headers = (("Authorization", f"Bearer {KEY}"),)
BODY = json.dumps({"key": KEY}).encode()


def redact(
    request: Request | None = None, response: Response | None = None, rules: Redaction | None = None
) -> Interaction:
    request = request or a_request(headers=BEARER)
    interaction = replace(
        an_interaction().value, request=request, response=response or a_response()
    )
    return (rules or Redaction()).interaction(request, interaction).value


def body_after(body: bytes, rules: Redaction | None = None) -> bytes:
    """The body of a response to a request with KEY."""
    return redact(response=a_response(body=body), rules=rules).response.body


def written(interaction: Interaction) -> bytes:
    """Everything of an interaction that could be written anywhere."""
    request, response = interaction.request, interaction.response
    texts = [request.method, request.target]
    texts += [text for pair in request.headers + response.headers for text in pair]
    texts += [text for item in interaction.violations for text in (item.at, item.message)]
    head = "\n".join(texts).encode("utf-8", "surrogatepass")
    return b"\n".join((head, request.body, response.body))
