"""M: whether sound gets through."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading

from tests.conftest import _unreal

from .fault import Fault, Server
from .session import nothing


def _rtp(server: Server, *lines: str) -> None:
    server.append("rtp.conf", "\n".join(("[general](+)", *lines)))


def _mapped(server: Server, *lines: str) -> None:
    server.append("rtp.conf", "\n".join(("[ice_host_candidates](+)", *lines)))


def _address(server: Server, *addresses: str) -> None:
    """More addresses of this network's card, which is the tests' own."""

    def back() -> None:
        for address in addresses:
            _ip("del", address)

    for address in addresses:
        _ip("add", address)
    server.at_the_end(back)


def _ip(what: str, address: str) -> None:
    subprocess.run(["ip", "address", what, address, "dev", "here"], check=True, timeout=10)


def _stun_server(server: Server) -> int:
    """The port of one that answers everybody that they are 192.0.2.9:9, until the end."""
    ours = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ours.bind(("127.0.0.1", 0))
    mapped = b"\x00\x01\x00\x08\x00\x01" + (9).to_bytes(2) + socket.inet_aton("192.0.2.9")

    def answer() -> None:
        while True:
            request, there = ours.recvfrom(2048)
            if not request:
                return
            if len(request) >= 20:
                ours.sendto(b"\x01\x01" + len(mapped).to_bytes(2) + request[4:20] + mapped, there)

    serving = threading.Thread(target=answer)
    serving.start()
    port: int = ours.getsockname()[1]

    def end() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.sendto(b"", ("127.0.0.1", port))
        serving.join()
        ours.close()

    server.at_the_end(end)
    return port


def _silent_stun(server: Server) -> None:
    """A port where nobody listens."""
    _rtp(server, "stunaddr = 192.0.2.1:3")


def _both(server: Server) -> None:
    _rtp(
        server,
        f"stunaddr = 127.0.0.1:{_stun_server(server)}",
        "[ice_host_candidates](+)",
        "192.0.2.1 => 198.51.100.7",
    )


def _no_ice(server: Server) -> None:
    _rtp(server, "icesupport = no")


def _private_alone(server: Server) -> None:
    """The name is one of the world's, and sound is to go to another."""
    _address(server, "9.9.9.9/32")
    _rtp(server, "ice_deny = 9.9.9.9/255.255.255.255")


def _docker(server: Server) -> None:
    _mapped(server, "192.0.2.1 => 172.17.0.2")


def _docker_beside(server: Server) -> None:
    _address(server, "172.17.0.2/32")


def _many_addresses(server: Server) -> None:
    _address(server, *(f"10.7.0.{number}/32" for number in range(1, 71)))


def _transport_for_outside(server: Server) -> None:
    server.append(
        "pjsip.conf",
        "[transport-out]\ntype=transport\nprotocol=wss\nbind=127.0.0.1\n"
        "external_media_address=198.51.100.7",
    )


_RULES = """
table inet fault {
    chain input {
        type filter hook input priority 0; policy drop;
        %s
        tcp dport 8089 accept
        iif lo accept
        ct state established accept
    }
}
"""


def _narrow_firewall(server: Server) -> None:
    _firewall(server, "udp dport 10000-10100 accept")


def _closed_firewall(server: Server) -> None:
    _firewall(server, "udp dport 53 accept")


def _firewall(server: Server, rule: str) -> None:
    """Of this network alone, which is the tests' own."""
    if shutil.which("nft") is None:
        _unreal("no nft on this machine")
    subprocess.run(["nft", "-f", "-"], input=(_RULES % rule).encode(), check=True, timeout=10)

    def back() -> None:
        subprocess.run(["nft", "delete", "table", "inet", "fault"], check=True, timeout=10)

    server.at_the_end(back)


def _stun_without_address(server: Server) -> None:
    """Nobody knows the name. 22 waits for it where sound has an IPv4 socket, 16 asks nobody."""
    heading = "[alice](cmp-phone)\n"
    ipv4 = "media_address=192.0.2.1\nbind_rtp_to_media_address=yes\n"
    server.replace("cmp-bundle/pjsip.conf", heading, f"{heading}{ipv4}")
    server.append("rtp.conf", "[general](+)\nstunaddr=stun.invalid")


FAULTS = [
    Fault(
        "M103",
        _stun_without_address,
        ("stun.invalid:3478 has no address", "lookup failed"),
        versions=(),
        never=("16",),
        options={"accounts": ("alice",)},
        name="name",
    ),
    Fault(
        "M103",
        _stun_without_address,
        ("no address of the STUN server stun.invalid",),
        versions=("16",),
        never=("22",),
        name="old",
    ),
    Fault(
        "M103",
        _silent_stun,
        ("192.0.2.1:3", "does not answer"),
        options={"accounts": ("alice",)},
    ),
    Fault("M104", _both, ("stunaddr", "198.51.100.7")),
    Fault("M110", _no_ice, ("ICE is switched off",)),
    Fault(
        "M102",
        _private_alone,
        ("9.9.9.9", "192.0.2.1"),
        along=("T110",),
        options={"url": "https://9.9.9.9:8089"},
    ),
    Fault("M101", _closed_firewall, ("10000-20000", "nftables", "none of them")),
    Fault("M120", _narrow_firewall, ("10000-20000", "nftables", "10000-10100/udp")),
    Fault("M106", _docker, ("172.17.0.2", "Docker")),
    Fault("M114", nothing, ("calls hang", "by its number")),
    Fault("M116", _docker_beside, ("172.17.0.2",)),
    Fault("S109", _many_addresses, ("addresses",)),
    Fault("M119", _transport_for_outside, ("transport-out", "198.51.100.7")),
]
