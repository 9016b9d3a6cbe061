"""Root at work in a folder of another user, who puts everything into the way that he can."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

import pytest

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk, locked
from cmp_bundle.tls import nss
from cmp_bundle.tls.anchor import CERTIFICATE, anchor_in
from cmp_bundle.tls.authority import KEY, authority_in, ensure, renew
from cmp_bundle.tls.desktop_user import DesktopUser
from cmp_bundle.tls.rights import as_owner
from cmp_bundle.tls.store import OWN, leaf_for, save

from .made import NOW, a_leaf, an_authority, the_authority

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can work for somebody else")

HERE = ("localhost", "127.0.0.1")


@pytest.fixture
def theirs(nobody: DesktopUser) -> Path:
    """A folder of another user."""
    return nobody.home


@pytest.fixture
def roots() -> Iterator[Path]:
    """A folder of root's that everybody can look into."""
    folder = Path(mkdtemp(prefix="cmp-root-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def content(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def give(path: Path) -> None:
    os.lchown(path, 65534, 65534)


# Who is at work -----------------------------------------------------------------------------------


def acting(path: Path) -> int:
    with as_owner(path):
        return os.geteuid()


def test_the_first_other_on_the_way(theirs: Path, roots: Path) -> None:
    assert acting(roots) == acting(roots / "none/at/all") == 0
    assert acting(theirs) == acting(theirs / "none") == 65534
    own = theirs / "root's"
    own.mkdir()
    assert acting(own) == 65534, "its name is the other one's to give"
    (roots / "given").mkdir()
    give(roots / "given")
    assert acting(roots / "given/x") == 65534
    assert acting(roots / "given/../x") == 65534, "it may have been a link when it was passed"


def test_links_on_the_way(theirs: Path, roots: Path) -> None:
    (theirs / "link").symlink_to(roots)
    give(theirs / "link")
    assert acting(theirs / "link") == 65534
    (roots / "way").symlink_to(theirs)
    assert acting(roots / "way") == 65534
    (roots / "way-there-and-back").symlink_to(theirs / "link")
    assert acting(roots / "way-there-and-back/x") == 65534
    (roots / "own").symlink_to("none")
    assert acting(roots / "own") == 0
    (roots / "round").symlink_to("round")
    assert acting(roots / "round") == 0


def test_afterwards_root_is_root_again(theirs: Path) -> None:
    before = (os.getresuid(), os.getresgid(), os.getgroups())

    def failing() -> None:
        with as_owner(theirs), as_owner(theirs):
            assert (os.geteuid(), os.getegid(), os.getgroups()) == (65534, 65534, [65534])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert (os.getresuid(), os.getresgid(), os.getgroups()) == before


def test_what_the_other_may_not_either(theirs: Path) -> None:
    """The hint is not to become root, for root it is."""
    (theirs / "certs").mkdir(mode=0o700)
    for ask in (lambda: anchor_in(theirs / "certs"), lambda: an_authority(theirs)):
        with pytest.raises(CmpBundleError, match="permission denied") as caught:
            ask()
        assert f"nobody owns a folder above {theirs}/certs" in str(caught.value.hint)
        assert "chown -R nobody" in str(caught.value.hint)


# Attacks ------------------------------------------------------------------------------------------


def test_what_is_made_there_is_theirs(theirs: Path) -> None:
    stored = leaf_for(theirs / "certs", HERE, NOW)
    assert stored.fresh
    assert "nobody@" in stored.anchor.name
    for path in (theirs / "certs", *(theirs / "certs").iterdir()):
        assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65534)


def test_a_key_of_root_s_signs_nothing(theirs: Path, roots: Path) -> None:
    """A link to the key of an office's authority, beside a copy of its certificate."""
    office = an_authority(roots, "office.example")
    (theirs / "certs").mkdir()
    (theirs / "certs" / CERTIFICATE).write_bytes(office.anchor.pem)
    (theirs / "certs" / KEY).symlink_to(roots / "certs" / KEY)
    for path in (theirs / "certs", *(theirs / "certs").iterdir()):
        give(path)
    with pytest.raises(CmpBundleError, match="permission denied"):
        ensure(theirs / "certs", (), NOW, Disk())
    with pytest.raises(CmpBundleError, match="permission denied"):
        leaf_for(theirs / "certs", HERE, NOW)


def test_nothing_is_made_in_a_folder_of_root_s(theirs: Path, roots: Path) -> None:
    (theirs / "certs").symlink_to(roots)
    give(theirs / "certs")
    made = a_leaf(the_authority(), "pbx.example")
    for attempt in (
        lambda: ensure(theirs / "certs", (), NOW, Disk()),
        lambda: renew(theirs / "certs", (), NOW, Disk()),
        lambda: leaf_for(theirs / "certs", HERE, NOW),
        lambda: save(made, theirs / "certs" / "nologin", Disk()),
    ):
        with pytest.raises(CmpBundleError, match="permission denied"):
            attempt()
    assert content(roots) == {}


def test_nothing_of_root_s_is_removed(theirs: Path, roots: Path) -> None:
    an_authority(roots)
    before = content(roots / "certs")
    (roots / "certs").chmod(0o755)
    (theirs / "certs").symlink_to(roots / "certs")
    with pytest.raises(CmpBundleError, match="permission denied"):
        renew(theirs / "certs", (), NOW, Disk())
    assert content(roots / "certs") == before


@pytest.mark.parametrize("number", range(9))
def test_a_folder_swapped_before_any_step(number: int, theirs: Path, roots: Path) -> None:
    """The race: what was the user's own folder at the look is a link to root's at the deed."""
    left = [number]

    def swap(_step: str, _path: Path) -> None:
        left[0] -= 1
        if left[0] == -1 and (theirs / "certs").is_dir():
            (theirs / "certs").rename(theirs / f"away-{number}")
            (theirs / "certs").symlink_to(roots)

    with suppress(CmpBundleError):
        leaf_for(theirs / "certs", HERE, NOW, Disk(swap))
    assert content(roots) == {}
    assert os.geteuid() == 0


def test_a_file_of_root_s_through_a_link(theirs: Path, roots: Path) -> None:
    """Neither written, nor shown to be there, nor waited for."""
    secret = roots / "secret"
    secret.write_bytes(a_leaf(the_authority(), "localhost").pem)
    secret.chmod(0o600)
    leaf_for(theirs / "certs", HERE, NOW)
    made = a_leaf(the_authority(), "pbx.example")
    for name in (OWN, "pbx.pem"):
        (theirs / "certs" / name).unlink(missing_ok=True)
        (theirs / "certs" / name).symlink_to(secret)
    with pytest.raises(CmpBundleError, match="is a symlink"):
        leaf_for(theirs / "certs", HERE, NOW)
    with pytest.raises(CmpBundleError, match="is a symlink"):
        save(made, theirs / "certs/pbx.pem", Disk(), force=True)
    assert secret.read_bytes() != made.pem


@pytest.mark.parametrize("name", [CERTIFICATE, KEY, OWN])
def test_a_pipe_keeps_root_not_waiting(name: str, theirs: Path) -> None:
    leaf_for(theirs / "certs", HERE, NOW)
    (theirs / "certs" / name).unlink()
    os.mkfifo(theirs / "certs" / name, 0o600)
    give(theirs / "certs" / name)
    with pytest.raises(CmpBundleError, match="is a pipe or a device"):
        # Of more names than it has, so that the key is asked for.
        leaf_for(theirs / "certs", (*HERE, "other.lan"), NOW)


def test_a_lock_that_the_other_holds(theirs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for, and not for ever."""
    an_authority(theirs)
    monkeypatch.setattr("cmp_bundle.tls.store.PATIENCE", 0)
    with locked(theirs / "certs", 0), pytest.raises(CmpBundleError, match="another cmp-bundle"):
        leaf_for(theirs / "certs", HERE, NOW)


def test_authorities_of_others_are_read_with_their_rights(theirs: Path, roots: Path) -> None:
    an_authority(roots)
    (roots / "certs" / CERTIFICATE).chmod(0o600)
    (theirs / "certs").mkdir()
    (theirs / "certs" / CERTIFICATE).symlink_to(roots / "certs" / CERTIFICATE)
    with pytest.raises(CmpBundleError, match="permission denied"):
        authority_in(theirs / "certs", NOW)


# Their browsers -----------------------------------------------------------------------------------


def test_a_list_of_profiles_that_is_none(nobody: DesktopUser) -> None:
    """For whoever called sudo: a pipe there would have kept root waiting, and a link have shown it
    what only root may see.
    """
    root = nobody.home / ".mozilla/firefox"
    (root / "abc.default").mkdir(parents=True)
    (root / "abc.default/cert9.db").write_bytes(b"")
    listed = root / "profiles.ini"

    def profiles() -> list[Path]:
        return [s.folder for s in nss.stores(nobody) if s.name.startswith("Firefox")]

    os.mkfifo(listed)
    assert profiles() == [root / "abc.default"]
    listed.unlink()
    listed.symlink_to("/dev/zero")
    assert profiles() == [root / "abc.default"]
    hidden = Path(mkdtemp(prefix="cmp-root-"))
    try:
        (hidden / "profiles.ini").write_text(f"[Profile0]\nIsRelative=0\nPath={hidden}\n")
        listed.unlink()
        listed.symlink_to(hidden / "profiles.ini")
        assert profiles() == [root / "abc.default"]
    finally:
        shutil.rmtree(hidden)
