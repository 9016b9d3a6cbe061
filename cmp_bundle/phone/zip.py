"""Reads a zip strictly.

Python's ``zipfile`` cuts a name at a NUL, guesses at its encoding, skips whatever stands before
the archive, and lets entries overlap, which is how zip bombs are made. Here an entry is taken
only if the central directory and its own header agree. Source: PKWARE's APPNOTE 6.3.10, sections
4.3 and 4.4; Info-ZIP's use of the external attributes for Unix modes.
"""

from __future__ import annotations

import stat
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from cmp_bundle.phone.intake import OWNER_EXECUTES

if TYPE_CHECKING:
    from cmp_bundle.phone.intake import Intake

_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")

_STORED, _DEFLATED = 0, 8
#: General purpose bits: encrypted, patched data, strongly encrypted, masked headers.
_UNREADABLE = 0x0001 | 0x0020 | 0x0040 | 0x2000
_NAME_IS_UTF8 = 0x0800
#: "Version made by" of systems that put a Unix mode into the external attributes.
_UNIX_LIKE = (3, 19)
_LONGEST_COMMENT = 0xFFFF
_DOS_FOLDER = 0x10


@dataclass(frozen=True)
class _Entry:
    """A line of the central directory; ``start`` is where the entry's own header begins."""

    raw_name: bytes
    path: str
    flags: int
    method: int
    checksum: int
    packed: int
    size: int
    start: int
    mode: int
    folder: bool


def read_zip(data: bytes, intake: Intake) -> None:
    """Hand every file of the zip ``data`` to ``intake``. Raises CmpBundleError."""
    entries, directory = _central_directory(data, intake)
    end_before = 0
    for entry in sorted(entries, key=lambda e: e.start):
        if end_before == 0 and entry.start != 0:
            intake.broken("has data before its beginning")
        if entry.start < end_before:
            intake.refuse(entry.path, "overlaps another entry")
        begin, end_before = _span(data, entry, directory, intake)
        if entry.folder:
            if entry.size or entry.packed:
                intake.refuse(entry.path, "is a folder with content")
            if entry.path:
                intake.folder(entry.path)
        else:
            intake.admit(entry.path, entry.size)
            content = _unpacked(data[begin:end_before], entry, intake)
            executable = bool(entry.mode & OWNER_EXECUTES)
            intake.fill(entry.path, content, executable=executable)


def _central_directory(data: bytes, intake: Intake) -> tuple[list[_Entry], int]:
    """Its entries, and where it begins."""
    end = _end_record(data)
    if end is None:
        _damaged(intake, "no end record where the file ends")
    _, disk, first_disk, here, count, size, start, _ = _END.unpack_from(data, end)
    if (disk, first_disk, here) != (0, 0, count) or start + size != end:
        _damaged(intake, "the end record is wrong; zip64 and split archives are not supported")
    entries = []
    at = start
    for _ in range(count):
        entry, at = _central_entry(data, at, end, intake)
        entries.append(entry)
    if at != end:
        _damaged(intake, "the directory is longer than it says")
    return entries, start


def _end_record(data: bytes) -> int | None:
    """Where the end record begins, whose comment must reach exactly to the end of the file."""
    lowest = max(0, len(data) - _END.size - _LONGEST_COMMENT)
    at = data.rfind(b"PK\5\6", lowest)
    while at >= 0:
        if len(data) - at >= _END.size:
            comment: int = _END.unpack_from(data, at)[7]
            if at + _END.size + comment == len(data):
                return at
        at = data.rfind(b"PK\5\6", lowest, at + 3)
    return None


def _central_entry(data: bytes, at: int, end: int, intake: Intake) -> tuple[_Entry, int]:
    if at + _CENTRAL.size > end:
        _damaged(intake, "the directory is cut short")
    fields = _CENTRAL.unpack_from(data, at)
    magic, made_by, _, flags, method, _, _, checksum, packed, size = fields[:10]
    name_length, extra, comment, disk, _, attributes, start = fields[10:]
    after = at + _CENTRAL.size + name_length + extra + comment
    if magic != b"PK\1\2" or after > end or disk != 0:
        _damaged(intake, f"the directory is damaged at byte {at}")
    raw = data[at + _CENTRAL.size : at + _CENTRAL.size + name_length]
    path = intake.name(raw)
    mode = attributes >> 16 if made_by >> 8 in _UNIX_LIKE else 0
    kind = stat.S_IFMT(mode)
    folder = raw.endswith(b"/") or kind == stat.S_IFDIR
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        link = "is a symbolic link" if kind == stat.S_IFLNK else "is neither a file nor a folder"
        intake.refuse(path, link)
    if folder and kind == stat.S_IFREG:
        intake.refuse(path, "is a file as well as a folder")
    if not folder and attributes & _DOS_FOLDER:
        intake.refuse(path, "is a file as well as a folder")
    if flags & _UNREADABLE:
        intake.refuse(path, "is encrypted")
    if method not in (_STORED, _DEFLATED):
        intake.refuse(path, f"is compressed with method {method}, but only deflate is supported")
    entry = _Entry(raw, path, flags, method, checksum, packed, size, start, mode, folder)
    return entry, after


def _span(data: bytes, entry: _Entry, directory: int, intake: Intake) -> tuple[int, int]:
    """Where the entry's packed bytes begin and end, by its own header."""
    if entry.start + _LOCAL.size > directory:
        intake.refuse(entry.path, "is outside the archive")
    magic, _, flags, method, _, _, _, _, _, name_length, extra = _LOCAL.unpack_from(
        data, entry.start
    )
    name_at = entry.start + _LOCAL.size
    begin = name_at + name_length + extra
    agrees = (
        magic == b"PK\3\4"
        and method == entry.method
        and not (flags ^ entry.flags) & (_UNREADABLE | _NAME_IS_UTF8)
        and data[name_at : name_at + name_length] == entry.raw_name
        and begin + entry.packed <= directory
    )
    if not agrees:
        intake.refuse(entry.path, "has a header that contradicts the directory")
    return begin, begin + entry.packed


def _unpacked(packed: bytes, entry: _Entry, intake: Intake) -> bytes:
    content = packed
    if entry.method == _DEFLATED:
        inflate = zlib.decompressobj(wbits=-15)
        try:
            # One byte more than claimed shows that the claim is wrong, without unpacking it all.
            content = inflate.decompress(packed, entry.size + 1)
        except zlib.error as error:
            intake.refuse(entry.path, f"is damaged: {error}")
        if len(content) <= entry.size and (not inflate.eof or inflate.unused_data):
            intake.refuse(entry.path, "is damaged: its packed length is wrong")
    if zlib.crc32(content) != entry.checksum and len(content) == entry.size:
        intake.refuse(entry.path, "is damaged: its checksum is wrong")
    return content


def _damaged(intake: Intake, why: str) -> NoReturn:
    intake.broken(f"is not a valid zip: {why}")
