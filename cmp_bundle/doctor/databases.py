"""Whether Asterisk gets at phones that are rows of a database."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cmp_bundle.asterisk.configuration import folded
from cmp_bundle.asterisk.defects import caveat, defects, upgrade
from cmp_bundle.checks.in_force import differences
from cmp_bundle.doctor.check import Check, Unknown
from cmp_bundle.doctor.together import together
from cmp_bundle.findings import Level, finding
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.asterisk.configuration import Variable
    from cmp_bundle.doctor.evidence import Live, Phone, Written
    from cmp_bundle.findings import Finding
    from cmp_bundle.provision.realtime import Source

#: The drivers that Asterisk comes with.
_DRIVERS: Final = ("curl", "ldap", "mysql", "odbc", "pgsql", "sqlite", "sqlite3")

#: What a phone that registers takes, and its lines in sorcery.conf.
_KINDS: Final = ("endpoint", "auth", "aor")

#: How Asterisk's driver for PostgreSQL says it.
_UNCONNECTED: Final = "Unable to connect"

_RESTART: Final = "asterisk -rx 'core restart gracefully'"

#: Columns without which no browser phone can be a row.
_NEEDED: Final = ("webrtc",)


def _tables(written: Written) -> Iterator[tuple[str, Variable]]:
    """The tables that objects of PJSIP come from, with the line of sorcery.conf."""
    for kind in _KINDS:
        for line in written.realtime.lines(kind):
            wizard, _, rest = (part.strip() for part in line.value.partition(","))
            if wizard == "realtime" and rest:
                yield rest.split(",")[0].strip(), line


def reached(live: Live, written: Written) -> Iterator[Finding]:
    """What stands between Asterisk and the tables that sorcery.conf names."""
    said = set()
    for table, line in _tables(written):
        sources = written.realtime.sources(table)
        if not sources and table not in live.families:
            yield finding(
                "R118",
                f"sorcery.conf takes {line.name}s from {table}, which extconfig.conf does not map to a database",
                line.place,
                f"write {table} => odbc,asterisk,{table} into [settings] of extconfig.conf, with the driver"
                f" and the connection that there are; then {_RESTART}",
                seen=f"core show config mappings: no {table}",
            )
        for one in sources:
            driver, connection, where = one.driver, one.connection, one.line
            module = f"res_config_{driver}"
            if driver in said or connection in said:
                continue
            if not live.runs(module):
                said.add(driver)
                yield finding(
                    "R118",
                    f"{module}.so is not loaded, through which Asterisk is to read {table}",
                    where.place,
                    f"take its noload line out of modules.conf, and {_RESTART}; Asterisk's log says why it"
                    " does not load",
                    seen=f"module show like {module}: not Running",
                )
            elif driver == "pgsql" and live.pgsql.startswith(_UNCONNECTED):
                said.add(driver)
                yield finding(
                    "R118",
                    f"Asterisk does not reach the PostgreSQL server where {table} is",
                    where.place,
                    "see that the database runs, and lets Asterisk in: res_pgsql.conf has its address; then"
                    " asterisk -rx 'module reload res_config_pgsql.so'",
                    seen=f"realtime show pgsql status: {live.pgsql}",
                )
            elif driver == "odbc" and (down := _down(live, connection)):
                said.add(connection)
                yield finding(
                    "R118",
                    f"Asterisk does not reach the database behind {connection}, where {table} is",
                    where.place,
                    f"see that the database runs, and what isql -v {_dsn(live, connection)} says; then"
                    " asterisk -rx 'module reload res_odbc.so'",
                    seen=f"odbc show all: {down}",
                )


def others(live: Live, written: Written) -> Iterator[Finding]:
    """Tables of others than phones, such as voicemail, whose driver is not there."""
    told = {table for table, _ in _tables(written)}
    lacking: dict[str, list[Variable]] = {}
    for line in written.files["extconfig.conf"].browse("settings"):
        driver = line.value.partition(",")[0].strip().lower()
        if driver not in _DRIVERS or folded(line.name) in told:
            continue
        if not live.runs(f"res_config_{driver}"):
            lacking.setdefault(driver, []).append(line)
    for driver, lines in lacking.items():
        made = finding(
            "R118",
            f"res_config_{driver}.so is not loaded, through which Asterisk is to read"
            f" {some([line.name for line in lines])}: it finds nothing there",
            lines[0].place,
            f"load it, or take the {'line' if len(lines) == 1 else 'lines'} out of extconfig.conf; then"
            f" {_RESTART}",
            seen=f"module show like res_config_{driver}: not Running",
        )
        yield replace(made, level=Level.WARNING)


def _down(live: Live, connection: str) -> str:
    """What ``odbc show all`` says against a connection; empty where nothing."""
    one = next((o for o in live.odbc if o.name == connection), None)
    if one is None:
        return f"no {connection}"
    if one.active == 0 and one.failed:
        return f"Last fail connection attempt: {one.failed}, Number of active connections: 0"
    return ""


def _dsn(live: Live, connection: str) -> str:
    return next((o.dsn for o in live.odbc if o.name == connection and o.dsn), connection)


def _schema(phones: tuple[Phone, ...], live: Live, written: Written) -> Iterator[Finding | Unknown]:
    tables = dict(_tables(written))
    if not tables:
        return
    drivers = {one.driver for table in tables for one in written.realtime.sources(table)}
    broken = next(defects(live.version, "R119"), None) if live.version else None
    if live.version and broken and "pgsql" in drivers:
        yield finding(
            "R119",
            f"Asterisk {live.version} does not get at its tables: {broken.what} ({caveat(live.version_text)})",
            hint=upgrade(broken, live.version),
            seen=live.version_text,
        )
        return
    # The drivers for ODBC and PostgreSQL do not show what is NULL.
    row = next((p.row for p in phones if p.row is not None), None)
    if row is None or drivers != {"sqlite3"}:
        yield Unknown(
            "R119",
            "which columns the tables have is not to be seen from here: alembic -c config.ini current, in"
            " contrib/ast-db-manage of this version of Asterisk, says whether they are up to date",
        )
        return
    lacking = [name for name in _NEEDED if name not in row]
    if lacking:
        yield finding(
            "R119",
            f"the table of endpoints has no column {lacking[0]}: it was made for an older Asterisk",
            next(iter(tables.values())).place,
            "alembic -c config.ini upgrade head, in contrib/ast-db-manage of this version",
            seen=f"realtime load: no {lacking[0]}",
        )


def _fallback(live: Live, written: Written) -> Iterator[Finding | Unknown]:
    several = [t for t, _ in _tables(written) if _falls_back(written.realtime.sources(t))]
    if not several:
        return
    if live.version is None:
        yield Unknown("R120", "which version of Asterisk this is, it does not say by number")
        return
    defect = next(defects(live.version, "R120"), None)
    if defect is None:
        return
    yield finding(
        "R120",
        f"{some(several)} come from several databases, and of Asterisk {live.version} it is known that"
        f" {defect.what} ({caveat(live.version_text)})",
        written.realtime.sources(several[0])[0].line.place,
        f"name one database for each table in extconfig.conf; or {upgrade(defect, live.version)}",
        seen=live.version_text,
    )


def _falls_back(sources: list[Source]) -> bool:
    return len(sources) > 1 and sources[0].driver == "odbc"


def _values(written: Written) -> Iterator[Unknown]:
    if any(True for _ in _tables(written)):
        yield Unknown(
            "R121",
            "a value that a column does not allow is refused when it is written, so only whoever writes the"
            " rows sees it; cmp-bundle provision writes those that are allowed",
        )


def _cached(phones: tuple[Phone, ...], live: Live, written: Written) -> Iterator[Finding]:
    del live
    lines = written.realtime.lines("endpoint/cache")
    cache = next(iter(written.realtime.caches()), "")
    for phone in phones:
        if not lines or phone.row is None or phone.loaded is None:
            continue
        changed = differences("endpoint", {n: v for n, v in phone.row.items() if v}, phone.loaded)
        if changed:
            yield finding(
                "R122",
                f"{changed[0]} of {phone.id} was changed in its row, and Asterisk still has the old one in its"
                " cache",
                lines[-1].place,
                f"asterisk -rx 'sorcery memory cache expire {cache} {phone.id}'; for all phones:"
                f" asterisk -rx 'sorcery memory cache expire {cache}'",
                phone.id,
                seen=f"{changed[0]}: {phone.loaded[changed[0]] or '(empty)'} in force,"
                f" {phone.row[changed[0]]} in the row",
            )


CHECKS = (
    Check(("R118",), ("live", "written"), reached),
    Check((), ("live", "written"), others),
    Check(("R119",), ("phones", "live", "written"), _schema),
    Check(("R120",), ("live", "written"), _fallback),
    Check(("R121",), ("written",), _values),
    Check(
        ("R122",),
        ("phones", "live", "written"),
        lambda p, live, written: together(_cached(p, live, written)),
    ),
)
