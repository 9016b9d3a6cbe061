"""The git tree id of a set of files, computed from nothing but the files.

A tree id names content and nothing else: not the archive that carried it, nor its compression,
nor a time. So one pin holds for a tarball, a clone and a folder, and for the day on which GitHub
packs its tarballs differently, as it did in January 2023.

It rests on SHA-1, as git does. Making two trees with one id takes an author of both; nobody can
make another one for the pin, which was there first.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp_bundle.phone.file import PhoneFile

    Folder: TypeAlias = dict[str, "PhoneFile | Folder"]


def tree_id(files: Mapping[str, PhoneFile]) -> str:
    """40 hexadecimal digits: what ``git write-tree`` prints for these files.

    ``files`` maps relative POSIX paths to files; no path may be a folder of another one. There
    are no empty folders in a git tree. Source: git's object format, gitformat-pack(5) and
    git-hash-object(1); modes as in git-fast-import(1).
    """
    top: Folder = {}
    for path, file in files.items():
        *folders, name = path.split("/")
        folder = top
        for part in folders:
            below = folder.setdefault(part, {})
            if not isinstance(below, dict):
                raise ValueError(f"{part!r} of {path!r} is a file, too")  # noqa: TRY004 - no type
            folder = below
        if name in folder:
            raise ValueError(f"{path!r} is a file as well as a folder")
        folder[name] = file
    return _tree(top).hex()


def _tree(folder: Folder) -> bytes:
    entries: list[tuple[bytes, bytes]] = []
    for text, entry in folder.items():
        name = text.encode()
        if isinstance(entry, dict):
            # git sorts a folder as if its name ended in a slash: base_name_compare, read-cache.c
            entries.append((name + b"/", b"40000 " + name + b"\0" + _tree(entry)))
        else:
            mode = b"100755 " if entry.executable else b"100644 "
            entries.append((name, mode + name + b"\0" + _object(b"blob", entry.data)))
    return _object(b"tree", b"".join(line for _order, line in sorted(entries)))


def _object(kind: bytes, content: bytes) -> bytes:
    head = kind + b" " + str(len(content)).encode() + b"\0"
    return hashlib.sha1(head + content, usedforsecurity=False).digest()
