"""O: files and what runs, the log, the limits of the process."""

from __future__ import annotations

from .fault import Fault, Server

_TRANSPORT = """
[transport-desk]
type=transport
protocol=tcp
bind=0.0.0.0:5090
"""


def _transport_changed(server: Server) -> None:
    server.append("pjsip.conf", _TRANSPORT)
    server.replace("pjsip.conf", "0.0.0.0:5090", "0.0.0.0:5091")


def _transport_not_loaded(server: Server) -> None:
    with (server.etc / "pjsip.conf").open("a") as file:
        file.write(_TRANSPORT)


def _ports_not_read(server: Server) -> None:
    path = server.etc / "rtp.conf"
    path.write_text(path.read_text().replace("rtpend=20000", "rtpend=15000"))


def _extension_not_read(server: Server) -> None:
    path = server.ours / "extensions.conf"
    text = path.read_text()
    assert "StreamEcho(4)" in text
    path.write_text(text.replace("StreamEcho(4)", "StreamEcho(2)"))


def _new_extension_not_read(server: Server) -> None:
    path = server.ours / "extensions.conf"
    path.write_text(f"{path.read_text()}\n[cmp-phones](+)\nexten => 777,1,Answer()\n")


def _module_left_out(server: Server) -> None:
    path = server.etc / "modules.conf"
    path.write_text(path.read_text().replace("[modules]", "[modules]\nnoload = res_srtp.so", 1))


def _few_files(server: Server) -> None:
    server.append("asterisk.conf", "[options](+)\nmaxfiles = 110")


def _no_log(server: Server) -> None:
    (server.etc / "logger.conf").write_text("[logfiles]\nconsole => notice,warning,error\n")
    server.reload("logger.conf")


def _no_registrar(server: Server) -> None:
    server.replace("modules.conf", "[modules]", "[modules]\nnoload = res_pjsip_registrar.so")


FAULTS = [
    Fault(
        "O101", _transport_changed, ("transport-desk", "0.0.0.0:5091", "0.0.0.0:5090"), name="bind"
    ),
    Fault("O101", _transport_not_loaded, ("transport-desk",), name="transport"),
    Fault("O101", _ports_not_read, ("rtpend=15000", "20000"), name="ports"),
    Fault("O101", _extension_not_read, ("246", "cmp-phones", "StreamEcho(4)"), name="step"),
    Fault("O101", _new_extension_not_read, ("777", "cmp-phones"), name="extension"),
    Fault("O101", _module_left_out, ("res_srtp.so", "modules.conf"), name="module"),
    Fault("O104", _few_files, ("110", "2 phones")),
    Fault("O105", _no_log, ("log",)),
    Fault("O106", _no_registrar, ("res_pjsip_registrar",), along=("registration-failed",)),
]
