"""What a local authority may sign, as Python's ssl sees it."""

import ipaddress
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from runreel.tls.certificates import Hosts, Signed, new_authority, new_leaf
from tls.handshakes import NOW, handshake

BOX = Hosts.of(["box.local", "10.1.2.3"])


@pytest.fixture(scope="module")
def authority() -> Signed:
    """One that may speak for loopback and `BOX`."""
    return new_authority(BOX, NOW)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "box.local", "10.1.2.3"])
def test_a_leaf_is_good_for_loopback_and_for_the_hosts(
    authority: Signed, name: str, tmp_path: Path
) -> None:
    leaf = new_leaf(authority, BOX, NOW)

    assert handshake(leaf.pem, authority.public_pem, name, tmp_path) is None


@pytest.mark.parametrize(
    "name", ["example.com", "api.openai.com", "local", "10.1.2.4", "8.8.8.8", "2001:db8::1"]
)
def test_what_it_signs_for_another_name_is_refused(
    authority: Signed, name: str, tmp_path: Path
) -> None:
    forged = new_leaf(authority, Hosts.of([name]), NOW)

    assert handshake(forged.pem, authority.public_pem, name, tmp_path) == (
        "permitted subtree violation"
    )


def test_what_it_signs_beside_another_name_is_refused_for_loopback_too(
    authority: Signed, tmp_path: Path
) -> None:
    forged = new_leaf(authority, Hosts.of(["example.com"]), NOW)

    found = handshake(forged.pem, authority.public_pem, "localhost", tmp_path)
    assert found == "permitted subtree violation"


def test_another_authority_of_the_same_kind_is_not_trusted(
    authority: Signed, tmp_path: Path
) -> None:
    leaf = new_leaf(new_authority(BOX, NOW), BOX, NOW)

    found = handshake(leaf.pem, authority.public_pem, "localhost", tmp_path)
    assert found == "unable to get local issuer certificate"


def test_no_leaf_is_an_authority(authority: Signed, tmp_path: Path) -> None:
    leaf = new_leaf(authority, BOX, NOW)
    below = new_leaf(leaf, BOX, NOW)
    shown = below.pem + leaf.public_pem

    found = handshake(shown, authority.public_pem, "localhost", tmp_path)
    assert found == "invalid CA certificate"


def test_the_constraint_cannot_be_overlooked_by_who_does_not_know_it(authority: Signed) -> None:
    extensions = authority.certificate.extensions
    found = extensions.get_extension_for_class(x509.NameConstraints)
    permitted = found.value.permitted_subtrees or []

    assert found.critical
    assert found.value.excluded_subtrees is None
    assert [str(one.value) for one in permitted] == [
        *("localhost", "box.local", "127.0.0.0/8", "::1/128", "10.1.2.3/32"),
    ]


def test_keys_are_of_the_curve_that_all_clients_know(authority: Signed) -> None:
    keys = [authority.key, new_leaf(authority, BOX, NOW).key]

    assert [isinstance(key.curve, ec.SECP256R1) for key in keys] == [True, True]


def test_a_leaf_holds_for_thirty_days_and_an_authority_for_ten_years(authority: Signed) -> None:
    leaf = new_leaf(authority, BOX, NOW)

    assert [leaf.lasts(days, NOW) for days in (29.9, 30.1)] == [True, False]
    assert [authority.lasts(days, NOW) for days in (3649, 3651)] == [True, False]
    assert [leaf.lasts(0, NOW + timedelta(days=days)) for days in (-2, -0.5, 31)] == [
        *(False, True, False),
    ]


def test_what_was_written_is_read(authority: Signed) -> None:
    again = Signed.read(authority.pem)

    assert again.pem == authority.pem
    assert again.speaks_for() == BOX


@pytest.mark.parametrize("end", [0, 100, 300, 900])
def test_half_of_it_is_nothing(authority: Signed, end: int) -> None:
    with pytest.raises(ValueError):
        Signed.read(authority.pem[:end])


def test_a_key_with_the_certificate_of_another_is_nothing(authority: Signed) -> None:
    other = new_authority(BOX, NOW)
    key = authority.pem.removesuffix(authority.public_pem)

    with pytest.raises(ValueError):
        Signed.read(key + other.public_pem)


def test_hosts_stand_there_once_and_without_what_is_loopback_anyway() -> None:
    found = Hosts.of(["B", "a", "b", "localhost", "127.0.0.1", "::1", "0.0.0.0", "::", "fe80::1%e"])  # noqa: S104 - as a user may

    assert found == Hosts(("a", "b"), (ipaddress.ip_address("fe80::1"),))
    assert found | Hosts(("c",)) == Hosts(("a", "b", "c"), (ipaddress.ip_address("fe80::1"),))


@pytest.mark.parametrize("host", ["", "a b", "*.example.com", "a/b", "bücher", "a..b", "a:80"])
def test_what_is_no_host_stands_in_no_certificate(host: str) -> None:
    with pytest.raises(ValueError, match=f"^{host.replace('*', '.')}$"):
        Hosts.of([host])
