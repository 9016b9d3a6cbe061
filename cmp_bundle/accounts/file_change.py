"""A file with passwords, changed in one step that can be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.changes.look import look
from cmp_bundle.changes.state import FileState
from cmp_bundle.changes.step import Change
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.files import Boundary


def edit(
    path: Path, boundary: Boundary, before: bytes, after: bytes, *, private: bool = False
) -> Change:
    """A file that was read as ``before`` and shall hold ``after``; its owner stays.

    Its mode stays as well, unless it is to be ``private``: then nobody else may use it. Raises
    CmpBundleError where it holds something else by now.
    """
    found = look(path, boundary, follow=True)
    if not isinstance(found, FileState) or found.data != before:
        raise CmpBundleError(
            "file-changed",
            "was changed by somebody else at the same time",
            file=path,
            hint="cmp-bundle changed nothing; run it again",
        )
    owner = found.owner.private() if private else found.owner
    return Change(path, found, FileState(after, owner), theirs=True)
