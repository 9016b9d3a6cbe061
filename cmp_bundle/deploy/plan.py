"""What a deploy, a rollback or an undeploy would change. Nothing is changed here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cmp_bundle.asterisk import includes
from cmp_bundle.bundle import manifest
from cmp_bundle.deploy import refusals
from cmp_bundle.deploy.change import Change, File, Folder, Link, State, Tree, look
from cmp_bundle.deploy.layout import ASSETS, release_id
from cmp_bundle.deploy.line import add_line, has_line, remove_line
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cmp_bundle.asterisk.includes import Https
    from cmp_bundle.bundle.manifest import Bundle
    from cmp_bundle.deploy.survey import Found
    from cmp_bundle.files import Owner
    from cmp_bundle.settings.model import EchoSettings

#: The admin's files that get a line, and what makes Asterisk read each again.
_RELOADS = {"http.conf": "module reload http", "extensions.conf": "dialplan reload"}

_FILE = 0o644
_FOLDER = 0o755


@dataclass(frozen=True)
class Reload:
    """A line for Asterisk's console, at this place between the changes."""

    line: str


@dataclass(frozen=True)
class Expected:
    """What the live server has to answer when it is done.

    ``redirect`` leads to ``page`` (path and query), or to nothing where ``page`` is None;
    ``files`` are the bytes behind each path; ``socket`` is the path of the WebSocket; ``echo``
    is the extension and context that the dialplan has to know, ``listener`` the ``address:port``
    of HTTPS by the configuration.
    """

    redirect: str
    page: str | None
    files: dict[str, bytes]
    socket: str
    echo: tuple[str, str] | None = None
    listener: str | None = None


@dataclass(frozen=True)
class Plan:
    """``then`` is thrown away once the rest is done and seen to work."""

    action: str
    release: str | None
    steps: tuple[Change | Reload, ...]
    then: tuple[Path, ...]
    expected: Expected
    notes: tuple[str, ...] = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        return tuple(s for s in self.steps if isinstance(s, Change))

    @property
    def reloads(self) -> tuple[str, ...]:
        return tuple(s.line for s in self.steps if isinstance(s, Reload))


@dataclass
class _Steps:
    """Steps in the making: a change that changes nothing is no step."""

    steps: list[Change | Reload] = field(default_factory=list)

    def add(self, path: Path, before: State, after: State, included: str | None = None) -> None:
        if before != after:
            self.steps.append(Change(path, before, after, included))

    def reload(self, line: str) -> None:
        self.steps.append(Reload(line))

    def __bool__(self) -> bool:
        return bool(self.steps)


def to_deploy(
    bundle: Bundle,
    found: Found,
    *,
    keep: int,
    echo: EchoSettings,
    https: Https | None = None,
) -> Plan:
    """Make ``bundle`` the current release. Raises CmpBundleError with what stands against it."""
    about = bundle.manifest
    refusals.before_deploy(found, about.site, about.redirect, https)
    steps = _Steps()
    if found.current is not None and found.intact and found.manifest(found.current).id == about.id:
        release, version = found.current, found.version or _version(found.next_serial, about.id)
    else:
        moment = found.next_serial
        release, version = release_id(moment, about.id), _version(moment, about.id)
        _stage(steps, bundle, found, release, moment)
    superseded = _profiles(steps, bundle, found)
    steps.add(found.site.link, _link(found, found.current), _link(found, release))
    page = includes.page_path(found.server.prefix, about.site, version)
    http = _http_conf(found, about.redirect, page, https or found.https)
    _configure(steps, found, http, _dialplan(found, echo))
    kept = _kept(found, release, keep)
    then = (*superseded, *_superfluous(found, kept, also=bundle.manifest))
    expected = Expected(
        about.redirect,
        page,
        _served(found, bundle),
        f"{found.server.prefix}/ws",
        echo=(echo.extension, echo.context) if echo.extension and echo.context else None,
        listener=https.address if https else _listener(found),
    )
    plan = Plan(
        "deploy", release, tuple(steps.steps), then if steps else (), expected, _notes(found)
    )
    refusals.after(found, plan)
    return plan


def to_reseal(found: Found, profiles: Mapping[str, bytes], reloads: tuple[str, ...] = ()) -> Plan:
    """Put ``profiles`` in place of those that are deployed; the release stays as it is.

    ``reloads`` come first: a profile with a new password shall meet an Asterisk that knows it.
    """
    if found.current is None:
        raise CmpBundleError(
            "nothing is deployed here", file=found.site.link, hint="cmp-bundle deploy"
        )
    about = replace(found.manifest(found.current), profiles=manifest.Profiles.of(profiles))
    bundle = manifest.Bundle({}, about, profiles)
    steps = _Steps()
    for line in reloads:
        steps.reload(line)
    superseded = _profiles(steps, bundle, found)
    version = found.version or ""
    expected = Expected(
        found.redirect or about.redirect,
        includes.page_path(found.server.prefix, about.site, version),
        _served(found, bundle),
        f"{found.server.prefix}/ws",
        listener=_listener(found),
    )
    return Plan("change of profiles", found.current, tuple(steps.steps), superseded, expected)


def to_roll_back(found: Found, release: str | None) -> Plan:
    """Make ``release`` current again; without one, the newest that is older than the current."""
    if found.current is None:
        raise CmpBundleError(
            "nothing is deployed here", file=found.site.link, hint="cmp-bundle deploy"
        )
    target = _named(found, release)
    refusals.before_any(found)
    about = found.manifest(target)
    moment = found.next_serial
    page = includes.page_path(found.server.prefix, about.site, _version(moment, about.id))
    folder = found.site.release(target)
    steps = _Steps()
    files = _whole(folder, about)
    entry = files[about.entry]
    own = found.static_owner.with_mode(_FILE)
    steps.add(folder / about.entry, File(entry, own), File(entry, own, moment))
    steps.add(found.site.link, _link(found, found.current), _link(found, target))
    http = _http_conf(found, about.redirect, page, found.https)
    _configure(steps, found, http, None, all_of_it=False)
    bundle = manifest.Bundle(files, about)
    expected = Expected(
        about.redirect,
        page,
        _served(found, bundle),
        f"{found.server.prefix}/ws",
        listener=_listener(found),
    )
    plan = Plan("rollback", target, tuple(steps.steps), (), expected)
    refusals.after(found, plan)
    return plan


def to_undeploy(found: Found) -> Plan:
    """Take everything away; the admin's files become what they would be without us."""
    steps = _Steps()
    for name in _RELOADS:
        _exclude(steps, found, name)
    steps.add(found.site.link, _link(found, found.current), None)
    then = (found.site.hidden,) if found.site.hidden.is_dir() else ()
    expected = Expected(
        found.redirect or "/cmp2k",
        None,
        {},
        f"{found.server.prefix}/ws",
        listener=_listener(found),
    )
    return Plan("undeploy", None, tuple(steps.steps), then, expected)


def _listener(found: Found) -> str | None:
    return str(found.server.tls_address) if found.server.tls_address else None


def _version(serial: int, bundle: str) -> str:
    """What the redirect's query says: never the same again, so that no cache has it."""
    return f"{serial}-{bundle}"


def _link(found: Found, release: str | None) -> State:
    return None if release is None else Link(found.site.target(release))


def _stage(steps: _Steps, bundle: Bundle, found: Found, release: str, moment: int) -> None:
    """Everything of the release, where nobody looks for it yet."""
    own = found.static_owner
    folder = found.site.release(release)
    needed = [found.site.static, found.site.hidden, found.site.releases, found.site.assets]
    for path in needed:
        steps.add(path, *_made(path, own))
    steps.add(folder, None, Folder(own.with_mode(_FOLDER)))
    for shared in (ASSETS, manifest.PROFILES):
        steps.add(folder / shared, None, Link(f"../../{shared}"))
    made = set(needed)
    for name, data in bundle.files.items():
        is_asset = name.startswith(f"{ASSETS}/")
        home = found.site.hidden if is_asset else folder
        path = home / name
        if is_asset and found.has_asset(name.removeprefix(f"{ASSETS}/"), data):
            continue
        for parent in reversed(path.relative_to(home).parents[:-1]):
            if home / parent not in made:
                made.add(home / parent)
                steps.add(home / parent, *_made(home / parent, own))
        mtime = moment if name == bundle.manifest.entry else None
        steps.add(path, None, File(data, own.with_mode(_FILE), mtime))
    about = File(bundle.manifest.to_json(), own.with_mode(_FILE))
    steps.add(found.site.manifest_of(release), None, about)


def _profiles(steps: _Steps, bundle: Bundle, found: Found) -> tuple[Path, ...]:
    """The accounts' profiles, all of them or those of nobody; what they replace."""
    site = found.site
    now = site.current_profiles()
    wanted = bundle.manifest.profiles.sha256[:12] if bundle.profiles else None
    if wanted == now:
        return ()
    before = Link(f"profiles/{now}") if now else None
    if wanted is None:
        steps.add(site.profiles, before, None)
    else:
        own = found.static_owner.with_mode(_FOLDER)
        sets = site.profile_set(wanted).parent
        steps.add(sets, *_made(sets, own))
        steps.add(site.profile_set(wanted), None, Tree(bundle.profiles, own))
        steps.add(site.profiles, before, Link(f"profiles/{wanted}"))
    return (site.profile_set(now),) if now else ()


def _made(path: Path, own: Owner) -> tuple[State, State]:
    folder = Folder(own.with_mode(_FOLDER))
    return (folder, folder) if path.is_dir() else (None, folder)


def _configure(
    steps: _Steps, found: Found, http: bytes, dialplan: bytes | None, *, all_of_it: bool = True
) -> None:
    """Our own files, the one line in theirs, and the reloads.

    ``dialplan`` is what extensions.conf includes of ours, None for nothing; it is left as it is
    where ``all_of_it`` is false.
    """
    _include(steps, found, "http.conf", http)
    if dialplan is not None:
        _include(steps, found, "extensions.conf", dialplan)
    elif all_of_it:
        _exclude(steps, found, "extensions.conf")


def _include(steps: _Steps, found: Found, name: str, data: bytes) -> None:
    theirs = found.their(name)
    before = len(steps.steps)
    steps.add(found.folder / name, found.ours.get(name), File(data, theirs.owner))
    line = File(add_line(theirs.data, name), theirs.owner)
    steps.add(found.paths[name], theirs, line, included=name)
    if len(steps.steps) > before:
        steps.reload(_RELOADS[name])


def _exclude(steps: _Steps, found: Found, name: str) -> None:
    """The line goes first, and Asterisk is told, so that it never looks for what is not there."""
    theirs = found.theirs.get(name)
    if theirs is not None and has_line(theirs.data, name):
        after = File(remove_line(theirs.data, name), theirs.owner)
        steps.add(found.paths[name], theirs, after, included=name)
        steps.reload(_RELOADS[name])
    steps.add(found.folder / name, found.ours.get(name), None)


def _http_conf(found: Found, redirect: str, page: str, https: Https | None) -> bytes:
    exists = found.exists("http.conf", "general")
    return includes.http_conf(redirect, page, general_exists=exists, https=https)


def _dialplan(found: Found, echo: EchoSettings) -> bytes | None:
    if not (echo.extension and echo.context):
        return None
    exists = found.exists("extensions.conf", echo.context)
    return includes.extensions_conf(echo.extension, echo.context, context_exists=exists)


def _served(found: Found, bundle: Bundle) -> dict[str, bytes]:
    """What the server has to send for each published file."""
    base = f"{found.server.prefix}/static/{bundle.manifest.site}"
    # One profile stands for all: they lie in one folder, and there may be thousands.
    sample = dict(list(bundle.profiles.items())[:1])
    files = {**bundle.files, **{f"{manifest.PROFILES}/{n}": d for n, d in sample.items()}}
    return {f"{base}/{path}": data for path, data in files.items()}


def _kept(found: Found, release: str, keep: int) -> set[str]:
    """The releases that stay: the new one, the one it replaces, then the newest."""
    stay = {release} | ({found.current} if found.current else set())
    for candidate in reversed(found.releases):
        if len(stay) >= keep:
            break
        stay.add(candidate)
    return stay


def _superfluous(found: Found, kept: set[str], also: manifest.Manifest) -> tuple[Path, ...]:
    """The releases not ``kept``, and the assets that none of the kept ones names."""
    gone = [r for r in found.releases if r not in kept]
    manifests = [also, *(found.manifest(r) for r in found.releases if r in kept)]
    used = {f.path.removeprefix(f"{ASSETS}/") for m in manifests for f in m.files}
    assets = [name for name in sorted(found.assets) if name not in used]
    return (
        *(path for r in gone for path in (found.site.release(r), found.site.manifest_of(r))),
        *(found.site.assets / name for name in assets),
    )


def _whole(folder: Path, about: manifest.Manifest) -> dict[str, bytes]:
    """A release's files. Raises CmpBundleError where one is not as it was deployed."""
    files = {}
    for file in about.files:
        state = look(folder / file.path)
        if not isinstance(state, File) or hashlib.sha256(state.data).hexdigest() != file.sha256:
            gone = state is None
            raise CmpBundleError(
                "is gone, so this release is not whole"
                if gone
                else "is not as it was deployed, so this release is not whole",
                file=folder / file.path,
                hint="roll back to another one, or deploy the bundle again",
            )
        files[file.path] = state.data
    return files


def _named(found: Found, release: str | None) -> str:
    if release is None:
        older = [r for r in found.releases if r < (found.current or "")]
        if older:
            return older[-1]
        others = [r for r in found.releases if r != found.current]
        raise CmpBundleError(
            "there is no release before the current one",
            hint=f"name one: cmp-bundle rollback {others[-1]}" if others else "cmp-bundle deploy",
        )
    matching = [r for r in found.releases if r == release or r.endswith(f"-{release}")]
    if not matching:
        raise CmpBundleError(
            f"there is no release {release}", hint="cmp-bundle releases lists them"
        )
    return matching[-1]


def _notes(found: Found) -> tuple[str, ...]:
    if found.server.static_enabled or not found.static_names:
        return ()
    shown = ", ".join(found.static_names[:5])
    return (
        f"this turns on static files, so all of {found.site.static} can be fetched then: {shown}",
    )
