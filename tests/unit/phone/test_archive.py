from __future__ import annotations

import gzip
import io
import shutil
import stat
import struct
import subprocess
import tarfile
import tracemalloc
import zipfile
from typing import TYPE_CHECKING

import pytest

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.phone import archive, intake
from cmp_bundle.phone.archive import read_archive, read_archive_file
from cmp_bundle.phone.file import PhoneFile

from .phones import PAGE, SMALL, VARIED, as_tar, as_zip
from .repositories import commit, lay_out, work_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path


def refused(data: bytes, why: str) -> CmpBundleError:
    with pytest.raises(CmpBundleError, match=why) as raised:
        read_archive(data, "phone.tgz")
    assert raised.value.file == "phone.tgz"
    assert "\n" not in str(raised.value)
    return raised.value


def tar_of(*entries: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as written:
        for entry in entries:
            info, data = entry if isinstance(entry, tuple) else (entry, b"")
            info.size = len(data)
            written.addfile(info, io.BytesIO(data))
    return out.getvalue()


def info(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    result = tarfile.TarInfo(name)
    result.type = kind
    result.linkname = link
    return result


def block(
    name: bytes, *, size: bytes = b"0" * 11, kind: bytes = b"0", magic: bytes = b"ustar\x0000"
) -> bytes:
    """A tar header with whatever in it, and a right checksum."""
    head = name.ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + size.ljust(12, b"\0")
    head += b"00000000000\0" + b" " * 8 + kind + b"\0" * 100 + magic + b"\0" * (512 - 265)
    total = f"{sum(head):06o}\0 ".encode()
    return head[:148] + total + head[156:]


END = b"\0" * 1024


@pytest.mark.parametrize("top", ["", "cyber_mega_phone_2k-ea8b0c1/"])
@pytest.mark.parametrize(
    "pack",
    [
        as_tar,
        lambda files, top: as_tar(files, top, gzipped=False),
        lambda files, top: as_tar(files, top, form=tarfile.GNU_FORMAT),
        as_zip,
        lambda files, top: as_zip(files, top, deflate=False),
    ],
    ids=["tgz", "tar", "gnu", "zip", "stored"],
)
def test_every_format_gives_the_same_files(
    pack: Callable[[Mapping[str, PhoneFile], str], bytes], top: str
) -> None:
    assert read_archive(pack(VARIED, top), "x") == VARIED


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_long_names(form: int) -> None:
    files = {**SMALL, f"{'d' * 90}/{'n' * 90}.js": PAGE}
    assert read_archive(as_tar(files, form=form), "x") == files


def test_long_names_that_ustar_cannot_write() -> None:
    files = {**SMALL, f"{'é' * 90}/{'n' * 190}.js": PAGE}
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        assert read_archive(as_tar(files, form=form), "x") == files


def test_what_git_archive_writes(tmp_path: Path) -> None:
    """Like GitHub: one folder on top, a pax header for all that holds the commit id."""
    folder = work_tree(tmp_path / "phone")
    files = {path: file for path, file in VARIED.items() if path != ".gitattributes"}
    identity = commit(folder, files)
    for form in ("tar.gz", "zip"):
        data = subprocess.run(
            ["git", "archive", f"--format={form}", "--prefix=phone-main/", "HEAD"],
            cwd=folder,
            capture_output=True,
            check=True,
        ).stdout
        if form == "tar.gz":
            assert identity.encode() in gzip.decompress(data)[:1024]
        assert read_archive(data, "x") == files


@pytest.mark.skipif(shutil.which("tar") is None, reason="no tar here")
@pytest.mark.parametrize("form", ["gnu", "posix", "ustar"])
def test_what_tar_writes(tmp_path: Path, form: str) -> None:
    lay_out(tmp_path / "phone", VARIED)
    command = ["tar", f"--format={form}", "-czf", str(tmp_path / "p.tgz"), "-C"]
    subprocess.run([*command, str(tmp_path / "phone"), "."], check=True)
    assert read_archive_file(tmp_path / "p.tgz", "x") == VARIED
    subprocess.run([*command, str(tmp_path), "phone"], check=True)
    assert read_archive_file(tmp_path / "p.tgz", "x") == VARIED


def test_a_zip_that_was_streamed() -> None:
    """Without a way back, sizes follow the data and are 0 in the entry's own header."""

    class Stream(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise OSError

    out = Stream()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as written:
        written.writestr("index.html", PAGE.data)
    assert read_archive(out.getvalue(), "x") == SMALL


def test_only_one_folder_on_top_goes_away() -> None:
    files = {"a/b/index.html": PAGE, "a/c/x": PAGE}
    assert sorted(read_archive(as_tar(files), "x")) == ["b/index.html", "c/x"]
    files = {"index.html": PAGE, "a/x": PAGE}
    assert sorted(read_archive(as_tar(files), "x")) == ["a/x", "index.html"]


@pytest.mark.parametrize("beside", ["__MACOSX/phone/._index.html", "._phone"])
def test_what_a_mac_puts_beside_files(beside: str) -> None:
    """It hid the one folder that everything lies in."""
    double = PhoneFile(b"\0\5\x16\7\0\2\0\0Mac OS X")
    files = {"phone/index.html": PAGE, "phone/._mine": PAGE, beside: double}
    for pack in (as_tar, as_zip):
        assert read_archive(pack(files), "x") == {"index.html": PAGE, "._mine": PAGE}


def test_a_file_that_is_not_there_or_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CmpBundleError, match="cannot be read: no such file"):
        read_archive_file(tmp_path / "none.zip", "none.zip")
    monkeypatch.setattr(archive, "MAX_ARCHIVE", 10)
    (tmp_path / "large.zip").write_bytes(b"x" * 11)
    with pytest.raises(CmpBundleError, match="too large for a phone"):
        read_archive_file(tmp_path / "large.zip", "large.zip")


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (tarfile.LNKTYPE, "'x' is a hard link"),
        (tarfile.SYMTYPE, "'x' is a symbolic link"),
        (tarfile.CHRTYPE, "'x' is a character device"),
        (tarfile.BLKTYPE, "'x' is a block device"),
        (tarfile.FIFOTYPE, "'x' is a fifo"),
        (tarfile.GNUTYPE_SPARSE, "'x' is a sparse file"),
        (tarfile.CONTTYPE, "'x' is of the unknown type '7'"),
    ],
)
def test_tar_entries_that_are_no_files(kind: bytes, why: str) -> None:
    refused(tar_of(info("x", kind, "index.html")), why)


@pytest.mark.parametrize("pack", [as_tar, as_zip])
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../x", "leads out"),
        ("a/../../x", "leads out"),
        ("/x", "absolute"),
        ("//x", "absolute"),
        ("C:\\x", "backslash"),
        ("C:/x", "absolute"),
        ("a\\x", "backslash"),
        (".git/hooks/post-checkout", "git repository"),
        ("a/./b", "empty or '.' part in its name"),
        ("x" * 300, "too long"),
    ],
)
def test_hostile_names(
    pack: Callable[[Mapping[str, PhoneFile]], bytes], name: str, why: str
) -> None:
    refused(pack({**SMALL, name: PAGE}), why)


def test_names_that_are_not_utf_8() -> None:
    refused(block(b"caf\xe9") + END, r"'caf\\\\xe9' has a name that is not UTF-8")
    data = as_zip({"caf_": PAGE}).replace(b"caf_", b"caf\xe9")
    refused(data, "not UTF-8")


@pytest.mark.parametrize("pack", [as_tar, as_zip])
def test_entries_that_meet(pack: Callable[[Mapping[str, PhoneFile]], bytes]) -> None:
    refused(pack({"a": PAGE, "a/b": PAGE}), "file as well as a folder")
    refused(pack({"a/b": PAGE, "a": PAGE}), "file as well as a folder")
    refused(pack({"a": PAGE, "A": PAGE}), "only by case")


def test_one_name_twice() -> None:
    refused(tar_of((info("a"), b"1"), (info("a"), b"2")), "'a' exists twice")
    data = as_zip({"a": PAGE, "b": PAGE}).replace(b"b", b"a")
    refused(data, "'a' exists twice")


def test_an_empty_archive() -> None:
    refused(END, "contains no files")
    refused(as_zip({}), "contains no files")
    refused(tar_of(info("lib", tarfile.DIRTYPE)), "contains no files")
    refused(b"", "is empty")
    refused(gzip.compress(b""), "is empty")


def test_a_web_page_in_place_of_an_archive() -> None:
    """As a proxy that wants a login gives it, with 200."""
    error = refused(b"\n<!doctype html><title>Log in</title>", "is a web page, not an archive")
    assert "login" in (error.hint or "")


def test_what_is_no_archive() -> None:
    refused(b"doctype html" * 100, "neither a tar nor a zip")
    refused(gzip.compress(b"<!doctype html>" * 100), "neither a tar nor a zip")
    refused(b"PK", "not a valid zip")
    refused(b"\x1f\x8b" + b"x" * 50, "not valid gzip")


@pytest.mark.parametrize("pack", [as_tar, as_zip])
def test_every_archive_that_is_cut_short(
    pack: Callable[[Mapping[str, PhoneFile]], bytes],
) -> None:
    data = pack({"index.html": PAGE, "lib/a": PhoneFile(b"abc" * 50)})
    assert read_archive(data, "x")
    for length in range(len(data)):
        with pytest.raises(CmpBundleError):
            read_archive(data[:length], "x")


def test_every_tar_that_is_cut_short() -> None:
    data = as_tar(SMALL, gzipped=False).rstrip(b"\0")
    padded = data + b"\0" * (-len(data) % 512)
    assert read_archive(padded + END, "x") == SMALL
    for length in range(0, len(padded) + len(END), 64):
        refused((padded + END)[:length], "cut short|neither a tar|is empty")


@pytest.mark.parametrize("more", [b"x", b"\x1f\x8b", as_tar(SMALL)])
def test_something_behind_the_end(more: bytes) -> None:
    refused(as_tar(SMALL) + more, "data after its end")
    refused(as_tar(SMALL, gzipped=False) + more, "data after its end")
    refused(gzip.compress(as_tar(SMALL, gzipped=False) + more), "data after its end")
    refused(as_zip(SMALL) + more, "not a valid zip")


def test_something_before_a_zip() -> None:
    refused(b"PKSFX" + as_zip(SMALL), "not a valid zip")


def test_tar_numbers_that_are_none() -> None:
    for size in (b"\x80" + b"\0" * 10, b"-0000000001", b"9", b"0 1"):
        refused(block(b"x", size=size) + END, "neither POSIX nor GNU")


def test_a_tar_that_nobody_writes_any_more() -> None:
    refused(block(b"x", magic=b"\0" * 8) + END, "neither POSIX nor GNU")


def test_a_folder_with_content() -> None:
    refused(block(b"x/", kind=b"5", size=b"00000001000") + b"\0" * 512 + END, "folder with content")
    refused(block(b"x/", kind=b"0") + END, "file with the name of a folder")


def test_claims_larger_than_the_archive() -> None:
    refused(block(b"x", size=b"77777777777") + END, "cut short")


def pax(*records: bytes, kind: bytes = b"x") -> bytes:
    content = b"".join(records)
    padded = content + b"\0" * (-len(content) % 512)
    return block(b"pax", kind=kind, size=f"{len(content):011o}".encode()) + padded


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        (pax(b"99 path=x\n"), "damaged extended header"),
        (pax(b"9 path=xy"), "damaged extended header"),
        (pax(b"0 path=x\n"), "damaged extended header"),
        (pax(b"7 =abc\n"), "damaged extended header"),
        (pax(b"x"), "damaged extended header"),
        (pax(b"11 size=-1\n"), "an invalid size"),
        (pax(b"13 size=9999\n"), "cut short"),
        (pax(b"15 path=../xyz\n"), "leads out"),
        (pax(b"12 path=a\0b\n"), "control character"),
        (pax(b"22 GNU.sparse.major=1\n"), "GNU.sparse.major"),
        (pax(b"21 hdrcharset=BINARY\n"), "hdrcharset"),
        (pax(b"10 path=x\n", kind=b"g"), "for all entries"),
        (block(b"l", kind=b"L", size=b"00001000000") + b"x" * 0o1000000, "too long an extended"),
        (block(b"l", kind=b"L", size=b"00000000006") + b"../ab\0".ljust(512, b"\0"), "leads out"),
        (block(b"l", kind=b"K", size=b"00000000006") + b"target".ljust(512, b"\0"), "link"),
    ],
)
def test_hostile_extended_headers(headers: bytes, why: str) -> None:
    refused(headers + block(b"x") + END, why)


def test_an_extended_header_for_nothing() -> None:
    refused(pax(b"10 path=x\n") + END, "cut short")


def test_unpacks_to_no_more_than_a_phone_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_TAR", 300_000)
    bomb = gzip.compress(tar_of((info("x"), b"\0" * 400_000)))
    assert len(bomb) < 2000
    refused(bomb, "unpacks to more than")


@pytest.fixture
def peak() -> Iterator[Callable[[], int]]:
    """Bytes that Python had in use at most since the test began."""
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


def test_a_gzip_bomb_does_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch, peak: Callable[[], int]
) -> None:
    monkeypatch.setattr(archive, "MAX_TAR", 300_000)
    bomb = gzip.compress(b"\0" * 20_000_000)
    tracemalloc.reset_peak()
    refused(bomb, "unpacks to more than")
    assert peak() < 2_000_000


def test_a_zip_bomb_does_not_fill_the_memory(peak: Callable[[], int]) -> None:
    bomb = patched(as_zip({"a": PhoneFile(b"\0" * 20_000_000)}), CENTRAL, 24, "<L", 10)
    tracemalloc.reset_peak()
    refused(bomb, "is not 10 bytes long")
    assert peak() < 2_000_000


def test_caps_hold_for_archives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MAX_FILE", 1000)
    monkeypatch.setattr(intake, "MAX_TOTAL", 1500)
    monkeypatch.setattr(intake, "MAX_ENTRIES", 3)
    for pack in (as_tar, as_zip):
        refused(pack({"a": PhoneFile(b"x" * 1001)}), "'a' is larger than")
        refused(pack({n: PhoneFile(b"x" * 900) for n in "ab"}), "'b' makes the phone larger")
        refused(pack({n: PhoneFile(b"") for n in "abcd"}), "'d' exceeds the limit")


def patched(data: bytes, magic: bytes, at: int, form: str, *values: int) -> bytes:
    """``data`` with numbers put into its last record that begins with ``magic``."""
    changed = bytearray(data)
    struct.pack_into(form, changed, changed.rindex(magic) + at, *values)
    return bytes(changed)


CENTRAL, LOCAL, END_RECORD = b"PK\1\2", b"PK\3\4", b"PK\5\6"


@pytest.mark.parametrize(
    ("magic", "at", "form", "value", "why"),
    [
        (CENTRAL, 8, "<H", 1, "is encrypted"),
        (LOCAL, 6, "<H", 1, "contradicts the directory"),
        (CENTRAL, 10, "<H", 12, "compressed with method 12"),
        (LOCAL, 8, "<H", 0, "contradicts the directory"),
        (CENTRAL, 16, "<L", 1, "checksum is wrong"),
        (CENTRAL, 20, "<L", 5, "packed length is wrong|damaged"),
        (CENTRAL, 20, "<L", 2**31, "contradicts the directory"),
        (CENTRAL, 24, "<L", 5, "is not 5 bytes long"),
        (CENTRAL, 24, "<L", 2**32 - 1, "larger than 32 MiB"),
        (CENTRAL, 24, "<L", 10_000, "is not 10000 bytes long"),
        (CENTRAL, 28, "<H", 9000, "directory is damaged"),
        (CENTRAL, 28, "<H", 9, "directory is longer than it says|contradicts the directory"),
        (CENTRAL, 34, "<H", 1, "directory is damaged"),
        (CENTRAL, 38, "<L", stat.S_IFLNK << 16, "symbolic link"),
        (CENTRAL, 38, "<L", stat.S_IFIFO << 16, "neither a file nor a folder"),
        (CENTRAL, 38, "<L", stat.S_IFREG << 16 | 0x10, "file as well as a folder"),
        (CENTRAL, 38, "<L", stat.S_IFDIR << 16, "folder with content"),
        (CENTRAL, 42, "<L", 1, "data before its beginning"),
        (CENTRAL, 42, "<L", 10_000, "data before its beginning|is outside"),
        (END_RECORD, 4, "<H", 1, "the end record is wrong"),
        (END_RECORD, 8, "<H", 2, "the end record is wrong"),
        (END_RECORD, 12, "<L", 3, "the end record is wrong"),
        (END_RECORD, 16, "<L", 2**32 - 1, "the end record is wrong"),
        (END_RECORD, 20, "<H", 1, "no end record"),
    ],
)
def test_zips_that_contradict_themselves(
    magic: bytes, at: int, form: str, value: int, why: str
) -> None:
    refused(patched(as_zip(SMALL), magic, at, form, value), why)


def test_zip_entries_that_overlap() -> None:
    """As in the bombs of David Fifield, where one packed blob is many files."""
    data = as_zip({"a": PAGE, "b": PAGE})
    refused(patched(data, CENTRAL, 42, "<L", 0), "overlaps another entry")


def test_a_zip_entry_of_two_names() -> None:
    refused(as_zip(SMALL).replace(b"index.html", b"other.html", 1), "contradicts the directory")


def test_a_zip_s_comment() -> None:
    out = io.BytesIO(as_zip(SMALL))
    with zipfile.ZipFile(out, "a") as written:
        written.comment = b"made on a Tuesday, PK\5\6 and all"
    assert read_archive(out.getvalue(), "x") == SMALL
