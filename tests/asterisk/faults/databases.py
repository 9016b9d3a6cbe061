"""R: phones that are rows of a database, with one in a file, or one that is not there."""

from __future__ import annotations

import shutil
import sqlite3
from typing import Any

from tests.asterisk.realtime_pbx import file_database
from tests.testbed import realtime
from tests.testbed.server import free_ports

from .fault import Fault, Server, write


def _database_alone(server: Server) -> None:
    """As one finds in instructions: the line for the database, and none for the file."""
    _database(server, alone=True)


def _database(server: Server, *, alone: bool = False, cached: bool = False) -> str:
    """A database beside the files, with the phone dora in it; the path of its file."""
    made = file_database(server.pbx)
    assert made.path is not None
    path = made.path
    server.at_the_end(path.unlink)
    phone = {
        "id": "dora",
        "webrtc": "yes",
        "context": "cmp-phones",
        "disallow": "all",
        "allow": "opus",
        "auth": "dora",
        "aors": "dora",
    }
    rows: dict[str, Any] = {
        "ps_endpoints": [phone],
        "ps_auths": [
            {"id": "dora", "auth_type": "userpass", "username": "dora", "password": "Own-word-17"}
        ],
        "ps_aors": [{"id": "dora", "max_contacts": 1}],
    }
    realtime.fill(made.engine(), rows)
    inside = f"/{path.relative_to(server.pbx.root)}"
    sorcery, extconfig = ["[res_pjsip]"], ["[settings](+)"]
    for kind in ("endpoint", "auth", "aor"):
        table = f"ps_{kind}s"
        if not (alone and kind == "endpoint"):
            sorcery.append(f"{kind} = config,pjsip.conf,criteria=type={kind}")
        if cached:
            sorcery.append(f"{kind}/cache = memory_cache,name=of_{kind}s")
        sorcery.append(f"{kind} = realtime,{table}")
        extconfig.append(f"{table} => sqlite3,asterisk,{table}")
    write(server, "sorcery.conf", "\n".join(sorcery))
    write(server, "extconfig.conf", "\n".join(extconfig))
    (server.etc / "res_config_sqlite3.conf").write_text(
        f"[asterisk]\ndbfile => {inside}\nbatch => 0\n"
    )
    server.restart()
    return str(path)


def _no_odbc(server: Server) -> None:
    """A connection to nowhere, with the phones of the files beside it."""
    write(
        server,
        "sorcery.conf",
        "[res_pjsip]\nendpoint = config,pjsip.conf,criteria=type=endpoint\n"
        "endpoint = realtime,ps_endpoints",
    )
    write(server, "extconfig.conf", "[settings](+)\nps_endpoints => odbc,phones,ps_endpoints")
    (server.etc / "res_odbc.conf").write_text(
        "[phones]\nenabled => yes\ndsn => nowhere\nusername => x\npassword => y\npre-connect => yes\n"
    )
    _with_module(server, "res_config_odbc")
    server.restart()


def _no_postgresql(server: Server) -> None:
    """One that is not running, with the phones of the files beside it."""
    write(
        server,
        "sorcery.conf",
        "[res_pjsip]\nendpoint = config,pjsip.conf,criteria=type=endpoint\n"
        "endpoint = realtime,ps_endpoints",
    )
    write(server, "extconfig.conf", "[settings](+)\nps_endpoints => pgsql,phones,ps_endpoints")
    (port,) = free_ports(1)
    (server.etc / "res_pgsql.conf").write_text(
        f"[general]\ndbhost=127.0.0.1\ndbport={port}\ndbname=phones\ndbuser=x\ndbpass=y\n"
    )
    _with_module(server, "res_config_pgsql")
    server.restart()


def _with_module(server: Server, name: str) -> None:
    """Which the packages keep from being loaded."""
    path = server.etc / "modules.conf"
    lines = path.read_text().splitlines(keepends=True)
    kept = [line for line in lines if not (line.startswith("noload") and f" {name}.so" in line)]
    assert len(kept) == len(lines) - 1
    path.write_text("".join(kept))


def _no_driver(server: Server) -> None:
    write(
        server,
        "sorcery.conf",
        "[res_pjsip]\nauth = config,pjsip.conf,criteria=type=auth\nauth = realtime,ps_auths",
    )
    write(server, "extconfig.conf", "[settings](+)\nps_auths => pgsql,asterisk,ps_auths")
    server.restart()


def _old_table(server: Server) -> None:
    path = _database(server)
    with sqlite3.connect(path) as connection:
        connection.execute("alter table ps_endpoints drop column webrtc")
        by_hand = "dtls_auto_generate_cert", "rtcp_mux", "ice_support", "use_avpf", "bundle"
        options = ", ".join(f"{name} = 'yes'" for name in by_hand)
        connection.execute(f"update ps_endpoints set media_encryption = 'dtls', {options}")
    connection.close()
    _owned(server, path)


def _old_row(server: Server) -> None:
    path = _database(server, cached=True)
    server.pbx.rx("pjsip show endpoint dora")
    with sqlite3.connect(path) as connection:
        connection.execute("update ps_endpoints set context = 'elsewhere'")
    connection.close()
    _owned(server, path)


def _owned(server: Server, path: str) -> None:
    shutil.chown(path, *server.pbx.user())


#: The driver for SQLite does not list what it has, so a phone there is known by its name alone.
_DORA = {"accounts": ("dora",)}


FAULTS = [
    Fault("R105", _database_alone, ("alice, bob", "realtime,ps_endpoints")),
    Fault("R118", _no_odbc, ("phones", "Last fail connection attempt")),
    Fault("R118", _no_postgresql, ("PostgreSQL", "Unable to connect"), name="postgresql"),
    Fault("R118", _no_driver, ("res_config_pgsql",), name="driver", along=("W102",)),
    Fault("R119", _old_table, ("webrtc",), options=_DORA),
    Fault("R122", _old_row, ("context of dora", "elsewhere"), options=_DORA),
]
