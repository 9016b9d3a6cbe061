"""Whose the rows of a realtime database are: ours, or somebody else's. Values in, values out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.provision import pjsip, rows
from cmp_bundle.provision.remembered import RowKey
from cmp_bundle.provision.rows import SECRETS, TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp_bundle.accounts.model import Account
    from cmp_bundle.provision.pjsip import Phones
    from cmp_bundle.provision.rows import Row, Tables


def keys(account: str, tables: Tables) -> tuple[RowKey, ...]:
    """Those that an account's three rows are remembered by."""
    return tuple(RowKey(tables.url, table, account) for table in TABLES)


def others(tables: Tables, remembered: Mapping[RowKey, str]) -> dict[str, list[str]]:
    """By the account, the rows (``ps_aors alice``) that are not the remembered ones, of all accounts
    that had rows of ours. One without such is left out.
    """
    found: dict[str, list[str]] = {}
    for account in dict.fromkeys(key.id for key in remembered if key.database == tables.url):
        for key in keys(account, tables):
            table = tables.tables[key.table]
            row = table.rows.get(account)
            if row is not None and remembered.get(key) != rows.digest(
                row, key.table, table.columns
            ):
                found.setdefault(account, []).append(f"{key.table} {account}")
    return found


def as_written(account: Account, phones: Phones, tables: Tables, *, coded: bool) -> bool:
    """Whether all three rows are there, hold what we would write, secrets too, and nothing else.

    ``coded`` is as for ``rows.rows``.
    """
    there = {name: table.rows.get(account.id) for name, table in tables.tables.items()}
    forms = (rows.rows(account, one, tables.tables, coded=coded) for one in pjsip.forms(phones))
    return any(
        all(_holds(there[name], goal, name, tables) for name, goal in form.items())
        for form in forms
    )


def _holds(row: Row | None, goal: Row, table: str, tables: Tables) -> bool:
    if row is None or any(row.get(name, "") != goal.get(name, "") for name in SECRETS):
        return False
    columns = tables.tables[table].columns
    return rows.digest(row, table, columns) == rows.digest(goal, table, columns)
