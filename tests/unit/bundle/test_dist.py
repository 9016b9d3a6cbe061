"""Where a bundle may be written, and what is left where it came to nothing."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from cmp_bundle.bundle import dist, manifest
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


def test_what_a_killed_build_left_goes_with_the_next(tmp_path: Path) -> None:
    """The bundle itself may be whole already."""
    dist.write(BUNDLE, tmp_path / "dist", Disk())
    for name in (".dist.building", "..dist.building.cmp-bundle-partial"):
        (tmp_path / name / "p").mkdir(parents=True)
    assert not dist.write(BUNDLE, tmp_path / "dist", Disk())
    assert [p.name for p in tmp_path.iterdir()] == ["dist"]


def test_what_is_the_same_is_not_written_again(tmp_path: Path) -> None:
    """But what somebody has changed since, and what is no file of ours, is."""
    people = {f"{name}.bin": name.encode() for name in ("kept", "changed", "closed", "linked")}
    folder = tmp_path / "dist"
    dist.write(replace(BUNDLE, profiles=people), folder, Disk())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"linked")
    (folder / "p/linked.bin").unlink()
    (folder / "p/linked.bin").symlink_to(elsewhere)
    (folder / "p/changed.bin").write_bytes(b"other")
    (folder / "p/closed.bin").chmod(0o600)
    before = {p.name: p.stat().st_ino for p in (folder / "p").iterdir()}
    assert dist.write(replace(BUNDLE, profiles=people | {"new.bin": b"new"}), folder, Disk())
    after = {p.name: p.lstat() for p in (folder / "p").iterdir()}
    assert {n for n, found in after.items() if before.get(n) == found.st_ino} == {"kept.bin"}
    assert {(stat.S_IMODE(f.st_mode), f.st_nlink) for f in after.values()} == {(0o644, 1)}
    assert (folder / "p/changed.bin").read_bytes() == b"changed"


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    folder = tmp_path / "dist"
    for number in (1, 2):
        people = {"a.bin": b"a", f"{number}.bin": b"own"}
        assert dist.write(replace(BUNDLE, profiles=people), folder, Disk())
        assert {p.name: p.read_bytes() for p in (folder / "p").iterdir()} == people


@pytest.mark.parametrize(
    ("out", "says"),
    [
        ("file", "is a file, but a bundle is a folder"),
        ("file/dist", "file: cannot hold a bundle: file exists"),
        ("file/below/dist", "cannot hold a bundle: not a directory"),
        ("d" * 300, "cannot hold a bundle: file name too long"),
        ("theirs", "was not written by cmp-bundle, so it is not replaced"),
        ("/", "is the current folder, and a build replaces its whole folder"),
        ("/usr", "was not written by cmp-bundle, so it is not replaced"),
    ],
)
def test_where_no_bundle_can_be(out: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/precious").touch()
    with pytest.raises(CmpBundleError, match=says):
        dist.write(BUNDLE, tmp_path / out, Disk())
    assert (tmp_path / "theirs/precious").is_file()


def test_a_current_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be judged then is not replaced."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/precious").touch()
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(CmpBundleError, match="cannot hold a bundle: no such file"):
        dist.write(BUNDLE, tmp_path / "theirs", Disk())
    assert (tmp_path / "theirs/precious").is_file()


@pytest.mark.parametrize(
    "text", ['{"name": "My shop", "start_url": "/"}', "", "[]", '{"made_by": 1}', "null"]
)
def test_the_manifest_of_somebody_else(text: str, tmp_path: Path) -> None:
    """A web app has one, too; all of it was thrown away."""
    (tmp_path / "manifest.json").write_text(text)
    (tmp_path / "app.js").write_text("precious")
    with pytest.raises(CmpBundleError, match="was not written by cmp-bundle"):
        dist.write(BUNDLE, tmp_path, Disk())
    assert (tmp_path / "app.js").read_text() == "precious"


@pytest.mark.parametrize("path", ["notes.txt", ".git/config", "assets/mine.js", "sub/index.html"])
def test_what_somebody_put_into_it(path: str, tmp_path: Path) -> None:
    """As after a build with --out . in a folder that was then worked in."""
    out = tmp_path / "dist"
    dist.write(BUNDLE, out, Disk())
    (out / path).parent.mkdir(exist_ok=True)
    (out / path).write_text("precious")
    with pytest.raises(CmpBundleError, match="would be lost") as raised:
        dist.write(BUNDLE, out, Disk())
    assert raised.value.file == str(out / path)
    assert (out / path).read_text() == "precious"
    (out / path).unlink()
    (out / ".DS_Store").touch()  # Finder's, who looked into it
    assert dist.write(BUNDLE, out, Disk())


def test_a_bundle_of_another_version_is_replaced(tmp_path: Path) -> None:
    dist.write(BUNDLE, tmp_path / "dist", Disk())
    written = tmp_path / "dist" / manifest.NAME
    written.write_text(written.read_text().replace('"format": 1', '"format": 99'))
    (tmp_path / "dist/p").mkdir()
    (tmp_path / "dist/p/profile-of-somebody").touch()
    assert dist.write(BUNDLE, tmp_path / "dist", Disk())
    assert not dist.write(BUNDLE, tmp_path / "dist", Disk())


def test_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be another one than the shell is in, which is gone."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CmpBundleError, match="is the current folder"):
        dist.write(BUNDLE, tmp_path, Disk())


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
