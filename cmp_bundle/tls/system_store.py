"""The system's own store: what curl, Python and git believe; browsers mostly have their own."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cmp_bundle.files import Disk
from cmp_bundle.tls.steps import Command, InstallFile, RemoveFile, Step

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
    def path(self) -> Path:
        return self.folder

    def trusts(self, anchor: Anchor) -> bool:
        """Whether the bundle holds it: the file alone does nothing."""
        return _holds(self.bundle, anchor)

    def to_trust(self, anchor: Anchor) -> tuple[Step, ...]:
        if self.trusts(anchor) and self._keeps(anchor):
            return ()
        return (InstallFile(self._file(anchor), anchor), Command(self.refresh))

    def to_untrust(self, anchor: Anchor) -> tuple[Step, ...]:
        file = self._file(anchor)
        # The second is what a run that was killed while it wrote the first left.
        if not (self.trusts(anchor) or file.exists() or Disk.partial(file).exists()):
            return ()
        return (RemoveFile(file), Command(self.purge))

    def _keeps(self, anchor: Anchor) -> bool:
        """Whether the next refresh finds it too, under whatever name it is there."""
        return any(_holds(path, anchor) for path in self.folder.glob(f"*{self.suffix}"))

    def _file(self, anchor: Anchor) -> Path:
        tag = anchor.fingerprint.replace(":", "").lower()[:16]
        return self.folder / f"cmp-bundle-{tag}{self.suffix}"


def _holds(path: Path, anchor: Anchor) -> bool:
    try:
        return path.is_file() and anchor.pem.strip() in path.read_bytes()
    except OSError:
        return False


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
