"""Whose a row is: ours while it is as it was written, somebody else's once they changed it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import pytest

from cmp_bundle.accounts.database import Database
from cmp_bundle.accounts.model import Account
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.provision import row_plan, rows
from cmp_bundle.provision.database import look
from cmp_bundle.provision.plan import phones
from cmp_bundle.provision.sql_script import script
from cmp_bundle.provision.survey import Abilities
from cmp_bundle.provision.wanted import Wanted
from cmp_bundle.report import Silent
from cmp_bundle.settings.model import ProvisionSettings
from tests.testbed import realtime
from tests.testbed.databases import Realtime
from tests.unit.changes.carried import killed_before_it_settles
from tests.unit.deploy.trees import snapshot

from .held import content, execute
from .held import database as database_of
from .servers import ALICE, BOB, ReadyServer

pytestmark = pytest.mark.slow

MAILBOX = "update ps_endpoints set mailboxes='101@vm' where id='alice'"


def ids(held: Realtime) -> list[list[str]]:
    return [list(table) for table in content(held).values()]


def test_a_row_that_somebody_made_anew_is_theirs(
    server: ReadyServer, database: Database, held: Realtime
) -> None:
    server.provision(ALICE, database=database)
    execute(
        held,
        "delete from ps_endpoints where id='alice'",
        "insert into ps_endpoints (id, context, mailboxes, auth)"
        " values ('alice', 'sales', '101@vm', 'alice')",
    )
    theirs = content(held)
    planned = server.provision(ALICE, database=database, update=True)
    assert (planned.made, planned.present, planned.theirs) == ((), (), ("alice",))
    assert "ps_endpoints alice were changed by somebody else since" in planned.notes[0]
    assert "S101" in {finding.code for finding in planned.lacking}, "and it is looked at"
    assert server.look().remembered.rows == {}
    planned = server.provision(ALICE, database=database, update=True)
    assert (planned.made, planned.notes) == ((), ()), "it is said once"
    server.undo(database)
    assert content(held) == theirs


@pytest.mark.parametrize(
    "statement", [MAILBOX, "update ps_aors set max_contacts=9 where id='alice'"]
)
@pytest.mark.parametrize("leaves", [True, False])
def test_all_of_an_account_stays_or_nothing(
    statement: str, leaves: bool, server: ReadyServer, database: Database, held: Realtime
) -> None:
    server.provision(database=database)
    execute(held, statement)
    theirs = {name: {"alice": table["alice"]} for name, table in content(held).items()}
    carol = Account("carol", password="x" * 12)
    planned = server.provision(carol, database=database) if leaves else server.undo(database)
    assert planned.removed == ("bob",)
    assert "so all rows of alice are left as they are" in planned.notes[0]
    found = content(held)
    assert {name: {"alice": table["alice"]} for name, table in found.items()} == theirs
    assert {key.id for key in server.look().remembered.rows} == ({"carol"} if leaves else set())


def test_another_s_endpoint_is_looked_at_where_the_aor_alone_was_changed(
    server: ReadyServer, database: Database, held: Realtime
) -> None:
    server.provision(database=database)
    execute(held, "update ps_aors set max_contacts=9 where id='alice'")
    planned = server.provision(database=database)
    assert (planned.present, planned.theirs) == (("bob",), ("alice",))


#: What a database puts into rows by itself: columns of the endpoints, of the auths, and a trigger.
FILLS = {
    "a number": ("pk integer primary key autoincrement,", "", ""),
    "a column of ours": ("", ", realm text default 'asterisk'", ""),
    "a column of ours that cannot be empty": ("", ", realm text not null default ''", ""),
    "another column": ("mailboxes text default 'none',", "", ""),
    "a time": ("made_at timestamp default current_timestamp,", "", ""),
    "a trigger": ("mailboxes text,", "", "update ps_endpoints set mailboxes = 'x' || new.rowid"),
}


def filling(held: Realtime, name: str) -> None:
    """The tables with what the database fills in."""
    endpoints, auths, trigger = FILLS[name]
    execute(
        held,
        *(f"drop table {table}" for table in realtime.METADATA.tables),
        f"create table ps_endpoints ({endpoints} id varchar(40) unique, aors varchar(40),"
        " auth varchar(40), context varchar(40), allow varchar(40), webrtc varchar(3))",
        "create table ps_auths (id varchar(40), auth_type varchar(9), username varchar(40),"
        f" password varchar(80) {auths})",
        "create table ps_aors (id varchar(40), max_contacts varchar(9))",
    )
    if trigger:
        execute(held, f"create trigger t after insert on ps_endpoints begin {trigger}; end")


@pytest.mark.parametrize("name", FILLS)
def test_undo_is_exact_whatever_the_database_fills_in(
    name: str, server: ReadyServer, database: Database, held: Realtime
) -> None:
    filling(held, name)
    before = snapshot(server.root)
    server.provision(ALICE, database=database)
    planned = server.provision(ALICE, database=database)
    assert not planned
    assert "differ" not in " ".join(planned.notes)
    queen = replace(ALICE, auth_name="queen")
    assert server.provision(queen, database=database, update=True).made == ("alice",)
    planned = server.undo(database)
    assert (planned.removed, planned.notes) == (("alice",), ())
    assert (ids(held), snapshot(server.root)) == ([[]] * 3, before)


@pytest.mark.parametrize("name", FILLS)
def test_somebody_else_s_work_is_seen_all_the_same(
    name: str, server: ReadyServer, database: Database, held: Realtime
) -> None:
    filling(held, name)
    server.provision(ALICE, database=database)
    column = "mailboxes" if "mailboxes" in FILLS[name][0] else "context"
    execute(held, f"update ps_endpoints set {column}='101@vm'")
    theirs = content(held)
    assert "ps_endpoints alice were changed" in server.undo(database).notes[0]
    assert content(held) == theirs


@pytest.mark.parametrize("name", FILLS)
@pytest.mark.parametrize("killed", [True, False])
def test_a_run_that_does_not_work_goes_back_whatever_the_database_fills_in(
    name: str, killed: bool, server: ReadyServer, database: Database, held: Realtime
) -> None:
    filling(held, name)
    before = snapshot(server.root)
    planned = server.to_provision(ALICE, database=database)

    def fails() -> None:
        raise CmpBundleError("not-answering", "no answer")

    if killed:
        with killed_before_it_settles():
            server._done(planned)
        assert ids(held) == [["alice"]] * 3
        assert (
            server.engine.recover() == "the provision before was cut off halfway; now it is undone"
        )
    else:
        with pytest.raises(CmpBundleError) as caught, server.engine.alone():
            server.engine.carry_out(planned, fails)
        assert caught.value.code == "not-answering"
    assert (ids(held), snapshot(server.root)) == ([[]] * 3, before)
    assert server.look().remembered.rows == {}


def test_a_file_that_cannot_be_written_leaves_no_row(
    server: ReadyServer, database: Database, held: Realtime
) -> None:
    """Rows that nobody remembers would never be taken away."""
    before = snapshot(server.root)
    planned = server.to_provision(database=database)
    path = server.look().remembered.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("somebody was quicker")
    with pytest.raises(CmpBundleError, match="at the same time"):
        server._done(planned)
    assert (ids(held), snapshot(server.root)) == ([[]] * 3, before)


def test_what_is_left_is_not_named_as_if_it_were_all(
    server: ReadyServer, database: Database, held: Realtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = [replace(ALICE, id=f"phone{n}", extension="") for n in range(6)]
    with killed_before_it_settles():
        server.provision(*accounts, database=database)
    execute(held, "update ps_aors set max_contacts=9")
    said: list[str] = []
    monkeypatch.setattr(Silent, "warn", lambda _, text: said.append(text))
    with server.engine.alone():
        pass
    assert "ps_aors phone4, …, so" in said[0]
    assert len(ids(held)[0]) == 6, "no half of an account"


# Rows that hold what we would write.


def scripted(
    held: Realtime,
    *accounts: Account,
    abilities: Abilities | None = None,
    looked_at: bool = True,
) -> None:
    """Rows as ``--sql`` would have them, which somebody ran."""
    database = database_of(held)
    wanted = Wanted(everyone=accounts, settings=ProvisionSettings())
    tables = (
        look(database, [a.id for a in accounts], {}) if looked_at else rows.everywhere(database)
    )
    made = phones(wanted.settings.context, abilities or Abilities())
    plan = row_plan.to_write(wanted, accounts, made, tables, {}, coded=False)
    written = script([one for _, changes in plan.changes for one in changes], tables)
    assert held.path is not None
    connection = sqlite3.connect(held.path)
    connection.executescript(written.replace(".bail on", ""))
    connection.close()


@pytest.mark.parametrize("looked_at", [True, False])
def test_rows_of_a_script_become_ours(
    looked_at: bool, server: ReadyServer, database: Database, held: Realtime
) -> None:
    scripted(held, ALICE, BOB, looked_at=looked_at)
    there = content(held)
    planned = server.provision(database=database)
    assert (planned.made, planned.present, planned.theirs) == ((), ("alice", "bob"), ())
    assert "the rows of alice, bob in" in planned.notes[0]
    assert "cmp-bundle's from now on, and --undo takes them away" in planned.notes[0]
    assert content(held) == there
    assert "from now on" not in " ".join(server.provision(database=database).notes)
    assert server.undo(database).removed == ("alice", "bob")
    assert ids(held) == [[]] * 3


def test_rows_that_may_only_be_read(
    server: ReadyServer, database: Database, held: Realtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If they were ours, nothing at all could be undone."""
    scripted(held, ALICE)
    there = content(held)

    def denied(_: Database) -> None:
        raise CmpBundleError("database-error", "DELETE command denied")

    monkeypatch.setattr(Database, "writing", denied)
    planned = server.provision(ALICE, database=database)
    assert (planned.present, planned.theirs) == ((), ("alice",))
    assert (
        "does not let cmp-bundle delete, so --undo will leave the rows of alice" in planned.notes[0]
    )
    server.undo()
    assert content(held) == there


@pytest.mark.parametrize("name", FILLS)
def test_also_where_the_database_fills_in_something(
    name: str, server: ReadyServer, database: Database, held: Realtime
) -> None:
    filling(held, name)
    scripted(held, ALICE)
    # What a trigger wrote may be somebody's work as well.
    adopted = () if name == "a trigger" else ("alice",)
    assert server.provision(ALICE, database=database).present == adopted


def test_a_script_for_an_asterisk_of_other_abilities(
    server: ReadyServer, database: Database, held: Realtime
) -> None:
    scripted(held, ALICE, abilities=Abilities(transcodes_opus=True, remove_unavailable=True))
    planned = server.provision(ALICE, database=database)
    assert planned.present == ("alice",)
    assert "--update" in " ".join(planned.notes)


@pytest.mark.parametrize(
    "statement",
    [
        MAILBOX,
        "update ps_auths set password='x' where id='alice'",
        "update ps_auths set password_digest='MD5:x' where id='alice'",
        "delete from ps_aors where id='alice'",
        "update ps_endpoints set context='x' where id='alice'",
    ],
)
def test_rows_that_hold_anything_else_are_somebody_else_s(
    statement: str, server: ReadyServer, database: Database, held: Realtime
) -> None:
    scripted(held, ALICE)
    execute(held, statement)
    theirs = content(held)
    planned = server.provision(ALICE, database=database)
    assert (planned.made, planned.present, planned.theirs) == ((), (), ("alice",))
    server.undo(database)
    assert content(held) == theirs


def test_what_somebody_changed_to_what_we_would_write_is_ours(
    server: ReadyServer, database: Database, held: Realtime
) -> None:
    server.provision(ALICE, database=database)
    queen = replace(ALICE, display_name="Queen")
    execute(held, "update ps_endpoints set callerid='\"Queen\" <101>'")
    planned = server.provision(queen, database=database)
    assert (planned.present, len(planned.notes)) == (("alice",), 1)
    assert "from now on" in planned.notes[0]
    assert not server.provision(queen, database=database)
