"""All checks, and what comes of them together: the first broken link, and what lies behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.asterisk.configuration import REFUSED
from cmp_bundle.doctor.evidence import Missing
from cmp_bundle.doctor.way import CAUSES_ELSEWHERE, CONSEQUENCES, SYMPTOMS, Part, part_of
from cmp_bundle.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cmp_bundle.doctor.check import Check, Unknown
    from cmp_bundle.doctor.evidence import Evidence

_LEVELS = list(Level)


@dataclass(frozen=True)
class NotReached:
    """That the way is broken before ``code`` could be looked at, by the finding ``because``."""

    code: str
    because: str


@dataclass(frozen=True)
class Diagnosis:
    """``findings`` are in the order of the way. Each code of a check is in one of ``findings``,
    ``passed``, ``unknown`` and ``not_reached``.
    """

    findings: tuple[Finding, ...]
    passed: tuple[str, ...]
    unknown: tuple[Unknown, ...]
    not_reached: tuple[NotReached, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.level is Level.ERROR)


def diagnose(
    evidence: Evidence,
    checks: Sequence[Check],
    is_wanted: Callable[[str], bool] = lambda _code: True,
) -> Diagnosis:
    """What ``checks`` say of ``evidence``; of codes that are not wanted nothing is said."""
    missing = [one for one in vars(evidence).values() if isinstance(one, Missing)]
    found = list(dict.fromkeys(one.finding for one in missing if one.finding is not None))
    unknown: list[Unknown] = []
    for check in checks:
        for outcome in check.outcomes(evidence):
            if isinstance(outcome, Finding):
                found.append(outcome)
            else:
                unknown.append(outcome)
    followed = {code for one in found if one.code == REFUSED for code in _follow(one)}
    found = [one for one in found if one.code not in followed]
    causes = [one for one in found if one.code not in SYMPTOMS]
    kept = [one for one in found if one.code not in SYMPTOMS or not _explained(one, causes)]
    kept.sort(key=_order)
    wanted = [one for one in kept if is_wanted(one.code)]
    codes = dict.fromkeys(c for check in checks for c in check.codes if is_wanted(c))
    said = {one.code for one in found}
    open_codes = {one.code: one for one in unknown if one.code in codes and one.code not in said}
    behind = {code: _breaks(one.broken, kept) for code, one in open_codes.items()}
    behind.update({code: REFUSED for code in codes if code in followed})
    return Diagnosis(
        findings=tuple(wanted),
        passed=tuple(code for code in codes if code not in {*said, *open_codes, *followed}),
        unknown=tuple(one for code, one in open_codes.items() if behind[code] is None),
        not_reached=tuple(NotReached(c, because) for c, because in behind.items() if because),
    )


def _follow(refused: Finding) -> tuple[str, ...]:
    """What is found only since Asterisk reads nothing of a file."""
    return CONSEQUENCES.get(refused.subject, ())


def _order(one: Finding) -> tuple[int, int, int, str, str]:
    """By the way; within a part, errors first, and a cause before what was only met."""
    part = part_of(one.code, one.subject).number
    return (part, _LEVELS.index(one.level), one.code in SYMPTOMS, one.code, one.subject)


def _explained(symptom: Finding, causes: Iterable[Finding]) -> bool:
    """Whether there is an error of the same part, of the same phone or of all: the cause that was met.

    What is wrong with sound shows first in how a call is answered.
    """
    parts = {part_of(symptom.code)}
    if Part.SESSION in parts:
        parts.add(Part.MEDIA)
    return any(
        cause.level is Level.ERROR
        and (
            part_of(cause.code, cause.subject) in parts
            or cause.code in CAUSES_ELSEWHERE.get(symptom.code, ())
        )
        and (cause.code == REFUSED or cause.subject in ("", symptom.subject))
        for cause in causes
    )


def _breaks(part: Part | None, findings: Iterable[Finding]) -> str | None:
    """The first error on the way up to ``part``, which has to work before there is more to see."""
    if part is None:
        return None
    return next(
        (
            one.code
            for one in findings
            if one.level is Level.ERROR and part_of(one.code, one.subject).number <= part.number
        ),
        None,
    )
