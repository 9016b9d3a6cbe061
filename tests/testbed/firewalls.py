"""Real firewalls, each in a network and with configuration of its own, opened and closed again.

    unshare --net --mount --pid --mount-proc --fork python -m tests.testbed.firewalls firewalld|ufw|nftables FOLDER

prints as JSON what was open by our name and what could be reached from another machine: before; open;
open for others, and that undone; closed again; and, if it can be off: open, off, and closed then.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cmp_bundle.changes.engine import NoService
from cmp_bundle.files import Disk
from cmp_bundle.provision.firewall import Ports
from cmp_bundle.provision.firewalls import FirewallChange, look

from .server import PATIENCE

PROGRAMS = {"firewalld": "firewalld", "ufw": "ufw", "nftables": "nft"}
PORTS = Ports.needed(8089, (10000, 10010))
#: What is needed later, when the configuration is another.
OTHERS = Ports.needed(8088, (10000, 10010))

_BUS = """\
<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/>
<allow send_destination="*"/><allow receive_sender="*"/></policy></busconfig>
"""
_NFT = """\
table inet theirs {
    chain input {
        type filter hook input priority 0; policy accept;
        iif lo accept
        ct state established accept
        counter drop
    }
}
"""
#: Prints the ports that a connection gets through to; what a firewall drops takes the whole time.
_CONNECT = """\
import json, socket
from concurrent.futures import ThreadPoolExecutor

def reached(port):
    try:
        socket.create_connection(("198.51.100.1", port), 2).close()
    except OSError:
        return False
    return True

ports = [8089, 8088]
print(json.dumps([port for port, yes in zip(ports, ThreadPoolExecutor().map(reached, ports)) if yes]))
"""


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def nftables(folder: Path) -> None:
    (folder / "rules").write_text(_NFT)
    _run("nft", "-f", str(folder / "rules"))


def ufw(folder: Path) -> Callable[[], None]:
    """Gives what turns it off."""
    _own(folder, "/etc/ufw")
    _run("ufw", "--force", "enable")
    _run("ufw", "allow", "22/tcp", "comment", "not for cmp-bundle")
    return lambda: print(_run("ufw", "disable"), file=sys.stderr)


def firewalld(folder: Path) -> Callable[[], None]:
    """With the interface in a zone that is not the default one, a ban, and what is opened at runtime
    alone. Gives what turns it off.
    """
    _own(folder, "/etc/firewalld")
    # Where programs look for it that are told nothing.
    _run("mount", "-t", "tmpfs", "run", "/run")
    Path("/run/dbus").mkdir()
    (folder / "bus.conf").write_text(_BUS)
    _run("dbus-daemon", f"--config-file={folder}/bus.conf", "--fork")
    quiet = subprocess.DEVNULL
    daemon = subprocess.Popen(["firewalld", "--nofork", "--nopid"], stdout=quiet, stderr=quiet)
    deadline = time.monotonic() + PATIENCE
    while not look() and time.monotonic() < deadline:
        time.sleep(0.1)
    _run("firewall-cmd", "--zone=work", "--add-interface=here")
    _run("firewall-cmd", "--zone=drop", "--add-source=203.0.113.9")
    _run("firewall-cmd", "--zone=work", "--add-port=5060/udp")

    def off() -> None:
        assert _run("firewall-cmd", "--zone=work", "--list-ports").strip() == "5060/udp"
        for zone in ("drop", "public"):
            listed = _run("firewall-cmd", f"--zone={zone}", "--list-all")
            assert "8089" not in listed, "a ban, and a zone that nothing comes in by"
        daemon.terminate()
        daemon.wait()

    return off


def _own(folder: Path, etc: str) -> None:
    """A copy of its configuration in the place of it, for this process and what it starts."""
    shutil.copytree(etc, folder / "etc")
    _run("mount", "--bind", str(folder / "etc"), etc)


START: dict[str, Callable[[Path], Callable[[], None] | None]] = {
    "nftables": nftables,
    "ufw": ufw,
    "firewalld": firewalld,
}


def main(kind: str, folder: Path) -> list[tuple[list[str], list[int]]]:
    _run("ip", "link", "set", "lo", "up")
    away = subprocess.Popen(["unshare", "--net", "sleep", "1000"])
    try:
        return _told(kind, folder, str(away.pid))
    finally:
        away.kill()


def _told(kind: str, folder: Path, away: str) -> list[tuple[list[str], list[int]]]:
    there = ("nsenter", "-t", away, "-n")
    while _run("readlink", f"/proc/{away}/ns/net") == _run("readlink", "/proc/self/ns/net"):
        time.sleep(0.01)
    _run("ip", "link", "add", "here", "type", "veth", "peer", "name", "there", "netns", away)
    for prefix, name, address in (((), "here", 1), (there, "there", 2)):
        _run(*prefix, "ip", "address", "add", f"198.51.100.{address}/24", "dev", name)
        _run(*prefix, "ip", "link", "set", name, "up")
    listening = [socket.create_server(("198.51.100.1", port)) for port in (8089, 8088)]

    def reached() -> list[int]:
        """The ports that a connection from the other machine gets through to."""
        found: list[int] = json.loads(_run(*there, sys.executable, "-c", _CONNECT))
        return found

    assert len(reached()) == len(listening), "a network between the two"
    turn_off = START[kind](folder)
    told = [(_seen(), reached())]

    def make(before: Ports | None, after: Ports | None) -> FirewallChange:
        step = FirewallChange.from_json(FirewallChange(kind, before, after).to_json())
        step.carry_out(Disk(), NoService())
        told.append((_seen(), reached()))
        return step

    def undo(step: FirewallChange) -> None:
        step.undo(Disk(), NoService())
        told.append((_seen(), reached()))

    opened = make(None, PORTS)
    opened.carry_out(Disk(), NoService())
    undo(make(PORTS, OTHERS))
    undo(opened)
    opened.undo(Disk(), NoService())
    if turn_off:
        make(None, PORTS)
        turn_off()
        told.append((_seen(), reached()))
        make(PORTS, None)
    return told


def _seen() -> list[str]:
    """What of ours is in each firewall."""
    return [f"{one}: {one.opened}{'' if one.everywhere else ' in part'}" for one in look()]


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
