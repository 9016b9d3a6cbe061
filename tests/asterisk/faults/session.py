"""S: whether calls come about."""

from __future__ import annotations

import ctypes
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

from .fault import Fault, Server

OURS = "cmp-bundle/pjsip.conf"
PLAN = "cmp-bundle/extensions.conf"

#: What webrtc=yes stands for, by hand.
BY_HAND = (
    "webrtc = no",
    "use_avpf = yes",
    "media_encryption = dtls",
    "dtls_auto_generate_cert = yes",
    "ice_support = yes",
    "rtcp_mux = yes",
    "bundle = yes",
)

#: Of <linux/sched.h>.
_CLONE_NEWUTS = 0x04000000


def phone(server: Server, *lines: str) -> None:
    """Write ``lines`` into alice's endpoint."""
    server.replace(OURS, "[alice](cmp-phone)\n", "\n".join(("[alice](cmp-phone)", *lines, "")))


def _not_for_browsers(server: Server) -> None:
    phone(server, "webrtc = no")


def without(option: str) -> tuple[str, ...]:
    return tuple(line for line in BY_HAND if not line.startswith(option))


def _no_certificate(server: Server) -> None:
    phone(server, *without("dtls_auto"))


def _no_mux(server: Server) -> None:
    phone(server, *(line for line in without("rtcp_mux") if not line.startswith("bundle")))


def _no_ice(server: Server) -> None:
    phone(server, *without("ice_support"))


def _no_codec(server: Server) -> None:
    phone(server, "disallow = all", "allow = g729")


def _no_srtp(server: Server) -> None:
    server.pbx.rx("module unload res_srtp.so")

    def back() -> None:
        server.pbx.rx("module load res_srtp.so")

    server.at_the_end(back)


def _few_ports(server: Server) -> None:
    server.replace("rtp.conf", "\nrtpend=20000\n", "\nrtpend=10005\n")


def _ghost_transport(server: Server) -> None:
    phone(server, "transport = transport-nope")


def _pinned(server: Server) -> None:
    server.append(
        "pjsip.conf", "[transport-fault]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:5099"
    )
    phone(server, "transport = transport-fault")
    server.restarted = True


def _no_context(server: Server) -> None:
    phone(server, "context = nosuch")


def _empty_context(server: Server) -> None:
    server.append("extensions.conf", "[empty]")
    phone(server, "context = empty")


def _ghost_extension(server: Server) -> None:
    path = server.work / "accounts.toml"
    before = path.read_text()
    assert 'id = "alice"\n' in before

    def back() -> None:
        path.write_text(before)

    server.at_the_end(back)
    path.write_text(before.replace('id = "alice"\n', 'id = "alice"\ndial = "7777"\n', 1))


def nothing(server: Server) -> None:
    """16 has it as it is."""
    del server


def _no_echo(server: Server) -> None:
    server.pbx.rx("module unload app_stream_echo.so")

    def back() -> None:
        server.pbx.rx("module load app_stream_echo.so")

    server.at_the_end(back)


def _gone_in_a_call(server: Server) -> None:
    password = re.search(
        r"^username = alice\npassword = (\S+)$", (server.etc / OURS).read_text(), re.MULTILINE
    )
    assert password
    url = f"wss://127.0.0.1:{server.pbx.ports.https}/ws"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.asterisk.faults.stale_call",
            url,
            "alice",
            password[1],
            "246",
        ],
        check=True,
        cwd=Path(__file__).parents[3],
        timeout=30,
    )

    def back() -> None:
        server.pbx.rx("channel request hangup all")

    server.at_the_end(back)


def _rtp_timeout(server: Server) -> None:
    phone(server, "rtp_timeout = 30")


def _info(server: Server) -> None:
    phone(server, "dtmf_mode = info")


def _opus_first(server: Server) -> None:
    phone(server, "disallow = all", "allow = opus,ulaw,vp8")


def _one_rings(server: Server) -> None:
    server.replace(
        PLAN,
        "exten => 102,1,Set(phones",
        "exten => 103,1,Dial(PJSIP/bob,20)\nexten => 102,1,Set(phones",
    )


def _odd_name(server: Server) -> None:
    """In Latin-1."""
    path = server.etc / OURS
    data = path.read_bytes()
    assert b'callerid = "alice"' in data
    path.write_bytes(data.replace(b'callerid = "alice"', b'callerid = "J\xf6rg"'))
    server.reload(OURS)


def _nameless(server: Server) -> None:
    """In a namespace of its own, this thread's machine is called what nobody knows."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/uts", os.O_RDONLY | os.O_CLOEXEC)

    def back() -> None:
        assert libc.setns(before, _CLONE_NEWUTS) == 0
        os.close(before)

    assert libc.unshare(_CLONE_NEWUTS) == 0, os.strerror(ctypes.get_errno())
    server.at_the_end(back)
    socket.sethostname("no-such-pbx.invalid")


FAULTS = [
    Fault("S101", _not_for_browsers, ("alice", "not set up for browsers")),
    Fault("S102", _no_codec, ("alice", "g729")),
    Fault("S103", _no_srtp, ("res_srtp.so",)),
    Fault("S104", _few_ports, ("6 ports", "Port end: 10005"), options={"accounts": ("alice",)}),
    Fault("S105", _ghost_transport, ("alice", "'transport-nope'", "not there")),
    Fault("S106", _pinned, ("alice", "'transport-fault'", "protocol udp")),
    Fault("S107", _no_context, ("alice", "'nosuch'"), name="context"),
    Fault("S107", _empty_context, ("alice", "'empty'", "no extension"), name="empty"),
    Fault("S107", _ghost_extension, ("7777", "alice", "'cmp-phones'"), name="extension"),
    Fault("S108", nothing, ("attributes", "Chrome"), versions=("16",), never=("22",)),
    Fault("S110", _no_echo, ("StreamEcho", "246")),
    Fault("S111", _gone_in_a_call, ("alice", "one call", "PJSIP/alice-")),
    Fault("S112", _rtp_timeout, ("alice", "30 s")),
    Fault("S114", _no_certificate, ("alice", "fingerprint", "dtls_auto_generate_cert")),
    Fault("S115", _no_mux, ("alice", "rtcp_mux")),
    Fault("S116", _no_ice, ("alice", "ice_support")),
    Fault("S119", _info, ("alice", "dtmf_mode=info")),
    Fault("S120", nothing, ("codec changes", "by its number")),
    Fault("S121", _opus_first, ("alice", "Opus"), versions=("16",), never=("22",)),
    Fault("S122", _odd_name, ("alice", "no UTF-8")),
    Fault("S123", _one_rings, ("103", "bob", "max_contacts: 5")),
    Fault("S124", _nameless, ("no-such-pbx.invalid",)),
]
