"""Profiles that changed, brought to where they are: into the bundle, and live."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cmp_bundle.bundle import dist, manifest
from cmp_bundle.cli import server
from cmp_bundle.cli.scan import scan
from cmp_bundle.deploy.plan import to_reseal
from cmp_bundle.deploy.survey import survey
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cmp_bundle.cli.command import Run
    from cmp_bundle.cli.people import Everyone
    from cmp_bundle.deploy.steps import Plan


@dataclass(frozen=True)
class Done:
    """What was done, in words and as data."""

    lines: list[str] = field(default_factory=list)
    data: Mapping[str, Any] = field(default_factory=dict)


NOTHING = Done()


def republish(run: Run, everybody: Everyone, reloads: tuple[str, ...] = ()) -> Done:
    """Put the profiles as they are now into the bundle, if one was built, and on the server here.

    ``reloads`` are lines for the console of a running Asterisk, which come first. The phone
    itself stays as it is at both places. Raises CmpBundleError after undoing what was done live.
    """
    built = _into_bundle(run, everybody)
    url, live = _live(run, everybody, reloads)
    if live:
        lines = [
            f"live: {url}"
            if url
            else "Asterisk is not running here; it is active at its next start"
        ]
    elif built:
        lines = ["nothing is deployed on this machine; next, where it is: cmp-bundle deploy"]
    else:
        lines = ["next: cmp-bundle build && cmp-bundle deploy"]
    return Done(lines, {"built": built, "live": live, "url": url})


def _into_bundle(run: Run, everybody: Everyone) -> bool:
    """Whether there is a bundle that has the profiles now."""
    out = run.settings.build.out
    if not (out / manifest.NAME).is_file():
        return False
    try:
        before = manifest.read(out)
    except CmpBundleError as error:
        run.reporter.warn(f"{error}; {error.hint}")
        return False
    profiles = everybody.people.profiles
    about = replace(before.manifest, profiles=manifest.Profiles.of(profiles))
    after = manifest.Bundle(before.files, about, profiles)
    scan(after, everybody.people.secrets)
    dist.write(after, out, Disk())
    return True


def _live(run: Run, everybody: Everyone, reloads: tuple[str, ...]) -> tuple[str | None, bool]:
    """Where the live server was looked at, if it runs; whether anything is deployed here."""
    try:
        where = server.look(run)
    except CmpBundleError:
        return None, False
    if where is None:
        return None, False
    site = run.settings.site.name
    if survey(where, site).current is None:
        for line in reloads:
            where.control.ask(line)
        return None, False
    work = server.executor(run, where)

    def plan() -> Plan:
        return to_reseal(survey(where, site), everybody.people.profiles, reloads)

    with server.at_work(run, work):
        return work.carry_out(plan()).url, True
