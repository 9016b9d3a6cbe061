"""What an examination gives, and how people read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle import __version__
from cmp_bundle.findings import Level, known
from cmp_bundle.sizes import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp_bundle.doctor.diagnosis import Diagnosis
    from cmp_bundle.findings import Finding
    from cmp_bundle.settings.doctor_skips import Skip


@dataclass(frozen=True)
class FindingPlace:
    """``place`` is as people write it, ``pjsip.conf:12``, or a row of a database, which has no ``file``."""

    place: str
    file: str | None
    line: int | None


@dataclass(frozen=True)
class DoctorFinding:
    """``message`` is what is so, ``seen`` what tells it in the server's own words, ``user_sees`` the
    symptom, ``fix`` what to do. ``subject`` is whom or what it is about, such as an account's id.
    """

    code: str
    level: Level
    title: str
    message: str
    seen: str | None
    user_sees: str
    fix: str | None
    where: FindingPlace | None
    subject: str | None


@dataclass(frozen=True)
class NotLookedAt:
    """That ``code`` could not be decided: for a ``reason``, or ``because`` of another finding."""

    code: str
    reason: str | None = None
    because: str | None = None


@dataclass(frozen=True)
class SkippedCheck:
    """That ``code`` is left out by the settings, for the last time on the day ``until``, such as
    2027-03-01.
    """

    code: str
    why: str
    until: str


@dataclass(frozen=True)
class Examination:
    """``ok`` is whether there is no error. Each code is in one of ``findings``, ``passed``, ``unknown``
    and ``not_reached``, unless it is in ``skipped``.
    """

    tool: str
    version: str
    target: str | None
    asterisk: str | None
    ok: bool
    findings: tuple[DoctorFinding, ...]
    passed: tuple[str, ...]
    unknown: tuple[NotLookedAt, ...]
    not_reached: tuple[NotLookedAt, ...]
    skipped: tuple[SkippedCheck, ...]


def examination(
    target: str, asterisk: str | None, found: Diagnosis, skipped: Sequence[Skip] = ()
) -> Examination:
    """``target`` is the public address, empty if unknown; ``asterisk`` the version that it told."""
    return Examination(
        tool="cmp-bundle",
        version=__version__,
        target=target or None,
        asterisk=asterisk,
        ok=not found.errors,
        findings=tuple(map(_told, found.findings)),
        passed=found.passed,
        unknown=tuple(NotLookedAt(one.code, reason=one.reason) for one in found.unknown),
        not_reached=tuple(NotLookedAt(one.code, because=one.because) for one in found.not_reached),
        skipped=tuple(SkippedCheck(one.code, one.why, str(one.until)) for one in skipped),
    )


def _told(one: Finding) -> DoctorFinding:
    kind = known()[one.code]
    return DoctorFinding(
        code=one.code,
        level=one.level,
        title=kind.title,
        message=one.message,
        seen=one.seen or None,
        user_sees=kind.people_see,
        fix=one.hint or kind.what_to_do,
        where=FindingPlace(str(one.place), one.file, one.line) if one.place else None,
        subject=one.subject or None,
    )


def whole(found: Examination, *, everything: bool = False) -> str:
    """Each finding with all that is known of it, then what was not looked at, and why. Notes, and what
    only somebody elsewhere can tell, are counted, unless ``everything`` is asked for.
    """
    return "\n".join(_whole(found, everything=everything))


def short(found: Examination) -> str:
    """What is wrong, on one line each."""
    return "\n".join(_short(found))


def _whole(found: Examination, *, everything: bool) -> Iterator[str]:
    for one in found.findings:
        if everything or one.level is not Level.NOTE:
            yield from _finding(one)
            yield ""
    yield from _left_out(found)
    yield from _unknown(found, everything=everything)
    yield _summary(found)
    if not everything and any(one.level is Level.NOTE for one in found.findings):
        yield "to see the notes as well: cmp-bundle doctor --all"


def _short(found: Examination) -> Iterator[str]:
    for one in found.findings:
        if one.level is not Level.NOTE:
            yield f"{one.code} {one.level}: {one.message}"
    yield _summary(found)


def _finding(one: DoctorFinding) -> Iterator[str]:
    place = f"{one.where.place}: " if one.where else ""
    yield f"{one.code} {one.level}: {place}{one.message}"
    if one.seen:
        yield f"  seen:        {one.seen}"
    yield f"  people see:  {one.user_sees}"
    if one.fix:
        yield f"  what to do:  {one.fix}"


def _left_out(found: Examination) -> Iterator[str]:
    by_cause: dict[str, list[str]] = {}
    for one in found.not_reached:
        by_cause.setdefault(one.because or "", []).append(one.code)
    for because, codes in by_cause.items():
        yield f"not reached, because of {because}: {' '.join(codes)}"
    for skip in found.skipped:
        yield f"left out until {skip.until} by [doctor] skip, because {skip.why!r}: {skip.code}"


#: From so many codes on, a reason is told by itself: a missing file, or no public address.
_SHARED = 3


def _unknown(found: Examination, *, everything: bool) -> Iterator[str]:
    """What could not be looked at; never in silence, and each reason once."""
    by_reason: dict[str, list[str]] = {}
    for one in found.unknown:
        by_reason.setdefault(one.reason or "", []).append(one.code)
    single: list[str] = []
    for reason, codes in by_reason.items():
        if everything or len(codes) >= _SHARED:
            yield f"not known from here: {' '.join(codes)}: {reason}"
        else:
            single += codes
    if single:
        yield f"not known from here: {' '.join(single)}; why: cmp-bundle doctor --all"


def _summary(found: Examination) -> str:
    counts = [
        count(sum(one.level is level for one in found.findings), level.value)
        for level in Level
        if any(one.level is level for one in found.findings)
    ]
    if all(one.level is Level.NOTE for one in found.findings):
        counts = ["no errors, no warnings", *counts]
    return f"{', '.join(counts)}; {count(len(found.passed), 'check')} passed"
