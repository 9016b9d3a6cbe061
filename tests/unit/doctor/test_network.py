"""N: what a real server cannot be made to show is from recorded answers, or built by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from cmp_bundle.asterisk.includes import OurHttp
from cmp_bundle.asterisk.values import Address
from cmp_bundle.checks.call import Proof
from cmp_bundle.checks.live import HttpAnswer
from cmp_bundle.checks.offer import Candidate
from cmp_bundle.checks.websocket import Handshake
from cmp_bundle.doctor import network, proxy, public
from cmp_bundle.doctor.addresses import Space, serves, space
from cmp_bundle.doctor.evidence import Calls, Missing
from cmp_bundle.doctor.machine import banned, jails
from cmp_bundle.doctor.reach import Failed, Reached
from cmp_bundle.doctor.way import Part
from cmp_bundle.findings import Finding, Level
from cmp_bundle.provision.firewall import Firewall, Gate, Range

from .outcomes import found, outcomes, unknown
from .servers import PUBLIC, live, lost, machine, reached, written

CHECKS = (*network.CHECKS, *proxy.CHECKS)
INSIDE = reached("https://127.0.0.1:8089", "127.0.0.1")
NGINX = HttpAnswer(404, None, b"", "nginx/1.24")
AWAY = Missing("no Asterisk was found here")


def wall(*opened: Range, kind: str = "ufw", unclear: bool = False) -> Firewall:
    return Firewall(kind, gates=(Gate(frozenset(opened), unclear=unclear),))


HTTPS = Range("tcp", 8089, 8089)


def test_all_is_well() -> None:
    known = {
        "outside": reached(),
        "inside": INSIDE,
        "written": written(),
        "machine": machine(firewall=wall(HTTPS)),
        "live": live(),
        "public_calls": Calls(PUBLIC, (), {}),
    }
    assert found(CHECKS, **known) == {}
    assert unknown(CHECKS, **known).keys() == {"N104", "N111", "N113"}


@pytest.mark.parametrize(
    ("address", "where"),
    [
        ("127.0.0.1", Space.LOOPBACK),
        ("::1", Space.LOOPBACK),
        ("::ffff:127.0.0.1", Space.LOOPBACK),
        ("10.1.2.3", Space.LOCAL),
        ("172.16.0.1", Space.LOCAL),
        ("192.168.1.1", Space.LOCAL),
        ("169.254.9.9", Space.LOCAL),
        ("fe80::1%eth0", Space.LOCAL),
        ("fd00::1", Space.LOCAL),
        ("198.51.100.7", Space.PUBLIC),
        ("2001:db8::1", Space.PUBLIC),
    ],
)
def test_address_spaces(address: str, where: Space) -> None:
    assert space(address) is where


def test_what_a_listener_serves() -> None:
    assert serves(Address("0.0.0.0", 8089), "198.51.100.7")
    assert not serves(Address("0.0.0.0", 8089), "2001:db8::1")
    assert serves(Address("::", 8089), "198.51.100.7")
    assert serves(Address("192.0.2.1", 8089), "192.0.2.1")
    assert not serves(Address("127.0.0.1", 8089), "192.0.2.1")


def test_a_name_that_nobody_can_be_asked_about() -> None:
    outside = Reached(PUBLIC, "/ws", "/cmp2k", stopped=Part.NAME, trouble="name: Temporary failure")
    assert "Temporary failure" in found(CHECKS, outside=outside)["name-unknown"]
    assert unknown(CHECKS, outside=outside).keys() >= {"N101"}


def test_no_way_of_a_family_from_here_says_nothing_of_others() -> None:
    failed = Failed("2001:db8::1", "Network is unreachable", refused=False)
    outside = reached(PUBLIC, "198.51.100.7", "2001:db8::1", failed=(failed,))
    assert "N102" not in found(CHECKS, outside=outside)


def test_localhost_by_the_other_family_is_no_fault() -> None:
    failed = Failed("::1", "Connection refused", refused=True)
    outside = reached("https://localhost:8089", "127.0.0.1", "::1", failed=(failed,))
    assert "N102" not in found(CHECKS, outside=outside)


@pytest.mark.parametrize(
    ("firewall", "codes", "left_open"),
    [
        (wall(), {"N103"}, False),
        (wall(HTTPS), set(), False),
        (wall(Range("tcp", 8000, 9000)), set(), False),
        (wall(Range("udp", 8089, 8089)), {"N103"}, False),
        (wall(unclear=True), set(), True),
        (Firewall("ufw", active=False), set(), False),
        (Firewall("firewalld"), set(), True),
    ],
)
def test_a_firewall_here(firewall: Firewall, codes: set[str], left_open: bool) -> None:
    known = {"machine": machine(firewall=firewall), "written": written()}
    assert found(CHECKS, **known).keys() == codes
    assert ("N103" in unknown(CHECKS, **known)) is left_open


def test_what_a_container_publishes_passes_other_rules() -> None:
    known = {"machine": machine(firewall=wall(), listeners={}), "written": written()}
    assert found(CHECKS, **known) == {}
    assert "N103" in unknown(CHECKS, **known)


def test_a_port_that_is_silent_or_refused() -> None:
    known = {"inside": INSIDE, "written": written(), "machine": machine()}
    silent = lost(PUBLIC, "198.51.100.7", refused=False)
    assert found(CHECKS, outside=silent, **known).keys() == {"port-silent"}
    refused = lost(PUBLIC, "198.51.100.7")
    assert found(CHECKS, outside=refused, **known).keys() == {"port-refused"}
    away = {"outside": silent, "machine": AWAY}
    assert found(CHECKS, **away).keys() == {"port-silent"}
    assert unknown(CHECKS, **away)["N104"]


def test_where_asterisk_itself_is_dead_the_port_says_no_more() -> None:
    dead = Missing("Asterisk has no HTTPS", Part.TLS)
    outside = lost(PUBLIC, "198.51.100.7")
    assert found(CHECKS, outside=outside, inside=dead, written=written()) == {}


def test_a_listener_of_another_address_of_this_machine() -> None:
    text = "[general]\ntlsenable=yes\ntlsbindaddr=192.0.2.9:8089\n"
    outside = lost(PUBLIC, "198.51.100.7")
    known = {"outside": outside, "inside": INSIDE, "written": written(text)}
    own = machine(own=frozenset({"198.51.100.7"}))
    assert found(CHECKS, machine=own, **known).keys() == {"N108"}
    assert found(CHECKS, machine=machine(), **known).keys() == {"port-refused"}, "a router's"


def test_from_another_machine_all_that_is_reached_gets_through() -> None:
    assert "N104" not in unknown(CHECKS, outside=reached(), machine=AWAY)


def test_the_loopback_alone_and_nobody_known_in_front() -> None:
    text = "[general]\ntlsenable=yes\ntlsbindaddr=127.0.0.1:8089\n"
    known = {"written": written(text), "machine": machine(firewall=wall())}
    assert found(CHECKS, **known) == {}
    assert "127.0.0.1:8089" in unknown(CHECKS, **known)["N108"]


JAILS = """\
Status
|- Number of jail:\t3
`- Jail list:\tasterisk, asterisk-security, sshd
"""
#: As fail2ban 1.0 prints it.
JAIL = """\
Status for the jail: asterisk
|- Filter
|  |- Currently failed:\t1
|  |- Total failed:\t14
|  `- File list:\t/var/log/asterisk/messages.log
`- Actions
   |- Currently banned:\t2
   |- Total banned:\t3
   `- Banned IP list:\t192.168.7.1 203.0.113.5
"""


def test_recorded_words_of_fail2ban() -> None:
    assert jails(JAILS) == ["asterisk", "asterisk-security"]
    assert banned(JAIL) == ["192.168.7.1", "203.0.113.5"]
    assert banned(JAIL.replace("192.168.7.1 203.0.113.5", "")) == []
    assert jails("") == []


def test_recorded_bans() -> None:
    """Scanners are banned all the time; an address of the house is somebody's."""
    known = machine(banned=tuple(banned(JAIL)))
    assert "192.168.7.1" in found(CHECKS, machine=known)["N106"]
    others = machine(banned=("203.0.113.5",))
    assert found(CHECKS, machine=others) == {}
    assert "203.0.113.5" in unknown(CHECKS, machine=others)["N106"]
    assert "N106" not in unknown(CHECKS, machine=machine(banned=()))


def test_a_restriction_that_lets_this_machine_in() -> None:
    """Whom it permits is the admin's affair."""
    text = "[general]\n[/ws]\ntype=restriction\ndeny=0.0.0.0/0\npermit=127.0.0.1\n"
    known = {"written": written(text), "inside": INSIDE}
    assert found(CHECKS, **known) == {}
    assert "/ws" in unknown(CHECKS, **known)["N107"]
    other = written("[general]\n[/ari]\ntype=restriction\ndeny=0.0.0.0/0\n")
    assert "N107" not in unknown(CHECKS, written=other, inside=INSIDE)


def test_a_proxy_that_passes_sockets_on() -> None:
    outside = reached(chain=[b"the proxy's"], page=NGINX)
    assert found(CHECKS, outside=outside, inside=INSIDE) == {}
    assert "N109" in unknown(CHECKS, outside=outside, inside=INSIDE)
    assert "N109" in unknown(CHECKS, outside=outside, inside=AWAY), "by its name"
    assert "N109" not in unknown(CHECKS, outside=reached(), inside=AWAY)


@pytest.mark.parametrize("status", [200, 400, 426, 502])
def test_a_proxy_that_does_not(status: int) -> None:
    outside = reached(chain=[b"the proxy's"], page=NGINX, socket=status)
    known = {"outside": replace(outside, path_named=True), "inside": INSIDE}
    assert str(status) in found(CHECKS, **known)["N110"]
    assert found(CHECKS, outside=outside, inside=reached(INSIDE.base, socket=status)) == {}


@pytest.mark.parametrize(
    ("status", "sure"), [(200, False), (404, False), (400, True), (426, True), (502, True)]
)
def test_a_path_that_nobody_named(status: int, sure: bool) -> None:
    """A page that is answered, or none, tells that the WebSocket may be somewhere else."""
    outside = reached(chain=[b"the proxy's"], page=NGINX, socket=status)
    known = {"outside": outside, "inside": INSIDE, "written": written()}
    assert ("N110" in found(CHECKS, **known)) is sure
    assert ("[server] path" in unknown(CHECKS, **known).get("N110", "")) is not sure
    assert ("websocket-closed" in found(public.CHECKS, **known)) is sure
    ours = written()
    page: Any = SimpleNamespace(**{**vars(ours.configured), "our_http": OurHttp("/cmp2k", "/x")})
    known["written"] = replace(ours, configured=page)
    assert "N110" in found(CHECKS, **known), "our own page looks for it there"


@pytest.mark.parametrize("path", ["/wss", "/", ""])
def test_where_proxies_have_it(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def ask(base: str, at: str, **_: Any) -> Handshake:
        asked.append(at)
        return Handshake(base, at, 101, "sip") if at == path else Handshake(base, at, 404)

    monkeypatch.setattr(proxy, "ask", ask)
    outside = reached(chain=[b"the proxy's"], page=NGINX, socket=404)
    there = proxy.elsewhere(outside)
    assert "/ws" not in asked, "which was asked already"
    if not path:
        assert there == outside
        return
    assert (there.path, there.expected, there.stopped) == (path, "/ws", None)
    (said,) = [
        one
        for one in outcomes(CHECKS, outside=there, inside=INSIDE, written=written())
        if isinstance(one, Finding)
    ]
    assert (said.code, said.level) == ("N110", Level.WARNING)
    assert path in (said.hint or "")
    asked.clear()
    for other in (reached(), reached(chain=[b"x"], socket=502), lost()):
        assert proxy.elsewhere(other) == other
    assert asked == []


@pytest.mark.parametrize(
    ("candidates", "codes"),
    [(("10.0.0.5", "192.168.1.5"), {"N112"}), (("10.0.0.5", "198.51.100.9"), set()), ((), set())],
)
def test_recorded_a_tunnel_without_sound(candidates: tuple[str, ...], codes: set[str]) -> None:
    proof = Proof("alice", candidates=tuple(Candidate(one, 10000, "host") for one in candidates))
    known = {"public_calls": Calls(PUBLIC, (proof,), {}), "inside": INSIDE}
    assert found(CHECKS, outside=reached(chain=[b"x"]), **known).keys() == codes
    assert found(CHECKS, outside=reached(), **known) == {}, "no proxy"
