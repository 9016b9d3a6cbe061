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


@pytest.mark.slow
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


def test_the_file_that_is_named(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = at.folder / "pbx one.toml"
    said = at("init", "--config", "pbx one.toml")
    assert f"wrote {settings}; next (each time with --config 'pbx one.toml'): cmp-bundle" in said
    assert '\netc_dir = "/etc/asterisk"' in settings.read_text()
    assert not (at.folder / "cmp-bundle.toml").exists()
    assert "already exists" in at.refused("init", "--config", "pbx one.toml")
    monkeypatch.setenv("CMP_BUNDLE_CONFIG", "other.toml")
    assert "write one: cmp-bundle init" in at.refused("config")
    at("init")
    assert (at.folder / "other.toml").exists()


@pytest.mark.slow
@pytest.mark.parametrize("text", ["[asterisk\n", "[asterisk]\nurl = 5\n", "[nothing]\n", "\xff"])
def test_a_file_that_is_wrong_is_replaced_by_force_alone(at: Desk, text: str) -> None:
    settings = at.folder / "cmp-bundle.toml"
    settings.write_bytes(text.encode("latin-1"))
    said = at.refused("init")
    assert f"{settings}" in said
    assert "already exists" not in said
    said = at("init", "--force")
    assert f"replaced, because it was wrong: {settings}" in said
    assert (at.folder / "cmp-bundle.toml.old").read_bytes() == text.encode("latin-1")
    at("config")


@pytest.mark.slow
def test_by_force_it_looks_anew_and_keeps_what_the_operator_set(at: Desk) -> None:
    settings, old = at.folder / "cmp-bundle.toml", at.folder / "cmp-bundle.toml.old"
    at("init")
    text = settings.read_text().replace('# url = ""', 'url = "https://pbx.example.com"  # ours', 1)
    text = text.replace("# keep = 3", "keep = 7").replace('# out = "dist"', 'out = "to/here"')
    assert text.count("\nkeep = 7") == text.count('\nout = "to/here"') == 1
    settings.write_text(text)
    before = settings.read_bytes(), settings.stat().st_ino
    assert f"nothing has changed since {settings}" in at("init", "--force")
    assert (settings.read_bytes(), settings.stat().st_ino) == before
    assert not old.exists()
    # The data folder moves, and Asterisk has another user now.
    (at.root / "srv/ast").mkdir(parents=True)
    (at.root / "etc/passwd").write_text("pbx:x:7:7::/:\n")
    (at.root / "etc/asterisk/asterisk.conf").write_text(
        "[directories]\nastdatadir => /srv/ast\n[options]\nrunuser = pbx\n"
    )
    said = at.run("init", "--force").out
    assert f"{at.root}/srv/ast/static-http  (/etc/asterisk/asterisk.conf:2)" in said
    assert (
        'changed: asterisk.data_dir = "/usr/share/asterisk" -> not set'
        "  (found out each time, now /srv/ast: /etc/asterisk/asterisk.conf:2)\n" in said
    )
    assert 'changed: asterisk.user = "root" -> "pbx"  (/etc/asterisk/asterisk.conf:4)\n' in said
    assert "kept: build.out, deploy.keep, site.url\n" in said
    assert f"the file as it was, with its comments: {old}" in said
    assert old.read_bytes() == text.encode()
    after = settings.read_text()
    for line in ("\n# data_dir = ", '\nuser = "pbx"', "\nkeep = 7  #", '\nout = "to/here"  #'):
        assert line in after
    done = at.json("init", "--force")
    assert (done["changes"], done["written"]) == ([], False)


def test_what_only_the_file_knows_stays(at: Desk) -> None:
    """An Asterisk in a place of its own is not found without the operator's word."""
    (at.root / "etc/asterisk").rename(at.root / "opt")
    (at.folder / "cmp-bundle.toml").write_text('[asterisk]\netc_dir = "/opt"\n')
    said = at("init", "--force")
    assert f"{at.root}/opt" in said
    assert "([asterisk] etc_dir)" in said
    assert '\netc_dir = "/opt"' in (at.folder / "cmp-bundle.toml").read_text()


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


@pytest.mark.slow
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
