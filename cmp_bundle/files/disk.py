"""Changes to the disk, each of which is old or new and never between."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

#: What a file is called while it is being written, beside the one that it will replace. The
#: name is fixed: what a killed run left behind is overwritten by the next one.
PARTIAL = ".{name}.cmp-bundle-partial"


@dataclass(frozen=True)
class Owner:
    """Who owns a file, as numbers, and its permission bits."""

    uid: int
    gid: int
    mode: int

    @classmethod
    def of(cls, path: Path) -> Owner:
        """Of an existing file or folder. Raises OSError."""
        found = path.stat()
        return cls(found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode))

    def with_mode(self, mode: int) -> Owner:
        return Owner(self.uid, self.gid, mode)


class Disk:
    """Every change that cmp-bundle makes to a disk goes through one of these.

    ``before`` is called with the name of each primitive step and the path that it is about to
    change; whoever wants to know what happens in which order, or to stop there, listens to it.
    Errors of the operating system come out as CmpBundleError naming the file.
    """

    def __init__(self, before: Callable[[str, Path], None] | None = None) -> None:
        self._before = before or (lambda _step, _path: None)

    def announce(self, step: str, path: Path) -> None:
        """Tell whoever listens of a step that is no change of the disk, such as a reload."""
        self._before(step, path)

    def make_folder(self, path: Path, owner: Owner | None = None) -> None:
        """Make ``path``, whose parent exists; fine if it is there already."""
        with _named(path):
            self._before("mkdir", path)
            try:
                path.mkdir(mode=0o755)
            except FileExistsError as error:
                if not path.is_dir():
                    raise CmpBundleError(
                        "is a file, and a folder is needed there",
                        file=path,
                        hint="move it away, or name another folder",
                    ) from error
                return
            if owner is not None:
                self._before("own", path)
                descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
                try:
                    _own(descriptor, owner)
                finally:
                    os.close(descriptor)
            _sync_folder(path.parent)

    def write(
        self, path: Path, data: bytes, owner: Owner | None = None, mtime: int | None = None
    ) -> None:
        """Make ``path`` a file that holds ``data``, replacing what was there in one rename.

        Without ``owner`` the file gets 0644 and the writer's ids. ``mtime`` is in whole seconds.
        """
        partial = self.partial(path)
        with _named(path):
            _refuse_device(path)
            self._before("write", partial)
            try:
                with _new(partial) as out:
                    out.write(data)
                    out.flush()
                    _copy_attributes(path, out.fileno())
                    _own(out.fileno(), owner or Owner(-1, -1, 0o644))
                    if mtime is not None:
                        os.utime(out.fileno(), (mtime, mtime))
                    os.fsync(out.fileno())
                self._before("rename", path)
                partial.replace(path)
            except (OSError, KeyboardInterrupt):
                with suppress(OSError):
                    partial.unlink(missing_ok=True)
                raise
            _sync_folder(path.parent)

    def write_all(
        self,
        files: Mapping[Path, bytes],
        owner: Owner | None = None,
        same: Mapping[Path, Path] | None = None,
    ) -> None:
        """Make new files in folders that nobody looks into yet; thousands of them, quickly.

        When it returns all are on the disk. Until then they may be there in part: whoever calls
        gives the folder its name afterwards. ``same`` has, by the new file, one of ours on the
        same disk that holds the same bytes and is never written to again, only replaced: it gets
        the new name too, where it can.
        """
        wanted = owner or Owner(-1, -1, 0o644)
        for path, data in files.items():
            with _named(path):
                self._before("write", path)
                if same and path in same and _linked(path, same[path], wanted):
                    continue
                with _new(path) as out:
                    out.write(data)
                    _own(out.fileno(), wanted)
        if len(files) > _MANY and _sync_file_system(next(iter(files)).parent):
            return
        for path in files:
            with _named(path):
                # Written one by one first and synced after, they share the disk's own batches.
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
        for folder in dict.fromkeys(path.parent for path in files):
            with _named(folder):
                _sync_folder(folder)

    def link(self, path: Path, target: str) -> None:
        """Make ``path`` a symlink to ``target``, replacing a symlink there in one rename."""
        partial = self.partial(path)
        with _named(path):
            self._before("symlink", partial)
            partial.unlink(missing_ok=True)
            partial.symlink_to(target)
            self._before("rename", path)
            partial.replace(path)
            _sync_folder(path.parent)

    def rename(self, path: Path, to: Path) -> None:
        with _named(path):
            self._before("rename", to)
            path.rename(to)
            _sync_folder(to.parent)

    def exchange(self, path: Path, other: Path) -> None:
        """Swap two existing folders of one parent, in one step where the system can."""
        with _named(path):
            self._before("exchange", path)
            if not _renameat2_exchange(path, other):
                aside = self.partial(path)
                if aside.exists():
                    shutil.rmtree(aside)
                path.rename(aside)
                try:
                    other.rename(path)
                except OSError:
                    aside.rename(path)
                    raise
                aside.rename(other)
            _sync_folder(path.parent)

    def remove(self, path: Path) -> None:
        """Remove a file or symlink; fine if it is gone already."""
        with _named(path):
            self._before("unlink", path)
            path.unlink(missing_ok=True)
            _sync_folder(path.parent)

    def remove_tree(self, path: Path) -> None:
        """Remove a folder and all that it holds; fine if it is gone already.

        It first gets a name that nothing looks for, so that nobody ever meets half of it.
        """
        with _named(path):
            going = self.partial(path)
            if path.is_dir() and not path.is_symlink():
                self._before("rename", going)
                if going.exists():
                    shutil.rmtree(going)
                path.rename(going)
            if going.exists():
                self._before("rmtree", going)
                shutil.rmtree(going)
            if path.parent.is_dir():
                _sync_folder(path.parent)

    def remove_folder(self, path: Path) -> None:
        """Remove a folder if it is empty; fine if it is not, or gone already."""
        with _named(path):
            self._before("rmdir", path)
            try:
                path.rmdir()
            except FileNotFoundError:
                return
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                return
            _sync_folder(path.parent)

    @staticmethod
    def partial(path: Path) -> Path:
        """The name that ``path`` has while it is being written or thrown away."""
        return path.with_name(PARTIAL.format(name=path.name))


class _named:  # noqa: N801 - reads as a statement
    """Turns an OSError into a CmpBundleError that names the file and what to do."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, OSError):
            return
        hint = None
        if isinstance(error, PermissionError):
            hint = "run it as a user who may change this file, often root: sudo cmp-bundle …"
        elif error.errno == errno.ENOSPC:
            hint = "make room on this disk, then run it again; nothing was left half-written"
        elif error.errno == errno.EROFS:
            hint = "this file system is mounted read-only"
        reason = (error.strerror or str(error)).lower()
        raise CmpBundleError(f"cannot be changed: {reason}", file=self._path, hint=hint) from error


def _refuse_device(path: Path) -> None:
    """A rename would put a file in the place of /dev/null, and root may do so."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISDIR(mode)):
        raise CmpBundleError(
            "is a device or a pipe, and is not replaced", file=path, hint="name a file"
        )


def _new(path: Path) -> BinaryIO:
    """An empty file of ours alone, whatever was there.

    Root writes into folders of other users. What one of them puts into the way, a symlink above
    all, is taken away and never followed; from here on only the descriptor is used.
    """
    path.unlink(missing_ok=True)
    return os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb"
    )


def _linked(path: Path, like: Path, owner: Owner) -> bool:
    """Give the file ``like`` the name ``path`` too; False where it is another's or cannot be."""
    uid, gid = (os.geteuid() if owner.uid == -1 else owner.uid), owner.gid
    try:
        found = like.lstat()
        if not stat.S_ISREG(found.st_mode) or stat.S_IMODE(found.st_mode) != owner.mode:
            return False
        if found.st_uid != uid or gid not in (-1, found.st_gid):
            return False
        os.link(like, path, follow_symlinks=False)
    except OSError:
        return False  # so it is written, and what is really wrong comes out there
    return True


def _own(descriptor: int, owner: Owner) -> None:
    if owner.uid != -1 or owner.gid != -1:
        found = os.fstat(descriptor)
        if (found.st_uid, found.st_gid) != (owner.uid, owner.gid):
            os.fchown(descriptor, owner.uid, owner.gid)
    os.fchmod(descriptor, owner.mode)


def _copy_attributes(path: Path, to: int) -> None:
    """Extended attributes: SELinux labels and POSIX ACLs live there."""
    if not hasattr(os, "listxattr"):
        return
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTSUP):
            raise
        return
    for name in names:
        try:
            os.setxattr(to, name, os.getxattr(path, name, follow_symlinks=False))
        except OSError as error:
            # One that may not be set, such as a label in a container, costs none of the others.
            if error.errno not in (errno.ENOTSUP, errno.EPERM, errno.ENODATA):
                raise


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


#: From so many new files on, it is quicker to have everything written that waits for the disk:
#: 0.2 s instead of 2 to 8 s for ten thousand.
_MANY = 200


def _sync_file_system(path: Path) -> bool:
    """Linux's syncfs; False where the system has none, or where something was not written."""
    try:
        syncfs = ctypes.CDLL(None, use_errno=True).syncfs
    except (AttributeError, OSError):
        return False
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return bool(syncfs(descriptor) == 0)
    finally:
        os.close(descriptor)


_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def _renameat2_exchange(path: Path, other: Path) -> bool:
    """Linux's atomic swap; False where the system or its file system has none."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    done = renameat2(_AT_FDCWD, os.fsencode(path), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    return bool(done == 0)
