"""Which names say that their value is a secret: of headers, parameters and JSON members.

A name is read word by word (`X-Goog-Api-Key` is x, goog, api, key), so that `x-tokens-used`,
`max_tokens` and `openai-processing-ms` stay while `PRIVATE-TOKEN` and `accessToken` do not. Three
answers are possible: `FLAT`, the value authenticates and all such values look alike; `DISTINCT`,
the name only looks suspicious, so that two values stay two; None. The examples beside the tables
are their test. JSON members go by exact names only: in a document `token` is text and `key` a word.
"""

import re
from functools import lru_cache
from typing import Literal

from runreel.http.headers import Trait, traits

Manner = Literal["flat", "distinct"]
FLAT: Manner = "flat"
DISTINCT: Manner = "distinct"

# Of the headers that are always denied (`Trait.SECRET`), those that say who somebody is.
_IDENTIFIERS = frozenset({"cf-ray", "openai-organization", "openai-project"})
# Always denied in queries and forms.
SECRET_PARAMETERS: dict[str, Manner] = {
    "access_token": FLAT,
    "api-key": FLAT,
    "api_key": FLAT,
    "apikey": FLAT,
}

# A word that says it alone, however it is joined with others.
_WORDS = frozenset(
    {
        *("key", "token", "secret", "auth", "authorization", "authentication", "bearer"),
        *("credential", "credentials", "session", "signature", "sig", "hmac"),
        *("password", "passwd", "passphrase", "passcode", "pwd", "pat", "jwt", "assertion"),
        *("csrf", "xsrf", "otp", "sid", "sessid", "sessionid", "jsessionid", "phpsessid"),
    }
)
# Words that are written without a space between two: `apikey`, `authtoken`, `clientsecret`.
_ENDS = re.compile(r".+(?:token|secret|password|passwd|signature|credentials?)")
_KEYS = re.compile(
    r"(?:access|account|admin|api|app|auth|client|consumer|crypt(?:o|ion)|encryption|functions?"
    r"|host|license|master|private|secret|security|service|session|shared|signing|storage"
    r"|subscription|user|write)key(?:id)?"
)
# Words that say it only where they stand alone: `code` of OAuth, but not `country_code`.
_ALONE = frozenset({"code", "pass", "ticket", "sas", "nonce"})

# What a suspicious word means together with the one before it, or after it, is no secret.
_HARMLESS_BEFORE = frozenset(
    {
        *("idempotency", "cache", "surrogate", "partition", "sort", "primary", "foreign"),
        *("public", "routing", "group", "range", "object", "hash", "order", "map", "row"),
    }
)
_HARMLESS_AFTER = frozenset(
    {
        *("type", "types", "count", "limit", "limits", "version", "method", "methods", "mode"),
        *("algorithm", "expires", "expiry", "ttl", "length", "size", "status", "budget", "usage"),
        *("used", "remaining", "scheme", "affinity", "prefix", "duration", "timeout"),
    }
)
# Names that mean something else as a whole.
_HARMLESS = frozenset(
    {
        "authentication-info",
        "authentication-results",
        "proxy-authentication-info",
        "sec-websocket-key",
    }
)
_HARMLESS_PREFIXES = ("access-control-", "sec-fetch-")

# Whose value authenticates, among what is denied by its shape: words, and ends of whole names.
_FLAT_WORDS = frozenset(
    {
        *("password", "passwd", "passphrase", "passcode", "pwd", "signature", "sig", "hmac"),
        *("bearer", "authorization", "jwt", "assertion", "otp", "pat"),
    }
)
_FLAT_ENDS = (
    *("accesstoken", "apikey", "apitoken", "authtoken", "bearertoken", "clientsecret", "idtoken"),
    *("privatetoken", "refreshtoken", "securitytoken", "vaulttoken", "accesskey", "functionskey"),
    *("privatekey", "secretkey", "signingkey", "subscriptionkey", "amzcredential"),
    *("googcredential", "password", "secret", "signature", "awskey", "iamkey"),
)

# Of JSON members, their names without case, `_` and `-`; only a value that is a string is blanked.
MEMBERS: dict[str, Manner] = {
    **dict.fromkeys(
        (
            *("password", "passwd", "passphrase", "userpassword", "dbpassword", "newpassword"),
            *("oldpassword", "currentpassword", "clientsecret", "apikey", "xapikey", "apitoken"),
            *("apisecret", "apisecretkey", "authorization", "proxyauthorization", "accesstoken"),
            *("refreshtoken", "idtoken", "authtoken", "bearertoken", "sessiontoken", "oauthtoken"),
            *("privatekey", "privatekeypem", "secretkey", "secretaccesskey", "awssecretaccesskey"),
            *("awssessiontoken", "signingkey", "signingsecret", "webhooksecret", "sharedsecret"),
            *("encryptionkey", "subscriptionkey", "accountkey", "clientassertion", "csrftoken"),
            *("openaiapikey", "anthropicapikey", "azureapikey", "connectionstring"),
            *("accesstokensecret", "appsecret", "masterkey", "servicekey", "servicerolekey"),
        ),
        FLAT,
    ),
    **dict.fromkeys(("accesskeyid", "awsaccesskeyid", "accesskey", "sessionkey"), DISTINCT),
}

# Words as they are written: letters only, for numbers say nothing (`X-Hub-Signature-256`).
_SPLIT = re.compile(r"[a-z]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_JOINERS = re.compile(r"[-_. ]")


# For the test of the tables: (flat, distinct, innocent).
HEADER_EXAMPLES = (
    (
        *("Authorization", "X-Goog-Api-Key", "X-Auth-Token", "X-Amz-Security-Token", "apikey"),
        *("x-functions-key", "PRIVATE-TOKEN", "X-Vault-Token", "X-Client-Secret", "X-Password"),
        *("X-Hub-Signature-256", "Stripe-Signature", "X-ApiKey", "Bearer", "X-Access-Token"),
    ),
    (
        *("OpenAI-Organization", "X-Session-Token", "X-Session-Id", "X-CSRF-Token", "X-Auth"),
        *("X-Token", "Token", "X-Key", "x-auth-user", "X-Credential", "X-Usertoken"),
    ),
    (
        *("x-tokens-used", "openai-processing-ms", "x-ratelimit-remaining-tokens", "X-Author"),
        *("Idempotency-Key", "Access-Control-Allow-Credentials", "Sec-WebSocket-Key", "Keep-Alive"),
        *("X-Monkey", "Surrogate-Key", "x-keyword", "X-OAuth-Scopes", "WWW-Authenticate"),
        *("X-Authority", "x-request-id", "Content-Type", "User-Agent", "x-token-count", "Host"),
        *("X-Design", "X-Amz-Date", "X-Signed-Headers", "OpenAI-Version", "ETag", "X-Robots-Tag"),
    ),
)
PARAMETER_EXAMPLES = (
    (
        *("api_key", "access_token", "client_secret", "password", "sig", "X-Amz-Signature"),
        *("X-Amz-Security-Token", "X-Amz-Credential", "clientSecret", "refreshToken", "signature"),
        *("id_token", "X-Goog-Signature", "pwd", "apiKey", "client_assertion", "code_assertion"),
    ),
    (
        *("key", "token", "code", "session", "session_id", "auth", "sid", "AWSAccessKeyId"),
        *("credential", "sessionToken", "userToken", "KEY", "authuser_token", "pageToken"),
    ),
    (
        *("max_tokens", "keyword", "limit", "after", "order", "include[]", "country_code", "keys"),
        *("X-Amz-Expires", "X-Amz-SignedHeaders", "token_type", "sort_key", "author", "signed"),
        *("design", "sigma", "tokens", "api-version", "X-Amz-Algorithm", "sessions", "monkey"),
        *("passage", "compass", "codes", "SignatureVersion", "tokenizer", "expires"),
    ),
)
MEMBER_EXAMPLES = (
    (
        *("password", "client_secret", "api_key", "apiKey", "authorization", "access_token"),
        *("refresh_token", "private_key", "Api-Key", "SecretAccessKey", "clientSecret"),
    ),
    ("aws_access_key_id", "AccessKeyId"),
    (
        *("token", "tokens", "key", "max_tokens", "id", "text", "password_hint", "session"),
        *("content", "keys", "code", "signature", "secret_santa", "api_keys"),
    ),
)


@lru_cache(maxsize=4096)
def of_header(name: str) -> Manner | None:
    """How the value of a header of that name (any case) is hidden: a denied header is left out."""
    lower = name.lower()
    if known := traits(lower):
        secret = DISTINCT if lower in _IDENTIFIERS else FLAT
        return secret if known & Trait.SECRET else None
    if lower in _HARMLESS or lower.startswith(_HARMLESS_PREFIXES):
        return None
    return _of_words(_SPLIT.findall(lower))


@lru_cache(maxsize=4096)
def of_parameter(name: str) -> Manner | None:
    """The same of a parameter of a query or a form, by its name as it is decoded."""
    lower = name.lower()
    if lower in SECRET_PARAMETERS:
        return SECRET_PARAMETERS[lower]
    words = _SPLIT.findall(_CAMEL.sub(" ", name).lower())
    if len(words) == 1 and words[0] in _ALONE:
        return DISTINCT
    return _of_words(words)


@lru_cache(maxsize=4096)
def of_member(name: str) -> Manner | None:
    """The same of a member of a JSON object whose value is a string."""
    return MEMBERS.get(_JOINERS.sub("", name).lower())


def _of_words(words: list[str]) -> Manner | None:
    denied = [word for at, word in enumerate(words) if _says_so(word) and not _excused(words, at)]
    if not denied:
        return None
    flat = any(word in _FLAT_WORDS for word in denied) or "".join(words).endswith(_FLAT_ENDS)
    return FLAT if flat else DISTINCT


def _says_so(word: str) -> bool:
    return word in _WORDS or bool(_ENDS.fullmatch(word) or _KEYS.fullmatch(word))


def _excused(words: list[str], at: int) -> bool:
    before, after = words[at - 1 : at], words[at + 1 : at + 2]
    return not _HARMLESS_BEFORE.isdisjoint(before) or not _HARMLESS_AFTER.isdisjoint(after)
