"""What is so of many phones is said once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cmp_bundle.findings import Finding
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp_bundle.doctor.check import Unknown

#: Phones that are told of one by one.
MOST: Final = 5


def together(outcomes: Iterable[Finding | Unknown]) -> Iterator[Finding | Unknown]:
    """The same outcomes; where more than MOST findings are of one code, the first speaks for all."""
    found: dict[str, list[Finding]] = {}
    for outcome in outcomes:
        if isinstance(outcome, Finding):
            found.setdefault(outcome.code, []).append(outcome)
        else:
            yield outcome
    for same in found.values():
        if len(same) <= MOST:
            yield from same
            continue
        others = [one.subject for one in same[1:]]
        text = f"{same[0].message}; the same is so of {len(others)} more: {some(others)}"
        yield replace(same[0], message=text, hint=for_all(same[0].hint, len(same)), subject="")


def for_all(hint: str | None, number: int) -> str | None:
    """What to do about ``number`` phones, by what to do about the first."""
    return hint if hint is None or number == 1 else f"{hint.rstrip(';')}; and so for the others"
