"""What a user is told who may not read Asterisk's files, as Debian's packages have them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cmp_bundle.cli import app
from cmp_bundle.cli.app import DONE, MISTAKE
from tests.unit.nobody import NOBODY, as_nobody, needs_root, open_folder

from .people import Desk, Result, desk

pytestmark = [needs_root, pytest.mark.slow]

#: What is not known, where this user may not look.
NOT_KNOWN = (
    "does not exist",
    "is missing",
    "not a file",
    "HTTPS is off",
    "no Asterisk",
    "no endpoint",
    "holds no",
)

COMMANDS = [
    ("init", "--force"),
    ("accounts", "check"),
    ("accounts", "import"),
    ("accounts", "sync"),
    ("accounts", "show", "alice"),
    ("accounts", "rotate", "own"),
    ("link", "alice"),
    ("links",),
    ("releases",),
    ("build",),
    ("deploy",),
    ("provision", "--dry-run"),
    ("rollback",),
    ("undeploy",),
]


@pytest.fixture(name="at")
def _at(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    with open_folder() as folder:
        at = desk(folder, monkeypatch, capsys)
        monkeypatch.delenv("CMP_BUNDLE_SITE_URL")
        monkeypatch.setenv("CMP_BUNDLE_STATE", str(folder / "state"))
        at.write(
            '[[account]]\nid = "alice"\nsource = "pjsip.conf"\n\n'
            '[[account]]\nid = "own"\npassword = "of-my-own"\n'
        )
        (etc(at) / "asterisk.conf").write_text("[options]\n")
        at("build")
        for name in app.COMMANDS:
            at(name, "--help")  # nobody may not import them where Python is root's own
        for path in (folder, at.folder, *at.folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        for path in etc(at).rglob("*"):
            path.chmod(0o750 if path.is_dir() else 0o640)
        yield at


def etc(at: Desk) -> Path:
    return at.root / "etc/asterisk"


def said(at: Desk, *words: str) -> str:
    """What the command tells somebody who may not: nothing about what it could not see."""
    with as_nobody():
        done = at.run(*words)
    assert done.code == MISTAKE, done
    assert "sudo cmp-bundle" in done.err
    assert not [text for text in NOT_KNOWN if text in done.out + done.err]
    return done.err


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_files_that_this_user_may_not_read(at: Desk, words: tuple[str, ...]) -> None:
    assert f"{etc(at)}/asterisk.conf: this user may not read it" in said(at, *words)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_other_files(at: Desk, words: tuple[str, ...]) -> None:
    """What asterisk.conf says may be known without it."""
    (etc(at) / "asterisk.conf").chmod(0o644)
    text = said(at, *words)
    assert "this user may not read it" in text
    assert f"{etc(at)}/http.conf: " in text or f"{etc(at)}/pjsip.conf: " in text


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_folder_that_this_user_may_not_enter(at: Desk, words: tuple[str, ...]) -> None:
    etc(at).chmod(0o750)
    assert f"{etc(at)}: cannot be read by this user" in said(at, *words)


def test_a_certificate_that_this_user_may_not_read(at: Desk) -> None:
    for name in ("asterisk.conf", "http.conf"):
        (etc(at) / name).chmod(0o644)
    path = etc(at) / "keys/asterisk.pem"
    assert (
        f"{path}: the address of the phone is not known: the certificate's names are not"
        in said(at, "link", "own")
    )
    with as_nobody():
        done = at.run("init")
    assert done.code == DONE
    assert "not known: cannot be read by this user" in done.out


def test_a_bundle_that_this_user_may_not_read(at: Desk) -> None:
    for path in etc(at).rglob("*.conf"):
        path.chmod(0o644)
    at.key.unlink()
    os.chown(at.folder / "dist", 0, 0)
    (at.folder / "dist").chmod(0o700)
    assert "dist/manifest.json: cannot be read: permission denied" in said(at, "build")


def test_accounts_of_one_s_own_need_no_asterisk_to_be_built(at: Desk) -> None:
    at.write('[[account]]\nid = "own"\npassword = "of-my-own"\n')
    with as_nobody():
        done = at.run("build")
    assert done.code == DONE, done
    with as_nobody():
        done = at.run("link", "own", "--url", "https://pbx.example.com:8089")
    assert done == Result(DONE, done.out, "")


def test_a_folder_to_remember_in_that_is_another_s(
    at: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root's is for whoever still has root's HOME."""
    for path in etc(at).rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (at.folder.parent / "roots").mkdir(0o700)
    monkeypatch.setenv("CMP_BUNDLE_STATE", str(at.folder.parent / "roots/state"))
    with as_nobody():
        done = at.run("deploy")
    assert done.code == MISTAKE
    assert "error state-folder" in done.err


def test_a_file_that_asterisk_s_user_may_not_read(
    at: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root knows it beforehand: Asterisk reads it as its own user, and would have nothing."""
    monkeypatch.setenv("CMP_BUNDLE_STATE", str(tmp_path))
    (at.root / "etc/passwd").write_text(f"root:x:0:0::/:\nasterisk:x:{NOBODY}:{NOBODY}::/:\n")
    for path in (at.folder.parent, at.folder, *at.folder.rglob("*")):
        os.chown(path, 0, 0)
    for path in etc(at).glob("*.conf"):
        path.chmod(0o640 if path.name == "http.conf" else 0o644)
    for words in (("deploy",), ("undeploy",), ("provision",), ("link", "own")):
        done = at.refused(*words)
        assert f"{etc(at)}/http.conf: " in done
        assert "Asterisk, which runs as asterisk, cannot read this file" in done
        assert "let asterisk read it" in done
    assert "Asterisk, which runs as asterisk, cannot read this file" in at("init", "--force")
