"""What a piece of work may say while it goes on; the command line decides how it looks."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp_bundle.findings import Finding


class Reporter(Protocol):
    """Passed down to whatever may take long or has something to tell before its result."""

    def note(self, text: str) -> None:
        """A sentence worth reading now."""

    def warn(self, text: str) -> None:
        """Something that will work, but not as the user may think."""

    def found(self, finding: Finding) -> None:
        """The same, with its code and its place."""

    def detail(self, text: str) -> None:
        """Shown with ``-v`` only."""

    def progress(
        self, what: str, total: int | None
    ) -> AbstractContextManager[Callable[[int], None]]:
        """A bar for ``what``; the value entered is called with the units done since last time.

        ``total`` is in those units (bytes for a download), None where it is not known.
        """


class Silent:
    """A Reporter that says nothing; what tests and callers without a terminal use."""

    def note(self, text: str) -> None:
        pass

    def warn(self, text: str) -> None:
        pass

    def found(self, finding: Finding) -> None:
        pass

    def detail(self, text: str) -> None:
        pass

    def progress(
        self, what: str, total: int | None
    ) -> AbstractContextManager[Callable[[int], None]]:
        del what, total
        return nullcontext(lambda _done: None)
