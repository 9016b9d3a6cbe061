"""What of a plan lies below static-http: a release's files, the profiles, and what goes with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.bundle import manifest
from cmp_bundle.changes.state import FileState, FolderState, SymlinkState, TreeState
from cmp_bundle.changes.step import Removal
from cmp_bundle.deploy import remembered
from cmp_bundle.deploy.layout import ASSETS, PROFILE_NAMES
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from cmp_bundle.bundle.manifest import Bundle, Manifest
    from cmp_bundle.changes.plan import Steps
    from cmp_bundle.deploy.survey import Survey

#: The modes of what everybody may read.
FILE_MODE = 0o644
_FOLDER_MODE = 0o755


def stage(steps: Steps, bundle: Bundle, found: Survey, release: str, moment: int) -> None:
    """Everything of the release, where nobody looks for it yet."""
    site, owner = found.site, found.static_owner
    for path in (site.static, site.hidden, site.releases, site.assets):
        _folder(steps, found, path)
    folder = site.release(release)
    steps.add(folder, None, FolderState(owner.with_mode(_FOLDER_MODE)))
    for shared in (ASSETS, manifest.PROFILES):
        steps.add(folder / shared, None, SymlinkState(f"../../{shared}"))
    folders = {site.assets, folder}
    for name, data in bundle.files.items():
        path = site.file(release, name)
        mtime = moment if name == bundle.manifest.entry else None
        wanted = FileState(data, owner.with_mode(FILE_MODE), mtime)
        before = found.states.get(path)
        if isinstance(before, FileState) and before.data == data:
            continue
        for parent in reversed([p for p in path.parents if p.is_relative_to(site.hidden)]):
            if parent not in folders and parent.is_relative_to(site.assets):
                folders.add(parent)
                _folder(steps, found, parent)
            elif parent not in folders and parent.is_relative_to(folder):
                folders.add(parent)
                steps.add(parent, None, FolderState(owner.with_mode(_FOLDER_MODE)))
        steps.add(path, before, wanted)
    about = FileState(bundle.manifest.to_json(), owner.with_mode(FILE_MODE))
    steps.add(site.manifest_of(release), None, about)


def stage_profiles(steps: Steps, bundle: Bundle, found: Survey) -> tuple[Removal, ...]:
    """The accounts' profiles, all of them or those of nobody; what they replace."""
    site, now = found.site, found.profiles
    wanted = bundle.manifest.profiles.sha256[:12] if bundle.profiles else None
    if wanted == now:
        return ()
    before = found.states.get(site.profiles)
    if wanted is None:
        steps.add(site.profiles, before, None)
    else:
        owner = found.static_owner.with_mode(_FOLDER_MODE)
        _folder(steps, found, site.profile_sets)
        steps.add(site.profile_set(wanted), None, TreeState(bundle.profiles, owner, PROFILE_NAMES))
        steps.add(site.profiles, before, SymlinkState(f"profiles/{wanted}"))
    return (_profile_set(found, now),) if now else ()


def _folder(steps: Steps, found: Survey, path: Path) -> None:
    """A folder that is there already, or is made."""
    state = found.states.get(path)
    if state is None:
        steps.add(path, None, FolderState(found.static_owner.with_mode(_FOLDER_MODE)))
    elif not isinstance(state, FolderState):
        raise CmpBundleError(
            "in-the-way",
            "is not a folder, but must be one",
            file=path,
            hint="move it away",
        )


def kept(found: Survey, release: str, keep: int) -> set[str]:
    """The releases that stay: the new one, the one it replaces, then the newest that are whole."""
    stay = {release} | ({found.current} if found.current else set())
    for candidate in reversed(found.releases):
        if len(stay) >= keep:
            break
        if candidate not in found.damaged:
            stay.add(candidate)
    return stay


def superfluous(found: Survey, kept: set[str], also: Manifest) -> tuple[Removal, ...]:
    """The releases not ``kept``, and the assets of all that were, which none of the kept ones names.

    All assets stay while a release is damaged: pages that were opened from it may need them.
    """
    gone = [r for r in found.releases if r not in kept]
    removals = [removal for release in gone for removal in _release(found, release)]
    if not found.damaged:
        manifests = [also, *(found.manifest(r) for r in found.releases if r in kept)]
        removals += _assets(found, {file.path for about in manifests for file in about.files})
    return tuple(removals)


def everything(found: Survey) -> tuple[Removal, ...]:
    """All that deploys have put there, as is remembered; what else is there stays."""
    site = found.site
    memory = () if found.memory_state is None else (Removal(found.memory),)
    if site.hidden not in found.states:
        return memory
    return (
        *(removal for release in found.releases for removal in _release(found, release)),
        *_assets(found, used=()),
        Removal(site.profiles),
        *(_profile_set(found, digest) for digest in found.profile_sets),
        *(Removal(path) for path in (site.profile_sets, site.assets, site.releases, site.hidden)),
        *memory,
    )


def remember(steps: Steps, found: Survey, release: str, about: Manifest, kept: set[str]) -> None:
    """What is deployed from now on, and what was and may have left something behind."""
    stays = kept | {release} if not found.damaged else {release, *found.remembered, *kept}
    deployed = {
        name: _named(found, name)
        for name in sorted(stays)
        if name == release or _named(found, name)
    }
    deployed[release] = {file.path: file.sha256 for file in about.files}
    wanted = remembered.written(deployed, found.memory_owner)
    steps.add(found.memory, found.memory_state, wanted)


def _named(found: Survey, release: str) -> dict[str, str]:
    """The files of a release: as is remembered, else as its manifest tells."""
    if release in found.remembered:
        return dict(found.remembered[release])
    known = found.on_disk.get(release)
    return {f.path: f.sha256 for f in known.about.files} if known and known.about else {}


def _release(found: Survey, release: str) -> list[Removal]:
    """The files that it is known to have, and what every release has."""
    site, folder = found.site, found.site.release(release)
    paths = {site.file(release, path) for path in _named(found, release)}
    paths = {p for p in paths if p.is_relative_to(folder)} | {folder / manifest.ENTRY}
    links = [Removal(folder / shared) for shared in (ASSETS, manifest.PROFILES)]
    return [
        *(Removal(path) for path in sorted(paths)),
        *links,
        *(Removal(path) for path in _parents(paths, folder)),
        Removal(folder),
        Removal(site.manifest_of(release)),
    ]


def _assets(found: Survey, used: Collection[str]) -> list[Removal]:
    """The assets of all releases, also of those that are gone, but for those that are ``used``."""
    site = found.site
    known = {*found.releases, *found.remembered}
    names = {path for release in known for path in _named(found, release)}
    paths = {
        site.hidden / name for name in names if name.startswith(f"{ASSETS}/") and name not in used
    }
    there = {path for path in paths if path in found.states}
    return [
        *(Removal(path) for path in sorted(there)),
        *(Removal(path) for path in _parents(there, site.assets)),
    ]


def _parents(paths: Iterable[Path], top: Path) -> list[Path]:
    """The folders between ``top`` and ``paths``, the innermost first."""
    between = {parent for path in paths for parent in path.parents if parent.is_relative_to(top)}
    return sorted(between - {top}, reverse=True)


def _profile_set(found: Survey, digest: str) -> Removal:
    return Removal(found.site.profile_set(digest), PROFILE_NAMES)


def whole(found: Survey, release: str) -> dict[str, bytes]:
    """A release's files. Raises CmpBundleError where one is not as it was deployed."""
    about, present = found.manifest(release), found.on_disk[release].files
    for file in about.files:
        if file.path not in present:
            gone = found.site.file(release, file.path) not in found.states
            raise CmpBundleError(
                "release-damaged",
                "is missing, so this release is incomplete"
                if gone
                else "was changed after the deploy, so this release is damaged",
                file=found.site.release(release) / file.path,
                hint="roll back to another one, or deploy the bundle again",
            )
    return {file.path: present[file.path].data for file in about.files}
