"""The firewall of this machine: which one it is, opening it for phones, and closing it again.

What is opened is one thing that has our name: a service of firewalld, an application of ufw, rules
of nftables with our comment. Closing takes away that and nothing else.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmp_bundle.changes.described import PathChange
from cmp_bundle.changes.state import typed
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Boundary, FileOwnership

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.changes.step import Service
    from cmp_bundle.files import Disk

_NAME = "cmp-bundle"
_APPLICATION = Path("/etc/ufw/applications.d", _NAME)
#: Seconds that a firewall may take for a command; firewalld reloads all it has.
_PATIENCE = 60


@dataclass(frozen=True)
class Ports:
    """``tcp`` is that of HTTPS, ``udp`` the first and the last for sound and pictures."""

    tcp: int
    udp: tuple[int, int]

    def __str__(self) -> str:
        return f"{self.tcp}/tcp and {self.udp[0]}-{self.udp[1]}/udp"


@dataclass(frozen=True)
class Firewall:
    """``kind`` is firewalld, ufw or nftables; ``opened`` is whether it is open by our name.

    ``chains`` are those of nftables that everything that comes in has to pass, each as family, table
    and name.
    """

    kind: str
    opened: bool = False
    chains: tuple[tuple[str, str, str], ...] = ()

    def opening(self, ports: Ports) -> tuple[tuple[str, ...], ...]:
        """The commands that open it. ufw's need the application in its file."""
        first, last = ports.udp
        if self.kind == "firewalld":
            permanent = ("firewall-cmd", "--permanent")
            return (
                (*permanent, f"--new-service={_NAME}"),
                (*permanent, f"--service={_NAME}", f"--add-port={ports.tcp}/tcp"),
                (*permanent, f"--service={_NAME}", f"--add-port={first}-{last}/udp"),
                (*permanent, f"--add-service={_NAME}"),
                ("firewall-cmd", "--reload"),
            )
        if self.kind == "ufw":
            return (("ufw", "allow", _NAME),)
        return tuple(
            ("nft", "insert", "rule", *chain, *rule.split(), "accept", "comment", f'"{_NAME}"')
            for chain in self.chains
            for rule in (f"tcp dport {ports.tcp}", f"udp dport {first}-{last}")
        )

    def closing(self) -> tuple[tuple[str, ...], ...]:
        """The commands that close it."""
        if self.kind == "firewalld":
            permanent = ("firewall-cmd", "--permanent")
            return (
                (*permanent, f"--remove-service={_NAME}"),
                (*permanent, f"--delete-service={_NAME}"),
                ("firewall-cmd", "--reload"),
            )
        if self.kind == "ufw":
            return (("ufw", "--force", "delete", "allow", _NAME),)
        return tuple(
            ("nft", "delete", "rule", *chain, "handle", h) for chain, h in _our_rules(_ruleset())
        )


def look() -> Firewall | None:
    """The firewall that is at work here; None where there is none, or this user may not ask."""
    if (_answer("firewall-cmd", "--state") or "").strip() == "running":
        services = _answer("firewall-cmd", "--permanent", "--list-services") or ""
        return Firewall("firewalld", _NAME in services.split())
    status = _answer("ufw", "status") or ""
    if status.startswith("Status: active"):
        return Firewall("ufw", _NAME in status)
    ruleset = _ruleset()
    chains = tuple(_closed_chains(ruleset))
    return Firewall("nftables", bool(list(_our_rules(ruleset))), chains) if chains else None


def _ruleset() -> list[dict[str, Any]]:
    try:
        found = json.loads(_answer("nft", "-j", "list", "ruleset") or "{}")
        listed: list[dict[str, Any]] = found.get("nftables", [])
    except (ValueError, AttributeError):
        return []
    return listed


def _closed_chains(ruleset: list[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """Those for what comes in that let nothing in by themselves: what one of them drops is dropped."""
    for entry in ruleset:
        chain = entry.get("chain", {})
        if chain.get("hook") != "input" or chain.get("type") != "filter":
            continue
        key = (str(chain["family"]), str(chain["table"]), str(chain["name"]))
        if chain.get("policy") == "drop" or any(_drops(one, key) for one in ruleset):
            yield key


def _drops(entry: dict[str, Any], chain: tuple[str, str, str]) -> bool:
    """Whether it is a rule of ``chain`` that drops, or refuses, all that comes as far as to it."""
    rule = entry.get("rule", {})
    if (rule.get("family"), rule.get("table"), rule.get("chain")) != chain:
        return False
    verdicts = {name for part in rule.get("expr", []) for name in part}
    return bool(verdicts & {"drop", "reject"}) and verdicts <= {"drop", "reject", "counter", "log"}


def _our_rules(ruleset: list[dict[str, Any]]) -> Iterator[tuple[tuple[str, str, str], str]]:
    """The chain and the handle of each rule with our comment."""
    for entry in ruleset:
        rule = entry.get("rule", {})
        if rule.get("comment") == _NAME:
            chain = (str(rule["family"]), str(rule["table"]), str(rule["chain"]))
            yield chain, str(rule["handle"])


@dataclass(frozen=True)
class FirewallChange:
    """A step: ``firewall`` is opened for ``ports``, or closed where that is not ``open_it``."""

    firewall: Firewall
    ports: Ports
    open_it: bool = True

    def paths(self) -> tuple[Path, ...]:
        return ()

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "firewall",
            "firewall": self.firewall.kind,
            "chains": [list(chain) for chain in self.firewall.chains],
            "tcp": self.ports.tcp,
            "udp": list(self.ports.udp),
            "open": self.open_it,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> FirewallChange:
        chains = tuple((typed(a, str), typed(b, str), typed(c, str)) for a, b, c in value["chains"])
        first, last = (typed(port, int) for port in value["udp"])
        return cls(
            Firewall(typed(value["firewall"], str), chains=chains),
            Ports(typed(value["tcp"], int), (first, last)),
            typed(value["open"], bool),
        )

    def described(self) -> PathChange:
        text = f"open for {self.ports}"
        before, after = (None, text) if self.open_it else (text, None)
        return PathChange(f"firewall ({self.firewall.kind})", before, after)

    def carry_out(self, disk: Disk, service: Service) -> None:
        del service
        self._make(disk, open_it=self.open_it)

    def undo(self, disk: Disk, service: Service) -> None:
        del service
        self._make(disk, open_it=not self.open_it)

    def reach(self) -> None:
        pass

    def _make(self, disk: Disk, *, open_it: bool) -> None:
        disk.announce("firewall", Path(self.firewall.kind))
        # What was cut off may have done a part of it: that goes first.
        for command in self.firewall.closing():
            _answer(*command)
        here = disk.within(Boundary())
        if self.firewall.kind == "ufw":
            here.remove(_APPLICATION)
        if not open_it:
            return
        if self.firewall.kind == "ufw":
            here.write(_APPLICATION, _application(self.ports), FileOwnership(0, 0, 0o644))
        for command in self.firewall.opening(self.ports):
            if _answer(*command) is None:
                raise CmpBundleError(
                    "firewall",
                    f"{self.firewall.kind} cannot be opened for {self.ports}:"
                    f" {' '.join(command)} failed",
                    hint="run it yourself to see why; without --firewall, cmp-bundle leaves it alone",
                )


def _application(ports: Ports) -> bytes:
    first, last = ports.udp
    return (
        f"[{_NAME}]\ntitle=Browser phones\ndescription=Asterisk's HTTPS, sound and pictures\n"
        f"ports={ports.tcp}/tcp|{first}:{last}/udp\n"
    ).encode()


def _answer(*command: str) -> str | None:
    """What a command prints; None where there is no such program, or it fails."""
    program = shutil.which(command[0], path="/usr/sbin:/usr/bin:/sbin:/bin")
    if program is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - a program of the system, and words of our own
            [program, *command[1:]],
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
