"""What of a phone's folder is not to be committed: the lines that ``init`` has in .gitignore."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk, FileOwnership, owned
from cmp_bundle.settings.model import KEYS

if TYPE_CHECKING:
    from pathlib import Path

NAME = ".gitignore"
_LARGEST = 1 << 20

_TITLE = "# You may commit cmp-bundle.toml. Do not commit passwords, keys, certificates or bundles."


def lines() -> list[str]:
    accounts = KEYS["accounts.file"].default
    return [
        f"/{accounts}",
        f"/{accounts.with_suffix('.csv')}",
        # The key of all links, copies of it, and the keys of certificates.
        "*.key",
        "/certs/",
        f"/{KEYS['build.out'].default}/",
    ]


def keep_out(folder: Path) -> list[str]:
    """Add the lines that are missing to the file in ``folder``; what was done, for people.

    Where it is not an ordinary file of the caller's, they are told instead.
    """
    path = folder / NAME
    try:
        before = owned.content(path, _LARGEST)
        owner = FileOwnership.of(path)
        missing = _missing(before.decode())
    except FileNotFoundError:
        before, owner, missing = b"", FileOwnership(-1, -1, 0o644), lines()
    except (CmpBundleError, OSError, UnicodeDecodeError):
        return [f"{path} was not changed; add to it: {' '.join(lines())}"]
    if not missing:
        return []
    gap = b"" if not before else b"\n" if before.endswith(b"\n") else b"\n\n"
    added = "".join(f"{line}\n" for line in (_TITLE, *missing)).encode()
    Disk().write(path, before + gap + added, owner)
    return [f"{'added to' if before else 'wrote'} {path}: {' '.join(missing)}"]


def _missing(text: str) -> list[str]:
    """The lines that it has in no spelling: with or without slashes at their ends."""
    there = {line.strip().strip("/") for line in text.splitlines()}
    return [line for line in lines() if line.strip("/") not in there]
