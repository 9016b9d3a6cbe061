"""What an authority may vouch for, and that whoever believes it holds it to that."""

from __future__ import annotations

import ipaddress
import platform
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.tls import machine
from cmp_bundle.tls.authority import Authority
from cmp_bundle.tls.bounds import PRIVATE, PRIVATE_NETWORKS, Bounds, around, bounds_of
from cmp_bundle.tls.hosts import host, hosts
from cmp_bundle.tls.leaf import issue

from .made import NOW, an_authority, odd

ASKED = "203.0.113.9"


def believed(authority: Authority, *names: str) -> bool:
    """What ``openssl verify`` says of a leaf that was signed with the authority's own key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = authority.anchor.path.parent
    leaf = folder / "forged.pem"
    leaf.write_bytes(odd(*names, signer=authority)[1])
    command = ["openssl", "verify", "-CAfile", str(authority.anchor.path), str(leaf)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or "subtree violation" in done.stderr, done
    return done.returncode == 0


# What 0.1.0 let pass: a host of one label, and any address ----------------------------------------


@pytest.mark.parametrize("name", ["dev", "app", "box", "cloud"])
def test_a_host_called_like_a_top_level_domain(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can have a certificate, and no name below it can, for which others pay."""
    monkeypatch.setattr(platform, "node", lambda: name)
    authority = an_authority(tmp_path)
    assert believed(authority, name)
    assert believed(authority, f"{name}.local")
    assert issue(authority, hosts([name]), NOW).covers(host(name))
    for below in (f"bank.{name}", f"*.{name}", f"a.b.{name}", f"BANK.{name.upper()}"):
        assert not believed(authority, below), below
        assert not believed(authority, name, below), below
    with pytest.raises(CmpBundleError, match=f"cannot sign for bank.{name}") as caught:
        issue(authority, hosts([f"bank.{name}"]), NOW)
    assert f"certs ca --new --allow bank.{name}" in str(caught.value.hint)


def test_asked_for_by_hand_it_is_no_domain_either(tmp_path: Path) -> None:
    authority = an_authority(tmp_path, "com")
    assert believed(authority, "com")
    assert not believed(authority, "bank.com")


@pytest.mark.parametrize(
    "address", ["203.0.113.7", "8.8.8.8", "172.32.0.1", "2001:db8::7", "::ffff:8.8.8.8", "64.0.0.1"]
)
def test_a_public_address(address: str, tmp_path: Path) -> None:
    authority = an_authority(tmp_path, ASKED)
    assert not believed(authority, address)
    assert not believed(authority, "localhost", address)
    with pytest.raises(CmpBundleError, match="cannot sign for") as caught:
        issue(authority, hosts([address]), NOW)
    assert f"certs ca --new --allow {host(address)}" in str(caught.value.hint)
    (tmp_path / "other").mkdir()
    assert believed(an_authority(tmp_path / "other", address), address)


@pytest.mark.parametrize(
    "address",
    [ASKED, "127.0.0.1", "127.8.9.1", "10.1.2.3", "172.31.0.1", "192.168.7.1", "100.100.1.2",
     "169.254.1.2", "::1", "fd00::7", "fe80::1"],
)  # fmt: skip
def test_private_addresses_and_the_one_asked_for(address: str, tmp_path: Path) -> None:
    authority = an_authority(tmp_path, ASKED)
    assert believed(authority, address)
    assert issue(authority, hosts([address]), NOW).covers(host(address))


LABELS = st.sampled_from(["dev", "lan", "bank", "example", "com", "a"])
NAMES = st.lists(LABELS, min_size=1, max_size=3).map(".".join)
ADDRESSES = st.one_of(
    st.ip_addresses(v=4),
    st.ip_addresses(v=6),
    st.sampled_from([n.network_address for n in PRIVATE_NETWORKS]).flatmap(
        lambda a: st.sampled_from([a + 1, a - 1] if int(a) > 1 else [a])
    ),
).map(str)


@pytest.mark.slow
@settings(max_examples=40)  # each starts a program
@given(names=st.lists(st.one_of(NAMES, ADDRESSES), min_size=1, max_size=3))
def test_what_is_refused_here_is_what_openssl_refuses(
    names: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp() / "openssl-agrees"
    folder.mkdir(exist_ok=True)
    authority = an_authority(folder, "dev", "example.com", ASKED)
    bounds = authority.anchor.bounds
    names = [n for n in names if not _nobody_s(n)]
    if names:
        assert believed(authority, *names) is all(bounds.allow(host(n)) for n in names)


def _nobody_s(text: str) -> bool:
    try:
        host(text)
    except CmpBundleError:
        return True
    return False


# How they are made --------------------------------------------------------------------------------


def test_what_is_always_in() -> None:
    made = around(())
    assert made == Bounds(PRIVATE, PRIVATE_NETWORKS)
    assert made.bounded
    assert made.alone == ()


def test_one_label_is_held_alone() -> None:
    made = around(hosts(["dev", "pbx.example.com", "x.lan"]))
    assert made.alone == ("dev",)
    assert made.excluded == (".dev",)
    assert made.domains == (*PRIVATE, "pbx.example.com")
    assert made.bounded


def test_one_label_and_a_name_below_it() -> None:
    """The exclusion of all below would be stronger: so one of them has to go, and is told."""
    with pytest.raises(CmpBundleError, match=r"for dev alone and also for pbx\.dev") as caught:
        around(hosts(["dev", "pbx.dev"]))
    assert "dev.local" in str(caught.value.hint)
    made = around(hosts(["pbx.dev"]), hosts(["dev", "dev.local"]))
    assert made.allow(host("pbx.dev"))
    assert not made.allow(host("dev")), "the machine's name gives way"
    assert not made.allow(host("bank.dev"))


def test_each_address_once() -> None:
    made = around(hosts([ASKED, "10.0.0.1", ASKED, "2001:db8::7"]))
    added = (made.networks or ())[len(PRIVATE_NETWORKS) :]
    assert [str(n) for n in added] == [f"{ASKED}/32", "2001:db8::7/128"]


@given(st.lists(st.one_of(NAMES, ADDRESSES), max_size=5))
def test_made_again_they_are_the_same(texts: list[str]) -> None:
    wanted = [host(t) for t in texts if not _nobody_s(t)]
    made = around((), wanted)
    assert made.bounded
    assert all(made.allow(h) for h in wanted if h.address is not None)


def test_read_from_a_certificate(tmp_path: Path) -> None:
    made = an_authority(tmp_path, "dev", "example.com", ASKED)
    expected = around(hosts(["dev", "example.com", ASKED]), machine.names())
    assert bounds_of(made.anchor.certificate) == expected
    assert made.anchor.bounds.bounded


@pytest.mark.parametrize(
    "odd_one",
    [
        Bounds(),
        Bounds(PRIVATE),
        Bounds(None, PRIVATE_NETWORKS),
        Bounds((*PRIVATE, "com"), PRIVATE_NETWORKS),
        Bounds((*PRIVATE, ""), PRIVATE_NETWORKS),
        Bounds((*PRIVATE, ".com"), PRIVATE_NETWORKS),
        Bounds((*PRIVATE, "*.example.com"), PRIVATE_NETWORKS),
        Bounds(PRIVATE, (*PRIVATE_NETWORKS, ipaddress.ip_network("0.0.0.0/0"))),
        Bounds(PRIVATE, (*PRIVATE_NETWORKS, ipaddress.ip_network("203.0.113.0/24"))),
        Bounds(PRIVATE, PRIVATE_NETWORKS, (".com",)),
        Bounds(PRIVATE, (ipaddress.ip_network("10.0.0.0/8"),)),
    ],
    ids=str,
)
def test_bounds_of_another_form(odd_one: Bounds) -> None:
    assert not odd_one.bounded


# As they are told ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        (Bounds(), "any name; any address"),
        (Bounds(("example.com",)), "example.com and all below; any address"),
        (Bounds(("",), ()), "any name; no address"),
        (Bounds(("a.example", "dev"), (*PRIVATE_NETWORKS, ipaddress.ip_network("203.0.113.7")),
                (".dev",)),
         "a.example and all below; dev and nothing below; private addresses; 203.0.113.7"),
        (Bounds(None, (ipaddress.ip_network("203.0.113.0/24"),), ("gov",)),
         "any name; not gov; 203.0.113.0/24"),
        (Bounds(("a\x1b[2Jb",)), "a\N{REPLACEMENT CHARACTER}[2Jb and all below; any address"),
        (Bounds(tuple(f"{n}.example" for n in range(1000))),
         ", ".join(f"{n}.example" for n in range(20)) + " and 980 more and all below; any address"),
    ],
)  # fmt: skip
def test_for_people(bounds: Bounds, said: str) -> None:
    assert str(bounds) == said
