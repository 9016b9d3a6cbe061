"""What is so of many phones is said once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cmp_bundle.findings import Finding
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp_bundle.doctor.check import Unknown
    from cmp_bundle.findings import Level

#: Phones that are told of one by one.
MOST: Final = 5


def together(outcomes: Iterable[Finding | Unknown]) -> Iterator[Finding | Unknown]:
    """The same outcomes; where findings of one code come from one line, or more than MOST are of one code,
    the first speaks for all.
    """
    found: dict[tuple[str, Level], list[Finding]] = {}
    for outcome in outcomes:
        if isinstance(outcome, Finding):
            found.setdefault((outcome.code, outcome.level), []).append(outcome)
        else:
            yield outcome
    for same in found.values():
        if len({one.subject for one in same}) > MOST:
            yield _spoken(same)
        else:
            yield from _by_line(same)


def _by_line(found: list[Finding]) -> Iterator[Finding]:
    """A line of a template is one cause, however many phones have it."""
    lines: dict[object, list[Finding]] = {}
    for number, one in enumerate(found):
        lines.setdefault(one.place if one.line else number, []).append(one)
    for same in lines.values():
        yield _spoken(same) if len({one.subject for one in same}) > 1 else same[0]
        if len({one.subject for one in same}) == 1:
            yield from same[1:]


def _spoken(same: list[Finding]) -> Finding:
    others = list(dict.fromkeys(one.subject for one in same if one.subject != same[0].subject))
    text = f"{same[0].message}; the same is so of {some(others)}"
    if len(others) > MOST:
        text = f"{same[0].message}; the same is so of {len(others)} more: {some(others)}"
    # A line that all have is mended once.
    number = len({(one.place, one.line) for one in same})
    return replace(same[0], message=text, hint=for_all(same[0].hint, number), subject="")


def for_all(hint: str | None, number: int) -> str | None:
    """What to do about ``number`` phones, by what to do about the first."""
    return hint if hint is None or number == 1 else f"{hint.rstrip(';')}; and so for the others"
