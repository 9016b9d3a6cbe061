"""Profiles that changed, brought to where they are: into the bundle, and live."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cmp_bundle.bundle import dist, manifest
from cmp_bundle.changes.described import changed_paths, reloads
from cmp_bundle.commands import server
from cmp_bundle.commands.result import ServerChanges
from cmp_bundle.commands.secret_scan import scan
from cmp_bundle.deploy.plan import to_update_profiles
from cmp_bundle.deploy.survey import survey
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk
from cmp_bundle.files.rights import is_there

if TYPE_CHECKING:
    from cmp_bundle.changes.engine import Transaction
    from cmp_bundle.commands.context import Context
    from cmp_bundle.commands.loaded_accounts import LoadedAccounts
    from cmp_bundle.server.server import Server


@dataclass(frozen=True, kw_only=True)
class Republished(ServerChanges):
    """``built`` is whether the bundle that was built has the new profiles, ``live`` whether this
    machine's server has them, and ``url`` where that was seen.
    """

    built: bool = False
    live: bool = False
    url: str | None = None


def republish(
    context: Context, everybody: LoadedAccounts, at: Server | None, changes: Transaction
) -> Republished:
    """Put the profiles as they are now on the server here, and into the bundle, if one was built.

    The phone itself stays as it is at both places. Raises CmpBundleError where they would not be
    right; the transaction then undoes what was done live.
    """
    bundle = _bundle(context, everybody)
    planned = None
    if at is not None:
        found = survey(at.installation, context.settings.site.name)
        planned = to_update_profiles(found, everybody.bundled.profiles) if found.current else None
    url = None
    if at is not None and planned is not None:
        changes.do(planned.steps)
        url = at.look(planned.expected)
        changes.cleanup += planned.cleanup
    if bundle is not None:
        dist.write(bundle, context.settings.build.out, Disk())
    steps = changes.entry.steps
    return Republished(
        changed=bool(steps),
        changes=changed_paths(steps, changes.cleanup, secret=True),
        reloads=reloads(steps),
        built=bundle is not None,
        live=planned is not None,
        url=url,
    )


def here(context: Context) -> Server | None:
    """The server of this machine; None where there is none, or none that can be looked at."""
    try:
        where = server.look(context)
    except CmpBundleError as error:
        context.reporter.warn(
            f"nothing is changed on this machine's Asterisk, which cannot be looked at: {error}"
        )
        return None
    return None if where is None else server.server(context, where)


def _bundle(context: Context, everybody: LoadedAccounts) -> manifest.Bundle | None:
    """The bundle that was built, with the profiles as they are now; None where there is none."""
    out = context.settings.build.out
    if not is_there(out / manifest.NAME):
        return None
    try:
        before = manifest.read(out)
    except CmpBundleError as error:
        context.reporter.warn(f"{error}; {error.hint}")
        return None
    profiles = everybody.bundled.profiles
    about = replace(before.manifest, profiles=manifest.Profiles.of(profiles))
    after = manifest.Bundle(before.files, about, profiles)
    scan(after, everybody.bundled.secrets)
    return after
