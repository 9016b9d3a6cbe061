"""Asterisk's user at work against root: a process that is in the chroot, and is that user.

python -m tests.asterisk.hostile_user ROOT UID GID ACTION ARGUMENT... [ACTION ARGUMENT...]...

It does one thing after the other. A race is run until the process is ended; ``ready`` on standard
output says that it has begun.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def put(path: str, content: str) -> None:
    """A file, with the folders that it takes."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    _aside(path)
    Path(path).write_text(content)


def pipe(path: str) -> None:
    """What nobody writes into, in the place of whatever is there."""
    _aside(path)
    os.mkfifo(path)


def fill(path: str, megabytes: str, text: str) -> None:
    """``text`` again and again, in the place of whatever is there."""
    _aside(path)
    piece = text.encode() * (1_000_000 // len(text.encode()))
    with Path(path).open("wb") as file:
        file.writelines(piece for _ in range(int(megabytes)))


def lead(path: str, target: str) -> None:
    """A link in the place of whatever is there; it is kept beside, under another name."""
    _aside(path)
    Path(path).symlink_to(target)


def back(path: str) -> None:
    """What was there before ``lead`` or ``put``; nothing where nothing was."""
    here, kept = Path(path), _kept(path)
    if here.is_dir() and not here.is_symlink():
        shutil.rmtree(here)
    else:
        here.unlink(missing_ok=True)
    if os.path.lexists(kept):
        kept.rename(here)


def race(where: str, target: str) -> None:
    """Turn each folder of ``where`` (names, or one star) into a link and back, while the test runs."""
    test = os.getppid()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while os.getppid() == test:
        for path in _folders(where):
            kept = path.with_name(f"{path.name}~")
            with suppress(OSError):
                path.rename(kept)
                path.symlink_to(target)
            with suppress(OSError):
                path.unlink()
            with suppress(OSError):
                kept.rename(path)


def _folders(where: str) -> list[Path]:
    found = []
    for path in map(Path, where.split(",")):
        if path.name != "*":
            found.append(path)
            continue
        with suppress(OSError):
            found += [p for p in path.parent.iterdir() if not p.name.endswith("~")]
    return found


def _aside(path: str) -> None:
    if os.path.lexists(path):
        Path(path).rename(_kept(path))


def _kept(path: str) -> Path:
    return Path(f"{path}.kept")


ACTIONS: dict[str, tuple[Callable[..., None], int]] = {
    "put": (put, 2), "pipe": (pipe, 1), "fill": (fill, 3), "lead": (lead, 2), "back": (back, 1), "race": (race, 2),
}  # fmt: skip


def main(root: str, uid: str, gid: str, *rest: str) -> None:
    # What is imported later would be looked for in the chroot.
    os.chroot(root)
    os.chdir("/")
    os.setgroups([])
    os.setgid(int(gid))
    os.setuid(int(uid))
    words = list(rest)
    while words:
        act, count = ACTIONS[words.pop(0)]
        act(*(words.pop(0) for _ in range(count)))


if __name__ == "__main__":
    main(*sys.argv[1:])
