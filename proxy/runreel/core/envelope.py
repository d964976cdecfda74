"""The proxy's own errors, in OpenAI's envelope.

Owns the table of slugs: status, and whether the SDKs may try again. Texts come from where an error
is noticed; foreign bodies (an upstream's, a profile's refusal) never pass through here.
"""

import json

from runreel.core.messages import Headers, Response

# slug -> (status, whether trying again can help)
ERRORS: dict[str, tuple[int, bool]] = {
    "no_matching_interaction": (424, False),
    "interaction_exhausted": (424, False),
    "upstream_unreachable": (502, True),
    "upstream_disconnected": (502, True),
    "upstream_malformed": (502, True),
    "upstream_timeout": (504, True),
    "too_many_calls": (503, True),
    "stopping": (503, True),
    "recording_failed": (503, False),
    "session_unknown": (421, False),
    "session_refused": (400, False),
    "cassette_busy": (409, False),
    "cassette_damaged": (500, False),
    "too_many_sessions": (503, True),
    "unauthorized": (401, False),
    "origin_refused": (403, False),
    "body_too_large": (413, False),
    "headers_too_large": (431, False),
    "request_timeout": (408, True),
    "bad_request": (400, False),
    "bad_request_target": (400, False),
    "misdirected_host": (421, False),
    "method_not_allowed": (405, False),
    "admin_unknown": (404, False),
    "internal_error": (500, False),
    "bad_framing": (400, False),
    "bad_header": (400, False),
    "expectation_failed": (417, False),
    "unknown_transfer_coding": (501, False),
    "http_version_not_supported": (505, False),
    "loop_detected": (508, False),
}
NO_RETRY: Headers = (("x-should-retry", "false"),)  # which all of OpenAI's SDKs obey
_RETRY_SOON: Headers = (("Retry-After", "1"),)
_CHALLENGE: Headers = (("WWW-Authenticate", 'Bearer realm="runreel"'),)
_JSON: Headers = (("Content-Type", "application/json"),)


def error_response(slug: str, message: str) -> Response:
    """The response for a slug of `ERRORS`."""
    status, again = ERRORS[slug]
    error = {"message": message, "type": "runreel_error", "param": None, "code": slug}
    further = {401: _CHALLENGE, 503: _RETRY_SOON if again else ()}.get(status, ())
    return json_response(status, {"error": error}, further + (() if again else NO_RETRY))


def json_response(status: int, document: object, headers: Headers = ()) -> Response:
    """A JSON response; ASCII only, so that no client can misread it."""
    body = json.dumps(document, ensure_ascii=True, separators=(",", ":")).encode("ascii")
    return Response(status, _JSON + headers, body)
