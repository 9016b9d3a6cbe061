"""Changes to the disk, each of which is old or new and never between."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from contextlib import ExitStack, contextmanager, suppress
from itertools import groupby
from typing import TYPE_CHECKING, Self

from cmp_bundle.errors import CmpBundleError, reason
from cmp_bundle.files.boundary import Boundary
from cmp_bundle.files.owner import FileOwnership
from cmp_bundle.files.rights import not_allowed
from cmp_bundle.files.unsynced import Unsynced, syncfs
from cmp_bundle.shell import word

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from cmp_bundle.files.open_folder import OpenFolder
    from cmp_bundle.files.rights import Rights

#: What a file is called while it is being written, beside the one that it will replace. The
#: name is fixed: what a killed run left behind is overwritten by the next one.
PARTIAL = ".{name}.cmp-bundle-partial"

#: From so many new files on, it is quicker to have everything written that waits for the disk:
#: 0.2 s instead of 2 to 8 s for ten thousand.
_MANY = 200

#: A new file of a build or a release: everybody may read it.
_PUBLIC = FileOwnership(-1, -1, 0o644)


class Disk:
    """Every change that cmp-bundle makes to a disk goes through one of these.

    ``boundary`` says whose rights are used where. ``before`` is called with the name of each
    primitive step and the path that it is about to change; whoever wants to know what happens in
    which order, or to stop there, listens to it. Errors of the operating system come out as
    CmpBundleError naming the file.
    """

    def __init__(
        self,
        before: Callable[[str, Path], None] | None = None,
        boundary: Boundary | None = None,
    ) -> None:
        self._before = before or (lambda _step, _path: None)
        self.boundary = boundary or Boundary()

    def within(self, boundary: Boundary) -> Disk:
        """The same disk behind another boundary."""
        return Disk(self._before, boundary)

    def announce(self, step: str, path: Path) -> None:
        """Tell whoever listens of a step that is no change of the disk, such as a reload."""
        self._before(step, path)

    def make_folder(self, path: Path, owner: FileOwnership | None = None) -> None:
        """Make ``path``, whose parent exists; fine if it is there already."""
        with self._at(path) as (folder, name):
            self._before("mkdir", path)
            try:
                descriptor = folder.make_folder(name, owner.mode if owner else 0o755)
            except FileExistsError as error:
                self._is_there(path, error)
                return
            try:
                if owner is not None:
                    self._before("own", path)
                    folder.give_folder(name, descriptor, owner)
            finally:
                os.close(descriptor)
            folder.sync()

    def _is_there(self, path: Path, error: OSError) -> None:
        """Raises CmpBundleError where ``path`` is no folder, nor a symlink to one."""
        try:
            with self.boundary.opened(path):
                pass
        except OSError:
            raise CmpBundleError(
                "not-a-folder",
                "is a file, but must be a folder",
                file=path,
                hint="move it away, or name another folder",
            ) from error

    def write(
        self,
        path: Path,
        data: bytes,
        owner: FileOwnership | None = None,
        mtime: int | None = None,
        *,
        follow: bool = False,
    ) -> None:
        """Make ``path`` a file that holds ``data``, replacing what was there in one rename.

        Without ``owner`` the file gets 0644 and the writer's ids. ``mtime`` is in whole seconds.
        A symlink at ``path`` is replaced; with ``follow`` it stays, and the file is where it leads.
        """
        with self._at(path, follow=follow) as (folder, name):
            path = folder.path / name
            partial, wanted = self.partial(path), owner or _PUBLIC
            _refuse_device(folder, name, path)
            self._before("write", partial)
            try:
                with folder.create(partial.name, wanted) as out:
                    out.write(data)
                    out.flush()
                    uid = os.fstat(out.fileno()).st_uid if wanted.uid == -1 else wanted.uid
                    _put_labels(folder.labels(name, uid), out.fileno())
                    wanted.put_on(out.fileno())
                    if mtime is not None:
                        os.utime(out.fileno(), (mtime, mtime))
                    os.fsync(out.fileno())
                self._before("rename", path)
                folder.rename(partial.name, name)
            except (OSError, KeyboardInterrupt):
                with suppress(OSError):
                    folder.unlink(partial.name)
                raise
            folder.sync()

    def write_all(
        self,
        files: Mapping[Path, bytes],
        owner: FileOwnership | None = None,
        same: Mapping[Path, Path] | None = None,
    ) -> None:
        """Make new files in folders that nobody looks into yet; thousands of them, quickly.

        When it returns all are on the disk. Until then they may be there in part: whoever calls
        gives the folder its name afterwards. ``same`` has, by the new file, one of ours on the
        same disk that holds the same bytes and is never written to again, only replaced: it gets
        the new name too, where it can.
        """
        sync_all = syncfs() if len(files) > _MANY else None
        for _, group in groupby(files, key=lambda path: path.parent):
            names = {path: files[path] for path in group}
            self._fill(names, owner or _PUBLIC, same or {}, synced=sync_all is None)
        if sync_all is not None:
            with self._at(next(iter(files))) as (folder, _), folder.listable() as descriptor:
                if sync_all(descriptor) != 0:
                    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def _fill(
        self,
        files: Mapping[Path, bytes],
        owner: FileOwnership,
        same: Mapping[Path, Path],
        *,
        synced: bool,
    ) -> None:
        """Make ``files``, all of one folder."""
        homes: dict[Path, OpenFolder] = {}
        with self._at(next(iter(files))) as (folder, _), ExitStack() as opened:
            unsynced = opened.enter_context(Unsynced())
            for path, data in files.items():
                with _named(path, folder.rights):
                    self._before("write", path)
                    like = same.get(path)
                    if like is not None and like.parent not in homes:
                        homes[like.parent], _ = opened.enter_context(self._at(like))
                    if like and _linked(folder, path.name, homes[like.parent], like.name, owner):
                        continue
                    with folder.create(path.name, owner) as out:
                        out.write(data)
                        out.flush()
                        owner.put_on(out.fileno())
                        if synced:
                            unsynced.add(out.fileno())
            if synced:
                unsynced.sync()
                folder.sync()

    def link(self, path: Path, target: str) -> None:
        """Make ``path`` a symlink to ``target``, replacing a symlink there in one rename."""
        partial = self.partial(path)
        with self._at(path) as (folder, name):
            self._before("symlink", partial)
            with suppress(FileNotFoundError):
                folder.unlink(partial.name)
            folder.make_link(partial.name, target)
            self._before("rename", path)
            folder.rename(partial.name, name)
            folder.sync()

    def rename(self, path: Path, to: Path) -> None:
        with self._at(to) as (target, new), self._at(path) as (folder, name):
            self._before("rename", to)
            folder.rename(name, new, target)
            target.sync()

    def exchange(self, path: Path, other: Path) -> None:
        """Swap two existing folders of one parent, in one step where the system can."""
        if path.parent != other.parent:
            raise ValueError(f"{path} and {other} are not in one folder")
        aside = self.partial(path)
        with self._at(path) as (folder, name):
            self._before("exchange", path)
            if not folder.exchange(name, other.name):
                folder.clear(aside.name)
                folder.rename(name, aside.name)
                try:
                    folder.rename(other.name, name)
                except OSError:
                    folder.rename(aside.name, name)
                    raise
                folder.rename(aside.name, other.name)
            folder.sync()

    def remove(self, path: Path) -> None:
        """Remove a file or symlink; fine if it is gone already."""
        with suppress(FileNotFoundError), self._at(path, gone_is_fine=True) as (folder, name):
            self._before("unlink", path)
            with suppress(FileNotFoundError):
                folder.unlink(name)
            folder.sync()

    def remove_partial(self, path: Path, *, follow: bool = False) -> None:
        """Remove what a ``write`` of ``path`` that was killed left beside it; fine if nothing."""
        with (
            suppress(FileNotFoundError),
            self._at(path, gone_is_fine=True, follow=follow) as (folder, name),
        ):
            partial = self.partial(folder.path / name)
            folder.stat(partial.name)
            self._before("unlink", partial)
            folder.unlink(partial.name)
            folder.sync()

    def remove_all(self, folder: Path, names: Iterable[str]) -> None:
        """Remove files and symlinks from one folder; thousands of them, quickly."""
        with (
            suppress(FileNotFoundError),
            _named(folder, gone_is_fine=True) as named,
            self.boundary.opened(folder) as opened,
        ):
            named.rights = opened.rights
            self._before("unlink", folder)
            for name in names:
                with suppress(FileNotFoundError):
                    opened.unlink(name)
            opened.sync()

    def remove_tree(self, path: Path) -> None:
        """Remove a folder and all that it holds; fine if it is gone already.

        It first gets a name that nothing looks for, so that nobody ever meets half of it.
        """
        going = self.partial(path)
        with suppress(FileNotFoundError), self._at(path, gone_is_fine=True) as (folder, name):
            if folder.is_folder(name):
                self._before("rename", going)
                folder.clear(going.name)
                folder.rename(name, going.name)
            if folder.is_folder(going.name):
                self._before("rmtree", going)
                folder.remove_tree(going.name)
            folder.sync()

    def remove_folder(self, path: Path) -> bool:
        """Remove a folder if it is empty; fine if it is gone already. Whether it is gone then."""
        with suppress(FileNotFoundError), self._at(path, gone_is_fine=True) as (folder, name):
            self._before("rmdir", path)
            try:
                folder.remove_folder(name)
            except FileNotFoundError:
                return True
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                return False
            folder.sync()
        return True

    @staticmethod
    def partial(path: Path) -> Path:
        """The name that ``path`` has while it is being written or thrown away."""
        return path.with_name(PARTIAL.format(name=path.name))

    @contextmanager
    def _at(
        self, path: Path, *, gone_is_fine: bool = False, follow: bool = False
    ) -> Iterator[tuple[OpenFolder, str]]:
        """The folder of ``path``, open, and its name there; errors name ``path``."""
        with (
            _named(path, gone_is_fine=gone_is_fine) as named,
            self.boundary.entry(path, follow=follow) as (folder, name),
        ):
            named.rights = folder.rights
            yield folder, name


class _named:  # noqa: N801 - reads as a statement
    """Turns an OSError into a CmpBundleError that names the file and what to do.

    With ``gone_is_fine`` FileNotFoundError stays what it is, for whoever suppresses it.
    """

    def __init__(
        self, path: Path, rights: Rights | None = None, *, gone_is_fine: bool = False
    ) -> None:
        self._path = path
        self._gone_is_fine = gone_is_fine
        #: Whose were used, once that is known.
        self.rights = rights

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, OSError):
            return
        if self._gone_is_fine and isinstance(error, FileNotFoundError):
            return
        hint = None
        if isinstance(error, PermissionError):
            hint = not_allowed(self.rights)
        elif isinstance(error, FileNotFoundError):
            hint = f"make its folder first: mkdir -p {word(self._path.parent)}"
        elif error.errno == errno.ENOSPC:
            hint = "free some space on this disk, then run it again; nothing was left half-written"
        elif error.errno == errno.EROFS:
            hint = "this file system is mounted read-only"
        raise CmpBundleError(
            "unwritable", f"cannot be changed: {reason(error)}", file=self._path, hint=hint
        ) from error


def _refuse_device(folder: OpenFolder, name: str, path: Path) -> None:
    """A rename would put a file in the place of /dev/null, and root may do so."""
    try:
        mode = folder.stat(name).st_mode
    except FileNotFoundError:
        return
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISDIR(mode)):
        raise CmpBundleError(
            "not-a-file",
            "is a device or a pipe, and is not replaced",
            file=path,
            hint="name a file",
        )


def _linked(
    folder: OpenFolder, name: str, home: OpenFolder, like: str, owner: FileOwnership
) -> bool:
    """Give ``like`` the name ``name`` too; False where it is another's file, or cannot be."""
    uid = folder.rights.uid if owner.uid == -1 else owner.uid
    try:
        found = home.stat(like)
        if not stat.S_ISREG(found.st_mode) or stat.S_IMODE(found.st_mode) != owner.mode:
            return False
        if found.st_uid != uid or owner.gid not in (-1, found.st_gid):
            return False
        with suppress(FileNotFoundError):
            folder.unlink(name)
        folder.make_hard_link(name, home, like)
    except OSError:
        return False  # so it is written, and what is really wrong comes out there
    return True


def _put_labels(labels: Mapping[str, bytes], descriptor: int) -> None:
    for name, value in labels.items():
        try:
            os.setxattr(descriptor, name, value)
        except OSError as error:
            # One that may not be set, such as a label in a container, costs none of the others.
            if error.errno not in (errno.ENOTSUP, errno.EPERM):
                raise
