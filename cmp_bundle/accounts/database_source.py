"""A realtime database as a source of accounts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from cmp_bundle.accounts import from_database
from cmp_bundle.accounts.rows import Rows, Value
from cmp_bundle.places import Row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy as sa

    from cmp_bundle.accounts.database import Database
    from cmp_bundle.accounts.endpoint import Endpoint, Endpoints, Option
    from cmp_bundle.places import Place


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

    def endpoints(self) -> Endpoints:
        with self.database.reading() as connection:
            return self._endpoints(connection)

    def on_disk(self, where: Place | Row) -> Place | Row:
        return where

    def passwords(self) -> DatabasePasswords:
        with self.database.reading() as connection:
            found = self._endpoints(connection)
            columns = {
                column: from_database.column(connection, "ps_auths", column)
                for column in ("password", "md5_cred")
            }
        return DatabasePasswords(self.database, found, columns)

    def _endpoints(self, connection: sa.Connection) -> Endpoints:
        return replace(from_database.found(connection, self.name), realm=self.realm)


@dataclass(frozen=True)
class DatabasePasswords:
    """The PasswordEditor of a database; ``columns`` are those of ps_auths that hold secrets, by id."""

    database: Database
    endpoints: Endpoints
    columns: Mapping[str, Mapping[str, str]]

    @cached_property
    def users(self) -> Mapping[str, list[str]]:
        """By auth, the endpoints that have it."""
        users: dict[str, list[str]] = {}
        for endpoint in self.endpoints.endpoints.values():
            for auth in endpoint.auths:
                users.setdefault(auth, []).append(endpoint.id)
        return users

    def sharing(self, endpoint: Endpoint) -> list[str]:
        return [one for auth in endpoint.auths for one in self.users[auth] if one != endpoint.id]

    def refusal(self, option: Option, account: str) -> None:
        del option, account

    def steps(self, wanted: Sequence[tuple[Option, str]]) -> tuple[Rows, ...]:
        values = []
        for option, value in wanted:
            row = option.where.id if isinstance(option.where, Row) else ""
            values.append(Value(row, option.name, self.columns[option.name][row], value))
        return (Rows(self.database, tuple(values)),)
