"""N: the name, its addresses, and what stands before the port."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path

from tests.conftest import _unreal
from tests.testbed import dns, proxies

from .fault import Fault, Server
from .tls import trusted

_HTTP = "cmp-bundle/http.conf"
_NAME = "pbx.internal"
_NAMED = {"url": f"https://{_NAME}:8089"}
_PUBLIC = {"url": "https://192.0.2.1:8089"}

_SHUT = """\
table inet theirs {
    chain input {
        type filter hook input priority 0; policy drop;
        iif lo accept
        ct state established,related accept
        meta l4proto { icmp, ipv6-icmp } accept
        tcp dport 22 accept
    }
}
"""


def _while(server: Server, *conditions: AbstractContextManager[None]) -> None:
    for one in conditions:
        one.__enter__()
        server.at_the_end(lambda one=one: one.__exit__(None, None, None))  # type: ignore[misc]


def _no_name(server: Server) -> None:
    _while(server, dns.names({}))


def _ipv4_alone(server: Server) -> None:
    trusted(_NAME)(server)
    known = {_NAME: ["192.0.2.1", "2001:db8::1"]}
    _while(server, dns.addresses("2001:db8::1"), dns.names(known))


def _ipv6_alone(server: Server) -> None:
    _while(server, dns.addresses("2001:db8::1"), dns.names({_NAME: ["2001:db8::1"]}))


def _two_networks(server: Server) -> None:
    trusted(_NAME)(server)
    _while(server, dns.addresses("10.9.9.9"), dns.names({_NAME: ["192.0.2.1", "10.9.9.9"]}))


def _shut(server: Server) -> None:
    if shutil.which("nft") is None:
        _unreal("no nft on this machine")
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(_SHUT)
        file.flush()
        subprocess.run(["nft", "-f", file.name], check=True)
    forget = ["nft", "delete", "table", "inet", "theirs"]

    def undo() -> None:
        subprocess.run(forget, check=True)

    server.at_the_end(undo)


def _restricted(server: Server) -> None:
    server.append("http.conf", "[/ws]\ntype = restriction\ndeny = 0.0.0.0/0.0.0.0")


def _loopback(server: Server) -> None:
    server.replace(_HTTP, "tlsbindaddr = 0.0.0.0:8089", "tlsbindaddr = 127.0.0.1:8089")


#: As nginx passes a WebSocket on.
_UPGRADE = (
    "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;"
    " proxy_set_header Connection upgrade;"
)


def _proxy(server: Server, block: str) -> None:
    """A real nginx at port 443."""
    if reason := proxies.why_not("nginx"):
        _unreal(reason)
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    server.at_the_end(lambda: shutil.rmtree(folder))
    _while(server, proxies.running("nginx", block, folder))


def _no_upgrade(server: Server) -> None:
    """What most people first write for nginx."""
    _proxy(server, "location / { proxy_pass https://127.0.0.1:8089; }")


def at_another_path(server: Server) -> None:
    """A page of another make at the root, and the WebSocket beside it."""
    socket = f"location /wss {{ proxy_pass https://127.0.0.1:8089/ws; {_UPGRADE} }}"
    _proxy(server, f"{socket} location / {{ return 200 'another page'; }}")


def only_the_proxy(server: Server) -> None:
    """One that comes by plain HTTP, before an Asterisk whose own HTTPS has no certificate."""
    (server.etc / "cmp-bundle/https.pem").unlink()
    server.append("http.conf", "[general](+)\nenabled=yes\nbindaddr=127.0.0.1\nbindport=8088")
    server.restart()
    _proxy(server, f"location / {{ proxy_pass http://127.0.0.1:8088; {_UPGRADE} }}")


def _port_of_nobody(_server: Server) -> None:
    pass


FAULTS = [
    Fault("N101", _no_name, (_NAME, "no address"), options=_NAMED),
    Fault("N102", _ipv4_alone, ("2001:db8::1", "refused"), options=_NAMED),
    Fault("N103", _shut, ("nftables", "8089/tcp"), along=("M101",)),
    Fault("N105", _two_networks, ("10.9.9.9", "local network"), options=_NAMED),
    Fault("N107", _restricted, ("/ws", "403"), versions=("22",), never=("16",)),
    Fault("N108", _loopback, ("127.0.0.1:8089 alone", "192.0.2.1"), options=_PUBLIC),
    Fault("N108", _ipv6_alone, ("0.0.0.0:8089 alone", "2001:db8::1"), options=_NAMED, name="IPv6"),
    Fault(
        "N110",
        _no_upgrade,
        ("does not pass WebSockets on", "101"),
        along=("T109",),
        options={"url": "https://localhost"},
    ),
    Fault(
        "N110",
        at_another_path,
        ("has the WebSocket at /wss", "https://localhost/wss answers 101"),
        options={"url": "https://localhost"},
        name="path",
    ),
    Fault(
        "T103",
        only_the_proxy,
        ("is not there", "the proxy at https://localhost"),
        options={"url": "https://localhost"},
        name="proxy",
    ),
    Fault(
        "port-refused",
        _port_of_nobody,
        ("nobody listens at port 9",),
        options={"url": "https://192.0.2.1:9"},
    ),
]
