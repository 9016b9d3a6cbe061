"""What is packed in a file, unpacked as far as it goes: gzip, zlib, bzip2, xz and zip.

Packed data is looked for anywhere in a file, not at its beginning alone: it may stand behind other
bytes, or in a picture. Where it is damaged or cut off, what stands before the damage counts.
"""

from __future__ import annotations

import bz2
import lzma
import re
import zlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BEGINNINGS = re.compile(
    rb"\x1f\x8b\x08|BZh[1-9](?:1AY&SY|\x17rE8P\x90)|\xfd7zXZ\0|PK\x03\x04"
    # zlib's with a window of 32 kB, as everybody writes it.
    rb"|x[\x01\x5e\x9c\xda]",
    re.DOTALL,
)
#: Packed by what Python cannot unpack: 7-Zip, RAR, Zstandard, LZ4.
_UNKNOWN = re.compile(rb"7z\xbc\xaf\x27\x1c|Rar!\x1a\x07|\x28\xb5\x2f\xfd|\x04\x22\x4d\x18")
#: By compress, which shows in two bytes alone: those that may be base64 begin so once in 65,536 times.
_COMPRESSED = b"\x1f\x9d"

_ENCRYPTED = 1
_STORED, _DEFLATED, _BZIP2, _LZMA = 0, 8, 12, 14
#: All the methods that there are (APPNOTE.TXT, 4.4.5): where another one stands, the four bytes that begin
#: a member are chance, as they are once in four billion of a hundred thousand sealed profiles.
_METHODS = frozenset({*range(21), *range(93, 100)})
#: The fixed part of a member's header in a zip file (APPNOTE.TXT, 4.3.7).
_HEADER = 30
#: That of an LZMA member: version, size of the properties, properties (APPNOTE.TXT, 5.8.8).
_LZMA_PROPERTIES = 9
#: Less of a damaged stream is no content, only chance: two bytes begin one of zlib's.
_SOME = 48


class _Unpacking(Protocol):
    def decompress(self, data: memoryview, most: int, /) -> bytes: ...


class UnpackLimitError(Exception):
    """There is more in it than may be unpacked."""


class SealedError(Exception):
    """It is packed in a way that cannot be looked into; the text says how."""


def unpacked(data: bytes, most: int, *, file: bool = False) -> Iterator[tuple[bytes, int]]:
    """The content of everything that is packed in ``data``, and how many bytes of it it took; ``file`` is
    whether ``data`` is a file as it stands there, and not what may be one by chance.

    The bytes taken are 0 where it is damaged or cut off, so that the bytes themselves may still be something.

    Raises UnpackLimitError for more than ``most`` bytes, SealedError where it cannot be read.
    """
    if _UNKNOWN.match(data) or (file and data.startswith(_COMPRESSED)):
        raise SealedError("is packed in a format that cmp-bundle cannot unpack")
    view = memoryview(data)
    end = 0
    for found in _BEGINNINGS.finditer(data):
        at = found.start()
        if at < end:
            continue  # within what was just unpacked
        beginning = found[0]
        if beginning.startswith(b"PK"):
            content, used = _member(view[at:], most)
        else:
            content, used = _stream(_kind(beginning), view[at:], most)
        end = at + used
        if not content or (not used and len(content) < _SOME):
            continue
        most -= len(content)
        yield content, used


def _kind(beginning: bytes) -> Callable[[], _Unpacking]:
    if beginning.startswith(b"\x1f"):
        return lambda: zlib.decompressobj(wbits=31)
    if beginning.startswith(b"B"):
        return bz2.BZ2Decompressor
    if beginning.startswith(b"\xfd"):
        return lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=1 << 28)
    return zlib.decompressobj


def _stream(new: Callable[[], _Unpacking], data: memoryview, most: int) -> tuple[bytes, int]:
    """What one packed stream holds, and how much of ``data`` it took. 0 where it is damaged."""
    stream = new()
    try:
        content = stream.decompress(data, most + 1)
    except (zlib.error, OSError, lzma.LZMAError, EOFError):
        content = _before_damage(new(), data, most)
    if len(content) > most:
        raise UnpackLimitError
    if getattr(stream, "eof", False):
        return content, len(data) - len(getattr(stream, "unused_data", b""))
    return content, 0


def _before_damage(stream: _Unpacking, data: memoryview, most: int) -> bytes:
    """As far as it goes. They keep what they have unpacked unless they get it bit by bit."""
    whole = bytearray()
    try:
        for at in range(len(data)):
            whole += stream.decompress(data[at : at + 1], max(most + 1 - len(whole), 1))
            if len(whole) > most:
                break
    except (zlib.error, OSError, lzma.LZMAError, EOFError):
        pass
    return bytes(whole)


def _member(data: memoryview, most: int) -> tuple[bytes, int]:
    """One file of a zip archive, by its own header alone: archives are damaged at their ends."""
    if len(data) < _HEADER:
        return b"", 0
    flags, method = _number(data, 6), _number(data, 8)
    if method not in _METHODS:
        return b"", 0
    start = _HEADER + _number(data, 26) + _number(data, 28)
    if flags & _ENCRYPTED:
        raise SealedError("is a zip archive with a password, so it cannot be searched for secrets")
    body = data[start:]
    if method == _STORED:
        return b"", 0  # it stands there as it is
    if method == _DEFLATED:
        content, used = _stream(lambda: zlib.decompressobj(-15), body, most)
    elif method == _BZIP2:
        content, used = _stream(bz2.BZ2Decompressor, body, most)
    elif method == _LZMA and len(body) > _LZMA_PROPERTIES:
        content, used = _stream(lambda: _raw_lzma(body), body[_LZMA_PROPERTIES:], most)
    else:
        raise SealedError("is a zip archive in a format that cmp-bundle cannot unpack")
    return content, start + used if used else 0


def _raw_lzma(body: memoryview) -> lzma.LZMADecompressor:
    bits, dictionary = body[4], int.from_bytes(body[5:9], "little")
    if bits >= 9 * 5 * 5 or dictionary > 1 << 28:
        raise SealedError("is a zip archive in a format that cmp-bundle cannot unpack")
    filters = {
        "id": lzma.FILTER_LZMA1,
        "dict_size": max(dictionary, 4096),
        "lc": bits % 9,
        "lp": bits // 9 % 5,
        "pb": bits // 45,
    }
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[filters])


def _number(data: memoryview, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")
