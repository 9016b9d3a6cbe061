"""New passwords everywhere or nowhere; what an import makes of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cmp_bundle.accounts import import_plan, store
from cmp_bundle.accounts.model import Account, ha1
from cmp_bundle.accounts.open_source import Sources
from cmp_bundle.accounts.rotate import holds, renewal
from cmp_bundle.asterisk.conf_files import ConfFolder
from cmp_bundle.changes.look import look
from cmp_bundle.changes.step import Change, Service
from cmp_bundle.errors import CmpBundleError, FindingsError
from cmp_bundle.files import Boundary, Disk
from tests.unit.accounts.realtime import filled, passwords
from tests.unit.changes import carried

CONF = """\
[web](!)
type=endpoint
webrtc=yes
[bob](web)
auth=bob
[bob]
type=auth
username=bob
password=bui1der
[eve](web)
auth=eve
[eve]
type=auth
username=eve
password=apple
"""


class Place:
    """A folder with a file of accounts, a pjsip.conf and a database."""

    def __init__(self, folder: Path) -> None:
        self.database = folder / "rt.db"
        self.conf = folder / "pjsip.conf"
        self.accounts = folder / "accounts.toml"
        filled(self.database, "carol", "dave")
        self.conf.write_text(CONF)
        self.accounts.write_text(
            '[[account]]\nid = "alice"\npassword = "wonder1and"\n'
            f'[[account]]\nid = "al"\nha1 = "{ha1("al", "r", "x")}"\nrealm = "r"\n'
            '[[account]]\nid = "bob"\nsource = "pjsip.conf"\n'
            f'[[account]]\nid = "carol"\nsource = "sqlite:///{self.database}"\n'
            '[[account]]\nid = "eve"\npassword = "apple"\n'
        )
        self.accounts.chmod(0o600)
        self.sources = Sources(folder, ConfFolder(folder))

    @property
    def file(self) -> store.AccountFile:
        return store.read(self.accounts)

    def state(self) -> tuple[str, str, dict[str, str | None]]:
        return self.accounts.read_text(), self.conf.read_text(), passwords(self.database)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def fresh() -> Iterator[str]:
    return iter(f"new-{n}" for n in range(99))


ALL = ("alice", "al", "bob", "carol")


def test_each_password_changes_where_it_stands(place: Place, fresh: Iterator[str]) -> None:
    before = place.state()
    change = renewal(place.file, ALL, place.sources, lambda: next(fresh))
    assert place.state() == before
    carried.carry_out(change.steps)
    text, conf, rows = place.state()
    assert text == before[0].replace("wonder1and", "new-0").replace(
        ha1("al", "r", "x"), ha1("al", "r", "new-1")
    )
    assert conf == CONF.replace("bui1der", "new-2")
    assert rows == {"carol": "new-3", "dave": "of-dave"}
    assert [(a.id, a.password or a.ha1) for a in change.accounts] == [
        ("alice", "new-0"),
        ("al", ha1("al", "r", "new-1")),
        ("bob", "new-2"),
        ("carol", "new-3"),
    ]
    carried.undo(change.steps)
    assert place.state() == before


@pytest.mark.parametrize("stop", range(3))
def test_where_one_place_fails_none_is_changed(place: Place, stop: int) -> None:
    before = place.state()
    change = renewal(place.file, ALL, place.sources)
    assert len(change.steps) == 3

    class Failing(Change):
        def carry_out(self, disk: Disk, service: Service) -> None:
            raise CmpBundleError("a-code", "no room", hint=f"{disk} {service}")

    steps = list(change.steps)
    now = look(place.accounts, Boundary())
    steps[stop] = Failing(place.accounts, now, now, theirs=True)
    with pytest.raises(CmpBundleError, match="no room"):
        carried.carry_out(steps)
    assert place.state() == before


def test_a_file_that_somebody_else_changed_is_left_to_them(place: Place) -> None:
    change = renewal(place.file, ALL, place.sources)
    place.conf.write_text(CONF + "; theirs\n")
    before = place.state()
    with pytest.raises(CmpBundleError, match="changed by somebody else at the same time"):
        carried.carry_out(change.steps)
    assert place.state() == before


def test_what_cannot_be_renewed_is_all_told(place: Place) -> None:
    place.conf.write_text(CONF.replace("type=auth\nusername=bob", "type=auth"))
    with pytest.raises(FindingsError) as caught:
        renewal(place.file, ("alice", "bob", "nobody"), place.sources)
    message = str(caught.value)
    assert "has no account 'nobody'" in message
    assert "it has no username" in message
    assert "bui1der" not in message
    assert "wonder1and" not in message


def test_asterisk_learns_of_a_password_that_both_hold(place: Place, fresh: Iterator[str]) -> None:
    change = renewal(place.file, ("alice", "eve"), place.sources, lambda: next(fresh))
    carried.carry_out(change.steps)
    text, conf, _ = place.state()
    assert 'password = "new-1"' in text
    assert conf == CONF.replace("apple", "new-1")


def test_both_kinds_in_one_file_are_one_edit(place: Place, fresh: Iterator[str]) -> None:
    change = renewal(place.file, ("bob", "eve"), place.sources, lambda: next(fresh))
    carried.carry_out(change.steps)
    _, conf, _ = place.state()
    assert conf == CONF.replace("bui1der", "new-0").replace("apple", "new-1")


def test_who_holds_the_same_password(place: Place) -> None:
    found = place.sources.source("pjsip.conf").endpoints()
    assert holds(Account("eve", password="apple"), found)
    assert holds(Account("eve", ha1=ha1("eve", "asterisk", "apple"), realm="asterisk"), found)
    for other in (
        Account("eve", password="pear"),
        Account("eve", auth_name="x", password="apple"),
        Account("eve", ha1=ha1("eve", "r", "apple"), realm="r"),
        Account("nobody", password="apple"),
        Account("eve"),
    ):
        assert not holds(other, found)


def test_a_renewed_file_stays_private(place: Place) -> None:
    place.accounts.chmod(0o640)
    file = store.read(place.accounts, allow_loose=True)
    carried.carry_out(renewal(file, ("alice",), place.sources).steps)
    assert place.accounts.stat().st_mode & 0o777 == 0o640
    place.accounts.chmod(0o600)
    carried.carry_out(renewal(place.file, ("alice",), place.sources).steps)
    assert place.accounts.stat().st_mode & 0o777 == 0o600
    place.conf.chmod(0o664)
    carried.carry_out(renewal(place.file, ("bob",), place.sources).steps)
    assert place.conf.stat().st_mode & 0o777 == 0o664


# Import


def test_an_offer_has_all_with_webrtc_or_those_named(place: Place) -> None:
    text = CONF + "[desk]\ntype=endpoint\nauth=bob\n[bad](web)\n"
    place.conf.write_text(text)
    source = place.sources.source("pjsip.conf")
    offer = import_plan.candidates(source, source.endpoints())
    assert [a.id for a in offer.accounts] == ["bob", "eve"]
    assert [w.message for w in offer.findings] == [
        "bad has no auth, so everybody who knows its name can use it"
    ]
    assert str(offer.findings[0].place) == f"{place.conf}:19"
    named = import_plan.candidates(source, source.endpoints(), ["bob", "desk", "none"])
    assert [a.id for a in named.accounts] == ["bob"]
    assert [w.message for w in named.findings] == [
        "the endpoint 'desk' has no webrtc=yes",
        "pjsip.conf has no endpoint 'none'",
    ]


def test_a_reference_or_a_copy(place: Place) -> None:
    source = place.sources.source("pjsip.conf")
    (bob, _) = import_plan.candidates(source, source.endpoints()).accounts
    assert import_plan.row(bob, copy=False) == Account("bob", source="pjsip.conf")
    copied = import_plan.row(bob, copy=True)
    assert copied == Account("bob", ha1=ha1("bob", "asterisk", "bui1der"), realm="asterisk")
    assert copied.place is None


def test_a_plan_keeps_what_is_there_unless_it_may_update() -> None:
    existing = [
        Account("a", password="x", display_name="A", extension="1", dial="2"),
        Account("b", source="pjsip.conf"),
    ]
    offered = [
        Account("a", source="pjsip.conf", display_name="New"),
        Account("b", source="pjsip.conf"),
        Account("c", source="pjsip.conf"),
    ]
    plan = import_plan.plan(existing, offered, update=False)
    assert [[a.id for a in each] for each in (plan.added, plan.updated, plan.kept, plan.same)] == [
        ["c"], [], ["a"], ["b"],
    ]  # fmt: skip
    assert plan.edits.change == {}
    plan = import_plan.plan(existing, offered, update=True)
    assert [a.id for a in plan.updated] == ["a"]
    assert plan.edits.change == {
        "a": {"display_name": "New", "source": "pjsip.conf", "password": None}
    }
    # A name that the source does not have is the operator's.
    named = [Account("b", source="pjsip.conf", display_name="B")]
    assert [a.id for a in import_plan.plan(named, offered[1:2], update=True).same] == ["b"]
    with pytest.raises(FindingsError, match="differs from 'a'"):
        import_plan.plan([Account("a")], [Account("A")], update=False)
