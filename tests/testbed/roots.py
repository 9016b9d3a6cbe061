"""The two real Asterisks, each a small Debian tree of its own.

Debian 12 carries no asterisk package; two other suites do, and ``debootstrap`` puts each
into a folder. A tree is about 450 MB and is kept in a cache outside the repository, so that
it is made once a machine.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
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
    if all(r.root.exists() for r in RELEASES.values()):
        return None
    if shutil.which("debootstrap") is None and shutil.which("apt-get") is None:
        return "no debootstrap, and no apt-get to install it with"
    return None


def build(release: Release) -> Path:
    """The tree of ``release``, made if it is not there yet. Raises CalledProcessError."""
    root = release.root
    root.parent.mkdir(parents=True, exist_ok=True)
    with _locked(root):
        if not root.exists():
            _debootstrap(release, root)
    return root


def complete(release: Release) -> None:
    """Install what a tree lacks that was made when PACKAGES were fewer.

    Raises CalledProcessError, as without a network.
    """
    root = build(release)
    with _locked(root):
        missing = [package for package in PACKAGES if not _holds(root, package)]
        if not missing:
            return
        print(f"testbed: {', '.join(missing)} -> {root}", flush=True)
        # The lists of a suite that moves, as sid does, go out of date within days.
        apt = ("chroot", str(root), "apt-get", "-qq", "-o", "Acquire::Check-Valid-Until=false")
        _loudly(*apt, "-o", "Acquire::Languages=none", "update")
        _loudly(*apt, "install", "-y", "--no-install-recommends", *missing)
        _loudly("chroot", str(root), "apt-get", "clean")


def _holds(root: Path, package: str) -> bool:
    return any((root / "var/lib/dpkg/info").glob(f"{package}[.:]*list"))


@contextlib.contextmanager
def _locked(root: Path) -> Iterator[None]:
    with (root.parent / f".{root.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _debootstrap(release: Release, root: Path) -> None:
    if shutil.which("debootstrap") is None:
        _loudly("apt-get", "update", "-qq")
        _loudly("apt-get", "install", "-y", "-qq", "--no-install-recommends", "debootstrap")
    # A name that no finished tree has: what a killed run left behind is thrown away.
    partial = root.with_name(f".{root.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    print(f"testbed: Debian {release.suite} with Asterisk {release.version} -> {root}", flush=True)
    _loudly(
        "debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}",
        release.suite, str(partial),
    )  # fmt: skip
    shutil.rmtree(partial / "var/cache/apt/archives", ignore_errors=True)
    partial.rename(root)


def clean() -> None:
    """Throw the trees away."""
    for release in RELEASES.values():
        shutil.rmtree(release.root, ignore_errors=True)


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
