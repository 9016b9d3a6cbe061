"""ufw: an application of our name, and the rules that it has made of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from cmp_bundle.provision import system_program
from cmp_bundle.provision.firewall import NAME, Firewall, Gate, Ports, Range

APPLICATION = Path("/etc/ufw/applications.d", NAME)

#: What it lets in, at work or not: by IPv4, and by IPv6.
_RULES = Path("/etc/ufw/user.rules")
_RULES_6 = Path("/etc/ufw/user6.rules")

#: A rule for everybody. Narrower ones that name our application are the admin's.
_TUPLE = re.compile(
    rf"^### tuple ### allow (tcp|udp) (\S+) \S+/0 any \S+/0 {NAME} - in(?: comment=\S*)?$",
    re.MULTILINE,
)

#: Any rule: what it does, protocol, ports, to where, their ports, from where, and its way in.
_ANY_TUPLE = re.compile(
    r"^### tuple ### (\S+) (tcp|udp|any) (\S+) (\S+) (\S+) (\S+)(?: \S+ \S+)? ((?:in|out)\S*)"
    r"(?: comment=\S*)?$",
    re.MULTILINE,
)

#: What becomes of what no rule is about.
_DEFAULTS = Path("/etc/default/ufw")


@dataclass(frozen=True)
class Ufw(Firewall):
    def opening(self, ports: Ports) -> tuple[tuple[str, ...], ...]:
        """They need the application in its file, which has ``ports``."""
        del ports
        return (("ufw", "allow", NAME),)

    def closing(self) -> tuple[tuple[str, ...], ...]:
        return (("ufw", "--force", "delete", "allow", NAME),)


def look() -> Ufw | None:
    """None where it is neither at work nor has anything of ours, or cannot be asked."""
    status = system_program.answer("ufw", "status")
    if status is None:
        return None
    opened, everywhere = rules(_text(_RULES) or ""), True
    by_6 = rules(_text(_RULES_6) or "")
    if opened is None and by_6 is None and _text(APPLICATION) is not None:
        opened = Ports()
    elif opened != by_6 and by_6 is not None:
        everywhere = False
        opened = Ports((opened or Ports()).ranges | by_6.ranges)
    active = status.startswith("Status: active")
    gates = (gate(_text(_RULES) or "", _text(_DEFAULTS) or ""),)
    return (
        Ufw("ufw", active, opened, everywhere, gates=gates)
        if active or opened is not None
        else None
    )


def gate(text: str, defaults: str) -> Gate:
    """What a file of rules lets in, for IPv4; ``defaults`` has what becomes of the rest."""
    opened: set[Range] = set()
    narrow: set[Range] = set()
    unclear = not re.search(r"^DEFAULT_INPUT_POLICY=\"?(DROP|REJECT)", defaults, re.MULTILINE)
    for found in _ANY_TUPLE.finditer(text):
        action, protocol, ports, to, _, origin, way = found.groups()
        if action not in ("allow", "limit") or not way.startswith("in"):
            continue
        ranges = [
            Range.parsed(f"{one}/{each}")
            for one in ports.replace("any", "1:65535").split(",")
            for each in (("tcp", "udp") if protocol == "any" else (protocol,))
        ]
        everybody = to.endswith("/0") and origin.endswith("/0") and way == "in"
        (opened if everybody else narrow).update(one for one in ranges if one is not None)
    return Gate(frozenset(opened), frozenset(narrow), unclear)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return None


def rules(text: str) -> Ports | None:
    """The ports that a file of rules opens to everybody by our name; None where it does not know it."""
    found = _TUPLE.findall(text)
    return (
        Ports.of(Range.parsed(f"{port}/{protocol}") for protocol, port in found) if found else None
    )


def application(ports: Ports) -> bytes:
    """Our application, for its file."""
    listed = "|".join(
        f"{one.numbers.replace('-', ':')}/{one.protocol}" for one in sorted(ports.ranges)
    )
    return (
        f"[{NAME}]\ntitle=Browser phones\ndescription=Asterisk's HTTPS, sound and pictures\n"
        f"ports={listed}\n"
    ).encode()
