"""What this machine is called, and where it can be reached."""

from __future__ import annotations

import ipaddress
import platform
import subprocess

import pytest

from cmp_bundle.tls import machine


@pytest.mark.parametrize(
    ("node", "names"),
    [
        ("laptop", ["laptop", "laptop.local"]),
        ("Laptop.example.com", ["laptop.example.com", "laptop", "laptop.local"]),
        ("laptop.local", ["laptop.local", "laptop"]),
        ("my-host-", []),
        ("", []),
        ("localhost", ["localhost", "localhost.local"]),
        ("a" * 64, []),
        ("bücher", ["xn--bcher-kva", "xn--bcher-kva.local"]),
    ],
)
def test_the_names_that_a_certificate_can_have(
    node: str, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "node", lambda: node)
    assert [str(h) for h in machine.names()] == names


def test_whom_a_server_here_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "node", lambda: "localhost")
    assert machine.to_serve(everywhere=False) == (
        "localhost",
        "127.0.0.1",
        "::1",
        "localhost.local",
    )


def test_addresses_are_those_of_the_interfaces() -> None:
    """As ``ip`` tells them, where there is one."""
    try:
        done = subprocess.run(
            ["ip", "-o", "addr"], capture_output=True, text=True, check=True
        ).stdout
    except FileNotFoundError:
        pytest.skip("no ip command")
    told = {line.split()[3].partition("/")[0] for line in done.splitlines()}
    usable = {a for a in map(ipaddress.ip_address, told) if not (a.is_loopback or a.is_link_local)}
    assert {h.address for h in machine.addresses()} == usable
    assert {ipaddress.ip_address(t) for t in told} == set(machine._of_interfaces())
    served = machine.to_serve(everywhere=True)
    assert {str(a) for a in usable} <= set(served)
    assert len(served) == len(set(served))


def test_loopback_is_always_there() -> None:
    assert ipaddress.ip_address("127.0.0.1") in set(machine._of_interfaces())
