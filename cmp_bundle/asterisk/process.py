"""The process behind Asterisk's control socket, as the kernel knows it."""

from __future__ import annotations

import re
import socket
import struct
from pathlib import Path

#: Seconds that connecting may take: a full queue at the other end is waited for no longer.
_PATIENCE = 2.0

_CREDENTIALS = struct.Struct("3i")


def groups_of(control_socket: Path, uid: int) -> tuple[int, ...] | None:
    """The supplementary groups of the process that listens on ``control_socket``.

    None where it cannot be told, or the process is not ``uid``'s: Asterisk's user owns the folder,
    and could lay a link to anybody's socket there. ``-G``, as in ``asterisk -U asterisk -G
    asterisk``, drops all groups (seen on 16 and 22), and a user that is put into a group is in it
    from Asterisk's next start on.
    """
    try:
        with socket.socket(socket.AF_UNIX) as asked:
            asked.settimeout(_PATIENCE)
            asked.connect(str(control_socket))
            credentials = asked.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        status = Path(f"/proc/{_CREDENTIALS.unpack(credentials)[0]}/status").read_text()
    except OSError:
        return None
    users = re.search(r"^Uid:((?:\s+\d+)+)$", status, re.MULTILINE)
    groups = re.search(r"^Groups:([\s\d]*)$", status, re.MULTILINE)
    if users is None or groups is None or set(users[1].split()) != {str(uid)}:
        return None
    return tuple(int(group) for group in groups[1].split("\n")[0].split())
