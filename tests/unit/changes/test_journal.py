"""A journal is believed where it is ours alone, and for paths of this server; else it says so."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.changes.journal import Entry, Journal
from cmp_bundle.changes.state import FileState
from cmp_bundle.changes.step import Change, Reload, Removal
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk, FileOwnership
from tests.unit.nobody import NOBODY, as_nobody, needs_root, open_folder

GOOD: dict[str, Any] = {
    "format": 1,
    "action": "deploy",
    "finishing": False,
    "steps": [],
    "cleanup": [],
}
STEP: dict[str, Any] = {
    "kind": "path", "path": "/srv/a", "before": None, "after": None, "theirs": False, "included": None,
}  # fmt: skip
PLACES = (Path("/srv"),)


@pytest.fixture(name="journal")
def _journal(tmp_path: Path) -> Journal:
    made = tmp_path / "memory"
    made.mkdir(mode=0o700)
    return Journal(made, PLACES, {})


def put(journal: Journal, document: Any) -> None:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    journal.path.write_bytes(data)
    journal.path.chmod(0o600)


def refused(journal: Journal, match: str) -> CmpBundleError:
    with pytest.raises(CmpBundleError, match=match) as caught:
        journal.read()
    return caught.value


def test_what_was_written_is_read(journal: Journal) -> None:
    change = Change(Path("/srv/a"), FileState(b"\xff\0", FileOwnership(1, 2, 0o640), 5), None)
    entry = Entry(
        "deploy", (change, Reload("dialplan reload")), (Removal(Path("/srv/b"), "*.bin"),)
    )
    assert journal.read() is None
    journal.write(entry, Disk())
    assert journal.read() == entry
    assert journal.path.stat().st_mode & 0o777 == 0o600
    journal.write(entry.finished(entry.cleanup), Disk())
    assert journal.read() == Entry("deploy", (), entry.cleanup, finishing=True)
    journal.remove(Disk())
    assert journal.read() is None
    assert list(journal.folder.iterdir()) == []


DAMAGED = [
    b"",
    b"\xff\xfe",
    b"null",
    b"[]",
    b"{}",
    b"[" * 100_000,
    b'{"format": ' + b"9" * 10_000 + b"}",
    GOOD | {"action": 1},
    GOOD | {"finishing": "no"},
    GOOD | {"steps": {"a": 1}},
    GOOD | {"steps": [1]},
    GOOD | {"steps": [{"kind": "rm -rf"}]},
    GOOD | {"steps": [{"kind": []}]},
    GOOD | {"steps": [{"kind": "reload", "line": ["core", "stop"]}]},
    GOOD | {"steps": [STEP | {"theirs": 1}]},
    GOOD | {"steps": [STEP | {"path": 1}]},
    GOOD | {"steps": [STEP | {"before": {"file": "x", "owner": [0, 0, 0], "mtime": None}}]},
    GOOD | {"steps": [STEP | {"before": {"folder": [0, 0]}}]},
    GOOD | {"cleanup": [{"path": "/srv/a", "names": 1}]},
    GOOD | {"cleanup": None},
    {name: value for name, value in GOOD.items() if name != "finishing"},
]


@pytest.mark.parametrize("document", DAMAGED, ids=lambda d: repr(d)[:60])
def test_what_is_none_is_told_with_its_file(journal: Journal, document: Any) -> None:
    put(journal, document)
    error = refused(journal, "is not a journal of cmp-bundle")
    assert error.file == str(journal.path)
    assert journal.path.exists()


def test_another_version_s(journal: Journal) -> None:
    put(journal, GOOD | {"format": 2})
    refused(journal, "another version of cmp-bundle")


@pytest.mark.parametrize(
    "path",
    [
        "/etc/cron.d/evil",
        "/srv/../etc/passwd",
        "/srv/a/../../etc",
        "srv/a",
        "",
        ".",
        "/srvx",
        "/srv/a\0b",
        "/srv/\ud800",
    ],
    ids=ascii,
)
def test_a_path_that_is_no_part_of_this_server(journal: Journal, path: str) -> None:
    """Root would undo a cron job into being."""
    for document in (
        GOOD | {"steps": [STEP | {"path": path}]},
        GOOD | {"finishing": True, "cleanup": [{"path": path, "names": "*"}]},
    ):
        put(journal, document)
        assert "the run that was cut off" in (refused(journal, "is not trusted").hint or "")


def test_nothing_is_written_that_would_not_be_believed(journal: Journal) -> None:
    with pytest.raises(CmpBundleError, match="is not trusted"):
        journal.write(Entry("deploy", (Change(Path("/etc/x"), None, None),)), Disk())
    assert journal.read() is None


def test_a_server_by_another_name(tmp_path: Path) -> None:
    """The run before named it by a symlink, and this one does not; or the other way round."""
    (tmp_path / "real/pbx").mkdir(parents=True)
    (tmp_path / "other").symlink_to("real")
    (tmp_path / "real/out").symlink_to("/etc")
    memory = tmp_path / "memory"
    memory.mkdir(mode=0o700)
    for one, other in (("real", "other"), ("other", "real")):
        journal = Journal(memory, (tmp_path / one / "pbx",), {})
        entry = Entry("deploy", (Change(tmp_path / other / "pbx/a", None, None),))
        put(journal, json.loads(entry.to_json()))
        assert journal.read() == entry
        elsewhere = Entry("deploy", (Change(tmp_path / other / "out/passwd", None, None),))
        put(journal, json.loads(elsewhere.to_json()))
        refused(journal, "is not trusted")


def test_places_that_take_time_to_find_are_asked_for_last(journal: Journal) -> None:
    asked: list[int] = []

    def more() -> tuple[Path, ...]:
        asked.append(1)
        return (Path("/home/op"),)

    journal = Journal(journal.folder, PLACES, {}, more)
    put(journal, GOOD | {"steps": [STEP]})
    assert journal.read()
    assert asked == []
    put(journal, GOOD | {"steps": [STEP | {"path": "/home/op/pjsip.conf"}]})
    assert journal.read()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_one_that_others_can_use(journal: Journal, mode: int) -> None:
    put(journal, GOOD)
    journal.path.chmod(mode)
    refused(journal, "is not yours alone")


@needs_root
def test_another_s(journal: Journal) -> None:
    put(journal, GOOD)
    os.chown(journal.path, NOBODY, NOBODY)
    refused(journal, "is not yours alone")


@needs_root
def test_roots_is_nothing_to_another_user() -> None:
    with open_folder() as place:
        os.chown(place, NOBODY, NOBODY)
        journal = Journal(place, PLACES, {})
        put(journal, GOOD)
        journal.path.chmod(0o644)
        with as_nobody():
            refused(journal, "is not yours alone")


def test_what_is_no_file(journal: Journal) -> None:
    """None of these makes it wait."""
    os.mkfifo(journal.path)
    refused(journal, "is not a file")
    journal.path.unlink()
    journal.path.mkdir()
    refused(journal, "is not a file")
    journal.path.rmdir()
    journal.path.symlink_to("/etc/passwd")
    with pytest.raises(CmpBundleError):
        journal.read()


@pytest.mark.slow
def test_one_that_is_too_large(journal: Journal) -> None:
    put(journal, GOOD)
    os.truncate(journal.path, (1 << 28) + 1)  # a hole takes no room
    refused(journal, "is larger than")


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["/srv/a", "path"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*GOOD, *STEP, "line", "names", "file", "owner"]), inner, max_size=6
        )
    ),
    max_leaves=12,
)


@pytest.mark.slow
@given(st.sampled_from([*GOOD]), st.none() | st.sampled_from([*STEP]), anything)
def test_any_document_is_a_journal_or_an_error(
    tmp_path_factory: pytest.TempPathFactory, key: str, part: str | None, value: Any
) -> None:
    folder = tmp_path_factory.getbasetemp() / "fuzzed"
    folder.mkdir(mode=0o700, exist_ok=True)
    journal = Journal(folder, PLACES, {})
    put(journal, GOOD | ({key: value} if part is None else {"steps": [STEP | {part: value}]}))
    try:
        entry = journal.read()
    except CmpBundleError:
        return
    assert entry is not None
    assert json.loads(entry.to_json())
