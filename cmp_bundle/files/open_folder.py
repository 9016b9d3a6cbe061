"""A folder held open, and what can be done to the names in it: no link in it is ever followed."""

from __future__ import annotations

import ctypes
import errno
import os
import posixpath
import stat
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files.owner import FileOwnership
from cmp_bundle.files.rights import Rights, Users

if TYPE_CHECKING:
    from collections.abc import Iterator

#: So deep a tree is nobody's release, and nobody is to use up our descriptors.
_DEEPEST = 64

#: Larger ones are no file of ours or of Asterisk's, and nobody is to fill our memory.
LARGEST = 1 << 28

#: What cannot be taken along from a file that somebody else may have put there: with
#: ``security.capability`` a program has rights of its own.
_LABELS = ("security.selinux", "security.SMACK64", "system.posix_acl_access")


class NoFileError(CmpBundleError):
    """A folder, a device, a pipe or a socket stands where a file was to be read."""


class TooLargeError(CmpBundleError):
    """A file that nobody would fill so, for good."""


@dataclass(frozen=True)
class Content:
    """A regular file as it was read through one handle. ``mtime`` is in seconds since 1970."""

    data: bytes
    owner: FileOwnership
    mtime: float


#: To pass a folder takes the right to search it, not to list it. Not all systems have that.
_HANDLE = getattr(os, "O_PATH", os.O_RDONLY) | os.O_NOFOLLOW | os.O_CLOEXEC
_PASS = _HANDLE | os.O_DIRECTORY
_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: No pipe is waited for, nor a lease, and no terminal becomes ours.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class OpenFolder:
    """``descriptor`` is open, ``rights`` are the ones to use in it, ``where`` is for people.

    Names are single ones. Errors of the system are OSError and have the whole path.
    """

    descriptor: int
    rights: Rights
    where: str
    users: Users

    @property
    def path(self) -> Path:
        return Path(self.where)

    @classmethod
    def top(cls, users: Users) -> OpenFolder:
        """``/`` with the rights of this process. Whoever asks closes the descriptor."""
        descriptor = os.open("/", _PASS)
        return cls(descriptor, users.limit_in(Rights.own(), descriptor), "/", users)

    def enter(self, name: str) -> OpenFolder:
        """The folder ``name``, with what is left of the rights. Whoever asks closes the descriptor.

        Raises NotADirectoryError for anything else, a symlink above all.
        """
        try:
            with self._acting(name):
                descriptor = os.open(name, _PASS, dir_fd=self.descriptor)
        except OSError as error:
            if error.errno == errno.ELOOP:  # so a symlink is called where there is no O_PATH
                raise NotADirectoryError(errno.ENOTDIR, error.strerror, error.filename) from error
            raise
        rights = self.users.limit_in(self.rights, descriptor)
        return OpenFolder(descriptor, rights, self._path_of(name), self.users)

    def with_rights(self, rights: Rights) -> OpenFolder:
        return replace(self, rights=rights)

    def limited_by(self, found: os.stat_result) -> OpenFolder:
        """With what is left of the rights once one goes where somebody's symlink leads."""
        return self.with_rights(self.users.limit(self.rights, found))

    def stat(self, name: str) -> os.stat_result:
        """Of ``name``, or of the folder itself by the name ``.``."""
        with self._acting() if name == "." else self._acting(name):
            return os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)

    def is_folder(self, name: str) -> bool:
        try:
            return stat.S_ISDIR(self.stat(name).st_mode)
        except FileNotFoundError:
            return False

    def link(self, name: str) -> tuple[os.stat_result, str] | None:
        """A symlink, and where it leads as it says; None for anything else, and for nothing."""
        try:
            if not hasattr(os, "O_PATH"):
                found = self.stat(name)
                return (found, self.target(name)) if stat.S_ISLNK(found.st_mode) else None
            with self._acting(name):
                descriptor = os.open(name, _HANDLE, dir_fd=self.descriptor)
        except FileNotFoundError:
            return None
        try:
            # One handle for both: it may be another link by now, of somebody else.
            found = os.fstat(descriptor)
            if not stat.S_ISLNK(found.st_mode):
                return None
            with self._acting(name):
                return found, os.readlink("", dir_fd=descriptor)
        finally:
            os.close(descriptor)

    def target(self, name: str) -> str:
        """Where a symlink leads to, as it says."""
        with self._acting(name):
            return os.readlink(name, dir_fd=self.descriptor)

    def names(self) -> list[str]:
        """What it holds, sorted."""
        with self.listable() as descriptor:
            return sorted(os.listdir(descriptor))  # noqa: PTH208 - a descriptor is no path

    def read(self, name: str, most: int = LARGEST, *, tail: bool = False) -> Content:
        """A regular file. Raises OSError, NoFileError, TooLargeError for more than ``most`` bytes; with
        ``tail`` these are its last ones.

        A pipe is never waited for: it is opened so that it cannot be.
        """
        try:
            with self._acting(name):
                descriptor = os.open(name, _READ, dir_fd=self.descriptor)
        except OSError as error:
            if error.errno in (errno.ENXIO, errno.ENODEV):  # a socket, a device without a driver
                raise self._no_file(name) from error
            raise
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            raise self._no_file(name)
        with os.fdopen(descriptor, "rb") as file:
            if tail:
                file.seek(max(0, found.st_size - most))
            data = file.read(most if tail else most + 1)
        if len(data) > most:
            raise TooLargeError(
                "too-large",
                f"is larger than {most} bytes, and no file of cmp-bundle is",
                file=self._path_of(name),
                hint="move it away",
            )
        return Content(data, FileOwnership.from_stat(found), found.st_mtime)

    def _no_file(self, name: str) -> NoFileError:
        return NoFileError(
            "not-a-file",
            "is not a file, but a folder, a device or a pipe",
            file=self._path_of(name),
            hint="move it away",
        )

    def create(self, name: str, owner: FileOwnership) -> BinaryIO:
        """An empty file that nobody else has open, whatever was there. Not yet ``owner``'s.

        What the user makes whose rights these are, he may open before it changes hands, and go on
        writing to it. So what will be another's is root's from the beginning, in a folder where
        this user could have made it.
        """
        foreign = self._is_foreign(owner)
        with self._acting(name):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self.descriptor)
            if not foreign:
                return os.fdopen(os.open(name, _NEW, 0o600, dir_fd=self.descriptor), "wb")
        if not self.rights.may_write_in(self.descriptor):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), self._path_of(name))
        return os.fdopen(os.open(name, _NEW, 0o600, dir_fd=self.descriptor), "wb")

    def make_folder(self, name: str, mode: int) -> int:
        """A new folder's descriptor. Raises CmpBundleError if another is there by then.

        It is never open to more than ``mode`` says, not even for the moment until it is given away.
        """
        with self._acting(name):
            os.mkdir(name, mode & 0o755, dir_fd=self.descriptor)
            descriptor = os.open(name, _LIST, dir_fd=self.descriptor)
            maker = os.geteuid()
        if os.fstat(descriptor).st_uid != maker:
            os.close(descriptor)
            raise self._exchanged(name)
        return descriptor

    def give_folder(self, name: str, descriptor: int, owner: FileOwnership) -> None:
        """A folder that was just made gets its owner. Raises CmpBundleError if it is another.

        Whoever's rights made it may have put another of his folders there, and that one may hold
        something: he is not to have it from us as somebody else's.
        """
        before = os.fstat(descriptor)
        if self._is_foreign(owner):
            os.fchown(descriptor, 0, 0)
            os.fchmod(descriptor, 0o700)
            if os.listdir(descriptor):
                os.fchmod(descriptor, stat.S_IMODE(before.st_mode))
                os.fchown(descriptor, before.st_uid, before.st_gid)
                raise self._exchanged(name)
        owner.put_on(descriptor)
        now = self.stat(name)
        if (now.st_dev, now.st_ino) != (before.st_dev, before.st_ino):
            raise self._exchanged(name)

    def make_link(self, name: str, target: str) -> None:
        with self._acting(name):
            os.symlink(target, name, dir_fd=self.descriptor)

    def make_hard_link(self, name: str, folder: OpenFolder, like: str) -> None:
        """Give the file ``like`` of another folder this name too."""
        with self._lesser(folder)._acting(name, like):  # noqa: SLF001 - one of us
            os.link(
                like,
                name,
                src_dir_fd=folder.descriptor,
                dst_dir_fd=self.descriptor,
                follow_symlinks=False,
            )

    def rename(self, name: str, to: str, folder: OpenFolder | None = None) -> None:
        """To ``to``, here or in another folder, replacing what is there."""
        target = folder or self
        with self._lesser(target)._acting(name, to):  # noqa: SLF001 - one of us
            os.rename(name, to, src_dir_fd=self.descriptor, dst_dir_fd=target.descriptor)

    def exchange(self, name: str, other: str) -> bool:
        """Swap two names in one step; False where the system or its file system cannot."""
        try:
            renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
        except (AttributeError, OSError):
            return False
        here = self.descriptor
        with self._acting(name, other):
            done = renameat2(here, os.fsencode(name), here, os.fsencode(other), _RENAME_EXCHANGE)
        return bool(done == 0)

    def unlink(self, name: str) -> None:
        with self._acting(name):
            os.unlink(name, dir_fd=self.descriptor)

    def remove_folder(self, name: str) -> None:
        with self._acting(name):
            os.rmdir(name, dir_fd=self.descriptor)

    def remove_tree(self, name: str, most: int = _DEEPEST) -> None:
        """A folder and all that it holds. Raises NotADirectoryError for anything else.

        Each folder below is entered as on any way, so that root's rights end where it is another's.
        """
        if most == 0:
            raise CmpBundleError(
                "unwritable",
                f"is more than {_DEEPEST} folders deep, and no file of cmp-bundle is",
                file=self._path_of(name),
                hint="remove it by hand",
            )
        below = self.enter(name)
        try:
            with below.listable() as descriptor, os.scandir(descriptor) as found:
                entries = [(e.name, e.is_dir(follow_symlinks=False)) for e in found]
            for entry, is_folder in entries:
                if is_folder:
                    below.remove_tree(entry, most - 1)
                else:
                    below.unlink(entry)
        finally:
            os.close(below.descriptor)
        self.remove_folder(name)

    def clear(self, name: str) -> None:
        """Whatever is there is gone; fine if nothing is."""
        with suppress(FileNotFoundError):
            if self.is_folder(name):
                self.remove_tree(name)
            else:
                self.unlink(name)

    def labels(self, name: str, uid: int) -> dict[str, bytes]:
        """What another file of ``uid`` may take along of this one: SELinux labels and ACLs above all.

        The access list of somebody else's file could let him write to the new one.
        """
        if not hasattr(os, "listxattr"):
            return {}
        try:
            with self._acting(name):
                descriptor = os.open(name, _READ, dir_fd=self.descriptor)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ELOOP, errno.EACCES, errno.ENXIO):
                return {}
            raise
        try:
            names = os.listxattr(descriptor) if os.fstat(descriptor).st_uid == uid else ()
            return {n: os.getxattr(descriptor, n) for n in names if _is_label(n)}
        except OSError as error:
            if error.errno in (errno.ENOTSUP, errno.ENODATA):
                return {}
            raise
        finally:
            os.close(descriptor)

    def sync(self) -> None:
        """What was done to its names stays, whatever happens to the machine."""
        with self.listable() as descriptor:
            os.fsync(descriptor)

    @contextmanager
    def listable(self) -> Iterator[int]:
        with self._acting():
            descriptor = os.open(".", _LIST, dir_fd=self.descriptor)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _acting(self, *names: str) -> _Acting:
        """The rights are taken meanwhile. Raises OSError for what is no single name."""
        return _Acting(self, names)

    def _path_of(self, *names: str) -> str:
        return posixpath.join(self.where, *names[:1])

    def _is_foreign(self, owner: FileOwnership) -> bool:
        """Whether it takes root, beside the rights here, to give something to ``owner``."""
        others = not self.rights.are_roots and owner.uid not in (-1, self.rights.uid)
        return others and Rights.own().are_roots

    def _lesser(self, other: OpenFolder) -> OpenFolder:
        """Of two folders that are changed at once, the one with fewer rights."""
        return other if self.rights.are_roots else self

    def _exchanged(self, name: str) -> CmpBundleError:
        return CmpBundleError(
            "file-changed",
            "was just made, and somebody has already replaced it",
            file=self._path_of(name),
            hint="find out who else changes this folder, then run this again",
        )


class _Acting:
    """See OpenFolder._acting; it is a class for the sake of speed."""

    __slots__ = ("_folder", "_names", "_taken")

    def __init__(self, folder: OpenFolder, names: tuple[str, ...]) -> None:
        self._folder = folder
        self._names = names
        self._taken = folder.rights.taken()

    def __enter__(self) -> None:
        for name in self._names:
            if name in ("", ".", "..") or "/" in name:
                path = self._folder._path_of(name)  # noqa: SLF001 - one of us
                raise OSError(errno.EINVAL, "this is not a file name", path)
        self._taken.__enter__()

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._taken.__exit__(None, None, None)
        if isinstance(error, OSError):
            error.filename = self._folder._path_of(*self._names)  # noqa: SLF001 - one of us


_RENAME_EXCHANGE = 2


def _is_label(name: str) -> bool:
    return name in _LABELS or name.startswith("user.")
