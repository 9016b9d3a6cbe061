"""What can go wrong, said so that somebody can act on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


#: What to do where this user may not.
AS_ANOTHER_USER = "run it as a user who may, often root: sudo cmp-bundle …"


class CmpBundleError(Exception):
    """The root of every error that a user can fix; the command line exits 1 on it.

    ``message`` is one sentence that says what happened, ``hint`` what to do next, ``file`` and
    ``line`` (from 1) where. Anything that is not a CmpBundleError is a bug and exits 3.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        file: Path | str | None = None,
        line: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.file = None if file is None else str(file)
        self.line = line

    @property
    def where(self) -> str | None:
        """``file:line``, ``file``, or None."""
        if self.file is None:
            return None
        return self.file if self.line is None else f"{self.file}:{self.line}"

    def __str__(self) -> str:
        return self.message if self.where is None else f"{self.where}: {self.message}"
