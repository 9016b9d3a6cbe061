"""Root at work on a real Asterisk whose user means harm: a process that is that user, in its tree.

As tests/unit/deploy/test_hostile.py, with nothing of it made up: the command line as root, the
server's own answers, and the kernel's word on what the user may do.
"""

from __future__ import annotations

import http.client
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cmp_bundle.checks import live
from cmp_bundle.cli import app
from tests.asterisk import hostile_user
from tests.conftest import SIXTEEN_IN_SOAK, Cmp
from tests.testbed import roots
from tests.testbed.server import Asterisk
from tests.unit.deploy.trees import snapshot

pytestmark = [pytest.mark.asterisk, SIXTEEN_IN_SOAK]

for name in (
    "deploy",
    "provision",
    "rollback",
    "undeploy",
    "accounts",
    "accounts_import",
    "doctor",
):
    importlib.import_module(f"cmp_bundle.cli.{name}")  # here, and not in each process

SECRET = "only-root-knows-this"
SITE = "cyber_mega_phone_2k"
ROUNDS = 20
TEN = 10


@dataclass
class Hostile:
    """A running Asterisk, what is root's inside and outside of its tree, and who wants it."""

    pbx: Asterisk
    cmp: Cmp
    inside: Path
    outside: Path
    said: list[str] = field(default_factory=list)

    @property
    def etc(self) -> str:
        return f"{self.pbx.inside}/etc"

    @property
    def hidden(self) -> str:
        return f"{self.pbx.inside}/data/static-http/.{SITE}"

    @property
    def target(self) -> str:
        """A folder of root's as the user sees it."""
        return "/" + str(self.inside.relative_to(self.pbx.root))

    @property
    def has_data(self) -> bool:
        return self.pbx.static.stat().st_uid == self.pbx.user()[0]

    def does(self, *words: str) -> None:
        """As Asterisk's user. It may do all of it."""
        uid, gid = self.pbx.user()
        tree = str(self.pbx.root)
        code, said = _forked(lambda: hostile_user.main(tree, str(uid), str(gid), *words))
        assert code == 0, said

    @contextmanager
    def racing(self, where: str) -> Iterator[None]:
        uid, gid = self.pbx.user()
        program = [sys.executable, "-m", "tests.asterisk.hostile_user", str(self.pbx.root)]
        command = [*program, str(uid), str(gid), "race", where, self.target]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            try:
                yield
                assert process.poll() is None, "the attacker gave up"
            finally:
                process.kill()

    def runs(self, *words: str) -> str:
        """As root, whatever comes of it: but no bug."""
        code, said = _forked(lambda: self._root(*words))
        assert code in (app.DONE, app.MISTAKE), said
        self.said.append(said)
        return said

    def works(self, *words: str) -> None:
        """As root."""
        code, said = _forked(lambda: self._root(*words))
        assert code == app.DONE, said

    def _root(self, *words: str) -> int:
        os.chdir(self.cmp.folder)
        os.environ |= self.cmp.environment
        return app.run(list(words))

    def everything(self, bundles: dict[str, Path]) -> None:
        """Each command that changes the server."""
        self.runs("deploy", str(bundles["2"]), "--keep", "1")
        self.runs("rollback")
        self.runs("provision")
        self.runs("provision", "--undo")
        self.runs("undeploy")


def _forked(act: Callable[[], int | None]) -> tuple[int, str]:
    """The exit code of ``act`` in a process of its own, and what it said.

    To start Python anew would take most of the time of these tests.
    """
    with tempfile.TemporaryFile() as out:
        child = os.fork()
        if child == 0:
            code = app.BUG
            try:
                os.dup2(out.fileno(), 1)
                os.dup2(out.fileno(), 2)
                sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
                code = act() or 0
            except BaseException:  # noqa: BLE001 - it must not go on as the tests
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out.seek(0)
        return code, out.read().decode()


@pytest.fixture(params=["Debian", "from source"])
def hostile(
    request: pytest.FixtureRequest, asterisk_release: roots.Release, cmp: Cmp, tmp_path: Path
) -> Iterator[Hostile]:
    """Nothing of root's changes, and nothing of it is told."""
    pbx = Asterisk.prepare(asterisk_release)
    pbx.install(data="root" if request.param == "Debian" else "asterisk")
    inside = pbx.base.with_name(f"roots-{pbx.base.name}")
    outside = tmp_path / "host"
    for place in (inside, outside):
        _keep_safe(place)
    state = Path(os.environ["CMP_BUNDLE_STATE"])
    made = Hostile(pbx, cmp, inside, outside)
    before = [snapshot(place) for place in (inside, outside)]
    try:
        pbx.start()
        cmp.aim(pbx)
        yield made
        assert [snapshot(place) for place in (inside, outside)] == before, "root's was changed"
        kept = [p.read_bytes() for p in (*state.rglob("*"), *cmp.folder.rglob("*")) if p.is_file()]
        assert SECRET.encode() not in b"".join(kept)
        assert SECRET not in "".join(made.said)
    finally:
        pbx.remove()
        shutil.rmtree(inside, ignore_errors=True)


def _keep_safe(place: Path) -> None:
    """Folders and files of root's, such as a system is full of."""
    place.mkdir()
    (place / "cron.d").mkdir()
    (place / "cron.d/job").write_text("* * * * * root true\n")
    (place / "cron.d/index.html").write_text("a page of root's\n")
    (place / "cron.d/http.conf").write_text("[general]\n")
    (place / "shadow").write_text(f"[general]\nroot={SECRET}\n")
    (place / "debian.cnf").write_text(
        f"[alice](+)\nwebrtc=yes\n[alice-auth]\ntype=auth\nusername=alice\npassword={SECRET}\n"
    )
    for name in ("shadow", "debian.cnf"):
        (place / name).chmod(0o600)
    for folder in (place, place / "cron.d"):
        folder.chmod(0o755)


def works(at: Hostile, bundles: dict[str, Path]) -> None:
    """With the attack over, a deploy is what it always was."""
    # While it went on, Asterisk was led by the links as well, and nobody has told it since.
    at.pbx.rx("module reload http")
    at.works("deploy", str(bundles["1"]))
    answer = live.get(at.pbx.url, "/cmp2k")
    assert answer.status == http.client.FOUND
    assert answer.location
    page = live.get(at.pbx.url, answer.location)
    assert page.body == (bundles["1"] / "index.html").read_bytes()


def planted(at: Hostile) -> str:
    """A journal that would give root's folder away, and a file with a setuid bit."""
    inside = at.pbx.root / at.target.lstrip("/")
    shell = {"file": "", "owner": [0, 0, 0o4755], "mtime": None}
    change = {"path": str(inside / "shell"), "included": None, "before": shell, "after": None}
    return json.dumps(
        {
            "format": 1,
            "action": "deploy",
            "phase": "changing",
            "finishing": False,
            "reload": [],
            "then": [str(inside / "cron.d")],
            "changes": [change],
            "steps": [change | {"kind": "path", "theirs": False}],
            "cleanup": [{"path": str(inside / "cron.d/job"), "names": None}],
        }
    )


def test_what_is_planted_is_neither_believed_nor_followed(
    hostile: Hostile, bundles: dict[str, Path]
) -> None:
    at = hostile
    cron = f"{at.target}/cron.d"
    climbing = "../" * TEN + str(at.outside / "cron.d").lstrip("/")
    for name in ("checkpoint.json", "journal.json"):
        at.does("put", f"{at.etc}/cmp-bundle/{name}", planted(at))
    at.everything(bundles)
    for name in ("checkpoint.json", "journal.json"):
        at.does("back", f"{at.etc}/cmp-bundle/{name}")
    works(at, bundles)
    at.works("deploy", str(bundles["2"]))
    places = [f"{at.hidden}{part}" for part in ("/assets", "/releases", "")] if at.has_data else []
    for place in places:
        at.does("lead", place, cron)
        at.everything(bundles)
        at.does("back", place)
    for target in (cron, climbing):
        works(at, bundles)
        at.does("lead", f"{at.etc}/cmp-bundle", target)
        at.everything(bundles)
        at.does("back", f"{at.etc}/cmp-bundle")
    works(at, bundles)
    at.does("lead", f"{at.etc}/http.conf", f"{cron}/http.conf")
    at.everything(bundles)
    at.does("back", f"{at.etc}/http.conf")
    works(at, bundles)
    for name in ("pjsip.conf", "https.pem", "extensions.conf"):
        at.works("provision")
        at.does("lead", f"{at.etc}/cmp-bundle/{name}", f"{cron}/http.conf")
        at.runs("provision", "--update")
        at.runs("provision", "--undo")
        at.does("back", f"{at.etc}/cmp-bundle/{name}")
        at.works("provision", "--undo")
    works(at, bundles)


def test_what_only_root_can_read_is_not_read(hostile: Hostile, bundles: dict[str, Path]) -> None:
    at = hostile
    at.works("deploy", str(bundles["1"]))
    at.does("lead", f"{at.etc}/extensions.conf", f"{at.target}/shadow")
    at.everything(bundles)
    at.does("back", f"{at.etc}/extensions.conf")
    pjsip = f"{at.etc}/pjsip.conf"
    for line in ("#include", "#tryinclude"):
        at.does("put", pjsip, f"[alice]\ntype=endpoint\nwebrtc=yes\nauth=alice-auth\n"
                f'{line} "{at.target}/debian.cnf"\n')  # fmt: skip
        at.runs("accounts", "import")
        at.runs("accounts", "import", "--copy")
        at.runs("accounts", "rotate", "--all")
        at.does("back", pjsip)
    at.does("lead", pjsip, f"{at.target}/debian.cnf")
    at.runs("accounts", "import", "--copy", "--update")
    at.runs("accounts", "rotate", "--all")
    at.does("back", pjsip)
    at.works("accounts", "import", "--copy", "--update")
    at.works("accounts", "rotate", "alice")
    works(at, bundles)


#: What the user may make of a file.
PLANTED: dict[str, tuple[str, ...]] = {
    "a pipe": ("pipe",),
    "a hundred megabytes": ("fill", "100", "a = b\n"),
    "sixty megabytes": ("fill", "60", "[a]\ntype = endpoint\nwebrtc = yes\n"),
    "itself again": ("put", "#include *.conf\n#include pjsip.conf\n#tryinclude http.conf\n"),
    "escapes": ("put", "[general]\x1b[2J\n\x9b31m = \x1b]0;root\x07\n[\x1b[2J](!)\n"),
}
EVERYTHING = ("http.conf", "pjsip.conf")
MORE = ("extensions.conf", "logger.conf", "keys/asterisk.pem")


@pytest.mark.parametrize("hostile", ["from source"], indirect=True)
def test_the_doctor_reads_nothing_of_root_s_and_comes_to_an_end(hostile: Hostile) -> None:
    at = hostile
    at.cmp.environment["CMP_BUNDLE_SITE_URL"] = at.pbx.url

    def looks() -> str:
        began = time.monotonic()
        said = at.runs("doctor")
        assert time.monotonic() - began < 60
        assert not set(said) & {chr(code) for code in (*range(9), *range(11, 32), 127)}
        assert len(said) < 100_000
        return said

    healthy = looks()
    for name in (*EVERYTHING, *MORE):
        for kind in PLANTED if name in EVERYTHING else ("a pipe",):
            act, *how = PLANTED[kind]
            at.does(act, f"{at.etc}/{name}", *how)
            said = looks()
            assert "megabytes" not in kind or "is too large" in said, (name, kind)
            at.does("back", f"{at.etc}/{name}")
        at.does("lead", f"{at.etc}/{name}", f"{at.target}/shadow")
        looks()
        at.does("back", f"{at.etc}/{name}")
    assert looks() == healthy


def test_a_user_and_a_data_folder_that_are_lies(hostile: Hostile, bundles: dict[str, Path]) -> None:
    at = hostile
    at.works("deploy", str(bundles["1"]))
    conf = f"{at.etc}/asterisk.conf"
    said = (at.pbx.etc / "asterisk.conf").read_text()
    data = f"{at.pbx.inside}/data"
    assert data in said
    for lie in (
        said.replace(f"astdatadir => {data}", f"astdatadir => {at.target}"),
        f"{said}\n[options](+)\nrunuser = root\n",
        f"{said}\n[options](+)\nrunuser = daemon\n",
    ):
        assert lie != said
        at.does("put", conf, lie)
        # What runs says what it was started with; so it is both, running and down.
        at.runs("deploy", str(bundles["2"]))
        at.cmp.environment["CMP_BUNDLE_ASTERISK_COMMAND"] = '["false"]'
        at.cmp.environment["CMP_BUNDLE_ASTERISK_ETC_DIR"] = at.etc
        at.everything(bundles)
        del at.cmp.environment["CMP_BUNDLE_ASTERISK_ETC_DIR"]
        at.cmp.aim(at.pbx)
        at.does("back", conf)
    works(at, bundles)


@pytest.mark.parametrize(
    "hostile", [pytest.param("Debian", marks=pytest.mark.soak), "from source"], indirect=True
)
def test_twenty_deploys_and_rollbacks_in_a_race(hostile: Hostile, bundles: dict[str, Path]) -> None:
    """Whatever is looked at may be a link a moment later, as fast as that can be done."""
    at = hostile
    at.works("deploy", str(bundles["1"]))
    at.works("deploy", str(bundles["2"]))
    places = [f"{at.etc}/cmp-bundle"]
    if at.has_data:
        places += [f"{at.hidden}/releases/*", f"{at.hidden}/assets", f"{at.hidden}/releases"]
    with at.racing(",".join(places)):
        for number in range(ROUNDS // 2):
            at.runs("deploy", str(bundles[str(1 + number % 2)]))
            at.runs("rollback")
    repair(at, places)
    works(at, bundles)


def repair(at: Hostile, places: list[str]) -> None:
    """The admin looks at what the messages name, and removes what the attacker left there."""
    for place in sorted(places):  # a folder before what lies in it
        folder = at.pbx.root / place.lstrip("/")
        for path in [folder] if folder.name != "*" else folder.parent.iterdir():
            kept = path.with_name(f"{path.name}~")
            if path.is_symlink():
                path.unlink()
            if kept.is_dir() and not path.exists():
                kept.rename(path)
    for kept in list(at.pbx.static.rglob("*~")):
        shutil.rmtree(kept) if kept.is_dir() and not kept.is_symlink() else kept.unlink()
    shutil.rmtree(at.pbx.etc / "cmp-bundle~", ignore_errors=True)
