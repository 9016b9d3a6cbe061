"""Whose files are used. The attacks are another user's, so most of this takes root."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import owned
from tests.unit.nobody import NOBODY, as_nobody, needs_root, open_folder

ROOT = Path(__file__).parents[3]
SOMEBODY = 4321
PATIENCE = 20


@pytest.fixture(autouse=True)
def _nobody_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SUDO_UID", owned.TRUST):
        monkeypatch.delenv(name, raising=False)


def written(path: Path, owner: int = -1, mode: int = 0o644, group: int = -1) -> Path:
    path.write_bytes(b"x")
    os.chown(path, owner, group)
    path.chmod(mode)
    return path


def refused(path: Path, *, shared: bool = False) -> CmpBundleError:
    with pytest.raises(CmpBundleError) as caught:
        owned.read(path, shared=shared)
    return caught.value


def test_ones_own(tmp_path: Path) -> None:
    path = written(tmp_path / "a")
    assert owned.read(path).data == b"x"
    assert owned.content(path) == b"x"
    for what in (owned.read, owned.content):
        with pytest.raises(FileNotFoundError):
            what(tmp_path / "none")
        with pytest.raises(FileNotFoundError):
            what(tmp_path / "none/below")


@needs_root
def test_another_user_s_file(tmp_path: Path) -> None:
    path = written(tmp_path / "a", SOMEBODY)
    error = refused(path)
    assert str(error) == f"{path}: belongs to {SOMEBODY}, and not to you or root"
    assert error.hint == (
        f"use one of your own, or take it over: chown root {path};"
        f" or trust {SOMEBODY}: CMP_BUNDLE_TRUST_OWNER={SOMEBODY}"
    )


@needs_root
def test_sudo_says_whom_root_works_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a", SOMEBODY)
    monkeypatch.setenv("SUDO_UID", str(SOMEBODY))
    assert owned.read(path).data == b"x"
    for other in ("", "-1", "4321x", "٤٣٢١", str(NOBODY)):
        monkeypatch.setenv("SUDO_UID", other)
        refused(path)


@needs_root
def test_sudo_s_word_counts_for_root_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_folder() as folder:
        path = written(folder / "a", SOMEBODY)
        monkeypatch.setenv("SUDO_UID", str(SOMEBODY))
        with as_nobody():
            refused(path)
        with as_nobody():
            assert owned.read(written_by_root(folder)).data == b"x"


def written_by_root(folder: Path) -> Path:
    path = folder / "roots"
    os.seteuid(0)
    written(path)
    os.seteuid(NOBODY)
    return path


@needs_root
def test_who_insists_names_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a", SOMEBODY)
    monkeypatch.setenv(owned.TRUST, str(SOMEBODY))
    assert owned.read(path).data == b"x"
    path.chmod(0o666)
    assert "everybody may change it" in refused(path).message


def test_a_file_that_everybody_may_change(tmp_path: Path) -> None:
    error = refused(written(tmp_path / "a", mode=0o602), shared=True)
    assert error.message == "everybody may change it"
    assert error.hint == f"check that everything in it is yours, then: chmod o-w {tmp_path / 'a'}"


@needs_root
def test_a_file_that_a_group_may_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a", mode=0o664, group=SOMEBODY)
    assert f"the group {SOMEBODY} may change it" in refused(path).message
    assert owned.read(path, shared=True).data == b"x"
    os.chown(path, -1, 0)
    assert owned.read(path).data == b"x"
    # As umask 002 leaves files where each user has a group of the same name.
    os.chown(path, NOBODY, SOMEBODY)
    monkeypatch.setenv(owned.TRUST, str(NOBODY))
    name = pwd.getpwuid(NOBODY).pw_name

    def group(*members: str) -> None:
        entry = grp.struct_group(("g", "x", SOMEBODY, list(members)))
        monkeypatch.setattr(grp, "getgrgid", lambda _gid: entry)

    for members in ((), (name,), ("root",)):
        group(*members)
        assert owned.read(path).data == b"x"
    group(name, "mallory")
    assert "the group g may change it" in refused(path).message
    group()
    mallory = pwd.struct_passwd(("mallory", "x", 9, SOMEBODY, "", "/", "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwall", lambda: [mallory])
    assert "the group g may change it" in refused(path).message


@needs_root
def test_a_folder_in_which_another_could_exchange_it(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    path = written(folder / "a")
    os.chown(folder, SOMEBODY, -1)
    error = refused(path)
    assert str(error) == f"{folder}: belongs to {SOMEBODY}, who could replace a"
    os.chown(folder, 0, -1)
    folder.chmod(0o777)
    assert refused(path).message == "everybody may change it, and replace a"
    folder.chmod(0o775)
    os.chown(folder, 0, SOMEBODY)
    assert f"the group {SOMEBODY} may change it" in refused(path).message


@needs_root
def test_a_folder_as_tmp_is(tmp_path: Path) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    folder.chmod(0o1777)
    assert owned.read(written(folder / "mine")).data == b"x"
    refused(written(folder / "theirs", SOMEBODY))


@needs_root
def test_links_are_followed_where_they_are_ours(tmp_path: Path) -> None:
    """Admins do link their settings."""
    (tmp_path / "real").mkdir()
    real = written(tmp_path / "real/a")
    link = tmp_path / "link"
    link.symlink_to("real/a")
    (tmp_path / "twice").symlink_to(link)
    for path in (link, tmp_path / "twice"):
        assert owned.read(path).data == b"x"
        assert owned.resolved(path) == real
    # Each thing on the way counts: the link, the target, the target's folder.
    os.chown(link, SOMEBODY, -1, follow_symlinks=False)
    assert refused(link).file == refused(tmp_path / "twice").file == str(link)
    os.chown(link, 0, -1, follow_symlinks=False)
    os.chown(real, SOMEBODY, -1)
    assert refused(link).file == str(real)
    os.chown(real, 0, -1)
    os.chown(real.parent, SOMEBODY, -1)
    assert refused(link).file == str(real.parent)


@needs_root
def test_a_link_of_another_s_in_tmp(tmp_path: Path) -> None:
    """It may lead to a file of root's own, for root to read or to overwrite."""
    target = written(tmp_path / "shadow")
    folder = tmp_path / "tmp"
    folder.mkdir()
    folder.chmod(0o1777)
    link = folder / "a"
    link.symlink_to(target)
    assert owned.resolved(link) == target
    os.chown(link, SOMEBODY, -1, follow_symlinks=False)
    for look in (owned.read, owned.resolved):
        with pytest.raises(CmpBundleError, match=f"belongs to {SOMEBODY}"):
            look(link)
    target.unlink()
    with pytest.raises(CmpBundleError, match=f"belongs to {SOMEBODY}"):
        owned.resolved(link)


def test_links_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert "leads back to itself" in refused(tmp_path / "a").message
    assert owned.resolved(tmp_path / "x/..") == tmp_path
    assert owned.resolved(Path("/")) == Path("/")


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_what_is_no_file_is_not_waited_for(kind: str, tmp_path: Path) -> None:
    path = Path("/dev/zero") if kind == "device" else tmp_path / "a"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    code = (
        "import sys; from pathlib import Path; from cmp_bundle.files import owned\n"
        "for read in (owned.read, owned.content):\n"
        "    try: read(Path(sys.argv[1]))\n"
        "    except Exception as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path],
        capture_output=True, text=True, timeout=PATIENCE, check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    kinds = "a folder" if kind == "folder" else "a device or a pipe"
    assert done.stdout.count(f"is {kinds}, but must be a file") == 2


def test_no_more_is_read_than_there_may_be(tmp_path: Path) -> None:
    path = written(tmp_path / "a")
    path.write_bytes(b"12345")
    assert owned.read(path, 5).data == owned.content(path, 5) == b"12345"
    for read in (owned.read, owned.content):
        with pytest.raises(CmpBundleError, match="too large: it has more than 4 bytes"):
            read(path, 4)


def test_what_is_anybody_s_is_read_through_no_link(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(written(tmp_path / "b"))
    with pytest.raises(CmpBundleError, match="is a symlink, but must be a file"):
        owned.content(tmp_path / "a")


def test_what_a_shell_opened_is_the_caller_s() -> None:
    out, into = os.pipe()
    os.write(into, b"correct")
    os.close(into)
    try:
        assert owned.read(Path(f"/dev/fd/{out}")).data == b"correct"
    finally:
        os.close(out)
