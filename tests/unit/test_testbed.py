"""The test bed takes no half-made Asterisk for a finished one; debootstrap is a fake here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.bench import visits
from tests.testbed import roots
from tests.testbed.server import Asterisk, TestbedError

REPOSITORY = Path(__file__).parents[2]
RELEASE = roots.RELEASES["22"]

#: What is looked for is there early, as half of a real tree may have it, and "last" at the end.
#: A call that has a pipe to wait at says that it is halfway, and waits.
DEBOOTSTRAP = """#!/bin/sh
set -e
for tree; do :; done
echo "$tree" >> {base}/calls
call=$(wc -l < {base}/calls)
trap 'touch {base}/ended-$call' EXIT
mkdir -p "$tree/usr/sbin" "$tree/srv"
touch "$tree/usr/sbin/asterisk"
if [ -e {base}/fail ]; then echo "no mirror answers"; exit 1; fi
if [ -e {base}/wait-$call ]; then touch {base}/halfway; cat {base}/wait-$call; fi
touch "$tree/last"
"""

BUILD = "from tests.testbed import roots; roots.build(roots.RELEASES['22'])"


@dataclass
class Fake:
    """The folder in which the fake notes its calls, beside the cache."""

    base: Path

    def calls(self) -> list[str]:
        path = self.base / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def building(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", BUILD], cwd=REPOSITORY)

    def until(self, name: str) -> None:
        deadline = time.monotonic() + 60
        while not (self.base / name).exists():
            assert time.monotonic() < deadline, name
            time.sleep(0.01)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "debootstrap").write_text(DEBOOTSTRAP.format(base=tmp_path))
    (programs / "debootstrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setenv("CMP_BUNDLE_TESTBED", str(tmp_path / "cache"))
    return Fake(tmp_path)


def is_whole(root: Path) -> bool:
    """It is there from beginning to end, and nothing half lies beside it."""
    return (root / "last").exists() and [p.name for p in root.parent.iterdir() if p.is_dir()] == [
        root.name
    ]


def test_a_tree_is_made_once(fake: Fake) -> None:
    assert not RELEASE.finished
    root = roots.build(RELEASE)
    assert RELEASE.finished
    assert is_whole(root)
    roots.build(RELEASE)
    assert len(fake.calls()) == 1


def test_a_folder_of_that_name_is_not_a_tree(fake: Fake) -> None:
    stray = RELEASE.root / "srv/cmp-bundle/pbx-1"
    stray.mkdir(parents=True)
    assert not RELEASE.finished
    assert is_whole(roots.build(RELEASE))
    assert not stray.exists()
    assert len(fake.calls()) == 1


def test_nothing_is_put_where_there_is_no_tree(fake: Fake) -> None:
    with pytest.raises(TestbedError, match="no Asterisk 22"):
        Asterisk.prepare(RELEASE)
    assert not RELEASE.root.exists()
    assert fake.calls() == []


def test_a_build_that_fails_is_no_tree_and_begins_anew(
    fake: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    (fake.base / "fail").touch()
    with pytest.raises(subprocess.CalledProcessError):
        roots.build(RELEASE)
    assert "no mirror answers" in capsys.readouterr().err
    assert not RELEASE.finished
    (fake.base / "fail").unlink()
    assert is_whole(roots.build(RELEASE))


@pytest.mark.slow
def test_a_build_that_is_killed_halfway(fake: Fake) -> None:
    """What it had started goes on; neither that nor what it left becomes a tree."""
    pipe = fake.base / "wait-1"
    os.mkfifo(pipe)
    killed = fake.building()
    fake.until("halfway")
    killed.kill()
    killed.wait()
    try:
        [left] = fake.calls()
        assert Path(left, "usr/sbin/asterisk").exists()
        assert not RELEASE.finished
        root = roots.build(RELEASE)
        assert is_whole(root)
        (root / "last").unlink()
    finally:
        pipe.write_text("")
    fake.until("ended-1")
    assert not (root / "last").exists()
    assert len(set(fake.calls())) == 2


@pytest.mark.slow
def test_two_builds_at_once_make_one_tree(fake: Fake) -> None:
    pipe = fake.base / "wait-1"
    os.mkfifo(pipe)
    first = fake.building()
    fake.until("halfway")
    second = fake.building()
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(1)
    assert len(fake.calls()) == 1
    pipe.write_text("")
    assert (first.wait(60), second.wait(60)) == (0, 0)
    assert is_whole(RELEASE.root)
    assert len(fake.calls()) == 1


@pytest.mark.usefixtures("fake")
def test_what_is_being_removed_is_no_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Removing begins anywhere, so what is left of it may have all that is looked for."""
    root = roots.build(RELEASE)
    with monkeypatch.context() as cut_off:
        cut_off.setattr(shutil, "rmtree", lambda *_args, **_more: None)
        roots.clean()
    assert not RELEASE.finished
    assert len([p for p in root.parent.iterdir() if p.is_dir()]) == 1
    roots.clean()
    assert not [p for p in root.parent.iterdir() if p.is_dir()]


def test_trees_are_thrown_away_without_the_virtual_environment(fake: Fake) -> None:
    roots.build(RELEASE)
    command = [sys.executable, "-S", "-m", "tests.testbed", "clean"]
    subprocess.run(command, cwd=REPOSITORY, check=True)
    assert not RELEASE.root.exists()
    assert len(fake.calls()) == 1


def test_a_package_that_is_only_unpacked_is_not_installed(tmp_path: Path) -> None:
    status = tmp_path / "var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    status.write_text(
        "Package: asterisk\nStatus: install ok installed\nDescription: a PBX\n more of it\n\n"
        "Package: odbc-mariadb\nStatus: install ok unpacked\n\n"
        "Package: odbc-postgresql\nStatus: deinstall ok config-files\n"
    )
    assert roots._installed(tmp_path) == {"asterisk"}


def test_the_bench_makes_the_tree_or_says_why_not(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roots, "why_not", lambda: None)
    (fake.base / "fail").touch()
    rows = visits.measured("builtin", tmp_path)
    assert rows[1:] == [("not measured", "-", "-", "-", "no Asterisk 22: debootstrap failed")]
    assert not RELEASE.root.exists()
    (fake.base / "fail").unlink()
    assert visits.why_not() is None
    assert is_whole(RELEASE.root)
