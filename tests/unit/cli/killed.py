"""Kills a command at each of its steps, one after the other; prints what was left, as a line of JSON each.

A program of its own, so that it can fork: the child is stopped by SIGKILL right before its n-th
announced step; then another command brings things to their end, itself killed on the way where that
is asked for. Which steps there are is told by a run that nobody kills.

    python -m tests.unit.cli.killed ACTION RECOVERY FOLDER telling|rows|again [DATABASE]

RECOVERY is one of RECOVERIES, or ``any``: each step is recovered by another one. ``telling`` leaves
out the steps that nobody sees anything of until the next, ``rows`` all but those right before and
after rows are changed; with ``again`` recoveries are killed too.
DATABASE is an empty one that is running, a Realtime as JSON; without it, it is a file.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import sys
import tomllib
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import sqlalchemy as sa

from cmp_bundle.accounts import keyring
from cmp_bundle.accounts.profile import unseal
from cmp_bundle.cli import app
from cmp_bundle.files import Disk
from tests.testbed.databases import Realtime
from tests.testbed.realtime import AUTHS
from tests.unit.accounts import realtime
from tests.unit.bundle.phones import FILES, lay
from tests.unit.deploy.trees import snapshot, tree

ACTIONS = {
    "rotate all": ("accounts", "rotate", "--all"),
    "rotate own": ("accounts", "rotate", "olive"),
    "rotate conf": ("accounts", "rotate", "alice"),
    "rotate row": ("accounts", "rotate", "dora"),
    "renew": ("link", "olive", "--renew"),
    "key rotate": ("key", "rotate", "--yes"),
    "key restore": ("key", "restore", "backup", "--yes"),
}
RECOVERIES = {
    "same": (),
    "deploy": ("deploy",),
    "rollback": ("rollback",),
    "rotate another": ("accounts", "rotate", "alice"),
    "renew another": ("link", "alice", "--renew"),
}

#: Steps before which something else can be seen than before the last one.
SEEN = ("rename", "exchange", "unlink", "rows", "reload")

_AUTH = (
    "[{0}]\ntype=endpoint\nwebrtc=yes\nauth={0}\n\n[{0}]\ntype=auth\nusername={0}\npassword={1}\n\n"
)
_PEOPLE = """\
[[account]]
id = "olive"
password = "olives-own"

[[account]]
id = "alice"
source = "pjsip.conf"

[[account]]
id = "dora"
source = "{}"
"""


@dataclass(frozen=True)
class Place:
    """An operator's folder, an Asterisk that is not running, a database, and what is remembered."""

    base: Path
    server: Realtime | None = None

    @property
    def here(self) -> Path:
        return self.base / "here"

    @property
    def pjsip(self) -> Path:
        return self.base / "root/etc/asterisk/pjsip.conf"

    @property
    def database(self) -> Realtime:
        return self.server or realtime.in_file(self.base / "realtime.db")

    @property
    def journal(self) -> Path | None:
        return next((self.base / "state").glob("*/journal.json"), None)

    def make(self) -> None:
        self.here.mkdir(parents=True)
        pjsip = "".join(
            _AUTH.format(*who) for who in (("olive", "olives-own"), ("alice", "of-alice"))
        )
        tree(self.base / "root", pjsip_conf=pjsip.encode())
        if self.database.path is not None:
            self.database.path.touch()
        self.fill()
        accounts, secret = self.here / "accounts.toml", self.here / "database.password"
        accounts.write_text(_PEOPLE.format(self.database.url))
        secret.write_text(self.database.password)
        for path in (accounts, secret):
            path.chmod(0o600)
        lay(self.base / "phone", FILES)

    def fill(self) -> None:
        realtime.fill(self.database, "dora")

    def enter(self) -> None:
        os.chdir(self.here)
        os.environ |= {
            "XDG_STATE_HOME": str(self.base / "log"),
            "CMP_BUNDLE_STATE": str(self.base / "state"),
            "CMP_BUNDLE_ASTERISK_ROOT": str(self.base / "root"),
            "CMP_BUNDLE_ASTERISK_COMMAND": '["false"]',
            "CMP_BUNDLE_PHONE_SOURCE": str(self.base / "phone"),
            "CMP_BUNDLE_SITE_URL": "https://pbx.example.com:8089",
        }
        if self.database.password:
            os.environ["CMP_BUNDLE_ACCOUNTS_DATABASE_PASSWORD_FILE"] = "database.password"

    def passwords(self) -> dict[str, str]:
        """As Asterisk has them."""
        held = re.findall(r"type=auth\nusername=(\w+)\npassword=(\S+)", self.pjsip.read_text())
        with self.database.engine().connect() as connection:
            rows = connection.execute(sa.select(AUTHS.c.id, AUTHS.c.password)).all()
        return dict(held) | {row[0]: row[1] for row in rows}

    def disagreement(self) -> str | None:
        """What differs between the file of accounts, Asterisk, the profiles and the key."""
        now = self.passwords()
        rows = tomllib.loads((self.here / "accounts.toml").read_text())["account"]
        own = {row["id"]: row["password"] for row in rows if "password" in row}
        if own != {"olive": now["olive"]}:
            return "accounts.toml and pjsip.conf"
        ring = keyring.load(self.here / "cmp-bundle.key")
        assert ring is not None
        static = self.base / "root/usr/share/asterisk/static-http"
        profiles = {path.stem: path for path in static.glob(".*/p/*")}
        tokens = {name: ring.token(name) for name in now}
        if set(profiles) != {token.name for token in tokens.values()}:
            return "the key and the names of the profiles"
        for name, token in tokens.items():
            told = unseal(profiles[token.name].read_bytes(), token)
            ha1 = hashlib.md5(f"{name}:{told.get('realm')}:{now[name]}".encode()).hexdigest()
            if (told.get("password"), told.get("ha1")) not in ((now[name], None), (None, ha1)):
                return f"Asterisk's password of {name} and its profile"
        return None

    def links(self) -> dict[str, str]:
        ring = keyring.load(self.here / "cmp-bundle.key")
        assert ring is not None
        return {name: ring.token(name).text for name in self.passwords()}

    def left(self) -> list[str]:
        """Names that no run that came to its end leaves."""
        found = (str(path.relative_to(self.base)) for path in self.base.rglob("*"))
        return sorted(p for p in found if re.search(r"partial|building|journal\.json", p))


@dataclass(frozen=True)
class Ended:
    """How a run ended: ``code`` is None where it was killed, right before the last of its steps."""

    steps: tuple[str, ...]
    code: int | None
    said: str

    @property
    def step(self) -> str | None:
        """Where it was killed; None where it came to its end."""
        return self.steps[-1] if self.code is None else None


def main(
    action: str, recovery: str, folder: Path, how: str, server: Realtime | None
) -> Iterator[dict[str, Any]]:
    load()
    at, kept = Place(folder / "at", server), folder / "kept"
    at.make()
    at.enter()
    for words in (
        ("build",),
        ("deploy",),
        ("key", "backup", "backup"),
        *([("key", "rotate", "--yes")] if action == "key restore" else []),
        ("build", "--no-pack"),
        ("deploy",),
    ):
        done = run(words)
        assert done.code == app.DONE, done
    assert at.disagreement() is None
    shutil.copytree(at.base, kept, symlinks=True)
    whole = run(ACTIONS[action])
    assert whole.code == app.DONE, whole
    recoveries = cycle(RECOVERIES if recovery == "any" else [recovery])
    for number, step in chosen((said.split()[0] for said in whole.steps), how):
        shutil.rmtree(at.base)
        shutil.copytree(kept, at.base, symlinks=True)
        os.chdir(at.here)
        if server is not None:
            at.fill()
        before = (at.passwords(), at.links())
        killed = run(ACTIONS[action], number)
        assert killed.step is not None, killed
        assert killed.step.split()[0] == step, f"{killed.step} was {step} before"
        name = next(recoveries)
        ends = ended(at, action, name, before, again=how == "again")
        yield {"step": killed.step, "recovery": name} | ends


def chosen(names: Iterable[str], how: str) -> Iterator[tuple[int, str]]:
    """The numbers and names of the steps to be killed at, of all that there are."""
    was = ""
    for number, name in enumerate(names):
        if how in ("telling", "rows") and name not in SEEN:
            continue
        if how != "rows" or "rows" in (was, name):
            yield number, name
        was = name


def ended(
    at: Place, action: str, recovery: str, before: tuple[dict[str, str], ...], *, again: bool
) -> dict[str, Any]:
    """What another command makes of what was left."""
    journal = at.journal is not None
    seen = snapshot(at.base)
    dry = run(("undeploy", "--dry-run"))
    row: dict[str, Any] = {"journal": journal, "dry": dry.code, "looked": snapshot(at.base) == seen}
    words = RECOVERIES[recovery] or ACTIONS[action]
    said, kills = [], 0
    for number in (*((0, 1, 2, 3, 5, 8, 13, 21, 34) if again else ()), None):
        done = run(words, number)
        said.append(done.said)
        if done.step is None:
            break
        kills += 1
    row |= {"code": done.code, "said": said, "kills": kills}
    # The bundle's folder is no part of a server: what a build left goes with the next build.
    row["left"] = [name for name in at.left() if not re.match(r"here/\.+dist\.", name)]
    row["disagree"] = at.disagreement()
    touched = {"rotate another": {"alice"}, "renew another": {"alice"}}.get(recovery, set())
    for kind, was, now in zip(
        ("passwords", "links"), before, (at.passwords(), at.links()), strict=True
    ):
        row[kind] = {name: now[name] != was[name] for name in was if name not in touched}
    # The bundle that lies there now is either right, or refused: never live with old passwords.
    deployed = run(("deploy",))
    row |= {"deploy": deployed.code, "deploy said": deployed.said, "then": at.disagreement()}
    for then in (("build", "--no-pack"), ("deploy",)) if deployed.code or at.left() else ():
        row |= {"at last": run(then).code, "in the end": at.disagreement()}
    return row | {"left at last": at.left()}


def load() -> None:
    """Import all commands, so that not every child does."""
    for name in app.COMMANDS:
        import_module(f"cmp_bundle.cli.{name}")


def run(words: tuple[str, ...], number: int | None = None) -> Ended:
    """Run a command line in a child, killed before its step ``number``."""
    with TemporaryFile() as steps, TemporaryFile() as out:
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            for descriptor in (1, 2):
                os.dup2(out.fileno(), descriptor)
            left = [number]

            def before(step: str, path: Path) -> None:
                os.write(steps.fileno(), f"{step} {path}\n".encode())
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                if left[0] is not None:
                    left[0] -= 1

            Disk.__init__.__defaults__ = (before, None)
            try:
                code = app.run(list(words))
            except BaseException:  # noqa: BLE001 - a forked child must end here, whatever it was
                traceback.print_exc()
                code = app.BUG
            sys.stdout.flush()
            os._exit(code)
        _, status = os.waitpid(child, 0)
        announced, said = (_all(file).decode() for file in (steps, out))
    told = tuple(announced.splitlines())
    if os.WIFEXITED(status):
        return Ended(told, os.WEXITSTATUS(status), said)
    assert os.WTERMSIG(status) == signal.SIGKILL
    return Ended(told, None, said)


def _all(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


if __name__ == "__main__":
    _, what, recovered_by, in_folder, in_detail, *more = sys.argv
    database = Realtime(**json.loads(more[0])) if more else None
    for told in main(what, recovered_by, Path(in_folder), in_detail, database):
        print(json.dumps(told), flush=True)
