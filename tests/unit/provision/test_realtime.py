"""What sorcery.conf and extconfig.conf say of realtime tables, and what they have to say."""

from __future__ import annotations

from pathlib import Path

import pytest

from cmp_bundle.asterisk.conf_files import ConfFolder, Overlaid
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.places import Row
from cmp_bundle.provision.realtime import Realtime, coded, realtime
from tests.unit.deploy.trees import snapshot

from .held import database, empty
from .servers import REALTIME, packaged

SORCERY = REALTIME["sorcery_conf"].decode()
EXTCONFIG = REALTIME["extconfig_conf"].decode()
SQLITE = "sqlite:////nowhere"


def said(sorcery: str = SORCERY, extconfig: str = EXTCONFIG) -> Realtime:
    nowhere = ConfFolder(Path("/nowhere"))
    texts = {"sorcery.conf": sorcery, "extconfig.conf": extconfig}
    files = {f"{nowhere.etc}/{name}": text.encode() for name, text in texts.items()}
    return realtime(Overlaid(nowhere, files))


def hints(found: Realtime, url: str = SQLITE) -> list[str]:
    return [str(one.hint) for one in found.unmapped(url, "sorcery.conf", "extconfig.conf")]


def test_nothing_is_said_where_all_is_right() -> None:
    assert hints(said()) == []
    assert hints(said(SORCERY.replace("config,", "x,"))) == []
    assert hints(said(extconfig=EXTCONFIG.replace("sqlite3", "ODBC"))) == []


def test_both_files_and_the_whole_of_what_they_lack(tmp_path: Path) -> None:
    server = packaged(tmp_path / "root")
    held = empty(tmp_path / "realtime.sqlite3")
    before = snapshot(server.root)
    with pytest.raises(CmpBundleError) as caught:
        server.provision(database=database(held))
    assert snapshot(server.root) == before
    sorcery, extconfig = caught.value.findings
    assert (sorcery.code, extconfig.code) == ("realtime-unmapped",) * 2
    assert str(sorcery.place).endswith("etc/asterisk/sorcery.conf")
    assert str(extconfig.place).endswith("etc/asterisk/extconfig.conf")
    lines = "".join(
        f"{line.strip()}\n" for f in (sorcery, extconfig) for line in str(f.hint).split("\n")
    )
    for kind in ("endpoint", "aor", "auth"):
        # Without the first, phones that are in a file would be gone.
        assert (
            f"{kind} = config,pjsip.conf,criteria=type={kind}\n{kind} = realtime,ps_{kind}s\n"
            in lines
        )
        assert f"ps_{kind}s => sqlite3,asterisk,ps_{kind}s\n" in lines
    assert lines.count("core restart gracefully") == 2


@pytest.mark.parametrize(
    ("sorcery", "lines"),
    [
        (SORCERY.replace("auth=realtime,ps_auths", ""), ["auth = realtime,ps_auths"]),
        (SORCERY.replace("realtime,ps_aors", "realtime,aors"), ["aor = realtime,ps_aors"]),
        (SORCERY.replace("realtime,ps_aors", "astdb,ps_aors"), ["aor = realtime,ps_aors"]),
    ],
)
def test_a_line_that_sorcery_conf_lacks(sorcery: str, lines: list[str]) -> None:
    (hint,) = hints(said(sorcery))
    assert [line.strip() for line in hint.split("\n")[1:-1]] == lines


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ps_auths => odbc_other,asterisk,ps_auths",
        "ps_auths => curl,http://localhost/ps_auths",
        "ps_auths => sqlite3,asterisk,other",
        "ps_auth => sqlite3,asterisk,ps_auths",
    ],
)
def test_a_table_that_asterisk_reads_from_elsewhere(line: str) -> None:
    found = said(extconfig=EXTCONFIG.replace("ps_auths => sqlite3,asterisk,ps_auths", line))
    (hint,) = hints(found)
    assert "ps_auths => sqlite3,asterisk,ps_auths" in hint


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("mysql://u@h/d", "odbc"),
        ("mariadb+pymysql://u@h/d", "odbc"),
        ("postgresql://u@h/d", "pgsql"),
    ],
)
def test_the_driver_for_each_database(url: str, driver: str) -> None:
    (hint,) = hints(said(), url)
    assert f"ps_endpoints => {driver},asterisk,ps_endpoints" in hint
    kept = said(extconfig=EXTCONFIG.replace("endpoints => sqlite3", "endpoints => odbc"))
    (hint,) = hints(kept, url)
    assert "ps_aors => odbc,asterisk,ps_aors" in hint, "as the other tables have it"


def test_which_drivers_cut_values() -> None:
    assert [coded(url, None) for url in ("mysql://", "postgresql://", SQLITE)] == [
        True,
        True,
        False,
    ]
    assert coded(SQLITE, "odbc")
    assert not coded(SQLITE, said().driver("ps_auths"))


def test_caches() -> None:
    more = (
        "endpoint/cache = memory_cache\nAuth/Cache = memory_cache, name=a , name=b\naor/cache=x\n"
    )
    assert list(said(SORCERY + more).caches()) == ["res_pjsip/endpoint", "b"]
    assert list(said().caches()) == []


def test_whoever_forgets_the_database_is_told_of_it(tmp_path: Path) -> None:
    server = packaged(tmp_path, sorcery_conf=b"[res_pjsip]\nendpoint=realtime,ps_endpoints\n")
    with pytest.raises(CmpBundleError) as caught:
        server.provision()
    assert "provision --database mysql://USER@HOST/NAME" in str(caught.value.hint)


def test_files_that_count_no_more() -> None:
    assert said().reads_files("endpoint")
    assert said("").reads_files("endpoint")
    assert not said("[res_pjsip]\nendpoint=realtime,ps_endpoints\n").reads_files("endpoint")


@pytest.mark.parametrize(
    ("line", "row"),
    [
        ("odbc,asterisk,ps_endpoints", ("[asterisk] of res_odbc.conf", "ps_endpoints")),
        ('odbc , "pbx", phones', ("[pbx] of res_odbc.conf", "phones")),
        ("ODBC,pbx", ("[pbx] of res_odbc.conf", "ps_endpoints")),
        ("pgsql,asterisk,ps_endpoints", ("res_pgsql.conf", "ps_endpoints")),
        ("ldap,ou=phones,ps_endpoints", None),
    ],
)
def test_the_row_of_an_object(line: str, row: tuple[str, str] | None) -> None:
    mapped = said(
        "[res_pjsip]\nendpoint=realtime,ps_endpoints\n", f"[settings]\nps_endpoints => {line}\n"
    )
    assert mapped.row("endpoint", "alice") == (Row(*row, "alice") if row else None)
    assert mapped.row("aor", "alice") is None


@pytest.mark.parametrize(
    ("sorcery", "extconfig"),
    [
        ("endpoint=realtime,ps_endpoints\nendpoint=realtime,others\n", ""),
        ("endpoint=realtime,ps_endpoints\nendpoint=memory\n", ""),
        ("endpoint=realtime,unmapped\n", ""),
        ("endpoint=config,pjsip.conf\n", ""),
        ("endpoint=realtime,ps_endpoints\n", "ps_endpoints => odbc,second,ps_endpoints\n"),
    ],
)
def test_a_row_that_is_not_sure(sorcery: str, extconfig: str) -> None:
    first = "[settings]\nps_endpoints => odbc,first,ps_endpoints\n"
    assert said(f"[res_pjsip]\n{sorcery}", first + extconfig).row("endpoint", "alice") is None


def test_the_cache_of_a_row() -> None:
    cached = "[res_pjsip]\nendpoint/cache=memory_cache,name=few\nendpoint=realtime,ps_endpoints\n"
    row = said(cached, "[settings]\nps_endpoints => odbc,first,ps_endpoints\n").row("endpoint", "a")
    assert row is not None
    assert row.cache == "few"
