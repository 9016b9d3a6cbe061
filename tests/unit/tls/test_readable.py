"""Reading as somebody else: what that user could read, and nothing more."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cmp_bundle.tls import readable
from cmp_bundle.tls.readable import ReadingUser, Unread, Why, contents, oneself

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can look as somebody else")


@pytest.fixture
def nobody(tmp_path: Path) -> ReadingUser:
    """Somebody to whom the test's folder is all there is."""
    # pytest's own folders are shut to others: that does not count, they are above the root.
    tmp_path.chmod(0o755)
    return ReadingUser("nobody", 65534, 65534, tmp_path)


def file(path: Path, mode: int = 0o644, data: bytes = b"here") -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    path.chmod(mode)
    return path


def why(path: str, reader: ReadingUser, most: int = 100) -> tuple[Why, Path]:
    found = contents(path, reader, most)
    assert isinstance(found, Unread), found
    return found.why, found.path


def test_for_oneself(tmp_path: Path) -> None:
    path = file(tmp_path / "a.pem")
    assert contents(str(path), oneself(), 4) == b"here"
    assert why(str(path), oneself(), 3) == (Why.TOO_LARGE, path)
    assert why(f"{path}x", oneself()) == (Why.MISSING, Path(f"{path}x"))
    assert why(f"{path}/x", oneself())[0] == Why.MISSING
    assert why(str(tmp_path), oneself()) == (Why.NO_FILE, tmp_path)
    assert why("/dev/zero", oneself())[0] == Why.NO_FILE
    assert why("/" + "x" * 300, oneself())[0] == Why.UNKNOWN
    assert why("/a\0b", oneself())[0] == Why.UNKNOWN


def test_large_ones(tmp_path: Path) -> None:
    """Larger than what a pipe between two processes holds."""
    data = os.urandom(3 << 20)
    path = file(tmp_path / "a.pem", data=data)
    assert contents(str(path), oneself(), 3 << 20) == data
    assert why(str(path), oneself(), (3 << 20) - 1)[0] == Why.TOO_LARGE


@as_root
def test_what_root_alone_may_read_is_not_read(nobody: ReadingUser) -> None:
    path = file(nobody.root / "keys/a.pem", 0o600)
    assert why("/keys/a.pem", nobody) == (Why.CLOSED, path)
    os.chown(path, 65534, -1)
    assert contents("/keys/a.pem", nobody, 100) == b"here"
    path.parent.chmod(0o700)
    assert why("/keys/a.pem", nobody) == (Why.CLOSED, path.parent)


@as_root
def test_links_lead_as_they_lead_the_reader(nobody: ReadingUser) -> None:
    """Absolute ones begin at its root, and none leads out of that."""
    path = file(nobody.root / "archive/a.pem")
    live = nobody.root / "live"
    live.mkdir()
    (live / "a.pem").symlink_to("/archive/a.pem")
    assert contents("/live/a.pem", nobody, 100) == b"here"
    (live / "out").symlink_to("../../../../../../../../etc/passwd")
    assert why("/live/out", nobody) == (Why.MISSING, nobody.root / "etc/passwd")
    path.parent.chmod(0o700)
    assert why("/live/a.pem", nobody) == (Why.CLOSED, path.parent)
    path.parent.chmod(0o755)
    live.chmod(0o700)
    assert why("/live/a.pem", nobody) == (Why.CLOSED, live)


@as_root
def test_a_link_to_what_is_root_s(nobody: ReadingUser) -> None:
    """The attack: /etc/shadow by way of a folder that the reader owns."""
    secret = file(nobody.root / "etc/shadow", 0o600)
    own = nobody.root / "own"
    own.mkdir()
    os.chown(own, 65534, 65534)
    (own / "key.pem").symlink_to("/etc/shadow")
    assert why("/own/key.pem", nobody) == (Why.CLOSED, secret)


@as_root
def test_access_control_lists_count(nobody: ReadingUser) -> None:
    path = file(nobody.root / "a.pem", 0o600)
    # As acl(5) has them in linux/posix_acl_xattr.h: owner, that user, group, mask, others.
    entries = ((1, 6, -1), (2, 4, 65534), (4, 0, -1), (0x10, 4, -1), (0x20, 0, -1))
    packed = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
    try:
        os.setxattr(path, "system.posix_acl_access", packed)
    except OSError as error:
        pytest.skip(f"no access control lists here: {error}")
    assert contents("/a.pem", nobody, 100) == b"here"


@as_root
def test_groups_count_as_they_do_for_a_login(nobody: ReadingUser) -> None:
    path = file(nobody.root / "key.pem", 0o640)
    os.chown(path, 0, 4242)
    assert why("/key.pem", nobody)[0] == Why.CLOSED, "without a list of groups there is none"
    groups = file(nobody.root / "etc/group", data=b"")
    groups.write_text("ssl-cert:x:4242:somebody,nobody\nbroken line\nother:x:many:nobody\n")
    assert contents("/key.pem", nobody, 100) == b"here"
    # Those that the running process has are known better.
    without = ReadingUser(nobody.name, nobody.uid, nobody.gid, nobody.root, groups=())
    assert why("/key.pem", without)[0] == Why.CLOSED
    groups.write_text("ssl-cert:x:4242:somebody,nobody2\n")
    assert why("/key.pem", nobody)[0] == Why.CLOSED


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.pem")
    begin = time.monotonic()
    assert why(str(tmp_path / "a.pem"), oneself()) == (Why.NO_FILE, tmp_path / "a.pem")
    assert time.monotonic() - begin < readable.PATIENCE


def test_what_never_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder can be a program of that very user's, or its process be stopped."""
    monkeypatch.setattr(readable, "PATIENCE", 0.05)
    monkeypatch.setattr(readable, "_read", lambda *_: time.sleep(60))
    path = file(tmp_path / "a.pem")
    assert contents(str(path), oneself(), 100) == Unread(
        Why.UNKNOWN, path, "it did not answer within 0 s"
    )


def test_a_reading_that_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readable, "_read", lambda *_: os._exit(9))
    path = file(tmp_path / "a.pem")
    found = contents(str(path), oneself(), 100)
    assert found == Unread(Why.UNKNOWN, path, "reading it was stopped")


def test_without_root_one_reads_as_oneself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readable, "is_root", lambda: False)
    file(tmp_path / "archive/a.pem")
    (tmp_path / "a.pem").symlink_to("/archive/a.pem")
    somebody = ReadingUser("somebody", os.geteuid() + 1, os.getegid() + 1, tmp_path)
    assert contents("/a.pem", somebody, 100) == b"here"
    assert why("/b.pem", somebody) == (Why.MISSING, tmp_path / "b.pem")


#: In a process of its own: what the tests beside this one open and start is not counted.
COUNTING = """\
import os
from cmp_bundle.tls.readable import contents, oneself

contents("/none", oneself(), 1)
before = os.listdir("/proc/self/fd")
for _ in range(20):
    contents("/none", oneself(), 1)
assert os.listdir("/proc/self/fd") == before
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("none")
"""


def test_no_process_and_no_file_stays() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COUNTING], capture_output=True, text=True, check=False
    )
    assert done.stdout == "none\n", done.stderr
