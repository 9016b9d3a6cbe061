"""How editors and tools save a file."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path


def save_in_place(path: Path, text: str) -> None:
    path.write_text(text)


def save_by_rename(path: Path, text: str) -> None:
    """As vim, gedit and most others do it."""
    swap = path.with_name(f".{path.name}.swp")
    swap.write_text(text)
    swap.replace(path)


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
    replace_folder(path.parent, {path.name: text})


def replace_folder(folder: Path, changes: Mapping[str, str]) -> None:
    """Another folder takes the place of this one, with these texts by file name."""
    new, old = folder.with_name(f"{folder.name}.new"), folder.with_name(f"{folder.name}.old")
    shutil.copytree(folder, new)
    for name, text in changes.items():
        (new / name).write_text(text)
    folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old)


SAVES = [save_in_place, save_by_rename, save_with_backup, save_in_pieces, save_by_removing,
         save_the_folder]  # fmt: skip
