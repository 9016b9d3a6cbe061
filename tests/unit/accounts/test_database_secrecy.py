"""Whoever answers where the database should be: what they get of its password, and of our files."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from cmp_bundle.accounts import mysql
from cmp_bundle.accounts.database import Database
from cmp_bundle.accounts.database_source import DatabaseSource
from cmp_bundle.errors import CmpBundleError
from tests.unit.accounts.asking import Heard, Line, Mysql, Postgresql, serving
from tests.unit.tls.made import a_leaf, an_authority, odd
from tests.unit.tls.serving import serving_context

PASSWORD = "wonder1and-in-the-database"

#: What pymysql answers with the password itself, or with what is as good.
WAYS = [
    ("mysql_clear_password", False),
    ("dialog", False),
    ("sha256_password", False),
    ("sha256_password", True),
    ("caching_sha2_password", False),
    ("caching_sha2_password", True),
    ("mysql_old_password", False),
]


@pytest.fixture
def anybodys(tmp_path: Path) -> ssl.SSLContext:
    """TLS with a certificate that nobody has vouched for."""
    return context(tmp_path, b"".join(odd("127.0.0.1")))


def context(folder: Path, pem: bytes) -> ssl.SSLContext:
    (folder / "pair.pem").write_bytes(pem)
    return serving_context(folder / "pair.pem")


@pytest.fixture
def meant(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """TLS of the server that was meant, and the certificate that says so."""
    leaf = a_leaf(an_authority(tmp_path, "127.0.0.1"), "127.0.0.1")
    ca = tmp_path / "certs/ca.pem"
    assert ca.exists()
    return context(tmp_path, leaf.pem), ca


def asked(url: str) -> CmpBundleError:
    with pytest.raises(CmpBundleError) as caught:
        DatabaseSource(Database(url, PASSWORD)).endpoints()
    assert PASSWORD not in f"{caught.value}{caught.value.hint}"
    return caught.value


def got(heard: Heard) -> bool:
    assert b"asterisk" in heard.everything, "nobody was asked"
    return PASSWORD.encode() in heard.everything


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize(("way", "initial"), WAYS)
def test_mysql_asks_for_the_password(
    way: str, initial: bool, encrypted: bool, anybodys: ssl.SSLContext
) -> None:
    """Encrypted is not enough: whoever stands in the middle can encrypt as well."""
    server = Mysql(way, initial, anybodys if encrypted else None)
    with serving(server) as heard:
        error = asked(f"mysql://asterisk@127.0.0.1:{heard.port}/asterisk")
    assert not got(heard)
    if not (initial and way == "sha256_password"):
        assert "asked for the password itself" in error.message
        assert "?ssl_ca=" in str(error.hint)
        assert "?unix_socket=" in str(error.hint)


@pytest.mark.parametrize(("way", "initial"), WAYS[:-1])
def test_mysql_gets_it_where_it_is_the_one_that_was_meant(
    way: str, initial: bool, meant: tuple[ssl.SSLContext, Path]
) -> None:
    """So the tests above could fail, and who has such a server can use it."""
    tls, ca = meant
    with serving(Mysql(way, initial, tls)) as heard:
        asked(f"mysql://asterisk@127.0.0.1:{heard.port}/asterisk?ssl_ca={ca}")
    assert got(heard)


def test_mysql_that_says_it_knows_no_tls(meant: tuple[ssl.SSLContext, Path]) -> None:
    with serving(Mysql("mysql_clear_password")) as heard:
        error = asked(f"mysql://asterisk@127.0.0.1:{heard.port}/asterisk?ssl_ca={meant[1]}")
    assert "SSL is required" in error.message
    assert heard.packets == []


def test_mysql_on_a_socket(tmp_path: Path) -> None:
    """Its folder decides who can be there; accounts of PAM are asked for the password so."""
    place = tmp_path / "mysqld.sock"
    with serving(Mysql("mysql_clear_password"), place) as heard:
        asked(f"mysql://asterisk@/asterisk?unix_socket={place}")
    assert got(heard)


@pytest.mark.parametrize("query", ["", "?local_infile=1"])
def test_mysql_asks_for_a_file(query: str, tmp_path: Path) -> None:
    """As an answer to any question."""
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD)
    with serving(Mysql(file=str(secret))) as heard:
        error = asked(f"mysql://asterisk@127.0.0.1:{heard.port}/asterisk{query}")
    assert not got(heard)
    assert "the server asked for a file of this machine, and cmp-bundle sent none" in error.message


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize(
    "query", ["", "?sslmode=disable", "?sslmode=require", "?require_auth=scram-sha-256"]
)
def test_postgresql_asks_for_the_password(
    query: str, encrypted: bool, anybodys: ssl.SSLContext
) -> None:
    with serving(Postgresql(anybodys if encrypted else None)) as heard:
        error = asked(f"postgresql://asterisk@127.0.0.1:{heard.port}/asterisk{query}")
    assert PASSWORD.encode() not in heard.everything
    assert heard.packets
    if encrypted or "require" not in query:
        assert "authentication method requirement" in error.message
        assert "?sslmode=verify-full" in str(error.hint)


def test_postgresql_gets_it_where_it_is_the_one_that_was_meant(
    meant: tuple[ssl.SSLContext, Path],
) -> None:
    tls, ca = meant
    with serving(Postgresql(tls)) as heard:
        url = f"postgresql://asterisk@127.0.0.1:{heard.port}/asterisk"
        asked(f"{url}?sslmode=verify-full&sslrootcert={ca}")
    assert got(heard)


def test_what_of_pymysql_is_taken_the_place_of_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """It promises none of these names: with one gone, the tests above would pass for nothing."""
    from pymysql.connections import Connection

    for name in ("_get_server_information", "_process_auth", "_secure"):
        assert hasattr(Connection, name)

    def never(talk: Callable[[Line, Heard], None]) -> bool:
        with serving(talk) as heard:
            asked(f"mysql://asterisk@127.0.0.1:{heard.port}/asterisk")
        return got(heard)

    # Each of them is needed: without it, one of the servers gets the password.
    with monkeypatch.context() as patch:
        patch.delattr(mysql.CarefulConnection, "_process_auth")
        assert never(Mysql("mysql_clear_password"))
    with monkeypatch.context() as patch:
        patch.delattr(mysql.CarefulConnection, "server_public_key")
        assert never(Mysql("caching_sha2_password"))
