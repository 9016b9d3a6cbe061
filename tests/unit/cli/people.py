"""Somebody at a terminal, with a phone, a file of accounts and an Asterisk that is not running."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cmp_bundle.cli import app
from cmp_bundle.cli.app import DONE, MISTAKE
from tests import schemas
from tests.unit.bundle.phones import FILES, lay
from tests.unit.deploy.trees import tree

PJSIP = b"""\
[transport-wss]
type=transport
protocol=wss
bind=0.0.0.0

[webrtc](!)
type=endpoint
webrtc=yes
max_video_streams=4

[alice](webrtc)
auth=alice
callerid=Alice <246>

[alice]
type=auth
username=alice
password=wonder1and

[bob](webrtc)
auth=bob

[bob]
type=auth
username=bob
password=bui1der-too
realm=elsewhere

[desk]
type=endpoint
auth=desk

[desk]
type=auth
username=desk
password=on-the-desk
"""


@dataclass
class Result:
    code: int
    out: str
    err: str


@dataclass
class Desk:
    """``folder`` is where commands are typed, ``root`` the tree of the Asterisk."""

    folder: Path
    root: Path
    capsys: pytest.CaptureFixture[str]
    shown: str = ""

    @property
    def accounts(self) -> Path:
        return self.folder / "accounts.toml"

    @property
    def key(self) -> Path:
        return self.folder / "cmp-bundle.key"

    @property
    def pjsip(self) -> Path:
        return self.root / "etc/asterisk/pjsip.conf"

    @property
    def static(self) -> Path:
        return self.root / "usr/share/asterisk/static-http"

    def run(self, *words: str) -> Result:
        code = app.run(list(words))
        said = self.capsys.readouterr()
        self.shown += said.out + said.err
        return Result(code, said.out, said.err)

    def __call__(self, *words: str) -> str:
        """What a command prints that does what it shall."""
        done = self.run(*words)
        assert done.code == DONE, done
        return done.out + done.err

    def go_live(self) -> None:
        self("build")
        self("deploy")

    def json(self, *words: str) -> Any:
        done = self.run(*words, "--json")
        assert done.code == DONE, done
        printed = json.loads(done.out)
        schemas.check(words, printed)
        return printed

    def refused(self, *words: str) -> str:
        """What it says instead; whatever lies in the folder stays as it is."""
        before = self.content()
        done = self.run(*words)
        assert done.code == MISTAKE, done
        assert self.content() == before
        return done.err

    def content(self) -> dict[str, tuple[bytes, int]]:
        return {
            str(path): (path.read_bytes(), path.stat().st_mode)
            for base in (self.folder, self.root)
            for path in base.rglob("*")
            if path.is_file() and path.name != ".lock"
        }

    def write(self, text: str, mode: int = 0o600) -> None:
        self.accounts.write_text(text)
        self.accounts.chmod(mode)

    def profiles(self) -> dict[str, bytes]:
        """What is deployed, by the name that a browser asks for."""
        return {p.name: p.read_bytes() for p in self.static.glob(".*/p/*")}


def desk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    root = tree(tmp_path / "root", pjsip_conf=PJSIP)
    folder = tmp_path / "here"
    folder.mkdir()
    lay(tmp_path / "phone", FILES)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CMP_BUNDLE_ASTERISK_ROOT", str(root))
    monkeypatch.setenv("CMP_BUNDLE_ASTERISK_COMMAND", '["false"]')
    monkeypatch.setenv("CMP_BUNDLE_PHONE_SOURCE", str(tmp_path / "phone"))
    monkeypatch.setenv("CMP_BUNDLE_SITE_URL", "https://pbx.example.com:8089")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return Desk(folder, root, capsys)
