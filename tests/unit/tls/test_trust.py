"""Trust stores of all kinds: what is shown, done, looked at, and taken back."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk
from cmp_bundle.tls import system_store, trust
from cmp_bundle.tls.anchor import Anchor
from cmp_bundle.tls.desktop_user import DesktopUser, desktop_user
from cmp_bundle.tls.steps import Command, InstallFile, RemoveFile, Step, carry_out, output_of
from cmp_bundle.tls.system_store import KNOWN, SystemStore

from .made import carried_out, debian_s, odd

# The system's ------------------------------------------------------------------------------------


@pytest.fixture
def debian(tmp_path: Path) -> SystemStore:
    """The real script of Debian, at work in a root of the test's own."""
    if shutil.which("update-ca-certificates") is None:
        pytest.skip("no update-ca-certificates here")
    return debian_s(tmp_path / "root")


def test_debian_s_own_script(debian: SystemStore, anchor: Anchor) -> None:
    theirs = debian.folder / "office.crt"
    theirs.write_bytes(odd("office.example")[1])
    subprocess.run(debian.refresh, check=True, capture_output=True)
    before = debian.bundle.read_bytes()
    assert not debian.trusts(anchor)
    assert trust.to_untrust(anchor, [debian])[0].steps == ()
    (change,) = trust.to_trust(anchor, [debian])
    shown = carried_out(change, anchor)
    assert len(shown) == 2
    assert shown[0].startswith(f"install -m 644 {anchor.path} {debian.folder}/cmp-bundle-")
    (ours,) = set(debian.folder.iterdir()) - {theirs}
    assert stat.S_IMODE(ours.stat().st_mode) == 0o644
    assert debian.trusts(anchor)
    assert theirs.read_bytes() in debian.bundle.read_bytes()
    assert trust.to_trust(anchor, [debian])[0].steps == ()
    (back,) = trust.to_untrust(anchor, [debian])
    assert carried_out(back, anchor)[0] == f"rm -f {ours}"
    assert not debian.trusts(anchor)
    assert list(debian.folder.iterdir()) == [theirs]
    assert debian.bundle.read_bytes() == before
    assert not [p for p in debian.bundle.parent.iterdir() if not p.exists()], "no dangling links"


def test_a_file_without_the_bundle_is_no_trust(debian: SystemStore, anchor: Anchor) -> None:
    """Cut off between the steps, the next run ends it; and so does taking it back."""
    put, refresh = debian.to_trust(anchor)
    carry_out(put, Disk())
    assert not debian.trusts(anchor)
    assert debian.to_trust(anchor) == (put, refresh)
    (back,) = trust.to_untrust(anchor, [debian])
    carried_out(back, anchor)
    assert list(debian.folder.iterdir()) == []


def test_taken_back_where_the_refresh_fails(debian: SystemStore, anchor: Anchor) -> None:
    failing = SystemStore(debian.folder, ".crt", ("false",), ("true",), debian.bundle, "the store")
    with pytest.raises(CmpBundleError, match="the store: false failed: code 1") as caught:
        carried_out(trust.to_trust(anchor, [failing])[0], anchor)
    assert caught.value.file == str(debian.folder)
    assert caught.value.hint == "by hand: false"
    assert list(debian.folder.iterdir()) == []


def test_looked_at_afterwards(debian: SystemStore, anchor: Anchor) -> None:
    idle = SystemStore(debian.folder, ".crt", ("true",), ("true",), debian.bundle)
    with pytest.raises(CmpBundleError, match="but nothing has changed"):
        carried_out(trust.to_trust(anchor, [idle])[0], anchor)
    assert list(debian.folder.iterdir()) == []


def test_which_of_them_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs, anchors = tmp_path / "bin", tmp_path / "anchors"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    two = tuple(
        SystemStore(folder, ".crt", (name,), (name,), tmp_path / "bundle")
        for folder, name in ((tmp_path / "other", "one"), (anchors, "two"))
    )
    monkeypatch.setattr(system_store, "KNOWN", two)
    assert system_store.system_store() is None
    anchors.mkdir()
    assert system_store.system_store() is None, "without its program nothing can be done"
    (programs / "two").write_text("#!/bin/sh\n")
    (programs / "two").chmod(0o755)
    assert system_store.system_store() == two[1]


def test_each_family_has_its_own_folder() -> None:
    assert len({s.folder for s in KNOWN}) == len(KNOWN)
    assert all(s.needs_root for s in KNOWN)


# Any ---------------------------------------------------------------------------------------------


@dataclass
class Pretended:
    """A store that is a file with lines, changed by a shell."""

    path: Path
    name: str = "a store"
    needs_root: bool = False
    commands: list[str] = field(default_factory=lambda: ["echo trusted > {}"])

    def trusts(self, anchor: Anchor) -> bool:
        del anchor
        return self.path.exists()

    def to_trust(self, anchor: Anchor) -> tuple[Step, ...]:
        del anchor
        return tuple(Command(("sh", "-c", c.format(self.path))) for c in self.commands)

    def to_untrust(self, anchor: Anchor) -> tuple[Step, ...]:
        del anchor
        return (RemoveFile(self.path),) if self.path.exists() else ()


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_a_step_that_fails_undoes_those_before(
    failing: int, tmp_path: Path, anchor: Anchor
) -> None:
    commands = ["echo 1 >> {}", "echo 2 >> {}", "echo 3 >> {}"]
    commands[failing] = "echo too bad >&2; exit 3"
    store = Pretended(tmp_path / "store", commands=commands)
    with pytest.raises(CmpBundleError, match="a store: sh failed: too bad"):
        carried_out(trust.to_trust(anchor, [store])[0], anchor)
    assert not store.path.exists()


def test_ctrl_c_undoes_as_well(tmp_path: Path, anchor: Anchor) -> None:
    store = Pretended(tmp_path / "store", commands=["echo 1 >> {}", "echo 2 >> {}"])
    shown: list[Step] = []

    def before(step: Step) -> None:
        shown.append(step)
        if len(shown) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trust.make(trust.to_trust(anchor, [store])[0], anchor, Disk(), before)
    assert not store.path.exists()


def test_forgetting_that_fails_is_not_undone(tmp_path: Path, anchor: Anchor) -> None:
    store = Pretended(tmp_path / "folder")
    store.path.mkdir()
    with pytest.raises(CmpBundleError, match="a store: cannot be changed"):
        carried_out(trust.to_untrust(anchor, [store])[0], anchor)
    assert store.path.exists()


def test_what_takes_root(tmp_path: Path, anchor: Anchor, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Pretended(tmp_path / "store", needs_root=True)
    for root in (True, False):
        monkeypatch.setattr(trust, "is_root", lambda root=root: root)
        assert trust.to_trust(anchor, [store])[0].possible is root
    store.needs_root = False
    assert trust.to_trust(anchor, [store])[0].possible


def test_the_system_comes_last(
    somebody: DesktopUser, debian: SystemStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (somebody.home / ".pki/nssdb").mkdir(parents=True)
    monkeypatch.setattr(trust, "system_store", lambda: debian)
    found = trust.stores(somebody)
    assert [s.needs_root for s in found] == [False, False]
    assert found[-1] == debian
    monkeypatch.setattr(trust, "system_store", lambda: None)
    assert trust.stores(somebody) == found[:-1]


# Steps -------------------------------------------------------------------------------------------


def test_what_a_program_says_and_reads(anchor: Anchor) -> None:
    assert output_of(Command(("echo", "a b"))) == "a b\n"
    assert output_of(Command(("cat",), fed=anchor)).encode() == anchor.pem
    assert output_of(Command(("cat",))) == "", "it never reads what the caller's terminal gives"
    assert output_of(Command(("printenv", "LC_ALL"))) == "C\n"
    assert output_of(Command(("printf", r"\377"))) == "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("echo one; echo two >&2; exit 1", "sh failed: two"),
        ("echo one; exit 1", "sh failed: one"),
        ("exit 7", "sh failed: code 7"),
        ("kill -9 $$", "sh failed: code -9"),
    ],
)
def test_a_program_that_fails(line: str, said: str) -> None:
    with pytest.raises(CmpBundleError) as caught:
        output_of(Command(("sh", "-c", line)))
    assert caught.value.message == said
    assert str(caught.value.hint).startswith("by hand: sh -c ")


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(CmpBundleError, match="no-such-program is not installed"):
        output_of(Command(("no-such-program",)))


def test_as_the_person(nobody: DesktopUser) -> None:
    seen = output_of(Command(("sh", "-c", "id -u; id -g; id -G; echo $HOME"), nobody)).split()
    assert seen == ["65534", "65534", "65534", str(nobody.home)]


def test_without_any_group_of_root_s(nobody: DesktopUser) -> None:
    """In a process of its own, since groups are the whole process'."""
    program = (
        "import os, sys; from pathlib import Path\n"
        "from cmp_bundle.tls.desktop_user import DesktopUser\n"
        "from cmp_bundle.tls.steps import Command, output_of\n"
        "os.setgroups([0, 4242]); home = Path(sys.argv[1])\n"
        "nobody = DesktopUser('nobody', 65534, 65534, home, home, home, behind_sudo=True)\n"
        "print(output_of(Command(('id', '-G'), nobody)))"
    )
    command = [sys.executable, "-c", program, str(nobody.home)]
    assert subprocess.run(command, capture_output=True, check=True).stdout.split() == [b"65534"]


def test_each_step_as_a_line(anchor: Anchor, somebody: DesktopUser, nobody: DesktopUser) -> None:
    assert str(Command(("a", "b c"))) == "a 'b c'"
    assert str(Command(("a",), somebody)) == "a"
    assert str(Command(("a",), nobody, anchor)) == f"sudo -u nobody a < {anchor.path}"
    assert str(RemoveFile(Path("/a b"))) == "rm -f '/a b'"
    assert str(InstallFile(Path("/x"), anchor)) == f"install -m 644 {anchor.path} /x"


# Whose -------------------------------------------------------------------------------------------


@pytest.fixture
def users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[int, str]:
    """The users of the machine, by number."""
    known = {0: "root", 1000: "alice", 1001: "bob"}

    def entry(uid: int) -> pwd.struct_passwd:
        if uid not in known:
            raise KeyError(uid)
        home = str(tmp_path / known[uid])
        return pwd.struct_passwd((known[uid], "x", uid, uid + 1, "", home, "/bin/sh"))

    monkeypatch.setattr(pwd, "getpwuid", entry)
    return known


def acting(uid: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setattr(os, "getegid", lambda: uid + 1)


@pytest.mark.usefixtures("users")
def test_somebody_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    acting(1000, monkeypatch)
    home = Path("/home/alice")
    plain = DesktopUser("alice", 1000, 1001, home, home / ".config", home / ".local/share")
    assert desktop_user({"HOME": "/home/alice"}) == plain
    # What sudo left in the environment of somebody who is not root is no sudo.
    assert desktop_user({"HOME": "/home/alice", "SUDO_UID": "1001"}) == plain
    moved = desktop_user({"HOME": "/h", "XDG_CONFIG_HOME": "/c", "XDG_DATA_HOME": "/d"})
    assert (moved.home, moved.config, moved.data) == (Path("/h"), Path("/c"), Path("/d"))


def test_behind_sudo(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, users: dict[int, str]
) -> None:
    acting(0, monkeypatch)
    environment = {"HOME": "/root", "XDG_CONFIG_HOME": "/root/x", "SUDO_UID": "1000"}
    home = tmp_path / "alice"
    assert desktop_user(environment) == DesktopUser(
        "alice", 1000, 1001, home, home / ".config", home / ".local/share", behind_sudo=True
    )
    for odd_one in ("0", "", "-1", "alice", "1000 ", "²", "99"):
        found = desktop_user(environment | {"SUDO_UID": odd_one})
        assert (found.name, found.home, found.behind_sudo) == ("root", Path("/root"), False)
    del users[0]
    assert desktop_user({"HOME": "/root"}).name == "0", "a container may have no names"


def test_without_a_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert desktop_user({}).home == tmp_path
    assert desktop_user().home == tmp_path
