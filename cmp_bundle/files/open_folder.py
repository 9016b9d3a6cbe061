"""A folder held open, and what can be done to the names in it: no link in it is ever followed."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import stat
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files.owner import Owner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cmp_bundle.files.rights import Rights

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
    owner: Owner
    mtime: float


@dataclass(frozen=True)
class OpenFolder:
    """``descriptor`` is open, ``rights`` are the ones to use in it, ``path`` is for people."""

    descriptor: int
    rights: Rights
    path: Path

    def with_rights(self, rights: Rights) -> OpenFolder:
        return replace(self, rights=rights)

    def stat(self, name: str) -> os.stat_result:
        with self.rights.taken():
            return os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)

    def target(self, name: str) -> str:
        """Where a symlink leads to, as it says."""
        with self.rights.taken():
            return os.readlink(name, dir_fd=self.descriptor)

    def names(self) -> list[str]:
        """What it holds, sorted."""
        with self.listable() as descriptor:
            return sorted(os.listdir(descriptor))  # noqa: PTH208 - by its handle, not by a path

    def read(self, name: str, most: int = LARGEST) -> Content:
        """A regular file. Raises OSError, NoFileError, TooLargeError for more than ``most`` bytes.

        A pipe is never waited for: it is opened so that it cannot be.
        """
        try:
            with self.rights.taken():
                descriptor = os.open(
                    name,
                    os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC,
                    dir_fd=self.descriptor,
                )
        except OSError as error:
            if error.errno in (errno.ENXIO, errno.ENODEV):  # a socket, a device without a driver
                raise self._no_file(name) from error
            raise
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            raise self._no_file(name)
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise TooLargeError(
                f"is larger than {most} bytes, and no file of cmp-bundle is",
                file=self.path / name,
                hint="move it away",
            )
        return Content(data, Owner.from_stat(found), found.st_mtime)

    def _no_file(self, name: str) -> NoFileError:
        return NoFileError(
            "is not a file, but a folder, a device or a pipe",
            file=self.path / name,
            hint="move it away",
        )

    def create(self, name: str) -> BinaryIO:
        """An empty file of ours alone, whatever was there."""
        with self.rights.taken():
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self.descriptor)
            descriptor = os.open(
                name,
                os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC,
                0o600,
                dir_fd=self.descriptor,
            )
        return os.fdopen(descriptor, "wb")

    def make_folder(self, name: str) -> int:
        """A new folder's descriptor. Raises FileExistsError, also for whatever is put there at once."""
        with self.rights.taken():
            os.mkdir(name, 0o755, dir_fd=self.descriptor)
            descriptor = os.open(
                name,
                os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC,
                dir_fd=self.descriptor,
            )
            maker = os.geteuid()
        if os.fstat(descriptor).st_uid != maker:
            os.close(descriptor)
            raise FileExistsError(errno.EEXIST, "was exchanged for another", str(self.path / name))
        return descriptor

    def make_link(self, name: str, target: str) -> None:
        with self.rights.taken():
            os.symlink(target, name, dir_fd=self.descriptor)

    def make_hard_link(self, name: str, folder: OpenFolder, like: str) -> None:
        """Give the file ``like`` of another folder this name too."""
        with self.rights.taken():
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
        with self.rights.taken():
            os.rename(name, to, src_dir_fd=self.descriptor, dst_dir_fd=target.descriptor)

    def exchange(self, name: str, other: str) -> bool:
        """Swap two names in one step; False where the system or its file system cannot."""
        try:
            renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
        except (AttributeError, OSError):
            return False
        here = self.descriptor
        with self.rights.taken():
            done = renameat2(here, os.fsencode(name), here, os.fsencode(other), _RENAME_EXCHANGE)
        return bool(done == 0)

    def unlink(self, name: str) -> None:
        with self.rights.taken():
            os.unlink(name, dir_fd=self.descriptor)

    def remove_folder(self, name: str) -> None:
        with self.rights.taken():
            os.rmdir(name, dir_fd=self.descriptor)

    def remove_tree(self, name: str) -> None:
        with self.rights.taken():
            shutil.rmtree(name, dir_fd=self.descriptor)

    def labels(self, name: str) -> dict[str, bytes]:
        """The extended attributes that another file may get: SELinux labels and ACLs above all."""
        if not hasattr(os, "listxattr"):
            return {}
        try:
            with self.rights.taken():
                descriptor = os.open(
                    name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self.descriptor
                )
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ELOOP, errno.EACCES, errno.ENXIO):
                return {}
            raise
        try:
            names = os.listxattr(descriptor)
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
        with self.rights.taken():
            descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=self.descriptor)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


_RENAME_EXCHANGE = 2


def _is_label(name: str) -> bool:
    return name in _LABELS or name.startswith("user.")
