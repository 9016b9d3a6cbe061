"""Files that a stranger may have put there: opened without waiting, and files they must be."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, BinaryIO

from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from pathlib import Path

#: A pipe that nobody writes into would keep us waiting for ever.
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


def opened(path: Path, folder: int | None = None) -> BinaryIO:
    """A file for reading; by its name alone in an open ``folder``, where no link is followed.

    Raises OSError, and CmpBundleError where it is a link there, or anything but a file.
    """
    try:
        if folder is None:
            descriptor = os.open(path, _FLAGS)
        else:
            descriptor = os.open(path.name, _FLAGS | os.O_NOFOLLOW, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ELOOP and folder is not None:
            raise CmpBundleError(
                "symlink", "is a symlink, and is not followed here", file=path
            ) from error
        raise
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        what = "is a folder" if stat.S_ISDIR(mode) else "is a pipe or a device"
        raise CmpBundleError(
            "not-a-file", f"{what}, but must be a file", file=path, hint="name a file"
        )
    return os.fdopen(descriptor, "rb")
