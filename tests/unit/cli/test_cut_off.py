"""What the next command does about one that was cut off, where something stands in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from cmp_bundle.cli.app import MISTAKE
from tests.unit.accounts import realtime
from tests.unit.changes.carried import killed_before_it_settles

from .people import Desk, without_database_extra

pytestmark = pytest.mark.slow


@pytest.fixture(name="at")
def _at(at: Desk, tmp_path: Path) -> Desk:
    realtime.filled(tmp_path / "realtime.db", "dora")
    at.write(
        '[[account]]\nid = "alice"\npassword = "wonder1and"\n\n'
        f'[[account]]\nid = "dora"\nsource = "sqlite:///{tmp_path}/realtime.db"\n'
    )
    at.go_live()
    at("key", "backup", "copy")
    return at


def cut_off(at: Desk, *words: str) -> None:
    with killed_before_it_settles():
        at.run(*words)


def test_a_restore_that_was_cut_off_is_no_restored_key(at: Desk) -> None:
    """The key is the same already, and what is live is sealed with another one."""
    at("key", "rotate", "--yes")
    cut_off(at, "key", "restore", "copy", "--yes")
    said = at("key", "restore", "copy", "--yes")
    assert "was cut off halfway; now it is undone" in said
    assert ": restored from copy" in said
    at("build")
    assert at.json("deploy")["changed"] is False


def test_a_database_that_is_out_of_reach(at: Desk, tmp_path: Path) -> None:
    cut_off(at, "accounts", "rotate", "--all")
    away = tmp_path / "away.db"
    (tmp_path / "realtime.db").rename(away)
    for words in (("rollback",), ("deploy",), ("key", "rotate", "--yes"), ("undeploy",)):
        said = at.refused(*words)
        assert "this database does not exist" in said
        assert "the accounts rotate before, which was cut off halfway, cannot be undone yet" in said
    away.rename(tmp_path / "realtime.db")
    at("link", "dora", "--renew")
    assert 'password = "wonder1and"' in at.accounts.read_text()
    assert realtime.passwords(tmp_path / "realtime.db")["dora"] == "of-dora"


def test_the_extra_for_databases_is_gone(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    cut_off(at, "accounts", "rotate", "--all")
    without_database_extra(monkeypatch)
    assert "pip install 'cmp-bundle[database]'" in at.refused("rollback")


def test_an_account_that_was_added_since_stays(at: Desk) -> None:
    cut_off(at, "accounts", "rotate", "alice")
    at("accounts", "add", "zoe")
    done = at.run("accounts", "rotate", "dora")
    assert "was cut off halfway; now it is undone" in done.err
    assert 'password = "wonder1and"' in at.accounts.read_text()
    assert 'id = "zoe"' in at.accounts.read_text()
    assert b"password=wonder1and" in at.pjsip.read_bytes()


def test_settings_of_another_folder_do_not_name_its_accounts(
    at: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_off(at, "accounts", "rotate", "alice")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    before = at.content()
    done = at.run("undeploy")
    assert (done.code, at.content()) == (MISTAKE, before)
    assert "not part of the server in this run's settings" in done.err
    assert "the settings of the run that was cut off" in done.err
    monkeypatch.chdir(at.folder)
    assert "was cut off halfway; now it is undone" in at("undeploy")
