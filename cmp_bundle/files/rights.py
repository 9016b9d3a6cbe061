"""Whose rights are used: root takes those of whoever else may change a folder, before it acts there."""

from __future__ import annotations

import os
import pwd
import signal
import stat
import threading
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.errors import AS_ANOTHER_USER, CmpBundleError, reason
from cmp_bundle.files import thread_ids
from cmp_bundle.files.owned import exists

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType


#: The one that nothing belongs to, by convention. (Linux calls it the overflow gid.)
_NO_GROUP = 65534


@dataclass(frozen=True)
class Rights:
    """A user by numbers; ``name`` is for people."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    name: str = ""

    @classmethod
    def of(cls, uid: int, gid: int) -> Rights:
        """Those of the user ``uid``; ``gid`` is the group where the system knows no such user."""
        try:
            entry = pwd.getpwuid(uid)
        except KeyError:
            return cls(uid, gid, (gid,), str(uid))
        groups = tuple(os.getgrouplist(entry.pw_name, entry.pw_gid))
        return cls(uid, entry.pw_gid, groups, entry.pw_name)

    @classmethod
    def own(cls) -> Rights:
        """Those of this process, or of whoever's it has taken."""
        with _LOCK:
            uid = os.geteuid()
            return cls(uid, os.getegid(), name="this user" if uid else "root")

    @property
    def are_roots(self) -> bool:
        return self.uid == 0

    def taken(self) -> AbstractContextManager[None]:
        """Root has these rights on the disk meanwhile, and no more.

        The kernel judges every step by them, whatever stands in the way by then. On Linux it is
        the calling thread alone that has them; elsewhere it is the process, and one thread waits
        for the other. Whoever is not root, or has taken rights already, stays what it is.

        Ctrl-C waits until root is itself again. Raises CmpBundleError where root may not take
        them, as in some containers.
        """
        return nullcontext() if self.are_roots or Rights.own().uid != 0 else _Taken(self)

    def may_write_in(self, descriptor: int) -> bool:
        """Whether the folder ``descriptor`` may be changed with these rights.

        The kernel is asked, since groups and access control lists count as well as the mode.
        (Before Linux 5.8 the C library answers, and knows nothing of lists.)
        """
        with self.taken():
            return os.access(".", os.W_OK, dir_fd=descriptor, effective_ids=True)


@dataclass(frozen=True)
class Users:
    """Whom else there is: ``service`` is what Asterisk runs as.

    ``known`` is whether this system knows them by name. It does not below another ``/``, where a
    user may well have the number of one of ours, who may be in other groups.
    """

    service: Rights | None = None
    known: bool = True

    def limit(self, rights: Rights, found: os.stat_result) -> Rights:
        """What is left of ``rights`` at something that was found: root's end at what is another's."""
        if not rights.are_roots or found.st_uid == 0:
            return rights
        if self.service is not None and self.service.uid == found.st_uid:
            return self.service
        if self.known:
            # The group of a folder says nothing about its owner, who need not be in it.
            return Rights.of(found.st_uid, _NO_GROUP)
        return Rights(found.st_uid, _NO_GROUP, (), str(found.st_uid))

    def limit_in(self, rights: Rights, descriptor: int) -> Rights:
        """What is left of ``rights`` in an open folder: also where the service may change it."""
        found, service = os.fstat(descriptor), self.service
        left = self.limit(rights, found)
        # In /tmp everybody may write, and nobody may touch what is another's.
        if not left.are_roots or service is None or found.st_mode & stat.S_ISVTX:
            return left
        return service if not service.are_roots and service.may_write_in(descriptor) else left


class _Taken(AbstractContextManager[None]):
    def __init__(self, rights: Rights) -> None:
        self._rights = rights
        self._before: tuple[int, list[int]] | None = None
        self._ctrl_c = _CtrlC()

    def __enter__(self) -> None:
        self._ctrl_c.hold()
        _LOCK.__enter__()
        try:
            self._take()
        except BaseException:
            self.__exit__()
            raise

    def _take(self) -> None:
        rights = self._rights
        self._before = os.getegid(), os.getgroups()
        try:
            # Only the effective ids: the user whose rights they are may neither stop nor trace us.
            thread_ids.take(rights.uid, rights.gid, rights.groups)
        except OSError as error:
            name = rights.name or rights.uid
            raise CmpBundleError(
                "no-rights",
                f"root cannot take the rights of {name} here, and without them it changes nothing"
                f" in folders of {name}: {(error.strerror or '').lower()}",
                hint=f"a container needs the capabilities SETUID and SETGID; or run it as {name}",
            ) from error

    def __exit__(self, *_: object) -> None:
        try:
            if self._before is not None:
                thread_ids.give_back(*self._before)
        finally:
            _LOCK.__exit__(None, None, None)
            self._ctrl_c.let_go()


class _CtrlC:
    """Python may raise KeyboardInterrupt between any two steps, also where rights are given back."""

    def __init__(self) -> None:
        self._came = False
        self._handler: object = None

    def hold(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return  # it comes to the main thread only
        handler = signal.getsignal(signal.SIGINT)
        if callable(handler):
            signal.signal(signal.SIGINT, self._note)
            self._handler = handler

    def let_go(self) -> None:
        handler = self._handler
        if callable(handler):
            signal.signal(signal.SIGINT, handler)
            if self._came:
                handler(signal.SIGINT, None)

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self._came = True


#: Where a process has its ids as a whole, a second thread would take them for its own.
_LOCK: AbstractContextManager[object] = (
    nullcontext() if thread_ids.of_one_thread() else threading.RLock()
)


def not_allowed(rights: Rights | None) -> str:
    """What to do where the system says no to ``rights``; None are those of whoever runs this."""
    if Rights.own().uid != 0:
        return AS_ANOTHER_USER
    if rights is None or rights.are_roots:
        return (
            "check its attributes (lsattr), and how its file system is mounted; what a user mounted"
            " may be closed to root: sudo -u USER cmp-bundle …"
        )
    name = rights.name or rights.uid
    return (
        f"{name} may change this folder, so root does there only what {name} may do: check who"
        " owns the file and its folder, and where symlinks point"
    )


def is_there(path: Path) -> bool:
    """Whether anything is at ``path``, symlinks followed. Raises CmpBundleError where nobody may tell."""
    try:
        return exists(path)
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(
    file: Path | str, error: OSError, hint: str | None = None, rights: Rights | None = None
) -> CmpBundleError:
    """That the system did not let ``rights`` (None: whoever runs this) read ``file``."""
    if hint is None and isinstance(error, PermissionError):
        hint = not_allowed(rights)
    return CmpBundleError("unreadable", f"cannot be read: {reason(error)}", file=file, hint=hint)
