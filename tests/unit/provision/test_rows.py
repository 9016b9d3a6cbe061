"""Endpoints in a realtime database in a file: what comes, what stays, and all of it back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from cmp_bundle.accounts.database import Database
from cmp_bundle.accounts.database_source import DatabaseSource
from cmp_bundle.accounts.model import Account
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.provision import rows
from tests.testbed import realtime
from tests.testbed.databases import Realtime
from tests.unit.changes.carried import killed_before_it_settles
from tests.unit.deploy.trees import snapshot

from .held import content, empty, execute
from .held import database as database_of
from .servers import ALICE, BOB, REALTIME, ReadyServer, packaged

pytestmark = pytest.mark.slow


def refused(server: ReadyServer, held: Realtime, *accounts: Account, **how: object) -> str:
    """What a run says that changes nothing."""
    before = (content(held), snapshot(server.root))
    with pytest.raises(CmpBundleError) as caught:
        server.provision(*accounts, database=database_of(held), **how)
    assert (content(held), snapshot(server.root)) == before
    return f"{caught.value}; {caught.value.hint}"


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


def test_an_account_more_and_one_that_left(
    server: ReadyServer, database: Database, held: Realtime
) -> None:
    server.provision(ALICE, database=database)
    first = content(held)
    planned = server.provision(ALICE, BOB, database=database)
    assert (planned.made, planned.present) == (("bob",), ("alice", "bob"))
    server.provision(ALICE, database=database)
    assert content(held) == first
    assert server.provision(BOB, database=database).removed == ("alice",)
    assert [list(table) for table in content(held).values()] == [["bob"]] * 3


def test_named_accounts_alone(server: ReadyServer, database: Database) -> None:
    assert server.provision(chosen=frozenset({"bob"}), database=database).made == ("bob",)
    planned = server.provision(chosen=frozenset({"alice"}), database=database)
    assert (planned.made, planned.present) == (("alice",), ("alice", "bob"))


def test_what_is_there_stays_unless_updated(
    server: ReadyServer, database: Database, held: Realtime
) -> None:
    server.provision(database=database)
    first = content(held)
    execute(held, "delete from ps_aors where id='bob'")
    changed = replace(ALICE, display_name="Queen", password="another")
    planned = server.provision(changed, BOB, database=database)
    assert planned.made == ("bob",), "what is missing comes again"
    (note,) = planned.notes
    assert "the rows of alice" in note
    assert "provision --update" in note
    assert content(held) == first
    assert server.provision(changed, BOB, database=database, update=True).made == ("alice",)
    first["ps_endpoints"]["alice"]["callerid"] = '"Queen" <101>'
    first["ps_auths"]["alice"]["password"] = "another"
    assert content(held) == first
    assert server.undo(database).removed == ("alice", "bob")


def test_a_password_gives_way_to_a_digest(
    server: ReadyServer, database: Database, held: Realtime
) -> None:
    server.provision(ALICE, database=database)
    execute(held, "update ps_auths set password_digest='MD5:0'")
    digested = replace(ALICE, password="", ha1="0" * 32, realm="asterisk")
    server.provision(digested, database=database, update=True)
    assert content(held)["ps_auths"]["alice"] == {
        "id": "alice",
        "auth_type": "md5",
        "username": "alice",
        "realm": "asterisk",
        "md5_cred": "0" * 32,
    }


def test_somebody_else_s_endpoint_is_left_alone(
    server: ReadyServer, database: Database, held: Realtime
) -> None:
    execute(held, "insert into ps_endpoints (id, auth) values ('alice', 'none')")
    theirs = content(held)["ps_endpoints"]["alice"]
    planned = server.provision(database=database)
    assert (planned.made, planned.present, planned.theirs) == (("bob",), ("bob",), ("alice",))
    assert {f.code for f in planned.lacking} == {"S101", "V101", "R108", "R111"}
    assert "101,1" in server.text("cmp-bundle/extensions.conf"), "it is reached all the same"
    server.undo(database)
    assert content(held)["ps_endpoints"] == {"alice": theirs}


def test_an_aor_without_an_endpoint_is_in_the_way(server: ReadyServer, held: Realtime) -> None:
    execute(held, "insert into ps_aors (id) values ('alice')")
    said = refused(server, held)
    assert "ps_aors alice: the aor alice is there already, and no endpoint of that name" in said


def test_what_others_changed_since_stays(
    server: ReadyServer, database: Database, held: Realtime
) -> None:
    server.provision(database=database)
    execute(
        held,
        "update ps_auths set password='rotated' where id='alice'",
        "update ps_endpoints set mailboxes='9' where id='bob'",
        "delete from ps_aors where id='bob'",
    )
    planned = server.undo(database)
    assert planned.removed == ("alice",), "another password is no other row"
    assert "ps_endpoints bob were changed by somebody else since" in planned.notes[0]
    left = {name: list(rows) for name, rows in content(held).items()}
    assert left == {"ps_endpoints": ["bob"], "ps_auths": ["bob"], "ps_aors": []}
    assert not server.undo()
    assert "bob" in server.provision(database=database).theirs, "it is theirs from then on"


def test_an_account_that_left_and_whose_row_others_changed(
    server: ReadyServer, database: Database, held: Realtime
) -> None:
    server.provision(database=database)
    execute(held, "update ps_endpoints set context='theirs' where id='bob'")
    planned = server.provision(ALICE, database=database)
    assert planned.removed == ()
    assert "ps_endpoints bob" in planned.notes[0]
    assert list(content(held)["ps_endpoints"]) == ["alice", "bob"]
    assert server.provision(ALICE, database=database).notes == (), "it is said once"


def test_from_a_file_into_rows(server: ReadyServer, database: Database, held: Realtime) -> None:
    before = snapshot(server.root)
    server.provision()
    planned = server.provision(database=database, chosen=frozenset({"alice"}))
    assert (planned.made, set(planned.present)) == (("alice",), {"alice", "bob"})
    assert "[alice]" not in server.text("cmp-bundle/pjsip.conf")
    assert "[bob]" in server.text("cmp-bundle/pjsip.conf"), "who was not asked for stays there"
    server.provision(database=database)
    assert not (server.root / "etc/asterisk/cmp-bundle/pjsip.conf").exists()
    with pytest.raises(CmpBundleError) as caught:
        server.provision()
    assert held.url in caught.value.message, "whoever forgets the database is told"
    assert "--undo" in str(caught.value.hint)
    server.undo(database)
    assert snapshot(server.root) == before


def test_an_endpoint_in_a_file_that_asterisk_does_not_read(
    tmp_path: Path, database: Database
) -> None:
    files = REALTIME | {"pjsip_conf": b"[alice]\ntype=endpoint\nwebrtc=yes\n"}
    server = packaged(tmp_path / "both", **files)
    assert server.provision(database=database).made == ("bob",)
    server.undo(database)
    sorcery = files["sorcery_conf"].replace(b"endpoint=config", b"x=config")
    dead = packaged(tmp_path / "rows", **files | {"sorcery_conf": sorcery})
    assert dead.provision(database=database).made == ("alice", "bob")


def test_caches_forget_what_they_had(tmp_path: Path, database: Database) -> None:
    sorcery = REALTIME["sorcery_conf"] + (
        b"endpoint/cache=memory_cache,object_lifetime_stale=600\n"
        b"auth/cache=memory_cache,name=ours,expire_on_reload=yes\naor/cache=bucket\n"
    )
    server = packaged(tmp_path / "root", **REALTIME | {"sorcery_conf": sorcery})
    lines = (
        "sorcery memory cache expire res_pjsip/endpoint",
        "sorcery memory cache expire ours",
        "module reload res_pjsip.so",
    )
    assert server.provision(database=database).reloads[:3] == lines
    assert lines[0] not in server.provision(database=database).reloads
    assert server.undo(database).reloads[:3] == lines


COLUMNS = """id varchar(40), aors varchar(40), auth varchar(40), context varchar(40), allow varchar(40),
    webrtc varchar(3)"""


def by_hand(held: Realtime, endpoints: str = COLUMNS, auths: str = "password varchar(80)") -> None:
    """Tables that somebody made by hand, and that lack most columns."""
    execute(
        held,
        *(f"drop table {name}" for name in realtime.METADATA.tables),
        f"create table ps_endpoints ({endpoints})",
        f"create table ps_auths (id varchar(40), auth_type varchar(9), username varchar(40), {auths})",
        "create table ps_aors (ID varchar(40), Max_Contacts varchar(9))",
    )


def test_what_has_no_column_is_left_out(
    server: ReadyServer, database: Database, held: Realtime
) -> None:
    by_hand(held)
    planned = server.provision(ALICE, database=database)
    assert "max_video_streams has no column in ps_endpoints, so a call has one picture" in " ".join(
        planned.notes
    )
    with held.engine().connect() as connection:
        found = [
            connection.execute(sa.text(f"select * from {t}")).one()
            for t in realtime.METADATA.tables
        ]
    assert [*found[0]] == ["alice", "alice", "alice", "cmp-phones", "ulaw,opus,vp8", "yes"]
    assert [*found[1]] == ["alice", "userpass", "alice", "wonder;land"]
    assert [*found[2]] == ["alice", "5"]
    assert not server.provision(ALICE, database=database)
    assert server.undo(database).removed == ("alice",)


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        (
            {"endpoints": COLUMNS.replace("webrtc", "x"), "auths": "password, md5_cred, realm"},
            "ps_endpoints has no column webrtc",
        ),
        ({}, "ps_auths has no column md5_cred and no realm"),
    ],
)
def test_a_column_without_which_nothing_works(
    tables: dict[str, str], said: str, server: ReadyServer, held: Realtime
) -> None:
    by_hand(held, **tables)
    before = snapshot(server.root)
    with pytest.raises(CmpBundleError) as caught:
        server.provision(database=database_of(held))
    assert said in caught.value.findings[-1].message
    assert "alembic -c config.ini upgrade head" in str(caught.value.findings[-1].hint)
    assert snapshot(server.root) == before


def test_a_value_that_is_too_long(server: ReadyServer, held: Realtime) -> None:
    said = refused(server, held, context="c" * 41)
    assert "ps_endpoints alice: its context is 41 characters long" in said
    assert "bob" not in said, "what all share is said once"
    long = replace(ALICE, password="p" * 81)
    said = refused(server, held, long)
    assert "ps_auths alice: its password is 81 characters long, but the column takes 80" in said
    assert "ppp" not in said


def test_a_name_that_is_too_long_is_cut(
    server: ReadyServer, database: Database, held: Realtime
) -> None:
    server.provision(replace(ALICE, display_name="é" * 60), database=database)
    assert content(held)["ps_endpoints"]["alice"]["callerid"] == f'"{"é" * 32}" <101>'


def test_a_value_that_its_column_does_not_take(tmp_path: Path) -> None:
    """A database in a file has no such columns."""
    held = empty(tmp_path / "realtime.sqlite3")
    tables = rows.everywhere(database_of(held))
    column = rows.Column("timers", values=("no", "yes"))
    strict = {**tables.tables["ps_endpoints"].columns, "timers": column}
    tables = replace(tables, tables={**tables.tables, "ps_endpoints": rows.Table(strict)})
    (found,) = rows.misfits({"id": "alice", "timers": "forced"}, "ps_endpoints", tables)
    assert "its timers would be forced, but the column takes no, yes" in found.message


def test_what_the_database_makes_something_else_of(server: ReadyServer, held: Realtime) -> None:
    execute(
        held,
        "create trigger t after insert on ps_endpoints begin"
        " update ps_endpoints set context = 'other' where id = new.id; end",
    )
    said = refused(server, held)
    assert "the context of alice in ps_endpoints did not stay as it was written" in said


def test_a_row_that_comes_between(server: ReadyServer, database: Database, held: Realtime) -> None:
    planned = server.to_provision(database=database)
    execute(held, "insert into ps_auths (id) values ('alice')")
    before = (content(held), snapshot(server.root))
    with pytest.raises(CmpBundleError, match="ps_auths alice was changed by somebody else"):
        server._done(planned)
    assert (content(held), snapshot(server.root)) == before


def test_no_row_is_shown_or_has_the_database_s_password(
    server: ReadyServer, held: Realtime
) -> None:
    database = Database(held.url, "pass-of-database")
    planned = server.to_provision(database=database)
    with killed_before_it_settles():
        server._done(planned)
    journal = (server.engine.journal.folder / "journal.json").read_text()
    assert "wonder;land" in journal, "it is what a row is known by"
    assert "pass-of-database" not in journal
    for secret in ("wonder;land", "pass-of-database", BOB.ha1):
        assert secret not in repr(planned)


CHANGES = {
    "nothing": ((), True),
    "a password": (("update ps_auths set password='x' where id='alice'",), True),
    "a row": (("update ps_endpoints set context='x' where id='alice'",), False),
    "gone": (("delete from ps_auths where id='bob'",), True),
}


@pytest.mark.parametrize("name", CHANGES)
def test_cut_off_when_all_was_written(
    name: str, server: ReadyServer, database: Database, held: Realtime
) -> None:
    before, nothing = snapshot(server.root), content(held)
    with killed_before_it_settles():
        server.provision(database=database)
    statements, whole = CHANGES[name]
    execute(held, *statements)
    with server.engine.alone():
        pass
    assert snapshot(server.root) == before
    if whole:
        assert content(held) == nothing
    else:
        assert [list(table) for table in content(held).values()] == [["alice"]] * 3


@pytest.mark.parametrize(
    ("statement", "stays"),
    [
        ("select 1", {}),
        ("update ps_auths set password='x' where id='alice'", {"password": "x"}),
        ("update ps_auths set realm='x' where id='alice'", {"realm": "x"}),
        ("update ps_auths set oauth_secret='x' where id='alice'", {"oauth_secret": "x"}),
    ],
)
def test_an_update_that_was_cut_off(
    statement: str, stays: dict[str, str], server: ReadyServer, database: Database, held: Realtime
) -> None:
    server.provision(database=database)
    before = content(held)
    changed = replace(ALICE, password="another", auth_name="queen")
    with killed_before_it_settles():
        server.provision(changed, BOB, database=database, update=True)
    assert content(held)["ps_auths"]["alice"]["username"] == "queen"
    execute(held, statement)
    with server.engine.alone():
        pass
    before["ps_auths"]["alice"] |= stays
    assert content(held) == before


@pytest.mark.parametrize("meanwhile", ["", "insert into ps_aors (id) values ('alice')"])
def test_an_undo_that_was_cut_off(
    meanwhile: str, server: ReadyServer, database: Database, held: Realtime
) -> None:
    server.provision(database=database)
    before = content(held)
    with killed_before_it_settles():
        server.undo(database)
    assert content(held)["ps_aors"] == {}
    if meanwhile:
        execute(held, meanwhile)
        before["ps_aors"]["alice"] = {"id": "alice"}
    with server.engine.alone():
        pass
    assert content(held) == before


def test_a_database_that_is_gone(server: ReadyServer, database: Database, held: Realtime) -> None:
    """What was cut off waits for it; nothing of it is undone by half."""
    with killed_before_it_settles():
        server.provision(database=database)
    assert held.path is not None
    away = held.path.with_suffix(".away")
    held.path.rename(away)
    after = snapshot(server.root)
    with pytest.raises(CmpBundleError, match="cannot be undone yet"), server.engine.alone():
        pass
    assert snapshot(server.root) == after
    away.rename(held.path)
    with server.engine.alone():
        pass
    assert content(held)["ps_endpoints"] == {}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"format": 1}', '{"format": 1, "rows": [["a", "b", 1, "c"]]}', "9" * 5000],
)
def test_a_memory_that_is_damaged(text: str, server: ReadyServer, database: Database) -> None:
    server.provision(database=database)
    path = server.look().remembered.path
    assert json.loads(path.read_text())["format"] == 1
    path.write_text(text)
    with pytest.raises(CmpBundleError) as caught:
        server.undo(database)
    assert caught.value.code == "memory-damaged"
    path.write_text('{"format": 2}')
    with pytest.raises(CmpBundleError, match="another version"):
        server.look()


@pytest.mark.parametrize("cut_off", [True, False])
def test_rows_in_two_databases(
    cut_off: bool, server: ReadyServer, database: Database, held: Realtime, tmp_path: Path
) -> None:
    """As a copied memory may have it: what is remembered is written by each step, and by the last."""
    other = empty(tmp_path / "other.sqlite3")
    server.provision(database=database)
    path = server.look().remembered.path
    document = json.loads(path.read_text())
    for name, rows_of in content(held).items():
        for row in rows_of.values():
            names = ", ".join(row)
            values = ", ".join(f"'{value}'" for value in row.values())
            execute(other, f"insert into {name} ({names}) values ({values})")
    document["rows"] += [[other.url, *rest] for _, *rest in document["rows"]]
    path.write_text(json.dumps(document))
    before = (content(held), content(other), path.read_text())
    both = (database, database_of(other))
    if cut_off:
        with killed_before_it_settles():
            server.undo(*both)
        assert not path.exists()
        with server.engine.alone():
            pass
        assert (content(held), content(other), path.read_text()) == before
    server.undo(*both)
    assert not any((*content(held).values(), *content(other).values()))
    assert not path.exists()


@pytest.mark.parametrize(
    "changes",
    [
        [["ps_contacts", "a", None, {}]],
        [["ps_auths", "a", None]],
        [["ps_auths", "a", None, {"id": 1}]],
        [["ps_auths", "a", [], None]],
        "none",
    ],
)
def test_a_journal_that_somebody_changed(
    changes: object, server: ReadyServer, database: Database
) -> None:
    with killed_before_it_settles():
        server.provision(database=database)
    path = server.engine.journal.folder / "journal.json"
    document = json.loads(path.read_text())
    step = next(s for s in document["steps"] if s["kind"] == "provisioned rows")
    step["changes"] = changes
    path.write_text(json.dumps(document))
    with pytest.raises(CmpBundleError, match="is not a journal"), server.engine.alone():
        pass


def test_a_journal_that_names_another_file(server: ReadyServer, database: Database) -> None:
    with killed_before_it_settles():
        server.provision(database=database)
    path = server.engine.journal.folder / "journal.json"
    document = json.loads(path.read_text())
    step = next(s for s in document["steps"] if s["kind"] == "provisioned rows")
    step["path"] = "/etc/passwd"
    path.write_text(json.dumps(document))
    with pytest.raises(CmpBundleError, match="would undo a change of '/etc/passwd'"):
        server.engine.recover()
