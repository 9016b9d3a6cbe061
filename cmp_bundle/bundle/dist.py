"""The folder that a build writes: replaced as a whole or not at all."""

from __future__ import annotations

import json
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from cmp_bundle.asterisk import includes
from cmp_bundle.bundle import manifest
from cmp_bundle.errors import CmpBundleError, reason
from cmp_bundle.files import owned

if TYPE_CHECKING:
    from cmp_bundle.bundle.manifest import Bundle
    from cmp_bundle.files import Disk

#: Where a bundle shows what a deploy gives to Asterisk's configuration.
_ASTERISK = "asterisk"


def for_asterisk(bundle: Bundle) -> dict[str, bytes]:
    """What a deploy gives to Asterisk's configuration, as it looks on a server without prefix."""
    about = bundle.manifest
    page = includes.page_path("", about.site, about.id)
    return {"http.conf": includes.OurHttp(about.redirect, page).written()}


def write(bundle: Bundle, folder: Path, disk: Disk) -> bool:
    """Make ``folder`` hold exactly ``bundle``; False where it did already.

    Raises CmpBundleError where ``folder`` holds something that no build of ours wrote, and where no
    deploy would take the bundle.
    """
    try:
        manifest.check(bundle.manifest)
    except ValueError as error:
        raise CmpBundleError(
            "bundle-damaged",
            f"this bundle cannot be deployed: {error}",
            hint="change the phone's files",
        ) from None
    files = dict(bundle.files) | {manifest.NAME: bundle.manifest.to_json()}
    files |= {f"{_ASTERISK}/{name}": data for name, data in for_asterisk(bundle).items()}
    files |= {f"{manifest.PROFILES}/{name}": data for name, data in bundle.profiles.items()}
    present: set[str] = set()
    try:
        if owned.exists(folder):
            present = _built_paths(folder)
        unchanged = {p for p in present & set(files) if _holds(folder / p, files[p])}
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CmpBundleError(
            "unwritable",
            f"cannot hold a bundle: {reason(error)}",
            file=error.filename or folder,
            hint="name another folder with --out",
        ) from error
    building = folder.with_name(f".{folder.name}.building")
    try:
        # A build that was killed may have left it, at its end as well.
        disk.remove_tree(building)
        if unchanged == present == set(files):
            return False
        disk.make_folder(building)
        for parent in sorted({p for path in files for p in PurePosixPath(path).parents}):
            disk.make_folder(building / parent)
        disk.write_all(
            {building / path: data for path, data in files.items()},
            # Of ten thousand profiles hardly any is new. To make them all anew, just after those
            # of the build before were removed, takes ext4 several seconds.
            same={building / path: folder / path for path in unchanged},
        )
        if folder.exists():
            disk.exchange(building, folder)
            disk.remove_tree(building)
        else:
            disk.rename(building, folder)
    except (CmpBundleError, KeyboardInterrupt):
        # A full disk is not to stay full of it.
        with suppress(CmpBundleError):
            disk.remove_tree(building)
        raise
    return True


def _built_paths(folder: Path) -> set[str]:
    """The paths of all files in it.

    Raises CmpBundleError where it holds anything that no build of ours wrote, and OSError.
    """
    if not folder.is_dir():
        raise CmpBundleError(
            "not-a-folder",
            "is a file, but a bundle is a folder",
            file=folder,
            hint="name another folder with --out",
        )
    if Path.cwd().is_relative_to(folder.resolve()):
        raise CmpBundleError(
            "out-in-use",
            "is the current folder, and a build replaces its whole folder",
            file=folder,
            hint="name a separate folder: --out dist",
        )
    if not any(folder.iterdir()):
        return set()
    written = _written(folder / manifest.NAME)
    if written is None:
        raise CmpBundleError(
            "out-in-use",
            "was not written by cmp-bundle, so it is not replaced",
            file=folder,
            hint="name another folder with --out, or remove this one yourself",
        )
    beside = (manifest.NAME, f"{_ASTERISK}/*", f"{manifest.PROFILES}/*", ".DS_Store", "*/.DS_Store")
    present = _present(folder)
    for path in sorted(present):
        if path not in written and not any(fnmatchcase(path, known) for known in beside):
            raise CmpBundleError(
                "out-in-use",
                "would be lost: a build replaces its whole folder, and no build wrote this file",
                file=folder / path,
                hint="move it elsewhere, or name another folder with --out",
            )
    return present


def _written(path: Path) -> frozenset[str] | None:
    """What the manifest at ``path`` lists, whatever version wrote it; None if no build wrote it.

    Web apps have a manifest.json as well.
    """
    try:
        document = json.loads(owned.content(path, manifest.LARGEST))
        by_cmp_bundle = document["made_by"].startswith("cmp-bundle ")
        return frozenset(file["path"] for file in document["files"]) if by_cmp_bundle else None
    except (FileNotFoundError, CmpBundleError):
        return None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _holds(path: Path, data: bytes) -> bool:
    try:
        return owned.content(path, len(data)) == data
    except CmpBundleError:
        return False


def _present(folder: Path) -> set[str]:
    """The paths of all files in and below ``folder``; links are not followed."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_symlink() or not path.is_dir()
    }
