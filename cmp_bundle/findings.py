"""What can be wrong, in one shape; findings.toml is the list of all that there is, and
symptoms.toml what people say of it.

A code is stable: scripts look for it, documentation is found by it, and it is never given to
something else.
"""

from __future__ import annotations

import enum
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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

    What stands between a browser and Asterisk (see ``on_the_way``) has more: ``why`` it is so,
    how it ``looks``, the ``versions`` of Asterisk that have it (all, if empty), the keys of its
    ``symptoms``, and public ``sources``.
    """

    code: str
    level: Level
    title: str
    people_see: str
    what_to_do: str
    since: str
    why: str = ""
    looks: str = ""
    versions: str = ""
    symptoms: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    @property
    def on_the_way(self) -> bool:
        """Whether it is one of the doctor's: a letter and a number, as T102."""
        return self.code[:1].isupper()


@functools.cache
def known() -> Mapping[str, Kind]:
    """Every kind of finding, by its code."""
    return {code: _kind(code, **entry) for code, entry in _data("findings.toml").items()}


def _kind(
    code: str,
    *,
    level: str,
    symptoms: Sequence[str] = (),
    sources: Sequence[str] = (),
    **texts: str,
) -> Kind:
    return Kind(code, Level(level), symptoms=tuple(symptoms), sources=tuple(sources), **texts)


@functools.cache
def symptoms() -> Mapping[str, str]:
    """What people say of a fault, by the key that ``Kind.symptoms`` has."""
    return _data("symptoms.toml")


def _data(name: str) -> dict[str, Any]:
    # Most runs find nothing.
    import tomllib  # noqa: PLC0415
    from importlib.resources import files  # noqa: PLC0415

    return tomllib.loads((files("cmp_bundle") / name).read_text("utf-8"))
