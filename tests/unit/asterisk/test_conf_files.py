"""Files as Asterisk sees them: in a root of its own, and in a plan."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cmp_bundle.asterisk import conf_files
from cmp_bundle.asterisk.conf_files import Absence, ConfFolder, Overlaid


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root/etc/asterisk").mkdir(parents=True)
    return tmp_path / "root"


@pytest.fixture
def etc(root: Path) -> Path:
    return root / "etc/asterisk"


@pytest.fixture
def folder(etc: Path, root: Path) -> ConfFolder:
    return ConfFolder(etc, root)


def test_names_start_in_the_folder_as_asterisk_sees_it(folder: ConfFolder, etc: Path) -> None:
    assert folder.etc == "/etc/asterisk"
    assert ConfFolder(etc).etc == str(etc)


def test_a_folder_outside_its_root(root: Path) -> None:
    with pytest.raises(ValueError, match="is not in the subpath"):
        ConfFolder(root.parent, root)


def test_content(folder: ConfFolder, etc: Path) -> None:
    (etc / "a.conf").write_bytes(b"a")
    (etc / "folder").mkdir()
    os.mkfifo(etc / "pipe")
    assert folder.content("/etc/asterisk/a.conf") == b"a"
    assert folder.content("/etc/asterisk/../asterisk/./a.conf") == b"a"
    assert folder.content("/../../etc/asterisk/a.conf") == b"a"
    assert folder.content("/etc/asterisk/no.conf") is Absence.MISSING
    assert folder.content("/etc/asterisk/a.conf/no.conf") is Absence.MISSING
    assert folder.content("/etc/asterisk/a.conf/../a.conf") is Absence.MISSING
    assert folder.content("/etc/asterisk/" + "n" * 300) is Absence.MISSING
    assert folder.content("/etc/asterisk/\0") is Absence.MISSING
    assert folder.content("/etc/asterisk/folder") is Absence.NO_FILE
    assert folder.content("/etc/asterisk/pipe") is Absence.NO_FILE
    assert sorted(folder.names("/etc/asterisk")) == ["a.conf", "folder", "pipe"]
    assert folder.names("/etc/asterisk/a.conf") == ()


def test_too_large(folder: ConfFolder, etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conf_files, "LARGEST", 3)
    (etc / "a.conf").write_bytes(b"abc")
    (etc / "b.conf").write_bytes(b"abcd")
    assert folder.content("/etc/asterisk/a.conf") == b"abc"
    assert folder.content("/etc/asterisk/b.conf") is Absence.TOO_LARGE


def test_what_cannot_be_read() -> None:
    # Even root gets an error for the memory of a process at its beginning.
    assert ConfFolder(Path("/proc/self")).content("/proc/self/mem") is Absence.UNREADABLE


def test_symlinks_stay_in_the_root(folder: ConfFolder, etc: Path, root: Path) -> None:
    outside = root.parent / "secret"
    outside.write_bytes(b"outside")
    (root / "secret").write_bytes(b"inside")
    (etc / "absolute").symlink_to("/secret")
    (etc / "relative").symlink_to("../../../../../../../../secret")
    (etc / "chain").symlink_to("absolute")
    (etc / "ring").symlink_to("ring")
    (etc / "dangling").symlink_to("/nowhere")
    (root / "opt").symlink_to("/etc")
    for name in ("absolute", "relative", "chain"):
        assert folder.content(f"/etc/asterisk/{name}") == b"inside"
        assert folder.resolved(f"/etc/asterisk/{name}") == "/secret"
    assert folder.content("/opt/asterisk/absolute") == b"inside"
    assert folder.content("/etc/asterisk/ring") is Absence.MISSING
    assert folder.content("/etc/asterisk/dangling") is Absence.MISSING
    assert folder.resolved("/opt/asterisk/new/x.conf") == "/etc/asterisk/new/x.conf"


def test_a_plan_lies_over_the_files(folder: ConfFolder, etc: Path, root: Path) -> None:
    (etc / "a.conf").write_bytes(b"old")
    (etc / "b.conf").write_bytes(b"old")
    (root / "opt").symlink_to("/etc/asterisk")
    plan = Overlaid(
        folder,
        {"/opt/a.conf": b"new", "/etc/asterisk/b.conf": None, "/etc/asterisk/sub/c.conf": b"c"},
    )
    assert plan.etc == "/etc/asterisk"
    assert plan.content("/etc/asterisk/a.conf") == b"new"
    assert plan.content("/etc/asterisk/b.conf") is Absence.MISSING
    assert plan.content("/opt/sub/c.conf") == b"c"
    assert plan.content("/etc/asterisk/sub") is Absence.NO_FILE
    assert sorted(plan.names("/opt")) == ["a.conf", "sub"]
    assert plan.names("/etc/asterisk/sub") == ("c.conf",)
    assert folder.content("/etc/asterisk/a.conf") == b"old"


def test_the_way_back_in_a_plan(folder: ConfFolder, etc: Path, root: Path) -> None:
    """As on a disk, it leads back from folders alone: those there are, and those there will be."""
    (etc / "there").mkdir()
    (etc / "file").touch()
    (root / "opt/deep").mkdir(parents=True)
    (etc / "link").symlink_to("/opt/deep")
    changes = {"/etc/asterisk/a.conf": b"a", "/etc/asterisk/new/b.conf": b"b", "/opt/c.conf": b"c"}
    plan = Overlaid(folder, changes)
    for path in ("there/../a.conf", "new/../a.conf", "./there//.././a.conf", "../asterisk/a.conf"):
        assert plan.content(f"/etc/asterisk/{path}") == b"a", path
    assert plan.content("/../etc/asterisk/a.conf") == b"a"
    assert plan.content("/etc/asterisk/link/../c.conf") == b"c"
    for path in ("gone/../a.conf", "file/../a.conf", "a.conf/../a.conf", "link/../a.conf"):
        assert plan.content(f"/etc/asterisk/{path}") is Absence.MISSING, path
    assert "a.conf" in plan.names("/etc/asterisk/new/..")
    assert plan.names("/etc/asterisk/gone/..") == ()


def test_a_way_back_and_forth_has_an_end(folder: ConfFolder, etc: Path) -> None:
    """Asterisk's user writes such an #include, and root reads it."""
    (etc / "d").mkdir()
    plan = Overlaid(folder, {"/etc/asterisk/a.conf": b"a"})
    assert plan.content("/etc/asterisk/" + "d/../" * 500 + "a.conf") == b"a"


def test_a_plan_over_a_plan(folder: ConfFolder) -> None:
    first = Overlaid(folder, {"/etc/asterisk/a.conf": b"1", "/etc/asterisk/b.conf": b"1"})
    second = Overlaid(first, {"/etc/asterisk/a.conf": b"2"})
    assert second.content("/etc/asterisk/a.conf") == b"2"
    assert second.content("/etc/asterisk/b.conf") == b"1"
    assert sorted(second.names("/etc/asterisk")) == ["a.conf", "b.conf"]
