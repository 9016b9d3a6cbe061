"""The use case of looking: which releases a server has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.commands import server
from cmp_bundle.deploy.layout import made_at
from cmp_bundle.deploy.survey import survey
from cmp_bundle.server.lost_lines import lost_lines

if TYPE_CHECKING:
    from cmp_bundle.commands.context import Context
    from cmp_bundle.findings import Finding


@dataclass(frozen=True)
class KeptRelease:
    """``made_at`` is when, in seconds since 1970. ``phone`` and ``visit_bytes`` are None where the
    release is ``damaged``, and ``problem`` then says how.
    """

    release: str
    current: bool
    made_at: int
    phone: str | None
    visit_bytes: int | None
    damaged: bool
    problem: Finding | None


@dataclass(frozen=True)
class Releases:
    """All releases of the site, oldest first. ``problem`` is why Asterisk does not serve the current one."""

    site: str
    releases: tuple[KeptRelease, ...]
    problem: Finding | None = None


def releases(context: Context) -> Releases:
    """What is deployed, and what can be rolled back to."""
    found = survey(server.installation(context), context.settings.site.name)
    kept = []
    for release in found.releases:
        damaged = found.damaged.get(release)
        about = None if damaged else found.manifest(release)
        kept.append(
            KeptRelease(
                release,
                release == found.current,
                made_at(release),
                about.phone.source if about else None,
                about.visit.bytes if about else None,
                damaged is not None,
                damaged.finding if damaged else None,
            )
        )
    problem = next(lost_lines(found), None) if found.current else None
    return Releases(found.site.name, tuple(kept), problem)
