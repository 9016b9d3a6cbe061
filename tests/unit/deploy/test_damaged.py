"""A server that somebody has had a hand in: each is told in a sentence, or worked around."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cmp_bundle.checks import live
from cmp_bundle.errors import CmpBundleError
from tests.unit.nobody import NOBODY, as_nobody, needs_root, open_folder

from .trees import Server, bundle, installation, snapshot, tree, visit

pytestmark = pytest.mark.slow

STATIC = "usr/share/asterisk/static-http"
OURS = "etc/asterisk/cmp-bundle"


@pytest.fixture
def server(tmp_path: Path) -> Server:
    made = Server(tree(tmp_path))
    made.deploy(bundle("one"))
    made.deploy(bundle("two"))
    return made


@pytest.mark.parametrize("damage", ["gone", "changed"])
@pytest.mark.parametrize("name", ["index.html", "assets"])
def test_a_release_that_is_not_whole_is_not_rolled_back_to(
    server: Server, damage: str, name: str
) -> None:
    found = server.found()
    site, first, second = found.site, *found.releases
    listed = {f.path for f in found.manifest(first).files}
    listed -= {f.path for f in found.manifest(second).files} - {"index.html"}
    path = site.release(first) / next(p for p in sorted(listed) if p.startswith(name))
    message = "is missing, so this release is incomplete"
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(b"something else")
        message = "was changed after the deploy, so this release is damaged"
    with pytest.raises(CmpBundleError, match=message) as caught:
        server.roll_back()
    assert caught.value.file == str(path)
    assert visit(server.root) == "two"


LOST = pytest.mark.parametrize("content", [b"", b"{}", None])


def lose(server: Server, release: str, content: bytes | None) -> Path:
    """The manifest of ``release`` holds ``content``, or is gone."""
    path = server.found().site.manifest_of(release)
    path.unlink() if content is None else path.write_bytes(content)
    return path


def reachable(server: Server, version: str) -> bool:
    link = server.found().site.link
    return all((link / path).is_file() for path in bundle(version).files)


@LOST
def test_a_release_without_its_manifest_goes_with_the_next_deploy(
    server: Server, content: bytes | None
) -> None:
    first, second = server.found().releases
    path = lose(server, first, content)
    with pytest.raises(CmpBundleError) as caught:
        server.roll_back()
    assert caught.value.file == str(path)
    assert "roll back to another release" in (caught.value.hint or "")
    plan = server.deploy(bundle("three")).plan
    assert any(f"release {first} is damaged and will be removed" in note for note in plan.notes)
    assert server.found().releases == [second, plan.release]
    assert visit(server.root) == "three"
    # Pages that were opened from it find their files until the next deploy.
    assert reachable(server, "one")
    server.deploy(bundle("four"))
    assert not reachable(server, "one")
    assert reachable(server, "two")


@LOST
def test_the_current_release_without_its_manifest(server: Server, content: bytes | None) -> None:
    first, second = server.found().releases
    lose(server, second, content)
    again = server.deploy(bundle("two")).plan.release or ""
    assert server.found().releases == [first, second, again]
    assert visit(server.root) == "two"
    assert reachable(server, "one")
    server.roll_back(first)
    assert visit(server.root) == "one"


@LOST
def test_an_undeploy_needs_no_manifest(content: bytes | None, tmp_path: Path) -> None:
    before = snapshot(tree(tmp_path))
    server = Server(tmp_path)
    lose(server, server.deploy(bundle("one")).plan.release or "", content)
    server.undeploy()
    assert snapshot(tmp_path) == before


def test_lines_taken_out_of_our_own_listener(server: Server) -> None:
    ours = server.root / OURS / "http.conf"
    ours.write_text(ours.read_text() + "tlscertfile = /etc/both.pem\n")
    https = server.found().our_http.https
    assert https
    assert (https.certificate, https.key, https.address) == (
        "/etc/both.pem", "/etc/both.pem", "0.0.0.0:8089",
    )  # fmt: skip


@pytest.mark.parametrize("serial", ["99999999999999999999", "1795594326000"])
def test_a_serial_that_is_no_time(server: Server, serial: str) -> None:
    ours = server.root / OURS / "http.conf"
    current = (server.found().version or "").split("-")[0]
    ours.write_text(ours.read_text().replace(f"v={current}", f"v={serial}"))
    server.roll_back()
    assert visit(server.root) == "one"
    assert len((server.found().version or "").split("-")[0]) == 10


def test_a_folder_named_like_a_release(server: Server) -> None:
    (server.found().site.releases / "99999999T999999-aaaaaaaaaaaa").mkdir()
    assert len(server.found().releases) == 2
    server.deploy(bundle("three"))
    assert visit(server.root) == "three"


def test_a_folder_in_the_journal_s_place(server: Server) -> None:
    server.engine.journal.path.mkdir()
    with pytest.raises(CmpBundleError, match="is not a file, but a folder"):
        server.roll_back()


def test_a_file_in_our_folder_s_place(tmp_path: Path) -> None:
    tree(tmp_path)
    (tmp_path / OURS).touch()
    with pytest.raises(CmpBundleError, match="is not a folder, but cmp-bundle needs") as caught:
        Server(tmp_path).deploy(bundle())
    assert caught.value.file == str(tmp_path / OURS)


def test_a_data_folder_that_is_not_there(tmp_path: Path) -> None:
    tree(tmp_path, asterisk_conf=b"[directories]\nastdatadir => /srv/pbx\n")
    with pytest.raises(CmpBundleError, match="data folder does not exist") as caught:
        Server(tmp_path).deploy(bundle())
    assert caught.value.file == str(tmp_path / "srv/pbx")
    assert "/etc/asterisk/asterisk.conf:2" in (caught.value.hint or "")


def test_static_files_on_a_volume_that_is_not_mounted(tmp_path: Path) -> None:
    tree(tmp_path)
    (tmp_path / STATIC).rmdir()
    (tmp_path / STATIC).symlink_to("/mnt/volume/static-http")
    with pytest.raises(CmpBundleError, match="data folder does not exist") as caught:
        Server(tmp_path).deploy(bundle())
    assert caught.value.file == str(tmp_path / "mnt/volume")


def test_a_command_that_is_misspelt_is_no_stopped_asterisk(tmp_path: Path) -> None:
    tree(tmp_path)
    with pytest.raises(CmpBundleError, match="the program 'dokcer' does not exist"):
        installation(tmp_path, command=("dokcer", "exec", "pbx", "asterisk"))


def test_a_root_that_is_misspelt_is_no_machine_without_asterisk(tmp_path: Path) -> None:
    with pytest.raises(CmpBundleError, match="root is not a folder"):
        installation(tmp_path / "nowhere")


@needs_root
@pytest.mark.parametrize("content", [b"", b"[directories]\nastdatadir => /usr/share/asterisk\n"])
def test_a_data_folder_that_this_user_may_not_see(
    content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_folder() as folder:
        (folder / "state").mkdir()
        os.chown(folder / "state", NOBODY, NOBODY)
        (folder / "state").chmod(0o700)
        monkeypatch.setenv("CMP_BUNDLE_STATE", str(folder / "state"))
        tree(folder, asterisk_conf=content)
        for name in ("asterisk.conf", "http.conf", "extensions.conf"):
            (folder / "etc/asterisk" / name).chmod(0o644)
        (folder / "usr/share/asterisk").chmod(0o750)
        with (
            as_nobody(),
            pytest.raises(CmpBundleError, match="this user") as caught,
        ):
            Server(folder).found()
    assert (caught.value.file or "").startswith(str(folder / "usr/share/asterisk"))
    assert "sudo" in (caught.value.hint or "")


def test_a_host_that_dns_cannot_hold() -> None:
    with pytest.raises(OSError, match=r"b\.\.de is no host name"):
        live.get("https://b..de:8089", "/")
