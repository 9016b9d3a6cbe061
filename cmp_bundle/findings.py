"""What can be wrong, in one shape; findings.toml is the list of all that there is.

A code is stable: scripts look for it, documentation is found by it, and it is never given to
something else.
"""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp_bundle.places import Place, Row


class Level(enum.StrEnum):
    """An error stops what was asked for or keeps a phone from working; a warning will surprise
    somebody; a note is for information.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """One thing: what is so, where, and what to write or do. ``subject`` is whom or what it is
    about where the place does not say it, such as an account's id. ``seen`` is what tells it, in the
    server's own words.
    """

    code: str
    level: Level
    message: str
    place: Place | Row | None = None
    hint: str | None = None
    subject: str = ""
    seen: str = ""

    @property
    def file(self) -> str | None:
        """None for what stands in no file."""
        return getattr(self.place, "file", None)

    @property
    def line(self) -> int | None:
        return getattr(self.place, "line", None)

    @property
    def text(self) -> str:
        """The place and the message, without the hint."""
        return f"{self.place}: {self.message}" if self.place else self.message

    def __str__(self) -> str:
        return f"{self.text}; {self.hint}" if self.hint else self.text

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "level": self.level.value,
            "message": self.message,
            "hint": self.hint or None,
            "file": self.file,
            "line": self.line,
            "place": str(self.place) if self.place else None,
            "subject": self.subject or None,
        }


def finding(
    code: str,
    message: str,
    place: Place | Row | None = None,
    hint: str | None = None,
    subject: str = "",
    *,
    seen: str = "",
) -> Finding:
    """A finding of the level that findings.toml gives to ``code``."""
    return Finding(code, known()[code].level, message, place, hint, subject, seen)


@dataclass(frozen=True)
class Kind:
    """What findings.toml says of a code: a title, what people see of it, what to do, and the
    version of cmp-bundle that first had it.
    """

    code: str
    level: Level
    title: str
    people_see: str
    what_to_do: str
    since: str


@functools.cache
def known() -> Mapping[str, Kind]:
    """Every kind of finding, by its code."""
    # Most runs find nothing.
    import tomllib  # noqa: PLC0415
    from importlib.resources import files  # noqa: PLC0415

    document = tomllib.loads((files("cmp_bundle") / "findings.toml").read_text("utf-8"))
    return {
        code: Kind(code, Level(entry.pop("level")), **entry) for code, entry in document.items()
    }
