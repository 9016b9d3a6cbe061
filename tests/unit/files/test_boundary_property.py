"""Any tree of anybody's, any change: root does nothing that whoever led it there could not do.

What a user could do is asked of the kernel, as that user, before anything is changed: on the way from
the root, or from the folder where root's own rights end, which may lie behind one that is root's alone.
Where they end is said here a second time, in terms of the tree as it was drawn.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, event, example, given, settings
from hypothesis import strategies as st

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Boundary, Disk
from tests.unit.files.hostile import CHANGES, OTHER, SERVICE, USER, state
from tests.unit.nobody import becoming, needs_root, open_folder

pytestmark = needs_root

NO_GROUP = 65534
OWNERS = st.sampled_from([0, 0, SERVICE, SERVICE, OTHER])
NAMES = ("folder", "file", "link", "other")


@dataclass(frozen=True)
class Link:
    owner: int
    target: str


@dataclass(frozen=True)
class File:
    owner: int
    mode: int


@dataclass(frozen=True)
class Folder:
    owner: int
    group: int
    mode: int
    holds: dict[str, Folder | File | Link] = field(default_factory=dict)


#: ``OUT`` stands for a folder outside of the root.
WAYS = st.lists(st.sampled_from([*NAMES, "folder", ".."]), max_size=3)
TARGETS = st.builds(
    lambda start, parts: (start + "/".join(parts)) or ".",
    st.sampled_from(["", "", "/", "OUT/"]),
    WAYS,
)
LINKS = st.builds(Link, OWNERS, TARGETS)
FILES = st.builds(File, OWNERS, st.sampled_from([0o644, 0o600, 0o666, 0o4755]))
MODES = st.sampled_from([0o755, 0o755, 0o700, 0o775, 0o777, 0o1777])


def folders(below: st.SearchStrategy[Folder | File | Link]) -> st.SearchStrategy[Folder]:
    """Mostly with something by each of the names that are changed."""
    kinds = {"folder": below, "other": below, "link": LINKS, "file": FILES}
    holds = st.fixed_dictionaries({n: kinds[n] | below for n in NAMES})
    fewer = st.tuples(holds, st.sets(st.sampled_from(NAMES), max_size=1)).map(
        lambda pair: {n: what for n, what in pair[0].items() if n not in pair[1]}
    )
    groups = st.sampled_from([0, SERVICE, OTHER])
    return st.builds(Folder, OWNERS, groups, MODES, fewer)


EMPTY = st.builds(Folder, OWNERS, st.just(0), MODES)
TREES = folders(folders(EMPTY | LINKS) | LINKS)


def drawn(what: Folder | File | Link, path: Path, outside: Path) -> None:
    match what:
        case Link(owner, target):
            path.symlink_to(target.replace("OUT", str(outside)))
            os.chown(path, owner, owner, follow_symlinks=False)
        case File(owner, mode):
            path.write_text(f"{path.name} of {owner}")
            os.chown(path, owner, owner)
            path.chmod(mode)
        case Folder(owner, group, mode, holds):
            path.mkdir(exist_ok=True)
            for name, below in holds.items():
                drawn(below, path / name, outside)
            os.chown(path, owner, group)
            path.chmod(mode)


def may_change(start: Path, uid: int) -> set[Path]:
    """The folders that the kernel lets this user write in, who is in ``start``."""
    below = [start, *(p for p in start.rglob("*") if p.is_dir() and not p.is_symlink())]
    here = os.open(start, os.O_PATH)
    able = os.W_OK | os.X_OK
    try:
        with becoming(uid, uid if uid == SERVICE else NO_GROUP):
            return {
                path
                for path in below
                if os.access(path.relative_to(start), able, dir_fd=here, effective_ids=True)
            }
    finally:
        os.close(here)


def led(root: Path, way: list[str]) -> tuple[Path | None, int, Path]:
    """Where ``way`` leads, if anywhere, whose rights are left there, and where root's ended."""
    here, end, links, rest = root, root, 0, list(way)

    def left(path: Path, uid: int) -> int:
        found = path.lstat()
        if uid == 0 and not found.st_uid and not found.st_mode & stat.S_ISVTX:
            return SERVICE if path in may_change(path, SERVICE) else 0
        return uid or found.st_uid

    uid = left(root, 0)
    while rest:
        part = rest.pop(0)
        if part == "..":
            here = here if here == root else here.parent
            continue
        path = here / part
        if path.is_symlink():
            links += 1
            if links > 40:
                return None, uid, end
            end = end if uid else here
            uid = uid or path.lstat().st_uid
            target = str(path.readlink())
            here = root if target.startswith("/") else here
            rest = [p for p in target.split("/") if p] + rest
        elif path.is_dir():
            here, end = path, end if uid else path
            uid = left(path, uid)
        else:
            return None, uid, end
    return here, uid, end


@dataclass(frozen=True)
class Listing:
    """A folder by its number, which stays when it is renamed: what it holds, and whose that is."""

    path: Path
    holds: dict[str, tuple[object, ...]]


def listings(root: Path) -> dict[object, Listing]:
    found = state(root)
    return {
        about[3]: Listing(
            Path(name), {n: a for n, a in found.items() if str(Path(n).parent) == name}
        )
        for name, about in found.items()
        if stat.S_ISDIR(Path(name).lstat().st_mode)
    }


def changed(before: dict[object, Listing], after: dict[object, Listing]) -> set[Path]:
    """The folders, by where they were before, that do not hold what they held."""

    def held(listing: Listing | None) -> dict[str, tuple[object, ...]]:
        return {Path(n).name: a for n, a in listing.holds.items()} if listing else {}

    return {was.path for number, was in before.items() if held(was) != held(after.get(number))}


@pytest.mark.slow
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(
    tree=TREES,
    way=WAYS,
    change=st.sampled_from(sorted(CHANGES)),
    trap=st.sampled_from([None, "folder", "file", "link"]),
)
@example(
    tree=Folder(0, OTHER, 0o700, {"folder": Folder(SERVICE, 0, 0o755)}),
    way=["folder"],
    change="write a new one",
    trap="folder",
)
def test_no_more_than_whoever_led_it_there(
    tree: Folder, way: list[str], change: str, trap: str | None
) -> None:
    """``trap`` becomes a symlink to outside just before it is used."""
    with open_folder() as top, mock.patch("os.fsync"):
        root, outside = top / "root", top / "outside"
        drawn(Folder(0, 0, 0o755, tree.holds), outside, outside)
        drawn(Folder(0, 0, 0o755, {"folder": tree}), root, outside)
        way = ["folder", *way]
        goal, uid, end = led(root, way)
        could = may_change(root, uid) | may_change(end, uid)
        before, kept = listings(root), state(outside)
        sprung: list[str] = []

        def spring(_step: str, _path: Path) -> None:
            # Only whoever could do it does.
            if trap is None or sprung or not uid or goal is None or goal not in could:
                return
            sprung.append(trap)
            if os.path.lexists(goal / trap):
                (goal / trap).rename(goal / "aside")
            (goal / trap).symlink_to(outside)
            event("a trap was sprung")

        try:
            CHANGES[change](Disk(spring, Boundary(root, USER)), root.joinpath(*way))
            event("done")
        except CmpBundleError as error:
            event(f"refused: {error.message[:40]}")
            assert error.file is not None
        assert state(outside) == kept, "outside of the root"
        for folder in changed(before, listings(root)):
            if uid:
                assert folder in could, f"{folder} is not {uid}'s to change"
                event("somebody's own folder changed")
            else:
                assert goal is not None
                assert folder.is_relative_to(goal), f"{folder} was not named"
                event("root's folder changed")
