"""A file as another user can read it: read by a process that is that user and nothing more."""

from __future__ import annotations

import enum
import os
import select
import signal
import stat
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cmp_bundle.asterisk.conf_files import Absence, ConfFolder
from cmp_bundle.asterisk.installation import outside, user_ids
from cmp_bundle.asterisk.process import groups_of
from cmp_bundle.errors import AS_ANOTHER_USER, CmpBundleError
from cmp_bundle.shell import word
from cmp_bundle.tls.desktop_user import is_root

if TYPE_CHECKING:
    from cmp_bundle.asterisk.installation import Installation

#: Seconds for one file. A folder can be somebody's own program (FUSE), which need never answer.
PATIENCE = 10.0

_CHUNK = 1 << 16


@dataclass(frozen=True)
class ReadingUser:
    """A user by its numbers; ``root`` is the folder that is ``/`` to it.

    ``groups`` are those beside ``gid``; None for those that a login would give.
    """

    name: str
    uid: int
    gid: int
    root: Path = Path("/")
    groups: tuple[int, ...] | None = None


class Why(enum.Enum):
    """What stands against reading."""

    MISSING = "is not there"
    CLOSED = "cannot be read by this user"
    NO_FILE = "is not a regular file"
    TOO_LARGE = "is too large"
    UNKNOWN = "cannot be read"


@dataclass(frozen=True)
class Unread:
    """``path``, on this machine, is what is in the way: the file, where a link leads, or a folder.

    ``reason`` is the system's own word, or what kind of thing ``path`` is.
    """

    why: Why
    path: Path
    reason: str = ""


def asterisk(installation: Installation) -> ReadingUser | None:
    """Asterisk's user, with the groups that it has now if it runs; None where nobody knows it."""
    name = installation.user.value
    ids = user_ids(installation) or ((0, 0) if name == "root" else None)
    if ids is None:
        return None
    groups = None
    if installation.running:
        folder = (installation.control.directories() or {}).get("Run/Sockets directory", "")
        groups = groups_of(installation.outside(f"{folder}/asterisk.ctl"), ids[0])
    return ReadingUser(name, *ids, installation.root, groups)


def of(installation: Installation) -> ReadingUser:
    """Asterisk's user, as far as it is known; else whoever has the configuration, or runs this."""
    rights = installation.rights
    known = asterisk(installation)
    if known is not None or rights is None:
        return known or oneself(installation.root)
    return ReadingUser(rights.name, rights.uid, rights.gid, installation.root, rights.groups)


def oneself(root: Path = Path("/")) -> ReadingUser:
    """Whoever runs this."""
    return ReadingUser("this user", os.geteuid(), os.getegid(), root, tuple(os.getgroups()))


def contents(path: str, reader: ReadingUser, most: int) -> bytes | Unread:
    """The bytes behind ``path``, an absolute one as ``reader`` sees it, if ``reader`` may read them.

    Links are followed as they lead ``reader``, within its root. No more than ``most`` bytes, and
    nothing but a regular file: a pipe or a device is not waited for. Only root can be somebody
    else; all others read as themselves, and what they may not see is CLOSED.
    """
    if "\0" in path:
        return Unread(Why.UNKNOWN, Path(path), "a file cannot have such a name")
    root = is_root()
    groups = _groups(reader) if root else []
    seen = path if root else str(outside(reader.root, path))
    here, there = os.pipe()
    with warnings.catch_warnings():
        # Of locks that other threads may hold: the child takes none, it asks the system alone.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _as_reader(seen, reader if root else None, groups, most, there)
    os.close(there)
    try:
        answer = _all(here, most + _CHUNK)
    finally:
        os.close(here)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return _understood(answer, path, reader)


def refusal(path: Path, unread: Unread, reader: ReadingUser, hint: str) -> CmpBundleError:
    """That Asterisk, which is ``reader``, cannot read ``path``, a file of this machine.

    ``hint`` is what to do where the right file is not there.
    """
    code, file = "unreadable", path
    match unread.why:
        case Why.MISSING:
            code, linked = "T103", unread.path != path
            message = (
                f"is a symlink to {unread.path}, which does not exist" if linked else "is not there"
            )
        case Why.CLOSED:
            file = unread.path
            if not is_root():
                message, hint = "cannot be read by this user", AS_ANOTHER_USER
            elif unread.reason == "a folder":
                code = "T118"
                message = f"Asterisk runs as {reader.name}, who may not enter this folder to {path}"
                hint = (
                    f"at every renewal, copy it to a folder that {reader.name} can read, and name"
                    " that copy in Asterisk's configuration"
                )
            else:
                code = "T104"
                message = f"Asterisk runs as {reader.name}, who cannot read this file"
                hint = f"give it to {reader.name}: chown {reader.name} {word(file)}"
        case Why.NO_FILE:
            message = f"is {unread.reason}, but Asterisk needs a file here"
        case Why.TOO_LARGE:
            message = "is too large to be a certificate or key"
        case Why.UNKNOWN:
            message = f"cannot be read: {unread.reason}"
    return CmpBundleError(code, message, file=file, hint=hint)


def _understood(answer: bytes | None, path: str, reader: ReadingUser) -> bytes | Unread:
    named = reader.root / path.lstrip("/")
    if answer is None:
        return Unread(Why.UNKNOWN, named, f"it did not answer within {PATIENCE:.0f} s")
    if answer.startswith(b"+"):
        return answer[1:]
    fields = answer.decode("utf-8", "surrogateescape").split("\0")
    if len(fields) != 3 or fields[0] not in Why.__members__:  # noqa: PLR2004 - why, where, what
        return Unread(Why.UNKNOWN, named, "reading it was stopped")
    why, where, reason = fields
    found = Path(where) if not is_root() else reader.root / where.lstrip("/")
    return Unread(Why[why], found, reason)


def _all(pipe: int, most: int) -> bytes | None:
    """What comes through ``pipe`` until its end; None where that takes too long."""
    deadline = time.monotonic() + PATIENCE
    answer = bytearray()
    while len(answer) <= most:
        ready, _, _ = select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return None
        piece = os.read(pipe, _CHUNK)
        if not piece:
            break
        answer += piece
    return bytes(answer)


def _as_reader(
    path: str, reader: ReadingUser | None, groups: list[int], most: int, pipe: int
) -> None:
    """The whole life of the child; ``reader`` is None where it stays who it is."""
    try:
        if reader is not None:
            if reader.root != Path("/"):
                os.chroot(reader.root)
                os.chdir("/")
            os.setgroups(groups)
            os.setgid(reader.gid)
            os.setuid(reader.uid)
        _tell(pipe, _read(path, most))
    except OSError as error:
        _tell(pipe, _not(Why.UNKNOWN, path, error.strerror or str(error)))
    finally:
        # Nothing of the parent's is its business: no handlers, no files left to write, no traceback.
        os._exit(0)


def _tell(pipe: int, answer: bytes) -> None:
    while answer:
        answer = answer[os.write(pipe, answer) :]


def _read(path: str, most: int) -> bytes:
    """A plus and the bytes; else why not, where and what, with NULs between."""
    try:
        # Without waiting: a pipe is opened only when somebody comes to its other end.
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        mode = os.fstat(file).st_mode
        if not stat.S_ISREG(mode):
            return _not(Why.NO_FILE, path, _kind(mode))
        data = bytearray()
        while len(data) <= most and (piece := os.read(file, _CHUNK)):
            data += piece
    except (FileNotFoundError, NotADirectoryError):
        return _not(Why.MISSING, os.path.realpath(path))
    except PermissionError:
        return _not(Why.CLOSED, *_closed(path))
    except (OSError, ValueError) as error:
        return _not(Why.UNKNOWN, path, getattr(error, "strerror", None) or str(error))
    return b"+" + data if len(data) <= most else _not(Why.TOO_LARGE, path)


def _not(why: Why, path: str, reason: str = "") -> bytes:
    return f"{why.name}\0{path}\0{reason}".encode("utf-8", "surrogateescape")


def _closed(path: str) -> tuple[str, str]:
    """What this user may not pass on the way: a folder, or the file itself."""
    real = Path(os.path.realpath(path))
    for inside in (*reversed(real.parents), real):
        try:
            inside.lstat()
        except PermissionError:
            return str(inside.parent), "a folder"
        except OSError:
            break
    return str(real), "a file"


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _groups(reader: ReadingUser) -> list[int]:
    """The groups that list the user as a member, as a login or systemd would give them."""
    if reader.groups is not None:
        return list(reader.groups)
    if reader.root == Path("/"):
        with suppress(OSError, KeyError):
            return os.getgrouplist(reader.name, reader.gid)
    text = ConfFolder(reader.root, reader.root).content("/etc/group")
    if isinstance(text, Absence):
        return []
    rows = [line.split(":") for line in text.decode(errors="replace").splitlines()]
    return [
        int(row[2])
        for row in rows
        if len(row) == 4 and row[2].isdigit() and reader.name in row[3].split(",")  # noqa: PLR2004
    ]
