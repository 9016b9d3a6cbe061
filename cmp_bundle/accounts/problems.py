"""Several things that are wrong at once, told at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.accounts.model import Place
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp_bundle.accounts.model import Row


@dataclass(frozen=True)
class Wrong:
    """One thing: what is wrong, where, and what to write or do instead."""

    message: str
    where: Place | Row | None = None
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.message}{f'; {self.hint}' if self.hint else ''}"


class AccountsError(CmpBundleError):
    """What is wrong with accounts, all of it: ``wrongs`` in the order of their places."""

    def __init__(self, wrongs: Sequence[Wrong], consequence: str) -> None:
        self.wrongs = tuple(wrongs)
        first = self.wrongs[0]
        if len(self.wrongs) > 1:
            lines = "".join(f"\n  {wrong}" for wrong in self.wrongs)
            super().__init__(f"{len(self.wrongs)} things are wrong, and {consequence}:{lines}")
        elif isinstance(first.where, Place):
            place = first.where
            super().__init__(
                first.message, hint=first.hint or None, file=place.file, line=place.line
            )
        else:
            where = f"{first.where}: " if first.where else ""
            super().__init__(f"{where}{first.message}", hint=first.hint or None)


def refuse(wrongs: Sequence[Wrong], consequence: str = "nothing was written") -> None:
    """Raise AccountsError if there is anything in ``wrongs``."""
    if wrongs:
        raise AccountsError(wrongs, consequence)
