"""What to write where, exact for whoever copies it."""

from __future__ import annotations

import sqlite3

import pytest

from cmp_bundle.accounts.remedy import remedy
from cmp_bundle.asterisk.reloads import PJSIP
from cmp_bundle.places import Place, Row

FILE = Place("/etc/asterisk/pjsip.conf", 12)
PINNED = {"transport": None}
ROW = Row("[asterisk] of res_odbc.conf", "ps_endpoints", "0000f30A0A01")


def test_in_a_file() -> None:
    assert remedy("aor", "alice", FILE, {"max_contacts": "5", "remove_existing": "yes"}) == (
        "write max_contacts=5 and remove_existing=yes into [alice], type=aor, of"
        f" /etc/asterisk/pjsip.conf; then {PJSIP}"
    )
    assert remedy("endpoint", "alice", FILE, PINNED) == (
        f"take transport out of the endpoint alice (/etc/asterisk/pjsip.conf:12); then {PJSIP}"
    )
    assert remedy("aor", "alice", None, {"max_contacts": "5"}) == (
        f"write max_contacts=5 into the aor alice; then {PJSIP}"
    )


def test_in_a_row() -> None:
    assert remedy("endpoint", "0000f30A0A01", ROW, PINNED) == (
        "in the database [asterisk] of res_odbc.conf:"
        " UPDATE ps_endpoints SET transport = NULL WHERE id = '0000f30A0A01';"
    )
    cached = Row("asterisk", "ps_endpoints", "o'hara", "res_pjsip/endpoint")
    assert remedy("endpoint", "o'hara", cached, {"allow": "opus,ulaw", "webrtc": "yes"}) == (
        "in the database asterisk: UPDATE ps_endpoints SET allow = 'opus,ulaw', webrtc = 'yes'"
        " WHERE id = 'o''hara'; then asterisk -rx"
        " 'sorcery memory cache expire res_pjsip/endpoint o'\"'\"'hara'"
    )


@pytest.mark.parametrize("name", ["o'hara", "'; DROP TABLE ps_aors; --", 'a"b', "''", "漢"])
def test_a_name_stays_a_name(name: str) -> None:
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE ps_aors (id TEXT, max_contacts INTEGER)")
        database.executemany("INSERT INTO ps_aors VALUES (?, 0)", [(name,), ("other",)])
        told = remedy("aor", name, Row("d", "ps_aors", name), {"max_contacts": "5"})
        database.execute(told.removeprefix("in the database d: "))
        rows = database.execute("SELECT id, max_contacts FROM ps_aors").fetchall()
    assert rows == [(name, 5), ("other", 0)]


@pytest.mark.parametrize("row", [("ps_aors", "a\\"), ("ps_aors", "a\nb"), ("ps aors", "a")])
def test_what_databases_read_differently_is_said_in_words(row: tuple[str, str]) -> None:
    told = remedy("aor", "a", Row("d", *row), {"max_contacts": "5"})
    assert told == f"write max_contacts=5 into the aor a of {row[0]}"
