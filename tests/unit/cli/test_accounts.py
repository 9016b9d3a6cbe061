"""The accounts commands, as somebody types them."""

from __future__ import annotations

import json
import re
import shlex
import stat
import subprocess
import sys
import tomllib

import click
import pytest

from cmp_bundle.accounts.generate import LENGTH
from cmp_bundle.accounts.model import ha1
from cmp_bundle.cli.app import MISTAKE, STOPPED, USAGE
from tests import schemas

from .people import PJSIP, Desk, fill_the_disk, without_database_extra

#: Everything that nobody is to see on a screen.
SECRETS = (
    "wonder1and",
    "bui1der-too",
    "own-password",
    "typed-in",
    ha1("alice", "asterisk", "wonder1and"),
)


@pytest.fixture(autouse=True)
def _nothing_is_shown(at: Desk) -> object:
    """Whatever a test does, no password comes to the screen."""
    yield
    stored = at.accounts.read_text() if at.accounts.exists() else ""
    generated = (
        [row.get("password", "") for row in tomllib.loads(stored).get("account", [])]
        if at.accounts.suffix == ".toml" and stored
        else []
    )
    for secret in (*SECRETS, *filter(None, generated)):
        assert secret not in at.printed


def rows(at: Desk) -> dict[str, dict[str, object]]:
    document = tomllib.loads(at.accounts.read_text())
    return {row["id"]: row for row in document.get("account", [])}


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("accounts", "import", "--database", "mysql://a@localhost/x"),
        ("accounts", "show", "dora"),
        ("accounts", "rotate", "dora"),
        ("build",),
        ("provision", "--database", "mysql://a@localhost/x"),
        ("provision", "--database", "mysql://", "--sql", "rows.sql"),
    ],
)
def test_databases_are_an_extra(
    at: Desk, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    at.write('[[account]]\nid = "dora"\nsource = "mysql://a@localhost/x"\n')
    without_database_extra(monkeypatch)
    assert at.refused(*words).splitlines()[-2:] == [
        "error database-driver: databases need extra packages, which are not installed: sqlalchemy",
        "       pip install 'cmp-bundle[database]'",
    ]


def test_import_refers_to_the_source(at: Desk) -> None:
    done = at.json("accounts", "import")
    assert done["added"] == ["alice", "bob"], "desk is no endpoint for browsers"
    assert rows(at) == {
        "alice": {"id": "alice", "display_name": "Alice", "source": "pjsip.conf"},
        "bob": {"id": "bob", "source": "pjsip.conf"},
    }
    again = at.json("accounts", "import")
    assert (again["changed"], again["same"]) == (False, ["alice", "bob"])


def test_import_copies_where_it_is_told_to(at: Desk) -> None:
    at("accounts", "import", "--copy", "--only", "alice")
    assert rows(at)["alice"]["ha1"] == ha1("alice", "asterisk", "wonder1and")
    assert list(rows(at)) == ["alice"]
    assert stat.S_IMODE(at.accounts.stat().st_mode) == 0o600
    at.pjsip.write_bytes(PJSIP.replace(b"wonder1and", b"other-word"))
    kept = at.json("accounts", "import", "--copy")
    assert (kept["kept"], kept["added"]) == (["alice"], ["bob"])
    changed = at.json("accounts", "import", "--copy", "--update")
    assert (changed["changed"], changed["updated"]) == (True, ["alice"])
    assert rows(at)["alice"]["ha1"] == ha1("alice", "asterisk", "other-word")


def test_import_from_a_path_is_seen_from_the_file(at: Desk) -> None:
    (at.folder / "old").mkdir()
    (at.folder / "old/my.conf").write_bytes(PJSIP)
    at("accounts", "import", "old/my.conf", "--dry-run")
    assert not at.accounts.exists()
    at("accounts", "import", "old/my.conf")
    assert rows(at)["alice"]["source"] == "./old/my.conf"
    assert at.json("accounts", "show", "alice")["secret"] == "ha1"


def test_an_import_with_something_wrong_lists_all_and_writes_nothing(at: Desk) -> None:
    at.write('[[account]]\nid = "kept"\npassword = "own-password"\n')
    at.pjsip.write_bytes(
        PJSIP.replace(
            b"[bob](webrtc)\naors=bob\nauth=bob",
            b"[b b](webrtc)\nauth=bob\n[c](webrtc)\nauth=none",
        )
    )
    said = at.refused("accounts", "import")
    assert "2 things are wrong, and nothing was written" in said
    printed = json.loads(at.run("accounts", "import", "--json").out)
    schemas.check(("accounts", "import"), printed)
    error = printed["error"]
    assert error["code"] == "several"
    assert [one["code"] for one in error["findings"]] == ["endpoint-name", "R108"]
    assert [one["line"] for one in error["findings"]] == [28, 30]
    assert "'b b'" in said
    assert "'none'" in said
    assert f"{at.pjsip}:" in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nothing.conf",), "must be pjsip.conf"),
        (("./nothing.conf",), "does not exist"),
        (("pjsip_wizard.conf",), "does not exist"),
        (("--only", "zoe"), "no endpoint 'zoe'"),
        (("--only", "desk"), "webrtc=yes"),
        (("pjsip.conf", "--database", "sqlite:///x"), "two sources"),
        (("mysql://u@h/n",), "--database"),
        (("--database", "oracle://x"), "must begin with one of"),
        (("--database", "mysql://u:own-password@h/n"), "must not hold a password"),
        (("--database", "sqlite:///nothing.db"), "this database does not exist"),
    ],
)
def test_sources_that_are_none(at: Desk, words: tuple[str, ...], says: str) -> None:
    assert says in at.refused("accounts", "import", *words)


def test_a_folder_is_no_source(at: Desk) -> None:
    assert "is a folder" in at.refused("accounts", "import", str(at.root / "etc"))


def test_list_and_show(at: Desk) -> None:
    assert "next: cmp-bundle accounts add" in at("accounts", "list")
    at("accounts", "import")
    at("accounts", "add", "carol", "--display-name", "Carol", "--extension", "103", "--dial", "247")
    listed = at("accounts", "list").splitlines()
    assert [line.split() for line in listed] == [
        ["ID", "NAME", "EXTENSION", "DIAL", "PASSWORD"],
        ["alice", "Alice", "in", "pjsip.conf"],
        ["bob", "in", "pjsip.conf"],
        ["carol", "Carol", "103", "247", "here"],
    ]
    shown = at.json("accounts", "show", "bob")
    assert (shown["secret"], shown["realm"]) == ("ha1", "elsewhere")
    assert (shown["extension"], shown["dial"]) == ("", "")
    assert shown["secret_at"].startswith(f"{at.pjsip}:")
    shown = at.json("accounts", "show", "carol")
    assert (shown["extension"], shown["dial"]) == ("103", "247")
    text = at("accounts", "show", "carol")
    assert "••••" in text
    assert re.search(r"^extension: +103\ndial: +247$", text, re.MULTILINE)
    assert "no account 'zoe'" in at.refused("accounts", "show", "zoe")


def test_an_extension_is_one_account_s(at: Desk) -> None:
    at("accounts", "add", "carol", "--extension", "103")
    before = at.accounts.read_bytes()
    said = at.refused("accounts", "add", "dan", "--extension", "1-03")
    assert "the extension '1-03' is the same to Asterisk as '103' at" in said
    assert "that is called dial now" in said
    assert at.accounts.read_bytes() == before
    assert "not beginning with _" in at.refused("accounts", "add", "dan", "--extension", "_1X")


def test_add_makes_a_password(at: Desk) -> None:
    at("accounts", "add", "carol", "--ice", "stun:stun.example.com", "--no-register")
    row = rows(at)["carol"]
    assert len(str(row.pop("password"))) == LENGTH
    assert row == {"id": "carol", "register": False, "ice": ["stun:stun.example.com"]}
    assert stat.S_IMODE(at.accounts.stat().st_mode) == 0o600


def test_add_takes_a_password_from_everywhere_but_an_argument(
    at: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = at.folder / "secret"
    secret.write_text("own-password\nsecond line\n")
    secret.chmod(0o644)
    assert "chmod 600" in at.refused("accounts", "add", "one", "--password-file", "secret")
    secret.chmod(0o600)
    at("accounts", "add", "one", "--password-file", "secret")
    with monkeypatch.context() as patch:
        patch.setenv("CMP_BUNDLE_PASSWORD", "typed-in")
        at("accounts", "add", "two")
    monkeypatch.setattr(click, "prompt", lambda *_a, **how: "typed-in" if how["hide_input"] else "")
    at("accounts", "add", "three", "--prompt")
    at("accounts", "add", "four", "--source", "pjsip.conf")
    words = {name: row.get("password") for name, row in rows(at).items()}
    assert words == {"one": "own-password", "two": "typed-in", "three": "typed-in", "four": None}
    assert at.run("accounts", "add", "five", "--password", "x").code == USAGE
    for both in (("--prompt", "--password-file", "secret"), ("--source", "pjsip.conf", "--prompt")):
        assert "leave out one of them" in at.refused("accounts", "add", "five", *both)


def test_add_says_all_that_is_wrong(at: Desk) -> None:
    said = at.refused("accounts", "add", "a b", "--port", "99999", "--ice", "http://x")
    assert "3 things are wrong" in said
    assert "write 'a.b'" in said
    at("accounts", "add", "carol")
    assert "is already used" in at.refused("accounts", "add", "carol")
    assert "only by case" in at.refused("accounts", "add", "Carol")


def test_remove(at: Desk) -> None:
    at("accounts", "import")
    before = at("link", "bob")
    said = at.refused("accounts", "remove", "bob", "zoe", "yan")
    assert "2 things are wrong" in said
    at("accounts", "remove", "bob")
    assert list(rows(at)) == ["alice"]
    at("accounts", "add", "bob")
    assert at("link", "bob") != before, "somebody of the same name is somebody else"


def test_remove_with_a_key_that_cannot_be_read_changes_nothing(at: Desk) -> None:
    """Else the old link would open the phone of the next one called alice."""
    at("accounts", "import")
    at("links")
    at.key.chmod(0o644)
    before = at.accounts.read_bytes()
    assert "other users can read the key" in at.refused("accounts", "remove", "alice")
    assert at.accounts.read_bytes() == before


@pytest.mark.slow
def test_a_prompt_without_a_terminal(at: Desk) -> None:
    at("accounts", "import")
    done = subprocess.run(
        [sys.executable, "-m", "cmp_bundle",
         "accounts", "add", "carol", "--prompt"],
        cwd=at.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        start_new_session=True, check=False,
    )  # fmt: skip
    assert done.returncode == MISTAKE
    assert done.stderr == (
        "error no-terminal: there is no terminal to ask for the password on\n"
        "       --password-file FILE, or the environment variable CMP_BUNDLE_PASSWORD\n"
    )


def test_many_warnings_of_a_kind_are_told_in_short(at: Desk) -> None:
    """Ten thousand endpoints of one template need the same thing said once."""
    more = "".join(f"[u{n}]\ntype=endpoint\nwebrtc=yes\nauth=alice\n" for n in range(9))
    at.pjsip.write_text(at.pjsip.read_text() + more)
    done = at.run("accounts", "import", "--dry-run")
    told = [line for line in done.err.splitlines() if "one picture" in line]
    assert len(told) == 3
    assert "and 6 more like it (V101); all of them: --json" in done.err
    assert len(at.json("accounts", "import")["findings"]) == 9


def test_check_without_an_asterisk_says_so_once(at: Desk) -> None:
    at("accounts", "import", "--copy")
    at.run("accounts", "add", "carol")
    (at.root / "etc/asterisk").rename(at.root / "etc/gone")
    done = at.run("accounts", "check")
    assert done.out.count("not-compared") == 1, done
    assert "3 accounts" in done.out


def test_a_file_that_others_can_read(at: Desk) -> None:
    at.write('[[account]]\nid = "carol"\npassword = "own-password"\n', 0o640)
    for words in (("list",), ("show", "carol"), ("add", "x"), ("rotate", "--all"), ("check",)):
        said = at.refused("accounts", *words)
        assert "mode 0640" in said
        assert "--allow-loose" in said
    for command in (("build",), ("links",), ("link", "carol")):
        assert "chmod 600" in at.refused(*command)
    assert "carol" in at("accounts", "list", "--allow-loose")
    # Without a password in it, it may be anybody's.
    at.write('[[account]]\nid = "alice"\nsource = "pjsip.conf"\n', 0o644)
    at("accounts", "list")


def test_all_bad_rows_at_once(at: Desk) -> None:
    at.write(
        '[[account]]\nid = "al ice"\n\n[[account]]\nid = "bob"\npasword = "own-password"\n\n'
        '[[account]]\nid = "carol"\n\n[[account]]\nid = "carol"\n'
    )
    for words in (("accounts", "list"), ("build",), ("links",)):
        said = at.refused(*words)
        assert "3 things are wrong" in said
        assert f"{at.accounts}:2: the id 'al ice'" in said
        assert (
            f"{at.accounts}:6: unknown field 'pasword' in an account; did you mean password?"
            in said
        )
        assert f"{at.accounts}:11: the id 'carol' is already used" in said


def test_check(at: Desk) -> None:
    at("accounts", "import")
    assert "2 accounts, all match Asterisk" in at("accounts", "check")
    at.write(
        '[[account]]\nid = "alice"\npassword = "own-password"\n\n'
        '[[account]]\nid = "zoe"\npassword = "short"\n\n'
        '[[account]]\nid = "desk"\npassword = "red"\n'
    )
    done = at.run("accounts", "check")
    assert done.code == MISTAKE
    said = done.out
    assert "error R107: " in said
    assert "error R101: " in said
    assert "error S101: " in said
    assert "note short-password: " in said
    (at.root / "etc/asterisk/sorcery.conf").write_text(
        "[res_pjsip]\nendpoint=config,pjsip.conf\nendpoint=realtime,ps_endpoints\n"
    )
    assert "note not-in-files: " in at.run("accounts", "check").out
    at.write('[[account]]\nid = "alice"\nsource = "./gone.conf"\n')
    assert "error source: " in at.run("accounts", "check").out


def test_check_tells_of_a_password_that_stands_in_the_phone(
    at: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CMP_BUNDLE_PHONE_SOURCE", "builtin")
    at.write('[[account]]\nid = "alice"\npassword = "WebSocket"\n')
    done = at.run("accounts", "check")
    assert "error public-password: " in done.out
    assert "WebSocket" not in done.out


@pytest.mark.slow
def test_rotate_where_the_password_stands(at: Desk) -> None:
    at("accounts", "import")
    at.go_live()
    link, before = at("link", "alice"), at.profiles()
    done = at.json("accounts", "rotate", "alice")
    assert (done["rotated"], done["live"], done["built"]) == (["alice"], True, True)
    text = at.pjsip.read_text()
    assert "wonder1and" not in text
    assert "bui1der-too" in text, "bob's stays"
    assert at("link", "alice") == link
    after = at.profiles()
    assert set(after) == set(before)
    assert sum(after[name] != before[name] for name in before) == 1
    at.json("build")
    assert at.json("deploy")["changed"] is False, "dist has the new one as well"


def test_rotate_a_password_of_its_own(at: Desk) -> None:
    at.write(
        '[[account]]\nid = "alice"\npassword = "wonder1and"\n\n'
        '[[account]]\nid = "zoe"\npassword = "own-password"\n'
    )
    done = at.run("accounts", "rotate", "--all")
    assert done.code == 0, done
    fresh = rows(at)["alice"]["password"]
    assert f"password={fresh}\n" in at.pjsip.read_text(), "Asterisk had the same"
    assert "did not have the old password of zoe" in done.err
    assert "next: cmp-bundle build && cmp-bundle deploy" in done.out


def test_rotate_where_no_asterisk_is(at: Desk) -> None:
    at.write('[[account]]\nid = "zoe"\npassword = "own-password"\n')
    (at.root / "etc/asterisk").rename(at.root / "etc/gone")
    said = at("accounts", "rotate", "zoe")
    assert "no Asterisk was changed here: it still needs the new password of zoe" in said
    assert "did not hold" not in said


def test_rotate_refuses_whole(at: Desk) -> None:
    at("accounts", "import")
    assert "add --all" in at.refused("accounts", "rotate")
    assert "add --all" in at.refused("accounts", "rotate", "alice", "--all")
    said = at.refused("accounts", "rotate", "alice", "zoe", "yan")
    assert "2 things are wrong, and nothing was changed" in said
    at.pjsip.write_bytes(PJSIP.replace(b"auth=bob", b"auth=alice"))
    assert "alice shares the auth" in at.refused("accounts", "rotate", "--all")


@pytest.mark.slow
def test_a_rotation_that_cannot_be_made_live_is_taken_back(
    at: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    at("accounts", "import")
    at.go_live()
    before = at.content()
    fill_the_disk(monkeypatch)
    done = at.run("accounts", "rotate", "alice")
    assert done.code == MISTAKE
    assert "no room on the disk" in done.err
    after = at.content()
    assert after[str(at.pjsip)] == before[str(at.pjsip)]


def test_csv(at: Desk) -> None:
    (at.folder / "accounts.csv").write_text("id,display name\nzoe,Zoe\n")
    at("accounts", "add", "yan", "--extension", "1")
    text = (at.folder / "accounts.csv").read_text()
    assert text.startswith("id,display name,password,extension\nzoe,Zoe\nyan,,")
    at.write("")
    assert "cmp-bundle uses only one file" in at.refused("accounts", "list")


def test_a_named_file_has_to_be_there(at: Desk) -> None:
    assert "this account file does not exist" in at.refused(
        "accounts", "list", "--accounts-file", "x.toml"
    )
    at("accounts", "add", "carol", "--accounts-file", "x.toml")
    assert "carol" in at("accounts", "list", "--accounts-file", "x.toml")


def test_stopping_at_the_prompt_changes_nothing(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_args: object, **_how: object) -> str:
        raise click.Abort

    monkeypatch.setattr(click, "prompt", stopped)
    assert at.run("accounts", "add", "carol", "--prompt").code == STOPPED
    assert not at.accounts.exists()


@pytest.mark.parametrize(
    "words",
    ["Generated by the PBX manager. Do not edit: your changes will be lost.", "Ansible managed"],
)
def test_a_file_that_a_program_writes_gets_no_new_password(at: Desk, words: str) -> None:
    """Its next run would bring the old one back, and nobody could register."""
    at("accounts", "import")
    at.pjsip.write_text(f"; {words}\n{at.pjsip.read_text()}")
    said = at.refused("accounts", "rotate", "alice")
    assert "error password-generated: " in said
    assert f"so a new one would be lost: {words}\n" in said
    assert "change it in that program" in said


def test_who_came_and_who_left(at: Desk) -> None:
    assert "comes from somewhere else" in at("accounts", "sync")
    at("accounts", "import")
    assert "pjsip.conf: as in" in at("accounts", "sync")
    text = at.pjsip.read_text()
    at.pjsip.write_text(text.replace("[bob]", "[dave]").replace("=bob", "=dave"))
    said = at("accounts", "sync")
    assert "pjsip.conf: came dave" in said
    assert "pjsip.conf: left bob" in said
    assert "cmp-bundle accounts remove bob" in said
    (one,) = at.json("accounts", "sync")["sources"]
    assert one == {"source": "pjsip.conf", "came": ["dave"], "left": ["bob"]}


def test_an_import_says_where_more_of_them_are(at: Desk) -> None:
    sorcery = at.root / "etc/asterisk/sorcery.conf"
    sorcery.write_text(
        "[res_pjsip]\nendpoint=config,pjsip.conf,criteria=type=endpoint\n"
        "endpoint=realtime,ps_endpoints\n"
    )
    said = at("accounts", "import", "--dry-run")
    assert "Asterisk takes endpoints from realtime,ps_endpoints" in said
    assert "accounts import --database" in said


def test_what_sync_says_can_be_typed(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a file is called, and wherever it is typed."""
    (at.folder / "my pbx").mkdir()
    (at.folder / "my pbx/it's.conf").write_bytes(PJSIP)
    at("accounts", "import", "./my pbx/it's.conf", "--only", "alice")
    monkeypatch.setenv("CMP_BUNDLE_ACCOUNTS_FILE", str(at.accounts))
    (at.folder / "elsewhere").mkdir()
    monkeypatch.chdir(at.folder / "elsewhere")
    said = at("accounts", "sync")
    command = said.partition("to add them: cmp-bundle ")[2].splitlines()[0]
    assert shlex.split(command) == ["accounts", "import", "../my pbx/it's.conf"]
    at(*shlex.split(command))
    assert list(rows(at)) == ["alice", "bob"]
