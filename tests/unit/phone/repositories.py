"""Real git repositories, made with git."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cmp_bundle.phone.file import PhoneFile


def git(folder: Path, *arguments: str, given: bytes = b"") -> str:
    """What git prints in ``folder``."""
    ran = subprocess.run(
        ["git", *arguments], cwd=folder, input=given, capture_output=True, check=False
    )
    assert ran.returncode == 0, ran.stderr.decode()
    return ran.stdout.decode().strip()


def work_tree(folder: Path) -> Path:
    """A new repository with nothing in it."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    return folder


def lay_out(folder: Path, files: Mapping[str, PhoneFile]) -> None:
    """Write ``files`` into ``folder``."""
    for path, file in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.data)
        target.chmod(0o755 if file.executable else 0o644)


def commit(folder: Path, files: Mapping[str, PhoneFile], message: str = "a phone") -> str:
    """Write and commit ``files``; the commit's id."""
    lay_out(folder, files)
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def tree_of(folder: Path, revision: str = "HEAD") -> str:
    return git(folder, "rev-parse", f"{revision}^{{tree}}")
