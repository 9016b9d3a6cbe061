"""What the system around Asterisk keeps from it: its service of systemd, and SELinux."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cmp_bundle.provision import system_program

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What systemd is asked of the service.
_PROPERTIES: Final = (
    "ActiveState", "MainPID", "ProtectHome", "PrivateTmp", "InaccessiblePaths", "TemporaryFileSystem",
)  # fmt: skip
_ENFORCE: Final = Path("/sys/fs/selinux/enforce")
_RUNS: Final = Path("/run/systemd/system")
#: Refusals that are told of.
_MOST: Final = 50


def service(root: Path) -> Mapping[str, str]:
    """Properties of the running service ``asterisk``; empty where systemd does not run it, or Asterisk
    is in a system of its own.
    """
    if root != Path("/") or not _RUNS.is_dir():
        return {}
    wanted = ",".join(_PROPERTIES)
    found = properties(system_program.answer("systemctl", "show", "asterisk", "-p", wanted) or "")
    return found if found.get("ActiveState") == "active" else {}


def properties(text: str) -> dict[str, str]:
    """Of ``systemctl show``: ``Name=value``, one a line."""
    return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))


def hidden(properties: Mapping[str, str], path: str) -> str:
    """By which property the service cannot see ``path``, as systemd.exec(5) has it; empty if it can."""
    home = properties.get("ProtectHome", "no")
    if home in ("yes", "tmpfs") and _below(path, ("/home", "/root", "/run/user")):
        return f"ProtectHome={home}"
    if properties.get("PrivateTmp") == "yes" and _below(path, ("/tmp", "/var/tmp")):  # noqa: S108
        return "PrivateTmp=yes"
    for name in ("InaccessiblePaths", "TemporaryFileSystem"):
        places = [
            one.lstrip("-+").partition(":")[0] for one in properties.get(name, "").split() if one
        ]
        if _below(path, places):
            return f"{name}={properties[name]}"
    return ""


def _below(path: str, folders: tuple[str, ...] | list[str]) -> bool:
    return any(path == one or path.startswith(f"{one.rstrip('/')}/") for one in folders)


def refused() -> tuple[str, ...] | None:
    """What SELinux refused to Asterisk in the last ten minutes, in its own words; None where it is at work
    and that cannot be told.
    """
    try:
        if _ENFORCE.read_text().strip() != "1":
            return ()
    except OSError:
        return ()
    text = system_program.answer("ausearch", "-m", "avc", "-c", "asterisk", "-ts", "recent")
    if text is None and system_program.answer("ausearch", "--version") is None:
        return None
    # Where there is nothing to tell, it fails.
    return denials(text or "")


def denials(text: str) -> tuple[str, ...]:
    """The refusals of ``ausearch -m avc``, each once."""
    found = re.findall(r"avc: +denied .*", text)
    return tuple(dict.fromkeys(line.strip() for line in found))[:_MOST]
