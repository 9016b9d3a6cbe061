"""Deploying to real Asterisks: what they then serve, and what they are left with."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shlex
import socket
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Self

import pytest

from cmp_bundle.checks import live
from cmp_bundle.deploy.layout import Site
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk
from tests.conftest import SIXTEEN_IN_SOAK, Cmp
from tests.testbed.server import Asterisk
from tests.unit.deploy.trees import Server
from tests.unit.deploy.trees import bundle as a_bundle

pytestmark = pytest.mark.asterisk


@pytest.fixture
def deployed(aimed: Cmp, bundle: str) -> Cmp:
    """The built-in phone is deployed."""
    aimed("deploy", bundle)
    return aimed


@pytest.fixture
def aimed(cmp: Cmp, pbx: Asterisk) -> Cmp:
    cmp.aim(pbx)
    return cmp


@pytest.fixture
def bundle(bundles: dict[str, Path]) -> str:
    return str(bundles["1"])


def state(pbx: Asterisk) -> dict[str, tuple[int, int, int, bytes | None]]:
    """Everything in the configuration and static folders."""
    found = {}
    for folder in (pbx.etc, pbx.static):
        for path in sorted(folder.rglob("*")):
            stat = path.lstat()
            data = path.read_bytes() if path.is_file() else None
            found[str(path)] = (stat.st_mode, stat.st_uid, stat.st_gid, data)
    return found


def test_there_and_back(aimed: Cmp, pbx: Asterisk, bundle: str) -> None:
    before = state(pbx)
    said = aimed("deploy", bundle)
    assert said["changed"]
    assert said["url"].endswith(str(pbx.ports.https))
    assert "/cmp2k => /static/cyber_mega_phone_2k/index.html?v=" in pbx.rx("http show status")
    again = aimed("deploy", bundle)
    assert not again["changed"]
    assert again["release"] == said["release"]
    aimed("undeploy")
    assert state(pbx) == before
    assert "/cmp2k" not in pbx.rx("http show status")
    assert live.get(pbx.url, "/cmp2k").status == http.client.NOT_FOUND


def test_releases_cannot_be_fetched_by_name(deployed: Cmp, pbx: Asterisk) -> None:
    release = deployed("releases")["releases"][0]["release"]
    path = f"/static/.cyber_mega_phone_2k/releases/{release}/index.html"
    assert live.get(pbx.url, path).status == http.client.FORBIDDEN
    assert live.get(pbx.url, "/static/cyber_mega_phone_2k/index.html").status == http.client.OK


@SIXTEEN_IN_SOAK
def test_what_does_not_work_is_put_back(aimed: Cmp, pbx: Asterisk, bundle: str) -> None:
    """Without its WebSocket module the server serves the page, and the phone would be no use."""
    before = state(pbx)
    for module in ("res_pjsip_transport_websocket.so", "res_http_websocket.so"):
        pbx.rx(f"module unload {module}")
    done = aimed.run("deploy", bundle)
    assert done.returncode == 1
    assert "/ws, where phones connect to, answers 404" in done.stderr
    assert "everything was put back" in done.stderr
    assert state(pbx) == before
    assert "/cmp2k" not in pbx.rx("http show status")


def test_what_fails_before_the_reload_asks_asterisk_for_none(pbx: Asterisk) -> None:
    """A disk that is full, say: a live server is told nothing of it."""
    before = state(pbx)
    asked: list[str] = []

    def full(step: str, path: Path) -> None:
        if step == "reload":
            asked.append(step)
        elif path.name == "cyber_mega_phone_2k":
            raise OSError(28, "No space left on device")

    trying = Server(pbx.root, Disk(full), command=tuple(pbx.command))
    with pytest.raises(CmpBundleError, match="everything was put back as it was"):
        trying.deploy(a_bundle())
    assert asked == []
    assert state(pbx) == before


@SIXTEEN_IN_SOAK
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_asterisk_that_dies_of_its_reload(
    aimed: Cmp, pbx: Asterisk, bundle: str, tmp_path: Path, when: str
) -> None:
    """Some do where somebody connects just then: before they have answered, or after it."""
    assert pbx.process is not None
    ask, kill = f'{shlex.join(pbx.command)} "$@"', f"kill -9 {pbx.process.pid}"
    dying = f"{kill}; {ask}" if when == "before" else f"{ask}; {kill}"
    command = tmp_path / "asterisk"
    command.write_text(
        f'#!/bin/sh\nif [ "$2" = "module reload http" ]; then {dying}; else {ask}; fi\n'
    )
    command.chmod(0o755)
    there = aimed.environment["CMP_BUNDLE_ASTERISK_COMMAND"]
    aimed.environment["CMP_BUNDLE_ASTERISK_COMMAND"] = json.dumps([str(command)])
    before = state(pbx)
    done = aimed.run("deploy", bundle)
    assert done.returncode == 1
    assert "Asterisk stopped during the reload" in done.stderr
    assert "everything was put back" in done.stderr
    assert state(pbx) == before
    pbx.stop()
    pbx.start()
    aimed.environment["CMP_BUNDLE_ASTERISK_COMMAND"] = there
    aimed("deploy", bundle)


def test_a_port_that_another_program_has(aimed: Cmp, pbx: Asterisk, bundle: str) -> None:
    """Asterisk starts without HTTPS then; a deploy could not be seen to work, an undeploy can."""
    pbx.stop()
    with socket.create_server(("127.0.0.1", pbx.ports.https)):
        pbx.start()
        before = state(pbx)
        done = aimed.run("deploy", bundle)
        assert done.returncode == 1
        said = (
            f"Asterisk does not listen on 127.0.0.1:{pbx.ports.https}, where http.conf puts HTTPS"
        )
        assert said in done.stderr
        assert "another program uses that port" in done.stderr
        assert state(pbx) == before
    aimed("deploy", bundle)  # its reload finds the port free
    pbx.stop()
    with socket.create_server(("127.0.0.1", pbx.ports.https)):
        pbx.start()
        aimed("undeploy")
        assert state(pbx) == before
        assert "/cmp2k" not in pbx.rx("http show status")


def test_with_asterisk_down_it_is_active_at_the_next_start(
    aimed: Cmp, pbx: Asterisk, bundle: str
) -> None:
    aimed.environment["CMP_BUNDLE_ASTERISK_ETC_DIR"] = f"{pbx.inside}/etc"
    pbx.stop()
    done = aimed.run("deploy", bundle)
    assert done.returncode == 0
    assert "will be active when it starts" in done.stdout
    pbx.start()
    assert live.get(pbx.url, "/cmp2k").status == http.client.FOUND
    assert not aimed("deploy", bundle)["changed"]


@pytest.mark.parametrize("switches", [200, pytest.param(1000, marks=pytest.mark.soak)])
def test_hundreds_of_switches_under_load(
    aimed: Cmp, pbx: Asterisk, bundles: dict[str, Path], switches: int
) -> None:
    """Visitors come and go while releases are switched: each gets one whole release or another.

    In every reload of http.conf there is a moment, well below a millisecond if the machine is not
    busy, in which Asterisk has no redirects, and in which a new TLS connection is refused or may
    even end Asterisk (docs/decisions/0001). So while whole rollbacks run, the visitors stay on the
    connections that they have, of which none may fail, and /cmp2k may be unknown.
    """
    for each in bundles.values():
        aimed("deploy", str(each))
    site = Site(pbx.static, "cyber_mega_phone_2k")
    releases = present(site)
    with Crowd(pbx, site) as crowd:
        disk = Disk()
        number = 0
        while number < switches or (crowd.visits <= 100 and not crowd.problems):
            disk.link(site.link, site.target(releases[number % 2]))
            number += 1
        assert crowd.problems == []
        # The whole of it too, with its reload, as often as there is time for.
        crowd.stay()
        for number in range(switches // 50):
            aimed("rollback", releases[number % 2])
        assert crowd.problems == []
    assert crowd.problems == []


def present(site: Site) -> list[str]:
    return sorted(path.name for path in site.releases.iterdir() if path.is_dir())


class NoRedirectError(Exception):
    """/cmp2k leads nowhere."""


class Crowd:
    """Four visitors who come and go as long as it lasts; ``problems`` are what they met with."""

    def __init__(self, pbx: Asterisk, site: Site) -> None:
        self.port = pbx.ports.https
        self.pages = [(site.release(r) / "index.html").read_bytes() for r in present(site)]
        self.apps = {p.name: p.read_bytes() for p in site.assets.iterdir() if p.suffix == ".bin"}
        self.problems: list[str] = []
        self.visits = 0
        self._staying = threading.Event()
        self._settled = threading.Semaphore(0)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(4)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def stay(self) -> None:
        """From now on nobody opens another connection."""
        self._staying.set()
        for _ in self._threads:
            assert self._settled.acquire(timeout=60), self.problems

    def _run(self) -> None:
        try:
            while not self._staying.is_set() and not self._stop.is_set():
                with contextlib.closing(self._connection()) as connection:
                    for _ in range(20):
                        self._visit(connection)
                        self.visits += 1
            with contextlib.closing(self._connection()) as connection:
                self._visit(connection)
                self._settled.release()
                while not self._stop.is_set():
                    with contextlib.suppress(NoRedirectError):
                        self._visit(connection)
        except (NoRedirectError, OSError, http.client.HTTPException, AssertionError) as error:
            self.problems.append(repr(error))

    def _connection(self) -> http.client.HTTPSConnection:
        context = ssl._create_unverified_context()
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=context)

    def _visit(self, connection: http.client.HTTPSConnection) -> None:
        def get(path: str) -> tuple[int, str | None, bytes]:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Location"), answer.read()

        status, location, _ = get("/cmp2k")
        if status == http.client.NOT_FOUND:
            raise NoRedirectError
        assert status == http.client.FOUND
        assert location is not None
        status, _, page = get(location)
        assert status == http.client.OK
        assert page in self.pages, "a torn page"
        name = page.split(b'data-app="assets/')[1].split(b'"')[0].decode()
        status, _, app = get(f"/static/cyber_mega_phone_2k/assets/{name}")
        assert status == http.client.OK
        assert app == self.apps[name], "a torn app"


@SIXTEEN_IN_SOAK
def test_an_http_conf_that_asterisk_cannot_read(aimed: Cmp, pbx: Asterisk, bundle: str) -> None:
    """It still serves by what it has read before; a reload would end all that."""
    (pbx.etc / "http.conf").chmod(0o600)
    os.chown(pbx.etc / "http.conf", 0, 0)
    before, status = state(pbx), pbx.rx("http show status")
    for words in (("deploy", bundle), ("undeploy",), ("provision",)):
        done = aimed.run(*words)
        assert done.returncode == 1, words
        assert f"{pbx.etc}/http.conf: Asterisk, which runs as asterisk, cannot read" in done.stderr
    assert state(pbx) == before
    assert pbx.rx("http show status") == status


@SIXTEEN_IN_SOAK
def test_a_container_that_has_http_conf_alone(
    aimed: Cmp, pbx: Asterisk, bundle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps the file that was there when it was started: ours takes its place only outside."""
    pbx.stop()
    inside = (
        f"cp -a {pbx.etc} {tmp_path}/etc && mount --bind {pbx.etc}/http.conf {tmp_path}/etc/http.conf"
        f' && mount --bind {tmp_path}/etc {pbx.etc} && exec "$@"'
    )
    outside = pbx.command
    with monkeypatch.context() as starting:
        contained = ["unshare", "--mount", "sh", "-c", inside, "sh", *outside]
        starting.setattr(Asterisk, "command", contained)
        starting.setattr(Asterisk, "_rx", lambda _pbx, line: asked(outside, line))
        pbx.start()
    before = state(pbx)
    done = aimed.run("deploy", bundle)
    assert done.returncode == 1
    assert f"has not got what stands in {pbx.etc}/http.conf" in done.stderr
    assert "mount the folder instead" in done.stderr
    assert "[asterisk] url" not in done.stderr
    assert state(pbx) == before


def asked(command: list[str], line: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*command, "-rx", line], capture_output=True, check=False)
