"""``[doctor] skip``: findings that somebody has decided to live with, and until when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cmp_bundle.findings import known

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXAMPLE = '{code = "H106", why = "20 phones, no more", until = 2027-03-01}'
_NAMES = ("code", "why", "until")


@dataclass(frozen=True)
class Skip:
    """That the finding ``code`` is left out for the reason ``why``, for the last time on the day
    ``until``. ``line`` is where it begins in the file that it comes from, if it does.
    """

    code: str
    why: str
    until: dt.date
    line: int | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Problem:
    """What is wrong with the entry of that number, from 0; None where it is the list itself."""

    entry: int | None
    words: str


def problem(value: Any) -> Problem | None:
    """The first thing that is wrong with ``value``, as TOML or JSON has it."""
    if not isinstance(value, list | tuple) or not all(isinstance(one, dict) for one in value):
        return Problem(None, f"must be a list of tables: [{_EXAMPLE}]")
    for number, entry in enumerate(value):
        words = _wrong(entry)
        if words:
            return Problem(number, words)
    return None


def skips(value: Any, lines: Sequence[int] = ()) -> tuple[Skip, ...]:
    """Of a value without a problem; ``lines`` are those of its entries."""
    return tuple(
        Skip(
            entry["code"],
            entry["why"].strip(),
            _date(entry["until"]) or dt.date.min,
            lines[number] if number < len(lines) else None,
        )
        for number, entry in enumerate(value)
    )


def _wrong(entry: dict[str, Any]) -> str | None:
    for name in entry:
        if name not in _NAMES:
            return f"has an entry with {name}; there are: {', '.join(_NAMES)}"
    code = entry.get("code")
    if not isinstance(code, str) or code not in known():
        what = "an entry without a code" if code is None else f"no finding of the code {code!r}"
        return f"has {what}; docs/findings.md lists all codes"
    why = entry.get("why")
    if not isinstance(why, str) or not why.strip() or not why.isprintable():
        return f'must say in one line why {code} is left out: why = "…"'
    if _date(entry.get("until")) is None:
        return f"must say until when {code} is left out, as a date: until = 2027-03-01"
    return None


def _date(value: Any) -> dt.date | None:
    """A date of TOML, or its text; a time of day is none."""
    if isinstance(value, str):
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, dt.date) and not isinstance(value, dt.datetime) else None
