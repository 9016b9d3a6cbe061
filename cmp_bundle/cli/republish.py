"""Profiles that changed, brought to where they are: into the bundle, and live."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cmp_bundle.bundle import dist, manifest
from cmp_bundle.cli import server
from cmp_bundle.cli.scan import scan
from cmp_bundle.deploy.plan import to_update_profiles
from cmp_bundle.deploy.survey import survey
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cmp_bundle.changes.engine import Transaction
    from cmp_bundle.cli.command import Run
    from cmp_bundle.cli.people import Everyone
    from cmp_bundle.deploy.server import Server


@dataclass(frozen=True)
class Done:
    """What was done, in words and as data."""

    lines: list[str] = field(default_factory=list)
    data: Mapping[str, Any] = field(default_factory=dict)


NOTHING = Done()


def republish(run: Run, everybody: Everyone, at: Server | None, changes: Transaction) -> Done:
    """Put the profiles as they are now on the server here, and into the bundle, if one was built.

    The phone itself stays as it is at both places. Raises CmpBundleError where they would not be
    right; the transaction then undoes what was done live.
    """
    bundle = _bundle(run, everybody)
    planned = None
    if at is not None:
        found = survey(at.installation, run.settings.site.name)
        planned = to_update_profiles(found, everybody.people.profiles) if found.current else None
    url = None
    if at is not None and planned is not None:
        changes.do(planned.steps)
        url = at.look(planned.expected)
        changes.cleanup += planned.cleanup
    if bundle is not None:
        dist.write(bundle, run.settings.build.out, Disk())
    if planned is not None:
        lines = [
            f"live: {url}"
            if url
            else "Asterisk is not running here; it is active at its next start"
        ]
    elif bundle is not None:
        lines = ["nothing is deployed on this machine; next, where it is: cmp-bundle deploy"]
    else:
        lines = ["next: cmp-bundle build && cmp-bundle deploy"]
    return Done(lines, {"built": bundle is not None, "live": planned is not None, "url": url})


def here(run: Run) -> Server | None:
    """The server of this machine; None where there is none, or none that can be looked at."""
    try:
        where = server.look(run)
    except CmpBundleError as error:
        run.reporter.warn(
            f"nothing is changed on this machine's Asterisk, since it was not found: {error}"
        )
        return None
    return None if where is None else server.server(run, where)


def _bundle(run: Run, everybody: Everyone) -> manifest.Bundle | None:
    """The bundle that was built, with the profiles as they are now; None where there is none."""
    out = run.settings.build.out
    if not (out / manifest.NAME).is_file():
        return None
    try:
        before = manifest.read(out)
    except CmpBundleError as error:
        run.reporter.warn(f"{error}; {error.hint}")
        return None
    profiles = everybody.people.profiles
    about = replace(before.manifest, profiles=manifest.Profiles.of(profiles))
    after = manifest.Bundle(before.files, about, profiles)
    scan(after, everybody.people.secrets)
    return after
