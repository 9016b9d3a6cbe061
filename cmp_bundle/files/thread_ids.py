"""The effective ids of the calling thread, and of no other where the system can do that.

POSIX knows ids of a process only, and libc's functions change those of all its threads. To Linux
each thread has its own, and its system calls change just these; Samba works in this way.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Calls(NamedTuple):
    """Numbers of system calls."""

    setgroups: int
    setresuid: int
    setresgid: int


#: From the kernel's tables. Those of 32 bits are others, also on a processor of 64.
_CALLS = {
    "x86_64": _Calls(116, 117, 119),
    "aarch64": _Calls(159, 147, 149),
    "riscv64": _Calls(159, 147, 149),
    "loongarch64": _Calls(159, 147, 149),
}


def _of_this_system() -> _Calls | None:
    if sys.platform != "linux" or sys.maxsize < 1 << 32:
        return None
    return _CALLS.get(platform.machine())


_calls = _of_this_system()


def of_one_thread() -> bool:
    """Whether other threads keep theirs."""
    return _calls is not None


def take(uid: int, gid: int, groups: Sequence[int]) -> None:
    """Root becomes somebody else. Raises OSError, and may then have changed some of them."""
    _set_groups(groups)
    _set_group(gid)
    _set_user(uid)


def give_back(gid: int, groups: Sequence[int]) -> None:
    """And root again; only the real and saved ids, which ``take`` leaves, allow that."""
    _set_user(0)
    _set_group(gid)
    _set_groups(groups)


def _set_user(uid: int) -> None:
    if _calls is None:
        os.seteuid(uid)
    else:
        _call(_calls.setresuid, -1, uid, -1)


def _set_group(gid: int) -> None:
    if _calls is None:
        os.setegid(gid)
    else:
        _call(_calls.setresgid, -1, gid, -1)


def _set_groups(groups: Sequence[int]) -> None:
    if _calls is None:
        os.setgroups(groups)
    else:
        numbers = (ctypes.c_uint32 * len(groups))(*groups)
        _call(_calls.setgroups, len(groups), ctypes.addressof(numbers), 0)


_syscall = ctypes.CDLL(None, use_errno=True).syscall
_syscall.argtypes = [ctypes.c_long] * 4
_syscall.restype = ctypes.c_long


def _call(number: int, first: int, second: int, third: int) -> None:
    if _syscall(number, first, second, third) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
