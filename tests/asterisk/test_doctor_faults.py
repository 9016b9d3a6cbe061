"""Each fault alone on a real server: its code comes, its words name the cause, no other error does.

All are made on one server of each version, one after the other, and taken back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from cmp_bundle.accounts.model import Account
from cmp_bundle.checks.call import prove
from cmp_bundle.commands.accounts import check_accounts
from cmp_bundle.findings import Level
from tests.asterisk.faults import (
    databases,
    media,
    network,
    operation,
    pictures,
    refused_files,
    registration,
    security,
    session,
    tls,
    versions,
    web_server,
    websocket,
)
from tests.asterisk.faults.fault import Fault, Server, codes, told
from tests.asterisk.faults.provisioned import provisioned
from tests.conftest import _unreal
from tests.testbed import roots

pytestmark = pytest.mark.asterisk

FAULTS = [
    *network.FAULTS,
    *tls.FAULTS,
    *web_server.FAULTS,
    *websocket.FAULTS,
    *refused_files.FAULTS,
    *registration.FAULTS,
    *databases.FAULTS,
    *session.FAULTS,
    *media.FAULTS,
    *pictures.FAULTS,
    *operation.FAULTS,
    *security.FAULTS,
    *versions.FAULTS,
]


def _made_on(fault: Fault) -> Iterator[tuple[str, Any]]:
    """The version and the row of the table, of each that it is made on."""
    for version in sorted(roots.RELEASES, reverse=True):
        if version not in fault.never:
            marks = () if version in fault.versions else (pytest.mark.soak,)
            name = "-".join(filter(None, (version, fault.code, fault.name)))
            yield version, pytest.param(version, fault, marks=marks, id=name)


#: By version, so that one server serves all of one.
TABLE = [
    row
    for version in sorted(roots.RELEASES, reverse=True)
    for fault in FAULTS
    for made_on, row in _made_on(fault)
    if made_on == version
]


@pytest.fixture(scope="module")
def servers(own_network: None) -> Iterator[dict[str, Server]]:  # noqa: ARG001
    """One of each version that was asked for, until all tests here are done."""
    running: dict[str, Server] = {}
    yield running
    for server in running.values():
        server.pbx.remove()


@pytest.fixture
def server(
    request: pytest.FixtureRequest,
    servers: dict[str, Server],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """The healthy one of the version that is asked for; the other one is stopped, as both have the
    packages' ports.
    """
    version = request.param
    if reason := roots.why_not():
        _unreal(reason)
    for other, running in servers.items():
        if other != version:
            running.pbx.stop()
    if version not in servers:
        roots.build(roots.RELEASES[version])
        servers[version] = provisioned(version, tmp_path_factory)
    found = servers[version]
    if found.pbx.process is None:
        found.pbx.start()
    yield found
    found.heal()


@pytest.mark.parametrize(("server", "fault"), TABLE, indirect=["server"])
def test_fault(server: Server, fault: Fault) -> None:
    fault.make(server)
    found = server.examine(**fault.options)
    told_of = [one for one in found.findings if one.code == fault.code]
    assert told_of, f"{fault.code} was not found: {told(found)}"
    words = " ".join(f"{one.message} {one.seen or ''}" for one in told_of)
    assert [w for w in fault.words if w not in words] == [], told(found)
    by_nature = versions.ERRORS[server.pbx.release.version]
    others = set(codes(found)) - {fault.code, *fault.along, *by_nature}
    assert not others, told(found)


def _also_of_accounts() -> Iterator[Any]:
    """Those that accounts check can find as well."""
    names = ("W102", "R105-file", "R107", "R108", "R109", "R110", "R111", "R111-ghost")
    for fault in FAULTS:
        name = "-".join(filter(None, (fault.code, fault.name)))
        if name in (*names, "duplicate-object"):
            yield pytest.param("22", fault, id=f"22-{name}")


@pytest.mark.parametrize(("server", "fault"), list(_also_of_accounts()), indirect=["server"])
def test_accounts_check_says_the_same(server: Server, fault: Fault) -> None:
    fault.make(server)
    found = check_accounts(server.context())
    assert found.failed
    errors = [one for one in found.findings if one.level is Level.ERROR]
    assert {one.code for one in errors} == {fault.code}, errors


#: What Asterisk writes of a phone that it refuses, and fail2ban reads.
_REFUSED = re.compile(
    "Failed to authenticate|No matching endpoint|InvalidPassword|InvalidAccountID|ChallengeResponseFailed"
    "|FailedACL|Not match Endpoint ACL"
)


def _refused() -> Iterator[Any]:
    """Those with which an account would be refused."""
    names = ("R101", "R106", "R106-another-id", "R107", "R107-username", "R113", "R115", "R115-all")
    for fault in FAULTS:
        name = "-".join(filter(None, (fault.code, fault.name)))
        if name in (*names, "R116"):
            yield pytest.param("22", fault, id=f"22-{name}")


@pytest.mark.parametrize(("server", "fault"), list(_refused()), indirect=["server"])
def test_nothing_that_is_refused_is_ever_sent(server: Server, fault: Fault) -> None:
    """By Asterisk's own log, in which the same is seen where a phone does send it."""
    log = server.pbx.base / "log/refusals"
    log.unlink(missing_ok=True)
    server.append("logger.conf", "[logfiles](+)\nrefusals => notice,warning,security")
    fault.make(server)
    server.examine()
    assert log.exists()
    assert _REFUSED.findall(log.read_text()) == []


@pytest.mark.parametrize("server", ["22"], indirect=True)
def test_what_a_phone_leaves_there_that_is_refused(server: Server) -> None:
    """So that the test above can fail."""
    log = server.pbx.base / "log/refusals"
    log.unlink(missing_ok=True)
    server.append("logger.conf", "[logfiles](+)\nrefusals => notice,warning,security")
    base = f"https://127.0.0.1:{server.pbx.ports.https}"
    prove(base, "/ws", [Account("alice", password="not-her-own")], "")
    assert _REFUSED.search(log.read_text())


@pytest.mark.parametrize("server", ["22", "16"], indirect=True)
def test_a_healthy_server(server: Server) -> None:
    found = server.examine()
    version = server.pbx.release.version
    expected = versions.ERRORS[version] | versions.WARNINGS[version]
    assert set(codes(found, Level.ERROR, Level.WARNING)) == expected, told(found)
    assert found.ok is not bool(versions.ERRORS[version])
    assert not check_accounts(server.context()).findings


@pytest.mark.parametrize("server", ["22"], indirect=True)
def test_the_path_of_a_proxy_is_where_the_settings_say(server: Server) -> None:
    network.at_another_path(server)
    settings = server.work / "cmp-bundle.toml"
    server.put_back(settings)
    text = settings.read_text()
    named = re.sub(r"^(\[server\].*)$", r'\1\npath = "/wss"', text, flags=re.MULTILINE)
    assert named != text
    settings.write_text(named)
    found = server.examine(url="https://localhost")
    assert codes(found) == [], told(found)
    assert "N110" in found.passed


@pytest.mark.parametrize("server", ["22"], indirect=True)
def test_behind_a_proxy_it_is_the_proxy_that_is_tried(server: Server) -> None:
    """Asterisk's own HTTPS is dead, and nobody needs it."""
    network.only_the_proxy(server)
    found = server.examine(url="https://localhost")
    assert codes(found) == [], told(found)
    assert "T103" in codes(found, Level.WARNING)
    assert {"S108", "S113"} <= set(found.passed), "calls that were answered"


#: A trunk with webrtc=yes that is known by its address, and a phone with every option by hand (cases from
#: the field).
_OTHERS = """
[carrier-in]
type=endpoint
context=cmp-phones
webrtc=yes
allow=ulaw
aors=carrier-in
[carrier-in]
type=aor
contact=sip:192.0.2.9
[carrier-in]
type=identify
endpoint=carrier-in
match=198.51.100.7
[300]
type=endpoint
aors=300
auth=300
context=cmp-phones
allow=opus,ulaw
use_avpf=yes
media_encryption=dtls
dtls_auto_generate_cert=yes
dtls_verify=fingerprint
dtls_setup=actpass
ice_support=yes
media_use_received_transport=yes
rtcp_mux=yes
[300]
type=auth
auth_type=userpass
username=300
password=Quartz-71-lantern
[300]
type=aor
max_contacts=1
remove_existing=yes
"""


@pytest.mark.parametrize(
    "server", ["22", pytest.param("16", marks=pytest.mark.soak)], indirect=True
)
def test_a_trunk_is_no_phone_and_options_by_hand_make_one(server: Server) -> None:
    server.append("pjsip.conf", _OTHERS)
    found = server.examine()
    by_nature = versions.ERRORS[server.pbx.release.version]
    assert set(codes(found)) <= by_nature, told(found)
    named = {(one.code, one.subject) for one in found.findings if one.level is not Level.NOTE}
    assert {one for one in named if one[1] == "carrier-in"} == set(), told(found)
    assert {one for one in named if one[1] == "300"} == {("V106", "300")}, told(found)
