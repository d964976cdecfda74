"""A secret of each kind that detect-secrets knows, by a name, with what that calls it.

What it finds by the name alone (`Secret Keyword`) is not among them. They are made when they are
asked for, so that nobody takes this file for a leak.
"""

import hashlib
import json
import string
from collections.abc import Iterable
from dataclasses import replace

from builders import a_response, an_interaction
from runreel.http.messages import Interaction

_ALL = string.ascii_letters + string.digits


def _drawn(length: int, letters: str = _ALL, seed: str = "a") -> str:
    raw = b"".join(hashlib.sha512(f"{seed}{each}".encode()).digest() for each in range(5))
    return "".join(letters[byte % len(letters)] for byte in raw)[:length]


def _hex(length: int) -> str:
    return _drawn(length, "0123456789abcdef")


def _gitlab(kind: str, length: int) -> tuple[str, str]:
    return f"gl{kind}-{_drawn(length)}", "GitLab Token"


KNOWN_TO_SCANNERS: dict[str, tuple[str, str]] = {
    "artifactory key": ("AKC" + "p" + _drawn(69), "Artifactory Credentials"),
    "artifactory password": ("AP" + "B" + _drawn(40), "Artifactory Credentials"),
    "aws id": ("AK" + "IA" + _drawn(16, "ABCDEFGH234567"), "AWS Access Key"),
    "aws old id": ("A3" + "TX" + _drawn(16, "ABCDEFGH234567"), "AWS Access Key"),
    "aws secret": (f"aws_key = '{_drawn(40)}'", "AWS Access Key"),
    "azure storage": ("Account" + f"Key={_drawn(86)}==", "Azure Storage Account access key"),
    "basic auth": (f"https://bob:{_drawn(12)}@host.example/", "Basic Auth Credentials"),
    "cloudant key": (f"cloudant_apikey = {_hex(64)}", "Cloudant Credentials"),
    "cloudant url": (f"https://bob:{_hex(64)}@x.cloudant.com", "Cloudant Credentials"),
    "discord": (
        f"M{_drawn(24)}.{_drawn(6, seed='b')}.{_drawn(27, seed='c')}",
        "Discord Bot Token",
    ),
    "github": ("gh" + "p_" + _drawn(36), "GitHub Token"),
    "gitlab": _gitlab("pat", 20),
    "gitlab deploy": _gitlab("dt", 20),
    "gitlab mail": _gitlab("imt", 25),
    "gitlab trigger": _gitlab("ptt", 40),
    "gitlab agent": _gitlab("agent", 50),
    "gitlab application": _gitlab("oas", 64),
    "gitlab runner": ("GR" + f"1348941{_drawn(20)}", "GitLab Token"),
    "ibm cloud": (f"ibm_cloud_iam_key = {_drawn(44)}", "IBM Cloud IAM Key"),
    "ibm storage": (f"cos_hmac_secret_access_key = {_hex(48)}", "IBM COS HMAC Credentials"),
    "jwt": (
        "eyJhbGciOiJIUzI1" + "NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIx" + "MjM0NTY3ODkwIn0." + _drawn(43),
        "JSON Web Token",
    ),
    "mailchimp": (f"{_hex(32)}-us12", "Mailchimp Access Key"),
    "npm": (f"//registry.example/:_authToken=npm_{_drawn(36)}", "NPM tokens"),
    "openai": (f"sk-{_drawn(20)}T3Blbk" + f"FJ{_drawn(20, seed='z')}", "OpenAI Token"),
    "openai project": (f"sk-proj-{_drawn(20)}T3Blbk" + f"FJ{_drawn(20, seed='z')}", "OpenAI Token"),
    **{
        f"private key, {kind}": (f"-----BEGIN {kind}-----\n{_drawn(64)}", "Private Key")
        for kind in (
            *("DSA PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY", "PRIVATE KEY"),
            *("PGP PRIVATE KEY BLOCK", "RSA PRIVATE KEY", "SSH2 ENCRYPTED PRIVATE KEY"),
        )
    },
    "putty": ("PuTTY-User-" + f"Key-File-2: ssh-rsa\n{_drawn(64)}", "Private Key"),
    "pypi": ("pypi-" + "AgEIcHlwaS5vcmc" + _drawn(80), "PyPI Token"),
    "pypi, test": ("pypi-" + "AgENdGVzdC5weXBpLm9yZw" + _drawn(80), "PyPI Token"),
    "sendgrid": (f"SG.{_drawn(22)}.{_drawn(43)}", "SendGrid API Key"),
    "slack": (f"xoxb-1234567890-{_drawn(20)}", "Slack Token"),
    "slack hook": (
        "https://hooks.slack" + f".com/services/T0{_drawn(8)}/B0{_drawn(8)}/{_drawn(24)}",
        "Slack Token",
    ),
    "softlayer": (f"softlayer_api_key = {_hex(64)}", "SoftLayer Credentials"),
    "square": ("sq0" + f"csp-{_drawn(43)}", "Square OAuth Secret"),
    "stripe": ("sk_" + f"live_{_drawn(24)}", "Stripe Access Key"),
    "telegram": (f"1234567890:AA{_drawn(33)}", "Telegram Bot Token"),
    "twilio account": (f"AC{_hex(32)}", "Twilio API Key"),
    "twilio key": (f"SK{_hex(32)}", "Twilio API Key"),
}


def with_a_text(text: str, number: int = 0) -> Interaction:
    """An exchange whose answer says it."""
    answer = a_response(json.dumps({"note": text}).encode())
    return replace(an_interaction(name=f"sample-{number}").value, response=answer)


def samples() -> Iterable[Interaction]:
    return (with_a_text(text, at) for at, (text, _) in enumerate(KNOWN_TO_SCANNERS.values()))
