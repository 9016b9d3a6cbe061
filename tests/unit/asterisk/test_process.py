"""Whose groups a running server has."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from cmp_bundle.asterisk.process import groups_of


def test_of_the_process_that_listens(tmp_path: Path) -> None:
    path = tmp_path / "asterisk.ctl"
    assert groups_of(path, os.geteuid()) is None, "nobody is there"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        assert groups_of(path, os.geteuid()) is None, "nobody listens"
        listener.listen()
        assert set(groups_of(path, os.geteuid()) or ()) == set(os.getgroups())
        # The attack: a link to the socket of somebody who is in more groups.
        assert groups_of(path, os.geteuid() + 1) is None


def test_other_things_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "asterisk.ctl"
    os.mkfifo(path)
    assert groups_of(path, os.geteuid()) is None
    assert groups_of(tmp_path / ("a" * 200), os.geteuid()) is None, "too long for a socket"


def test_a_full_queue_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "asterisk.ctl"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(0)
        waiting = []
        try:
            while True:
                one = socket.socket(socket.AF_UNIX)
                waiting.append(one)
                one.setblocking(False)
                one.connect(str(path))
        except BlockingIOError:
            pass
        try:
            assert groups_of(path, os.geteuid()) is None
        finally:
            for one in waiting:
                one.close()
