"""Where a bundle may be written, and what is left where it came to nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from cmp_bundle.bundle import dist
from cmp_bundle.bundle.build import build
from cmp_bundle.bundle.client import Client
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk
from cmp_bundle.settings.model import Settings

from .phones import phone

BUNDLE = build(phone(), Settings(), Client("", "", "")).bundle


def test_written_once(tmp_path: Path) -> None:
    folder = tmp_path / "not/there/yet/dist"
    assert dist.write(BUNDLE, folder, Disk())
    assert not dist.write(BUNDLE, folder, Disk())
    assert [p.name for p in folder.parent.iterdir()] == ["dist"]


@pytest.mark.parametrize(
    ("out", "says"),
    [
        ("file", "is a file, and a bundle is a folder"),
        ("file/dist", "file: cannot hold a bundle: file exists"),
        ("file/below/dist", "cannot hold a bundle: not a directory"),
        ("d" * 300, "cannot hold a bundle: file name too long"),
        ("theirs", "is not a bundle of cmp-bundle, so it is not replaced"),
        ("/", "is not a bundle of cmp-bundle, so it is not replaced"),
    ],
)
def test_where_no_bundle_can_be(out: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/precious").touch()
    with pytest.raises(CmpBundleError, match=says):
        dist.write(BUNDLE, tmp_path / out, Disk())
    assert (tmp_path / "theirs/precious").is_file()


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    """As on a disk that is full at the last file."""
    steps: list[str] = []

    def full(step: str, path: Path) -> None:
        steps.append(step)
        if step == "rename" and path == tmp_path / "dist":
            raise OSError(28, "No space left on device")

    with pytest.raises(CmpBundleError, match="no space left"):
        dist.write(BUNDLE, tmp_path / "dist", Disk(full))
    assert "rmtree" in steps
    assert list(tmp_path.iterdir()) == []
