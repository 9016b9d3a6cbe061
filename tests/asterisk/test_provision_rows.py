"""Endpoints written into real databases, for real Asterisks that read them through each driver."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from cmp_bundle.accounts.database import Database
from cmp_bundle.accounts.model import Account
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.provision import database as tables
from cmp_bundle.provision.plan import Planned
from tests.asterisk import endpoints, realtime_pbx
from tests.conftest import Cmp
from tests.testbed import config, databases, realtime
from tests.testbed.ami import Ami
from tests.testbed.databases import Realtime
from tests.testbed.server import Asterisk
from tests.unit.provision import test_killed_rows
from tests.unit.provision.held import content, execute
from tests.unit.provision.held import database as database_of
from tests.unit.provision.killed_rows import ACTIONS
from tests.unit.provision.servers import ALICE, BOB, REALTIME, ReadyServer, packaged

from .test_deploy_live import state
from .test_provision_live import AOR, ENDPOINT, shown

pytestmark = pytest.mark.asterisk

#: What drivers take apart, SQL ends texts with, and is more than a byte.
ODD = "it's; ^3B ^ %5 \\ \"é漢"


def prepare(pbx: Asterisk, driver: str, database: Callable[[str], Realtime], at: Cmp) -> Realtime:
    """``pbx`` running, with empty tables that it reads; two accounts of ``at``."""
    kind = realtime_pbx.DRIVERS[driver]
    held = realtime_pbx.file_database(pbx) if kind == "sqlite" else database(kind)
    realtime.fill(held.engine(), {})
    realtime_pbx.point(pbx, driver, held)
    pbx.start()
    at.aim(pbx)
    at.environment["CMP_BUNDLE_PROVISION_DATABASE"] = held.url
    at.environment["CMP_BUNDLE_DATABASE_PASSWORD"] = held.password
    accounts = at.folder / "accounts.toml"
    accounts.write_text(
        '[[account]]\nid = "alice"\ndisplay_name = "Alice"\nextension = "101"\n'
        f"password = '''{ODD}'''\n"
        '[[account]]\nid = "bob"\ndisplay_name = "B;o^b"\n'
    )
    accounts.chmod(0o600)
    return held


#: Asterisk 16 reads the same rows; one of the drivers shows it, the others in soak.
_READERS = [
    *(pytest.param("22", driver) for driver in realtime_pbx.DRIVERS),
    *(
        pytest.param("16", driver, marks=[] if driver == "odbc-mariadb" else pytest.mark.soak)
        for driver in realtime_pbx.DRIVERS
    ),
]


@pytest.mark.parametrize(("asterisk_release", "driver"), _READERS, indirect=["asterisk_release"])
def test_there_and_back(
    driver: str, prepared: Asterisk, database: Callable[[str], Realtime], cmp: Cmp
) -> None:
    held = prepare(prepared, driver, database, cmp)
    before, nothing = state(prepared), content(held)
    done = cmp("provision")
    assert done["made"] == done["present"] == ["alice", "bob"]
    assert [(t["registered"], t["answered"]) for t in done["tried"]] == [(True, True)] * 2
    endpoint = shown(prepared, "endpoint", "alice")
    assert {name: endpoint[name] for name in ENDPOINT} == ENDPOINT
    assert endpoint["allow"] in ("(opus|ulaw|vp8)", "(ulaw|opus|vp8)")
    aor = shown(prepared, "aor", "alice")
    assert {name: aor[name] for name in AOR} == AOR
    assert "Objects found: 2" in prepared.rx("pjsip show aors"), "not known beforehand"
    with Ami(prepared.ports.ami, prepared.ami_secret) as ami:
        told = endpoints.asked(ami, "alice")
        assert told is not None
        offered = endpoints.offered(Account("alice", password=ODD, realm="asterisk"))
        assert [(user, held) for _, user, held in told.auths] == [offered]
        bob = endpoints.asked(ami, "bob")
        assert bob is not None
        assert bob.name == b"B;o^b"
    assert not cmp("provision")["changed"], "a second time"
    cmp("provision", "--undo")
    assert (state(prepared), content(held)) == (before, nothing)
    assert "Unable to find object" in prepared.rx("pjsip show endpoint alice")


@pytest.mark.parametrize("asterisk_release", ["22"], indirect=True)
@pytest.mark.parametrize("backend", ["", "full_backend_cache=yes,"])
def test_caches_show_what_is_new(
    backend: str, prepared: Asterisk, database: Callable[[str], Realtime], cmp: Cmp
) -> None:
    modules = ["res_sorcery_memory_cache", *prepared.modules()]
    (prepared.etc / "modules.conf").write_text(config.modules_conf(modules))
    point = realtime_pbx.point

    def cached(pbx: Asterisk, driver: str, held: Realtime) -> None:
        point(pbx, driver, held)
        sorcery = pbx.etc / "sorcery.conf"
        cache = f"endpoint/cache=memory_cache,{backend}expire_on_reload=no\n"
        sorcery.write_text(sorcery.read_text().replace("endpoint=", f"{cache}endpoint="))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(realtime_pbx, "point", cached)
        prepare(prepared, "sqlite3", database, cmp)
    cmp("provision")
    accounts = cmp.folder / "accounts.toml"
    accounts.write_text(accounts.read_text().replace('"Alice"', '"Queen"'))
    assert shown(prepared, "endpoint", "alice")["callerid"] == '"Alice" <101>'
    done = cmp("provision", "--update")
    assert "sorcery memory cache expire res_pjsip/endpoint" in done["reloads"]
    assert shown(prepared, "endpoint", "alice")["callerid"] == '"Queen" <101>'
    cmp("provision", "--undo")
    assert "Unable to find object" in prepared.rx("pjsip show endpoint alice")


@pytest.mark.parametrize("asterisk_release", ["22"], indirect=True)
def test_what_does_not_work_goes_back(
    prepared: Asterisk, database: Callable[[str], Realtime], cmp: Cmp
) -> None:
    """The rows are in a database that Asterisk does not read, whatever extconfig.conf says."""
    held = prepare(prepared, "sqlite3", database, cmp)
    other = cmp.folder / "other.sqlite3"
    other.touch()
    wrong = replace(held, url=f"sqlite:///{other}", path=other)
    realtime.fill(wrong.engine(), {})
    before, nothing = state(prepared), content(wrong)
    done = cmp.run("provision", "--database", wrong.url)
    assert done.returncode == 1
    assert "does not load the endpoint alice" in done.stderr
    assert "everything was put back" in done.stderr
    assert (state(prepared), content(wrong)) == (before, nothing)


@pytest.mark.parametrize("asterisk_release", ["22"], indirect=True)
def test_a_driver_that_debian_does_not_load(packaged: Asterisk, cmp: Cmp) -> None:
    held = realtime_pbx.file_database(packaged)
    realtime.fill(held.engine(), {})
    modules = (packaged.etc / "modules.conf").read_text()
    realtime_pbx.point(packaged, "sqlite3", held)
    extconfig = packaged.etc / "extconfig.conf"
    extconfig.write_text(extconfig.read_text().replace("sqlite3", "odbc"))
    (packaged.etc / "modules.conf").write_text(modules)
    cmp.aim(packaged)
    cmp("accounts", "add", "alice")
    done = cmp.run("provision", "--database", held.url)
    assert done.returncode == 1
    line = modules[: modules.index("noload => res_config_odbc.so")].count("\n") + 1
    assert f"modules.conf:{line}: Asterisk has not loaded res_config_odbc.so" in done.stderr
    assert not content(held)["ps_endpoints"]


# What follows asks the databases alone.


@pytest.fixture(params=["mariadb", "postgresql"])
def held(request: pytest.FixtureRequest, database: Callable[[str], Realtime]) -> Realtime:
    one = database(request.param)
    realtime.fill(one.engine(), {})
    return one


@pytest.fixture
def mariadb(database: Callable[[str], Realtime]) -> Realtime:
    one = database("mariadb")
    realtime.fill(one.engine(), {})
    return one


def server_for(held: Realtime, root: Path) -> ReadyServer:
    driver = {"mariadb": b"odbc", "postgresql": b"pgsql"}[held.kind]
    files = {name: data.replace(b"sqlite3", driver) for name, data in REALTIME.items()}
    packaged(root, **files)
    return ReadyServer(root, password=held.password)


def provision(server: ReadyServer, held: Realtime, *accounts: Account, **how: Any) -> Planned:
    return server.provision(*accounts, database=database_of(held), **how)


def refused(server: ReadyServer, held: Realtime, *accounts: Account, url: str = "") -> str:
    before = content(held)
    with pytest.raises(CmpBundleError) as caught:
        server.provision(*accounts, database=Database(url or held.url, held.password))
    assert content(held) == before
    return f"{caught.value}; {caught.value.hint}"


@pytest.mark.slow
@pytest.mark.parametrize("action", ACTIONS)
def test_cut_off_before_each_step(action: str, held: Realtime, tmp_path: Path) -> None:
    test_killed_rows.killed(action, tmp_path, json.dumps(asdict(held)))


def test_hundreds_at_once_and_what_others_changed(held: Realtime, tmp_path: Path) -> None:
    server = server_for(held, tmp_path)
    phones = [replace(ALICE, id=f"phone{n}", extension="") for n in range(700)]
    assert len(provision(server, held, *phones).made) == 700
    assert not provision(server, held, *phones)
    queens = [replace(phone, display_name="Queen", password=ODD) for phone in phones]
    assert len(provision(server, held, *queens, update=True).made) == 700
    execute(
        held,
        "update ps_auths set password='rotated' where id='phone7'",
        "update ps_aors set mailboxes='9' where id='phone8'",
    )
    planned = server.undo(database_of(held))
    assert "ps_aors phone8 were changed by somebody else" in planned.notes[0]
    assert [list(rows) for rows in content(held).values()] == [["phone8"]] * 3


def test_a_row_that_somebody_holds(
    held: Realtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = server_for(held, tmp_path)
    provision(server, held)
    monkeypatch.setattr(tables, "_PATIENCE", 1)
    before = content(held)
    with held.engine().begin() as connection:
        connection.exec_driver_sql("update ps_aors set max_contacts=3 where id='alice'")
        with pytest.raises(CmpBundleError, match=r"(?i)lock.*(timeout|wait)"):
            server.undo(database_of(held))
        assert server.engine.journal.read() is None, "nothing was begun"
        connection.rollback()
    assert content(held) == before
    server.undo(database_of(held))


def test_words_that_an_older_table_does_not_have(held: Realtime, tmp_path: Path) -> None:
    server = server_for(held, tmp_path)
    if held.kind == "mariadb":
        execute(held, "alter table ps_endpoints modify timers enum('no','yes')")
    else:
        execute(
            held,
            "create type few as enum('no','yes')",
            "alter table ps_endpoints alter timers type few using null",
        )
    said = refused(server, held)
    assert "its timers would be forced, but the column takes no, yes" in said
    execute(held, "alter table ps_endpoints drop timers")
    assert "timers has no column" in " ".join(provision(server, held).notes)
    server.undo(database_of(held))
    if held.kind == "postgresql":
        execute(held, "drop type few")


def test_columns_of_other_types(held: Realtime, tmp_path: Path) -> None:
    """Tables that somebody made by hand, and that fill in things by themselves."""
    server = server_for(held, tmp_path)
    flag = "boolean" if held.kind == "postgresql" else "varchar(5)"
    execute(
        held,
        "alter table ps_endpoints drop direct_media",
        f"alter table ps_endpoints add direct_media {flag} default null",
        "alter table ps_endpoints add made_at timestamp not null default current_timestamp",
        "alter table ps_aors drop qualify_frequency",
        "alter table ps_aors add qualify_frequency float default 7",
        "alter table ps_aors drop max_contacts",
        "alter table ps_aors add max_contacts varchar(9)",
    )
    provision(server, held)
    row = content(held)["ps_endpoints"]["alice"]
    assert row["direct_media"] in (False, "no")
    assert row["made_at"]
    assert content(held)["ps_aors"]["alice"]["qualify_frequency"] == 60
    assert not provision(server, held)
    assert server.undo(database_of(held)).removed == ("alice", "bob")
    assert content(held)["ps_endpoints"] == {}


def filling(held: Realtime) -> None:
    """What databases put into rows by themselves, in each of the ways that they have."""
    execute(
        held,
        "alter table ps_auths alter realm set default 'it''s'",
        "alter table ps_aors alter mailboxes set default 'none'",
        "alter table ps_endpoints alter mailboxes set default ''",
    )
    if held.kind == "mariadb":
        execute(
            held,
            "alter table ps_endpoints add pk int auto_increment unique",
            "alter table ps_auths add seen timestamp null default null on update current_timestamp",
            "create trigger t before insert on ps_aors for each row set new.voicemail_extension = '*'",
        )
    else:
        execute(
            held,
            "alter table ps_endpoints add pk serial",
            "alter table ps_auths add num int generated always as identity",
            "create or replace function starred() returns trigger language plpgsql as"
            " 'begin new.voicemail_extension = ''*''; return new; end'",
            "create trigger t before insert on ps_aors for each row execute function starred()",
        )


def test_what_databases_fill_in(held: Realtime, tmp_path: Path) -> None:
    server = server_for(held, tmp_path)
    filling(held)
    provision(server, held)
    assert content(held)["ps_aors"]["alice"]["voicemail_extension"] == "*"
    planned = provision(server, held)
    assert (bool(planned), planned.notes) == (False, ())
    execute(held, "update ps_auths set password='rotated' where id='alice'")
    planned = server.undo(database_of(held))
    assert (planned.removed, planned.notes) == (("alice", "bob"), ())
    provision(server, held)
    execute(held, "update ps_endpoints set mailboxes='101@vm' where id='alice'")
    planned = server.undo(database_of(held))
    assert planned.removed == ("bob",)
    assert "ps_endpoints alice were changed by somebody else" in planned.notes[0]


def test_a_user_who_may_only_read(held: Realtime, tmp_path: Path) -> None:
    """What it cannot delete it does not take for its own."""
    server = server_for(held, tmp_path)
    provision(server, held)
    server.look().remembered.path.unlink()
    there = content(held)
    if held.kind == "postgresql":
        execute(
            held,
            f"create role reader login password '{held.password}'",
            "grant select on all tables in schema public to reader",
        )
    reader = Database(held.url.replace(f"{held.user}@", "reader@"), held.password)
    planned = server.provision(database=reader)
    assert planned.theirs == ("alice", "bob")
    assert "does not let cmp-bundle delete" in planned.notes[0]
    assert provision(server, held).present == ("alice", "bob"), "who may, does"
    assert content(held) == there
    assert server.undo(database_of(held)).removed == ("alice", "bob")
    assert not any(content(held).values())
    if held.kind == "postgresql":
        execute(held, "drop owned by reader", "drop role reader")


def test_what_mariadb_makes_something_else_of(mariadb: Realtime, tmp_path: Path) -> None:
    """Unless it is told to be strict, it keeps a question mark, and says nothing."""
    server = server_for(mariadb, tmp_path)
    execute(mariadb, "alter table ps_auths modify password varchar(80) character set latin1")
    said = refused(
        server, mariadb, replace(ALICE, password="漢"), url=f"{mariadb.url}?sql_mode=ANSI"
    )
    assert "the password of alice in ps_auths did not stay as it was written" in said
    assert "漢" not in said


def test_names_that_mariadb_takes_for_one(mariadb: Realtime, tmp_path: Path) -> None:
    server = server_for(mariadb, tmp_path)
    execute(mariadb, "insert into ps_aors (id) values ('ALICE')")
    assert "the aor ALICE is there already, which this database takes for alice" in refused(
        server, mariadb
    )


def test_a_table_that_cannot_undo_half_of_a_change(mariadb: Realtime, tmp_path: Path) -> None:
    execute(mariadb, "alter table ps_aors engine=MyISAM")
    said = refused(server_for(mariadb, tmp_path), mariadb)
    assert "ALTER TABLE ps_aors ENGINE=InnoDB" in said


#: The clients as somebody runs them who was sent a script.
CLIENTS: dict[str, Callable[[Realtime], list[str]]] = {
    "sqlite": lambda one: ["sqlite3", str(one.path)],
    "mariadb": lambda one: [
        *("mariadb", f"--host={one.host}", f"--port={one.port}", f"--user={one.user}"),
        *(f"--password={one.password}", one.name),
    ],
    "postgresql": lambda one: [
        *("psql", "--no-psqlrc", "--quiet"),
        f"postgresql://{one.user}:{one.password}@{one.host}:{one.port}/{one.name}",
    ],
}


@pytest.mark.parametrize("kind", databases.KINDS)
@pytest.mark.parametrize("looked_at", [True, False])
def test_a_script_for_their_own_clients(
    kind: str, looked_at: bool, database: Callable[[str], Realtime], tmp_path: Path, cmp: Cmp
) -> None:
    one = database(kind)
    realtime.fill(one.engine(), {})
    cmp.environment |= {
        "CMP_BUNDLE_ASTERISK_ROOT": str(tmp_path / "root"),
        "CMP_BUNDLE_ASTERISK_COMMAND": '["false"]',
        "CMP_BUNDLE_DATABASE_PASSWORD": one.password,
    }
    server = (
        server_for(one, tmp_path / "root")
        if kind != "sqlite"
        else packaged(tmp_path / "root", **REALTIME)
    )
    accounts = cmp.folder / "accounts.toml"
    accounts.write_text(
        f"[[account]]\nid = \"o'hara\"\npassword = '''{ODD}'''\ndisplay_name = 'a\\b%s:c'\n"
        f'[[account]]\nid = "bob"\nha1 = "{BOB.ha1}"\nrealm = "asterisk"\n'
    )
    accounts.chmod(0o600)
    url = one.url if looked_at else f"{kind}://"
    assert cmp("provision", "--database", url, "--sql", "rows.sql")["made"] == ["o'hara", "bob"]
    script = (cmp.folder / "rows.sql").read_text()
    _client(one, script)
    found = content(one)
    # Somebody who runs it twice, or runs half of it, has all or nothing too.
    _client(one, script.replace("'bob'", "'carol'"), fails=kind != "postgresql")
    assert content(one) == found
    assert cmp("provision", "--database", one.url)["present"] == ["o'hara", "bob"], "they are ours"
    assert content(one) == found
    assert server.undo(database_of(one)).removed == ("bob", "o'hara")
    assert not any(content(one).values())
    _client(one, script)
    assert content(one) == found
    taken_back = [line.removeprefix("--   ") for line in script.splitlines() if "DELETE" in line]
    _client(one, "\n".join(taken_back))
    assert not any(content(one).values())
    cmp("provision", "--database", one.url)
    rows = content(one)
    if not looked_at:
        for row in rows["ps_aors"].values():
            row.pop("remove_unavailable", None)
    assert rows == found
    assert set(server.undo(database_of(one)).removed) == {"o'hara", "bob"}


def _client(one: Realtime, script: str, *, fails: bool = False) -> None:
    try:
        done = subprocess.run(
            CLIENTS[one.kind](one), input=script, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        pytest.skip(f"no client: apt-get install {error.filename}-client")
    assert bool(done.returncode) == fails, done
