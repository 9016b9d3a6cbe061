"""What sorcery.conf and extconfig.conf say of the tables: whether Asterisk reads them, and through what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.configuration import folded
from cmp_bundle.findings import finding
from cmp_bundle.places import Place, Row
from cmp_bundle.provision.rows import TABLES
from cmp_bundle.settings import database_url

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from cmp_bundle.asterisk.conf_files import Files
    from cmp_bundle.asterisk.configuration import Configuration, Variable
    from cmp_bundle.findings import Finding

#: Where sorcery takes objects from that are in pjsip.conf.
FROM_PJSIP_CONF = "config,pjsip.conf"

#: Asterisk's drivers for each kind of database, that first which it has in all versions.
_DRIVERS = {
    "mysql": ("odbc", "mysql"),
    "mariadb": ("odbc", "mysql"),
    "postgresql": ("pgsql", "odbc"),
    "sqlite": ("sqlite3", "odbc"),
}

#: Those whose databases speak SQL, and the file that has their connections.
_SQL = {
    "odbc": "res_odbc.conf",
    "mysql": "res_config_mysql.conf",
    "pgsql": "res_pgsql.conf",
    "sqlite3": "res_config_sqlite3.conf",
}

_RESTART = "restart Asterisk: asterisk -rx 'core restart gracefully'"

#: The only driver that takes a value as it is.
_VERBATIM = "sqlite3"


def coded(url: str, driver: str | None) -> bool:
    """Whether values for the database at ``url`` are cut at semicolons by Asterisk's ``driver``, or
    by the usual one where that is not known.
    """
    return (driver or _DRIVERS[database_url.kind(url)][0]) != _VERBATIM


@dataclass(frozen=True)
class Source:
    """A line of extconfig.conf: the driver, what that calls the database by, and the table there."""

    driver: str
    connection: str
    table: str
    line: Variable


@dataclass(frozen=True)
class Realtime:
    """``sorcery`` and ``extconfig`` are the two files as Asterisk reads them."""

    sorcery: Configuration
    extconfig: Configuration

    def lines(self, name: str) -> tuple[Variable, ...]:
        """Those of sorcery.conf that say where objects of a kind come from."""
        return tuple(v for v in self.sorcery.browse("res_pjsip") if folded(v.name) == name)

    def reads_files(self, kind: str) -> bool:
        """Whether objects of a kind (endpoint) that stand in pjsip.conf are there at all."""
        lines = self.lines(kind)
        return not lines or any(line.value.startswith(FROM_PJSIP_CONF) for line in lines)

    def elsewhere(self, kind: str) -> Variable | None:
        """The line of sorcery.conf that has objects of a kind come from more than pjsip.conf."""
        others = [v for v in self.lines(kind) if not v.value.startswith("config,")]
        return others[0] if others else None

    def driver(self, table: str) -> str | None:
        """The driver through which Asterisk reads a table; None where it does not."""
        for variable in self.extconfig.browse("settings"):
            driver, _, rest = (part.strip() for part in variable.value.partition(","))
            name = [part.strip() for part in rest.split(",")][1:2] or [variable.name]
            if folded(variable.name) == table and name == [table]:
                return driver.lower()
        return None

    def sources(self, table: str) -> list[Source]:
        """Where the rows of a table come from, as sorcery.conf calls it."""
        found = []
        for line in self.extconfig.browse("settings"):
            if folded(line.name) == folded(table):
                driver, *rest = (part.strip().strip('"') for part in line.value.split(","))
                connection, name = (*rest, "", "")[:2]
                found.append(Source(driver.lower(), connection, name or table, line))
        return found

    def row(self, kind: str, name: str) -> Row | None:
        """Which row an object is that Asterisk has, and that stands in no file; None where that is not
        sure: there may be another place for it.
        """
        wizards = [[p.strip() for p in line.value.split(",")] for line in self.lines(kind)]
        tables = [rest[0] for wizard, *rest in wizards if wizard == "realtime" and rest]
        if len(tables) != 1 or any(w[0] not in ("config", "realtime") for w in wizards):
            return None
        sources = self.sources(tables[0])
        if len(sources) != 1 or sources[0].driver not in _SQL:
            return None
        [one] = sources
        file = _SQL[one.driver]
        database = file if one.driver == "pgsql" else f"[{one.connection}] of {file}"
        return Row(database, one.table, name, next(self._caches(kind), ""))

    def caches(self) -> Iterator[str]:
        """The names of the caches in which Asterisk keeps rows that it has read."""
        for kind in TABLES.values():
            yield from self._caches(kind)

    def _caches(self, kind: str) -> Iterator[str]:
        for line in self.lines(f"{kind}/cache"):
            wizard, *options = (part.strip() for part in line.value.split(","))
            named = [o.partition("=")[2] for o in options if o.startswith("name=")]
            if wizard == "memory_cache":
                yield named[-1] if named else f"res_pjsip/{kind}"

    def unmapped(self, url: str, sorcery: str, extconfig: str) -> Iterator[Finding]:
        """What keeps Asterisk from reading the rows of the database at ``url``; the others are the
        paths of the files.
        """
        drivers = _DRIVERS[database_url.kind(url)]
        lines = [line for table in TABLES for line in self._missing(table)]
        if lines:
            text = "Asterisk does not take endpoints, aors and auths from the realtime tables"
            hint = f"add these lines to it, under [res_pjsip]:{_shown(lines)}\nthen {_RESTART}"
            yield finding("realtime-unmapped", text, Place(sorcery), hint)
        missing = [table for table in TABLES if self.driver(table) not in drivers]
        if missing:
            known = next(filter(None, map(self.driver, TABLES)), "")
            driver = known if known in drivers else drivers[0]
            text = f"Asterisk does not read {', '.join(missing)} from this kind of database"
            hint = (
                "have these lines in it, under [settings], with the name that Asterisk's driver calls"
                f" the database by:{_shown([f'{t} => {driver},asterisk,{t}' for t in missing])}\nthen {_RESTART}"
            )
            yield finding("realtime-unmapped", text, Place(extconfig), hint)

    def without_driver(
        self, loaded: Collection[str], modules: Configuration, extconfig: str
    ) -> Iterator[Finding]:
        """The drivers through which Asterisk is to read the tables, and has not ``loaded``;
        ``modules`` is modules.conf, ``extconfig`` the path of that file.
        """
        for driver in sorted({str(self.driver(table)) for table in TABLES} - set(loaded)):
            module = f"res_config_{driver}"
            text = f"Asterisk has not loaded {module}.so, through which it is to read the tables"
            lines = [v for v in modules.browse("modules") if _forbids(v, module)]
            where = lines[-1].place if lines else Place(extconfig)
            hint = "take this line out" if lines else "Asterisk's log says why"
            yield finding("realtime-driver", text, where, f"{hint}; then {_RESTART}")

    def _missing(self, table: str) -> Iterator[str]:
        """The lines of sorcery.conf that a table lacks. One of these alone would hide what is in files."""
        kind = TABLES[table]
        lines = self.lines(kind)
        if any(line.value.split(",")[:2] == ["realtime", table] for line in lines):
            return
        if not lines:
            yield f"{kind} = {FROM_PJSIP_CONF},criteria=type={kind}"
        yield f"{kind} = realtime,{table}"


def realtime(files: Files) -> Realtime:
    """What the two files say, as Asterisk reads them."""
    return Realtime(reader.read("sorcery.conf", files), reader.read("extconfig.conf", files))


def _forbids(variable: Variable, module: str) -> bool:
    """Whether a line of modules.conf keeps ``module`` from being loaded."""
    return folded(variable.name) == "noload" and variable.value.removesuffix(".so") == module


def _shown(lines: list[str]) -> str:
    return "".join(f"\n    {line}" for line in lines)
