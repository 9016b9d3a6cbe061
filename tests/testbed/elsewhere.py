"""A machine elsewhere: between it and this process's own network stands a router that does NAT.

    this network, 10.99.0.2 ── 10.99.0.1, router, 9.9.9.9 ── 9.9.9.20, elsewhere

9.9.9.0/24 stands for the internet: addresses for examples are none of its in any list. Both are network
namespaces without a name, which end with the processes that hold them.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SERVER = "10.99.0.2"
PUBLIC = "9.9.9.9"
AWAY = "9.9.9.20"

#: What it does; answers always get through.
_RULES = """\
flush ruleset
table ip nat {
  chain in {
    type nat hook prerouting priority dstnat
    %(forwarded)s
  }
  chain out {
    type nat hook postrouting priority srcnat
    oifname "net" masquerade
  }
}
table ip filter {
  chain router {
    type filter hook input priority filter
    iifname "net" %(otherwise)s
  }
  chain through {
    type filter hook forward priority filter; policy drop
    %(rules)s
    ct state established,related accept
    iifname "net" ct status dnat accept
    %(accepted)s
  }
}
"""

OUTWARD = 'iifname "lan" accept'


@dataclass(frozen=True)
class Elsewhere:
    """``router`` and ``machine`` are the processes that hold the two namespaces."""

    router: int
    machine: int

    def forwards(
        self,
        *ports: str,
        rules: Sequence[str] = (),
        accepted: Sequence[str] = (OUTWARD,),
        otherwise: str = "drop",
    ) -> None:
        """``ports`` as in ``tcp dport 8089``, to the server. ``rules`` come before all else; ``accepted``
        is what else gets through: by itself, all that leaves this network. ``otherwise`` is what is done
        to all that is for the router itself.
        """
        words = {
            "otherwise": otherwise,
            "forwarded": "\n    ".join(f"{port} dnat to {SERVER}" for port in ports),
            "rules": "\n    ".join(rules),
            "accepted": "\n    ".join(accepted),
        }
        _run("nsenter", "-t", str(self.router), "-n", "nft", "-f", "-", said=_RULES % words)

    def command(self, *words: str) -> list[str]:
        """What does ``words`` at the machine elsewhere."""
        return ["nsenter", "-t", str(self.machine), "-n", *words]


@contextlib.contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    """To be used where this process has a network of its own. Nothing is forwarded at first."""
    with contextlib.ExitStack() as ends:
        router, machine = (ends.enter_context(_held()) for _ in range(2))
        ends.callback(_run, "ip", "link", "del", "wan")
        _run(
            "ip", "link", "add", "wan", "type", "veth", "peer", "name", "lan", "netns", str(router)
        )
        _run("ip", "address", "add", f"{SERVER}/24", "dev", "wan")
        _run("ip", "link", "set", "wan", "up")
        inside = ("nsenter", "-t", str(router), "-n")
        away = ("nsenter", "-t", str(machine), "-n")
        _run(*inside, "ip", "link", "add", "net", "type", "veth",
             "peer", "name", "here", "netns", str(machine))  # fmt: skip
        for way, name, address in (
            (inside, "lan", "10.99.0.1/24"),
            (inside, "net", f"{PUBLIC}/24"),
            (away, "here", f"{AWAY}/24"),
        ):
            _run(*way, "ip", "address", "add", address, "dev", name)
            _run(*way, "ip", "link", "set", name, "up")
        for way in (inside, away):
            _run(*way, "ip", "link", "set", "lo", "up")
        _run(*inside, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        _run("ip", "route", "add", "9.9.9.0/24", "via", "10.99.0.1")
        _run(*away, "ip", "route", "add", "default", "via", PUBLIC)
        made = Elsewhere(router, machine)
        made.forwards()
        yield made


def why_not() -> str | None:
    """Why there is none to be had; None where there is."""
    try:
        with elsewhere():
            return None
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no router of its own (takes root, nsenter, veth and nftables with NAT): {error}"


@contextlib.contextmanager
def _held() -> Iterator[int]:
    """A new network namespace, and the process that holds it."""
    command = ["unshare", "-n", "sh", "-c", "echo ready; exec cat"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as holder:
        try:
            assert holder.stdout is not None
            if holder.stdout.readline() != "ready\n":
                raise OSError("no network namespace")
            yield holder.pid
        finally:
            # It ends by itself with its standard input, also where this process is killed.
            holder.kill()


def _run(*command: str, said: str = "") -> None:
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=30, input=said)
