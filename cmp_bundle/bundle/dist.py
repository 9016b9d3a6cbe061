"""The folder that a build writes: replaced as a whole or not at all."""

from __future__ import annotations

from contextlib import suppress
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from cmp_bundle.asterisk import includes
from cmp_bundle.bundle import manifest
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.bundle.manifest import Bundle
    from cmp_bundle.files import Disk


def for_asterisk(bundle: Bundle) -> dict[str, bytes]:
    """What a deploy gives to Asterisk's configuration, as it looks on a server without prefix."""
    about = bundle.manifest
    page = includes.page_path("", about.site, about.id)
    return {"http.conf": includes.http_conf(about.redirect, page)}


def write(bundle: Bundle, folder: Path, disk: Disk) -> bool:
    """Make ``folder`` hold exactly ``bundle``; False where it did already.

    Raises CmpBundleError where ``folder`` holds something that no build of ours wrote.
    """
    files = dict(bundle.files) | {manifest.NAME: bundle.manifest.to_json()}
    files |= {f"asterisk/{name}": data for name, data in for_asterisk(bundle).items()}
    files |= {f"{manifest.PROFILES}/{name}": data for name, data in bundle.profiles.items()}
    same: set[str] = set()
    try:
        if folder.exists():
            _check_ours(folder)
            present = _present(folder)
            same = {p for p in present & set(files) if (folder / p).read_bytes() == files[p]}
            if same == present == set(files):
                return False
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CmpBundleError(
            f"cannot hold a bundle: {(error.strerror or str(error)).lower()}",
            file=error.filename or folder,
            hint="name another folder with --out",
        ) from error
    fresh = folder.with_name(f".{folder.name}.building")
    try:
        disk.remove_tree(fresh)
        disk.make_folder(fresh)
        for parent in sorted({p for path in files for p in PurePosixPath(path).parents}):
            disk.make_folder(fresh / parent)
        disk.write_all(
            {fresh / path: data for path, data in files.items()},
            # Of ten thousand profiles hardly any is new. To make them all anew, just after those
            # of the build before were removed, takes ext4 several seconds.
            same={fresh / path: folder / path for path in same},
        )
        if folder.exists():
            disk.exchange(fresh, folder)
            disk.remove_tree(fresh)
        else:
            disk.rename(fresh, folder)
    except (CmpBundleError, KeyboardInterrupt):
        # A full disk is not to stay full of it.
        with suppress(CmpBundleError):
            disk.remove_tree(fresh)
        raise
    return True


def _check_ours(folder: Path) -> None:
    """Raises CmpBundleError where a build of ours did not write it, and OSError."""
    if not folder.is_dir():
        raise CmpBundleError(
            "is a file, and a bundle is a folder", file=folder, hint="name another one with --out"
        )
    if any(folder.iterdir()) and not (folder / manifest.NAME).is_file():
        raise CmpBundleError(
            "is not a bundle of cmp-bundle, so it is not replaced",
            file=folder,
            hint="name another folder with --out, or remove this one yourself",
        )


def _present(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir()}
