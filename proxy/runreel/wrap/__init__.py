"""A command that runs behind a proxy of its own: `runreel replay -- COMMAND`.

Here are the variables that keep calls of this machine from a proxy of the user's network; the
pytest plugin needs them before anything heavy may be imported.
"""

from collections.abc import Mapping

# Not ::1 as well: httpx before 0.24 fails on it, and nothing listens there unless it is asked to.
_LOOPBACK = ("127.0.0.1", "localhost")


def bypass(environment: Mapping[str, str], *hosts: str) -> dict[str, str]:
    """`NO_PROXY` in both spellings: what is listed there already, loopback, and these hosts."""
    given: dict[str, str] = {}
    for name, other in (("NO_PROXY", "no_proxy"), ("no_proxy", "NO_PROXY")):
        # Many programs look at one spelling only, and at the other only if the first is not set.
        before = environment.get(name) or environment.get(other) or ""
        listed = [item.strip() for item in before.split(",") if item.strip()]
        missing = [item for item in dict.fromkeys((*_LOOPBACK, *hosts)) if item not in listed]
        given[name] = before if "*" in listed else ",".join((*listed, *missing))
    return given
