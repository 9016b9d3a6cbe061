"""The key of all links: kept, lost, put back and replaced."""

from __future__ import annotations

import stat

import click
import pytest

from cmp_bundle.cli.app import STOPPED

from .people import Desk, fill_the_disk

pytestmark = pytest.mark.slow


@pytest.fixture(name="at")
def _at(at: Desk) -> Desk:
    at("accounts", "import")
    return at


def links(at: Desk) -> list[str]:
    return [row["link"] for row in at.json("links")["links"]]


def test_lost_and_put_back(at: Desk) -> None:
    assert "there is no key of all links yet" in at.refused("key", "backup", "copy")
    before = links(at)
    at("key", "backup", "copy")
    assert stat.S_IMODE((at.folder / "copy").stat().st_mode) == 0o600
    assert "already exists" in at.refused("key", "backup", "copy")
    at("key", "backup", "copy", "--force")
    at.go_live()
    deployed = at.profiles()
    at.key.unlink()
    for words in (("build",), ("links",), ("link", "alice"), ("accounts", "rotate", "alice")):
        said = at.refused(*words)
        assert "every link that was given out would stop working" in said
        assert "key restore FILE" in said
        assert "key rotate" in said
    at("key", "restore", "copy")
    assert links(at) == before
    assert at.profiles() == deployed
    assert "already holds this key" in at("key", "restore", "copy")


def test_lost_where_only_the_server_tells(at: Desk) -> None:
    at.go_live()
    at.key.unlink()
    for path in sorted((at.folder / "dist").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert "holds profiles that were sealed with it" in at.refused("build")


def test_lost_for_good(at: Desk) -> None:
    before = links(at)
    at.go_live()
    at.key.unlink()
    said = at.refused("key", "rotate")
    assert "the links of 2 accounts will stop working" in said
    assert "--yes" in said
    done = at.json("key", "rotate", "--yes")
    assert (done["links"], done["live"], done["built"]) == (2, True, True)
    assert not set(links(at)) & set(before)
    assert len(at.profiles()) == 2
    at("build")
    assert at.json("deploy")["changed"] is False


def test_rotating_asks_on_a_terminal(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    before = links(at)

    class Terminal:
        def isatty(self) -> bool:
            return True

    def no(text: str, **_how: object) -> bool:
        assert "will stop working" in text
        raise click.Abort

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr(click, "confirm", no)
    assert at.run("key", "rotate").code == STOPPED
    assert links(at) == before
    monkeypatch.setattr(click, "confirm", lambda *_a, **_k: True)
    at("key", "rotate")
    assert links(at) != before


def many(at: Desk, number: int) -> None:
    rows = (f'[[account]]\nid = "user{n}"\npassword = "of-{n}-alone"\n' for n in range(number))
    at.write("\n".join(rows))


def test_a_deploy_that_ends_many_links_asks(at: Desk) -> None:
    many(at, 40)
    at.go_live()
    before = at.profiles()
    many(at, 5)
    at("build")
    assert at.refused("deploy").splitlines()[-2:] == [
        "error confirmation-needed: 35 of 40 links that worked until now will stop working",
        "       nothing was changed; to confirm: --yes",
    ]
    assert "35 of 40 links" in at("deploy", "--dry-run")
    assert at.profiles() == before
    assert "35 of 40 links" in at("deploy", "--yes")
    # What some people's leaving ends is no reason to ask.
    many(at, 4)
    at("build")
    assert "1 of 5 links" in at("deploy")


def test_a_deploy_under_another_key_says_whose_links_end(
    at: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(at, 25)
    at.go_live()
    beside = at.folder.parent / "beside"
    beside.mkdir()
    (beside / "accounts.toml").write_bytes(at.accounts.read_bytes())
    (beside / "accounts.toml").chmod(0o600)
    monkeypatch.chdir(beside)
    with monkeypatch.context() as elsewhere:
        elsewhere.delenv("CMP_BUNDLE_ASTERISK_ROOT")
        at("build")
    said = at.refused("deploy")
    assert "all of 25 links that worked until now will stop working; user0, user1, user2" in said
    assert "user4, … will need a new one" in said
    at("deploy", "--yes")


def test_a_link_that_was_renewed_stays_dead(at: Desk) -> None:
    """Somebody may have got hold of the old one: that is why it was renewed."""
    at.go_live()
    leaked = links(at)
    at("key", "backup", "copy")
    at("link", "alice", "--renew")
    at("link", "alice", "--renew")
    renewed, deployed = links(at), at.profiles()
    assert [a == b for a, b in zip(leaked, renewed, strict=True)] == [False, True]
    done = at.json("key", "restore", "copy")
    assert (done["key"], done["changed"], done["kept"]) == (str(at.key), False, ["alice"])
    said = at("key", "restore", "copy", "--yes")
    assert "kept, because they are newer than copy: the links of alice" in said
    assert links(at) == renewed
    assert at.profiles() == deployed


def test_the_higher_number_counts_for_each_account(at: Desk) -> None:
    """The key on this machine may be the older one: out of a backup of the machine, say."""
    links(at)
    at("key", "backup", "first")
    at("link", "bob", "--renew")
    at("key", "backup", "second")
    renewed = links(at)
    (at.folder / "first").replace(at.key)
    at("link", "alice", "--renew")
    alice, bob = links(at)
    assert bob != renewed[1]
    assert "the current links of one account (bob)" in at.refused("key", "restore", "second")
    done = at.json("key", "restore", "second", "--yes")
    assert (done["changed"], done["kept"]) == (True, ["alice"])
    assert links(at) == [alice, renewed[1]]


def test_restoring_says_what_is_lost(at: Desk) -> None:
    links(at)
    at("key", "backup", "copy")
    at.run("key", "rotate", "--yes")
    assert "2 accounts (alice, bob)" in at.refused("key", "restore", "copy")
    assert "this file does not exist" in at.refused("key", "restore", "nothing")
    (at.folder / "wrong").write_text("{}")
    (at.folder / "wrong").chmod(0o600)
    said = at.refused("key", "restore", "wrong")
    assert "is not a link key of cmp-bundle" in said
    assert "remove it" not in said, "it may be any file"


def test_a_key_that_others_can_read_or_that_is_damaged(at: Desk) -> None:
    links(at)
    at("key", "backup", "copy")
    at.key.chmod(0o640)
    said = at.refused("build")
    assert "other users can read the key of all links" in said
    assert "key rotate" in said
    (at.folder / "copy").chmod(0o604)
    assert "other users can read" in at.refused("key", "restore", "copy")
    at.key.write_text("no key")
    at.key.chmod(0o600)
    assert "is not a link key of cmp-bundle" in at.refused("links")
    (at.folder / "copy").chmod(0o600)
    assert "it is replaced" in at("key", "restore", "copy")
    at.key.write_text("no key")
    at("key", "rotate", "--yes")
    links(at)


def test_a_key_that_others_can_read_is_not_given_up_unasked(at: Desk) -> None:
    links(at)
    at("key", "backup", "copy")
    at("key", "rotate", "--yes")
    at.key.chmod(0o644)
    assert "the current links of 2 accounts (alice, bob) will stop" in at.refused(
        "key", "restore", "copy"
    )
    at("key", "restore", "copy", "--yes")
    assert stat.S_IMODE(at.key.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "words", [("links",), ("key", "rotate", "--yes"), ("key", "restore", "copy")]
)
def test_a_key_of_a_newer_version_is_left_alone(at: Desk, words: tuple[str, ...]) -> None:
    """The words for a damaged one say: remove it."""
    links(at)
    at("key", "backup", "copy")
    newer = at.key.read_text().replace('"format": 1', '"format": 2').replace('"links"', '"numbers"')
    at.key.write_text(newer)
    assert "was written by a newer cmp-bundle" in at.refused(*words)
    assert at.key.read_text() == newer


def test_a_new_key_that_cannot_be_made_live_is_taken_back(
    at: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    at.go_live()
    before, deployed = links(at), at.profiles()
    fill_the_disk(monkeypatch)
    for words in (("key", "rotate", "--yes"), ("link", "alice", "--renew")):
        assert "no room on the disk" in at.run(*words).err
    assert links(at) == before
    assert at.profiles() == deployed
