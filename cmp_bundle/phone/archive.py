"""A phone out of an archive's bytes; nothing of it touches a disk."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files.rights import unreadable
from cmp_bundle.phone.intake import MAX_ENTRIES, MAX_TOTAL, Intake
from cmp_bundle.phone.tar import BLOCK, read_tar
from cmp_bundle.phone.zip import read_zip

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.phone.file import PhoneFile

#: What the names of archives end in; what they are is then seen from their bytes.
SUFFIXES = (".tar.gz", ".tgz", ".tar", ".zip")
#: Bytes of an archive file, packed.
MAX_ARCHIVE = MAX_TOTAL
#: Bytes of a tar: its files, and for each entry a header, an extended one and padding.
MAX_TAR = MAX_TOTAL + MAX_ENTRIES * 6 * BLOCK


def read_archive_file(path: Path, origin: str) -> dict[str, PhoneFile]:
    """As ``read_archive``, of a file on this machine."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_ARCHIVE + 1)
    except OSError as error:
        raise unreadable(origin, error) from error
    if len(data) > MAX_ARCHIVE:
        raise CmpBundleError(
            "too-large",
            f"is larger than {MAX_ARCHIVE // 1024**2} MiB, too large for a phone",
            file=origin,
        )
    return read_archive(data, origin)


def read_archive(data: bytes, origin: str) -> dict[str, PhoneFile]:
    """The files of a tar, a gzipped tar or a zip, without the one folder that they all lie in.

    ``origin`` is the archive's path or address. Raises CmpBundleError for anything but plain
    files and folders under plain names, and for an archive that is cut short, damaged, larger
    than a phone can be, or followed by something else.
    """
    intake = Intake(origin)
    if data.startswith(b"PK"):
        read_zip(data, intake)
    elif data.startswith(b"\x1f\x8b"):
        read_tar(_gunzip(data, intake), intake)
    elif data.lstrip()[:1] == b"<":
        hint = "open its address in a browser: it may ask for a login"
        intake.broken("is a web page, not an archive", hint=hint)
    else:
        read_tar(data, intake)
    files = {path: file for path, file in intake.files().items() if not _apple_double(path, file)}
    if not files:
        intake.broken("contains no files", hint="name the archive of a phone")
    return _without_common_folder(files)


def _apple_double(path: str, file: PhoneFile) -> bool:
    """What a Mac puts beside each file, in a zip below ``__MACOSX/`` (RFC 1740)."""
    return path.rpartition("/")[2].startswith("._") and file.data.startswith(b"\0\5\x16\7")


def _without_common_folder(files: dict[str, PhoneFile]) -> dict[str, PhoneFile]:
    """GitHub puts everything into ``<repository>-<commit>/``, and so do most people."""
    tops = {path.partition("/")[0] for path in files}
    if len(tops) != 1 or any("/" not in path for path in files):
        return files
    return {path.partition("/")[2]: file for path, file in files.items()}


def _gunzip(data: bytes, intake: Intake) -> bytes:
    """What one gzip member holds, never unpacking more than a tar may have.

    gzip allows several members in a row; no packer of tars makes them, and millions of empty
    ones would keep a reader busy.
    """
    inflate = zlib.decompressobj(wbits=31)
    try:
        out = inflate.decompress(data, MAX_TAR + 1)
    except zlib.error as error:
        intake.broken(f"is not valid gzip: {error}")
    if len(out) > MAX_TAR:
        intake.broken(
            f"unpacks to more than {MAX_TAR // 1024**2} MiB",
            hint=f"a phone has at most {MAX_TOTAL // 1024**2} MiB; check that this is a phone",
        )
    if not inflate.eof:
        intake.broken("is incomplete: it was cut short")
    if inflate.unused_data:
        intake.broken("has data after its end")
    return out
