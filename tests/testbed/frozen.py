"""A defect of Asterisk's that freezes it, told by what its threads wait for.

https://github.com/asterisk/asterisk/issues/1946, in 22.10.1 and before, fixed on 2026-06-26: one
thread sends a picture to a phone, holds what keeps the stream, and waits for its ICE session;
another tells the end of that session's negotiation, holds the session, and waits for the stream.
Whatever comes near that call waits too, and soon nobody can call. It takes a picture in the very
moment in which ICE ends; seen once in some thousand calls on a busy machine.
"""

from __future__ import annotations

import re
import shutil
import subprocess

from . import server

REASON = "Asterisk froze, by a defect of its own: asterisk/asterisk#1946"

_SENDS = ("pthread_mutex_lock", "pj_ice_sess_send_data", "ast_rtp_instance_write")
_TELLS = (
    "pthread_mutex_lock",
    "ast_rtp_instance_set_requested_target_address",
    "pj_timer_heap_poll",
)


def is_it(stacks: str) -> bool:
    """Whether two threads stand so; ``stacks`` are all of them as gdb tells."""
    threads = [
        re.findall(r"^#\d+ .*? in (\w+) \(", thread, re.MULTILINE)
        for thread in re.split(r"^Thread ", stacks, flags=re.MULTILINE)
    ]
    return all(any(_in_turn(way, thread) for thread in threads) for way in (_SENDS, _TELLS))


def _in_turn(names: tuple[str, ...], frames: list[str]) -> bool:
    left = iter(frames)
    return all(name in left for name in names)


def stacks(pbx: server.Asterisk) -> str:
    """Where each thread of it stands, innermost function first.

    Empty where it does not run, and on a machine without gdb.
    """
    if pbx.process is None or pbx.process.poll() is not None or shutil.which("gdb") is None:
        return ""
    command = ["gdb", "-nx", "-batch", "-p", str(pbx.process.pid)]
    # Its program is found by the process, its libraries by the names that it knows them by.
    for line in (f"set sysroot {pbx.root}", "thread apply all bt"):
        command += ["-ex", line]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def thaw() -> bool:
    """Start again what stands still by that defect; whether there was any."""
    found = [pbx for pbx in server.STARTED.values() if is_it(stacks(pbx))]
    for pbx in found:
        pbx.stop()
        pbx.start()
    return bool(found)
