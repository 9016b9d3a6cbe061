"""The stores of Chromium and Firefox: databases of Mozilla's NSS, changed by its ``certutil``."""

from __future__ import annotations

import configparser
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.tls.opening import opened
from cmp_bundle.tls.pem import DAMAGED, loaded
from cmp_bundle.tls.rights import as_owner
from cmp_bundle.tls.steps import Command, Step, output_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography import x509

    from cmp_bundle.tls.anchor import Anchor
    from cmp_bundle.tls.desktop_user import DesktopUser

CERTUTIL = "certutil"

#: Trusted for servers, not for mail, not for code.
_TRUST = "C,,"

_DATABASE = "cert9.db"

#: Bytes of a profiles.ini; each profile takes a hundred.
_MOST = 1 << 20

#: Who reads the database in the user's home.
_CHROMIUMS = {
    "chromium": "Chromium",
    "chromium-browser": "Chromium",
    "google-chrome": "Chrome",
    "google-chrome-stable": "Chrome",
    "brave-browser": "Brave",
    "microsoft-edge": "Edge",
    "vivaldi": "Vivaldi",
}
_FIREFOXES = ("firefox", "firefox-esr", "firefox-devedition")

#: How each packaging system calls the package that certutil is in.
_PACKAGES = {
    "apt-get": "sudo apt install libnss3-tools",
    "dnf": "sudo dnf install nss-tools",
    "zypper": "sudo zypper install mozilla-nss-tools",
    "pacman": "sudo pacman -S nss",
    "apk": "sudo apk add nss-tools",
}


@dataclass(frozen=True)
class NssStore:
    """A database in ``folder``; one that is not there yet is made when something is added.

    That one stays when the authority is taken out again: the browser would have made the same.
    """

    name: str
    folder: Path
    person: DesktopUser
    needs_root: bool = False

    @property
    def path(self) -> Path:
        return self.folder

    def trusts(self, anchor: Anchor) -> bool:
        """Whether its browsers believe the authority. Raises CmpBundleError without certutil."""
        return any("C" in flags.split(",")[0] for _, flags in self._entries(anchor))

    def to_trust(self, anchor: Anchor) -> tuple[Step, ...]:
        """What makes its browsers believe the authority; nothing if they do."""
        if self.trusts(anchor):
            return ()
        _require_certutil(self)
        steps: list[Step] = []
        if not self.folder.is_dir():
            steps.append(self._command("mkdir", "-p", "-m", "700", str(self.folder)))
        if not self._exists:
            steps.append(self._certutil("-N", "--empty-password"))
        steps.append(self._certutil("-A", "-t", _TRUST, "-n", anchor.name, fed=anchor))
        return tuple(steps)

    def to_untrust(self, anchor: Anchor) -> tuple[Step, ...]:
        """What takes the authority out, under whatever name it is there."""
        return tuple(self._certutil("-D", "-n", name) for name, _ in self._entries(anchor))

    @property
    def _exists(self) -> bool:
        return (self.folder / _DATABASE).is_file()

    def _entries(self, anchor: Anchor) -> list[tuple[str, str]]:
        """The nicknames under which this very certificate is there, with its trust."""
        if not self._exists:
            return []
        _require_certutil(self)
        rows = _rows(output_of(self._certutil("-L")))
        # People may have imported it by hand: it keeps the nickname that it got then.
        return [row for row in rows if anchor.certificate in self._named(row[0])]

    def _named(self, nickname: str) -> tuple[x509.Certificate, ...]:
        try:
            return loaded(output_of(self._certutil("-L", "-n", nickname, "-a")).encode())
        except (CmpBundleError, *DAMAGED):
            return ()  # somebody else's, with a name or content that certutil cannot show

    def _certutil(self, *words: str, fed: Anchor | None = None) -> Command:
        action, *rest = words
        return self._command(CERTUTIL, action, "-d", f"sql:{self.folder}", *rest, fed=fed)

    def _command(self, *words: str, fed: Anchor | None = None) -> Command:
        return Command(words, self.person, fed)


def stores(person: DesktopUser) -> tuple[NssStore, ...]:
    """Those of ``person``'s Chromium-like browsers, then of each Firefox profile."""
    with as_owner(person.home):
        return (
            *(NssStore(name, folder, person) for name, folder in _of_chromium(person)),
            *(
                NssStore(f"Firefox (profile {folder.name})", folder, person)
                for root in _firefox_roots(person)
                for folder in _profiles(root)
            ),
        )


def remarks(person: DesktopUser) -> tuple[str, ...]:
    """What somebody may miss among the stores."""
    with as_owner(person.home):
        found = any(_profiles(root) for root in _firefox_roots(person))
    if not found and any(shutil.which(name) for name in _FIREFOXES):
        return ("Firefox has no profile here yet: start it once, then run this again",)
    return ()


def _of_chromium(person: DesktopUser) -> Iterator[tuple[str, Path]]:
    installed = dict.fromkeys(n for c, n in _CHROMIUMS.items() if shutil.which(c))
    name = " and ".join(installed) or "Chromium"
    # Chromium 156 uses the first of these that exists (seen), earlier ones know the first alone;
    # so where there is none, the first is made, and never where the second is in use.
    usual = person.home / ".pki/nssdb"
    folders = [f for f in (usual, person.data / "pki/nssdb") if f.is_dir()]
    if not folders and installed:
        folders = [usual]
    yield from ((name, folder) for folder in folders)
    packaged = {
        "Chromium (snap)": person.home / "snap/chromium/current/.pki/nssdb",
        "Chromium (Flatpak)": person.home / ".var/app/org.chromium.Chromium/.pki/nssdb",
        "Chrome (Flatpak)": person.home / ".var/app/com.google.Chrome/.pki/nssdb",
    }
    yield from ((label, folder) for label, folder in packaged.items() if folder.is_dir())


def _firefox_roots(person: DesktopUser) -> tuple[Path, ...]:
    """Where profiles may lie: Firefox follows XDG since version 147, if nothing older is there."""
    snap = person.home / "snap/firefox/common"
    flatpak = person.home / ".var/app/org.mozilla.firefox"
    return (
        person.home / ".mozilla/firefox",
        person.config / "mozilla/firefox",
        snap / ".mozilla/firefox",
        snap / ".config/mozilla/firefox",
        flatpak / ".mozilla/firefox",
        flatpak / "config/mozilla/firefox",
    )


def _profiles(root: Path) -> tuple[Path, ...]:
    """The profiles that profiles.ini lists, and those beside it that have been used.

    The profile manager of newer Firefoxes keeps its own list.
    """
    if not root.is_dir():
        return ()
    listed = [folder for folder in _listed(root) if folder.is_dir()]
    used = sorted(path.parent for path in root.glob(f"*/{_DATABASE}"))
    return tuple(dict.fromkeys(path.resolve() for path in (*listed, *used)))


def _listed(root: Path) -> Iterator[Path]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        with opened(root / "profiles.ini") as file:
            parser.read_string(file.read(_MOST).decode())
    except (configparser.Error, UnicodeDecodeError, OSError, CmpBundleError):
        return
    for section in parser.sections():
        if re.fullmatch(r"Profile\d+", section) and parser.has_option(section, "Path"):
            # Absolute where IsRelative is 0; joining gives that too.
            yield root / parser.get(section, "Path")


def _rows(listing: str) -> list[tuple[str, str]]:
    found = re.finditer(r"^(\S.*?) +([a-zA-Z]*,[a-zA-Z]*,[a-zA-Z]*) *$", listing, re.MULTILINE)
    return [(m[1], m[2]) for m in found]


def _require_certutil(store: NssStore) -> None:
    if shutil.which(CERTUTIL) is not None:
        return
    manager = next((m for m in _PACKAGES if shutil.which(m)), None)
    raise CmpBundleError(
        "program-missing",
        f"certutil is not installed, and without it {store.name} cannot be changed",
        hint=f"install it: {_PACKAGES[manager]}" if manager else "it comes with Mozilla's NSS",
    )
