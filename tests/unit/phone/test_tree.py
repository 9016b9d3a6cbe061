from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings

from cmp_bundle.phone.file import PhoneFile
from cmp_bundle.phone.tree import tree_id

from .phones import VARIED, phones
from .repositories import git, lay_out, work_tree


def written_by_git(files: dict[str, PhoneFile]) -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = work_tree(Path(name, "tree"))
        lay_out(folder, files)
        git(folder, "add", "--all", "--force")
        return git(folder, "write-tree")


def test_no_files_are_git_s_empty_tree() -> None:
    assert tree_id({}) == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def test_a_folder_sorts_as_if_its_name_ended_in_a_slash() -> None:
    names = ("lib", "lib/a", "lib.js", "lib-x", "lib0")
    files = {name: PhoneFile(name.encode()) for name in names if name != "lib"}
    assert tree_id(files) == written_by_git(files)


def test_every_kind_of_file() -> None:
    files = {path: file for path, file in VARIED.items() if path != ".gitattributes"}
    assert tree_id(files) == written_by_git(files)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(files=phones())
def test_any_files_have_the_id_that_git_writes(files: dict[str, PhoneFile]) -> None:
    files = {path: file for path, file in files.items() if ".git" not in path}
    assert tree_id(files) == written_by_git(files)


@pytest.mark.parametrize("order", [("a", "a/b"), ("a/b", "a")])
def test_a_file_cannot_hold_others(order: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="file"):
        tree_id({path: PhoneFile(b"") for path in order})
