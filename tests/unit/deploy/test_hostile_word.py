"""What a hostile Asterisk says of itself, and what it sends: not believed, and never without an end."""

from __future__ import annotations

import os
import shlex
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from cmp_bundle.asterisk import control
from cmp_bundle.asterisk.control import Control
from cmp_bundle.asterisk.installation import Named, find
from cmp_bundle.checks import live
from cmp_bundle.deploy import on_disk
from cmp_bundle.deploy.layout import release_id
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.tls.names import names_served
from tests.testbed.server import certificate

from .test_hostile import ETC, HIDDEN, STATIC, USER, give
from .trees import Server, bundle, tree

pytestmark = pytest.mark.slow

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be tricked into more")
BOB = 4712


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tree(tmp_path / "system")
    (made / "etc/passwd").write_text(f"asterisk:x:{USER}:{USER}::/:/bin/false\n")
    for folder in (tmp_path, made, *(p for p in made.rglob("*") if p.is_dir())):
        folder.chmod(0o755)
    if os.geteuid() == 0:
        give(made / ETC)
    return made


def saying(
    tmp_path: Path, etc: str = "/etc/asterisk", data: str = "/usr/share/asterisk"
) -> tuple[str, ...]:
    """A command that answers as a running Asterisk that has its folders there."""
    text = f"  Configuration directory:     {etc}\n  Data directory:              {data}\n"
    answer = tmp_path / "answer"
    answer.write_text(text)
    return ("sh", "-c", f"cat {shlex.quote(str(answer))}")


def test_an_answer_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "LARGEST", 1 << 16)
    for stream in ("", ">&2"):
        with pytest.raises(CmpBundleError, match="wrote more than"):
            Control(("sh", "-c", f"while :; do echo word {stream}; done")).ask("core show uptime")


def test_an_answer_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "PATIENCE", 0.2)
    with pytest.raises(CmpBundleError, match="did not answer"):
        Control(("sh", "-c", "while echo word; do read x </dev/tty || :; done")).ask("x")


def test_a_folder_with_control_characters_is_none(root: Path, tmp_path: Path) -> None:
    found = find(Named(root, command=saying(tmp_path, data="/usr\0/share\x1b[2J")))
    assert found is not None
    assert found.data.value == "/usr/share/asterisk"


@only_root
def test_a_configuration_folder_of_another_s_is_not_asterisk_s(root: Path, tmp_path: Path) -> None:
    """Its line would have been written there, with the rights of whoever has that folder."""
    for place, owner in (("home/bob", BOB), ("etc/else", 0)):
        folder = root / place
        folder.mkdir(parents=True)
        (folder / "http.conf").write_text("[general]\n")
        give(folder, owner)
        with pytest.raises(
            CmpBundleError, match="reports this as its configuration folder"
        ) as caught:
            find(Named(root, command=saying(tmp_path, etc=f"/{place}")))
        assert "[asterisk] etc_dir" in (caught.value.hint or "")
        assert find(Named(root, etc_dir=f"/{place}", command=saying(tmp_path)))
    (root / "etc/else/asterisk.conf").touch()
    assert find(Named(root, command=saying(tmp_path, etc="/etc/else")))
    give(root / "home/bob")
    assert find(Named(root, command=saying(tmp_path, etc="/home/bob")))


@only_root
def test_a_data_folder_of_another_s_is_given_nothing(root: Path) -> None:
    (root / "home/bob").mkdir(parents=True)
    give(root / "home/bob", BOB)
    conf = root / ETC / "asterisk.conf"
    conf.write_text("[directories]\nastdatadir => /home/bob\n")
    with pytest.raises(CmpBundleError, match="static-http does not exist"):
        Server(root).deploy(bundle("one"))
    assert list((root / "home/bob").iterdir()) == []


@only_root
def test_a_program_of_another_s_is_not_run_by_root(root: Path) -> None:
    """A container's tree, whose root is somebody else here."""
    program = root / "usr/sbin/asterisk"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    os.chown(program, USER, USER)
    with pytest.raises(CmpBundleError, match="can be changed by other users") as caught:
        find(Named(root))
    assert "[asterisk] command" in (caught.value.hint or "")
    os.chown(program, 0, 0)
    program.chmod(0o777)
    with pytest.raises(CmpBundleError, match="can be changed by other users"):
        find(Named(root))


def test_a_site_that_is_no_name_is_not_taken_from_our_file(root: Path) -> None:
    server = Server(root)
    server.deploy(bundle("one"))
    ours = root / ETC / "cmp-bundle/http.conf"
    text = ours.read_text()
    for name in (".", "..", "...", "a b"):
        ours.write_text(text.replace("/static/cyber_mega_phone_2k/", f"/static/{name}/"))
        assert server.found().site.name == "cyber_mega_phone_2k"


@pytest.mark.timeout(60)
def test_names_are_asked_of_no_pipe(root: Path) -> None:
    where = Server(root).installation
    os.mkfifo(root / "etc/pipe")
    said = names_served(where, "/etc/pipe").problem
    assert said == "not known: is a pipe, but Asterisk needs a file here"


@only_root
def test_names_are_asked_with_the_rights_of_asterisk(root: Path) -> None:
    path = root / "etc/cert.pem"
    path.write_bytes(certificate("localhost"))
    path.chmod(0o600)
    where = Server(root).installation
    assert "cannot read this file" in str(names_served(where, "/etc/cert.pem"))
    path.chmod(0o644)
    assert names_served(where, "/etc/cert.pem").dns == ("localhost",)


def test_releases_without_an_end_are_not_looked_through(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(root)
    server.deploy(bundle("one"))
    monkeypatch.setattr(on_disk, "_MOST_BYTES", 10)
    (release,) = server.found().on_disk.values()
    assert not release.whole
    monkeypatch.setattr(on_disk, "_MOST_RELEASES", 3)
    for number in range(3):
        (root / HIDDEN / "releases" / release_id(number, "0" * 12)).mkdir()
    with pytest.raises(CmpBundleError, match="has 4 releases"):
        server.found()


@pytest.mark.parametrize("umask", [0, 0o077])
def test_who_may_read_does_not_depend_on_the_umask(root: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        server = Server(root)
        server.deploy(bundle("one"))
    finally:
        os.umask(before)
    static = root / STATIC
    for path in (root / HIDDEN, *(root / HIDDEN).rglob("*")):
        if not path.is_symlink():
            assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path
    assert (root / ETC / "cmp-bundle").stat().st_mode & 0o777 == (root / ETC).stat().st_mode & 0o777
    assert static.is_dir()
    for path in Path(os.environ["CMP_BUNDLE_STATE"]).rglob("*"):
        assert not path.stat().st_mode & 0o077, path


def served(answer: Callable[[ssl.SSLSocket], None]) -> str:
    """The address of a server that treats one caller so."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    listening = socket.create_server(("127.0.0.1", 0))
    pem = Path(os.environ["CMP_BUNDLE_STATE"]) / "server.pem"
    pem.parent.mkdir(parents=True, exist_ok=True)
    pem.write_bytes(certificate("localhost"))
    context.load_cert_chain(pem)

    def serve() -> None:
        with (
            listening,
            listening.accept()[0] as plain,
            context.wrap_socket(plain, server_side=True) as caller,
        ):
            caller.recv(4096)
            try:
                answer(caller)
            except OSError:
                return  # hung up

    threading.Thread(target=serve, daemon=True).start()
    return f"https://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.timeout(60)
def test_a_server_that_never_stops_sending(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_end(caller: ssl.SSLSocket) -> None:
        caller.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            caller.sendall(b"x" * 65536)

    assert len(live.get(served(without_end), "/", 1000).body) == 1000

    monkeypatch.setattr(live, "TIMEOUT", 0.5)

    for line in (b"X: x\r\n", b"\r\n"):  # in the head, and in the body

        def now_and_then(caller: ssl.SSLSocket, line: bytes = line) -> None:
            caller.sendall(b"HTTP/1.1 200 OK\r\n")
            gap = threading.Event()
            while not gap.wait(0.05):
                caller.sendall(line)

        with pytest.raises(TimeoutError):
            live.get(served(now_and_then), "/")
