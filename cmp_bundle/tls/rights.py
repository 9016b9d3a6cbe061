"""Root in somebody else's folder: at work there with no more rights than that user has."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Boundary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def as_owner(path: Path) -> Iterator[None]:
    """Until the end, root has the rights of the first other user who owns a part of the way to
    ``path``, links included; where that is nobody, and for anybody but root, nothing changes.

    From there on that user may put something else into root's way at any moment: a link to a file
    of root's above all. Whatever it is, it leads to what the user may reach anyway.
    """
    rights = Boundary().rights(path) if os.geteuid() == 0 else None
    if rights is None or rights.are_roots:
        yield
        return
    try:
        with rights.taken():
            yield
    except CmpBundleError as error:
        if not isinstance(error.__cause__, PermissionError):
            raise
        name = rights.name or rights.uid
        raise CmpBundleError(
            error.code,
            error.message,
            file=error.file,
            hint=f"{name} owns a folder above {path}, so root has only the rights of {name} there:"
            f" make {name} the owner of everything in it (chown -R {name}), or use a folder of"
            " root's",
        ) from error
