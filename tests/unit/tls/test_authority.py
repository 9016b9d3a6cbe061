"""The local authority: what it may do, where its key is, and that nothing replaces it."""

from __future__ import annotations

import datetime as dt
import ipaddress
import multiprocessing
import os
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk
from cmp_bundle.tls import machine
from cmp_bundle.tls.anchor import CERTIFICATE, anchor_in
from cmp_bundle.tls.authority import KEY, Authority, authority_in, ensure, renew, usage
from cmp_bundle.tls.bounds import PRIVATE, PRIVATE_NETWORKS, Bounds
from cmp_bundle.tls.desktop_user import desktop_user
from cmp_bundle.tls.hosts import host, hosts

from .made import DAY, NOW, Cut, a_leaf, an_authority, cut_at, odd, private, steps_of
from .serving import handshake


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def content(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_what_it_is(tmp_path: Path) -> None:
    made = an_authority(tmp_path, "pbx.example.com", "*.pbx.example.com", "192.0.2.7")
    extensions = made.anchor.certificate.extensions
    bounds = extensions.get_extension_for_class(x509.BasicConstraints)
    assert bounds.critical
    assert bounds.value == x509.BasicConstraints(ca=True, path_length=0)
    uses = extensions.get_extension_for_class(x509.KeyUsage)
    assert uses.critical
    assert uses.value == usage(key_cert_sign=True, crl_sign=True)
    purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]
    names = extensions.get_extension_for_class(x509.NameConstraints)
    assert names.critical
    own = {h.domain for h in machine.names()}
    assert set(made.anchor.bounds.permitted or ()) <= {*PRIVATE, *own, "pbx.example.com"}
    assert {*PRIVATE, "pbx.example.com"} <= set(made.anchor.bounds.domains or ())
    asked = ipaddress.ip_network("192.0.2.7/32")
    assert made.anchor.bounds.networks == (*PRIVATE_NETWORKS, asked)
    assert isinstance(made.key, ec.EllipticCurvePrivateKey)
    assert made.key.curve.name == "secp256r1"
    assert made.anchor.not_after - NOW > dt.timedelta(days=3600)
    assert made.fresh
    assert desktop_user().name in made.anchor.name
    assert made.anchor.signed(made.anchor.certificate)


def test_the_key_is_shown_nowhere(tmp_path: Path) -> None:
    """Neither in what is handed out nor in a traceback's values."""
    made = an_authority(tmp_path)
    assert "PrivateKey" not in repr(made)
    assert b"PRIVATE" not in made.anchor.pem


def test_where_it_is(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        an_authority(tmp_path)
    finally:
        os.umask(before)
    folder = tmp_path / "certs"
    assert mode(folder) == 0o700
    assert sorted(p.name for p in folder.iterdir()) == [KEY, CERTIFICATE]
    assert mode(folder / KEY) == 0o600
    assert mode(folder / CERTIFICATE) == 0o644


def test_each_step_alone_shows_the_key_to_nobody(tmp_path: Path) -> None:
    """At every moment at which it could be cut off, whatever holds a key is 0600."""
    seen: list[tuple[str, Path, int]] = []

    def look(step: str, path: Path) -> None:
        files = (tmp_path / "certs").glob(".*")
        seen.extend((step, path, mode(f)) for f in files if b"PRIVATE" in f.read_bytes())

    ensure(tmp_path / "certs", (), NOW, Disk(look))
    assert seen
    assert {bits for _, _, bits in seen} == {0o600}


def test_it_is_made_once(tmp_path: Path) -> None:
    made = an_authority(tmp_path)
    before = content(tmp_path / "certs")
    again = an_authority(tmp_path, "other.example")
    assert not again.fresh
    assert again.anchor == made.anchor
    assert content(tmp_path / "certs") == before


def _make(folder: Path) -> bytes:
    return ensure(folder, (), NOW, Disk()).anchor.pem


@pytest.mark.slow
def test_two_at_once_get_the_same(tmp_path: Path) -> None:
    """Processes, that is, as two commands are; each finds no folder at first."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(3) as pool:
        waiting = [pool.apply_async(_make, (tmp_path / "certs",)) for _ in range(6)]
        made = {each.get(60) for each in waiting}
    assert made == {(tmp_path / "certs" / CERTIFICATE).read_bytes()}
    assert authority_in(tmp_path / "certs", NOW) is not None


def test_cut_off_at_every_step_the_next_run_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    steps = steps_of(lambda disk: ensure(tmp_path / "whole", (), NOW, disk))
    assert len(steps) >= 11
    for number in range(len(steps)):
        folder = tmp_path / f"cut-{number}"
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / f"state-{number}"))
        with pytest.raises(Cut):
            ensure(folder, (), NOW, cut_at(number))
        made = ensure(folder, (), NOW, Disk())
        assert made.fresh
        found = authority_in(folder, NOW)
        assert found is not None
        assert found.anchor == made.anchor
        assert sorted(p.name for p in folder.iterdir()) == [KEY, CERTIFICATE]


def test_renewed_and_cut_off_at_every_step(tmp_path: Path) -> None:
    """Never a key beside another's certificate."""
    an_authority(tmp_path)
    for number in range(len(steps_of(lambda disk: renew(tmp_path / "certs", (), NOW, disk)))):
        with pytest.raises(Cut):
            renew(tmp_path / "certs", (), NOW, cut_at(number))
        ensure(tmp_path / "certs", (), NOW, Disk())


def test_a_new_one_has_another_name_and_key(tmp_path: Path) -> None:
    """NSS keeps one nickname for all certificates of one subject."""
    old = an_authority(tmp_path)
    new = renew(tmp_path / "certs", hosts(["pbx.example.com"]), NOW, Disk())
    assert new.anchor.name != old.anchor.name
    assert new.key.public_key() != old.key.public_key()
    assert "pbx.example.com" in (new.anchor.bounds.domains or ())
    assert not new.anchor.signed(a_leaf(old, "localhost").certificate)


def test_the_most_general_domain_stands_for_those_below_it(tmp_path: Path) -> None:
    made = an_authority(tmp_path, "a.b.example", "b.example", "pbx.lan", "xb.example")
    domains = made.anchor.bounds.domains or ()
    assert [d for d in domains if "example" in d] == ["b.example", "xb.example"]
    assert "pbx.lan" not in domains
    for name, may in {
        "b.example": True, "c.b.example": True, "*.b.example": True, "*.c.b.example": True,
        "yb.example": False, "example": False, "*.example.com": False, "pbx.lan": True,
        "localhost": True, "com": False, "192.0.2.99": False, "2001:db8::1": False,
        "192.168.7.1": True, "fd00::7": True,
    }.items():  # fmt: skip
        assert made.anchor.bounds.allow(host(name)) is may, name


def test_the_key_alone_is_taken_up(tmp_path: Path) -> None:
    """What a run leaves behind that was cut off after it; a certificate may be lost, too."""
    made = an_authority(tmp_path)
    (tmp_path / "certs" / CERTIFICATE).unlink()
    again = an_authority(tmp_path)
    assert again.fresh
    assert private(again.key) == private(made.key)


def test_without_its_key(tmp_path: Path) -> None:
    an_authority(tmp_path)
    (tmp_path / "certs" / KEY).unlink()
    before = content(tmp_path / "certs")
    with pytest.raises(CmpBundleError, match="key is missing") as caught:
        an_authority(tmp_path)
    assert "--new" in str(caught.value.hint)
    assert content(tmp_path / "certs") == before
    assert anchor_in(tmp_path / "certs") is not None


def test_with_another_key(tmp_path: Path) -> None:
    an_authority(tmp_path)
    key = tmp_path / "certs" / KEY
    key.write_bytes(odd()[0])
    with pytest.raises(CmpBundleError, match="do not belong together") as caught:
        an_authority(tmp_path)
    assert caught.value.file == str(key)


def test_a_key_of_another_kind_is_not_taken_up(tmp_path: Path) -> None:
    folder = tmp_path / "certs"
    folder.mkdir(mode=0o700)
    (folder / KEY).write_bytes(private(ed25519.Ed25519PrivateKey.generate()))
    (folder / KEY).chmod(0o600)
    with pytest.raises(CmpBundleError, match="neither EC nor RSA"):
        an_authority(tmp_path)


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o620, 0o602, 0o660])
def test_a_key_that_others_can_reach(bits: int, tmp_path: Path) -> None:
    an_authority(tmp_path)
    (tmp_path / "certs" / KEY).chmod(bits)
    with pytest.raises(CmpBundleError, match="other users can read or change") as caught:
        an_authority(tmp_path)
    assert f"chmod 600 {tmp_path / 'certs' / KEY}" in str(caught.value.hint)


def test_a_folder_that_everybody_writes_into(tmp_path: Path) -> None:
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs").chmod(0o777)
    with pytest.raises(CmpBundleError, match="everybody can write"):
        an_authority(tmp_path)
    assert not list((tmp_path / "certs").iterdir())


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(CmpBundleError, match="this folder does not exist") as caught:
        an_authority(tmp_path / "none")
    assert caught.value.file == str(tmp_path / "none")
    (tmp_path / "certs").write_text("a file")
    with pytest.raises(CmpBundleError):
        an_authority(tmp_path)


@pytest.mark.parametrize(("days", "said"), [(-2, "begins only on"), (3650, "expired on")])
def test_at_the_wrong_time(days: int, said: str, tmp_path: Path) -> None:
    an_authority(tmp_path)
    with pytest.raises(CmpBundleError, match=said) as caught:
        an_authority(tmp_path, now=NOW + days * DAY)
    assert caught.value.hint


def test_what_is_no_authority(tmp_path: Path) -> None:
    folder = tmp_path / "certs"
    folder.mkdir(mode=0o700)
    (folder / CERTIFICATE).write_bytes(odd("pbx.example")[1])
    with pytest.raises(CmpBundleError, match="not a certificate of an authority"):
        an_authority(tmp_path)


def test_one_from_elsewhere_without_bounds(tmp_path: Path) -> None:
    """An office may bring its own, of which nothing is as ours would be."""
    folder = tmp_path / "certs"
    folder.mkdir(mode=0o700)
    key = ec.generate_private_key(ec.SECP384R1())
    office = x509.Name.from_rfc4514_string("O=Office,C=DE")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(office)
        .issuer_name(office)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + 100 * DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage(key_cert_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier(b"office"), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / CERTIFICATE).write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / KEY).write_bytes(private(key))
    (folder / KEY).chmod(0o600)
    found = an_authority(tmp_path)
    assert not found.fresh
    assert found.anchor.bounds == Bounds()
    assert found.anchor.name == "O=Office,C=DE"
    made = a_leaf(found, "pbx.example.com")
    assert made.not_after == found.anchor.not_after, "it ends with its authority"
    pointer = made.certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier)
    assert pointer.value.key_identifier == b"office"
    handshake(made.pem, found.anchor.pem, "pbx.example.com")


def test_browsers_would_hold_it_to_its_bounds(tmp_path: Path) -> None:
    """OpenSSL does, as they do: what ``issue`` refuses to make is worth nothing anyway."""
    authority = an_authority(tmp_path, "pbx.example")
    handshake(forged(authority, "pbx.example"), authority.anchor.pem, "pbx.example")
    with pytest.raises(ssl.SSLError, match="permitted subtree violation"):
        handshake(forged(authority, "bank.com"), authority.anchor.pem, "bank.com")


def test_nobody_it_signed_can_sign(tmp_path: Path) -> None:
    authority = an_authority(tmp_path, "pbx.example")
    under = _intermediate(authority)
    leaf = forged(under, "pbx.example")
    with pytest.raises(ssl.SSLError, match="path length constraint exceeded"):
        handshake(leaf + under.anchor.pem, authority.anchor.pem, "pbx.example")


def forged(authority: Authority, *names: str) -> bytes:
    """A leaf made around ``issue``, key and certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(key)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=True)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    return private(key) + authority.sign(builder).public_bytes(Encoding.PEM)


def _intermediate(authority: Authority) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage(key_cert_sign=True), critical=True)
    )
    return Authority(type(authority.anchor)(Path("-"), authority.sign(builder)), key)


def _builder(key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name.from_rfc4514_string("CN=forged"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
