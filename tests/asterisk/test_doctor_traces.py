"""What the doctor costs a server: no line of its log, no session, no call, no changed file."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cmp_bundle.asterisk.installation import Named, find
from cmp_bundle.doctor.evidence import Log
from cmp_bundle.doctor.live import live
from cmp_bundle.doctor.log import log
from cmp_bundle.doctor.written import written
from tests.asterisk.faults.fault import Server
from tests.asterisk.faults.provisioned import provisioned
from tests.conftest import _unreal
from tests.serving import until
from tests.testbed import roots

pytestmark = pytest.mark.asterisk

#: Every level that means trouble, and what fail2ban reads.
_LOGGER = """\
[general]
[logfiles]
messages => notice,warning,error,security
"""

#: What every call costs, whoever calls: in a network without name servers, such as this one, since
#: Asterisk looks for its own address; and on 16, where that of a Chrome is the fault that is found (S108).
_OF_ANY_CALL = re.compile(
    r'netsock2\.c: getaddrinfo\("|acl\.c: Unable to lookup |Endpoint has no geoloc_\w+_call_profile'
    r"|sdp\.c \.Error adding media attribute, .*PJ_ETOOMANY|SDP body: .*PJMEDIA_SDP_EMISSINGRTPMAP"
)

#: Security events of a phone that registers and calls with its own password.
_OF_ANY_PHONE = {"ChallengeSent", "SuccessfulAuth"}


@pytest.fixture(scope="module")
def servers(own_network: None) -> Iterator[dict[str, Server]]:  # noqa: ARG001
    running: dict[str, Server] = {}
    yield running
    for server in running.values():
        server.pbx.remove()


@pytest.fixture(params=["22", "16"])
def server(
    request: pytest.FixtureRequest,
    servers: dict[str, Server],
    tmp_path_factory: pytest.TempPathFactory,
) -> Server:
    """A healthy one, which writes all levels into its log. Both versions have the same ports."""
    version = request.param
    if reason := roots.why_not():
        _unreal(reason)
    for other, running in servers.items():
        if other != version:
            running.pbx.stop()
    if version not in servers:
        roots.build(roots.RELEASES[version])
        servers[version] = provisioned(version, tmp_path_factory)
        (servers[version].etc / "logger.conf").write_text(_LOGGER)
        servers[version].pbx.rx("logger reload")
        _make_room_for_call_records(servers[version])
    found = servers[version]
    if found.pbx.process is None:
        found.pbx.start()
    return found


def _make_room_for_call_records(server: Server) -> None:
    """The packages have a folder for them, which the test bed lacks."""
    folder = server.pbx.base / "log/cdr-csv"
    folder.mkdir()
    os.chown(folder, *server.pbx.user())


@dataclass(frozen=True)
class Traces:
    """What somebody who looks at the server can see of its guests. ``files`` are those of Asterisk's
    configuration, of its data and of the operator.
    """

    channels: tuple[str, ...]
    contacts: tuple[str, ...]
    sessions: int
    files: dict[Path, tuple[object, ...]]

    @classmethod
    def of(cls, server: Server) -> Traces:
        return cls(_channels(server), _contacts(server), _sessions(server), _files(server))


#: What a version with that defect writes of a long offer, a browser's as well as the one that finds out.
_OF_S108 = re.compile(r"PJ_ETOOMANY|PJMEDIA_SDP_EMISSINGRTPMAP")


def _channels(server: Server) -> tuple[str, ...]:
    return tuple(server.pbx.rx("core show channels concise").split())


def _contacts(server: Server) -> tuple[str, ...]:
    return tuple(
        re.findall(r"^/registrar/contact/\S+", server.pbx.rx("database show"), re.MULTILINE)
    )


def _sessions(server: Server) -> int:
    """Connections to the HTTPS port that Asterisk still holds: established, or half closed."""
    port = f":{server.pbx.ports.https:04X}"
    rows = [
        line.split()
        for family in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{family}").read_text().splitlines()[1:]
    ]
    return sum(row[1].endswith(port) and row[3] in ("01", "08") for row in rows)


def _files(server: Server) -> dict[Path, tuple[object, ...]]:
    found: dict[Path, tuple[object, ...]] = {}
    for folder in (server.etc, server.pbx.data, server.work):
        for path in (folder, *folder.rglob("*")):
            seen = path.lstat()
            data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            found[path] = (seen.st_mode, seen.st_uid, seen.st_gid, seen.st_mtime_ns, data)
    return found


def _said(log: str) -> list[str]:
    """What not every phone that registers and calls leaves there."""
    lines = [
        line
        for line in log.splitlines()
        if not (_OF_ANY_CALL.search(line) or _OF_S108.search(line))
    ]
    events = [re.search(r'SecurityEvent="(\w+)"', line) for line in lines]
    return [
        line
        for line, event in zip(lines, events, strict=True)
        if event is None or event[1] not in _OF_ANY_PHONE
    ]


@pytest.mark.parametrize("public", [False, True], ids=["inside", "url"])
def test_nothing_is_left(server: Server, public: bool) -> None:
    before, log = Traces.of(server), len(server.pbx.log())
    found = server.examine(**({"url": server.pbx.url} if public else {}))
    assert "R107" not in {one.code for one in found.findings}
    said = server.pbx.log()[log:]
    assert "SuccessfulAuth" in said, "it has registered, and the log is written"
    assert not _said(said), "\n".join(_said(said))
    until(lambda: _sessions(server) == before.sessions, 10)
    assert Traces.of(server) == before


def test_the_log_is_evidence(server: Server) -> None:
    """Lines since the start, whatever the table of channels cuts off of the log's name."""
    server.pbx.rx("module load of-old.so")
    server.restart()
    server.pbx.rx("module load nosuch.so")
    until(lambda: "nosuch" in server.pbx.log(), 10)
    found = _evidence_of_log(server)
    assert found.path == f"{server.pbx.inside}/log/messages"
    assert re.search(r"(ERROR|WARNING)\[\d+\].* loader\.c: .*nosuch\.so", found.last(r"nosuch"))
    assert "of-old" in server.pbx.log()
    assert found.last("of-old") == ""
    assert found.last("SecurityEvent") == ""


def _evidence_of_log(server: Server) -> Log:
    named = Named(server.pbx.root, command=tuple(server.pbx.command))
    installation = find(named)
    assert installation is not None
    found = log(installation, written(installation), live(installation))
    assert isinstance(found, Log), found
    return found


#: The doctor, which tells that its call is held, and would hold it for long.
HOLDS = """\
import asyncio, sys
from cmp_bundle.checks import sip_client
from cmp_bundle.commands import Context, doctor

async def stays(client, seconds):
    print("held", flush=True)
    await asyncio.sleep(600)

sip_client.SipClient.stays = stays
root, *command = sys.argv[2:]
doctor(Context.load(sys.argv[1], {"asterisk.root": root, "asterisk.command": command}))
"""


@pytest.mark.soak
def test_killed_in_its_call(server: Server) -> None:
    """Asterisk finds out within 90 seconds. Nobody is registered longer than a minute."""
    before = Traces.of(server)
    settings, root = server.work / "cmp-bundle.toml", str(server.pbx.root)
    command = [sys.executable, "-c", HOLDS, str(settings), root, *server.pbx.command]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ) as doctor:
        assert doctor.stdout
        assert doctor.stdout.readline() == b"held\n"
        assert _channels(server)
        doctor.send_signal(signal.SIGKILL)
    until(lambda: not (_channels(server) or _contacts(server)), 100)
    until(lambda: _sessions(server) == before.sessions, 10)
    assert Traces.of(server) == before
