"""A machine with a service that has been taken over: folders of its user's, and what it may not touch.

Only root can make it. Everything outside of the service's folder is looked at before and after.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cmp_bundle.files import Boundary, Disk, FileOwnership, Rights

#: The service's user, and somebody else; no system has such users.
SERVICE, OTHER = 1234, 2345

USER = Rights(SERVICE, SERVICE, (SERVICE,), "asterisk")

NEW = FileOwnership(-1, -1, 0o644)

#: Every change to a disk there is, in a folder that ``filled`` made.
CHANGES: dict[str, Callable[[Disk, Path], object]] = {
    "write": lambda d, p: d.write(p / "file", b"new"),
    "write, followed": lambda d, p: d.write(p / "link", b"new", follow=True),
    "write a new one": lambda d, p: d.write(p / "new", b"new", FileOwnership(0, 0, 0o666)),
    "write_all": lambda d, p: d.write_all({p / "file": b"new", p / "new": b"new"}, NEW),
    "make_folder": lambda d, p: d.make_folder(p / "new", FileOwnership(0, 0, 0o777)),
    "link": lambda d, p: d.link(p / "link", "elsewhere"),
    "rename": lambda d, p: d.rename(p / "file", p / "renamed"),
    "exchange": lambda d, p: d.exchange(p / "folder", p / "other"),
    "remove": lambda d, p: d.remove(p / "file"),
    "remove_partial": lambda d, p: d.remove_partial(p / "file"),
    "remove_all": lambda d, p: d.remove_all(p, ["file", "link"]),
    "remove_tree": lambda d, p: d.remove_tree(p / "folder"),
    "remove_folder": lambda d, p: d.remove_folder(p / "other"),
}


def filled(folder: Path) -> None:
    """What all of CHANGES need."""
    for name in ("folder", "other"):
        (folder / name).mkdir(parents=True)
    (folder / "folder/below").write_text("kept")
    (folder / "file").write_text("kept")
    Disk.partial(folder / "file").write_text("half")
    (folder / "link").symlink_to("file")


def given(path: Path, uid: int) -> None:
    """``path`` with all in it belongs to ``uid``."""
    for each in (path, *path.rglob("*")):
        os.chown(each, uid, uid, follow_symlinks=False)


def planted(link: Path, target: Path | str, uid: int = SERVICE) -> None:
    """A symlink that this user has set."""
    link.symlink_to(target)
    os.chown(link, uid, uid, follow_symlinks=False)


def state(folder: Path) -> dict[str, tuple[object, ...]]:
    """All below ``folder``: whose it is, what others may, and what is in it."""
    found: dict[str, tuple[object, ...]] = {}
    for each in (folder, *folder.rglob("*")):
        about = each.lstat()
        content: bytes | str | None = None
        if stat.S_ISLNK(about.st_mode):
            content = str(each.readlink())
        elif stat.S_ISREG(about.st_mode):
            content = each.read_bytes()
        found[str(each)] = (about.st_mode, about.st_uid, about.st_gid, about.st_ino, content)
    return found


@contextmanager
def kept(*folders: Path) -> Iterator[None]:
    """Nothing changes there meanwhile."""
    before = [state(f) for f in folders]
    yield
    assert [state(f) for f in folders] == before


@dataclass(frozen=True)
class Machine:
    """``etc`` is the service's, ``secret`` root's; both lie in ``top``, which nobody else changes."""

    top: Path

    @property
    def etc(self) -> Path:
        return self.top / "etc/asterisk"

    @property
    def secret(self) -> Path:
        return self.top / "secret"

    def disk(self, before: Callable[[str, Path], None] | None = None) -> Disk:
        """As it is used in here, ``top`` being the service's ``/``."""
        return Disk(before, Boundary(self.top, USER))


def machine(top: Path) -> Machine:
    made = Machine(top)
    filled(made.secret)
    made.etc.mkdir(parents=True)
    given(made.etc, SERVICE)
    return made
