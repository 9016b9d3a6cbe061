"""Where an Asterisk has its things, found out as an admin would: asked, else read, else guessed."""

from __future__ import annotations

import pwd
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cmp_bundle.asterisk.conf_files import Folder
from cmp_bundle.asterisk.control import Control
from cmp_bundle.asterisk.directories import read_directories
from cmp_bundle.errors import AS_ANOTHER_USER, CmpBundleError

if TYPE_CHECKING:
    from collections.abc import Iterator

ETC = "/etc/asterisk"
#: Where static-http lies when nobody says: Debian's and Ubuntu's packages, then everybody else.
DATA_FOLDERS = ("/usr/share/asterisk", "/var/lib/asterisk")

#: Where the program is in a system other than this one.
_PROGRAMS = ("/usr/sbin", "/usr/local/sbin")


@dataclass(frozen=True)
class Named:
    """What the operator said about an Asterisk; what is empty has to be found out.

    ``etc_dir`` and ``data_dir`` are as Asterisk sees them, within ``root``.
    """

    root: Path = Path("/")
    etc_dir: str = ""
    data_dir: str = ""
    user: str = ""
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fact:
    """Something found out, as Asterisk sees it, and where from."""

    value: str
    origin: str


@dataclass(frozen=True)
class Installation:
    """An Asterisk. ``etc``, ``data`` and ``user`` are as it sees them itself, within ``root``.

    ``unanswered`` is what stood against asking whether it runs; ``running`` is false then.
    """

    root: Path
    etc: Fact
    data: Fact
    user: Fact
    control: Control
    running: bool
    unanswered: CmpBundleError | None = None

    @property
    def files(self) -> Folder:
        """Its configuration, for reading; files have the names by which Asterisk knows them."""
        return _files(self.root, self.etc.value)

    @property
    def etc_folder(self) -> Path:
        return self.outside(self.etc.value)

    @property
    def static(self) -> Path:
        """The folder that its web server serves as /static/."""
        return self.outside(f"{self.data.value}/static-http")

    def outside(self, path: str) -> Path:
        """Where on this machine the file is that Asterisk calls ``path``."""
        return outside(self.root, path)

    def configuration(self, name: str) -> Path:
        """The file behind ``name`` (http.conf), symlinks followed as Asterisk follows them."""
        return self.outside(f"{self.etc.value}/{name}")


def outside(root: Path, path: str) -> Path:
    """``path`` of a system whose ``/`` is ``root``, on this machine; symlinks stay within it."""
    found = Folder(root, root).resolved(path)
    return root / found.removeprefix("/")


def _files(root: Path, etc: str) -> Folder:
    return Folder(root / etc.lstrip("/"), root)


@contextmanager
def looking() -> Iterator[None]:
    """Raises CmpBundleError for what this user may not look at meanwhile."""
    try:
        yield
    except PermissionError as error:
        raise CmpBundleError(
            "cannot be looked at by this user", file=Path(error.filename), hint=AS_ANOTHER_USER
        ) from error


@looking()
def find(named: Named) -> Installation | None:
    """The Asterisk of this machine, or of ``named.root``; None where there is none.

    What is named wins, then the running server's own word, then asterisk.conf, then the places where
    packages put things. Raises CmpBundleError where it names folders, or a program, that do
    not exist, and where this user may not look.
    """
    root = named.root
    if not root.is_dir():
        raise CmpBundleError(
            "[asterisk] root is not a folder",
            file=root,
            hint="name the folder that Asterisk takes for /",
        )
    if named.command and shutil.which(named.command[0]) is None:
        # It would look as if no Asterisk ran.
        raise CmpBundleError(
            f"[asterisk] command cannot be run: there is no program {named.command[0]!r}",
            hint='it stands for "asterisk", like ["docker", "exec", "pbx", "asterisk"]',
        )
    control = Control(named.command or _command(root), root)
    asked = unanswered = None
    try:
        asked = control.directories()
    except CmpBundleError as error:
        unanswered = error
    etc = _first(
        (named.etc_dir, "[asterisk] etc_dir"),
        ((asked or {}).get("Configuration directory"), "core show settings"),
        (ETC, "where Asterisk looks by default"),
    )
    if not outside(root, etc.value).is_dir():
        if named.etc_dir:
            raise CmpBundleError(
                "[asterisk] etc_dir is not a folder",
                file=outside(root, etc.value),
                hint="name the folder that holds http.conf, as seen inside [asterisk] root",
            )
        return None
    files = _files(root, etc.value)
    data = _data(named, root, files, asked)
    user = _user(named, root, files)
    return Installation(root, etc, data, user, control, asked is not None, unanswered)


def _command(root: Path) -> tuple[str, ...]:
    """How to run the asterisk that lives in ``root``; empty where none does."""
    if root == Path("/"):
        return (shutil.which("asterisk") or "/usr/sbin/asterisk",)
    if not any(outside(root, f"{folder}/asterisk").is_file() for folder in _PROGRAMS):
        return ()
    return (shutil.which("chroot") or "/usr/sbin/chroot", str(root), "asterisk")


def _data(named: Named, root: Path, files: Folder, asked: dict[str, str] | None) -> Fact:
    if named.data_dir:
        if not outside(root, named.data_dir).is_dir():
            raise CmpBundleError(
                "[asterisk] data_dir is not a folder",
                file=outside(root, named.data_dir),
                hint="name Asterisk's data folder, the one that holds static-http",
            )
        return Fact(named.data_dir, "[asterisk] data_dir")
    if asked and asked.get("Data directory"):
        return Fact(asked["Data directory"], "core show settings")
    directories = read_directories(files)
    # Asterisk ignores [directories] while it is marked as a template, as Debian ships it; but
    # what stands there then is what the packager compiled in.
    for found in (directories.effective.get("astdatadir"), directories.ignored.get("astdatadir")):
        if found is not None:
            return Fact(found.value, f"{found.file}:{found.line}")
    for folder in DATA_FOLDERS:
        if outside(root, f"{folder}/static-http").is_dir():
            return Fact(folder, "where static-http was found")
    for folder in DATA_FOLDERS:
        if outside(root, folder).is_dir():
            return Fact(folder, "where packages put it")
    raise CmpBundleError(
        "Asterisk's data folder was not found",
        hint=f"looked for {' and '.join(DATA_FOLDERS)}; name it: [asterisk] data_dir",
    )


def _user(named: Named, root: Path, files: Folder) -> Fact:
    if named.user:
        return Fact(named.user, "[asterisk] user")
    known = _users(root)
    option = read_directories(files).run_user
    if option is not None:
        return Fact(option.value, f"{option.file}:{option.line}")
    if "asterisk" in known:
        return Fact("asterisk", f"{outside(root, '/etc/passwd')}")
    return Fact("root", "no user asterisk exists")


def user_ids(installation: Installation) -> tuple[int, int] | None:
    """The numbers of Asterisk's user and group on this machine's disks; None if unknown."""
    return _users(installation.root).get(installation.user.value)


def _users(root: Path) -> dict[str, tuple[int, int]]:
    if root == Path("/"):
        return {u.pw_name: (u.pw_uid, u.pw_gid) for u in pwd.getpwall()}
    found = {}
    try:
        lines = outside(root, "/etc/passwd").read_text(errors="replace").splitlines()
    except OSError:
        return {}
    for line in lines:
        fields = line.split(":")
        if len(fields) > 3 and fields[2].isdigit() and fields[3].isdigit():  # noqa: PLR2004
            found[fields[0]] = (int(fields[2]), int(fields[3]))
    return found


def _first(*candidates: tuple[str | None, str]) -> Fact:
    return next(Fact(value, origin) for value, origin in candidates if value)
