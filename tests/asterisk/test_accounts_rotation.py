"""New passwords in real databases and files: the right rows, all or none, and Asterisk has them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from cmp_bundle.accounts.conf_source import ConfSource
from cmp_bundle.accounts.database import Database
from cmp_bundle.accounts.database_source import DatabaseSource
from cmp_bundle.accounts.endpoint import REALM, digest
from cmp_bundle.accounts.model import ha1
from cmp_bundle.accounts.password_change import planned
from cmp_bundle.asterisk.conf_files import ConfFolder
from cmp_bundle.errors import CmpBundleError
from tests.asterisk import endpoints, realtime_pbx
from tests.asterisk.accounts_rows import Rows, rows
from tests.testbed import databases, realtime
from tests.testbed.ami import Ami
from tests.testbed.databases import Realtime
from tests.testbed.server import ACCOUNTS, Asterisk
from tests.unit.changes import carried
from tests.unit.cli import test_killed

pytestmark = pytest.mark.asterisk

PHONES = 200


def plain(count: int = PHONES) -> Rows:
    """Phones whose passwords can all be changed, a digest among them."""
    held = rows("rotate", count, digests=False)
    for table in held.values():
        del table[count:]
    held["ps_auths"] = [
        {"id": row["auth"], "username": row["id"][:40], "password": f"of-{number}"}
        for number, row in enumerate(held["ps_endpoints"])
    ]
    for number, row in enumerate(held["ps_endpoints"]):
        row |= {"id": f"phone{number}", "auth": f"auth{number}", "webrtc": "yes"}
        held["ps_auths"][number] |= {"id": f"auth{number}", "username": f"phone{number}"}
    held["ps_auths"][1] |= {"auth_type": "md5", "md5_cred": "0" * 32, "password": None}
    return held


def content(one: Realtime) -> list[list[Any]]:
    """All that is in the tables."""
    with one.engine().connect() as connection:
        return [
            sorted(map(repr, connection.execute(sa.select(table))))
            for table in (realtime.ENDPOINTS, realtime.AUTHS, realtime.AORS)
        ]


@pytest.fixture(params=databases.KINDS)
def filled(request: pytest.FixtureRequest, database: Callable[[str], Realtime]) -> Realtime:
    one = database(request.param)
    realtime.fill(one.engine(), plain())
    return one


def source(one: Realtime) -> DatabaseSource:
    return DatabaseSource(Database(one.url, one.password), REALM)


def test_the_rows_that_were_asked_for_and_no_others(filled: Realtime) -> None:
    before = content(filled)
    names = [f"phone{n}" for n in range(0, PHONES, 2)] + ["phone1"]
    renewal = planned(source(filled), {name: f"new-{name}" for name in names})
    assert content(filled) == before
    carried.carry_out(renewal.steps)
    after = content(filled)
    assert (after[0], after[2]) == (before[0], before[2])
    assert len(set(after[1]) - set(before[1])) == len(names)
    found = source(filled).endpoints()
    for name in names:
        held = found.auths[found.endpoints[name].auths[0]]
        assert digest(held, REALM) == ha1(name, REALM, f"new-{name}")
    carried.undo(renewal.steps)
    assert content(filled) == before


def test_a_row_that_somebody_else_changed_stops_all(filled: Realtime) -> None:
    renewal = planned(source(filled), {f"phone{n}": "new" for n in range(PHONES)})
    with filled.engine().begin() as connection:
        connection.execute(
            sa.update(realtime.AUTHS)
            .where(realtime.AUTHS.c.id == "auth150")
            .values(password="theirs")
        )
    before = content(filled)
    with pytest.raises(CmpBundleError, match="the password of auth150 in ps_auths was changed"):
        carried.carry_out(renewal.steps)
    assert content(filled) == before


def test_reading_can_change_nothing(filled: Realtime) -> None:
    before = content(filled)
    with source(filled).database.reading() as connection:
        with pytest.raises(sa.exc.SQLAlchemyError):
            connection.execute(sa.delete(realtime.AUTHS))
        connection.rollback()
    assert content(filled) == before


@pytest.mark.parametrize("kind", ["mariadb", "postgresql"])
def test_a_server_that_lets_nobody_in_says_so(
    database: Callable[[str], Realtime], kind: str
) -> None:
    one = database(kind)
    for password in ("", "wrong-password"):
        with pytest.raises(CmpBundleError) as caught:
            DatabaseSource(Database(one.url, password)).endpoints()
        assert caught.value.message.startswith(f"{one.url}: ")
        assert "--database-password-file" in str(caught.value.hint)
        for secret in (one.password, "wrong-password"):
            assert secret not in f"{caught.value}{caught.value.hint}"
    other = one.url.replace("/asterisk", "/nothing")
    with pytest.raises(CmpBundleError, match="nothing"):
        DatabaseSource(Database(other, one.password)).endpoints()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mariadb", "postgresql"])
@pytest.mark.parametrize("how", ["rows", pytest.param("telling", marks=pytest.mark.soak)])
def test_cut_off_before_each_step(
    database: Callable[[str], Realtime], kind: str, how: str, tmp_path: Path
) -> None:
    """As in a file: the server forgets what was not committed when nobody is there any more."""
    told = json.dumps(asdict(database(kind)))
    found = test_killed.rows("rotate all", "any", how, tmp_path, told)
    for row in found:
        test_killed.judge(row, "rotate all")
    assert any(row["step"].startswith("rows") for row in found)


def test_who_may_only_read_changes_nothing(database: Callable[[str], Realtime]) -> None:
    one = database("postgresql")
    realtime.fill(one.engine(), plain())
    with one.engine().begin() as connection:
        connection.execute(sa.text("drop role if exists reader"))
        connection.execute(sa.text("create role reader login password 'reads-only'"))
        connection.execute(sa.text("grant select on ps_endpoints, ps_auths to reader"))
    url = one.url.replace("asterisk@", "reader@")
    before = content(one)
    renewal = planned(DatabaseSource(Database(url, "reads-only")), {"phone0": "new"})
    with pytest.raises(CmpBundleError, match="permission denied for table ps_auths") as caught:
        carried.carry_out(renewal.steps)
    assert "reads-only" not in f"{caught.value}{caught.value.hint}"
    assert content(one) == before
    with one.engine().begin() as connection:
        connection.execute(sa.text("drop owned by reader"))
        connection.execute(sa.text("drop role reader"))


@pytest.mark.parametrize("driver", ["sqlite3", "odbc-mariadb", "odbc-postgresql"])
def test_asterisk_has_the_new_passwords_at_once(
    prepared: Asterisk, driver: str, database: Callable[[str], Realtime]
) -> None:
    one = replace(realtime_pbx.serve(prepared, driver, database, plain(20)), realm=REALM)
    names = [f"phone{n}" for n in range(20)]
    with Ami(prepared.ports.ami, prepared.ami_secret) as ami:
        before = {name: endpoints.asked(ami, name) for name in names}
        renewal = planned(one, {"phone0": "fresh", "phone1": "fresh", "phone2": "it's %5 {x}"})
        carried.carry_out(renewal.steps)
        after = {name: endpoints.asked(ami, name) for name in names}
    changed = {name for name in names if before[name] != after[name]}
    assert changed == {"phone0", "phone1", "phone2"}
    for account in renewal.accounts:
        theirs = after[account.id]
        assert theirs is not None
        assert [held for _, _, held in theirs.auths] == [endpoints.offered(account)[1]]


def test_asterisk_has_the_new_password_of_its_file(pbx: Asterisk) -> None:
    one = ConfSource("pjsip.conf", ConfFolder(pbx.etc, pbx.root), "pjsip.conf")
    text = (pbx.etc / "pjsip.conf").read_text()
    owner, mode = _owner(pbx.etc / "pjsip.conf"), (pbx.etc / "pjsip.conf").stat().st_mode
    with Ami(pbx.ports.ami, pbx.ami_secret) as ami:
        before = {name: endpoints.asked(ami, name) for name in ACCOUNTS}
        carried.carry_out(planned(one, {"alice": "fresh"}).steps)
        ami.command("module reload res_pjsip.so")
        after = {name: endpoints.asked(ami, name) for name in ACCOUNTS}
    assert (pbx.etc / "pjsip.conf").read_text() == text.replace(ACCOUNTS["alice"], "fresh")
    # Asterisk runs as its own user, and has to be able to read it again.
    assert (_owner(pbx.etc / "pjsip.conf"), (pbx.etc / "pjsip.conf").stat().st_mode) == (
        owner,
        mode,
    )
    assert {name for name in ACCOUNTS if before[name] != after[name]} == {"alice"}
    assert after["alice"] is not None
    assert after["alice"].auths == ((b"alice", b"alice", ha1("alice", "asterisk", "fresh")),)


def _owner(path: Path) -> tuple[int, int]:
    return path.stat().st_uid, path.stat().st_gid
