"""SELinux, where it is at work: which labels Asterisk needs to read what is written for it."""

from __future__ import annotations

from pathlib import Path

from cmp_bundle.shell import word

_ENFORCE = Path("/sys/fs/selinux/enforce")


def advice(*folders: Path) -> str | None:
    """A sentence on what to do about ``folders``; None where SELinux enforces nothing."""
    try:
        enforcing = _ENFORCE.read_text().strip() == "1"
    except OSError:
        return None
    if not enforcing:
        return None
    return (
        "SELinux is enforcing: if Asterisk cannot read what was written for it, give it its labels:"
        f" restorecon -R {' '.join(map(word, folders))}"
    )
