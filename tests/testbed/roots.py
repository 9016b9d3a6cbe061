"""The two real Asterisks, each a small Debian tree of its own.

Debian 12 carries no asterisk package; two other suites do, and ``debootstrap`` puts each
into a folder. A tree is about 450 MB and is kept in a cache outside the repository, so that
it is made once a machine. Its name is given to it when it is finished, and taken from it before
anything of it is removed: whatever is cut off, half a tree never has that name.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import network

#: Asterisk, and the drivers by which it reads MariaDB and PostgreSQL.
PACKAGES = ("asterisk", "asterisk-modules", "asterisk-config", "odbc-mariadb", "odbc-postgresql")


@dataclass(frozen=True)
class Release:
    """A version of Asterisk and the Debian suite that carries it."""

    version: str
    suite: str

    @property
    def root(self) -> Path:
        return cache() / f"asterisk-{self.version}"

    @property
    def finished(self) -> bool:
        """Whether its tree is there. A folder of that name alone is not one: anybody can make it."""
        return (self.root / "usr/sbin/asterisk").is_file()


RELEASES = {r.version: r for r in (Release("22", "sid"), Release("16", "bullseye"))}


def cache() -> Path:
    """Where the trees are kept: ``CMP_BUNDLE_TESTBED``, else the user's cache folder."""
    named = os.environ.get("CMP_BUNDLE_TESTBED")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "cmp-bundle-testbed"


def why_not() -> str | None:
    """Why no real Asterisk can be had on this machine; None where it can."""
    if os.geteuid() != 0:
        return "not root: an Asterisk is started in its own tree, which takes chroot"
    if all(r.finished for r in RELEASES.values()):
        return None
    if shutil.which("debootstrap") is None and shutil.which("apt-get") is None:
        return "no debootstrap, and no apt-get to install it with"
    return None


def build(release: Release) -> Path:
    """The tree of ``release``, made if it is not there yet. Raises CalledProcessError."""
    root = release.root
    with locked(root.name):
        if not release.finished:
            _throw_away(root)
            _debootstrap(release, root)
    return root


def complete(release: Release) -> None:
    """Install what a tree lacks that was made when PACKAGES were fewer.

    Raises CalledProcessError, as without a network.
    """
    root = build(release)
    with locked(root.name):
        missing = set(PACKAGES) - _installed(root)
        if not missing:
            return
        print(f"testbed: {', '.join(sorted(missing))} -> {root}", flush=True)
        inside = ("chroot", str(root))
        # What a run that was cut off has unpacked, and not yet set up.
        _loudly(*inside, "dpkg", "--configure", "-a")
        # The lists of a suite that moves, as sid does, go out of date within days.
        apt = (*inside, "apt-get", "-qq", "-o", "Acquire::Check-Valid-Until=false")
        _loudly(*apt, "-o", "Acquire::Languages=none", "update")
        _loudly(*apt, "install", "-y", "--no-install-recommends", *sorted(missing))
        _loudly(*inside, "apt-get", "clean")


def _installed(root: Path) -> set[str]:
    """The packages that are in a tree and set up; one that is only unpacked is not."""
    paragraphs = (root / "var/lib/dpkg/status").read_text().split("\n\n")
    return {
        line.removeprefix("Package: ")
        for paragraph in paragraphs
        if "\nStatus: install ok installed\n" in paragraph
        for line in paragraph.splitlines()
        if line.startswith("Package: ")
    }


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Alone with what has this name in the cache; whoever comes later waits."""
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _debootstrap(release: Release, root: Path) -> None:
    if shutil.which("debootstrap") is None:
        _loudly("apt-get", "update", "-qq")
        _loudly("apt-get", "install", "-y", "-qq", "--no-install-recommends", "debootstrap")
    partial = _partial(root)
    print(f"testbed: Debian {release.suite} with Asterisk {release.version} -> {root}", flush=True)
    _loudly(
        "debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}",
        release.suite, str(partial),
    )  # fmt: skip
    shutil.rmtree(partial / "var/cache/apt/archives", ignore_errors=True)
    partial.rename(root)


def _partial(root: Path) -> Path:
    """A name that no finished tree has, and no other run: what one that was killed had started may
    still be writing.
    """
    return root.with_name(f".{root.name}.{secrets.token_hex(4)}.partial")


def _throw_away(root: Path) -> None:
    """The tree, and whatever runs that were cut off have left of one."""
    if root.exists():
        root.rename(_partial(root))
    for left in root.parent.glob(f".{root.name}.*partial"):
        shutil.rmtree(left, ignore_errors=True)


def clean() -> None:
    """Throw the trees away."""
    for release in RELEASES.values():
        with locked(release.root.name):
            _throw_away(release.root)


def _loudly(*command: str) -> None:
    """Run a command quietly, but show all it said if it fails."""
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with network.outside():
        done = subprocess.run(
            command,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if done.returncode:
        sys.stderr.write(done.stdout)
        raise subprocess.CalledProcessError(done.returncode, command)
