import os
import socket

import pytest

from devstack import ports
from devstack.errors import DevstackError


def test_a_taken_port_is_refused_with_its_owner_its_holder_and_the_variable_to_set() -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as holder:
        number = holder.getsockname()[1]
        with pytest.raises(DevstackError) as refusal:
            ports.require_free({"EVENT_PORT": number}, ["EVENT_PORT"])
    assert f"port {number}, which the event API needs, is taken" in str(refusal.value)
    assert f"by pid {os.getpid()}" in str(refusal.value)
    assert "set EVENT_PORT to a free port" in str(refusal.value)


@pytest.mark.parametrize("value", ["abc", "0", "65536", "-1", "80.5", "²", "1_000"])
def test_an_invalid_port_number_is_refused_by_its_variable(value: str) -> None:
    with pytest.raises(DevstackError, match=r"BOOKING_PORT is .* must be a port number"):
        ports.configured({"BOOKING_PORT": value})


def test_two_parts_on_one_port_are_refused() -> None:
    with pytest.raises(DevstackError, match="EVENT_PORT and BOOKING_PORT are both 9000"):
        ports.configured({"EVENT_PORT": "9000", "BOOKING_PORT": "9000"})


def test_private_ports_are_free_distinct_and_reserved() -> None:
    private = ports.private()
    assert len(set(private.values())) == len(ports.PORTS)
    ports.require_free(private, private)
    for number in private.values():
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind((ports.LOOPBACK, number))


def test_a_held_port_refuses_clients_until_our_server_listens_there() -> None:
    with ports.hold_port() as held:
        address = held.getsockname()
        for _ in range(2):
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(address)
            with socket.create_server(address):
                socket.create_connection(address).close()
