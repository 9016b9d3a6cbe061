"""What is worth a word before one certificate is put in another's place."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.checks.certificate_change import (
    ends_soon,
    fewer_names,
    incomplete,
    other_names,
    share_left,
)
from cmp_bundle.findings import Level
from cmp_bundle.tls.hosts import host
from cmp_bundle.tls.leaf import Leaf, parsed
from tests.unit.tls.lineage import issued
from tests.unit.tls.made import DAY, NOW, a_leaf, odd, the_authority

FILE = Path("fullchain.pem")


def leaf(certificates: bytes, key: bytes) -> Leaf:
    return parsed((certificates, key), (FILE, Path("privkey.pem")))


def test_a_chain_that_is_whole() -> None:
    key, own, intermediate = issued("pbx.example")
    assert incomplete(leaf(own + intermediate, key), FILE) is None
    self_signed = odd("pbx.example")
    assert incomplete(leaf(self_signed[1], self_signed[0]), FILE) is None
    assert incomplete(a_leaf(the_authority(), "pbx.example"), FILE) is None, "no one stands between"


def test_a_chain_that_lacks_something() -> None:
    key, own, intermediate = issued("pbx.example")
    alone = incomplete(leaf(own, key), FILE)
    assert alone
    assert alone.level is Level.WARNING
    assert "the certificate of Test E5, which signed it, is missing" in alone.message
    assert "fullchain.pem" in str(alone.hint)
    other = the_authority().anchor.pem
    for wrong in (own + other, own + intermediate + other, own + other + intermediate):
        found = incomplete(leaf(wrong, key), FILE)
        assert found
        assert "is not signed by" in found.message


def test_the_chain_comes_with_it() -> None:
    key, own, intermediate = issued("pbx.example")
    again = leaf(own + intermediate, key)
    assert again.pem.endswith(own + intermediate)
    assert leaf(again.pem, again.pem).pem == again.pem


def test_what_should_have_been_renewed() -> None:
    key, own, _ = issued("pbx.example", begin=NOW - 61 * DAY, end=NOW + 29 * DAY)
    found = ends_soon(leaf(own, key), FILE, NOW)
    assert found
    assert f"{NOW + 29 * DAY:%Y-%m-%d}" in found.message
    assert ends_soon(leaf(own, key), FILE, NOW - 2 * DAY) is None


@given(st.integers(1, 10_000), st.integers(-10_000, 20_000))
def test_a_share_is_one(lifetime: int, at: int) -> None:
    _, own, _ = issued("pbx.example", begin=NOW, end=NOW + lifetime * DAY)
    certificate = x509.load_pem_x509_certificate(own)
    assert 0 <= share_left(certificate, NOW + at * DAY) <= 1
    assert share_left(certificate, NOW) == 1
    assert share_left(certificate, NOW + lifetime * DAY) == 0


@pytest.mark.parametrize(
    ("names", "hosts", "missing", "other"),
    [
        (["pbx.example"], ["pbx.example"], [], False),
        (["PBX.Example"], ["pbx.example"], [], False),
        (["*.example"], ["pbx.example", "a.b.example"], ["a.b.example"], False),
        (["pbx.example"], ["pbx.example", "192.0.2.1"], ["192.0.2.1"], False),
        (["b.example"], ["pbx.example", "::1"], ["pbx.example", "::1"], True),
    ],
)
def test_for_whom(names: list[str], hosts: list[str], missing: list[str], *, other: bool) -> None:
    key, own = odd(*names)
    wanted = [host(text) for text in hosts]
    fewer = fewer_names(leaf(own, key), FILE, wanted)
    assert bool(fewer) == bool(missing)
    if fewer:
        assert f"is not for {', '.join(missing)}:" in fewer.message
    found = other_names(leaf(own, key), FILE, wanted)
    assert bool(found) == other
    if found:
        assert found.level is Level.ERROR
