"""What can go wrong, said so that somebody can act on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.findings import Finding, Level
from cmp_bundle.places import Place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


#: What to do where this user may not.
AS_ANOTHER_USER = "run it as a user who may, often root: sudo cmp-bundle …"


class CmpBundleError(Exception):
    """The root of every error that a user can fix; the command line exits 1 on it.

    ``code`` stands in findings.toml, ``message`` is one sentence that says what happened, ``hint``
    what to do next, ``file`` and ``line`` (from 1) where. Anything that is not a CmpBundleError is
    a bug and exits 3.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: str | None = None,
        file: Path | str | None = None,
        line: int | None = None,
    ) -> None:
        super().__init__(message)
        place = None if file is None else Place(str(file), line)
        self.finding = Finding(code, Level.ERROR, message, place, hint)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All that was found, where it is more than one thing."""
        return (self.finding,)

    @property
    def code(self) -> str:
        return self.finding.code

    @property
    def message(self) -> str:
        return self.finding.message

    @property
    def hint(self) -> str | None:
        return self.finding.hint

    @property
    def with_hint(self) -> str:
        """In one line: what is wrong and, in brackets, what to do."""
        return f"{self} ({self.hint})" if self.hint else str(self)

    @property
    def file(self) -> str | None:
        return self.finding.file

    @property
    def line(self) -> int | None:
        return self.finding.line

    def __str__(self) -> str:
        return self.finding.text


class FindingsError(CmpBundleError):
    """Several things that are wrong at once, told at once, in the order of their places."""

    def __init__(self, findings: Sequence[Finding], consequence: str) -> None:
        self._findings = tuple(findings)
        first = self._findings[0]
        if len(self._findings) > 1:
            lines = "".join(f"\n  {one} [{one.code}]" for one in self._findings)
            text = f"{len(self._findings)} things are wrong, and {consequence}:{lines}"
            super().__init__("several", text)
        else:
            super().__init__(first.code, first.message)
            self.finding = first

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self._findings


def refuse(findings: Sequence[Finding], consequence: str = "nothing was written") -> None:
    """Raise FindingsError if there is anything in ``findings``."""
    if findings:
        raise FindingsError(findings, consequence)


def refuse_first(*findings: Finding | None) -> None:
    """Raise FindingsError with the first of ``findings`` that is one."""
    refuse([one for one in findings if one is not None][:1])


def reason(error: OSError) -> str:
    """The system's own words for why something did not work, in small letters."""
    return (error.strerror or str(error)).lower()


def file_exists(path: Path, hint: str = "replace it: --force") -> CmpBundleError:
    """That ``path`` is there, and nobody said that it may be replaced."""
    text = "already exists, and is not replaced"
    return CmpBundleError("file-exists", text, file=path, hint=hint)
