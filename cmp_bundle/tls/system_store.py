"""The system's own store: what curl, Python and git believe; browsers mostly have their own."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cmp_bundle.tls.steps import Command, Drop, Put, Step

if TYPE_CHECKING:
    from cmp_bundle.tls.anchor import Anchor


@dataclass(frozen=True)
class SystemStore:
    """``folder`` is where an administrator's authorities go, with names that end in ``suffix``;
    ``refresh`` makes ``bundle``, which programs read, out of all there are, and ``purge`` does
    the same after one has gone.
    """

    folder: Path
    suffix: str
    refresh: tuple[str, ...]
    purge: tuple[str, ...]
    bundle: Path
    name: str = "the system's store"
    needs_root: bool = True

    @property
    def place(self) -> Path:
        return self.folder

    def trusts(self, anchor: Anchor) -> bool:
        """Whether the bundle holds it: the file alone does nothing."""
        try:
            return anchor.pem.strip() in self.bundle.read_bytes()
        except OSError:
            return False

    def to_trust(self, anchor: Anchor) -> tuple[Step, ...]:
        if self.trusts(anchor):
            return ()
        return (Put(self._file(anchor), anchor), Command(self.refresh))

    def to_untrust(self, anchor: Anchor) -> tuple[Step, ...]:
        if not self.trusts(anchor) and not self._file(anchor).exists():
            return ()
        return (Drop(self._file(anchor)), Command(self.purge))

    def _file(self, anchor: Anchor) -> Path:
        tag = anchor.fingerprint.replace(":", "").lower()[:16]
        return self.folder / f"cmp-bundle-{tag}{self.suffix}"


#: How the families of Linux keep it.
KNOWN = (
    # Fedora
    SystemStore(
        Path("/etc/pki/ca-trust/source/anchors"),
        ".pem",
        ("update-ca-trust", "extract"),
        ("update-ca-trust", "extract"),
        Path("/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"),
    ),
    # Debian; without --fresh, its script leaves links in /etc/ssl/certs that lead nowhere.
    SystemStore(
        Path("/usr/local/share/ca-certificates"),
        ".crt",
        ("update-ca-certificates",),
        ("update-ca-certificates", "--fresh"),
        Path("/etc/ssl/certs/ca-certificates.crt"),
    ),
    # Arch
    SystemStore(
        Path("/etc/ca-certificates/trust-source/anchors"),
        ".crt",
        ("trust", "extract-compat"),
        ("trust", "extract-compat"),
        Path("/etc/ca-certificates/extracted/tls-ca-bundle.pem"),
    ),
    # openSUSE
    SystemStore(
        Path("/etc/pki/trust/anchors"),
        ".pem",
        ("update-ca-certificates",),
        ("update-ca-certificates",),
        Path("/var/lib/ca-certificates/ca-bundle.pem"),
    ),
)


def system_store() -> SystemStore | None:
    """The one of this machine; None where it is of no known kind."""
    return next((s for s in KNOWN if s.folder.is_dir() and shutil.which(s.refresh[0])), None)
