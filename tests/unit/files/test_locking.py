"""One at a time: between processes, and whatever becomes of them."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import locked

HOLDER = """\
import sys
from pathlib import Path
from cmp_bundle.files import locked
with locked(Path(sys.argv[1]), 60):
    print("held", flush=True)
    sys.stdin.readline()
print("let go", flush=True)
"""


def holding(folder: Path) -> subprocess.Popen[str]:
    """Another run that holds ``folder`` until it is sent a line."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> None:
    process.communicate("\n", timeout=60)


def test_alone(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path, 0):
            assert list(tmp_path.iterdir()) == [], "it leaves no file"
    with pytest.raises(ZeroDivisionError), locked(tmp_path, 0):
        raise ZeroDivisionError
    with locked(tmp_path, 0):
        pass


def test_another_run_is_waited_for_no_longer_than_that(tmp_path: Path) -> None:
    other = holding(tmp_path)
    try:
        assert said(other) == "held"
        for patience in (0, 0.1):
            with (
                pytest.raises(CmpBundleError, match="another cmp-bundle is running") as caught,
                locked(tmp_path, patience),
            ):
                pytest.fail("two at once")
            assert caught.value.file == str(tmp_path)
        (tmp_path / "other").mkdir()
        with locked(tmp_path / "other", 0):
            pass
    finally:
        end(other)
    with locked(tmp_path, 0):
        pass


def test_whoever_waits_comes_next(tmp_path: Path) -> None:
    with locked(tmp_path, 0):
        waiting = holding(tmp_path)
    try:
        assert said(waiting) == "held"
    finally:
        end(waiting)


def test_a_killed_run_holds_nothing(tmp_path: Path) -> None:
    other = holding(tmp_path)
    assert said(other) == "held"
    other.send_signal(signal.SIGKILL)
    other.communicate(timeout=60)
    with locked(tmp_path, 0):
        pass


def test_what_it_starts_does_not_go_on_holding(tmp_path: Path) -> None:
    """A program that is started inside may live longer."""
    with locked(tmp_path, 0):
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
    try:
        with locked(tmp_path, 0):
            pass
    finally:
        child.communicate()


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "none", tmp_path / "file"):
        with pytest.raises(CmpBundleError, match="cannot be opened") as caught, locked(path, 0):
            pytest.fail("nothing to hold")
        assert caught.value.file == str(path)
