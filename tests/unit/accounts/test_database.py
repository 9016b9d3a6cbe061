"""Realtime databases as sources, on SQLite; real servers are in tests/asterisk."""

from __future__ import annotations

import shutil
import socket
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from cmp_bundle.accounts import database, from_database
from cmp_bundle.accounts.database import Database
from cmp_bundle.accounts.database_source import DatabaseSource
from cmp_bundle.accounts.filled import at_source as account
from cmp_bundle.accounts.model import Account, ha1
from cmp_bundle.accounts.open_source import Sources
from cmp_bundle.accounts.password_change import planned
from cmp_bundle.errors import CmpBundleError, FindingsError
from cmp_bundle.places import Row
from tests.unit.accounts.realtime import execute, filled, passwords
from tests.unit.changes import carried

DIGEST = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rt.sqlite3"


def test_what_it_holds(path: Path) -> None:
    source = filled(path, "alice", "bob")
    found = source.endpoints()
    assert list(found.endpoints) == ["alice", "bob"]
    assert found.transports is None
    result = account(source, found, "alice")
    assert result == Account(
        "alice",
        password="of-alice",
        source=f"sqlite:///{path}",
        place=Row(source.name, "ps_endpoints", "alice"),
        secret=Row(source.name, "ps_auths", "alice"),
    )
    assert str(result.place) == f"sqlite:///{path} ps_endpoints alice"


def test_older_tables_have_fewer_columns(path: Path) -> None:
    execute(
        path,
        "create table ps_endpoints (ID text, auth text, webrtc text)",
        "create table ps_auths (id text, username text, password text)",
        "insert into ps_endpoints values ('a', 'a', 'yes')",
        "insert into ps_auths values ('a', 'a', 'x')",
    )
    source = DatabaseSource(Database(f"sqlite:///{path}"))
    assert account(source, source.endpoints(), "a").password == "x"  # type: ignore[union-attr]


def test_reading_changes_nothing(path: Path) -> None:
    source = filled(path, "alice")
    before = path.read_bytes()
    source.endpoints()
    with source.database.reading() as connection, pytest.raises(sa.exc.OperationalError):
        connection.execute(sa.text("delete from ps_auths"))
    assert path.read_bytes() == before


def test_a_rotation_changes_the_rows_that_were_asked_for(path: Path) -> None:
    source = filled(
        path, "alice", "bob", carol={"auth_type": "md5", "md5_cred": DIGEST, "realm": "r"}
    )
    renewal = planned(source, {"alice": "fresh", "carol": "other"})
    assert passwords(path) == {"alice": "of-alice", "bob": "of-bob", "carol": DIGEST}
    carried.carry_out(renewal.steps)
    new = {"alice": "fresh", "bob": "of-bob", "carol": ha1("carol", "r", "other")}
    assert passwords(path) == new
    assert [(a.password, a.ha1) for a in renewal.accounts] == [("fresh", ""), ("", new["carol"])]
    carried.undo(renewal.steps)
    assert passwords(path) == {"alice": "of-alice", "bob": "of-bob", "carol": DIGEST}


def test_a_digest_needs_the_realm_of_the_server(path: Path) -> None:
    source = filled(path, alice={"auth_type": "md5", "md5_cred": DIGEST})
    with pytest.raises(FindingsError, match="for an unknown realm"):
        planned(source, {"alice": "fresh"})
    carried.carry_out(planned(DatabaseSource(source.database, "pbx"), {"alice": "fresh"}).steps)
    assert passwords(path) == {"alice": ha1("alice", "pbx", "fresh")}


def test_all_rows_or_none(path: Path) -> None:
    source = filled(path, "alice", "bob", "carol")
    renewal = planned(source, {"alice": "new-a", "bob": "new-b", "carol": "new-c"})
    execute(path, "update ps_auths set password = 'theirs' where id = 'bob'")
    before = passwords(path)
    with pytest.raises(CmpBundleError) as caught:
        carried.carry_out(renewal.steps)
    assert passwords(path) == before
    assert "the password of bob in ps_auths was changed by somebody else" in str(caught.value)
    assert caught.value.hint == "cmp-bundle changed nothing; run it again"
    for secret in ("theirs", "of-bob", "new-b"):
        assert secret not in f"{caught.value}{caught.value.hint}"


def test_accounts_that_cannot_be_given_one_are_all_told(path: Path) -> None:
    source = filled(path, "alice", bob={"password": None}, carol={"username": None})
    with pytest.raises(FindingsError) as caught:
        planned(source, {"alice": "x", "bob": "x", "carol": "x", "dave": "x"})
    message = str(caught.value)
    assert "its auth 'bob' cannot be used: it has no password" in message
    assert "its auth 'carol' cannot be used: it has no username" in message
    assert "has no endpoint 'dave'" in message
    assert "3 things are wrong, and nothing was changed" in message
    assert passwords(path)["alice"] == "of-alice"


def test_an_auth_of_two_phones_is_not_changed(path: Path) -> None:
    source = filled(path, "alice", "bob")
    execute(path, "update ps_endpoints set auth = 'alice' where id = 'bob'")
    with pytest.raises(FindingsError, match="alice shares the auth 'alice' with bob"):
        planned(source, {"alice": "x"})


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a;b", ["a", "b"]),
        ("a; b ;", ["a", " b"]),
        (" ; ;x", ["x"]),
        ("a^3Bb", ["a;b"]),
        ("^C3^A9", ["é"]),
        ("a^3bb", ["a^3bb"]),
        ("", []),
    ],
)
def test_what_the_drivers_make_of_a_value(text: str, parts: list[str]) -> None:
    where = Row("d", "ps_auths", "a")
    result = from_database._options({"password": text}, where, cut=True)
    assert [option.value for option in result] == parts
    (*whole,) = from_database._options({"password": text}, where, cut=False)
    assert [option.value for option in whole] == ([text] if text else [])


def test_a_single_space_is_nothing_to_sqlites_driver() -> None:
    (option,) = from_database._options({"x": " "}, Row("d", "t", "a"), cut=False)
    assert option.value == ""


@pytest.mark.parametrize("text", ["a^", "a^3", "^A;x", "x;^"])
def test_a_value_that_the_drivers_read_beyond_is_not_taken(text: str) -> None:
    for kind in ("mysql", "mariadb", "postgresql"):
        assert from_database._UNCLEAR[kind].search(text)
    assert from_database._UNCLEAR["postgresql"].search("a^3b")
    assert not from_database._UNCLEAR["mysql"].search("a^3B")


# What goes wrong, said without a password


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mysql://u:secret-of-db@h/d", "must not hold a password"),
        ("postgresql://u@h/d?password=secret-of-db", "must not hold a password"),
        ("oracle://u@h/d", "must begin with one of mysql://"),
        ("mysql://u@h:port/d", "must look like mysql://"),
        ("sqlite:///nothing/here.db", "this database does not exist"),
        ("sqlite://", "this database does not exist"),
        ("mysql+nothing://u@h/d", "is not a database URL"),
        ("mysql://u@127.0.0.1:1/d", "127.0.0.1"),
        ("postgresql://u@127.0.0.1:1/d", "127.0.0.1"),
        ("postgresql://u@127.0.0.1:1/d?nonsense=1", "nonsense"),
    ],
)
def test_databases_that_cannot_be_reached(url: str, expected: str) -> None:
    source = DatabaseSource(Database(url, "secret-of-db"))
    with pytest.raises(CmpBundleError) as caught:
        source.endpoints()
    text = f"{caught.value} {caught.value.hint} {caught.value.__cause__}"
    assert expected in text
    assert "secret-of-db" not in text


def test_a_file_that_is_no_database(path: Path) -> None:
    path.write_bytes(b"no database" * 100)
    with pytest.raises(CmpBundleError, match="not a database"):
        DatabaseSource(Database(f"sqlite:///{path}")).endpoints()


def test_a_database_without_the_tables(path: Path) -> None:
    path.touch()
    with pytest.raises(CmpBundleError) as caught:
        DatabaseSource(Database(f"sqlite:///{path}")).endpoints()
    assert "has no table ps_endpoints and no ps_auths" in caught.value.message
    assert "ast-db-manage" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("url", "module", "hint"),
    [
        ("mysql://u@h/d", "pymysql", "pip install 'cmp-bundle[database]'"),
        ("mariadb+pymysql://u@h/d", "pymysql", "pip install 'cmp-bundle[database]'"),
        ("postgresql://u@h/d", "psycopg", "pip install 'cmp-bundle[database]'"),
        # The extra does not bring this one.
        (
            "mysql+mysqldb://u@h/d",
            "MySQLdb",
            "install it, or leave out the driver: mysql://u@h/d",
        ),
    ],
)
def test_a_driver_that_is_not_installed(
    url: str, module: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(CmpBundleError) as caught:
        DatabaseSource(Database(url)).endpoints()
    assert caught.value.message == f"the driver for {url} is not installed: {module}"
    assert caught.value.hint == hint


def test_a_driver_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def load() -> None:
        raise ImportError("no pq wrapper available.\nAttempts made: …")

    dialect = "sqlalchemy.dialects.postgresql.psycopg.PGDialect_psycopg"
    monkeypatch.setattr(f"{dialect}.import_dbapi", load)
    with pytest.raises(CmpBundleError) as caught:
        DatabaseSource(Database("postgresql://u@h/d")).endpoints()
    assert caught.value.message.endswith("is not installed: no pq wrapper available.")


def test_a_database_by_its_url(path: Path, tmp_path: Path) -> None:
    filled(path, "alice")
    source = Sources(tmp_path, database_password="x").source(f"sqlite:///{path}")
    assert list(source.endpoints().endpoints) == ["alice"]
    assert "secret" not in repr(Database("mysql://u@h/d", "secret"))


def test_odd_names_of_files(tmp_path: Path) -> None:
    odd = tmp_path / "a b?#%.db"
    filled(tmp_path / "x.db", "alice")
    shutil.copy(tmp_path / "x.db", odd)
    url = f"sqlite:///{tmp_path}/a b%3F%23%25.db"
    for each in (url, f"sqlite:///{tmp_path}/x.db"):
        source = DatabaseSource(Database(each))
        try:
            assert list(source.endpoints().endpoints) == ["alice"]
        except CmpBundleError as error:
            # SQLAlchemy does not decode the path of a file; then it says where it looked.
            assert "this database does not exist" in error.message


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["mysql", "postgresql"])
def test_a_server_that_never_says_a_word(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_ANSWERING", 1)
    monkeypatch.setattr(database, "_PATIENCE", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"{scheme}://u@127.0.0.1:{silent.getsockname()[1]}/d"
        with pytest.raises(CmpBundleError, match=r"(?i)time"):
            DatabaseSource(Database(url)).endpoints()
