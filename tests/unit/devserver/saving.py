"""How editors and tools save a file."""

from __future__ import annotations

import shutil
from pathlib import Path


def save_in_place(path: Path, text: str) -> None:
    path.write_text(text)


def save_by_rename(path: Path, text: str) -> None:
    """As vim, gedit and most others do it."""
    fresh = path.with_name(f".{path.name}.swp")
    fresh.write_text(text)
    fresh.replace(path)


def save_with_backup(path: Path, text: str) -> None:
    """As emacs does it: the old file goes aside, a new one comes."""
    path.replace(path.with_name(f"{path.name}~"))
    path.write_text(text)


def save_in_pieces(path: Path, text: str) -> None:
    with path.open("w") as file:
        for at in range(0, len(text), 7):
            file.write(text[at : at + 7])
            file.flush()


def save_by_removing(path: Path, text: str) -> None:
    path.unlink()
    path.write_text(text)


def save_the_folder(path: Path, text: str) -> None:
    """As a checkout does it: the whole folder is another one."""
    fresh = path.parent.with_name(f"{path.parent.name}.new")
    shutil.copytree(path.parent, fresh)
    (fresh / path.name).write_text(text)
    old = path.parent.with_name(f"{path.parent.name}.old")
    path.parent.rename(old)
    fresh.rename(path.parent)
    shutil.rmtree(old)


SAVES = [save_in_place, save_by_rename, save_with_backup, save_in_pieces, save_by_removing,
         save_the_folder]  # fmt: skip
