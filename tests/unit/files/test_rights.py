"""Taking somebody's rights, and being root again whatever happens meanwhile."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk, Rights, thread_ids
from tests.unit.files.hostile import OTHER, SERVICE, given
from tests.unit.files.interrupted import SERVICES, as_of_a_process, now
from tests.unit.nobody import NOBODY, as_nobody, needs_root, open_folder

pytestmark = needs_root


@pytest.fixture(params=["of a thread", "of the process"])
def ids(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """As Linux can, and as other systems do."""
    if request.param == "of the process":
        as_of_a_process(monkeypatch)
    elif not thread_ids.of_one_thread():
        pytest.skip("this system knows ids of a process only")
    return str(request.param)


@pytest.fixture
def secret() -> Iterator[Path]:
    with open_folder() as folder:
        (folder / "secret").write_text("root's")
        (folder / "secret").chmod(0o600)
        yield folder / "secret"


@pytest.mark.usefixtures("ids")
def test_what_is_taken(secret: Path) -> None:
    before = now()
    with SERVICES.taken():
        assert now() == ((0, SERVICE, 0), (0, 4320, 0), sorted(SERVICES.groups))
        with pytest.raises(PermissionError):
            secret.read_text()
        with pytest.raises(PermissionError):
            os.chown(secret, SERVICE, SERVICE)
    assert now() == before
    assert secret.read_text() == "root's"
    with Rights.own().taken():
        assert now() == before


@pytest.mark.usefixtures("ids")
@pytest.mark.parametrize("error", [OSError, ValueError, KeyboardInterrupt, SystemExit])
def test_whatever_ends_it(error: type[BaseException]) -> None:
    before = now()
    with pytest.raises(error), SERVICES.taken():
        raise error
    assert now() == before


@pytest.mark.usefixtures("ids")
def test_taking_twice() -> None:
    """The inner ones do not count: never are there more than the outer ones."""
    before = now()
    with SERVICES.taken():
        outer = now()
        for inner in (SERVICES, Rights(OTHER, OTHER), Rights(0, 0)):
            with inner.taken():
                assert now() == outer
            assert now() == outer
    assert now() == before


@pytest.mark.usefixtures("ids")
def test_who_is_not_root_stays_who_he_is() -> None:
    with as_nobody():
        before = now()
        with SERVICES.taken():
            assert now() == before
        assert Rights.own() == Rights(NOBODY, NOBODY, (), "this user")


@pytest.mark.usefixtures("ids")
@pytest.mark.parametrize("failing", ["_set_groups", "_set_group", "_set_user"])
def test_what_cannot_be_taken_whole(failing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = now()
    real = getattr(thread_ids, failing)

    def once(_wanted: object) -> None:
        monkeypatch.setattr(thread_ids, failing, real)
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(thread_ids, failing, once)
    refused = pytest.raises(CmpBundleError, match="cannot take the rights of asterisk")
    with refused, SERVICES.taken():
        pytest.fail("here root would go on")
    assert now() == before


@pytest.mark.slow
def test_ctrl_c_at_any_moment(ids: str) -> None:
    """In a process that nobody measures: coverage takes locks of its own between any two steps."""
    environment = {n: v for n, v in os.environ.items() if not n.startswith("COV")}
    command = [sys.executable, "-m", "tests.unit.files.interrupted", ids]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_other_threads_stay_root(secret: Path) -> None:
    """A server's threads read keys while one of them writes in somebody's folder."""
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"):
        pytest.skip("here it is the process that has ids")
    taken, looked = threading.Event(), threading.Event()
    seen: list[object] = []

    def look() -> None:
        taken.wait()
        seen.extend((now(), secret.read_text()))
        looked.set()

    before = now()
    thread = threading.Thread(target=look)
    thread.start()
    with SERVICES.taken():
        taken.set()
        looked.wait()
    thread.join()
    assert seen == [before, "root's"]


@pytest.mark.slow
def test_threads_at_work_at_once(ids: str) -> None:
    """Each in the folder of another user, and some in root's.

    Where the process has the ids, root's own work may be refused meanwhile; nothing gets more.
    """
    before = now()
    with open_folder() as top:
        users = (SERVICE, OTHER, 0)
        for uid in users:
            (top / str(uid)).mkdir(mode=0o755)
            given(top / str(uid), uid)
            (top / str(uid) / "link").symlink_to("../0")
        failed: list[BaseException] = []

        def work(uid: int, number: int) -> None:
            try:
                for n in range(15):
                    if uid:
                        with pytest.raises(CmpBundleError, match="permission denied"):
                            Disk().write(top / str(uid) / "link/new", b"")
                    with suppress(*([CmpBundleError] if ids == "of the process" else [])):
                        Disk().write(top / str(uid) / f"{number}-{n}", b"")
            except BaseException as error:  # noqa: BLE001 - told by the test
                failed.append(error)

        threads = [threading.Thread(target=work, args=(u, n)) for n in range(2) for u in users]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failed
        for uid in users:
            made = [p for p in (top / str(uid)).iterdir() if not p.is_symlink()]
            assert len(made) == 30 or ids == "of the process"
            assert {p.stat().st_uid for p in made} <= {uid}
    assert now() == before


def test_of_a_user() -> None:
    nobody = Rights.of(NOBODY, 1)
    assert (nobody.uid, nobody.name) == (NOBODY, "nobody")
    assert nobody.gid in nobody.groups
    assert Rights.of(SERVICE, 77) == Rights(SERVICE, 77, (77,), str(SERVICE))
