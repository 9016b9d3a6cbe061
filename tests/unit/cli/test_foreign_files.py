"""Files of other users in the folder where somebody types a command: none of them is used."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cmp_bundle.files import owned
from tests.unit.nobody import NOBODY, needs_root, open_folder

from .people import Desk

pytestmark = needs_root

ROOT = Path(__file__).parents[3]
SOMEBODY = 4321
PATIENCE = 60

#: The first run imports what the second may not be able to read any more.
AS_ANOTHER = """\
import contextlib, os, sys, tempfile
from cmp_bundle.cli import app
b"x".decode("utf-8-sig")
user, folder, *words = sys.argv[1:]
with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
    assert app.run(words) == 0
os.setgroups([]), os.setgid(int(user)), os.setuid(int(user))
os.chdir(folder)
sys.exit(app.run(words))
"""


@pytest.fixture(autouse=True)
def _of_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SUDO_UID", owned.TRUST):
        monkeypatch.delenv(name, raising=False)


def give(path: Path, owner: int = SOMEBODY) -> None:
    os.chown(path, owner, owner, follow_symlinks=False)


def planted(at: Desk) -> Path:
    """Somebody's settings, with a command that whoever runs cmp-bundle runs; what it would leave."""
    trace = at.folder.parent / "trace"
    settings = at.folder / "cmp-bundle.toml"
    settings.write_text(f'[asterisk]\ncommand = ["sh", "-c", "touch {trace}"]\n')
    give(settings)
    return trace


@pytest.mark.parametrize("words", [("releases",), ("init", "--force"), ("deploy",), ("config",)])
def test_a_command_of_somebody_s(
    at: Desk, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    trace = planted(at)
    monkeypatch.delenv("CMP_BUNDLE_ASTERISK_COMMAND")
    said = at.refused(*words)
    assert f"{at.folder}/cmp-bundle.toml: belongs to {SOMEBODY}, and not to you or root" in said
    assert f"chown root {at.folder}/cmp-bundle.toml" in said
    assert not trace.exists()
    # To name it is not to look into it.
    elsewhere = at.folder.parent
    monkeypatch.chdir(elsewhere)
    assert "belongs to" in at.refused(*words, "--config", f"{at.folder}/cmp-bundle.toml")
    monkeypatch.setenv("CMP_BUNDLE_CONFIG", f"{at.folder}/cmp-bundle.toml")
    assert "belongs to" in at.refused(*words)
    assert not trace.exists()


def test_a_command_that_is_meant(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test above could not fail if nothing ran the command."""
    trace = planted(at)
    monkeypatch.delenv("CMP_BUNDLE_ASTERISK_COMMAND")
    monkeypatch.setenv("SUDO_UID", str(SOMEBODY))
    at.run("releases")
    assert trace.exists()


def test_settings_in_a_folder_of_somebody_s(at: Desk) -> None:
    (at.folder / "cmp-bundle.toml").touch()
    give(at.folder)
    assert f"{at.folder}: belongs to {SOMEBODY}, who could replace cmp-bundle.toml" in at.refused(
        "config"
    )
    (at.folder / "cmp-bundle.toml").unlink()
    at("config")  # nothing of theirs is used


def test_accounts_and_key_of_somebody_s(at: Desk) -> None:
    at("accounts", "import")
    before = at("links").splitlines()[:2]
    for path in (at.accounts, at.key):
        give(path)
        for words in (("links",), ("link", "alice"), ("build",), ("accounts", "rotate", "alice")):
            said = at.refused(*words)
            assert f"{path}: belongs to {SOMEBODY}" in said
        give(path, 0)
    assert at("links").splitlines() == before
    at.key.rename(at.folder / "theirs")
    give(at.folder / "theirs")
    at.key.symlink_to("theirs")
    assert f"{at.folder}/theirs: belongs to {SOMEBODY}" in at.refused("links")
    assert "belongs to" in at.refused("key", "restore", "theirs", "--yes")


def test_no_key_is_made_where_somebody_could_exchange_it(at: Desk) -> None:
    at.write('[[account]]\nid = "a"\npassword = "wonder1and"\n')
    there = at.folder / "there"
    there.mkdir()
    give(there)
    (at.folder / "cmp-bundle.toml").write_text('[links]\nkey = "there/cmp-bundle.key"\n')
    said = at.refused("links")
    assert f"{there}: belongs to {SOMEBODY}, who could replace cmp-bundle.key" in said


@pytest.mark.parametrize(
    "words", [("links", "--out", "planted"), ("link", "alice", "--svg", "planted"),
              ("key", "backup", "planted", "--force")]
)  # fmt: skip
def test_nothing_is_written_through_a_link_of_somebody_s(at: Desk, words: tuple[str, ...]) -> None:
    at("accounts", "import")
    at("links")
    victim = at.folder.parent / "victim"
    victim.write_text("precious")
    at.folder.chmod(0o1777)
    (at.folder / "planted").symlink_to(victim)
    give(at.folder / "planted")
    assert f"{at.folder}/planted: belongs to {SOMEBODY}" in at.refused(*words)
    assert victim.read_text() == "precious"


def test_a_password_file_of_somebody_s(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    at.write('[[account]]\nid = "a"\nsource = "mysql://a@127.0.0.1:1/a"\n')
    (at.folder / "word").write_text("theirs")
    (at.folder / "word").chmod(0o600)
    give(at.folder / "word")
    monkeypatch.setenv("CMP_BUNDLE_ACCOUNTS_DATABASE_PASSWORD_FILE", "word")
    assert f"{at.folder}/word: belongs to {SOMEBODY}" in at.refused("accounts", "check")


def as_another(user: int, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", AS_ANOTHER, str(user), str(folder), *words],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        cwd="/",
        env=os.environ | {"PYTHONPATH": str(ROOT), "SUDO_UID": str(NOBODY)},
    )


@pytest.mark.slow
def test_somebody_in_the_folder_of_another() -> None:
    with open_folder() as folder:
        settings = folder / "cmp-bundle.toml"
        settings.write_text('[account]\nid = "planted"\n')
        done = as_another(SOMEBODY, folder, "config")
        assert 'id = "planted"' in done.stdout, "root's are everybody's"
        give(settings, NOBODY)
        done = as_another(SOMEBODY, folder, "config")
        assert (done.returncode, done.stdout) == (1, "")
        assert "cmp-bundle.toml: belongs to nobody, and not to you or root" in done.stderr
        assert 'id = "planted"' in as_another(NOBODY, folder, "config").stdout
