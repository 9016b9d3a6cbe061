"""A realtime database as a source of accounts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cmp_bundle.accounts import from_database, new_secret
from cmp_bundle.accounts.password_change import PasswordChange
from cmp_bundle.accounts.rows import Rows, Value
from cmp_bundle.accounts.source import account
from cmp_bundle.errors import refuse
from cmp_bundle.findings import Finding
from cmp_bundle.places import Place, Row

if TYPE_CHECKING:
    from collections.abc import Mapping

    import sqlalchemy as sa

    from cmp_bundle.accounts.database import Database
    from cmp_bundle.accounts.endpoint import Endpoints
    from cmp_bundle.accounts.model import Account


@dataclass(frozen=True)
class DatabaseSource:
    """The ``ps_*`` tables of a database.

    ``realm`` is that of the server's challenges, of which the tables tell nothing.
    """

    database: Database
    realm: str = ""

    @property
    def name(self) -> str:
        return self.database.url

    def found(self) -> Endpoints:
        with self.database.reading() as connection:
            return self._found(connection)

    def on_disk(self, where: Place | Row) -> Place | Row:
        return where

    def renew(self, wanted: Mapping[str, str]) -> PasswordChange:
        with self.database.reading() as connection:
            found = self._found(connection)
            columns = {
                column: from_database.column(connection, "ps_auths", column)
                for column in ("password", "md5_cred")
            }
        users: dict[str, list[str]] = {}
        for endpoint in found.endpoints.values():
            for auth in endpoint.auths:
                users.setdefault(auth, []).append(endpoint.id)
        accounts: list[Account] = []
        values: list[Value] = []
        findings: list[Finding] = []
        for name, password in wanted.items():
            before = account(self, found, name)
            if isinstance(before, Finding):
                findings.append(before)
                continue
            endpoint = found.endpoints[name]
            others = [user for auth in endpoint.auths for user in users[auth] if user != name]
            change = new_secret.change(endpoint, found, others, password)
            if isinstance(change, Finding):
                findings.append(change)
                continue
            option, value = change
            row = option.where.id if isinstance(option.where, Row) else ""
            values.append(Value(row, option.name, columns[option.name][row], value))
            accounts.append(new_secret.after(before, value))
        refuse(findings, "nothing was changed")
        return PasswordChange(tuple(accounts), (Rows(self.database, tuple(values)),))

    def _found(self, connection: sa.Connection) -> Endpoints:
        return replace(from_database.found(connection, self.name), realm=self.realm)
