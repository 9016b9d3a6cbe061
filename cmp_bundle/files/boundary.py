"""The way to a folder, by handles: what lies on it is looked at once, and never by name again.

docs/decisions/0010 has the reasons. In short: root keeps its own rights only along folders that
nobody but root can change. From the first folder on that somebody else owns, or that the user of
the service (Asterisk's) may write in, it goes on with the rights of that user, and never gets its
own back further down. So a symlink that such a user has set leads to nothing that this user could
not reach without us.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files.open_folder import OpenFolder
from cmp_bundle.files.rights import Rights, not_allowed

if TYPE_CHECKING:
    from collections.abc import Iterator

#: As many symlinks as Linux follows in one path (path_resolution(7)).
_MOST_LINKS = 40

#: To pass a folder takes the right to search it, not to list it. Not all systems have that.
_PASS = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Boundary:
    """``root`` is the folder that the service takes for ``/``, ``user`` what it runs as.

    Symlinks below ``root`` that begin with a slash begin there, and none leads out of it.
    """

    root: Path = Path("/")
    user: Rights | None = None

    @contextmanager
    def opened(self, folder: Path, rights: Rights | None = None) -> Iterator[OpenFolder]:
        """``folder`` with the rights to use in it; below ``root`` no more than ``rights``, if given.

        Raises OSError where there is no way to it, CmpBundleError where a symlink on it could
        have been set by somebody whose rights this process cannot take.
        """
        with self._way(folder, rights) as (way, rest):
            way.go(_parts(rest))
            yield way.here

    @contextmanager
    def entry(
        self, path: Path, *, follow: bool = False, rights: Rights | None = None
    ) -> Iterator[tuple[OpenFolder, str]]:
        """The folder that ``path`` lies in, and its name there. Raises as ``opened`` does.

        With ``follow`` it is what a symlink there leads to, whether or not that exists.
        """
        with self._way(path, rights) as (way, rest):
            name = way.go_before(_parts(rest), follow=follow)
            yield way.here, name

    def resolved(self, path: Path, rights: Rights | None = None) -> Path:
        """``path`` without symlinks and ``..``; parts that are not there are kept as said.

        For people to read, and to compare with: by the time it is used it may lead elsewhere.
        """
        with self._way(path, rights) as (way, rest):
            return way.as_far_as_it_goes(_parts(rest))

    @contextmanager
    def _way(self, path: Path, rights: Rights | None) -> Iterator[tuple[_Way, str]]:
        path, root = path.absolute(), self.root.absolute()
        with ExitStack() as opened:
            way = _Way(self, opened)
            if not path.is_relative_to(root):
                yield way, str(path)
                return
            way.go(_parts(str(root)))
            way.enclose(rights)
            yield way, str(path.relative_to(root))


class _Way:
    """Folders opened one below the other. ``..`` and links go back, never above the first."""

    def __init__(self, boundary: Boundary, opened: ExitStack) -> None:
        self._boundary = boundary
        self._opened = opened
        self._links = 0
        own = Rights(os.geteuid(), os.getegid())
        self._passed = [self._folder(os.open("/", _PASS), own, Path("/"))]

    @property
    def here(self) -> OpenFolder:
        return self._passed[-1]

    def enclose(self, rights: Rights | None) -> None:
        """From now on the folder that was reached is the root, and ``rights`` are all there are."""
        here = self.here
        self._passed = [here if rights is None else here.with_rights(rights)]

    def go(self, rest: list[str]) -> None:
        """Enter the folders of ``rest``, the last of which comes first."""
        while rest:
            part = rest[-1]
            target = self._step(part)
            rest.pop()
            if target is not None:
                rest.extend(self._followed(part, target))

    def as_far_as_it_goes(self, rest: list[str]) -> Path:
        """The path of ``rest`` without symlinks; parts that are not there are kept as said."""
        try:
            self.go(rest)
        except (OSError, CmpBundleError):
            return Path(posixpath.normpath(self.here.path.joinpath(*reversed(rest))))
        return self.here.path

    def go_before(self, rest: list[str], *, follow: bool) -> str:
        """Enter all but the last of ``rest``, whose name it gives, symlinks followed if wanted."""
        while True:
            name, above = rest[0] if rest else "", rest[1:]
            self.go(above)
            if name in ("", ".."):
                raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(self.here.path / name))
            target = self._target(name) if follow else None
            if target is None:
                return name
            rest = self._followed(name, target)

    def _target(self, name: str) -> str | None:
        """Where ``name`` leads to here; None where it is no symlink, or not there."""
        try:
            found = self.here.stat(name)
        except FileNotFoundError:
            return None
        if not stat.S_ISLNK(found.st_mode):
            return None
        self._may_follow(self.here, name, found)
        return self.here.target(name)

    def _followed(self, name: str, target: str) -> list[str]:
        """What is to be entered for a symlink."""
        self._links += 1
        if self._links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(self.here.path / name))
        if target.startswith("/"):
            # The rights that led to the link are the ones that follow it.
            self._passed = [self._passed[0].with_rights(self.here.rights)]
        return _parts(target)

    def _step(self, name: str) -> str | None:
        """Enter the folder ``name``; where it is a symlink, its target instead."""
        if name == "..":
            del self._passed[max(1, len(self._passed) - 1) :]
            return None
        here = self.here
        try:
            with here.rights.taken():
                descriptor = os.open(name, _PASS, dir_fd=here.descriptor)
        except PermissionError as error:
            raise CmpBundleError(
                "is closed", file=here.path / name, hint=not_allowed(here.rights)
            ) from error
        except OSError as error:
            error.filename = str(here.path / name)
            if error.errno not in (errno.ELOOP, errno.ENOTDIR):
                raise
            found = here.stat(name)
            if not stat.S_ISLNK(found.st_mode):
                raise
            self._may_follow(here, name, found)
            return here.target(name)
        folder = self._folder(descriptor, here.rights, here.path / name)
        self._passed.append(folder)
        return None

    def _folder(self, descriptor: int, before: Rights, path: Path) -> OpenFolder:
        self._opened.callback(os.close, descriptor)
        return OpenFolder(descriptor, self._rights(descriptor, before), path)

    def _rights(self, descriptor: int, before: Rights) -> Rights:
        if os.geteuid() != 0 or not before.are_roots:
            return before
        found, user = os.fstat(descriptor), self._boundary.user
        if found.st_uid != 0:
            if user is not None and user.uid == found.st_uid:
                return user
            return Rights.of(found.st_uid, found.st_gid)
        # In /tmp everybody may write, and nobody may touch what is another's.
        sticky = found.st_mode & stat.S_ISVTX
        if user is not None and not user.are_roots and not sticky and _may_write(descriptor, user):
            return user
        return before

    def _may_follow(self, here: OpenFolder, name: str, link: os.stat_result) -> None:
        """Raises CmpBundleError where the link is somebody's whose rights are not to be had."""
        if not here.rights.are_roots and os.geteuid() == 0:
            return
        found = os.fstat(here.descriptor)
        ours = (0, os.geteuid())
        trusted = found.st_uid in ours and (
            link.st_uid in ours if found.st_mode & stat.S_ISVTX else not found.st_mode & 0o002
        )
        if not trusted:
            raise CmpBundleError(
                "is a symlink that somebody else could have put there, and is not followed",
                file=here.path / name,
                hint="name the folder that it leads to, or have it belong to root",
            )


def _may_write(descriptor: int, user: Rights) -> bool:
    # The kernel is asked, since groups and access control lists count as well as the mode.
    with user.taken():
        return os.access(".", os.W_OK, dir_fd=descriptor, effective_ids=True)


def _parts(path: str) -> list[str]:
    """The components of a path, the last one first."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]
