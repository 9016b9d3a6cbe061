"""Changes to the disk: old or new at every moment, by whomever and however they are cut off."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Boundary, Disk, FileOwnership, OpenFolder, disk, unsynced
from tests.unit.nobody import as_nobody, needs_root, open_folder

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


class Told:
    """What was announced, as lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, step: str, path: Path) -> None:
        self.lines.append(f"{step} {path.name}")


# write -------------------------------------------------------------------------------------------


def test_a_new_file(tmp_path: Path) -> None:
    told = Told()
    path = tmp_path / "a.conf"
    Disk(told).write(path, b"text", FileOwnership(-1, -1, 0o640), mtime=1_000_000_000)
    assert path.read_bytes() == b"text"
    assert mode(path) == 0o640
    assert path.stat().st_mtime == 1_000_000_000
    assert names(tmp_path) == ["a.conf"]
    assert told.lines == ["write .a.conf.cmp-bundle-partial", "rename a.conf"]


def test_without_an_owner_everybody_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        Disk().write(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert mode(tmp_path / "a") == 0o644


@as_root
def test_owner_and_mode_are_kept(tmp_path: Path) -> None:
    """Asterisk runs as its own user, who must still be able to read what root rewrote."""
    path = tmp_path / "http.conf"
    path.write_text("old")
    os.chown(path, 1234, 4321)
    path.chmod(0o640)
    owner = FileOwnership.of(path)
    Disk().write(path, b"new", owner)
    assert FileOwnership.of(path) == owner == FileOwnership(1234, 4321, 0o640)
    Disk().write(path, b"new", FileOwnership(-1, 99, 0o600))
    assert FileOwnership.of(path) == FileOwnership(0, 99, 0o600), (
        "the file is new, and so whoever wrote it has it"
    )


@pytest.mark.parametrize("bit", [stat.S_ISUID, stat.S_ISGID, stat.S_ISVTX])
def test_what_makes_a_program_more_is_not_kept(bit: int, tmp_path: Path) -> None:
    """Whoever has the file set it, and would have it on one that root wrote."""
    path = tmp_path / "http.conf"
    path.write_text("old")
    path.chmod(0o755 | bit)
    for owner in (FileOwnership.of(path), FileOwnership(-1, -1, 0o755 | bit)):
        Disk().write(path, b"new", owner)
        assert mode(path) == 0o755
    Disk().make_folder(tmp_path / "folder", FileOwnership(-1, -1, 0o755 | bit))
    assert mode(tmp_path / "folder") == 0o755


def test_attributes_are_kept(tmp_path: Path) -> None:
    """SELinux labels and ACLs live there; user.* are the ones that every user may set."""
    path = tmp_path / "http.conf"
    path.write_text("old")
    try:
        os.setxattr(path, "user.label", b"system_u:object_r:asterisk_etc_t:s0")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    Disk().write(path, b"new")
    assert os.getxattr(path, "user.label") == b"system_u:object_r:asterisk_etc_t:s0"


def test_an_attribute_that_may_not_be_set_costs_none_of_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "http.conf"
    path.write_text("old")
    have = {"security.selinux": b"label", "system.posix_acl_access": b"acl"}
    given: dict[str, bytes] = {}

    def setxattr(_to: int, name: str, value: bytes) -> None:
        if name.startswith("security."):
            raise PermissionError(errno.EPERM, "in a container")
        given[name] = value

    monkeypatch.setattr(os, "listxattr", lambda *_, **__: list(have))
    monkeypatch.setattr(os, "getxattr", lambda _path, name, **__: have[name])
    monkeypatch.setattr(os, "setxattr", setxattr)
    Disk().write(path, b"new")
    assert given == {"system.posix_acl_access": b"acl"}


def test_what_reads_it_meanwhile_has_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old" * 1000)
    with path.open("rb") as reading:
        Disk().write(path, b"new")
        assert reading.read() == b"old" * 1000
    assert path.read_bytes() == b"new"


def test_a_symlink_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """Whoever wants the file behind it resolves it first; what is written is what was named."""
    target = tmp_path / "target"
    target.write_text("theirs")
    (tmp_path / "link").symlink_to("target")
    Disk().write(tmp_path / "link", b"new")
    assert not (tmp_path / "link").is_symlink()
    assert target.read_text() == "theirs"
    Disk().write((tmp_path / "link").resolve(), b"newer")
    assert (tmp_path / "link").read_bytes() == b"newer"


@pytest.mark.parametrize("way", ["write", "write_all"])
def test_what_somebody_put_into_the_way_is_not_followed(way: str, tmp_path: Path) -> None:
    """The folder may be another user's, and the name of a file to come is known."""
    secret = tmp_path / "shadow"
    secret.write_text("root's")
    secret.chmod(0o600)
    path = tmp_path / "asterisk" / "http.conf"
    path.parent.mkdir()
    trap = Disk.partial(path) if way == "write" else path
    trap.symlink_to(secret)
    if way == "write":
        Disk().write(path, b"new", FileOwnership(-1, -1, 0o666))
    else:
        Disk().write_all({path: b"new"}, FileOwnership(-1, -1, 0o666))
    assert secret.read_text() == "root's"
    assert mode(secret) == 0o600
    assert path.read_bytes() == b"new"
    assert names(path.parent) == ["http.conf"]


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    """Root could make a file of /dev/null, for all the machine."""
    pipe = tmp_path / "null"
    os.mkfifo(pipe)
    with pytest.raises(CmpBundleError, match="is a device or a pipe, and is not replaced"):
        Disk().write(pipe, b"links")
    assert pipe.is_fifo()
    assert names(tmp_path) == ["null"]


def test_what_is_put_into_the_way_in_the_last_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After it was looked for, and before the file is made."""
    secret, path = tmp_path / "shadow", tmp_path / "http.conf"
    secret.write_text("root's")
    real = os.open

    def too_late(name: str, flags: int, *more: int, dir_fd: int) -> int:
        if flags & os.O_CREAT:
            os.symlink(secret, name, dir_fd=dir_fd)
        return real(name, flags, *more, dir_fd=dir_fd)

    def open_(name: str, flags: int, *more: int, dir_fd: int | None = None) -> int:
        return (
            real(name, flags, *more)
            if dir_fd is None
            else too_late(name, flags, *more, dir_fd=dir_fd)
        )

    monkeypatch.setattr(os, "open", open_)
    with pytest.raises(CmpBundleError, match="file exists"):
        Disk().write(path, b"new")
    assert secret.read_text() == "root's"


def test_what_a_killed_run_left_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    partial = Disk.partial(path)
    partial.write_text("half")
    partial.chmod(0o666)
    with partial.open("rb") as watching:
        Disk().write(path, b"secret", FileOwnership(-1, -1, 0o600))
        assert watching.read() == b"half", "whoever had it open does not get the new one"
    assert names(tmp_path) == ["key.pem"]
    assert mode(path) == 0o600


def test_a_secret_is_never_open_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        real(descriptor)

    def fchmod(descriptor: int, bits: int) -> None:
        seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        os.chmod(descriptor, bits)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "fchmod", fchmod)
    before = os.umask(0)
    try:
        Disk().write(tmp_path / "key", b"secret", FileOwnership(-1, -1, 0o600))
    finally:
        os.umask(before)
    assert seen[:2] == [0o600, 0o600]


def test_first_the_content_then_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The content is on the disk before the name is another's, the name before we return."""
    path = tmp_path / "a"
    path.write_text("old")
    seen: list[tuple[str, str]] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        what = Path(f"/proc/self/fd/{descriptor}").readlink()
        seen.append((what.name, path.read_text()))
        if what.is_file():
            assert what.read_text() == "new", "flushed before it is synced"
        real(descriptor)

    if not Path("/proc/self/fd").exists():
        pytest.skip("no /proc to look through")
    monkeypatch.setattr(os, "fsync", fsync)
    Disk().write(path, b"new")
    assert seen == [(Disk.partial(path).name, "old"), (tmp_path.name, "new")]


FAILING = {
    "no room": (errno.ENOSPC, "free some space"),
    "read-only": (errno.EROFS, "mounted read-only"),
    "no rights": (errno.EACCES, "lsattr" if os.geteuid() == 0 else "sudo"),
    "other": (errno.EIO, None),
}


@pytest.mark.parametrize("where", ["fsync", "fchmod", "open"])
@pytest.mark.parametrize("what", FAILING)
def test_an_error_of_the_system(
    where: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old file stays, nothing is left beside it, and it is told what to do."""
    number, hint = FAILING[what]
    path = tmp_path / "a"
    path.write_text("old")

    def fail(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, where, fail)
        with pytest.raises(CmpBundleError, match="cannot be changed") as caught:
            Disk().write(path, b"new")
    assert caught.value.file == str(path)
    assert os.strerror(number).lower() in caught.value.message
    assert hint is None or hint in str(caught.value.hint)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a"]


@needs_root
def test_what_another_user_is_told() -> None:
    """Who is not root can become it; who is cannot, and looks for another reason."""
    with open_folder() as folder, as_nobody():
        for name in ("a", "none/a"):
            with pytest.raises(CmpBundleError) as caught:
                Disk().write(folder / name, b"new")
            assert caught.value.file == str(folder / name)
        with pytest.raises(CmpBundleError, match="permission denied") as caught:
            Disk().make_folder(folder / "a")
        assert "sudo" in str(caught.value.hint)


def test_a_symlink_that_is_to_stay(tmp_path: Path) -> None:
    """A configuration file may be kept elsewhere, under version control for one."""
    told = Told()
    (tmp_path / "repository").mkdir()
    (tmp_path / "link").symlink_to("repository/http.conf")
    for data in (b"one", b"two"):
        Disk(told).write(tmp_path / "link", data, follow=True)
        assert (tmp_path / "repository/http.conf").read_bytes() == data
    assert (tmp_path / "link").is_symlink()
    assert told.lines == ["write .http.conf.cmp-bundle-partial", "rename http.conf"] * 2
    assert names(tmp_path / "repository") == ["http.conf"]
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(CmpBundleError, match="symbolic links"):
        Disk().write(tmp_path / "loop", b"", follow=True)


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    def before(step: str, _path: Path) -> None:
        if step == "rename":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Disk(before).write(tmp_path / "a", b"new")
    assert names(tmp_path) == []


def test_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(CmpBundleError, match="no such file") as caught:
        Disk().write(tmp_path / "none/a", b"")
    assert caught.value.file == str(tmp_path / "none/a")
    assert caught.value.hint == f"make its folder first: mkdir -p {tmp_path}/none"
    with pytest.raises(CmpBundleError):
        Disk().write(tmp_path, b"")
    assert names(tmp_path) == []


# write_all ---------------------------------------------------------------------------------------


def test_many_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {tmp_path / f"{n}.js": str(n).encode() for n in range(20)}
    events: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        events.append("sync")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    Disk(lambda step, _: events.append(step)).write_all(files, FileOwnership(-1, -1, 0o640))
    assert {p: p.read_bytes() for p in tmp_path.iterdir()} == files
    assert {mode(p) for p in files} == {0o640}
    assert events == ["write"] * 20 + ["sync"] * 20 + ["sync"], "the folder last"


@pytest.mark.parametrize("at_once", [True, False])
def test_thousands(at_once: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As this system can, or as one without syncfs would; either way all are on the disk."""
    asked: list[int] = []
    synced: list[int] = []
    real = unsynced.syncfs()
    real_fsync = os.fsync

    def syncfs(descriptor: int) -> int:
        asked.append(os.fstat(descriptor).st_ino)
        assert real is not None
        return real(descriptor)

    def fsync(descriptor: int) -> None:
        synced.append(descriptor)
        real_fsync(descriptor)

    if at_once and real is None:
        pytest.skip("this system has no syncfs")
    monkeypatch.setattr(disk, "syncfs", lambda: syncfs if at_once else None)
    monkeypatch.setattr(os, "fsync", fsync)
    number = disk._MANY + 1
    Disk().write_all({tmp_path / f"{n}.bin": b"x" for n in range(number)})
    assert asked == ([tmp_path.stat().st_ino] if at_once else [])
    assert len(synced) == (0 if at_once else number + 1)
    assert len(names(tmp_path)) == number


def test_many_that_are_there_already(tmp_path: Path) -> None:
    """They get the new name too, and where they cannot, they are written."""
    for folder in ("old", "new"):
        (tmp_path / folder).mkdir()
    for name in ("same", "open"):
        (tmp_path / "old" / name).write_text("old")
    (tmp_path / "old/open").chmod(0o666)
    (tmp_path / "new/same").write_text("half of a run that was killed")
    files = {tmp_path / "new" / n: b"old" for n in ("same", "open", "none")}
    same = {path: tmp_path / "old" / path.name for path in files}
    Disk().write_all(files, FileOwnership(-1, -1, 0o644), same)
    assert {path: path.read_bytes() for path in files} == files
    linked = [n for n in names(tmp_path / "new") if (tmp_path / "new" / n).stat().st_nlink == 2]
    assert linked == ["same"]


def test_many_where_there_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(CmpBundleError, match="no such file") as caught:
        Disk().write_all({tmp_path / "a": b"", tmp_path / "none/b": b"", tmp_path / "c": b""})
    assert caught.value.file == str(tmp_path / "none/b")
    (tmp_path / "c").mkdir()
    with pytest.raises(CmpBundleError, match="is a directory") as caught:
        Disk().write_all({tmp_path / "b": b"", tmp_path / "c": b""})
    assert caught.value.file == str(tmp_path / "c")


HUNDREDS = """
import resource, sys
from pathlib import Path
from cmp_bundle.files import Disk
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))
top, flat, number = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
deep = "/".join("abcdefgh")
folders = [top / str(n % flat) / deep for n in range(number)]
for folder in folders:
    folder.mkdir(parents=True, exist_ok=True)
files = {folder / f"{n}.js": b"x" for n, folder in enumerate(folders)}
Disk().write_all(files)
Disk().write_all({f.with_suffix(".css"): b"x" for f in files}, same={f.with_suffix(".css"): f for f in files})
held = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0
for path in list(files)[:5]:
    Disk().write(path, b"new")
    Disk().remove(path)
Disk().remove_tree(top / "0")
after = len(list(Path("/proc/self/fd").iterdir())) if held else 0
assert held == after <= 8, (held, after)
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [150, 300])
@pytest.mark.parametrize("flat", [1, 300])
def test_descriptors_are_few_and_given_back(flat: int, number: int, tmp_path: Path) -> None:
    """Files in hundreds of folders, and hundreds in one; with and without syncfs."""
    arguments = [sys.executable, "-c", HUNDREDS, str(tmp_path / "top"), str(flat), str(number)]
    subprocess.run(arguments, check=True, timeout=120)


@as_root
def test_many_for_another(tmp_path: Path) -> None:
    Disk().write_all({tmp_path / "a": b"", tmp_path / "b": b""}, FileOwnership(1234, 4321, 0o644))
    assert {FileOwnership.of(p) for p in tmp_path.iterdir()} == {FileOwnership(1234, 4321, 0o644)}


# Folders -----------------------------------------------------------------------------------------


def test_a_folder(tmp_path: Path) -> None:
    told = Told()
    made = Disk(told)
    before = os.umask(0o077)
    try:
        made.make_folder(tmp_path / "a", FileOwnership(-1, -1, 0o750))
    finally:
        os.umask(before)
    assert mode(tmp_path / "a") == 0o750
    made.make_folder(tmp_path / "a", FileOwnership(-1, -1, 0o700))
    assert mode(tmp_path / "a") == 0o750, "one that is there stays as it is"
    assert told.lines == ["mkdir a", "own a", "mkdir a"]
    (tmp_path / "file").write_text("")
    with pytest.raises(CmpBundleError, match="but must be a folder"):
        made.make_folder(tmp_path / "file")
    with pytest.raises(CmpBundleError):
        made.make_folder(tmp_path / "none/below")


def test_a_folder_that_is_swapped_for_a_symlink(tmp_path: Path) -> None:
    """Between making it and giving it away, by whoever owns the folder above."""
    secret = tmp_path / "etc"
    secret.mkdir(mode=0o700)

    def before(step: str, path: Path) -> None:
        if step == "own":
            path.rmdir()
            path.symlink_to(secret)

    with pytest.raises(CmpBundleError):
        Disk(before).make_folder(tmp_path / "a", FileOwnership(-1, -1, 0o777))
    assert mode(secret) == 0o700


def test_only_empty_folders_are_removed(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full/a").write_text("")
    (tmp_path / "empty").mkdir()
    for name in ("full", "empty", "none"):
        Disk().remove_folder(tmp_path / name)
    assert names(tmp_path) == ["full"]
    with pytest.raises(CmpBundleError):
        Disk().remove_folder(tmp_path / "full/a")


def test_remove_all(tmp_path: Path) -> None:
    told = Told()
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text("")
    (tmp_path / "link").symlink_to("c")
    Disk(told).remove_all(tmp_path, ["a", "none", "b", "link"])
    assert names(tmp_path) == ["c"]
    assert told.lines == [f"unlink {tmp_path.name}"]
    Disk().remove_all(tmp_path / "none", ["a"])


@pytest.mark.parametrize("name", ["../kept", "below/kept", "/kept", "..", ".", ""])
def test_only_names_in_this_folder(name: str, tmp_path: Path) -> None:
    """They come from a manifest, which somebody else may have written."""
    (tmp_path / "folder/below").mkdir(parents=True)
    (tmp_path / "kept").write_text("")
    (tmp_path / "folder/below/kept").write_text("")
    with pytest.raises(CmpBundleError, match="this is not a file name"):
        Disk().remove_all(tmp_path / "folder", [name])
    assert (tmp_path / "kept").exists()
    assert (tmp_path / "folder/below/kept").exists()


def test_what_goes_where_its_folder_is_gone_already(tmp_path: Path) -> None:
    for remove in (Disk().remove, Disk().remove_tree, Disk().remove_folder):
        remove(tmp_path / "none/below/a")
    assert Disk().remove_folder(tmp_path / "none/a")
    (tmp_path / "file").write_text("")
    with pytest.raises(CmpBundleError, match="not a directory"):
        Disk().remove(tmp_path / "file/a")


def test_remove(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    (tmp_path / "link").symlink_to("a")
    Disk().remove(tmp_path / "link")
    assert names(tmp_path) == ["a"]
    Disk().remove(tmp_path / "a")
    Disk().remove(tmp_path / "a")
    assert names(tmp_path) == []
    with pytest.raises(CmpBundleError):
        Disk().remove(tmp_path)


def test_a_tree_goes_by_its_name_first(tmp_path: Path) -> None:
    def tree(name: str) -> None:
        (tmp_path / name / "below").mkdir(parents=True)
        (tmp_path / name / "below/file").write_text("")

    tree("site")
    seen: list[tuple[str, list[str]]] = []
    Disk(lambda step, _: seen.append((step, names(tmp_path)))).remove_tree(tmp_path / "site")
    assert seen == [("rename", ["site"]), ("rmtree", [".site.cmp-bundle-partial"])]
    assert names(tmp_path) == []
    # What a killed run left, alone and beside a new one.
    tree(".site.cmp-bundle-partial")
    Disk().remove_tree(tmp_path / "site")
    assert names(tmp_path) == []
    tree("site")
    tree(".site.cmp-bundle-partial")
    Disk().remove_tree(tmp_path / "site")
    assert names(tmp_path) == []
    Disk().remove_tree(tmp_path / "site")
    Disk().remove_tree(tmp_path / "none/site")


def test_a_tree_in_whose_way_something_is(tmp_path: Path) -> None:
    """A symlink or a file by the name that it first gets."""
    (tmp_path / "kept").mkdir()
    for trap in ("link", "file"):
        (tmp_path / "site").mkdir()
        if trap == "link":
            Disk.partial(tmp_path / "site").symlink_to("kept")
        else:
            Disk.partial(tmp_path / "site").write_text("")
        Disk().remove_tree(tmp_path / "site")
        assert names(tmp_path) == ["kept"]


def test_a_tree_that_nobody_could_have_made_by_mistake(tmp_path: Path) -> None:
    """Each level takes one of our descriptors."""
    top = tmp_path / "site"
    top.mkdir()
    deep = top.joinpath(*("x" for _ in range(70)))
    deep.mkdir(parents=True)
    with pytest.raises(CmpBundleError, match="more than 64 folders deep"):
        Disk().remove_tree(top)


def test_a_tree_behind_a_symlink_stays(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/file").write_text("")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "holds").mkdir()
    (tmp_path / "holds/link").symlink_to(tmp_path / "real")
    Disk().remove_tree(tmp_path / "link")
    Disk().remove_tree(tmp_path / "holds")
    assert names(tmp_path) == ["link", "real"]
    assert names(tmp_path / "real") == ["file"]


# Links and names ---------------------------------------------------------------------------------


def test_a_link(tmp_path: Path) -> None:
    told = Told()
    link = tmp_path / "site"
    for target in ("one", "two"):
        Disk(told).link(link, target)
        assert str(link.readlink()) == target
    assert names(tmp_path) == ["site"]
    assert told.lines == ["symlink .site.cmp-bundle-partial", "rename site"] * 2
    # What a killed run left beside it is in nobody's way.
    Disk.partial(link).symlink_to("half")
    Disk().link(link, "three")
    assert str(link.readlink()) == "three"
    assert names(tmp_path) == ["site"]


def test_a_link_never_replaces_a_folder(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    with pytest.raises(CmpBundleError, match="is a directory"):
        Disk().link(tmp_path / "site", "one")
    assert (tmp_path / "site").is_dir()


def test_rename(tmp_path: Path) -> None:
    told = Told()
    (tmp_path / "a").mkdir()
    Disk(told).rename(tmp_path / "a", tmp_path / "b")
    assert names(tmp_path) == ["b"]
    assert told.lines == ["rename b"]
    with pytest.raises(CmpBundleError) as caught:
        Disk().rename(tmp_path / "none", tmp_path / "c")
    assert caught.value.file == str(tmp_path / "none")
    with pytest.raises(CmpBundleError, match="no such file") as caught:
        Disk().rename(tmp_path / "b", tmp_path / "none/c")
    assert caught.value.file == str(tmp_path / "none/c")


def test_only_what_lies_in_one_folder_is_exchanged(tmp_path: Path) -> None:
    for name in ("a/old", "b/new"):
        (tmp_path / name).mkdir(parents=True)
    with pytest.raises(ValueError, match="not in one folder"):
        Disk().exchange(tmp_path / "a/old", tmp_path / "b/new")


@pytest.fixture(params=["in one step", "in three"])
def swapping(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """As this system does it, and as one without renameat2 would."""
    if request.param == "in three":
        monkeypatch.setattr(OpenFolder, "exchange", lambda *_: False)
    return str(request.param)


def test_exchange(swapping: str, tmp_path: Path) -> None:
    assert swapping
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "who").write_text(name)
    # What a run that was killed in the middle left.
    Disk.partial(tmp_path / "old").mkdir()
    (Disk.partial(tmp_path / "old") / "who").write_text("older")
    Disk().exchange(tmp_path / "old", tmp_path / "new")
    assert (tmp_path / "old/who").read_text() == "new"
    assert (tmp_path / "new/who").read_text() == "old"
    if swapping == "in three":
        assert names(tmp_path) == ["new", "old"]


def test_exchange_with_nothing(swapping: str, tmp_path: Path) -> None:
    assert swapping
    old, none = tmp_path / "old", tmp_path / "none"
    old.mkdir()
    for path, other in ((none, old), (old, none)):
        with pytest.raises(CmpBundleError, match="no such file"):
            Disk().exchange(path, other)
        assert names(tmp_path) == ["old"]


def test_one_step_is_one_step(tmp_path: Path) -> None:
    """No visitor meets a moment without: asked at every instant by another thread."""
    import threading

    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    with Boundary().opened(tmp_path) as folder:
        if not folder.exchange("old", "new"):
            pytest.skip("this file system cannot swap")
    missing: list[int] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            if not (tmp_path / "old").exists():
                missing.append(1)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        for _ in range(200):
            Disk().exchange(tmp_path / "old", tmp_path / "new")
    finally:
        done.set()
        thread.join()
    assert not missing


# Steps -------------------------------------------------------------------------------------------

#: Every change there is, and what it needs to be there.
CHANGES: dict[str, Callable[[Disk, Path], object]] = {
    "write": lambda d, p: d.write(p / "file", b"new"),
    "write_all": lambda d, p: d.write_all({p / "one": b"", p / "two": b""}),
    "make_folder": lambda d, p: d.make_folder(p / "new", FileOwnership(-1, -1, 0o700)),
    "link": lambda d, p: d.link(p / "link", "new"),
    "rename": lambda d, p: d.rename(p / "file", p / "renamed"),
    "exchange": lambda d, p: d.exchange(p / "folder", p / "other"),
    "remove": lambda d, p: d.remove(p / "file"),
    "write, followed": lambda d, p: d.write(p / "folder/link", b"new", follow=True),
    "remove_all": lambda d, p: d.remove_all(p, ["file", "link"]),
    "remove_tree": lambda d, p: d.remove_tree(p / "folder"),
    "remove_folder": lambda d, p: d.remove_folder(p / "other"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_is_done_before_it_is_announced(change: str, tmp_path: Path) -> None:
    """So whoever listens can stop before any change at all; killed runs are tested that way."""

    class Stop(BaseException):
        pass

    def stop(_step: str, _path: Path) -> None:
        raise Stop

    (tmp_path / "folder").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "folder/below").write_text("")
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to("old")
    (tmp_path / "folder/link").symlink_to("../file")

    def state() -> list[tuple[str, float, int]]:
        return sorted((str(p), p.lstat().st_mtime, p.lstat().st_ino) for p in tmp_path.rglob("*"))

    before = state()
    with pytest.raises(Stop):
        CHANGES[change](Disk(stop), tmp_path)
    assert state() == before
    CHANGES[change](Disk(), tmp_path)
    assert state() != before


def test_a_step_that_is_no_change(tmp_path: Path) -> None:
    told = Told()
    Disk(told).announce("reload", tmp_path / "http")
    assert told.lines == ["reload http"]
