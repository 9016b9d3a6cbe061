"""Where an Asterisk has its things, found out as an admin would: asked, else read, else guessed."""

from __future__ import annotations

import os
import pwd
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cmp_bundle.asterisk.closed_files import refuse_closed
from cmp_bundle.asterisk.conf_files import Absence, ConfFolder
from cmp_bundle.asterisk.control import Control
from cmp_bundle.asterisk.directories import read_directories
from cmp_bundle.errors import AS_ANOTHER_USER, CmpBundleError
from cmp_bundle.files import Boundary, Rights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.asterisk.configuration import Variable
    from cmp_bundle.asterisk.control import Patience

ETC = "/etc/asterisk"
#: Where static-http lies when nobody says: Debian's and Ubuntu's packages, then everybody else.
DATA_FOLDERS = ("/usr/share/asterisk", "/var/lib/asterisk")

#: The origin of a data folder that the operator named.
NAMED_BY_OPERATOR = "[asterisk] data_dir"

#: The origin of what the running server says of itself. Whoever has its process may say anything.
REPORTED_BY_ASTERISK = "core show settings"

#: Where the program is in a system other than this one.
_PROGRAMS = ("/usr/sbin", "/usr/local/sbin")


@dataclass(frozen=True)
class Named:
    """What the operator said about an Asterisk; what is empty has to be found out.

    ``etc_dir`` and ``data_dir`` are as Asterisk sees them, within ``root``; ``custom_files`` are names
    of configuration files that are kept for lines of one's own.
    """

    root: Path = Path("/")
    etc_dir: str = ""
    data_dir: str = ""
    user: str = ""
    command: tuple[str, ...] = ()
    custom_files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fact:
    """Something found out, as Asterisk sees it, and where from."""

    value: str
    origin: str


@dataclass(frozen=True)
class Installation:
    """An Asterisk. ``etc``, ``data`` and ``user`` are as it sees them itself, within ``root``.

    ``unanswered`` is what stood against asking whether it runs; ``running`` is false then.
    ``rights`` are that user's, by the numbers that count on this machine's disks: as much as root
    may use in Asterisk's folders. None where Asterisk is root.
    """

    root: Path
    etc: Fact
    data: Fact
    user: Fact
    control: Control
    running: bool
    unanswered: CmpBundleError | None = None
    rights: Rights | None = None
    custom_files: tuple[str, ...] = ()

    @property
    def boundary(self) -> Boundary:
        return Boundary(self.root, self.rights)

    @property
    def files(self) -> ConfFolder:
        """Its configuration, for reading; files have the names by which Asterisk knows them."""
        return _files(self.root, self.etc.value, self.rights)

    @property
    def etc_folder(self) -> Path:
        return self.path(self.etc.value)

    @property
    def static(self) -> Path:
        """The folder that its web server serves as /static/."""
        return self.path(f"{self.data.value}/static-http")

    @property
    def data_is_sure(self) -> bool:
        """Whether packages or the operator have the data folder there: not just Asterisk says so."""
        return self.data.origin == NAMED_BY_OPERATOR or self.data.value in DATA_FOLDERS

    def path(self, path: str) -> Path:
        """What Asterisk calls ``path``, as it is called on this machine.

        Symlinks are still in it: only ``boundary`` follows them, with the rights that they take.
        """
        return self.root / path.lstrip("/")

    def outside(self, path: str) -> Path:
        """The same without symlinks, for people to find it."""
        return self.files.real(path)

    def configuration(self, name: str) -> Path:
        """``name`` (http.conf) in its configuration folder."""
        return self.etc_folder / name


def outside(root: Path, path: str) -> Path:
    """``path`` of a system whose ``/`` is ``root``, on this machine; symlinks stay within it."""
    return ConfFolder(root, root).real(path)


def _files(root: Path, etc: str, rights: Rights | None) -> ConfFolder:
    return ConfFolder(root / etc.lstrip("/"), root, rights)


@contextmanager
def looking() -> Iterator[None]:
    """Raises CmpBundleError for what this user may not look at meanwhile."""
    try:
        yield
    except PermissionError as error:
        raise CmpBundleError(
            "unreadable",
            "cannot be read by this user",
            file=Path(error.filename),
            hint=AS_ANOTHER_USER,
        ) from error


@looking()
def find(named: Named, patience: Patience | None = None) -> Installation | None:
    """The Asterisk of this machine, or of ``named.root``; None where there is none. It is asked with
    ``patience``.

    What is named wins, then the running server's own word, then asterisk.conf, then the places where
    packages put things. Raises CmpBundleError where it names folders, or a program, that do
    not exist, and where this user may not look.
    """
    root = named.root
    if not root.is_dir():
        raise CmpBundleError(
            "asterisk-folder",
            "[asterisk] root is not a folder",
            file=root,
            hint="name the folder that is / to Asterisk",
        )
    if named.command and shutil.which(named.command[0]) is None:
        # It would look as if no Asterisk ran.
        raise CmpBundleError(
            "asterisk-not-asked",
            f"[asterisk] command cannot be run: the program {named.command[0]!r} does not exist",
            hint='name a command that runs asterisk, as in ["docker", "exec", "pbx", "asterisk"]',
        )
    control = Control(named.command or _command(root), root, patience)
    asked = unanswered = None
    try:
        asked = control.directories()
    except CmpBundleError as error:
        unanswered = error
    etc = _first(
        (named.etc_dir, "[asterisk] etc_dir"),
        ((asked or {}).get("Configuration directory"), REPORTED_BY_ASTERISK),
        (ETC, "where Asterisk looks by default"),
    )
    if not outside(root, etc.value).is_dir():
        if named.etc_dir:
            raise CmpBundleError(
                "asterisk-folder",
                "[asterisk] etc_dir is not a folder",
                file=outside(root, etc.value),
                hint="name the folder that holds http.conf, as seen inside [asterisk] root",
            )
        return None
    owner = _owner(root, etc.value)
    if not named.data_dir or not named.user:
        _refuse_unread(_files(root, etc.value, owner))
    user = _user(named, root, etc.value, owner)
    rights = _rights(root, user.value) or owner
    if etc.origin == REPORTED_BY_ASTERISK and etc.value != ETC:
        _refuse_foreign(root, etc.value, owner, rights)
    data = _data(named, root, _files(root, etc.value, rights), asked)
    return Installation(
        root=root,
        etc=etc,
        data=data,
        user=user,
        control=control,
        running=asked is not None,
        unanswered=unanswered,
        rights=rights,
        custom_files=named.custom_files,
    )


def _refuse_unread(files: ConfFolder) -> None:
    """Raises CmpBundleError where this user may not read where Asterisk has its things.

    Root reads with the rights of Asterisk's user, which does without: it is still root when it reads
    asterisk.conf.
    """
    if not Rights.own().are_roots:
        refuse_closed(read_directories(files).configuration, files)


def _command(root: Path) -> tuple[str, ...]:
    """How to run the asterisk that lives in ``root``; empty where none does."""
    if root == Path("/"):
        return (shutil.which("asterisk") or "/usr/sbin/asterisk",)
    programs = [f"{folder}/asterisk" for folder in _PROGRAMS]
    found = [path for path in programs if outside(root, path).is_file()]
    if not found:
        return ()
    if os.geteuid() == 0:
        _refuse_to_run(root, found[0])
    return (shutil.which("chroot") or "/usr/sbin/chroot", str(root), "asterisk")


def _refuse_to_run(root: Path, path: str) -> None:
    """Raises CmpBundleError where root would run somebody else's program: a container's, say."""
    try:
        if _is_roots_alone(Boundary(root), path):
            return
    except (OSError, CmpBundleError):
        pass  # nor does it then
    raise CmpBundleError(
        "asterisk-not-asked",
        "can be changed by other users, so root does not run it to ask whether Asterisk runs",
        file=outside(root, path),
        hint="set the command to use, as in [asterisk] command = "
        """["docker", "exec", "pbx", "asterisk"]; if Asterisk is stopped: ["false"]""",
    )


def _data(named: Named, root: Path, files: ConfFolder, asked: dict[str, str] | None) -> Fact:
    if named.data_dir:
        if not outside(root, named.data_dir).is_dir():
            raise CmpBundleError(
                "asterisk-folder",
                "[asterisk] data_dir is not a folder",
                file=outside(root, named.data_dir),
                hint="name Asterisk's data folder, the one that holds static-http",
            )
        return Fact(named.data_dir, NAMED_BY_OPERATOR)
    if asked and asked.get("Data directory"):
        return Fact(asked["Data directory"], REPORTED_BY_ASTERISK)
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
        "asterisk-folder",
        "Asterisk's data folder was not found",
        hint=f"it is neither {' nor '.join(DATA_FOLDERS)}; name it: [asterisk] data_dir",
    )


def _owner(root: Path, etc: str) -> Rights | None:
    """Whoever has the configuration folder; None for root."""
    with Boundary(root).opened(root / etc.lstrip("/")) as folder:
        found = folder.stat(".")
    return Rights.of(found.st_uid, found.st_gid) if found.st_uid else None


def _refuse_foreign(root: Path, etc: str, owner: Rights | None, rights: Rights | None) -> None:
    """Raises CmpBundleError where Asterisk names a folder for its own that is neither its nor root's.

    Root would work there with the rights of whoever has it. Of root's folders it may only name
    one that somebody has set up for an Asterisk.
    """
    folder = outside(root, etc)
    if owner is not None:
        if rights is not None and owner.uid == rights.uid:
            return
        problem = f"belongs to {owner.name or owner.uid}, not to Asterisk's user"
    elif _files(root, etc, rights).content(f"{etc}/asterisk.conf") is not Absence.MISSING:
        return
    else:
        problem = "contains no asterisk.conf"
    raise CmpBundleError(
        "asterisk-folder",
        f"Asterisk reports this as its configuration folder, but it {problem}",
        file=folder,
        hint="if it is the right folder, name it: [asterisk] etc_dir",
    )


def _user(named: Named, root: Path, etc: str, owner: Rights | None) -> Fact:
    if named.user:
        return Fact(named.user, "[asterisk] user")
    known = _users(root)
    option = read_directories(_files(root, etc, owner)).run_user
    if option is not None and _is_credible(root, option, known, owner):
        return Fact(option.value, f"{option.file}:{option.line}")
    if "asterisk" in known:
        return Fact("asterisk", f"{outside(root, '/etc/passwd')}")
    if owner is not None:
        names = [name for name, (uid, _) in known.items() if uid == owner.uid]
        return Fact((names or [owner.name])[0], f"the owner of {etc}")
    return Fact("root", "no user asterisk exists")


def _is_credible(
    root: Path, option: Variable, known: dict[str, tuple[int, int]], owner: Rights | None
) -> bool:
    """Whether ``runuser`` is the word of root, or names nobody but whoever wrote it.

    Whoever may write asterisk.conf could name anybody there, to have us work with the rights of
    that user.
    """
    if owner is not None:
        return known.get(option.value, (0, 0))[0] == owner.uid
    return _is_roots_alone(Boundary(root, _rights(root, "asterisk")), option.file)


def _is_roots_alone(boundary: Boundary, path: str) -> bool:
    """Whether nobody but root may have put there what ``path`` is in the boundary's system."""
    with boundary.entry(boundary.root / path.lstrip("/"), follow=True) as (folder, name):
        found = folder.stat(name)
        return folder.rights.are_roots and found.st_uid == 0 and not found.st_mode & 0o022


def user_ids(installation: Installation) -> tuple[int, int] | None:
    """The numbers of Asterisk's user and group on this machine's disks; None if unknown."""
    return _users(installation.root).get(installation.user.value)


def _rights(root: Path, user: str) -> Rights | None:
    """Those of a user of ``root``; None where it is root, or not known there."""
    ids = _users(root).get(user)
    if ids is None or ids[0] == 0:
        return None
    if root == Path("/"):
        return Rights.of(*ids)
    rows = [line.split(":") for line in _lines(root, "/etc/group")]
    groups = {
        int(row[2])
        for row in rows
        if len(row) == 4 and row[2].isdigit() and user in row[3].split(",")  # noqa: PLR2004
    }
    return Rights(*ids, tuple(sorted({ids[1], *groups})), user)


def _users(root: Path) -> dict[str, tuple[int, int]]:
    if root == Path("/"):
        return {u.pw_name: (u.pw_uid, u.pw_gid) for u in pwd.getpwall()}
    found = {}
    for line in _lines(root, "/etc/passwd"):
        fields = line.split(":")
        if len(fields) > 3 and fields[2].isdigit() and fields[3].isdigit():  # noqa: PLR2004
            found[fields[0]] = (int(fields[2]), int(fields[3]))
    return found


def _lines(root: Path, path: str) -> list[str]:
    try:
        with Boundary(root).entry(root / path.lstrip("/"), follow=True) as (folder, name):
            return folder.read(name).data.decode(errors="replace").splitlines()
    except (OSError, CmpBundleError):
        return []


def _first(*candidates: tuple[str | None, str]) -> Fact:
    return next(Fact(value, origin) for value, origin in candidates if value)
