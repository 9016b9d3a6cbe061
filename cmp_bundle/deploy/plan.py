"""What a deploy, a rollback or an undeploy would change. Nothing is looked at or changed here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cmp_bundle.asterisk import includes
from cmp_bundle.bundle import manifest
from cmp_bundle.changes.plan import Plan, Steps
from cmp_bundle.changes.state import State, SymlinkState
from cmp_bundle.changes.step import Removal
from cmp_bundle.checks.expected import Expected
from cmp_bundle.deploy import refusals, staging
from cmp_bundle.deploy.layout import release_id
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.server import lines
from cmp_bundle.server.refusals import before_reload
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp_bundle.bundle.manifest import Bundle
    from cmp_bundle.deploy.survey import Survey
    from cmp_bundle.findings import Finding


@dataclass(frozen=True)
class Planned(Plan):
    """A plan for the phone: the release that is current after it, and what the server answers.

    ``findings`` are what keeps browsers from opening the page all the same.
    """

    release: str | None = None
    expected: Expected = field(default_factory=Expected)
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


def to_deploy(
    bundle: Bundle,
    found: Survey,
    *,
    keep: int,
    proxied: bool = False,
) -> Planned:
    """Make ``bundle`` the current release; ``proxied`` is whether people may reach it through a proxy
    that has the certificate. Raises CmpBundleError with what stands against it.
    """
    about = bundle.manifest
    refusals.before_deploy(found, about.site, about.redirect, proxied=proxied)
    steps = Steps()
    if _is_there(found, about.id):
        release = found.current or ""
        version = found.version or _version(found.next_serial, about.id)
    else:
        moment = found.next_serial
        release, version = release_id(moment, about.id), _version(moment, about.id)
        staging.stage(steps, bundle, found, release, moment)
    superseded = staging.stage_profiles(steps, bundle, found)
    kept = staging.kept(found, release, keep)
    staging.remember(steps, found, release, about, kept)
    steps.add(found.site.link, _link(found, found.current), _link(found, release))
    page = includes.page_path(found.server.prefix, about.site, version)
    _configure(steps, found, about.redirect, page)
    then = (*superseded, *staging.superfluous(found, kept, also=bundle.manifest))
    expected = _expected(found, about.redirect, page, bundle)
    plan = Planned(
        "deploy",
        tuple(steps.steps),
        then if steps else (),
        release,
        expected,
        (*_notes(found, kept), *lines.notes(steps, found)),
        tuple(filter(None, (found.pair.hindrance, found.pair.unwelcome))),
    )
    refusals.after(found, plan, expected)
    return plan


def _is_there(found: Survey, bundle: str) -> bool:
    """Whether the current release is this bundle, with every byte of it on the disk."""
    current = found.on_disk.get(found.current or "")
    return (
        current is not None and current.whole and bool(current.about and current.about.id == bundle)
    )


def to_update_profiles(found: Survey, profiles: Mapping[str, bytes]) -> Planned:
    """Put ``profiles`` in place of those that are deployed; the release stays as it is."""
    current = _current(found)
    about = replace(found.manifest(current), profiles=manifest.Profiles.of(profiles))
    bundle = manifest.Bundle({}, about, profiles)
    steps = Steps()
    superseded = staging.stage_profiles(steps, bundle, found)
    page = includes.page_path(found.server.prefix, about.site, found.version or "")
    expected = _expected(found, found.redirect or about.redirect, page, bundle)
    return Planned("change of profiles", tuple(steps.steps), superseded, current, expected)


def to_roll_back(found: Survey, release: str | None) -> Planned:
    """Make ``release`` current again; without one, the newest that is older than the current."""
    current = _current(found)
    target = _named(found, release)
    refusals.before_any(found)
    about = found.manifest(target)
    moment = found.next_serial
    page = includes.page_path(found.server.prefix, about.site, _version(moment, about.id))
    steps = Steps()
    files = staging.whole(found, target)
    entry = found.on_disk[target].files[about.entry]
    steps.add(found.site.file(target, about.entry), entry, replace(entry, mtime=moment))
    steps.add(found.site.link, _link(found, current), _link(found, target))
    _configure(steps, found, about.redirect, page)
    bundle = manifest.Bundle(files, about)
    expected = _expected(found, about.redirect, page, bundle)
    plan = Planned("rollback", tuple(steps.steps), (), target, expected)
    refusals.after(found, plan, expected)
    return plan


def to_undeploy(found: Survey) -> Planned:
    """Take everything away; the admin's files become what they would be without us."""
    steps = Steps()
    _configure(steps, found, None, None)
    steps.add(found.site.link, _link(found, found.current), None)
    cleanup = staging.everything(found)
    if found.folder is not None and found.our_names.isdisjoint(includes.PROVISIONED):
        cleanup += (Removal(found.our_folder),)
    if steps.reloads:
        before_reload(found)
    nothing = _expected(found, found.redirect or "/cmp2k", None, None)
    return Planned("undeploy", tuple(steps.steps), cleanup, None, nothing)


def _current(found: Survey) -> str:
    """The release that is current. Raises CmpBundleError where there is none."""
    if found.current is None:
        text = "nothing is deployed here"
        raise CmpBundleError("not-deployed", text, file=found.site.link, hint="cmp-bundle deploy")
    return found.current


def _expected(found: Survey, redirect: str, page: str | None, bundle: Bundle | None) -> Expected:
    """What the live server answers then; without a ``bundle`` it serves none."""
    return Expected(
        redirect,
        page,
        _served(found, bundle) if bundle else {},
        f"{found.server.prefix}/ws",
        listener=str(found.server.tls_address) if found.server.tls_address else None,
    )


def _version(serial: int, bundle: str) -> str:
    """What the redirect's query says: never the same again, so that no cache has it."""
    return f"{serial}-{bundle}"


def _link(found: Survey, release: str | None) -> State:
    return None if release is None else SymlinkState(found.site.target(release))


def _configure(steps: Steps, found: Survey, redirect: str | None, page: str | None) -> None:
    """Our own http.conf, the one line in theirs, and the reload."""
    lines.write_http(steps, found, replace(found.our_http, redirect=redirect, page=page))


def _served(found: Survey, bundle: Bundle) -> dict[str, bytes]:
    """What the server has to send for each published file."""
    base = f"{found.server.prefix}/static/{bundle.manifest.site}"
    # One profile stands for all: they lie in one folder, and there may be thousands.
    sample = dict(list(bundle.profiles.items())[:1])
    files = {**bundle.files, **{f"{manifest.PROFILES}/{n}": d for n, d in sample.items()}}
    return {f"{base}/{path}": data for path, data in files.items()}


def _named(found: Survey, release: str | None) -> str:
    if release is None:
        older = [r for r in found.releases if r < (found.current or "")]
        if older:
            return older[-1]
        others = [r for r in found.releases if r != found.current]
        raise CmpBundleError(
            "no-release",
            "there is no release before the current one",
            hint=f"name one: cmp-bundle rollback {others[-1]}" if others else "cmp-bundle deploy",
        )
    matching = [r for r in found.releases if r == release or r.endswith(f"-{release}")]
    if not matching:
        raise CmpBundleError(
            "no-release", f"there is no release {release}", hint="cmp-bundle releases lists them"
        )
    return matching[-1]


def _notes(found: Survey, kept: set[str]) -> tuple[str, ...]:
    notes = [
        f"release {release} is damaged and will be removed: {error}"
        for release, error in found.damaged.items()
        if release not in kept
    ]
    if found.static_names and not found.server.static_enabled:
        names = [n if n.isprintable() else ascii(n) for n in found.static_names]
        notes.append(
            f"this turns on static files, so all of {found.site.static} can be fetched then: {some(names)}"
        )
    return tuple(notes)
