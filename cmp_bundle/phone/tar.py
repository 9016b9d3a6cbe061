"""Reads a tar strictly.

Python's ``tarfile`` takes a damaged header in the middle for the end, unpacks sparse files of
any size, and knows links, devices and four ways to write a name. A phone needs files and
folders as ``git archive``, GNU tar, bsdtar and Python write them; all else is refused by name.
Source: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Header Block"; GNU tar manual,
"Basic Tar Format".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.phone.intake import OWNER_EXECUTES

if TYPE_CHECKING:
    from cmp_bundle.phone.intake import Intake

BLOCK = 512
#: Bytes of an extended header. GitHub's has 52; a path has at most a thousand.
_MAX_EXTENDED = 64 * 1024

_FILE = (b"0", b"\0")
_POSIX = b"ustar\x0000"
_GNU = b"ustar  \x00"

_NO_ARCHIVE = "is neither a tar nor a zip archive"
_CUT_SHORT = "is incomplete: it was cut short"

#: Type flags that are refused, as a message calls them.
_REFUSED = {
    b"1": "is a hard link",
    b"2": "is a symbolic link",
    b"3": "is a character device",
    b"4": "is a block device",
    b"6": "is a fifo",
    b"S": "is a sparse file",
    b"K": "is a link with a long name",
    b"V": "is a volume label",
    b"M": "continues another volume",
}


@dataclass(frozen=True)
class _Header:
    name: bytes
    mode: int
    size: int
    kind: bytes


@dataclass
class _Extended:
    """What extended headers say of the entry that follows them."""

    name: bytes | None = None
    size: int | None = None

    def __bool__(self) -> bool:
        return self.name is not None or self.size is not None


def read_tar(data: bytes, intake: Intake) -> None:
    """Hand every file of the tar ``data`` to ``intake``. Raises CmpBundleError."""
    at = 0
    extended = _Extended()
    while (header := _next(data, at, intake)) is not None:
        at += BLOCK
        size = header.size
        if header.kind in _FILE and extended.size is not None:
            size = extended.size
        content = data[at : at + size]
        at += size + -size % BLOCK
        if header.kind in (b"x", b"g", b"L"):
            _extend(extended, header, content, intake)
        else:
            _enter(header, extended, content, intake)
            extended = _Extended()
    if extended:
        intake.broken(_CUT_SHORT)


def _next(data: bytes, at: int, intake: Intake) -> _Header | None:
    """The header at ``at``; None at the end of the archive, if it is one as it should be."""
    block = data[at : at + BLOCK]
    if len(block) == BLOCK and block.strip(b"\0"):
        return _header(block, at, intake)
    if len(data) - at < 2 * BLOCK:
        if at == 0:
            intake.broken(_NO_ARCHIVE if data else "is empty")
        intake.broken(_CUT_SHORT)
    if data[at:].strip(b"\0"):
        intake.broken("has data after its end")
    return None


def _enter(header: _Header, extended: _Extended, content: bytes, intake: Intake) -> None:
    raw = header.name if extended.name is None else extended.name
    path = intake.name(raw)
    if header.kind in _FILE:
        if raw.endswith(b"/"):
            intake.refuse(path, "is a file with the name of a folder")
        intake.admit(path, len(content))
        intake.fill(path, content, executable=bool(header.mode & OWNER_EXECUTES))
    elif header.kind == b"5":
        if header.size:
            # Some readers skip that many bytes, some do not: two archives in one.
            intake.refuse(path, "is a folder with content")
        if path:
            intake.folder(path)
    else:
        flag = header.kind.decode("latin-1")
        intake.refuse(path, _REFUSED.get(header.kind, f"is of the unknown type {flag!r}"))


def _extend(extended: _Extended, header: _Header, content: bytes, intake: Intake) -> None:
    if header.size > _MAX_EXTENDED:
        intake.refuse(intake.name(header.name), "has too long an extended header")
    if header.kind == b"L":
        extended.name = content.removesuffix(b"\0")
        return
    records = _records(content, intake)
    for key, value in records.items():
        if header.kind == b"g" and key not in _GLOBAL:
            intake.refuse(intake.name(header.name), f"sets {key!r} for all entries")
        if key == b"path":
            extended.name = value
        elif key == b"size":
            if not re.fullmatch(rb"[0-9]{1,15}", value):
                intake.broken("has an extended header with an invalid size")
            extended.size = int(value)
        elif key.startswith(b"GNU.sparse.") or key == b"hdrcharset":
            intake.refuse(intake.name(header.name), f"asks for {key.decode('latin-1')!r}")


#: What may be said of all entries at once: GitHub writes the commit id as a comment, others
#: times and owners, which a phone does not have.
_GLOBAL = frozenset(
    [b"comment", b"mtime", b"atime", b"ctime", b"uid", b"gid", b"uname", b"gname", b"charset"]
)


_RECORD_LENGTH = re.compile(rb"([1-9][0-9]{0,7}) ")


def _records(content: bytes, intake: Intake) -> dict[bytes, bytes]:
    """The ``length key=value`` lines of a pax header."""
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(content):
        length = _RECORD_LENGTH.match(content, at)
        end = at + int(length[1]) if length else 0
        record = content[length.end() : end] if length else b""
        key, equals, value = record.removesuffix(b"\n").partition(b"=")
        if not record.endswith(b"\n") or end > len(content) or not (key and equals):
            intake.broken("has a damaged extended header")
        found[key] = value
        at = end
    return found


def _header(block: bytes, at: int, intake: Intake) -> _Header:
    total = sum(block[:148]) + 8 * ord(" ") + sum(block[156:])
    if _number(block[148:156]) != total:
        if at == 0:
            intake.broken(_NO_ARCHIVE)
        intake.broken(f"has a damaged header at byte {at}")
    magic = block[257:265]
    mode, size = _number(block[100:108]), _number(block[124:136])
    if magic not in (_POSIX, _GNU) or mode is None or size is None:
        intake.broken(f"has a header at byte {at} that neither POSIX nor GNU tar writes")
    name = block[:100].split(b"\0", 1)[0]
    prefix = block[345:500].split(b"\0", 1)[0] if magic == _POSIX else b""
    return _Header(prefix + b"/" + name if prefix else name, mode, size, block[156:157])


def _number(field: bytes) -> int | None:
    """An octal field, None if it is none.

    GNU tar's binary numbers begin at 8 GiB and are none here.
    """
    digits = re.fullmatch(rb" *([0-7]*)[ \0]*", field)
    return None if digits is None else int(digits[1] or b"0", 8)
