"""W: modules, and where phones connect to."""

from __future__ import annotations

from .fault import Fault, Server

_OURS = "cmp-bundle/pjsip.conf"


def without(server: Server, *modules: str) -> None:
    """Started without these."""
    lines = "".join(f"noload = {module}.so\n" for module in modules)
    server.replace("modules.conf", "[modules]\n", f"[modules]\n{lines}")


def _no_websocket(server: Server) -> None:
    without(server, "res_http_websocket")


def _no_transport(server: Server) -> None:
    without(server, "res_pjsip_transport_websocket")


def _no_pjsip(server: Server) -> None:
    without(server, "res_pjsip")


def _chan_sip(server: Server) -> None:
    """As Debian's 16 comes, before cmp-bundle provision."""
    server.replace("cmp-bundle/modules.conf", "noload = chan_sip.so\n", "")


def _settings(server: Server, text: str) -> None:
    """In cmp-bundle.toml."""
    path = server.work / "cmp-bundle.toml"
    server.put_back(path)
    before = path.read_text()
    heading = next(line for line in before.splitlines() if line.startswith("[server]"))
    path.write_text(before.replace(heading, f"{heading}\n{text}"))


def _wrong_path(server: Server) -> None:
    _settings(server, 'path = "/"')


def _plain_port(server: Server) -> None:
    _settings(server, "port = 8088")
    server.append("http.conf", "[general](+)\nenabled = yes\nbindaddr = 127.0.0.1\nbindport = 8088")


def _impatient(server: Server) -> None:
    server.append(
        "pjsip.conf",
        "[wss]\ntype=transport\nprotocol=wss\nbind=0.0.0.0\nwebsocket_write_timeout=20",
    )


def _brief(server: Server) -> None:
    server.replace(_OURS, "max_contacts = 5\n", "max_contacts = 5\nmaximum_expiration = 90\n")


def _unasked(server: Server) -> None:
    server.replace(_OURS, "qualify_frequency = 60\n", "qualify_frequency = 0\n")


FAULTS = [
    Fault("W101", _no_websocket, ("res_http_websocket.so", "not Running")),
    Fault("W102", _no_transport, ("res_pjsip_transport_websocket.so",)),
    Fault("W102", _no_pjsip, ("res_pjsip.so",), name="all-of-pjsip"),
    Fault("W103", _chan_sip, ("chan_sip",), versions=("16",), never=("22",)),
    Fault("W105", _wrong_path, ("path /,", "/ws")),
    Fault("W106", _plain_port, ("8088",)),
    Fault("W107", _impatient, ("20 ms",)),
    Fault("W109", _brief, ("alice", "90 seconds")),
    Fault("W110", _unasked, ("alice, bob",)),
]
