"""Which rows of a realtime database are written, changed or taken away. Nothing is looked at here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cmp_bundle.checks.accounts import against
from cmp_bundle.errors import refuse
from cmp_bundle.findings import finding
from cmp_bundle.provision import row_owners, rows
from cmp_bundle.provision.remembered import RowKey
from cmp_bundle.provision.row_step import ProvisionedRows
from cmp_bundle.provision.rows import ENDPOINTS, TABLES, RowChange
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cmp_bundle.accounts.database import Database
    from cmp_bundle.accounts.model import Account
    from cmp_bundle.findings import Finding
    from cmp_bundle.provision.pjsip import Phones
    from cmp_bundle.provision.remembered import Remembered
    from cmp_bundle.provision.rows import Row, Tables
    from cmp_bundle.provision.wanted import Wanted


@dataclass
class RowPlan:
    """``changes`` are what changes in each database, and ``remembered`` what to remember then.

    ``made``, ``present``, ``theirs`` and ``removed`` are ids of accounts, as in Planned; ``adopted``
    those whose rows were there already, and become ours.
    """

    remembered: dict[RowKey, str] = field(default_factory=dict)
    changes: list[tuple[Database, tuple[RowChange, ...]]] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    theirs: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    adopted: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, tables: Tables, changes: Iterable[RowChange]) -> None:
        """``changes`` of one database, and what is remembered of them."""
        chosen = tuple(changes)
        if chosen:
            self.changes.append((tables.database, chosen))
        for change in chosen:
            key = RowKey(tables.url, change.table, change.id)
            if change.after is None:
                self.remembered.pop(key, None)
            else:
                columns = tables.tables[change.table].columns
                self.remembered[key] = rows.digest(change.after, change.table, columns)

    def steps(self, file: Remembered) -> Iterator[ProvisionedRows]:
        """One for each database; ``file`` is what was remembered before."""
        for database, changes in self.changes:
            step = ProvisionedRows(database, changes, file, self.remembered)
            yield step
            file = replace(file, state=step.remembering.after)


def to_write(
    wanted: Wanted,
    accounts: tuple[Account, ...],
    phones: Phones,
    tables: Tables,
    remembered: Mapping[RowKey, str],
    *,
    coded: bool,
) -> RowPlan:
    """``accounts`` are those that get rows, or have them; ``coded`` is whether Asterisk reads values
    through a driver that cuts them. Raises CmpBundleError with all that stands against it.
    """
    plan = RowPlan(dict(remembered))
    refuse(list(rows.lacking(accounts, tables)), "nothing was changed")
    _adopt(plan, accounts, phones, tables, coded=coded)
    _forget(plan, tables)
    changes: list[RowChange] = []
    different: list[str] = []
    wrong: list[Finding] = []
    for account in accounts:
        blocked = list(_in_the_way(account, tables, plan.remembered))
        wrong += blocked
        if blocked or _is_theirs(account, tables, plan.remembered):
            continue
        goal = rows.rows(account, phones, tables.tables, coded=coded)
        made = [change for table in TABLES if (change := _change(account, table, goal, tables))]
        wanted_now = [change for change in made if wanted.update or change.before is None]
        wrong += (f for c in wanted_now for f in rows.misfits(goal[c.table], c.table, tables))
        changes += wanted_now
        if wanted_now:
            plan.made.append(account.id)
        elif made:
            different.append(account.id)
    refuse(_each_once(wrong), "nothing was changed")
    changes += _leaving(plan, tables, {account.id for account in wanted.everyone})
    plan.add(tables, changes)
    _present(plan, wanted, tables)
    plan.notes += rows.left_out(accounts, phones, tables)
    if different:
        plan.notes.append(
            f"the rows of {some(different)} in {tables.url} differ from what would be written now,"
            " and stay as they are; to write them anew: cmp-bundle provision --update"
        )
    return plan


def to_take_away(found: Iterable[Tables], remembered: Mapping[RowKey, str]) -> RowPlan:
    """All rows that are ours, in all databases."""
    plan = RowPlan(dict(remembered))
    for tables in found:
        _forget(plan, tables)
        plan.add(tables, list(_leaving(plan, tables, set())))
    return plan


def _change(
    account: Account, table: str, goal: Mapping[str, Row], tables: Tables
) -> RowChange | None:
    before = tables.tables[table].rows.get(account.id)
    after = rows.merged(before, goal[table], table)
    return None if before == after else RowChange(table, account.id, before, after)


def _forget(plan: RowPlan, tables: Tables) -> None:
    """The accounts of which somebody else changed a row: all their rows stay, and are theirs from now
    on. Without one of them, the others would be of no use.
    """
    changed = row_owners.others(tables, plan.remembered)
    for account in changed:
        for key in row_owners.keys(account, tables):
            plan.remembered.pop(key, None)
    if changed:
        named = [row for found in changed.values() for row in found]
        plan.notes.append(
            f"{tables.url}: {some(named)} were changed by somebody else since, so all rows of"
            f" {some(list(changed))} are left as they are, and are no longer cmp-bundle's"
        )


def _adopt(
    plan: RowPlan, accounts: Iterable[Account], phones: Phones, tables: Tables, *, coded: bool
) -> None:
    """Rows that hold what we would write are nobody's work: a script of ours may have made them."""
    changed = row_owners.others(tables, plan.remembered)
    left = []
    for account in accounts:
        keys = row_owners.keys(account.id, tables)
        if account.id not in changed and any(key in plan.remembered for key in keys):
            continue
        if not row_owners.as_written(account, phones, tables, coded=coded):
            continue
        if not tables.deletes:
            left.append(account.id)
        else:
            plan.adopted.append(account.id)
            for key in keys:
                table = tables.tables[key.table]
                row = table.rows[account.id]
                plan.remembered[key] = rows.digest(row, key.table, table.columns)
    if left:
        plan.notes.append(
            f"{tables.url} does not let cmp-bundle delete, so --undo will leave the rows of"
            f" {some(left)}: whoever looks after it has to take them away"
        )


def _leaving(plan: RowPlan, tables: Tables, staying: set[str]) -> Iterator[RowChange]:
    """Our rows of all whose id is not ``staying``."""
    for key in [k for k in plan.remembered if k.database == tables.url and k.id not in staying]:
        del plan.remembered[key]
        row = tables.tables[key.table].rows.get(key.id)
        if row is None:
            continue
        if key.table == ENDPOINTS:
            plan.removed.append(key.id)
        yield RowChange(key.table, key.id, row, None)


def _present(plan: RowPlan, wanted: Wanted, tables: Tables) -> None:
    """Whose endpoint is in the tables then, ours or somebody else's, and what that lacks."""
    there = tables.tables[ENDPOINTS].rows
    for account in wanted.everyone:
        if account.id in plan.made or (
            account.id in there and RowKey(tables.url, ENDPOINTS, account.id) in plan.remembered
        ):
            plan.present.append(account.id)
        elif account.id in there and tables.endpoints is not None:
            plan.theirs.append(account.id)
            if not account.source:
                plan.findings += against(account, tables.endpoints)


def _is_theirs(account: Account, tables: Tables, remembered: Mapping[RowKey, str]) -> bool:
    there = account.id in tables.tables[ENDPOINTS].rows
    return there and RowKey(tables.url, ENDPOINTS, account.id) not in remembered


def _in_the_way(
    account: Account, tables: Tables, remembered: Mapping[RowKey, str]
) -> Iterator[Finding]:
    """Rows of somebody else's that have the names which ours would have."""
    theirs = _is_theirs(account, tables, remembered)
    for table, kind in TABLES.items():
        there = tables.tables[table].rows
        place = tables.place(table, account.id)
        if tables.folds:
            for name in (n for n in there if n != account.id and n.lower() == account.id.lower()):
                text = f"the {kind} {name} is there already, which this database takes for {account.id}"
                yield finding("in-the-way", text, place, "rename one of them", account.id)
        ours = RowKey(tables.url, table, account.id) in remembered
        if not theirs and not ours and account.id in there:
            text = f"the {kind} {account.id} is there already, and no endpoint of that name"
            hint = "remove it, or write the endpoint to it yourself"
            yield finding("in-the-way", text, place, hint, account.id)


def _each_once(found: Iterable[Finding]) -> list[Finding]:
    """A value that all accounts share is told of the first alone."""
    return list({(one.code, one.message): one for one in reversed(list(found))}.values())[::-1]
