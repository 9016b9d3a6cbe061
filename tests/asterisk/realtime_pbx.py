"""An Asterisk of the test bed that has its endpoints in a realtime database."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cmp_bundle.accounts.database import Database
from cmp_bundle.accounts.database_source import DatabaseSource
from tests.testbed import config, realtime
from tests.testbed.databases import Realtime

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.asterisk.accounts_rows import Rows
    from tests.testbed.server import Asterisk

#: Asterisk's drivers, and the kind of database that each is tried with.
DRIVERS = {
    "sqlite3": "sqlite",
    "odbc-mariadb": "mariadb",
    "odbc-postgresql": "postgresql",
    "pgsql": "postgresql",
}

_TABLES = ("ps_endpoints", "ps_auths", "ps_aors")

_PJSIP = """\
[transport-wss]
type=transport
protocol=wss
bind=127.0.0.1
"""

#: The names under which Debian's packages make the drivers known. What Asterisk is handed shall
#: be the bytes that are in the tables, so none of them may translate.
_ODBC = {
    "mariadb": "Driver=MariaDB Unicode\nSERVER={host}\nDATABASE={name}\nCHARSET=utf8mb4\n",
    "postgresql": "Driver=PostgreSQL ANSI\nServername={host}\nDatabase={name}\n"
    "ConnSettings=SET client_encoding TO UTF8\n",
}


def serve(
    pbx: Asterisk, driver: str, database: Callable[[str], Realtime], held: Rows
) -> DatabaseSource:
    """Start ``pbx`` with these rows in a database; the same database as a source of accounts."""
    kind = DRIVERS[driver]
    one = file_database(pbx) if kind == "sqlite" else database(kind)
    realtime.fill(one.engine(), held)
    point(pbx, driver, one)
    pbx.start()
    return DatabaseSource(Database(one.url, one.password))


def file_database(pbx: Asterisk) -> Realtime:
    """An SQLite file where ``pbx`` can read it."""
    path = pbx.base / "lib/realtime.sqlite3"
    path.touch()
    _give(pbx, "lib/realtime.sqlite3")
    return Realtime("sqlite", f"sqlite:///{path}", path=path)


def point(pbx: Asterisk, driver: str, database: Realtime) -> None:
    """Have ``pbx``, which is not running yet, read its endpoints from ``database``."""
    backend = driver.partition("-")[0]
    files = {
        "pjsip.conf": _PJSIP,
        "sorcery.conf": "[res_pjsip]\n" + "".join(f"{t[3:-1]}=realtime,{t}\n" for t in _TABLES),
        "extconfig.conf": "[settings]\n"
        + "".join(f"{t} => {backend},asterisk,{t}\n" for t in _TABLES),
    }
    if database.path is not None:
        inside = f"/{database.path.relative_to(pbx.root)}"
        files["res_config_sqlite3.conf"] = f"[asterisk]\ndbfile => {inside}\nbatch => 0\n"
    elif backend == "pgsql":
        files["res_pgsql.conf"] = (
            f"[general]\ndbhost={database.host}\ndbport={database.port}\ndbname={database.name}\n"
            f"dbuser={database.user}\ndbpass={database.password}\nrequirements=warn\n"
        )
        files["modules.conf"] = config.modules_conf(["res_config_pgsql", *pbx.modules()])
    else:
        files["res_odbc.conf"] = (
            f"[asterisk]\nenabled => yes\ndsn => asterisk\nusername => {database.user}\n"
            f"password => {database.password}\npre-connect => yes\n"
        )
        how = _ODBC[database.kind].format(host=database.host, name=database.name)
        files["odbc.ini"] = f"[asterisk]\n{how}Port={database.port}\n"
        pbx.environment["ODBCINI"] = f"{pbx.inside}/etc/odbc.ini"
    # Debian's packages keep their drivers from being loaded.
    modules = (pbx.etc / "modules.conf").read_text()
    noload = f"noload => res_config_{backend}.so\n"
    files.setdefault("modules.conf", modules.replace(noload, ""))
    for name, text in files.items():
        (pbx.etc / name).write_text(text)
        _give(pbx, f"etc/{name}")


def _give(pbx: Asterisk, name: str) -> None:
    """Make a file Asterisk's own."""
    path = pbx.base / name
    path.chmod(0o640)
    owner = (pbx.base / "etc").stat()
    os.chown(path, owner.st_uid, owner.st_gid)
