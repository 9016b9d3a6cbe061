"""As tests/unit/provision/killed.py, with endpoints in a database; each place is the same each time.

python -m tests.unit.provision.killed_rows ACTION FOLDER [DATABASE]

DATABASE is an empty one that is running, a Realtime as JSON; without it, it is a file.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cmp_bundle.files import Disk
from tests.testbed import realtime
from tests.testbed.databases import Realtime
from tests.unit.deploy.killed import killed_before, recover
from tests.unit.deploy.trees import snapshot

from .held import content, database, empty, execute
from .servers import ALICE, BOB, REALTIME, ReadyServer, packaged

QUEEN = replace(ALICE, display_name="Queen", password="another")

Act = Callable[[ReadyServer, Realtime], Any]

#: What is there before each action, and the action.
ACTIONS: dict[str, tuple[Act, Act]] = {
    "provision": (lambda *_: None, lambda s, h: s.provision(ALICE, database=database(h))),
    "update": (
        lambda s, h: s.provision(ALICE, BOB, database=database(h)),
        lambda s, h: s.provision(QUEEN, database=database(h), update=True),
    ),
    "undo": (
        lambda s, h: s.provision(ALICE, database=database(h)),
        lambda s, h: s.undo(database(h)),
    ),
}

#: Where the database puts more into a row than it was told: only whoever reads it back knows that.
FILLED = (
    "create trigger t after insert on ps_endpoints begin update ps_endpoints set mailboxes='x'; end"
)


def _filled(_: object, held: Realtime) -> None:
    execute(held, FILLED)


def _filled_in(server: ReadyServer, held: Realtime) -> None:
    execute(held, FILLED)
    server.provision(ALICE, database=database(held))


ACTIONS_IN_A_FILE: dict[str, tuple[Act, Act]] = {
    **ACTIONS,
    "filled": (_filled, ACTIONS["provision"][1]),
    "undo filled": (_filled_in, ACTIONS["undo"][1]),
}


def main(action: str, folder: Path, running: Realtime | None) -> list[dict[str, Any]]:
    at, kept = folder / "at", folder / "kept"
    os.environ["CMP_BUNDLE_STATE"] = str(at / "state")
    drivers = {"mariadb": b"odbc", "postgresql": b"pgsql"}
    driver = drivers[running.kind] if running else b"sqlite3"
    files = {name: data.replace(b"sqlite3", driver) for name, data in REALTIME.items()}
    packaged(at / "root", **files)
    held = running or empty(at / "realtime.sqlite3")
    before, act = ACTIONS_IN_A_FILE[action]

    def server(disk: Disk | None = None) -> ReadyServer:
        return ReadyServer(at / "root", disk, held.password)

    before(server(), held)
    old = (content(held), snapshot(at / "root"))
    shutil.copytree(at, kept, symlinks=True)
    act(server(), held)
    new = (content(held), snapshot(at / "root"))
    told: list[dict[str, Any]] = []
    for number in range(10_000):
        shutil.rmtree(at)
        shutil.copytree(kept, at, symlinks=True)
        if running:
            _fill(running, old[0])
        step = killed_before(number, server, lambda s: act(s, held))  # type: ignore[arg-type]
        if step is None:
            return told
        row: dict[str, Any] = {"step": step, "rows": _which(content(held), old[0], new[0])}
        recover(server())
        got = (content(held), snapshot(at / "root"))
        row["recovered"] = _which(got, old, new)
        row["left"] = [p.name for p in server().engine.journal.folder.glob("*journal*")]
        told.append(row)
    raise AssertionError("it never ends")


def _fill(running: Realtime, rows: dict[str, dict[str, dict[str, Any]]]) -> None:
    with running.engine().begin() as connection:
        for name, own in rows.items():
            table = realtime.METADATA.tables[name]
            connection.execute(sa.delete(table))
            for row in own.values():
                connection.execute(sa.insert(table).values(row))


def _which(found: object, old: object, new: object) -> str:
    return "old" if found == old else "new" if found == new else "neither"


if __name__ == "__main__":
    _, what, where, *more = sys.argv
    one = Realtime(**json.loads(more[0])) if more else None
    print(json.dumps(main(what, Path(where), one)))
