"""The folder in which is remembered what is done: nobody else's, or it is not used."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest

from cmp_bundle.changes.memory import VARIABLE, folder, memory
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk
from tests.unit.nobody import NOBODY, as_nobody, needs_root, open_folder


@pytest.fixture(name="base")
def _base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "a/b/state"
    monkeypatch.setenv(VARIABLE, str(made))
    return made


def test_it_is_made_for_nobody_else(base: Path) -> None:
    made = memory("/etc/asterisk", Disk())
    assert made == folder("/etc/asterisk")
    for path in (base.parent, base, made):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert memory("/etc/asterisk", Disk()) == made


def test_servers_are_told_apart(base: Path) -> None:
    subjects = ["/etc/asterisk", "/etc-asterisk", "/srv/etc/asterisk", "", "/ä", "/" + "x" * 5000]
    made = [memory(subject, Disk()) for subject in subjects]
    assert len(set(made)) == len(subjects)
    assert all(path.parent == base for path in made)
    assert made[0].name.startswith("etc-asterisk-")


@pytest.mark.parametrize("mode", [0o755, 0o701, 0o770, 0o1777])
def test_one_that_others_may_use_is_not_used(base: Path, mode: int) -> None:
    base.mkdir(parents=True)
    base.chmod(mode)
    with pytest.raises(CmpBundleError, match="others than you may use it") as caught:
        memory("/etc/asterisk", Disk())
    assert "chmod 700" in (caught.value.hint or "")
    assert list(base.iterdir()) == []


@needs_root
@pytest.mark.parametrize(
    ("folder_of_another", "message"),
    [(".", "others than you may use it"), ("..", "permission denied")],
)
def test_another_s_folder_is_not_used(base: Path, folder_of_another: str, message: str) -> None:
    """Nor one in a folder of another's, who could exchange it."""
    base.mkdir(parents=True, mode=0o700)
    os.chown(base / folder_of_another, NOBODY, NOBODY)
    with pytest.raises(CmpBundleError, match=message):
        memory("/etc/asterisk", Disk())
    assert list(base.iterdir()) == []


@needs_root
def test_a_symlink_of_another_s_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asterisk's user would have root remember in a folder of root's choosing."""
    with open_folder() as place:
        (place / "roots").mkdir(mode=0o700)
        theirs = place / "theirs"
        theirs.mkdir()
        (theirs / "state").symlink_to(place / "roots")
        os.chown(theirs, NOBODY, NOBODY)
        monkeypatch.setenv(VARIABLE, str(theirs / "state"))
        with pytest.raises(CmpBundleError):
            memory("/etc/asterisk", Disk())
        assert list((place / "roots").iterdir()) == []


def test_a_symlink_of_ones_own_is(base: Path) -> None:
    base.parent.mkdir(parents=True)
    (base.parent / "real").mkdir(mode=0o700)
    base.symlink_to("real")
    assert memory("/etc/asterisk", Disk()).is_dir()


def test_a_file_is_no_folder(base: Path) -> None:
    base.parent.mkdir(parents=True)
    base.write_text("")
    with pytest.raises(CmpBundleError) as caught:
        memory("/etc/asterisk", Disk())
    assert VARIABLE in (caught.value.hint or "")


def test_a_user_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "~no-such-user-at-all/state")
    with pytest.raises(CmpBundleError, match="no folder to remember in"):
        memory("/etc/asterisk", Disk())


@needs_root
def test_users_remember_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """What root was doing, another operator's run does not see: root's alone finishes it."""
    with open_folder() as place:
        os.chown(place, NOBODY, NOBODY)
        monkeypatch.delenv(VARIABLE)
        monkeypatch.setenv("XDG_STATE_HOME", str(place))
        roots = folder("/etc/asterisk")
        assert roots.parent == Path("/var/lib/cmp-bundle")
        with as_nobody():
            made = memory("/etc/asterisk", Disk())
        assert made.is_relative_to(place)
        assert made.stat().st_uid == NOBODY
        assert re.fullmatch(r"etc-asterisk-[0-9a-f]{8}", made.name)
