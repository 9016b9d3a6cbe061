"""Leaves on the disk: found while they are good, renewed when they are not, never lost."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import stat
import threading
from pathlib import Path

import pytest

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk, FileOwnership, locked
from cmp_bundle.tls import store
from cmp_bundle.tls.anchor import CERTIFICATE
from cmp_bundle.tls.authority import KEY, Authority, renew
from cmp_bundle.tls.hosts import host, hosts
from cmp_bundle.tls.store import EARLY, OWN, Stored, leaf_for, save

from .made import DAY, NOW, Cut, a_leaf, an_authority, cut_at, odd, steps_of, the_authority
from .serving import handshake

HERE = ("localhost", "127.0.0.1")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def certs(tmp_path: Path) -> Path:
    return tmp_path / "certs"


def test_from_nothing(certs: Path) -> None:
    stored = leaf_for(certs, HERE, NOW)
    assert stored.fresh
    assert stored.renewed == "there was none"
    assert stored.path == certs / OWN
    assert mode(stored.path) == 0o600
    assert stored.path.read_bytes() == stored.leaf.pem
    assert stored.left_out == ()
    for name in HERE:
        handshake(stored.path.read_bytes(), stored.anchor.pem, name)


def test_found_again_while_it_is_good(certs: Path) -> None:
    first = leaf_for(certs, HERE, NOW)
    before = first.path.stat()
    for later in (NOW, NOW + 365 * DAY - DAY):
        again = leaf_for(certs, HERE[:1], later)
        assert again.renewed is None
        assert not again.fresh
        assert again.leaf.certificate == first.leaf.certificate
    after = first.path.stat()
    assert (after.st_ino, after.st_ctime_ns) == (before.st_ino, before.st_ctime_ns), (
        "nothing was written"
    )


def test_a_good_one_is_found_without_the_authority_s_key(certs: Path) -> None:
    leaf_for(certs, HERE, NOW)
    (certs / KEY).unlink()
    assert leaf_for(certs, HERE, NOW).renewed is None
    with pytest.raises(CmpBundleError, match="key is missing"):
        leaf_for(certs, (*HERE, "other.lan"), NOW)


def test_reading_alone_asks_for_no_right_to_write(certs: Path) -> None:
    leaf_for(certs, HERE, NOW)

    def forbidden(step: str, path: Path) -> None:
        raise AssertionError(f"{step} {path}")

    assert leaf_for(certs, HERE, NOW, Disk(forbidden)).renewed is None


@pytest.mark.parametrize(
    ("later", "why"),
    [
        (396 * DAY, "it expired on"),
        (396 * DAY - EARLY + DAY, "it would have expired on"),
        (5 * 396 * DAY, "it expired on"),
    ],
)
def test_renewed_in_time(later: dt.timedelta, why: str, certs: Path) -> None:
    first = leaf_for(certs, HERE, NOW)
    again = leaf_for(certs, HERE, NOW + later)
    assert str(again.renewed).startswith(why)
    assert again.leaf.certificate != first.leaf.certificate
    assert again.leaf.not_after > NOW + later + EARLY
    assert leaf_for(certs, HERE, NOW + later).renewed is None


def test_when_the_authority_itself_ends(certs: Path) -> None:
    """Then a leaf made again would not last longer, and nobody makes one at every start."""
    made = leaf_for(certs, HERE, NOW)
    late = made.anchor.not_after - 10 * DAY
    assert leaf_for(certs, HERE, late).renewed is not None
    assert leaf_for(certs, HERE, late + DAY).renewed is None
    with pytest.raises(CmpBundleError, match="the authority expired") as caught:
        leaf_for(certs, HERE, made.anchor.not_after)
    assert "certs ca --new" in str(caught.value.hint)


def test_from_a_clock_that_was_ahead(certs: Path) -> None:
    an_authority(certs.parent)
    leaf_for(certs, HERE, NOW + 300 * DAY)
    assert leaf_for(certs, HERE, NOW).renewed == "it was not valid yet"


def test_other_names(certs: Path) -> None:
    leaf_for(certs, HERE, NOW)
    again = leaf_for(certs, (*HERE, "laptop.lan", "192.168.2.7"), NOW)
    assert again.renewed == "it was not for laptop.lan, 192.168.2.7"
    assert leaf_for(certs, HERE, NOW).renewed is None, "more than was asked for is enough"


def test_one_whom_the_authority_may_not_vouch_for(certs: Path) -> None:
    """The machine has a new name: what can be served still is, and it is told."""
    an_authority(certs.parent)
    stored = leaf_for(certs, (*HERE, "pbx.example.com"), NOW)
    assert [str(h) for h in stored.left_out] == ["pbx.example.com"]
    again = leaf_for(certs, (*HERE, "pbx.example.com"), NOW)
    assert again.renewed is None
    assert again.left_out == stored.left_out
    with pytest.raises(CmpBundleError, match=r"cannot sign for pbx\.example\.com") as caught:
        leaf_for(certs, ("pbx.example.com",), NOW)
    assert "--allow pbx.example.com" in str(caught.value.hint)


def test_an_address_that_nobody_asked_for(certs: Path) -> None:
    """It is this machine's today and somebody else's tomorrow; one that was asked for is in."""
    mine = (*HERE, "203.0.113.7", "192.168.2.7")
    stored = leaf_for(certs, mine, NOW)
    assert [str(h) for h in stored.left_out] == ["203.0.113.7"]
    assert not stored.leaf.covers(host("203.0.113.7"))
    other = certs.with_name("other")
    assert leaf_for(other, mine, NOW, asked=["203.0.113.7"]).left_out == ()


def test_another_authority(certs: Path) -> None:
    leaf_for(certs, HERE, NOW)
    renew(certs, (), NOW, Disk())
    again = leaf_for(certs, HERE, NOW)
    assert again.renewed == "another authority had signed it"
    handshake(again.leaf.pem, again.anchor.pem, "localhost")


@pytest.mark.parametrize("bits", [0o604, 0o602, 0o601])
def test_one_that_others_could_reach(bits: int, certs: Path) -> None:
    made = leaf_for(certs, HERE, NOW)
    made.path.chmod(bits)
    again = leaf_for(certs, HERE, NOW)
    assert again.renewed == "other users could read its key"
    assert mode(made.path) == 0o600
    assert again.leaf.key.public_key() != made.leaf.key.public_key()


def test_its_group_and_owner_are_kept(certs: Path) -> None:
    """A server that runs as a user of its own may depend on them."""
    made = leaf_for(certs, HERE, NOW)
    made.path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(made.path, 1234, 4321)
    before = made.path.stat()
    leaf_for(certs, (*HERE, "laptop.lan"), NOW)
    after = made.path.stat()
    assert after.st_ino != before.st_ino
    assert (after.st_uid, after.st_gid, after.st_mode) == (
        before.st_uid,
        before.st_gid,
        before.st_mode,
    )


def test_somebody_else_s_is_never_replaced(certs: Path) -> None:
    an_authority(certs.parent)
    key, certificate = odd("localhost")
    theirs = key + certificate
    (certs / OWN).write_bytes(theirs)
    with pytest.raises(CmpBundleError, match="not made by cmp-bundle") as caught:
        leaf_for(certs, HERE, NOW)
    assert f"mv {certs / OWN}" in str(caught.value.hint)
    assert (certs / OWN).read_bytes() == theirs


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (b"", "is empty"),
        (b"\0" * 100, "no certificate in PEM"),
        (odd("a.lan")[1], "no private key"),
        (odd("a.lan")[1] + odd("a.lan")[0], "do not belong together"),
    ],
)
def test_one_that_cannot_be_read(damage: bytes, said: str, certs: Path) -> None:
    """Somebody may know what it was; it is not thrown away in silence."""
    made = leaf_for(certs, HERE, NOW)
    made.path.write_bytes(damage)
    with pytest.raises(CmpBundleError, match=said) as caught:
        leaf_for(certs, HERE, NOW)
    assert caught.value.file == str(made.path)
    assert f"mv {made.path}" in str(caught.value.hint)
    assert made.path.read_bytes() == damage


def test_cut_off_at_every_step(certs: Path) -> None:
    """Until the last step the old one serves, from then on the new one."""
    old = leaf_for(certs, HERE, NOW).leaf.pem
    steps = steps_of(lambda disk: leaf_for(certs, (*HERE, "a.lan"), NOW, disk))
    assert steps == ["write", "rename"]
    (certs / OWN).write_bytes(old)
    for number in range(len(steps)):
        with pytest.raises(Cut):
            leaf_for(certs, (*HERE, "a.lan"), NOW, cut_at(number))
        assert (certs / OWN).read_bytes() == old
        assert leaf_for(certs, HERE, NOW).renewed is None
    leaf_for(certs, (*HERE, "a.lan"), NOW)
    assert sorted(p.name for p in certs.iterdir()) == [KEY, CERTIFICATE, OWN]


def _ask(certs: Path) -> bytes:
    return leaf_for(certs, HERE, NOW).leaf.pem


@pytest.mark.slow
def test_two_at_once_get_the_same(certs: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(3) as pool:
        made = set(pool.map_async(_ask, [certs] * 6).get(60))
    assert made == {(certs / OWN).read_bytes()}


def test_one_waits_for_another_and_takes_what_that_made(
    certs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = an_authority(certs.parent)
    looked = threading.Event()

    def ensured(*_: object) -> Authority:
        looked.set()
        return authority

    monkeypatch.setattr(store, "ensure", ensured)
    found: list[Stored] = []
    with locked(certs, 0):
        thread = threading.Thread(target=lambda: found.append(leaf_for(certs, HERE, NOW)))
        thread.start()
        assert looked.wait(60), "it found none"
        thread.join(0.2)
        assert not found, "and waits now"
        theirs = a_leaf(authority, *HERE)
        Disk().write(certs / OWN, theirs.pem, FileOwnership(-1, -1, 0o600))
    thread.join(60)
    assert found[0].leaf.pem == theirs.pem
    assert found[0].renewed is None


# Those that people ask for -----------------------------------------------------------------------


def test_saved_once(tmp_path: Path) -> None:
    path = tmp_path / "pbx.pem"
    one, two = (a_leaf(the_authority(), "pbx.example") for _ in range(2))
    save(one, path, Disk())
    assert mode(path) == 0o600
    with pytest.raises(CmpBundleError, match="already exists") as caught:
        save(two, path, Disk())
    assert "--force" in str(caught.value.hint)
    assert path.read_bytes() == one.pem
    path.chmod(0o644)
    save(two, path, Disk(), force=True)
    assert path.read_bytes() == two.pem
    assert mode(path) == 0o640, "its group, and others no longer"


def test_never_through_a_link(tmp_path: Path) -> None:
    """It may have come with a clone, and lead to any file of whoever works there."""
    target, link = tmp_path / "authorized_keys", tmp_path / "pbx.pem"
    target.write_text("old")
    made = a_leaf(the_authority(), "pbx.example")
    for there in (True, False):
        link.unlink(missing_ok=True)
        link.symlink_to("authorized_keys")
        with pytest.raises(CmpBundleError, match=f"is a symlink to {target}") as caught:
            save(made, link, Disk(), force=True)
        assert str(caught.value.hint).endswith(f"name it: --out {target}")
        assert target.exists() is there
        target.unlink(missing_ok=True)


def test_a_link_set_after_the_look_is_replaced(tmp_path: Path) -> None:
    target, link = tmp_path / "authorized_keys", tmp_path / "pbx.pem"
    target.write_text("old")

    def set_it(step: str, path: Path) -> None:
        if step == "rename":
            path.symlink_to(target)

    made = a_leaf(the_authority(), "pbx.example")
    save(made, link, Disk(set_it))
    assert not link.is_symlink()
    assert link.read_bytes() == made.pem
    assert target.read_text() == "old"


def test_a_link_in_place_of_this_machine_s(certs: Path) -> None:
    """Nor is it read: what it leads to is another's key."""
    an_authority(certs.parent)
    elsewhere = certs.parent / "elsewhere.pem"
    for content in (None, leaf_for(certs, HERE, NOW).leaf.pem):
        (certs / OWN).unlink(missing_ok=True)
        (certs / OWN).symlink_to(elsewhere)
        if content is not None:
            elsewhere.write_bytes(content)
        with pytest.raises(CmpBundleError, match="is a symlink, so it is neither used") as caught:
            leaf_for(certs, HERE, NOW)
        assert f"mv {certs / OWN}" in str(caught.value.hint)
        assert elsewhere.exists() is (content is not None)


def test_never_in_the_authority_s_place(certs: Path) -> None:
    authority = an_authority(certs.parent)
    before = {p.name: p.read_bytes() for p in certs.iterdir()}
    made = a_leaf(authority, "pbx.lan")
    for name in (CERTIFICATE, KEY):
        with pytest.raises(CmpBundleError, match="authority's own file"):
            save(made, certs / name, Disk(), force=True)
    assert {p.name: p.read_bytes() for p in certs.iterdir()} == before


def test_no_folder_is_made_for_it(tmp_path: Path) -> None:
    with pytest.raises(CmpBundleError, match="this folder does not exist") as caught:
        save(a_leaf(the_authority(), *map(str, hosts(["pbx.example"]))), tmp_path / "a/b", Disk())
    assert caught.value.file == str(tmp_path / "a")
