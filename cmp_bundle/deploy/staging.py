"""What of a plan lies below static-http: a release's files, the profiles, and what stays of before."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cmp_bundle.bundle import manifest
from cmp_bundle.deploy.change import File, Folder, Link, State, Tree, look
from cmp_bundle.deploy.layout import ASSETS
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.bundle.manifest import Bundle
    from cmp_bundle.deploy.steps import Steps
    from cmp_bundle.deploy.survey import Found
    from cmp_bundle.files import Owner

#: The modes of what everybody may read.
FILE_MODE = 0o644
_FOLDER_MODE = 0o755


def stage(steps: Steps, bundle: Bundle, found: Found, release: str, moment: int) -> None:
    """Everything of the release, where nobody looks for it yet."""
    own = found.static_owner
    folder = found.site.release(release)
    needed = [found.site.static, found.site.hidden, found.site.releases, found.site.assets]
    for path in needed:
        steps.add(path, *_made(path, own))
    steps.add(folder, None, Folder(own.with_mode(_FOLDER_MODE)))
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
        steps.add(path, None, File(data, own.with_mode(FILE_MODE), mtime))
    about = File(bundle.manifest.to_json(), own.with_mode(FILE_MODE))
    steps.add(found.site.manifest_of(release), None, about)


def stage_profiles(steps: Steps, bundle: Bundle, found: Found) -> tuple[Path, ...]:
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
        own = found.static_owner.with_mode(_FOLDER_MODE)
        sets = site.profile_set(wanted).parent
        steps.add(sets, *_made(sets, own))
        steps.add(site.profile_set(wanted), None, Tree(bundle.profiles, own))
        steps.add(site.profiles, before, Link(f"profiles/{wanted}"))
    return (site.profile_set(now),) if now else ()


def _made(path: Path, own: Owner) -> tuple[State, State]:
    folder = Folder(own.with_mode(_FOLDER_MODE))
    if path.is_dir():
        return folder, folder
    if path.exists() or path.is_symlink():
        raise CmpBundleError(
            "is not a folder, and stands where one is needed", file=path, hint="move it away"
        )
    return None, folder


def kept(found: Found, release: str, keep: int) -> set[str]:
    """The releases that stay: the new one, the one it replaces, then the newest that are whole."""
    stay = {release} | ({found.current} if found.current else set())
    for candidate in reversed(found.releases):
        if len(stay) >= keep:
            break
        if candidate not in found.damaged:
            stay.add(candidate)
    return stay


def superfluous(found: Found, kept: set[str], also: manifest.Manifest) -> tuple[Path, ...]:
    """The releases not ``kept``, and the assets that none of the kept ones names.

    All assets stay while a release is damaged: pages that were opened from it may need them.
    """
    gone = [r for r in found.releases if r not in kept]
    assets: list[str] = []
    if not found.damaged:
        manifests = [also, *(found.manifest(r) for r in found.releases if r in kept)]
        used = {f.path.removeprefix(f"{ASSETS}/") for m in manifests for f in m.files}
        assets = [name for name in sorted(found.assets) if name not in used]
    return (
        *(path for r in gone for path in (found.site.release(r), found.site.manifest_of(r))),
        *(found.site.assets / name for name in assets),
    )


def whole(folder: Path, about: manifest.Manifest) -> dict[str, bytes]:
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
