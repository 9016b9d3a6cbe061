"""Files of a configuration that are there and may not be read: what they hold is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.errors import AS_ANOTHER_USER, CmpBundleError
from cmp_bundle.files import Rights

if TYPE_CHECKING:
    from cmp_bundle.asterisk.conf_files import ConfFolder
    from cmp_bundle.asterisk.configuration import Configuration


def closed_file(read: Configuration, files: ConfFolder) -> CmpBundleError | None:
    """The first file of the configuration ``read`` that may not be read; None where all may.

    Root reads with the rights of Asterisk's user, so what is closed to root is closed to Asterisk.
    """
    if not read.closed:
        return None
    path = files.real(read.closed[0])
    if Rights.own().are_roots:
        user = files.user.name if files.user and files.user.name else "its user"
        return CmpBundleError(
            "unreadable",
            f"Asterisk, which runs as {user}, cannot read this file",
            file=path,
            hint=f"let {user} read it, as its other files",
        )
    return CmpBundleError(
        "unreadable", "this user may not read it", file=path, hint=AS_ANOTHER_USER
    )


def refuse_closed(read: Configuration, files: ConfFolder) -> None:
    """Raises CmpBundleError where a file of ``read`` may not be read."""
    closed = closed_file(read, files)
    if closed is not None:
        raise closed
