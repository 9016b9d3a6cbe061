"""What a firewall says of itself, and what is made of that. Real ones: tests/asterisk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.changes.engine import NoService
from cmp_bundle.changes.step import LeftError
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk
from cmp_bundle.provision import firewalld, firewalls, nftables, system_program, ufw
from cmp_bundle.provision.firewall import Firewall, Ports, Range
from cmp_bundle.provision.firewalld import Firewalld, Zone
from cmp_bundle.provision.firewalls import FirewallChange
from cmp_bundle.provision.ufw import Ufw

from .fake_nft import CHAIN, FakeNft, rule, ruleset

PORTS = Ports.needed(8089, (10000, 20000))
OTHERS = Ports.needed(443, (5000, 31000))
TCP, UDP = sorted(PORTS.ranges)
SERVICE = "8089/tcp 10000-20000/udp\n"

#: As firewalld 1.3 prints them, shortened.
ZONES = """\
block
  target: %%REJECT%%
  interfaces:
  sources: 203.0.113.9
  services:
  rich rules:

public (active)
  target: default
  icmp-block-inversion: no
  interfaces: eth0 eth1
  sources:
  services: dhcpv6-client ssh cmp-bundle
  ports: 5060/udp
  rich rules:
\trule priority="8089" port port="10000-20000" protocol="udp" accept
\trule priority="8089" port port="8089" protocol="tcp" accept
\trule priority="8090" port port="22" protocol="tcp" accept
\trule family="ipv4" source address="192.0.2.1" service name="cmp-bundle" accept
"""


def test_ports() -> None:
    assert str(PORTS) == "8089/tcp and 10000-20000/udp"
    assert str(Ports()) == "no port"
    assert Range.parsed("10000:20000/udp") == Range.parsed("10000-20000/udp") == UDP
    for text in ("", "8089", "0/tcp", "2-1/tcp", "1-65536/udp", "80/sctp", "80,81/tcp", " 8/tcp"):
        assert Range.parsed(text) is None


def test_the_zones_of_firewalld() -> None:
    block, public = firewalld.zones(ZONES)
    assert block == Zone("block", "%%REJECT%%", sources=("203.0.113.9",))
    assert public == Zone("public", "default", ("eth0", "eth1"), (), True, (UDP, TCP))


@given(st.text(alphabet="a \n\t:(),%", max_size=60))
def test_zones_of_any_text(text: str) -> None:
    assert all(zone.name for zone in firewalld.zones(text))


def entrances(*zones: Zone, interfaces: tuple[str, ...] = ("eth0",)) -> tuple[str, ...]:
    found = firewalld.seen(zones, zones, None, "public", interfaces, active=True)
    return found.entrances


def test_where_phones_come_in() -> None:
    public, work = Zone("public"), Zone("work", interfaces=("eth0",))
    assert entrances(public, work) == ("work",)
    assert entrances(public, work, interfaces=("eth0", "eth1")) == ("public", "work"), "the default"
    assert entrances(public, interfaces=()) == ("public",)
    assert entrances(Zone("public", interfaces=("eth0",)), Zone("home")) == ("public",)
    assert entrances(work, Zone("lan", sources=("192.0.2.0/24",))) == ("work", "lan")
    assert entrances(work, Zone("docker", "ACCEPT", ("docker0",))) == ("work",), "open to all"
    assert entrances(work, Zone("drop", "DROP", sources=("192.0.2.1",))) == ("work",), "a ban"
    assert entrances(Zone("drop", "DROP", ("eth0",))) == ("drop",), "shut to all but what is opened"


def of_firewalld(
    runtime: Zone, permanent: Zone, service: str | None = SERVICE, *more: Zone
) -> Firewalld:
    return firewalld.seen(
        (runtime, *more), (permanent, *more), service, "public", ("eth0",), active=True
    )


def test_what_is_open_in_firewalld() -> None:
    bare = Zone("public", interfaces=("eth0",))
    named = Zone("public", interfaces=("eth0",), service=True)
    ruled = Zone("public", interfaces=("eth0",), rules=(UDP, TCP))
    assert of_firewalld(bare, bare, None).opened is None
    assert of_firewalld(bare, bare).opened == Ports(), "the service is left, and opens nothing"
    assert of_firewalld(ruled, named).lets_in(PORTS)
    assert not of_firewalld(ruled, named).lets_in(OTHERS)
    assert of_firewalld(named, named).lets_in(PORTS), "after a reload"
    assert of_firewalld(ruled, ruled).lets_in(PORTS), "after --runtime-to-permanent"
    for runtime, permanent in ((bare, named), (ruled, bare)):
        half = of_firewalld(runtime, permanent)
        assert (half.opened, half.everywhere) == (PORTS, False)
    lan = Zone("lan", sources=("192.0.2.0/24",))
    assert not of_firewalld(ruled, named, SERVICE, lan).everywhere


def test_firewalld_is_never_reloaded() -> None:
    """It would drop what the admin has opened at runtime."""
    named = Zone("public", interfaces=("eth0",), service=True)
    ruled = Zone("public", interfaces=("eth0",), rules=(UDP, TCP))
    found = of_firewalld(ruled, named)
    assert all("--reload" not in command for command in (*found.opening(PORTS), *found.closing()))
    assert found.closing()[-1] == ("firewall-cmd", "--permanent", "--delete-service=cmp-bundle")
    off = firewalld.seen((), (named,), SERVICE, "", (), active=False)
    assert off.closing() == (
        ("firewall-offline-cmd", "--zone=public", "--remove-service-from-zone=cmp-bundle"),
        ("firewall-offline-cmd", "--delete-service=cmp-bundle"),
    )


RULES = """\
### tuple ### allow tcp 8089 0.0.0.0/0 any 0.0.0.0/0 cmp-bundle - in
### tuple ### allow udp 10000:20000 0.0.0.0/0 any 0.0.0.0/0 cmp-bundle - in
"""
NOT_OURS = """\
### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in comment=666f7220636d702d62756e646c65
### tuple ### allow tcp 8089 0.0.0.0/0 any 192.0.2.1 cmp-bundle - in
### tuple ### allow tcp 8089 0.0.0.0/0 any 0.0.0.0/0 cmp-bundle - in_eth0
### tuple ### allow tcp 8089 0.0.0.0/0 any 0.0.0.0/0 cmp-bundle-2 - in
### tuple ### deny tcp 8089 0.0.0.0/0 any 0.0.0.0/0 cmp-bundle - in
"""


def test_the_rules_of_ufw() -> None:
    assert ufw.rules(NOT_OURS) is None
    assert ufw.rules(NOT_OURS + RULES) == PORTS
    assert b"ports=8089/tcp|10000:20000/udp\n" in ufw.application(PORTS)


@pytest.fixture
def etc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ufw's and firewalld's files, of which there are none."""
    monkeypatch.setattr(ufw, "APPLICATION", tmp_path / "application")
    monkeypatch.setattr(ufw, "_RULES", tmp_path / "user.rules")
    monkeypatch.setattr(ufw, "_RULES_6", tmp_path / "user6.rules")
    monkeypatch.setattr(firewalld, "SERVICE", tmp_path / "service.xml")
    monkeypatch.setattr(firewalls, "_NFTABLES_CONF", (tmp_path / "nftables.conf",))
    return tmp_path


def answers(monkeypatch: pytest.MonkeyPatch, **by_program: str) -> None:
    monkeypatch.setattr(
        system_program, "answer", lambda *command: by_program.get(command[0].replace("-", "_"))
    )


def test_ufw_on_and_off(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, ufw="Status: inactive\n")
    assert firewalls.look() == ()
    (etc / "application").write_text("[cmp-bundle]\n")
    (left,) = firewalls.look()
    assert (str(left), left.opened) == ("ufw, which is off", Ports())
    (etc / "user.rules").write_text(RULES)
    (etc / "user6.rules").write_text(RULES.replace("0.0.0.0/0", "::/0"))
    answers(monkeypatch, ufw="Status: active\n\nTo  Action  From\n")
    (found,) = firewalls.look()
    assert (found.active, found.lets_in(PORTS)) == (True, True)
    (etc / "user6.rules").write_text(RULES.replace("0.0.0.0/0", "::/0").replace("8089", "443"))
    (found,) = firewalls.look()
    assert str(found.opened) == "443/tcp and 8089/tcp and 10000-20000/udp"
    assert not found.everywhere


def test_what_cannot_be_asked_is_told(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch)
    assert list(firewalls.remains(firewalls.look())) == []
    for name in ("application", "service.xml", "nftables.conf"):
        (etc / name).write_text("cmp-bundle")
    service, application, conf = firewalls.remains(firewalls.look())
    assert service.startswith(f"{etc}/service.xml is there, and firewalld cannot be asked")
    assert application.startswith(f"{etc}/application is there, and ufw cannot be asked")
    assert conf.startswith(f"{etc}/nftables.conf names cmp-bundle: remove those lines")
    answers(monkeypatch, ufw="Status: inactive\n", firewall_offline_cmd="")
    assert list(firewalls.remains(firewalls.look())) == [conf]


def test_the_rules_of_nftables() -> None:
    assert nftables.seen([]) is None
    shut = nftables.seen(ruleset({}))
    assert shut is not None
    assert (shut.opened, shut.chains, shut.active) == (None, (CHAIN,), True)
    both = ruleset({"7": "tcp 8089", "8": "udp 10000-20000"})
    opened = nftables.seen(both)
    assert opened is not None
    assert opened.lets_in(PORTS)
    assert opened.closing()[0] == ("nft", "delete", "rule", *CHAIN, "handle", "7")
    second = {"chain": {**both[1]["chain"], "name": "second"}}
    half = nftables.seen([*both, second])
    assert half is not None
    assert (half.opened, half.everywhere) == (PORTS, False)
    left = nftables.seen([{"rule": rule("7", "tcp 8089") | {"expr": [{"drop": None}]}}])
    assert left is not None
    assert (left.opened, left.active) == (Ports(), False)


def test_the_first_at_work_decides(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ufw and firewalld make rules of nftables."""
    nft = FakeNft()
    monkeypatch.setattr(
        system_program,
        "answer",
        lambda *command: "Status: active" if command[0] == "ufw" else nft.answer(*command),
    )
    assert [str(one) for one in firewalls.look()] == ["ufw"]
    nft.rules["1"] = "tcp 8089"
    assert [str(one) for one in firewalls.look()] == ["ufw", "nftables"]
    at_work = firewalls.at_work(firewalls.look())
    assert at_work is not None
    assert at_work.kind == "ufw"
    assert not (etc / "application").exists()


@pytest.fixture
def nft(monkeypatch: pytest.MonkeyPatch) -> FakeNft:
    fake = FakeNft()
    monkeypatch.setattr(system_program, "answer", fake.answer)
    return fake


def test_a_change_there_and_back(nft: FakeNft) -> None:
    step = FirewallChange("nftables", None, PORTS)
    assert FirewallChange.from_json(step.to_json()) == step
    step.carry_out(Disk(), NoService())
    assert nft.opened == {"tcp 8089", "udp 10000-20000"}
    other = FirewallChange("nftables", PORTS, OTHERS)
    other.carry_out(Disk(), NoService())
    assert nft.opened == {"tcp 443", "udp 5000-31000"}
    other.undo(Disk(), NoService())
    assert nft.opened == {"tcp 8089", "udp 10000-20000"}
    del nft.rules[next(iter(nft.rules))]
    step.undo(Disk(), NoService())
    assert nft.opened == set()


def test_what_cannot_be_closed_is_an_error(nft: FakeNft) -> None:
    FirewallChange("nftables", None, PORTS).carry_out(Disk(), NoService())
    nft.stubborn = True
    step = FirewallChange("nftables", PORTS, None)
    with pytest.raises(CmpBundleError, match=r"cannot be closed for 8089/tcp and .* failed$"):
        step.carry_out(Disk(), NoService())
    step.undo(Disk(), NoService())
    assert nft.opened == {"tcp 8089", "udp 10000-20000"}, "as it was"
    with pytest.raises(CmpBundleError, match="cannot be closed"):
        FirewallChange("nftables", None, PORTS).undo(Disk(), NoService())


def test_what_cannot_be_asked_is_not_closed(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch)
    step = FirewallChange("ufw", PORTS, None)
    step.carry_out(Disk(), NoService())
    (etc / "application").write_text("[cmp-bundle]\n")
    with pytest.raises(CmpBundleError, match="ufw cannot be asked what it lets in"):
        step.carry_out(Disk(), NoService())
    # Asked once, and then no more.
    (etc / "user.rules").write_text(RULES)
    asked = iter((Ufw("ufw", opened=PORTS), None))
    monkeypatch.setitem(firewalls._KINDS, "ufw", lambda: next(asked))
    with pytest.raises(CmpBundleError, match=r"lets in: ufw --force delete .* failed$"):
        step.carry_out(Disk(), NoService())
    assert (etc / "application").exists()


def test_ufw_says_yes_and_does_nothing(etc: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It exits with 0 where it deleted no rule."""
    (etc / "user.rules").write_text(RULES)
    answers(monkeypatch, ufw="Status: inactive\n")
    step = FirewallChange("ufw", PORTS, None, off=True)
    with pytest.raises(
        CmpBundleError,
        match=r"^ufw, which is off, cannot be closed for 8089/tcp and 10000-20000/udp$",
    ):
        step.carry_out(Disk(), NoService())
    step.undo(Disk(), NoService())


def test_what_is_gone_is_not_opened_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_program, "answer", lambda *_: None)
    step = FirewallChange("nftables", PORTS, None)
    step.carry_out(Disk(), NoService())
    with pytest.raises(LeftError, match="it is not at work"):
        step.undo(Disk(), NoService())
    with pytest.raises(CmpBundleError, match="it is not at work"):
        FirewallChange("nftables", None, PORTS).carry_out(Disk(), NoService())


def test_a_step_of_nobody() -> None:
    known = FirewallChange("ufw", None, PORTS).to_json()
    for value in ({"firewall": "other"}, {"before": [1]}, {"after": "8089/tcp"}, {"off": 1}):
        with pytest.raises((ValueError, TypeError)):
            FirewallChange.from_json(known | value)


def test_programs_are_asked_in_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ufw's "Status: active" is translated, and root's PATH may have folders of others."""
    monkeypatch.setenv("LANG", "fr_FR.UTF-8")
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    monkeypatch.setenv("PATH", str(tmp_path))
    shown = (system_program.answer("env") or "").splitlines()
    assert sorted(shown) == ["LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
    assert system_program.answer("false") is None
    assert system_program.answer("no-such-program") is None


#: As ufw 0.36 keeps them: an application's, one for some alone, one for what goes out.
UFW = """\
### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in comment=73736820
### tuple ### allow tcp 80,443 0.0.0.0/0 any 0.0.0.0/0 Nginx%20Full - in
### tuple ### allow any 5060:5070 0.0.0.0/0 any 10.0.0.0/8 in
### tuple ### limit tcp 2222 0.0.0.0/0 any 0.0.0.0/0 in_eth1
### tuple ### deny tcp 9000 0.0.0.0/0 any 0.0.0.0/0 in
### tuple ### allow tcp 9100 0.0.0.0/0 any 0.0.0.0/0 out
### tuple ### route:allow tcp 9200 0.0.0.0/0 any 0.0.0.0/0 in
"""
DROP = 'IPV6=yes\nDEFAULT_INPUT_POLICY="DROP"\n'


@pytest.mark.parametrize(
    ("port", "passes"),
    [
        ("22/tcp", True), ("443/tcp", True), ("8089/tcp", False), ("9100/tcp", False),
        ("9200/tcp", False), ("5061/udp", None), ("2222/tcp", None), ("22/udp", False),
    ],
)  # fmt: skip
def test_recorded_what_ufw_lets_in(port: str, passes: bool | None) -> None:
    one = Range.parsed(port)
    assert one is not None
    assert ufw.gate(UFW, DROP).passes(one) is passes
    assert ufw.gate(UFW, "").passes(one) is not False, "what becomes of the rest is not known"


def test_recorded_what_firewalld_lets_in() -> None:
    def passes(listed: str, port: str) -> bool | None:
        found = tuple(firewalld.zones(listed))
        seen = firewalld.seen(found, found, None, "public", ["eth0"], active=True)
        one = Range.parsed(port)
        assert one is not None
        return seen.passes(one)

    zone = (
        "public (active)\n  target: default\n  interfaces: eth0\n  services: ssh {}\n  ports: {}\n"
    )
    assert passes(zone.format("", "8089/tcp"), "8089/tcp") is True
    assert passes(zone.format("", "8000-9000/tcp"), "8089/tcp") is True
    assert passes(zone.format("https", ""), "443/tcp") is True
    assert passes(zone.format("https", ""), "8089/tcp") is False
    assert passes(zone.format("of-my-own", ""), "8089/tcp") is None
    rich = '  rich rules:\n\trule family="ipv4" source address="10.0.0.0/8" accept\n'
    assert passes(zone.format("", "") + rich, "8089/tcp") is None
    assert passes(ZONES, "8089/tcp") is True
    assert passes(ZONES, "8443/tcp") is None, "by another's rule for a service"


NFT = """
{{"nftables": [
 {{"chain": {{"family": "inet", "table": "f", "name": "in", "hook": "input", "type": "filter",
   "prio": 0, "policy": "drop"}}}},
 {}
]}}
"""
RULE = '{{"rule": {{"family": "inet", "table": "f", "chain": "in", "handle": 4, "expr": [{}]}}}}'
_STATE = (
    '{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established", "related"]}}'
)
_LO = '{"match": {"op": "==", "left": {"meta": {"key": "iif"}}, "right": "lo"}}'
_ICMP = '{"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": {"set": ["icmp", "ipv6-icmp"]}}}'
_PORT = '{"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": %s}}'
_FROM = '{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "10.0.0.1"}}'
_YES = '{"accept": null}'


@pytest.mark.parametrize(
    ("rules", "passes"),
    [
        ([], False),
        ([(_LO, _YES), (_STATE, _YES), (_ICMP, _YES)], False),
        ([(_PORT % "22", _YES)], False),
        ([(_PORT % "8089", _YES)], True),
        ([(_PORT % "8089", '{"counter": {"packets": 0, "bytes": 0}}', _YES)], True),
        ([(_PORT % '{"set": [80, 8089]}', _YES)], True),
        ([(_PORT % '{"set": [{"range": [8000, 9000]}]}', _YES)], True),
        ([(_PORT % '{"range": [1, 1023]}', _YES)], False),
        ([(_FROM, _PORT % "8089", _YES)], None),
        ([(_FROM, _YES)], None),
        ([(_FROM, '{"drop": null}')], False),
        ([('{"jump": {"target": "mine"}}',)], None),
        ([('{"xt": {"type": "match", "name": "tcp"}}', _YES)], None),
        ([(_PORT % '"@mine"', _YES)], None),
        ([('{"drop": null}',), (_PORT % "8089", _YES)], False),
    ],
)
def test_recorded_what_nftables_lets_in(rules: list[tuple[str, ...]], passes: bool | None) -> None:
    text = NFT.format(",".join(RULE.format(",".join(parts)) for parts in rules) or "{}")
    found = nftables.seen(json.loads(text)["nftables"])
    assert found is not None
    assert found.passes(TCP) is passes


def test_as_text() -> None:
    assert str(Firewall("ufw")) == "ufw"
    change = FirewallChange("ufw", PORTS, None, off=True).described()
    assert (change.path, change.after) == ("firewall (ufw, which is off)", "closed")
