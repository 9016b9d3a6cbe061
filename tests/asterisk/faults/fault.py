"""What a fault is, and the server that it is made on."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cmp_bundle.commands import Context, doctor
from cmp_bundle.commands.examination import Examination
from cmp_bundle.findings import Level
from tests.testbed.server import Asterisk

#: What makes Asterisk read a file again; a restart for all others.
RELOADS = {
    "http.conf": "module reload http",
    "https.pem": "module reload http",
    "pjsip.conf": "module reload res_pjsip.so",
    "extensions.conf": "dialplan reload",
    "rtp.conf": "module reload res_rtp_asterisk.so",
    "confbridge.conf": "module reload app_confbridge.so",
    "logger.conf": "logger reload",
}


@dataclass
class Server:
    """A provisioned Asterisk with two accounts, alice and bob, in healthy state between two faults.

    ``work`` is the operator's folder. Whatever a fault changes in ``etc`` is put back, and reloaded;
    what else it does, it undoes by ``at_the_end``.
    """

    pbx: Asterisk
    work: Path
    healthy: dict[Path, tuple[bytes, int, int, int]] = field(default_factory=dict)
    endings: list[Callable[[], None]] = field(default_factory=list)
    restarted: bool = False

    @property
    def etc(self) -> Path:
        return self.pbx.etc

    @property
    def ours(self) -> Path:
        """The folder of cmp-bundle's own files."""
        return self.etc / "cmp-bundle"

    def remember(self) -> None:
        """That all is well now."""
        self.healthy = {path: _state(path) for path in _files(self.etc)}

    def append(self, name: str, text: str) -> None:
        """Write ``text`` behind all that stands in a file, and have it read."""
        path = self.etc / name
        path.write_text(f"{path.read_text() if path.exists() else ''}\n{text}\n")
        self.reload(name)

    def replace(self, name: str, old: str, new: str) -> None:
        """In a file of ``etc``, and have it read. Fails where ``old`` is not there."""
        path = self.etc / name
        text = path.read_text()
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new))
        self.reload(name)

    def reload(self, name: str) -> None:
        line = RELOADS.get(Path(name).name)
        if line is None:
            self.restart()
        else:
            if line == RELOADS["http.conf"]:
                _touch(self.etc / "http.conf")
            self.pbx.rx(line)

    def restart(self) -> None:
        self.restarted = True
        self.pbx.stop()
        self.pbx.start()

    def at_the_end(self, undo: Callable[[], None]) -> None:
        self.endings.append(undo)

    def put_back(self, path: Path) -> None:
        """At the end, a file of the operator's as it is now."""
        before = path.read_bytes()

        def undo() -> None:
            path.write_bytes(before)

        self.at_the_end(undo)

    def ask_at_the_end(self, line: str) -> None:
        def undo() -> None:
            self.pbx.rx(line)

        self.at_the_end(undo)

    def heal(self) -> None:
        """Everything as it was remembered."""
        while self.endings:
            self.endings.pop()()
        changed = set()
        for path in {*_files(self.etc), *self.healthy}:
            before = self.healthy.get(path)
            if before is None:
                path.unlink()
            elif not path.exists() or _state(path) != before:
                data, mode, uid, gid = before
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
                path.chmod(mode)
                os.chown(path, uid, gid)
            else:
                continue
            changed.add(path.name)
        if self.restarted or changed - RELOADS.keys():
            self.restart()
            self.restarted = False
        else:
            for name in sorted(changed):
                self.reload(name)

    def examine(self, **options: Any) -> Examination:
        """What the doctor says, without a public address unless one is given."""
        return doctor(self.context(), **options)

    def context(self) -> Context:
        settings = {"asterisk.root": str(self.pbx.root), "asterisk.command": self.pbx.command}
        return Context.load(self.work / "cmp-bundle.toml", settings)


def write(server: Server, name: str, text: str) -> None:
    """Behind what stands in a file, and nobody reads it."""
    path = server.etc / name
    path.write_text(f"{path.read_text() if path.exists() else ''}\n{text}\n")


def codes(found: Examination, *levels: Level) -> list[str]:
    return [one.code for one in found.findings if one.level in (levels or (Level.ERROR,))]


def told(found: Examination) -> str:
    """For a test that failed."""
    return json.dumps(
        [[o.code, o.level, o.message, o.seen, o.fix] for o in found.findings], indent=1
    )


@dataclass(frozen=True)
class Fault:
    """``make`` brings it about. Then ``code`` is found, its words hold each of ``words``, and there is no
    error of another code but those in ``along``.

    ``versions`` are those of Asterisk on which it is made in every run; the other one is in make soak,
    if it can be so there: ``never`` are those where it cannot. ``options`` are given to the doctor.
    """

    code: str
    make: Callable[[Server], None]
    words: tuple[str, ...]
    along: tuple[str, ...] = ()
    versions: tuple[str, ...] = ("22",)
    never: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    name: str = ""


def _files(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()]


def _state(path: Path) -> tuple[bytes, int, int, int]:
    found = path.stat()
    return path.read_bytes(), found.st_mode & 0o7777, found.st_uid, found.st_gid


#: The last time that a file was given.
_TIMES: dict[Path, int] = {}


def _touch(path: Path) -> None:
    """With a time that it did not have yet: Asterisk compares whole seconds."""
    moment = max(int(path.stat().st_mtime), _TIMES.get(path, 0)) + 1
    _TIMES[path] = moment
    os.utime(path, (moment, moment))


def remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
