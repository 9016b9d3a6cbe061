"""An Asterisk that takes phones from files and from a database, and that database, in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from cmp_bundle.accounts.database import Database
from tests.testbed.databases import Realtime

from . import held as holding
from .servers import REALTIME, ReadyServer, packaged


@pytest.fixture
def server(tmp_path: Path) -> ReadyServer:
    return packaged(tmp_path / "root", **REALTIME)


@pytest.fixture
def held(tmp_path: Path) -> Realtime:
    return holding.empty(tmp_path / "realtime.sqlite3")


@pytest.fixture
def database(held: Realtime) -> Database:
    return holding.database(held)
