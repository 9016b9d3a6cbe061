"""ufw: an application of our name, and the rules that it has made of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from cmp_bundle.provision import system_program
from cmp_bundle.provision.firewall import NAME, Firewall, Ports, Range

APPLICATION = Path("/etc/ufw/applications.d", NAME)

#: What it lets in, at work or not: by IPv4, and by IPv6.
_RULES = Path("/etc/ufw/user.rules")
_RULES_6 = Path("/etc/ufw/user6.rules")

#: A rule for everybody. Narrower ones that name our application are the admin's.
_TUPLE = re.compile(
    rf"^### tuple ### allow (tcp|udp) (\S+) \S+/0 any \S+/0 {NAME} - in(?: comment=\S*)?$",
    re.MULTILINE,
)


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
    return Ufw("ufw", active, opened, everywhere) if active or opened is not None else None


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
