"""The way to a folder, by handles: what lies on it is looked at once, and never by name again.

docs/decisions/0010 has the reasons. In short: root keeps its own rights only along what belongs
to root. At the first folder or symlink that somebody else owns, or the first folder that the user
of the service (Asterisk's) may write in, it goes on with the rights of that user, and never gets
its own back on this way, wherever links and ``..`` lead. So a symlink that such a user has set
leads to nothing that this user could not reach without us.
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files.open_folder import OpenFolder
from cmp_bundle.files.rights import Rights, Users, not_allowed

if TYPE_CHECKING:
    from collections.abc import Iterator

#: As many symlinks as Linux follows in one path (path_resolution(7)).
_MOST_LINKS = 40


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

        Raises OSError where there is no way to it, CmpBundleError where a folder on it is closed
        to these rights, or where a symlink on it could have been set by somebody whose rights
        this process cannot take.
        """
        with self._way(folder, rights) as (way, rest):
            way.go(_parts(rest))
            yield way.arrived()

    @contextmanager
    def entry(
        self, path: Path, *, follow: bool = False, rights: Rights | None = None
    ) -> Iterator[tuple[OpenFolder, str]]:
        """The folder that ``path`` lies in, and its name there. Raises as ``opened`` does.

        With ``follow`` it is what a symlink there leads to, whether or not that exists.
        """
        with self._way(path, rights) as (way, rest):
            name = way.go_before(_parts(rest), follow=follow)
            yield way.arrived(), name

    def resolved(self, path: Path, rights: Rights | None = None) -> Path:
        """``path`` without symlinks and ``..``; parts that are not there are kept as said.

        For people to read, and to compare with: by the time it is used it may lead elsewhere.
        """
        with self._way(path, rights) as (way, rest):
            return way.as_far_as_it_goes(_parts(rest))

    def rights(self, path: Path) -> Rights:
        """What is left of this process's at the end of the way to ``path``, as far as that goes."""
        with self._way(path, None) as (way, rest):
            way.as_far_as_it_goes(_parts(rest))
            return way.here.rights

    @contextmanager
    def _way(self, path: Path, rights: Rights | None) -> Iterator[tuple[_Way, str]]:
        path, root = path.absolute(), self.root.absolute()
        way = _Way(Users(self.user, known=root == Path("/")))
        try:
            if path.is_relative_to(root):
                way.go(_parts(str(root)))
                way.enclose(rights)
                path = path.relative_to(root)
            yield way, str(path)
        finally:
            way.close()


class _Way:
    """Folders opened one below the other. ``..`` and links go back, never above the first.

    None of them has more rights than the one before it in time.
    """

    def __init__(self, users: Users) -> None:
        self._links = 0
        self._passed = [OpenFolder.top(users)]

    @property
    def here(self) -> OpenFolder:
        return self._passed[-1]

    def enclose(self, rights: Rights | None) -> None:
        """From now on the folder that was reached is the root, and ``rights`` are all there are."""
        here = self.arrived()
        if rights is not None and not rights.are_roots:
            self._passed = [here.with_rights(rights)]

    def arrived(self) -> OpenFolder:
        """The folder that was reached; the way back is not needed any more."""
        *above, here = self._passed
        self._passed = [here]
        _close(above)
        return here

    def close(self) -> None:
        _close(self._passed)

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
                raise OSError(
                    errno.EISDIR, os.strerror(errno.EISDIR), posixpath.join(self.here.where, name)
                )
            target = self._target(name) if follow else None
            if target is None:
                return name
            rest = self._followed(name, target)

    def _step(self, name: str) -> str | None:
        """Enter the folder ``name``; where it is a symlink, its target instead."""
        if name == "..":
            self._go_up()
            return None
        try:
            self._passed.append(self.here.enter(name))
        except PermissionError as error:
            raise self._closed() from error
        except NotADirectoryError:
            target = self._target(name)
            if target is None:
                raise
            return target
        return None

    def _go_up(self) -> None:
        if len(self._passed) > 1:
            below = self._passed.pop()
            self._passed[-1] = self.here.with_rights(below.rights)
            _close([below])

    def _target(self, name: str) -> str | None:
        """Where ``name`` leads to here; None where it is no symlink, or not there."""
        try:
            found = self.here.link(name)
        except PermissionError as error:
            raise self._closed() from error
        if found is None:
            return None
        link, target = found
        self._may_follow(name, link)
        self._passed[-1] = self.here.limited_by(link)
        return target

    def _followed(self, name: str, target: str) -> list[str]:
        """What is to be entered for a symlink."""
        self._links += 1
        if self._links > _MOST_LINKS:
            raise OSError(
                errno.ELOOP, os.strerror(errno.ELOOP), posixpath.join(self.here.where, name)
            )
        if target.startswith("/"):
            first, *others = self._passed
            # The rights that led to the link are the ones that follow it.
            self._passed = [first.with_rights(self.here.rights)]
            _close(others)
        return _parts(target)

    def _closed(self) -> CmpBundleError:
        # What is passed need not be readable, so it is the folder around it that says no.
        rights = self.here.rights
        return CmpBundleError(
            "unreadable",
            f"cannot be read by {rights.name or rights.uid}",
            file=self.here.path,
            hint=not_allowed(rights),
        )

    def _may_follow(self, name: str, link: os.stat_result) -> None:
        """Raises CmpBundleError where the link is somebody's whose rights are not to be had."""
        rights = Rights.own()
        if rights.are_roots:
            return
        trusted_uids, folder = (0, rights.uid), os.fstat(self.here.descriptor)
        anybodys = folder.st_mode & stat.S_IWOTH and not folder.st_mode & stat.S_ISVTX
        if link.st_uid not in trusted_uids or folder.st_uid not in trusted_uids or anybodys:
            raise CmpBundleError(
                "symlink",
                "is a symlink that another user could have made, so it is not followed",
                file=self.here.path / name,
                hint="name the folder that it points to, or make root its owner",
            )


def _close(folders: list[OpenFolder]) -> None:
    for folder in folders:
        os.close(folder.descriptor)


def _parts(path: str) -> list[str]:
    """The components of a path, the last one first."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]
