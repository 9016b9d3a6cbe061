"""Whatever an archive holds: a phone under plain names, or one CmpBundleError."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.phone.archive import read_archive
from cmp_bundle.phone.file import PhoneFile

from .phones import as_tar, as_zip, phones

pytestmark = pytest.mark.slow

FUZZ = settings(max_examples=100, deadline=None)

_SOUND = {"index.html": PhoneFile(b"page " * 30), "lib/a.js": PhoneFile(b"x" * 700)}
_SEEDS = [
    as_tar(_SOUND, gzipped=False),
    as_tar(_SOUND),
    as_tar({f"{'é' * 60}/{'n' * 60}": PhoneFile(b"1")}, gzipped=False),
    as_tar({"n" * 150: PhoneFile(b"1")}, gzipped=False, form=tarfile.GNU_FORMAT),
    as_zip(_SOUND),
    as_zip(_SOUND, deflate=False),
]


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else writes where these tests look for what an archive has left."""
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")


def survives(data: bytes) -> None:
    try:
        files = read_archive(data, "x")
    except CmpBundleError:
        files = {}
    for path in files:
        assert not path.startswith("/")
        assert not {"..", ".", "", ".git"} & set(path.split("/"))
        assert PurePosixPath("/top", path).is_relative_to("/top")
    assert not list(Path().iterdir())


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(_SEEDS)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data) - 1))
        match draw(st.sampled_from(["change", "insert", "remove", "repeat"])):
            case "change":
                data[at] = draw(st.integers(0, 255))
            case "insert":
                data[at:at] = draw(st.binary(min_size=1, max_size=600))
            case "remove":
                del data[at : at + draw(st.integers(1, min(600, len(data) - 1)))]
            case _:
                data[at:at] = data[at : at + 512]
    return bytes(data)


@FUZZ
@given(data=damaged())
def test_a_damaged_archive(data: bytes) -> None:
    survives(data)
    survives(gzip.compress(data, 1))


@FUZZ
@given(head=st.sampled_from([b"", b"PK\3\4", b"PK\5\6", b"\x1f\x8b\x08"]), rest=st.binary())
def test_any_bytes(head: bytes, rest: bytes) -> None:
    survives(head + rest)


@st.composite
def hostile_tars(draw: st.DrawFn) -> bytes:
    out = io.BytesIO()
    form = draw(st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]))
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for _ in range(draw(st.integers(0, 6))):
            name = draw(st.text(st.sampled_from("./\\ab:C\n\0é"), max_size=12))
            info = tarfile.TarInfo(name)
            info.type = draw(st.sampled_from([b"0", b"0", b"0", b"5", b"1", b"2", b"S", b"\0"]))
            info.linkname = draw(st.sampled_from(["", "/etc/passwd", "../x"]))
            data = draw(st.binary(max_size=20)) if info.isreg() else b""
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


@FUZZ
@given(data=hostile_tars())
def test_a_tar_of_hostile_entries(data: bytes) -> None:
    survives(data)


@FUZZ
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")  # what is tried here
@given(
    entries=st.lists(
        st.tuples(
            st.text(st.sampled_from("./\\ab:C\né"), max_size=12),
            st.binary(max_size=20),
            st.integers(0, 2**32 - 1),
        ),
        max_size=6,
    )
)
def test_a_zip_of_hostile_entries(entries: list[tuple[str, bytes, int]]) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data, attributes in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = attributes
            archive.writestr(info, data)
    survives(out.getvalue())


@FUZZ
@given(files=phones(), top=st.sampled_from(["", "a-phone/"]))
def test_a_sound_archive_gives_what_went_in(files: dict[str, PhoneFile], top: str) -> None:
    assert read_archive(as_tar(files, top), "x") == files
    assert read_archive(as_zip(files, top), "x") == files
