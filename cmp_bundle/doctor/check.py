"""A check: which codes it decides, what it needs to know for that, and the function that looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.doctor.evidence import Evidence, Missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cmp_bundle.doctor.way import Part
    from cmp_bundle.findings import Finding


@dataclass(frozen=True)
class Unknown:
    """That ``code`` cannot be decided from here, and why: a clause. ``broken`` as in Missing."""

    code: str
    reason: str
    broken: Part | None = None


@dataclass(frozen=True)
class Check:
    """``needs`` are the names of fields of Evidence, which ``look`` is given in this order, and behind
    them those of ``also``, which may be Missing. It yields what it finds, and Unknown for a code that it
    cannot decide after all; whatever of ``codes`` it says nothing about is in order.
    """

    codes: tuple[str, ...]
    needs: tuple[str, ...]
    look: Callable[..., Iterable[Finding | Unknown]]
    also: tuple[str, ...] = ()

    def outcomes(self, evidence: Evidence) -> Iterator[Finding | Unknown]:
        given = [getattr(evidence, name) for name in self.needs]
        missing = next((one for one in given if isinstance(one, Missing)), None)
        if missing is not None:
            yield from (Unknown(code, missing.reason, missing.broken) for code in self.codes)
            return
        yield from self.look(*given, *(getattr(evidence, name) for name in self.also))
