"""Databases of NSS as browsers keep them, in a home of their own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from cmp_bundle.tls.anchor import Anchor
from cmp_bundle.tls.desktop_user import DesktopUser
from cmp_bundle.tls.nss import CERTUTIL
from tests.unit.programs import needed

from .made import an_authority


@pytest.fixture
def certutil() -> None:
    needed(CERTUTIL)


@pytest.fixture
def anchor(tmp_path: Path) -> Anchor:
    return an_authority(tmp_path).anchor


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir()
    return path


@pytest.fixture
def somebody(home: Path) -> DesktopUser:
    """Whoever runs the tests, with another home."""
    return DesktopUser(
        "alice", os.geteuid(), os.getegid(), home, home / ".config", home / ".local/share"
    )


@pytest.fixture
def nobody() -> Iterator[DesktopUser]:
    """Another user, for whom root is at work, with a home that this user can reach."""
    if os.geteuid() != 0:
        pytest.skip("only root can work for somebody else")
    # pytest's own folders are shut to others.
    home = Path(mkdtemp(prefix="cmp-home-"))
    os.chown(home, 65534, 65534)
    yield DesktopUser(
        "nobody", 65534, 65534, home, home / ".config", home / ".local/share", behind_sudo=True
    )
    shutil.rmtree(home)
