"""A change of the admin's own file, done and undone while others write in it too."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.accounts.database import Database
from cmp_bundle.accounts.rows import Rows, Value
from cmp_bundle.changes import state as states
from cmp_bundle.changes.engine import NoService
from cmp_bundle.changes.lines import taken_back
from cmp_bundle.changes.state import (
    FileState,
    FolderState,
    KnownFileState,
    State,
    SymlinkState,
    TreeState,
    is_like,
)
from cmp_bundle.changes.step import Change, LeftError, NotBegunError, Reload, Removal
from cmp_bundle.files import Disk, FileOwnership

OWNER = FileOwnership.of(Path(__file__))
NOBODY_HERE = NoService()

numbers = st.integers(-1, (1 << 32) - 1)
owners = st.builds(FileOwnership, numbers, numbers, st.integers(0, 0o7777))
files = st.builds(FileState, st.binary(), owners, st.none() | st.integers(0, 1 << 33))
found: st.SearchStrategy[State] = st.one_of(
    st.none(), files, st.builds(SymlinkState, st.text()), st.builds(FolderState, owners)
)
wanted = found | st.builds(TreeState, st.dictionaries(st.text(), st.binary()), owners, st.text())
paths = st.from_regex(r"(/[a-zA-Z0-9 .äß-]{1,9}){1,4}", fullmatch=True).map(Path)


def through_json(value: Any) -> Any:
    return json.loads(json.dumps(value))


@pytest.mark.slow
@given(paths, found, wanted, st.booleans(), st.none() | st.text())
def test_what_undoing_takes_comes_back_from_a_journal(
    path: Path, before: State, after: State, theirs: bool, included: str | None
) -> None:
    change = Change(path, before, after, theirs, included)
    again = Change.from_json(through_json(change.to_json()))
    assert (again.path, again.before, again.theirs) == (path, before, theirs)
    assert again.included == included
    assert is_like(again.after, after) or isinstance(after, SymlinkState | None)
    if isinstance(after, FileState):
        assert states.digest(after) == states.digest(again.after)  # type: ignore[arg-type]


@pytest.mark.slow
@given(st.text(), st.none() | st.text(), paths)
def test_reloads_and_removals_come_back(line: str, names: str | None, path: Path) -> None:
    assert Reload.from_json(through_json(Reload(line).to_json())) == Reload(line)
    removal = Removal(path, names)
    assert Removal.from_json(through_json(removal.to_json())) == removal


@given(
    st.lists(st.tuples(st.text(), st.sampled_from(["password", "md5_cred"]), st.text(), st.text()))
)
def test_rows_come_back_without_the_password_of_the_database(
    values: list[tuple[str, str, str, str]],
) -> None:
    database = Database("mysql://a@h/d", "hush")
    rows = Rows(database, tuple(Value(*v) for v in values))
    document = rows.to_json()
    assert "hush" not in json.dumps(document)
    assert Rows.from_json(through_json(document), database) == rows


def test_a_database_in_a_file_is_found_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    document = Rows(Database("sqlite:///here.db"), ()).to_json()
    assert document["database"] == f"sqlite:///{tmp_path}/here.db"


def theirs(path: Path, before: bytes, after: bytes, included: str | None = None) -> Change:
    path.write_bytes(before)
    path.chmod(0o644)
    owner = OWNER.with_mode(0o644)
    change = Change(
        path, FileState(before, owner), FileState(after, owner), theirs=True, included=included
    )
    change.carry_out(Disk(), NOBODY_HERE)
    return Change.from_json(through_json(change.to_json()))


def test_what_others_wrote_beside_a_new_password_stays(tmp_path: Path) -> None:
    """Between a run that was cut off and the next one somebody added an account."""
    path = tmp_path / "accounts.toml"
    change = theirs(path, b'id = "a"\npassword = "old"\n', b'id = "a"\npassword = "new"\n')
    path.write_bytes(path.read_bytes() + b'id = "b"\npassword = "bs"\n')
    change.undo(Disk(), NOBODY_HERE)
    assert path.read_bytes() == b'id = "a"\npassword = "old"\nid = "b"\npassword = "bs"\n'
    change.undo(Disk(), NOBODY_HERE)


def test_a_password_that_somebody_else_changed_since_is_left_and_said(tmp_path: Path) -> None:
    path = tmp_path / "pjsip.conf"
    change = theirs(path, b"password=1\npassword=2\n", b"password=3\npassword=4\n")
    path.write_bytes(b"password=3\npassword=theirs\n")
    with pytest.raises(LeftError, match="what they changed is left"):
        change.undo(Disk(), NOBODY_HERE)
    assert path.read_bytes() == b"password=1\npassword=theirs\n"


def test_our_line_goes_and_theirs_stay(tmp_path: Path) -> None:
    path = tmp_path / "http.conf"
    line = b"#tryinclude cmp-bundle/http.conf\n"
    change = theirs(path, b"[general]\n", b"[general]\n" + line, "http.conf")
    path.write_bytes(b"[general]\nenabled=yes\n" + line + b"; mine\n")
    change.undo(Disk(), NOBODY_HERE)
    assert path.read_bytes() == b"[general]\nenabled=yes\n; mine\n"


def test_a_file_that_somebody_changed_after_the_look_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "pjsip.conf"
    path.write_bytes(b"theirs")
    change = Change(path, FileState(b"before", OWNER), FileState(b"after", OWNER), theirs=True)
    with pytest.raises(NotBegunError, match="at the same time"):
        change.carry_out(Disk(), NOBODY_HERE)
    assert path.read_bytes() == b"theirs"


def test_a_symlink_of_theirs_stays_one(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "pjsip.conf"
    link.symlink_to("real")
    real.write_bytes(b"")
    change = theirs(link, b"password=1\n", b"password=2\n")
    assert (link.is_symlink(), real.read_bytes()) == (True, b"password=2\n")
    change.undo(Disk(), NOBODY_HERE)
    assert (link.is_symlink(), real.read_bytes()) == (True, b"password=1\n")


lines = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\r\n", b"", b"\n", b"no end"]))


@given(lines, st.data())
def test_taking_back_what_nobody_touched_gives_the_old_file(
    old: list[bytes], data: st.DataObject
) -> None:
    """New passwords stand nowhere else: each changed line is made of its number."""
    before = b"".join(old).splitlines(keepends=True)
    after = [
        b"password=%d\n" % number if data.draw(st.booleans()) else line
        for number, line in enumerate(before)
    ]
    if len(b"".join(after).splitlines()) != len(before):
        return
    joined = b"".join(before), b"".join(after)
    assert taken_back(joined[1], *joined) == (joined[0], True)
    assert taken_back(joined[0], *joined) == (joined[0], True)
    assert taken_back(b"first\n" + joined[1], *joined) == (b"first\n" + joined[0], True)


def test_lines_that_stand_twice_or_were_added_are_nobodys_to_tell() -> None:
    assert taken_back(b"new\nnew\n", b"old\n", b"new\n") == (b"new\nnew\n", False)
    assert taken_back(b"x\n", b"old\n", b"old\nnew\n") == (b"x\n", False)


HOSTILE = [None, 1, True, "x", [], {}, [1, 2], {"file": 1}, ["a", "b", "c"], 1 << 70, 1.5]


@pytest.mark.parametrize("hostile", HOSTILE, ids=repr)
@pytest.mark.parametrize("key", ["path", "before", "after", "theirs", "included"])
def test_other_types_are_no_change(key: str, hostile: Any) -> None:
    good = Change(Path("/a"), FileState(b"", OWNER), SymlinkState("x")).to_json()
    try:
        made = Change.from_json(good | {key: hostile})
    except (ValueError, KeyError, TypeError):
        return
    assert isinstance(made.path, Path)
    assert isinstance(made.theirs, bool)
    assert made.included is None or isinstance(made.included, str)
    assert made.before is None or dataclasses.is_dataclass(made.before)


@pytest.mark.parametrize("from_journal", [False, True])
@pytest.mark.parametrize("theirs", [False, True])
def test_a_file_that_was_touched_is_touched_again(
    tmp_path: Path, *, theirs: bool, from_journal: bool
) -> None:
    """Who looks at its time to tell whether to read it has to read it once more."""
    path, before = tmp_path / "http.conf", FileState(b"[general]", OWNER)
    disk = Disk()
    disk.write(path, before.data, before.owner)
    change = Change(path, before, dataclasses.replace(before, mtime=1_000_000_000), theirs)
    change.carry_out(disk, NOBODY_HERE)
    assert path.stat().st_mtime == 1_000_000_000
    undone = Change.from_json(through_json(change.to_json())) if from_journal else change
    undone.undo(disk, NOBODY_HERE)
    assert path.stat().st_mtime > 1_000_000_000
    assert path.read_bytes() == before.data


@pytest.mark.parametrize(
    "owner", [[1, 2], [1, 2, "3"], [1, 2, True], [-2, 0, 0], [0, 0, 1 << 20], "012"]
)
def test_other_owners_are_none(owner: Any) -> None:
    for value in ({"folder": owner}, {"file": "", "owner": owner, "mtime": None}):
        with pytest.raises((ValueError, TypeError)):
            states.from_json(value)


@pytest.mark.parametrize(
    "value",
    [
        {"sha256": 1},
        {"sha256": "0", "mtime": "1"},
        {"link": 1},
        {"file": "", "owner": [0, 0, 0], "mtime": "1"},
        {"tree": 1, "owner": [0, 0, 0]},
        {"file": "no base64", "owner": [0, 0, 0], "mtime": 0},
    ],
    ids=repr,
)
def test_other_states_are_none(value: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        states.from_json(value)


def test_a_digest_is_enough_to_know_a_file_again() -> None:
    file = FileState(b"x", OWNER)
    assert is_like(KnownFileState(states.digest(file)), file)
    assert not is_like(KnownFileState(states.digest(file)), FileState(b"y", OWNER))
