"""The stores of Chromium and Firefox, in databases that the real certutil makes."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import subprocess
from pathlib import Path

import pytest

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk
from cmp_bundle.tls import nss, trust
from cmp_bundle.tls.anchor import Anchor
from cmp_bundle.tls.authority import renew
from cmp_bundle.tls.desktop_user import DesktopUser
from cmp_bundle.tls.nss import NssStore

from .made import NOW, carried_out, odd

USUAL = ".pki/nssdb"


def listed(folder: Path) -> dict[str, str]:
    """Nicknames and trust, as certutil itself lists them."""
    command = ["certutil", "-L", "-d", f"sql:{folder}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [line.rsplit(maxsplit=1) for line in done.stdout.splitlines()[4:] if line]
    return {name.strip(): flags for name, flags in rows}


def add(folder: Path, nickname: str, certificate: bytes, flags: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "cert9.db").exists():
        subprocess.run(["certutil", "-N", "--empty-password", "-d", f"sql:{folder}"], check=True)
    command = ["certutil", "-A", "-d", f"sql:{folder}", "-n", nickname, "-t", flags, "-a"]
    subprocess.run(command, input=certificate, check=True)


@pytest.mark.usefixtures("certutil")
def test_there_and_back(somebody: DesktopUser, anchor: Anchor) -> None:
    folder = somebody.home / USUAL
    store = NssStore("Chromium", folder, somebody)
    assert not store.trusts(anchor)
    assert trust.to_untrust(anchor, [store])[0].steps == ()
    (change,) = trust.to_trust(anchor, [store])
    assert not folder.exists(), "a plan changes nothing"
    assert carried_out(change, anchor) == [
        f"mkdir -p -m 700 {folder}",
        f"certutil -N -d sql:{folder} --empty-password",
        f"certutil -A -d sql:{folder} -t C,, -n '{anchor.name}' < {anchor.path}",
    ]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert listed(folder) == {anchor.name: "C,,"}
    assert store.trusts(anchor)
    assert trust.to_trust(anchor, [store])[0].steps == ()
    (back,) = trust.to_untrust(anchor, [store])
    assert carried_out(back, anchor) == [f"certutil -D -d sql:{folder} -n '{anchor.name}'"]
    assert listed(folder) == {}
    assert not store.trusts(anchor)


@pytest.mark.usefixtures("certutil")
def test_the_steps_are_lines_for_a_shell(somebody: DesktopUser, anchor: Anchor) -> None:
    folder = somebody.home / "a folder; with 'all' $kinds"
    (change,) = trust.to_trust(anchor, [NssStore("Chromium", folder, somebody)])
    script = "set -e\n" + "\n".join(map(str, change.steps))
    subprocess.run(["sh", "-c", script], check=True)
    assert listed(folder) == {anchor.name: "C,,"}


@pytest.mark.usefixtures("certutil")
def test_what_others_put_there_stays(somebody: DesktopUser, anchor: Anchor) -> None:
    folder = somebody.home / USUAL
    add(folder, "theirs", odd("a.example")[1], "P,,")
    add(folder, "  odd  name,C,,  ", odd("b.example")[1], "CT,C,C")
    before = listed(folder)
    assert len(before) == 2
    store = NssStore("Chromium", folder, somebody)
    assert not store.trusts(anchor)
    carried_out(trust.to_trust(anchor, [store])[0], anchor)
    assert listed(folder) == before | {anchor.name: "C,,"}
    carried_out(trust.to_untrust(anchor, [store])[0], anchor)
    assert listed(folder) == before


@pytest.mark.usefixtures("certutil")
def test_one_that_was_imported_by_hand(somebody: DesktopUser, anchor: Anchor) -> None:
    """Under a name of theirs, and first without trust, as Firefox's dialog does it unticked."""
    folder = somebody.home / USUAL
    add(folder, "my own name", anchor.pem, ",,")
    store = NssStore("Firefox", folder, somebody)
    assert not store.trusts(anchor)
    carried_out(trust.to_trust(anchor, [store])[0], anchor)
    assert store.trusts(anchor)
    assert set(listed(folder).values()) == {"C,,"}
    carried_out(trust.to_untrust(anchor, [store])[0], anchor)
    assert listed(folder) == {}


@pytest.mark.usefixtures("certutil")
def test_two_authorities_of_one_person(
    tmp_path: Path, somebody: DesktopUser, anchor: Anchor
) -> None:
    folder = somebody.home / USUAL
    store = NssStore("Chromium", folder, somebody)
    carried_out(trust.to_trust(anchor, [store])[0], anchor)
    other = renew(tmp_path / "certs", (), NOW, Disk()).anchor
    assert not store.trusts(other)
    carried_out(trust.to_trust(other, [store])[0], other)
    assert listed(folder) == {anchor.name: "C,,", other.name: "C,,"}
    carried_out(trust.to_untrust(anchor, [store])[0], anchor)
    assert listed(folder) == {other.name: "C,,"}


@pytest.mark.usefixtures("certutil")
def test_a_damaged_database_is_left_as_it_is(somebody: DesktopUser, anchor: Anchor) -> None:
    """And the others get theirs."""
    broken, good = somebody.home / "broken", somebody.home / "good"
    broken.mkdir()
    for name in ("cert9.db", "key4.db"):
        (broken / name).write_bytes(b"no database")
    among = [NssStore(p.name, p, somebody) for p in (broken, good)]
    one, two = trust.to_trust(anchor, among)
    with pytest.raises(CmpBundleError, match="broken: certutil failed") as caught:
        carried_out(one, anchor)
    assert caught.value.file == str(broken)
    assert "by hand" in str(caught.value.hint)
    carried_out(two, anchor)
    assert (broken / "cert9.db").read_bytes() == b"no database"
    assert listed(good) == {anchor.name: "C,,"}


@pytest.mark.usefixtures("certutil")
def test_a_database_with_a_password(somebody: DesktopUser, anchor: Anchor) -> None:
    """Firefox's primary password: without somebody to type it, it is refused and nothing stays."""
    with contextlib.suppress(OSError):
        os.close(os.open("/dev/tty", os.O_RDWR))
        pytest.skip("there is a terminal, on which certutil would ask for the password")
    folder = somebody.home / "locked"
    folder.mkdir()
    (somebody.home / "password").write_text("secret\n")
    new = ["certutil", "-N", "-d", f"sql:{folder}", "-f", str(somebody.home / "password")]
    subprocess.run(new, check=True)
    store = NssStore("Firefox", folder, somebody)
    (change,) = trust.to_trust(anchor, [store])
    with pytest.raises(CmpBundleError, match="certutil failed"):
        carried_out(change, anchor)
    assert listed(folder) == {}


def test_without_certutil(
    somebody: DesktopUser, anchor: Anchor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    folder = somebody.home / USUAL
    store = NssStore("Chromium", folder, somebody)
    (change,) = trust.to_trust(anchor, [store])
    with pytest.raises(CmpBundleError, match="certutil is not installed") as caught:
        carried_out(change, anchor)
    assert caught.value.hint == "it comes with Mozilla's NSS"
    assert not folder.exists()
    (programs / "apt-get").write_text("#!/bin/sh\n")
    (programs / "apt-get").chmod(0o755)
    change = trust.to_trust(anchor, [store])[0]
    assert change.problem is not None
    assert "apt install libnss3-tools" in str(change.problem.hint)


@pytest.mark.usefixtures("certutil")
def test_root_works_as_the_person(nobody: DesktopUser, anchor: Anchor) -> None:
    """What is made in somebody's home is theirs, although root runs it and holds the certificate."""
    store = NssStore("Chromium", nobody.home / USUAL, nobody)
    (change,) = trust.to_trust(anchor, [store])
    assert {s.split()[2] for s in map(str, change.steps)} == {"nobody"}
    carried_out(change, anchor)
    made = list(nobody.home.rglob("*"))
    assert {p.name for p in made} >= {".pki", "nssdb", "cert9.db", "key4.db"}
    assert {p.stat().st_uid for p in made} == {65534}
    assert store.trusts(anchor)
    carried_out(trust.to_untrust(anchor, [store])[0], anchor)
    assert not store.trusts(anchor)


@pytest.mark.usefixtures("certutil")
def test_a_symlink_of_theirs_leads_root_nowhere(
    nobody: DesktopUser, anchor: Anchor, tmp_path: Path
) -> None:
    secret = tmp_path / "only-root"
    secret.mkdir(mode=0o700)
    (nobody.home / ".pki").symlink_to(secret)
    (change,) = trust.to_trust(anchor, [NssStore("Chromium", nobody.home / USUAL, nobody)])
    with pytest.raises(CmpBundleError, match="mkdir failed"):
        carried_out(change, anchor)
    assert not list(secret.iterdir())


# Which there are ---------------------------------------------------------------------------------


def names(person: DesktopUser) -> dict[str, Path]:
    return {s.name: s.path.relative_to(person.home) for s in nss.stores(person)}


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only programs there are."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def install(programs: Path, *called: str) -> None:
    for name in called:
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)


def test_no_browser(somebody: DesktopUser, programs: Path) -> None:
    assert list(programs.iterdir()) == []
    assert names(somebody) == {}
    assert nss.remarks(somebody) == ()


def test_chromium_s(somebody: DesktopUser, programs: Path) -> None:
    install(programs, "chromium", "google-chrome", "google-chrome-stable")
    both = "Chromium and Chrome"
    assert names(somebody) == {both: Path(".pki/nssdb")}
    # Chromium 156 keeps to XDG, unless the older place is there.
    newer = somebody.home / ".local/share/pki/nssdb"
    newer.mkdir(parents=True)
    assert names(somebody) == {both: Path(".local/share/pki/nssdb")}
    (somebody.home / ".pki/nssdb").mkdir(parents=True)
    found = [s.path for s in nss.stores(somebody)]
    assert found == [somebody.home / ".pki/nssdb", newer]


def test_chromium_s_that_is_gone_or_packaged(somebody: DesktopUser, programs: Path) -> None:
    assert not list(programs.iterdir())
    for folder in (".pki/nssdb", "snap/chromium/current/.pki/nssdb",
                   ".var/app/com.google.Chrome/.pki/nssdb"):  # fmt: skip
        (somebody.home / folder).mkdir(parents=True)
    assert names(somebody) == {
        "Chromium": Path(".pki/nssdb"),
        "Chromium (snap)": Path("snap/chromium/current/.pki/nssdb"),
        "Chrome (Flatpak)": Path(".var/app/com.google.Chrome/.pki/nssdb"),
    }


PROFILES = """\
[Install4F96D1932A9F858E]
Default=new.default
[Profile1]
Name=default
IsRelative=1
Path=new.default
[Profile0]
Name=elsewhere
IsRelative=0
Path={elsewhere}
[Profile2]
Name=gone
IsRelative=1
Path=gone
[Profile3]
Name=no path
[General]
StartWithLastProfile=1
Version=2
"""


@pytest.mark.parametrize("root", [".mozilla/firefox", ".config/mozilla/firefox",
                                  "snap/firefox/common/.mozilla/firefox"])  # fmt: skip
def test_firefox_s_profiles(
    root: str, somebody: DesktopUser, programs: Path, tmp_path: Path
) -> None:
    assert not list(programs.iterdir())
    folder = somebody.home / root
    elsewhere = tmp_path / "elsewhere"
    for profile in (
        folder / "new.default",
        folder / "used.by-manager",
        folder / "Crash",
        elsewhere,
    ):
        profile.mkdir(parents=True)
    (folder / "used.by-manager/cert9.db").write_text("")
    (folder / "profiles.ini").write_text(PROFILES.format(elsewhere=elsewhere))
    found = {s.name: s.path for s in nss.stores(somebody)}
    assert found == {
        "Firefox (profile new.default)": folder / "new.default",
        "Firefox (profile elsewhere)": elsewhere,
        "Firefox (profile used.by-manager)": folder / "used.by-manager",
    }
    assert nss.remarks(somebody) == ()


@pytest.mark.parametrize("text", [b"\xff\xfe\0\0", b"no section\n", b"[Profile0\nPath", b"%(x)s"])
def test_profiles_ini_that_is_none(text: bytes, somebody: DesktopUser, programs: Path) -> None:
    install(programs, "firefox-esr")
    folder = somebody.home / ".mozilla/firefox"
    (folder / "used").mkdir(parents=True)
    (folder / "used/cert9.db").write_text("")
    (folder / "profiles.ini").write_bytes(text)
    assert names(somebody) == {"Firefox (profile used)": Path(".mozilla/firefox/used")}


def test_firefox_that_was_never_started(somebody: DesktopUser, programs: Path) -> None:
    install(programs, "firefox-esr")
    (said,) = nss.remarks(somebody)
    assert "start it once" in said


def test_xdg_folders_are_those_of_the_person(somebody: DesktopUser, tmp_path: Path) -> None:
    other = dataclasses.replace(somebody, config=tmp_path / "xdg", data=tmp_path / "xdg-data")
    (tmp_path / "xdg/mozilla/firefox/p").mkdir(parents=True)
    (tmp_path / "xdg/mozilla/firefox/p/cert9.db").write_text("")
    assert tmp_path / "xdg/mozilla/firefox/p" in [s.path for s in nss.stores(other)]
