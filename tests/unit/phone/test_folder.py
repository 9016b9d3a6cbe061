from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.phone import intake
from cmp_bundle.phone.file import PhoneFile
from cmp_bundle.phone.folder import read_folder

from .phones import PAGE, SMALL, VARIED
from .repositories import commit, lay_out, work_tree


def refused(folder: Path, why: str) -> None:
    with pytest.raises(CmpBundleError, match=why) as raised:
        read_folder(folder, "./phone")
    assert raised.value.file == "./phone"


def test_every_kind_of_file(tmp_path: Path) -> None:
    lay_out(tmp_path, VARIED)
    (tmp_path / "empty").mkdir()
    assert read_folder(tmp_path, "./phone") == VARIED


def test_what_belongs_to_git_is_left_out(tmp_path: Path) -> None:
    folder = work_tree(tmp_path / "phone")
    commit(folder, SMALL)
    lay_out(folder, {"lib/.git": PAGE, "not/committed": PAGE})
    assert read_folder(folder, "x") == {**SMALL, "not/committed": PAGE}


def test_links_inside_are_followed(tmp_path: Path) -> None:
    lay_out(tmp_path, {"real/page.html": PAGE})
    (tmp_path / "index.html").symlink_to("real/page.html")
    (tmp_path / "lib").symlink_to("real")
    (tmp_path / "again").symlink_to(tmp_path / "lib")
    found = read_folder(tmp_path, "x")
    assert sorted(found) == ["again/page.html", "index.html", "lib/page.html", "real/page.html"]
    assert set(found.values()) == {PAGE}


def test_a_file_that_somebody_edits_with_emacs(tmp_path: Path) -> None:
    lay_out(tmp_path, SMALL)
    (tmp_path / ".#index.html").symlink_to("alice@laptop.4711:1795000000")
    assert read_folder(tmp_path, "x") == SMALL


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    lay_out(tmp_path / "real", SMALL)
    (tmp_path / "phone").symlink_to("real")
    assert read_folder(tmp_path / "phone", "x") == SMALL


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("/etc/passwd", "'x' is a link out of the folder"),
        ("../secret", "'x' is a link out of the folder"),
        ("..", "'x' is a link out of the folder"),
        ("nowhere", "'x' is a link to nothing"),
        ("x", "'x' is a link to nothing"),
        (".", "'x' is a link to a folder that contains it"),
        (".git/config", "'x' is a link into a git repository"),
    ],
)
def test_links_that_are_refused(tmp_path: Path, target: str, why: str) -> None:
    lay_out(tmp_path / "phone", {"index.html": PAGE, ".git/config": PAGE})
    lay_out(tmp_path, {"secret": PAGE})
    (tmp_path / "phone" / "x").symlink_to(target)
    refused(tmp_path / "phone", why)


def test_links_that_lead_in_a_circle(tmp_path: Path) -> None:
    lay_out(tmp_path, {"a/f": PAGE, "b/f": PAGE})
    (tmp_path / "a" / "to").symlink_to("../b")
    (tmp_path / "b" / "to").symlink_to("../a")
    refused(tmp_path, "'a/to/to' is a link to a folder that contains it")


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path, "'pipe' is neither a file nor a folder")


def test_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's address is short
    with socket.socket(socket.AF_UNIX) as unix_socket:
        unix_socket.bind("s")
        refused(tmp_path, "'s' is neither a file nor a folder")


def test_a_device(tmp_path: Path) -> None:
    try:
        os.mknod(tmp_path / "null", 0o20666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root makes devices")
    refused(tmp_path, "'null' is neither a file nor a folder")


def test_a_fifo_that_takes_the_place_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading it would wait for ever."""
    lay_out(tmp_path, SMALL)
    opening = os.open

    def swap(path: Path, flags: int) -> int:
        if path.name == "index.html":
            path.unlink()
            os.mkfifo(path)
        return opening(path, flags)

    # Not beyond the test: removing its folder opens with other arguments.
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", swap)
        refused(tmp_path, "neither a file nor a folder")


def test_names_that_are_not_utf_8(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")).write_bytes(b"")
    refused(tmp_path, "a name that is not UTF-8")


def test_caps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(tmp_path, VARIED)
    monkeypatch.setattr(intake, "MAX_FILE", 60_000)
    refused(tmp_path, "'lib/sip.js' is larger")


def test_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CmpBundleError, match="cannot be read: no such file") as raised:
        read_folder(tmp_path / "none", "x")
    assert raised.value.file == str(tmp_path / "none")


def test_what_is_private_is_not_even_read(tmp_path: Path) -> None:
    """The settings say where it lies; a link to it is no way around."""
    lay_out(tmp_path, {**SMALL, "who.txt": PAGE, "keys/all": PAGE, "out/index.html": PAGE})
    (tmp_path / "who.txt").chmod(0)
    (tmp_path / "again.txt").symlink_to("who.txt")
    top = tmp_path.resolve()
    left_out_paths: list[str] = []
    private = {top / "who.txt", top / "keys/all", top / "out"}
    assert read_folder(tmp_path, "x", private, left_out_paths.append) == SMALL
    assert left_out_paths == ["again.txt", "keys/all", "out", "who.txt"]


def test_a_bundle_is_no_part_of_a_phone(tmp_path: Path) -> None:
    """Whatever it is called: it may hold everybody's profiles."""
    bundle_manifest = PhoneFile(b'{\n  "format": 1,\n  "made_by": "cmp-bundle 0.1.0"\n}\n')
    app_manifest = PhoneFile(b'{"name": "a web app"}')
    lay_out(tmp_path, {**SMALL, "old/manifest.json": bundle_manifest, "old/p/a.bin": PAGE})
    lay_out(tmp_path, {"manifest.json": app_manifest})
    left_out_paths: list[str] = []
    found = read_folder(tmp_path, "x", left_out=left_out_paths.append)
    assert found == {**SMALL, "manifest.json": app_manifest}
    assert left_out_paths == ["old"]
