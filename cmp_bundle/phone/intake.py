"""What may come into a phone: plain files under plain names, and only so many of them.

Every reader (archive, folder, repository) hands its files in here, so that one set of rules
holds whatever a phone came from. What is let in later becomes files in a cache, in a bundle and
on a web server; a name that means something else on any of those is refused here.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NoReturn

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.phone.file import PhoneFile

#: Bytes. Upstream is 0.9 MB; a phone with sounds and pictures may be ten times that.
MAX_TOTAL = 64 * 1024**2
MAX_FILE = 32 * 1024**2
#: Files and folders together.
MAX_ENTRIES = 10_000
#: Bytes of UTF-8. File systems end at 255 a name; a file being written has a longer name.
MAX_NAME = 200
MAX_PATH = 1000
MAX_DEPTH = 32

#: The bit of a file's mode that makes it executable in git.
OWNER_EXECUTES = 0o100


class Intake:
    """Collects the files of one ``origin`` (a path or an address, for messages).

    Each file is admitted first, by its name and the size that its origin claims, and then filled
    with exactly so many bytes. Whatever is refused raises CmpBundleError naming the entry.
    """

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._sizes: dict[str, int] = {}
        self._files: dict[str, PhoneFile] = {}
        self._total = 0
        self._entries = 0
        self._folders: set[str] = set()
        #: Every path so far as a disk that ignores case sees it, with its spelling and kind.
        self._seen: dict[str, tuple[str, str]] = {}

    def folder(self, path: str) -> None:
        """Let in a folder; it leaves nothing behind, as in git, but its name must be right."""
        self._check(path)
        self._count(path)
        self._claim(path, "folder")

    def admit(self, path: str, size: int) -> None:
        """Let in a file of ``size`` bytes."""
        self._check(path)
        self._count(path)
        self._claim(path, "file")
        if size > MAX_FILE:
            self.refuse(path, f"is larger than {MAX_FILE // 1024**2} MiB")
        self._total += size
        if self._total > MAX_TOTAL:
            self.refuse(path, f"makes the phone larger than {MAX_TOTAL // 1024**2} MiB")
        self._sizes[path] = size

    def fill(self, path: str, data: bytes, *, executable: bool = False) -> None:
        """Give an admitted file its content."""
        if len(data) != self._sizes[path]:
            self.refuse(path, f"is not {self._sizes[path]} bytes long, as its origin says")
        self._files[path] = PhoneFile(data, executable)

    def files(self) -> dict[str, PhoneFile]:
        return dict(self._files)

    def refuse(self, entry: str, why: str) -> NoReturn:
        """Raise the CmpBundleError that says why ``entry`` cannot come in."""
        raise CmpBundleError(
            "phone-unfit",
            f"the entry {printable(entry)} {why}",
            file=self._origin,
            hint="a phone consists of plain files and folders; nothing of this one is used",
        )

    def broken(self, why: str, *, hint: str = "it may be damaged; fetch it again") -> NoReturn:
        """Raise the CmpBundleError for an origin that cannot be read as a whole."""
        raise CmpBundleError("phone-unfit", why, file=self._origin, hint=hint)

    def name(self, raw: bytes) -> str:
        """The path that an archive's bytes spell, without a ``./`` before and a ``/`` behind.

        Empty for the top folder itself.
        """
        try:
            path = raw.decode("utf-8")
        except UnicodeDecodeError:
            self.refuse(raw.decode("utf-8", "backslashreplace"), "has a name that is not UTF-8")
        if path in (".", "./"):
            return ""
        return path.removeprefix("./").removesuffix("/") if path != "/" else path

    def _check(self, path: str) -> None:
        kinds = {unicodedata.category(c) for c in path}
        if "Cs" in kinds:  # bytes that are no text, as Python has them from a folder
            self.refuse(path, "has a name that is not UTF-8")
        if "Cc" in kinds:
            self.refuse(path, "has a control character in its name")
        if "\\" in path:
            self.refuse(path, "has a backslash in its name")
        if path.startswith("/") or re.match("[A-Za-z]:", path):
            self.refuse(path, "has an absolute name")
        parts = path.split("/")
        if ".." in parts:
            self.refuse(path, "leads out of its folder")
        if "" in parts or "." in parts:
            self.refuse(path, "has an empty or '.' part in its name")
        if any(part.casefold() == ".git" for part in parts):
            # git would run what the configuration in such a folder names.
            self.refuse(path, "belongs to a git repository inside the phone")
        if len(parts) > MAX_DEPTH:
            self.refuse(path, f"is more than {MAX_DEPTH} folders deep")
        if len(path.encode()) > MAX_PATH or any(len(part.encode()) > MAX_NAME for part in parts):
            self.refuse(path, "has too long a name")

    def _count(self, path: str) -> None:
        self._entries += 1
        if self._entries > MAX_ENTRIES:
            self.refuse(path, f"exceeds the limit of {MAX_ENTRIES} entries")

    def _claim(self, path: str, kind: str) -> None:
        """Refuse two entries that would meet on some disk, and a file that holds others."""
        parents = path.split("/")[:-1]
        places = [("/".join(parents[: n + 1]), "folder") for n in range(len(parents))]
        for place, as_kind in [*places, (path, kind)]:
            if as_kind == "folder" and place in self._folders:
                continue
            spelling, was = self._seen.setdefault(_folded(place), (place, as_kind))
            if spelling != place:
                self.refuse(path, f"differs from {printable(spelling)} only by case or by accents")
            if was != as_kind:
                self.refuse(path, f"needs {printable(place)} to be a file as well as a folder")
            if as_kind == "folder":
                self._folders.add(place)
        if kind == "file" and path in self._sizes:
            self.refuse(path, "exists twice")


def printable(name: str) -> str:
    """``name`` for a message: quoted, nothing in it that a terminal would act on, not too long."""
    quoted = repr(name)
    return quoted if len(quoted) <= 120 else f"{quoted[:80]}…{quoted[-30:]}"  # noqa: PLR2004


def _folded(path: str) -> str:
    """The same for any two names that macOS' or Windows' usual file systems take for one."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())
