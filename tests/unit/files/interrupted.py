"""Ctrl-C while rights are taken, again and again: a process of its own, for test_rights."""

from __future__ import annotations

import os
import signal
import sys
import threading

import pytest

from cmp_bundle.files import Rights, rights, thread_ids
from tests.unit.files.hostile import SERVICE

SERVICES = Rights(SERVICE, 4320, (SERVICE, 4321), "asterisk")


def now() -> tuple[tuple[int, ...], tuple[int, ...], list[int]]:
    return os.getresuid(), os.getresgid(), os.getgroups()


def as_of_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids as other systems have them."""
    monkeypatch.setattr(thread_ids, "_calls", None)
    monkeypatch.setattr(rights, "_LOCK", threading.RLock())


def main() -> None:
    """Python raises it between any two steps, and most of them are not those in the block."""
    before = now()
    wanted = threading.Event()

    def interrupt() -> None:
        while True:
            wanted.wait()
            wanted.clear()
            os.kill(os.getpid(), signal.SIGINT)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.setswitchinterval(1e-6)
    threading.Thread(target=interrupt, daemon=True).start()
    for number in range(400):
        with pytest.raises(KeyboardInterrupt):
            _taken_again_and_again(wanted, number)
        assert now() == before
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def _taken_again_and_again(interrupted: threading.Event, after: int) -> None:
    """Until it is; another moment each time."""
    for _ in range(after % 20):
        os.geteuid()
    interrupted.set()
    while True:
        with SERVICES.taken():
            os.geteuid()


if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as patching:
        if sys.argv[1] == "of the process":
            as_of_a_process(patching)
        main()
