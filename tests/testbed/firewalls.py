"""Real firewalls, each in a network and with configuration of its own, opened and closed again.

    unshare --net --mount --pid --mount-proc --fork python -m tests.testbed.firewalls firewalld|ufw|nftables FOLDER

prints as JSON what could be reached from another machine: before, open, and closed again.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cmp_bundle.changes.engine import NoService
from cmp_bundle.files import Disk
from cmp_bundle.provision.firewall import FirewallChange, Ports, look

from .server import PATIENCE

PROGRAMS = {"firewalld": "firewalld", "ufw": "ufw", "nftables": "nft"}
PORTS = Ports(8089, (10000, 10010))

_BUS = """\
<busconfig><type>system</type><listen>unix:path={folder}/bus</listen><auth>EXTERNAL</auth>
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
_CONNECT = "import socket; socket.create_connection(('198.51.100.1', {port}), 2)"


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def nftables(folder: Path) -> None:
    (folder / "rules").write_text(_NFT)
    _run("nft", "-f", str(folder / "rules"))


def ufw(folder: Path) -> None:
    _own(folder, "/etc/ufw")
    _run("ufw", "--force", "enable")


def firewalld(folder: Path) -> None:
    _own(folder, "/etc/firewalld")
    (folder / "bus.conf").write_text(_BUS.format(folder=folder))
    _run("dbus-daemon", f"--config-file={folder}/bus.conf", "--fork")
    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={folder}/bus"
    quiet = subprocess.DEVNULL
    subprocess.Popen(["firewalld", "--nofork", "--nopid"], stdout=quiet, stderr=quiet)
    deadline = time.monotonic() + PATIENCE
    while look() is None and time.monotonic() < deadline:
        time.sleep(0.1)


def _own(folder: Path, etc: str) -> None:
    """A copy of its configuration in the place of it, for this process and what it starts."""
    shutil.copytree(etc, folder / "etc")
    _run("mount", "--bind", str(folder / "etc"), etc)


START: dict[str, Callable[[Path], None]] = {
    "nftables": nftables,
    "ufw": ufw,
    "firewalld": firewalld,
}


def main(kind: str, folder: Path) -> list[Any]:
    _run("ip", "link", "set", "lo", "up")
    away = subprocess.Popen(["unshare", "--net", "sleep", "1000"])
    try:
        return _told(kind, folder, str(away.pid))
    finally:
        away.kill()


def _told(kind: str, folder: Path, away: str) -> list[Any]:
    there = ("nsenter", "-t", away, "-n")
    while _run("readlink", f"/proc/{away}/ns/net") == _run("readlink", "/proc/self/ns/net"):
        time.sleep(0.01)
    _run("ip", "link", "add", "here", "type", "veth", "peer", "name", "there", "netns", away)
    for prefix, name, address in (((), "here", 1), (there, "there", 2)):
        _run(*prefix, "ip", "address", "add", f"198.51.100.{address}/24", "dev", name)
        _run(*prefix, "ip", "link", "set", name, "up")
    listening = {port: socket.create_server(("198.51.100.1", port)) for port in (8089, 8088)}

    def reached() -> list[int]:
        """The ports that a connection from the other machine gets through to."""
        found = []
        for port in listening:
            program = _CONNECT.format(port=port)
            command = [*there, sys.executable, "-c", program]
            if subprocess.run(command, capture_output=True, check=False).returncode == 0:
                found.append(port)
        return found

    assert set(reached()) == set(listening), "a network between the two"
    START[kind](folder)
    told: list[Any] = [[_seen(), reached()]]
    firewall = look()
    assert firewall is not None
    step = FirewallChange.from_json(FirewallChange(firewall, PORTS).to_json())
    step.carry_out(Disk(), NoService())
    step.carry_out(Disk(), NoService())
    told.append([_seen(), reached()])
    step.undo(Disk(), NoService())
    step.undo(Disk(), NoService())
    told.append([_seen(), reached()])
    return told


def _seen() -> list[Any]:
    firewall = look()
    return [firewall.kind, firewall.opened] if firewall else []


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
