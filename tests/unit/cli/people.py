"""Somebody at a terminal, with a phone, a file of accounts and an Asterisk that is not running."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

from cmp_bundle.bundle import manifest
from cmp_bundle.cli import app
from cmp_bundle.cli.app import DONE, MISTAKE
from cmp_bundle.errors import CmpBundleError
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
context=phones

[phones](!)
type=aor
max_contacts=5

[alice](webrtc)
aors=alice
auth=alice
callerid=Alice <246>

[alice](phones)

[alice]
type=auth
username=alice
password=wonder1and

[bob](webrtc)
aors=bob
auth=bob

[bob](phones)

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
class Typist:
    """``folder`` is where commands are typed; ``printed`` is all that they printed."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    printed: str = field(default="", init=False)
    command: ClassVar[tuple[str, ...]] = ()

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where a command that is refused changes nothing."""
        return (self.folder,)

    def run(self, *words: str) -> Result:
        code = app.run([*self.command, *words])
        output = self.capsys.readouterr()
        self.printed += output.out + output.err
        return Result(code, output.out, output.err)

    def json(self, *words: str) -> Any:
        done = self.run(*words, "--json")
        assert done.code == DONE, done
        document = json.loads(done.out)
        schemas.check((*self.command, *words), document)
        return document

    def refused(self, *words: str) -> str:
        """What it says instead; whatever lies in the folders stays as it is."""
        before = self.content()
        done = self.run(*words)
        assert done.code == MISTAKE, done
        assert self.content() == before
        return done.err

    def content(self) -> dict[str, tuple[bytes, int]]:
        return {
            str(path): (path.read_bytes(), path.stat().st_mode)
            for base in self.folders
            for path in base.rglob("*")
            if path.is_file() and path.name != ".lock"
        }


@dataclass
class Desk(Typist):
    """``root`` is the tree of the Asterisk."""

    root: Path

    @property
    def folders(self) -> tuple[Path, ...]:
        return (self.folder, self.root)

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

    def __call__(self, *words: str) -> str:
        """What a command prints that does what it shall."""
        done = self.run(*words)
        assert done.code == DONE, done
        return done.out + done.err

    def go_live(self) -> None:
        self("build")
        self("deploy")

    def write(self, text: str, mode: int = 0o600) -> None:
        self.accounts.write_text(text)
        self.accounts.chmod(mode)

    def edit(self, path: str, data: bytes) -> None:
        """Edit dist/, its manifest as well: so it is as consistent as any bundle."""
        dist = self.folder / "dist"
        before = manifest.read(dist)
        listed = manifest.listed({**before.files, path: data})
        after = replace(before.manifest, files=listed, id=manifest.bundle_id(listed))
        (dist / path).parent.mkdir(exist_ok=True)
        (dist / path).write_bytes(data)
        (dist / manifest.NAME).write_bytes(after.to_json())

    def profiles(self) -> dict[str, bytes]:
        """What is deployed, by the name that a browser asks for."""
        return {p.name: p.read_bytes() for p in self.static.glob(".*/p/*")}


def fill_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Profiles of a server cannot be written any more."""

    def failing(*_args: object) -> None:
        raise CmpBundleError("a-code", "no room on the disk")

    monkeypatch.setattr("cmp_bundle.deploy.staging.stage_profiles", failing)


def without_database_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on SQLAlchemy cannot be imported, and what has imported it is imported anew."""
    users = ("database", "database_source", "from_database", "rows")
    for name in [f"cmp_bundle.accounts.{user}" for user in users]:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)


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
    return Desk(folder, capsys, root)
