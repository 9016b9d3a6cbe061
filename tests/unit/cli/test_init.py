"""What init writes beside the settings: the lines that keep secrets out of a repository."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from .people import Desk

LINES = "/accounts.toml /accounts.csv *.key /certs/ /dist/"


def written(path: Path) -> tuple[int, int]:
    """What changes whenever anybody writes there, and not by reading."""
    found = path.lstat()
    return found.st_ino, found.st_ctime_ns


def test_what_asterisk_says_of_its_data_does_not_become_the_operator_s_word(at: Desk) -> None:
    """Root makes static-http where the operator says that Asterisk's data is."""
    settings = at.folder / "cmp-bundle.toml"
    at("init")
    assert '\ndata_dir = "/usr/share/asterisk"' in settings.read_text()
    settings.unlink()
    (at.root / "srv").mkdir()
    conf = at.root / "etc/asterisk/asterisk.conf"
    conf.write_text("[directories]\nastdatadir => /srv\n")
    assert str(at.root / "srv/static-http") in at("init")
    assert "\n# data_dir = " in settings.read_text()
    assert '\netc_dir = "/etc/asterisk"' in settings.read_text()
    settings.write_text('[asterisk]\ndata_dir = "/srv"\n')
    at("init", "--force")
    assert '\ndata_dir = "/srv"' in settings.read_text()


@pytest.mark.skipif(shutil.which("git") is None, reason="git is asked")
def test_git_takes_none_of_the_secrets(at: Desk) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=at.folder, check=True)
    assert f"wrote {at.folder}/.gitignore: {LINES}" in at("init")
    at("accounts", "import")
    at("build")
    at("key", "backup", "copy-of-june.key")
    (at.folder / "certs").mkdir()
    (at.folder / "certs/ca-key.pem").touch()
    assert at.key.exists()
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard"],
        cwd=at.folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert listed == [".gitignore", "cmp-bundle.toml"]


def test_what_is_there_stays_and_what_is_missing_is_added(at: Desk) -> None:
    path = at.folder / ".gitignore"
    path.write_bytes(b"# mine\r\n*.pyc\ndist\n /certs \n*.key")
    path.chmod(0o664)
    said = at("init")
    assert f"added to {path}: /accounts.toml /accounts.csv\n" in said
    after = path.read_bytes()
    assert after.startswith(
        b"# mine\r\n*.pyc\ndist\n /certs \n*.key\n\n# You may commit cmp-bundle.toml."
    )
    assert after.endswith(b"\n/accounts.toml\n/accounts.csv\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o664
    assert ".gitignore" not in at("init", "--force")
    assert path.read_bytes() == after


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "bytes"])
def test_what_is_no_ordinary_file_is_left_alone(at: Desk, kind: str) -> None:
    path, victim = at.folder / ".gitignore", at.folder.parent / "victim"
    victim.write_text("precious")
    if kind == "link":
        path.symlink_to(victim)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"\xff")
    before = written(path)
    assert f"{path} was not changed; add to it: {LINES}\n" in at("init")
    assert written(path) == before
    assert victim.read_text() == "precious"
