"""The use cases of releases: deploy one, go back to one, take all of them away."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cmp_bundle.bundle import manifest
from cmp_bundle.changes.described import changed_paths
from cmp_bundle.checks import live
from cmp_bundle.commands import server
from cmp_bundle.commands.bundle_checks import refuse_outdated, refuse_plain
from cmp_bundle.commands.context import with_notes
from cmp_bundle.commands.ended_links import ended
from cmp_bundle.commands.examining import look_over
from cmp_bundle.commands.link_key import unasked
from cmp_bundle.commands.result import ServerChanges
from cmp_bundle.deploy.plan import to_deploy, to_roll_back, to_undeploy
from cmp_bundle.deploy.survey import survey
from cmp_bundle.findings import finding
from cmp_bundle.provision.proxy import is_proxied

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cmp_bundle.asterisk.installation import Installation
    from cmp_bundle.checks.expected import Expected
    from cmp_bundle.commands.context import Context
    from cmp_bundle.deploy.plan import Planned


@dataclass(frozen=True, kw_only=True)
class Release(ServerChanges):
    """``release`` is current then, None for none; ``redirect`` leads to ``page``, a path and query.

    ``url`` is where the live server was seen to serve it, None where none is running.
    """

    release: str | None
    redirect: str
    page: str | None
    url: str | None = None


@with_notes
def deploy(
    context: Context,
    bundle: Path | None = None,
    confirm: Callable[[str], None] = unasked,
    *,
    public: bool = False,
    dry_run: bool = False,
) -> Release:
    """Put ``bundle`` (a folder that a build wrote, or an archive of it) on Asterisk's web server.

    Without one, the bundle that the settings name. ``public`` tells that a bundle with somebody's
    password in the page is meant. ``confirm`` is asked where many links would stop working, and raises
    where that is not meant. Raises CmpBundleError; the server is then as it was.
    """
    settings = context.settings
    contents = manifest.read(bundle or settings.build.out)
    refuse_plain(contents, public=public)

    def plan(where: Installation) -> Planned:
        everybody = refuse_outdated(context, contents)
        found = survey(where, contents.manifest.site, wanted=contents.files)
        planned = to_deploy(
            contents, found, keep=settings.deploy.keep, proxied=is_proxied(settings.site.url)
        )
        links = ended(found.profile_names, contents.profiles.keys(), everybody)
        if not links.number:
            return planned
        if links.are_many and not dry_run:
            confirm(str(links))
        return replace(planned, notes=(*planned.notes, str(links)))

    return _carried_out(context, plan, dry_run=dry_run)


@with_notes
def rollback(context: Context, release: str | None = None, *, dry_run: bool = False) -> Release:
    """Make ``release`` current again: an id, or the last part of one; without it, the one before."""

    def plan(where: Installation) -> Planned:
        return to_roll_back(survey(where, context.settings.site.name), release)

    return _carried_out(context, plan, dry_run=dry_run)


@with_notes
def undeploy(context: Context, *, dry_run: bool = False) -> Release:
    """Take everything of cmp-bundle off the server again."""

    def plan(where: Installation) -> Planned:
        return to_undeploy(survey(where, context.settings.site.name))

    return _carried_out(context, plan, dry_run=dry_run)


def _carried_out(
    context: Context, plan: Callable[[Installation], Planned], *, dry_run: bool
) -> Release:
    """Plan, and unless it is a dry run, do it and look at the live server."""
    where = server.installation(context)
    at = server.server(context, where)
    if dry_run:
        return _release(context, plan(where), dry_run=True)
    engine = server.engine(context, at)
    with engine.alone():
        # What was cut off before may have changed what is read here.
        planned = plan(where)
        release = _release(context, planned)
        url = engine.carry_out(planned, lambda: at.look(planned.expected))
    if url and url.startswith("http:") and planned.expected.page is not None:
        _through_the_proxy(context, planned.expected)
    if url and planned.action == "deploy":
        release = replace(release, findings=look_over(context))
    return replace(release, url=url)


def _through_the_proxy(context: Context, expected: Expected) -> None:
    """Say so where people do not get by the public name what Asterisk serves."""
    problem = live.problem(context.settings.site.url, expected)
    if problem is not None:
        text = f"people cannot use it yet: {problem}"
        hint = "for the proxy's configuration: cmp-bundle provision --proxy nginx"
        context.reporter.found(finding("proxy", text, hint=hint))


def _release(context: Context, planned: Planned, *, dry_run: bool = False) -> Release:
    """What is planned, and its notes said."""
    for note in planned.notes:
        context.reporter.note(note)
    return Release(
        changed=bool(planned),
        changes=changed_paths(planned.steps, planned.cleanup),
        reloads=planned.reloads,
        findings=planned.findings,
        dry_run=dry_run,
        release=planned.release,
        redirect=planned.expected.redirect,
        page=planned.expected.page,
    )
