"""Where an Asterisk has its things: named, asked, read, or guessed, and which of them wins."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from cmp_bundle.asterisk.installation import Fact, Installation, Named, find, outside, user_ids
from cmp_bundle.errors import CmpBundleError
from tests.unit.nobody import needs_root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A system with an empty configuration, and nothing else."""
    (tmp_path / "root/etc/asterisk").mkdir(parents=True)
    return tmp_path / "root"


def folder(root: Path, path: str) -> None:
    (root / path.lstrip("/")).mkdir(parents=True, exist_ok=True)


def conf(root: Path, text: str) -> None:
    (root / "etc/asterisk/asterisk.conf").write_text(text)


def running(root: Path, text: str) -> tuple[str, ...]:
    """A command that stands for a running Asterisk that answers ``text`` to everything."""
    (root / "answer").write_text(text)
    (root / "asterisk").write_text(f"#!/bin/sh\ncat {root}/answer\n")
    (root / "asterisk").chmod(0o755)
    return (str(root / "asterisk"),)


DOWN = ("false",)


def found(root: Path, **named: object) -> Installation:
    installation = find(Named(root, **({"command": DOWN} | named)))  # type: ignore[arg-type]
    assert installation is not None
    return installation


def test_none(tmp_path: Path) -> None:
    assert find(Named(tmp_path, command=DOWN)) is None


def test_a_named_folder_must_be_there(root: Path) -> None:
    with pytest.raises(CmpBundleError, match="etc_dir is not a folder") as caught:
        find(Named(root, etc_dir="/opt/etc", command=DOWN))
    assert caught.value.file == str(root / "opt/etc")
    with pytest.raises(CmpBundleError, match="data_dir is not a folder") as caught:
        find(Named(root, data_dir="/opt/data", command=DOWN))
    assert caught.value.file == str(root / "opt/data")


def test_what_is_named_wins(root: Path) -> None:
    for path in ("/opt/etc", "/opt/data", "/var/lib/asterisk/static-http"):
        folder(root, path)
    message = "  Configuration directory:  /etc/asterisk\n  Data directory:   /var/lib/asterisk\n"
    command = running(root, message)
    here = found(root, etc_dir="/opt/etc", data_dir="/opt/data", user="pbx", command=command)
    assert here.etc == Fact("/opt/etc", "[asterisk] etc_dir")
    assert here.data == Fact("/opt/data", "[asterisk] data_dir")
    assert here.user == Fact("pbx", "[asterisk] user")
    assert here.running
    assert here.etc_folder == root / "opt/etc"
    assert here.static == root / "opt/data/static-http"
    assert here.configuration("http.conf") == root / "opt/etc/http.conf"


def test_then_what_the_running_one_says(root: Path) -> None:
    folder(root, "/opt/etc")
    (root / "opt/etc/asterisk.conf").touch()
    folder(root, "/usr/share/asterisk/static-http")
    conf(root, "[directories]\nastdatadir => /elsewhere\n")
    command = running(
        root, "  Configuration directory:  /opt/etc\n  Data directory:   /srv/asterisk\n"
    )
    here = found(root, command=command)
    assert here.etc == Fact("/opt/etc", "core show settings")
    assert here.data == Fact("/srv/asterisk", "core show settings")


def test_then_asterisk_conf(root: Path) -> None:
    folder(root, "/usr/share/asterisk/static-http")
    conf(root, "[options]\n\n[directories]\nastdatadir => /srv/asterisk\n")
    here = found(root)
    assert here.etc == Fact("/etc/asterisk", "where Asterisk looks by default")
    assert here.data == Fact("/srv/asterisk", "/etc/asterisk/asterisk.conf:4")
    assert not here.running


@needs_root
def test_whom_root_s_asterisk_conf_names(root: Path) -> None:
    folder(root, "/usr/share/asterisk/static-http")
    conf(root, "[options]\nrunuser = pbx\n")
    assert found(root).user == Fact("pbx", "/etc/asterisk/asterisk.conf:2")


def test_as_debian_ships_it(root: Path) -> None:
    """A template counts for nothing, but says what the packager compiled in."""
    folder(root, "/var/lib/asterisk/static-http")
    conf(root, "[directories](!)\nastdatadir => /usr/share/asterisk\n")
    assert found(root).data == Fact("/usr/share/asterisk", "/etc/asterisk/asterisk.conf:2")


@pytest.mark.parametrize(
    ("there", "data", "why"),
    [
        (["/usr/share/asterisk", "/var/lib/asterisk/static-http"], "/var/lib/asterisk", "found"),
        (["/usr/share/asterisk/static-http", "/var/lib/asterisk/static-http"],
         "/usr/share/asterisk", "found"),
        (["/var/lib/asterisk"], "/var/lib/asterisk", "packages put it"),
        (["/usr/share/asterisk", "/var/lib/asterisk"], "/usr/share/asterisk", "packages put it"),
    ],
)  # fmt: skip
def test_then_where_packages_put_things(there: list[str], data: str, why: str, root: Path) -> None:
    for path in there:
        folder(root, path)
    fact = found(root).data
    assert fact.value == data
    assert why in fact.origin


def test_nowhere(root: Path) -> None:
    with pytest.raises(CmpBundleError, match="data folder was not found") as caught:
        find(Named(root, command=DOWN))
    assert "[asterisk] data_dir" in str(caught.value.hint)


@needs_root
def test_who_it_runs_as(root: Path) -> None:
    folder(root, "/var/lib/asterisk")
    here = found(root)
    assert here.user == Fact("root", "no user asterisk exists")
    assert user_ids(here) is None
    (root / "etc/passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\n\nbroken\nasterisk:x:113:0x7:\nasterisk:x:113:120:PBX:/:\n"
    )
    here = found(root)
    assert here.user == Fact("asterisk", f"{root}/etc/passwd")
    assert user_ids(here) == (113, 120)
    assert user_ids(found(root, user="nobody-known")) is None


def test_symlinks_stay_in_its_root(root: Path) -> None:
    """An absolute link of a mounted system means that system's folder."""
    folder(root, "/srv/data/static-http")
    (root / "var").mkdir()
    (root / "var/lib").mkdir()
    (root / "var/lib/asterisk").symlink_to("/srv/data")
    (root / "etc/asterisk/http.conf").symlink_to("../../../../../../../etc/passwd")
    here = found(root)
    assert here.data.value == "/var/lib/asterisk"
    assert here.outside("/var/lib/asterisk/static-http") == root / "srv/data/static-http"
    assert here.outside("/etc/asterisk/http.conf") == root / "etc/passwd"
    assert outside(root, "/../../etc") == root / "etc"


def test_of_this_very_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its users are the system's own, wherever those come from; its command is on the PATH."""
    from cmp_bundle.asterisk import installation

    assert installation._command(Path("/"))[0].endswith("/asterisk")
    assert installation._command(tmp_path) == ()
    (tmp_path / "usr/sbin").mkdir(parents=True)
    (tmp_path / "usr/sbin/asterisk").touch()
    chroot, *rest = installation._command(tmp_path)
    assert chroot.endswith("/chroot")
    assert rest == [str(tmp_path), "asterisk"]
    (tmp_path / "asterisk").write_text("#!/bin/sh\n")
    (tmp_path / "asterisk").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert installation._command(Path("/")) == (str(tmp_path / "asterisk"),)
    me = pwd.getpwuid(os.geteuid())
    assert installation._users(Path("/"))[me.pw_name] == (me.pw_uid, me.pw_gid)
