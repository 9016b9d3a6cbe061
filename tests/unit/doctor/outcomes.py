"""What checks come to, by code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cmp_bundle.doctor.check import Check, Unknown
from cmp_bundle.findings import Finding

from .evidence import evidence


def outcomes(checks: Iterable[Check], **known: Any) -> list[Finding | Unknown]:
    given = evidence(**known)
    return [one for check in checks for one in check.outcomes(given)]


def found(checks: Iterable[Check], **known: Any) -> dict[str, str]:
    """What was found: the words by the code."""
    return {
        one.code: f"{one.message} {one.seen}"
        for one in outcomes(checks, **known)
        if isinstance(one, Finding)
    }


def unknown(checks: Iterable[Check], **known: Any) -> dict[str, str]:
    """What could not be decided: the reason by the code."""
    return {one.code: one.reason for one in outcomes(checks, **known) if isinstance(one, Unknown)}
