"""Root in folders of somebody else's: each test is an attack, and nothing outside changes."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import socket
import stat
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Boundary, Disk, FileOwnership, Rights
from cmp_bundle.files.open_folder import NoFileError
from tests.unit.files.hostile import (
    CHANGES,
    NEW,
    OTHER,
    SERVICE,
    USER,
    Machine,
    filled,
    given,
    kept,
    machine,
    planted,
)
from tests.unit.nobody import becoming, needs_root, open_folder

pytestmark = needs_root


@pytest.fixture
def here() -> Iterator[Machine]:
    with open_folder() as top:
        yield machine(top)


# Symlinks ----------------------------------------------------------------------------------------

LINKS = {
    "absolute": "/secret",
    "up": "../../secret",
    "up and out": "../../../../../../../../secret",
    "through a second": "second",
}


@pytest.mark.parametrize("mode", [0o755, 0o700])
@pytest.mark.parametrize("owner", [SERVICE, 0])
@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_link_to_a_folder_of_roots(
    change: str, link: str, owner: int, mode: int, here: Machine
) -> None:
    """Whoever owns the link: the folder that it lies in is the service's."""
    here.secret.chmod(mode)
    planted(here.etc / "second", "/secret")
    planted(here.etc / "link", LINKS[link], owner)
    with kept(here.top), pytest.raises(CmpBundleError) as caught:
        CHANGES[change](here.disk(), here.etc / "link")
    closed = "cannot be read by asterisk" in caught.value.message
    assert closed or "permission denied" in caught.value.message
    assert "root does there only what asterisk may do" in str(caught.value.hint)
    assert caught.value.file is not None
    assert caught.value.file.startswith(str(here.top))


@pytest.mark.parametrize("change", CHANGES)
def test_a_folder_that_becomes_a_link_in_the_last_moment(change: str, here: Machine) -> None:
    """The one that was found is changed, or none."""
    filled(here.etc / "site")
    given(here.etc, SERVICE)
    stepped: list[str] = []

    def swap(step: str, _path: Path) -> None:
        if not stepped:
            (here.etc / "site").rename(here.etc / "aside")
            planted(here.etc / "site", here.secret)
        stepped.append(step)

    with kept(here.secret):
        CHANGES[change](here.disk(swap), here.etc / "site")
    assert stepped
    assert (here.etc / "site").is_symlink()


@pytest.mark.parametrize("change", CHANGES)
def test_a_name_that_becomes_a_link_in_the_last_moment(change: str, here: Machine) -> None:
    """Every name that a change is about leads to root's by now."""
    filled(here.etc / "site")
    given(here.etc, SERVICE)

    def swap(_step: str, path: Path) -> None:
        if path.parent != here.etc / "site":
            return  # remove_all names the folder
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        planted(path, here.secret / "folder")

    with kept(here.secret):
        try:
            CHANGES[change](here.disk(swap), here.etc / "site")
        except CmpBundleError as error:
            assert error.file is not None, error


def test_links_stay_within_the_root(here: Machine) -> None:
    """Also those of root, and those of whoever may do all in there."""
    root = here.top / "container"
    (root / "inside").mkdir(parents=True)
    (root / "outside").mkdir()
    (root / "absolute").symlink_to(f"{here.top}/inside")
    (root / "slash").symlink_to("/inside")
    (root / "up").symlink_to("../../../../outside")
    (here.top / "outside").mkdir()
    (here.top / "inside").mkdir()
    with kept(here.top / "inside", here.top / "outside"):
        disk = Disk(boundary=Boundary(root))
        disk.write(root / "slash/file", b"in")
        disk.write(root / "up/file", b"in")
        disk.write(root / "../../inside/other", b"in")
        with pytest.raises(CmpBundleError, match="no such file"):
            disk.write(root / "absolute/file", b"out")
    assert (root / "inside/file").read_bytes() == b"in"
    assert (root / "inside/other").read_bytes() == b"in"
    assert (root / "outside/file").read_bytes() == b"in"
    assert Boundary(root).resolved(root / "up/../slash/none/x") == root / "inside/none/x"


def test_what_root_has_linked_is_followed(here: Machine) -> None:
    """A data folder that was moved to a larger disk, for one."""
    (here.top / "srv").symlink_to("/secret")
    here.disk().write(here.top / "srv/new", b"root's")
    found = (here.secret / "new").stat()
    assert (found.st_uid, found.st_gid) == (0, 0)
    assert (here.secret / "new").read_bytes() == b"root's"


@pytest.mark.parametrize("target", ["loop", "../loop", "/loop", "loop/loop", "below/../loop"])
def test_a_loop(target: str, here: Machine) -> None:
    (here.top / "loop").symlink_to(target)
    (here.top / "below").mkdir()
    with pytest.raises(CmpBundleError, match="too many levels of symbolic links"):
        here.disk().write(here.top / "loop/file", b"")
    boundary = here.disk().boundary
    with pytest.raises(OSError, match="symbolic links"), boundary.opened(here.top / "loop/x"):
        pass


def test_a_link_that_never_ends(here: Machine) -> None:
    """Long ones that multiply: neither our time nor our descriptors."""
    (here.top / "x").mkdir()
    for n in range(40):
        (here.top / f"l{n}").symlink_to(f"l{n + 1}/" + "x/../" * 700)
    (here.top / "l40").symlink_to(".")
    with pytest.raises(CmpBundleError, match="symbolic links"):
        here.disk().write(here.top / "l0/l0/file", b"")


def test_the_way_back_up_takes_no_rights_back(here: Machine) -> None:
    """Neither by a link, nor by the words of a path."""
    with kept(here.secret):
        for path in (here.etc / "../../secret/file", here.etc / "none/../../../secret/file"):
            with pytest.raises(CmpBundleError):
                here.disk().write(path, b"new")


# Whose folders -----------------------------------------------------------------------------------


def rights_in(folder: Path, user: Rights | None = USER) -> Rights:
    with Boundary(user=user).opened(folder) as opened:
        return opened.rights


def test_whose_rights_are_used(here: Machine) -> None:
    assert rights_in(here.etc) == USER
    assert rights_in(here.etc, None).uid == SERVICE
    assert rights_in(here.secret).are_roots
    below = here.etc / "below"
    below.mkdir()
    assert rights_in(below) == USER, "root's own, and so is its parent not"
    given(below, OTHER)
    assert rights_in(below) == USER, "the first on the way"
    below = here.secret / "below"
    below.mkdir()
    given(below, OTHER)
    assert rights_in(below).uid == OTHER


def test_a_folders_group_is_not_its_owners(here: Machine) -> None:
    """It may have got it from the folder above."""
    (here.secret / "shadow").write_text("root's")
    (here.secret / "shadow").chmod(0o640)
    here.secret.chmod(0o755)
    os.chown(here.secret / "shadow", 0, 42)
    folder = here.secret / "below"
    folder.mkdir()
    os.chown(folder, OTHER, 42)
    planted(folder / "link", "../shadow", OTHER)
    with (
        pytest.raises(PermissionError),
        Boundary().entry(folder / "link", follow=True) as (opened, name),
    ):
        opened.read(name)


def test_a_user_of_another_system_has_no_groups_of_ours(here: Machine) -> None:
    """In a container the number 1 is another's than here."""
    root = here.top / "container"
    root.mkdir()
    given(root, 1)
    with Boundary(root).opened(root) as opened:
        assert opened.rights == Rights(1, 65534, (), "1")


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("way", ["group", "mode", "list"])
def test_a_folder_of_roots_that_the_service_may_change(
    way: str, change: str, here: Machine
) -> None:
    folder = here.top / "data"
    folder.mkdir()
    if way == "group":
        os.chown(folder, 0, SERVICE)
        folder.chmod(0o775)
    elif way == "mode":
        folder.chmod(0o777)
    else:
        listed(folder)
    assert rights_in(folder) == USER
    planted(folder / "link", "/secret")
    with kept(here.top), pytest.raises(CmpBundleError):
        CHANGES[change](here.disk(), folder / "link")
    filled(folder / "site")
    given(folder / "site", SERVICE)
    CHANGES[change](here.disk(), folder / "site")


def listed(folder: Path) -> None:
    """As ``setfacl -m u:SERVICE:rwx`` does it (linux/posix_acl_xattr.h)."""
    nobody = 0xFFFFFFFF
    entries = [(1, 7, nobody), (2, 7, SERVICE), (4, 5, nobody), (16, 7, nobody), (32, 5, nobody)]
    packed = b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(folder, "system.posix_acl_access", struct.pack("<I", 2) + packed)
    except OSError:
        pytest.skip("this file system has no access control lists")


def test_a_group_that_the_service_is_not_in(here: Machine) -> None:
    """/usr/local and /srv are such folders on many systems: the admin trusts that group."""
    folder = here.top / "data"
    folder.mkdir()
    os.chown(folder, 0, OTHER)
    folder.chmod(0o775)
    assert rights_in(folder).are_roots
    # A link or a folder in there is followed with the rights of whoever owns it.
    planted(folder / "link", "/secret", OTHER)
    with kept(here.top), pytest.raises(CmpBundleError):
        here.disk().write(folder / "link/file", b"new")


@pytest.mark.parametrize("change", CHANGES)
def test_a_sticky_folder(change: str, here: Machine) -> None:
    """As /tmp is: everybody has his own in there."""
    tmp = here.top / "tmp"
    tmp.mkdir()
    tmp.chmod(0o1777)
    assert rights_in(tmp).are_roots
    planted(tmp / "link", "/secret")
    planted(tmp / "near", "roots")
    filled(tmp / "roots")
    filled(tmp / "services")
    given(tmp / "services", SERVICE)
    (tmp / "ours").symlink_to("roots")
    assert rights_in(tmp / "services") == USER
    for link in ("link", "near"):
        with kept(here.top), pytest.raises(CmpBundleError):
            CHANGES[change](here.disk(), tmp / link)
    with kept(tmp / "services", here.secret):
        CHANGES[change](here.disk(), tmp / "ours")
    with kept(tmp / "roots", here.secret):
        CHANGES[change](here.disk(), tmp / "services")


def test_a_link_that_becomes_another_while_it_is_looked_at(
    here: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root's is looked at, and where it leads is asked of another one."""
    tmp = here.top / "tmp"
    (tmp / "roots").mkdir(parents=True)
    tmp.chmod(0o1777)
    (tmp / "link").symlink_to("roots")
    real = os.readlink

    def too_late(name: str, *, dir_fd: int | None = None) -> str:
        if dir_fd is not None:
            (tmp / "link").unlink()
            planted(tmp / "link", "/secret")
        return str(real(name, dir_fd=dir_fd))

    monkeypatch.setattr(os, "readlink", too_late)
    with kept(here.secret):
        here.disk().write(tmp / "link/new", b"new")
    assert (tmp / "roots/new").exists()


def test_a_closed_folder(here: Machine) -> None:
    """It is named, and whose rights were not enough."""
    closed = here.etc / "theirs"
    (closed / "below").mkdir(parents=True)
    given(closed, OTHER)
    closed.chmod(0o700)
    with pytest.raises(CmpBundleError, match="cannot be read by asterisk") as caught:
        here.disk().write(closed / "below/file", b"")
    assert caught.value.file == str(closed)
    assert "asterisk may change this folder" in str(caught.value.hint)
    with pytest.raises(CmpBundleError, match="permission denied") as caught:
        here.disk().write(closed / "file", b"")
    assert caught.value.file == str(closed / "file")
    assert "asterisk may change this folder" in str(caught.value.hint)
    closed.chmod(0o711)
    given(closed / "below", SERVICE)
    here.disk().write(closed / "below/file", b"passed, though it cannot be listed")


# What lies in them -------------------------------------------------------------------------------


def test_a_hard_link_to_a_file_of_roots(here: Machine) -> None:
    """Where the kernel lets everybody make one (fs.protected_hardlinks)."""
    (here.secret / "file").chmod(0o600)
    os.link(here.secret / "file", here.etc / "http.conf")
    with (
        pytest.raises(PermissionError) as caught,
        here.disk().boundary.entry(here.etc / "http.conf") as (folder, name),
    ):
        folder.read(name)
    assert caught.value.filename == str(here.etc / "http.conf")
    with kept(here.secret):
        here.disk().write(here.etc / "http.conf", b"new", FileOwnership(0, 0, 0o644))
    assert (here.etc / "http.conf").read_bytes() == b"new"


def test_a_name_that_is_a_link_is_not_read(here: Machine) -> None:
    """Where root's rights are used in /tmp, and the link came after the look."""
    tmp = here.top / "tmp"
    tmp.mkdir()
    tmp.chmod(0o1777)
    planted(tmp / "file", here.secret / "file")
    with suppress(OSError):  # a file system without
        os.setxattr(here.secret / "file", "user.label", b"secret")
    with here.disk().boundary.opened(tmp) as folder:
        assert folder.rights.are_roots
        with pytest.raises(OSError, match="symbolic links"):
            folder.read("file")
        assert folder.labels("file", 0) == {}


def test_a_program_with_roots_rights(here: Machine) -> None:
    for name, mode in (("setuid", 0o4755), ("setgid", 0o2755)):
        path = here.etc / name
        path.write_text("old")
        given(path, SERVICE)
        path.chmod(mode)
        with here.disk().boundary.entry(path) as (folder, found):
            owner = folder.read(found).owner
        here.disk().write(path, b"new", owner)
        assert stat.S_IMODE(path.stat().st_mode) == 0o755
        here.disk().write(path, b"new", FileOwnership(0, 0, mode))
        assert stat.S_IMODE(path.stat().st_mode) == 0o755


def test_a_programs_capabilities_are_not_copied(here: Machine) -> None:
    path = here.etc / "program"
    path.write_text("old")
    every = bytes.fromhex("0100000200040000000000000000000000000000")  # cap_net_bind_service+ep
    try:
        os.setxattr(path, "security.capability", every)
        os.setxattr(path, "user.label", b"kept")
    except OSError:
        pytest.skip("this file system has no such attributes")
    os.chown(path, 0, 0)
    os.setxattr(path, "security.capability", every)
    here.disk().write(path, b"new", FileOwnership(0, 0, 0o755))
    assert os.listxattr(path) == ["user.label"]


def test_an_access_list_of_somebody_else(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would let him write to the new file."""
    path = here.etc / "http.conf"
    path.write_text("old")
    given(path, SERVICE)
    set_: list[str] = []
    monkeypatch.setattr(os, "listxattr", lambda _file: ["system.posix_acl_access"])
    monkeypatch.setattr(os, "getxattr", lambda _file, name: name.encode())
    monkeypatch.setattr(os, "setxattr", lambda _file, name, _value: set_.append(name))
    here.disk().write(path, b"new", FileOwnership(0, 0, 0o664))
    assert set_ == []
    here.disk().write(path, b"new", FileOwnership(0, 0, 0o664))
    assert set_ == ["system.posix_acl_access"]


def pipe(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero, which never ends
    except PermissionError:
        pytest.skip("no devices can be made here")


def listening(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.timeout(30)
@pytest.mark.parametrize("put", [pipe, device, listening])
def test_what_would_be_waited_for(put: object, here: Machine) -> None:
    assert callable(put)
    path = here.etc / "http.conf"
    put(path)
    given(path, SERVICE)
    with here.disk().boundary.entry(path) as (folder, name):
        with pytest.raises(NoFileError) as caught:
            folder.read(name)
        assert caught.value.file == str(path)
        assert folder.labels(name, SERVICE) == {}
    with kept(here.top), pytest.raises(CmpBundleError, match="is not replaced"):
        here.disk().write(path, b"new")
    here.disk().write_all({path: b"new"})
    assert path.read_bytes() == b"new"
    partial = Disk.partial(path)
    put(partial)
    here.disk().write(path, b"newer")
    assert path.read_bytes() == b"newer"


@pytest.mark.timeout(30)
def test_a_pipe_where_a_folder_was(here: Machine) -> None:
    """As a tree is removed: what was looked at is another by then."""
    filled(here.etc / "site/deep")
    given(here.etc, SERVICE)

    def swap(step: str, path: Path) -> None:
        if step == "rmtree":
            shutil.rmtree(path)
            os.mkfifo(path)

    with pytest.raises(CmpBundleError, match="not a directory"):
        here.disk(swap).remove_tree(here.etc / "site")


@pytest.mark.timeout(30)
def test_a_lease_is_not_waited_for(here: Machine) -> None:
    """Its holder may let whoever opens the file wait, for 45 seconds by default."""
    path = here.etc / "http.conf"
    path.write_text("old")
    given(path, SERVICE)
    with path.open("r+b") as held:
        fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        signal_was_ignored(held.fileno())
        with (
            pytest.raises(BlockingIOError),
            here.disk().boundary.entry(path) as (folder, name),
        ):
            folder.read(name)


def signal_was_ignored(descriptor: int) -> None:
    """The one that tells the holder of a lease, and would end this process."""
    fcntl.fcntl(descriptor, fcntl.F_SETSIG, 0)
    import signal

    signal.signal(signal.SIGIO, signal.SIG_IGN)


# Who has what is made ----------------------------------------------------------------------------


def test_what_is_made_is_the_services(here: Machine) -> None:
    here.disk().write(here.etc / "a", b"")
    here.disk().write_all({here.etc / "b": b""})
    here.disk().make_folder(here.etc / "c")
    here.disk().link(here.etc / "d", "a")
    found = [(here.etc / name).lstat() for name in "abcd"]
    assert {(f.st_uid, f.st_gid) for f in found} == {(SERVICE, SERVICE)}


def test_root_s_file_in_the_services_folder_stays_roots(here: Machine) -> None:
    """As on systems where the admin has copied a file there."""
    path = here.etc / "http.conf"
    path.write_text("old")
    os.chown(path, 0, SERVICE)
    path.chmod(0o640)
    owner = FileOwnership.of(path)
    here.disk().write(path, b"new", owner)
    assert FileOwnership.of(path) == owner == FileOwnership(0, SERVICE, 0o640)
    here.disk().make_folder(here.etc / "folder", owner.with_mode(0o750))
    assert FileOwnership.of(here.etc / "folder") == owner.with_mode(0o750)


def test_nobody_gets_a_file_of_roots_with_words_of_his_own(
    here: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """He opens it as soon as it is there, and writes when it has changed hands."""
    held: list[int] = []
    real = os.open

    def open_(name: str, flags: int, *more: int, dir_fd: int | None = None) -> int:
        made = real(name, flags, *more, dir_fd=dir_fd)
        if flags & os.O_CREAT:
            with USER.taken(), suppress(PermissionError):
                held.append(real(name, os.O_WRONLY, dir_fd=dir_fd))
        return made

    monkeypatch.setattr(os, "open", open_)
    path = here.etc / "http.conf"
    for owner in (FileOwnership(0, 0, 0o644), FileOwnership(OTHER, 0, 0o644), NEW):
        here.disk().write(path, b"root's", owner)
        here.disk().write_all({here.etc / "b": b"root's"}, owner)
        if owner == NEW:
            assert len(held) == 2, "his own he may"
        else:
            assert not held
    for each in held:
        os.close(each)


def test_a_file_for_another_where_the_service_could_make_none(here: Machine) -> None:
    """Root would have made it, if only for a moment."""
    here.secret.chmod(0o755)
    planted(here.etc / "link", "/secret")
    with kept(here.top), pytest.raises(CmpBundleError, match="permission denied"):
        here.disk().write(here.etc / "link/new", b"", FileOwnership(0, 0, 0o644))


@pytest.mark.parametrize(
    ("instead", "uid"),
    [("root's", 0), ("root's", -1), ("the service's own", 0), ("a link", 0), ("a link", -1)],
)
def test_a_folder_that_is_exchanged_while_it_is_made(
    instead: str, uid: int, here: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would get an owner or permissions that only root can give."""
    new, aside = here.etc / "new", here.etc / "aside"
    if instead == "a link":
        planted(aside, "/secret")
    else:
        filled(aside)
    if instead == "the service's own":
        given(aside, SERVICE)
    real = os.mkdir

    def mkdir(name: str, mode: int, *, dir_fd: int) -> None:
        real(name, mode, dir_fd=dir_fd)
        new.rename(here.etc / "gone")
        aside.rename(new)

    monkeypatch.setattr(os, "mkdir", mkdir)
    with kept(here.secret), pytest.raises(CmpBundleError):
        here.disk().make_folder(new, FileOwnership(uid, uid, 0o777))
    assert not stat.S_IMODE(new.lstat().st_mode) & 0o022 or instead == "a link"
    assert new.lstat().st_uid == (0 if instead == "root's" else SERVICE)


def test_a_folder_that_is_exchanged_before_it_is_given(here: Machine) -> None:
    def swap(step: str, path: Path) -> None:
        if step == "own":
            path.rename(here.etc / "gone")
            planted(path, "/secret")

    with kept(here.secret), pytest.raises(CmpBundleError, match="somebody has already replaced it"):
        here.disk(swap).make_folder(here.etc / "new", FileOwnership(-1, -1, 0o777))


def test_a_folder_that_root_may_only_link_to(here: Machine) -> None:
    """Between folders with different rights, the lesser ones count."""
    here.disk().write(here.etc / "theirs", b"")
    with kept(here.top):
        for path, to in (
            (here.etc / "theirs", here.secret / "new"),
            (here.secret / "file", here.etc / "new"),
        ):
            with pytest.raises(CmpBundleError, match="permission denied"):
                here.disk().rename(path, to)
    # A hard link to a file of root's would be made, if root asked.
    same = {here.etc / "copy": here.secret / "file"}
    here.disk().write_all({here.etc / "copy": b"kept"}, FileOwnership(0, 0, 0o644), same)
    assert (here.etc / "copy").stat().st_nlink == 1


def test_a_tree_that_holds_what_is_roots(here: Machine) -> None:
    """The service may have moved it there, and not have been able to remove it."""
    filled(here.etc / "site/roots")
    os.chown(here.etc / "site", SERVICE, SERVICE)
    with kept(here.secret), pytest.raises(CmpBundleError, match="permission denied"):
        here.disk().remove_tree(here.etc / "site")
    assert {"below", "file"} <= {p.name for p in here.etc.rglob("*")}


# Other users -------------------------------------------------------------------------------------


def test_an_ordinary_user_follows_no_link_of_somebody_elses(here: Machine) -> None:
    home = here.top / "home"
    home.mkdir()
    filled(home / "site")
    given(home, OTHER)
    for folder, owner, mode in (
        (here.etc, SERVICE, 0o755),
        (here.top / "tmp", 0, 0o1777),
        (here.top / "all", 0, 0o777),
    ):
        folder.mkdir(exist_ok=True)
        os.chown(folder, owner, owner)
        folder.chmod(mode)
        planted(folder / "link", home)
        with becoming(OTHER):
            for change in CHANGES.values():
                with kept(home), pytest.raises(CmpBundleError, match="is not followed") as caught:
                    change(here.disk(), folder / "link/site")
                assert caught.value.file == str(folder / "link")
            with pytest.raises(CmpBundleError, match="is not followed"):
                here.disk().write(folder / "link", b"", follow=True)


@pytest.mark.parametrize("change", sorted(CHANGES.keys() - {"write a new one", "make_folder"}))
def test_an_ordinary_user_follows_his_own_and_roots(change: str, here: Machine) -> None:
    home = here.top / "home"
    home.mkdir()
    filled(home / "site")
    given(home, OTHER)
    planted(home / "link", "site", OTHER)
    (here.top / "roots").symlink_to("home")
    tmp = here.top / "tmp"
    tmp.mkdir()
    tmp.chmod(0o1777)
    planted(tmp / "link", "../roots/link", OTHER)
    with becoming(OTHER):
        CHANGES[change](here.disk(), tmp / "link")
        with pytest.raises(CmpBundleError, match="not permitted") as caught:
            here.disk().write(home / "file", b"", FileOwnership(0, 0, 0o644))
        assert "sudo" in str(caught.value.hint)


def test_a_container_that_lets_root_be_nobody_else(
    here: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cmp_bundle.files import thread_ids

    def refused(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(thread_ids, "take", refused)
    with kept(here.top), pytest.raises(CmpBundleError, match="rights of asterisk") as caught:
        here.disk().write(here.etc / "file", b"")
    assert "SETUID" in str(caught.value.hint)
    # Where no service is known of, root's own folders take nobody's rights.
    Disk().write(here.secret / "file", b"new")


def test_the_folder_itself_and_names_in_it(here: Machine) -> None:
    with Boundary().opened(here.secret) as folder:
        assert folder.stat(".").st_ino == here.secret.stat().st_ino
        assert folder.path == here.secret
        assert folder.target("link") == "file"
        for name in ("", "..", "/", "a/b", "../secret"):
            for look in (folder.read, folder.unlink, folder.stat, folder.enter, folder.link):
                with pytest.raises(OSError, match="this is not a file name"):
                    look(name)
