"""What an account is as rows: the same as in a file, in the words that the tables take."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.accounts import from_database
from cmp_bundle.accounts.database import Database
from cmp_bundle.accounts.model import Account
from cmp_bundle.provision import pjsip, rows
from cmp_bundle.provision.database import _described as described
from cmp_bundle.provision.rows import TABLES, Column, Row, Table
from tests.testbed import realtime

from .servers import ALICE, BOB
from .test_pjsip import IDS, NAMES, PHONES, TEXTS

#: As Asterisk's migrations leave them.
NEWEST = {
    name: Table(
        {
            c.name: Column(
                c.name,
                getattr(c.type, "length", None) if not isinstance(c.type, sa.Enum) else None,
                tuple(c.type.enums) if isinstance(c.type, sa.Enum) else (),
            )
            for c in table.columns
        }
    )
    for name, table in realtime.METADATA.tables.items()
}
NOWHERE = Database("sqlite:////nowhere")
COLUMNS = {name: table.columns for name, table in NEWEST.items()}
#: What Asterisk's driver for SQLite has to be told: it takes NULL for an empty text.
TOLD = {
    "default_expiration": "3600",
    "minimum_expiration": "60",
    "maximum_expiration": "7200",
    "qualify_timeout": "3",
}


def written(account: Account, *, coded: bool = False) -> dict[str, Row]:
    return rows.rows(account, PHONES, NEWEST, coded=coded)


@pytest.mark.parametrize("account", [ALICE, BOB])
def test_a_row_holds_what_a_file_would(account: Account) -> None:
    options = zip(TABLES.items(), pjsip.options(account, PHONES), strict=True)
    for (table, kind), values in options:
        row = written(account)[table]
        expected = {**values, "id": "phone"} | ({"timers": "forced"} if kind == "endpoint" else {})
        assert expected.pop("type") == kind
        assert {**row, "id": "phone"} == expected | (TOLD if kind == "aor" else {})
        assert set(row) <= rows.ours(table) | TOLD.keys()


def test_numbers_are_told_to_one_driver_alone() -> None:
    assert not written(ALICE, coded=True)["ps_aors"].keys() & TOLD.keys()
    own = {**COLUMNS["ps_aors"], "default_expiration": Column("default_expiration", default="120")}
    del own["qualify_timeout"]
    found = rows.rows(ALICE, PHONES, {**NEWEST, "ps_aors": Table(own)}, coded=False)["ps_aors"]
    assert found["default_expiration"] == "120"
    assert "qualify_timeout" not in found
    changed = {**found, "default_expiration": "600", "max_contacts": "1"}
    assert rows.merged(changed, found, "ps_aors") == {**found, "default_expiration": "600"}


@pytest.mark.parametrize("account", [ALICE, BOB])
def test_the_tables_take_all_of_it(account: Account) -> None:
    found = rows.Tables(NOWHERE, NEWEST)
    assert list(rows.lacking((account,), found)) == []
    assert list(rows.left_out((account,), PHONES, found)) == []
    for table, row in written(account).items():
        assert list(rows.misfits(row, table, found)) == []


def test_yes_and_no_are_the_only_words() -> None:
    """In the tables of Asterisk 16 others are refused."""
    words = set(getattr(realtime.ENDPOINTS.c.webrtc.type, "enums", ()))
    taken = {
        row[c.name]
        for name, row in written(ALICE).items()
        for c in realtime.METADATA.tables[name].columns
        if c.name in row and words == set(getattr(c.type, "enums", ()))
    }
    assert taken == {"yes", "no"}


def test_the_tables_of_all_versions() -> None:
    everywhere = rows.everywhere(NOWHERE)
    assert list(rows.lacking((ALICE, BOB), everywhere)) == []
    (missing,) = rows.left_out((ALICE, BOB), PHONES, everywhere)
    assert missing.startswith("remove_unavailable ")
    for name, table in everywhere.tables.items():
        assert table.columns.keys() <= NEWEST[name].columns.keys()
        for column in table.columns.values():
            newest = NEWEST[name].columns[column.name].length
            assert column.length is None or column.length <= (newest or 0)


@given(TEXTS, NAMES, TEXTS)
def test_a_driver_that_cuts_hands_over_the_same(password: str, user: str, shown: str) -> None:
    account = Account("alice", shown, user, password)
    for table, row in written(account, coded=True).items():
        plain = written(account)[table]
        for name, value in row.items():
            if name == "callerid" and len(value) >= 39:
                continue  # cut, and not at the same place
            (part,) = value.split(";")
            assert from_database._decoded(part.rstrip()) == plain[name]


@given(IDS, TEXTS, st.booleans(), st.integers(10, 60))
def test_a_caller_s_name_is_cut_to_fit(name: str, shown: str, coded: bool, length: int) -> None:
    short = {**COLUMNS["ps_endpoints"], "callerid": Column("callerid", length)}
    tables = {**NEWEST, "ps_endpoints": Table(short)}
    account = Account(name[:3], shown, password="x", extension="1")
    found = rows.rows(account, PHONES, tables, coded=coded)["ps_endpoints"]["callerid"]
    assert len(found) <= length
    assert found.endswith('" <1>')


ROWS = st.dictionaries(
    st.sampled_from(["context", "callerid", "mailboxes", "password", "language"]), st.text()
)


@given(ROWS, ROWS)
def test_a_digest_tells_one_row_from_another(one: dict[str, str], other: dict[str, str]) -> None:
    def told(row: dict[str, str]) -> dict[str, str]:
        return {k: v for k, v in row.items() if v and k not in ("password", "language")}

    columns = {**COLUMNS["ps_endpoints"], "language": Column("language", filled=True)}
    same = rows.digest(one, "ps_endpoints", columns) == rows.digest(other, "ps_endpoints", columns)
    assert same == (told(one) == told(other))


def test_what_the_database_fills_in_itself_counts_where_we_write_it() -> None:
    columns = {**COLUMNS["ps_endpoints"], "webrtc": Column("webrtc", filled=True)}
    one, other = (
        rows.digest({"webrtc": value}, "ps_endpoints", columns) for value in ("yes", "no")
    )
    assert one != other


def test_a_default_is_nobody_s_work() -> None:
    columns = {**COLUMNS["ps_endpoints"], "mailboxes": Column("mailboxes", default="none")}
    plain, filled, work = (
        rows.digest({"id": "a", **more}, "ps_endpoints", columns)
        for more in ({}, {"mailboxes": "none"}, {"mailboxes": "101@vm"})
    )
    assert plain == filled != work


def test_a_column_of_ours_that_we_have_nothing_for_has_its_default() -> None:
    columns = {**COLUMNS["ps_auths"], "realm": Column("realm", default="a;b")}
    tables = {**NEWEST, "ps_auths": Table(columns)}
    alice, bob = (rows.rows(one, PHONES, tables, coded=True)["ps_auths"] for one in (ALICE, BOB))
    assert (alice["realm"], bob["realm"]) == ("a;b", BOB.realm)


@pytest.mark.parametrize(
    ("told", "default", "filled"),
    [
        (None, None, False),
        ("NULL", None, False),
        ("NULL::character varying", None, False),
        ("'asterisk'", "asterisk", False),
        ("('it''s')", "it's", False),
        ("''", "", False),
        ("'yes'::yesno_values", "yes", False),
        ("'a'::character varying(80)", "a", False),
        ("7", "7", False),
        ("-1.5", "-1.5", False),
        ("nextval('ps_endpoints_pk_seq'::regclass)", None, True),
        ("('a'::text || 'b'::text)", None, True),
        ("current_timestamp()", None, True),
    ],
)
def test_what_a_database_fills_in(told: str | None, default: str | None, filled: bool) -> None:
    column = described({"name": "X", "type": sa.String(80), "default": told})
    assert column == Column("X", 80, default=default, filled=filled)


@pytest.mark.parametrize(
    "more",
    [
        {"type": sa.Integer(), "primary_key": 1},
        {"type": sa.Integer(), "autoincrement": True},
        {"type": sa.Integer(), "identity": {"always": True}},
        {"type": sa.String(), "computed": {"sqltext": "1"}},
        {"type": sa.TIMESTAMP()},
    ],
)
def test_what_a_database_fills_in_without_a_default(more: dict[str, Any]) -> None:
    assert described({"name": "x", "default": None, **more}).filled


def test_what_somebody_else_wrote_beside_it_stays() -> None:
    before = {"id": "bob", "password": "x", "oauth_secret": "y", "password_digest": "z"}
    goal = written(BOB)["ps_auths"]
    assert rows.merged(before, goal, "ps_auths") == {**goal, "oauth_secret": "y"}
    assert rows.merged(None, goal, "ps_auths") == goal


def test_what_is_written_is_told_of_nobody() -> None:
    found = rows.Tables(NOWHERE, NEWEST)
    long: dict[str, Any] = dict(written(replace(ALICE, password="s3cret" * 20))["ps_auths"])
    (one,) = rows.misfits(long, "ps_auths", found)
    assert "s3cret" not in str(one)
