import socket
from pathlib import Path

import pytest

from runreel.pytest_plugin.sockets import Address, base_path


def test_clients_are_led_to_one_address_and_all_is_put_back() -> None:
    environment = {"OPENAI_BASE_URL": "https://example.org/v1", "no_proxy": "internal"}
    address = Address("/v1")

    address.set_variables(environment)

    assert environment == {
        "OPENAI_BASE_URL": address.base_url,
        "OPENAI_API_KEY": "none-needed",
        "NO_PROXY": "internal,127.0.0.1,localhost",
        "no_proxy": "internal,127.0.0.1,localhost",
    }
    address.release(environment)
    assert environment == {"OPENAI_BASE_URL": "https://example.org/v1", "no_proxy": "internal"}


def test_a_key_that_is_there_is_left_alone() -> None:
    environment = {"OPENAI_API_KEY": "mine"}
    address = Address("/v1")

    address.set_variables(environment)
    address.release(environment)

    assert environment == {"OPENAI_API_KEY": "mine"}


def test_who_calls_before_anything_listens_is_refused_at_once() -> None:
    address = Address("")
    port = int(address.base_url.rpartition(":")[2])

    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect(("127.0.0.1", port))
    with socket.socket() as thief, pytest.raises(OSError, match="in use"):
        thief.bind(("127.0.0.1", port))
    address.release({})


def test_the_base_path_is_that_of_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "runreel.toml"
    file.write_text('base_path = "/api"', encoding="utf-8")
    broken = tmp_path / "broken.toml"
    broken.write_text("base_path = ", encoding="utf-8")

    assert base_path(None, {}) == "/v1"
    assert base_path(file, {}) == "/api"
    assert base_path(file, {"RUNREEL_BASE_PATH": ""}) == ""
    assert base_path(broken, {}) == "/v1"
    assert base_path(tmp_path / "none.toml", {}) == "/v1"
