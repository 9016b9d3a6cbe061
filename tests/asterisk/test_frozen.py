"""The defect that freezes an Asterisk is told by its threads, and nothing else is taken for it."""

from __future__ import annotations

import shutil
from functools import partial

import pytest

from tests import conftest
from tests.testbed import frozen
from tests.testbed.server import Asterisk

SENDS = """\
Thread 50 (LWP 4418 "asterisk"):
#0  0x00007f60e1785ecc in ?? () from /usr/lib/x86_64-linux-gnu/libc.so.6
#1  0x00007f60e178c35a in pthread_mutex_lock () from /usr/lib/x86_64-linux-gnu/libc.so.6
#2  0x00007f60e2af0518 in pj_mutex_lock () from /usr/lib/x86_64-linux-gnu/libasteriskpj.so.2
#4  0x00007f60e2a6ab03 in pj_ice_sess_send_data () from /usr/lib/x86_64-linux-gnu/libasteriskpj.so.2
#5  0x00007f60e09e084a in ?? () from /usr/lib/asterisk/modules/res_rtp_asterisk.so
#8  0x0000558828a4675e in ast_rtp_instance_write ()
#10 0x000055882898fc79 in ast_write_stream ()

"""
TELLS = """\
Thread 41 (LWP 31893 "timer"):
#0  0x00007f60e1785ecc in ?? () from /usr/lib/x86_64-linux-gnu/libc.so.6
#1  0x00007f60e178c35a in pthread_mutex_lock () from /usr/lib/x86_64-linux-gnu/libc.so.6
#2  0x0000558828a46952 in ast_rtp_instance_set_requested_target_address ()
#5  0x00007f60e09e4c90 in ?? () from /usr/lib/asterisk/modules/res_rtp_asterisk.so
#7  0x00007f60e2b11103 in pj_timer_heap_poll () from /usr/lib/x86_64-linux-gnu/libasteriskpj.so.2

"""


def test_both_threads_as_they_were_seen() -> None:
    assert frozen.is_it(f"[New LWP 4418]\n\n{SENDS}{TELLS}")


@pytest.mark.parametrize(
    "stacks",
    [
        "",
        SENDS,
        TELLS,
        # They go on: neither waits for what the other has.
        (SENDS + TELLS).replace("pthread_mutex_lock", "sendto"),
        SENDS + TELLS.replace("pthread_mutex_lock", "sendto"),
    ],
)
def test_nothing_else(stacks: str) -> None:
    assert not frozen.is_it(stacks)


@pytest.mark.asterisk
def test_only_what_stands_still_is_started_again(
    pbx: Asterisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("gdb") is None:
        conftest._unreal("no gdb")
    assert "pj_ioqueue_poll" in frozen.stacks(pbx)
    before = pbx.process
    assert not frozen.thaw()
    assert pbx.process is before
    monkeypatch.setattr(frozen, "is_it", bool)
    assert frozen.thaw()
    assert pbx.process is not before
    assert "fully booted" in pbx.rx("core waitfullybooted")
    pbx.stop()
    assert not frozen.stacks(pbx)
    assert not frozen.thaw()


@pytest.mark.parametrize("froze", [True, False])
def test_what_failed_by_it_is_not_run(
    froze: bool, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails after it was started again, as it was not there for a while, neither."""
    answers = iter([froze, False])
    monkeypatch.setattr(frozen, "thaw", lambda: next(answers))
    item = pytest.Function.from_parent(request.node.parent, name="x", callobj=lambda: None)
    for words in ("told nothing for 60 s", "the server was away"):
        call = pytest.CallInfo.from_call(partial(pytest.fail, words), "call")
        conftest.pytest_runtest_makereport(item, call)
        assert call.excinfo is not None
        assert call.excinfo.errisinstance(pytest.skip.Exception) == froze
        assert ("#1946" in str(call.excinfo.value)) == froze
