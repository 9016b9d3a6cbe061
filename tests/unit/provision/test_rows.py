"""Endpoints in a realtime database in a file: what comes, what stays, and all of it back."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from cmp_bundle.accounts.database import Database
from cmp_bundle.accounts.database_source import DatabaseSource
from tests.testbed import realtime
from tests.testbed.databases import Realtime
from tests.unit.accounts.realtime import in_file
from tests.unit.deploy.trees import snapshot

from .servers import BOB, REALTIME, ReadyServer, packaged


@pytest.fixture
def server(tmp_path: Path) -> ReadyServer:
    return packaged(tmp_path / "root", **REALTIME)


@pytest.fixture
def held(tmp_path: Path) -> Realtime:
    path = tmp_path / "realtime.sqlite3"
    path.touch()
    one = in_file(path)
    realtime.fill(one.engine(), {})
    return one


@pytest.fixture
def database(held: Realtime) -> Database:
    return Database(held.url)


def content(held: Realtime) -> dict[str, list[dict[str, object]]]:
    """All that is in the tables, without NULLs."""
    with held.engine().connect() as connection:
        return {
            name: [
                {k: v for k, v in row._mapping.items() if v is not None}
                for row in connection.execute(sa.select(table).order_by(table.c.id))
            ]
            for name, table in realtime.METADATA.tables.items()
        }


def test_there_and_back(server: ReadyServer, database: Database, held: Realtime) -> None:
    before, nothing = snapshot(server.root), content(held)
    planned = server.provision(database=database)
    assert planned.made == planned.present == ("alice", "bob")
    found = DatabaseSource(database).endpoints()
    assert [e.webrtc for e in found.endpoints.values()] == [True, True]
    assert found.endpoints["alice"].display_name == "Alice"
    assert found.auths["alice"].password == "wonder;land"
    assert found.auths["bob"].ha1 == BOB.ha1
    assert not (server.root / "etc/asterisk/cmp-bundle/pjsip.conf").exists()
    assert "101,1" in server.text("cmp-bundle/extensions.conf")
    assert not server.provision(database=database), "a second time changes nothing"
    assert server.undo(database).removed == ("alice", "bob")
    assert content(held) == nothing
    assert snapshot(server.root) == before
    assert not server.undo()
