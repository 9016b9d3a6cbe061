"""A server's certificate: what is in it, and that TLS works with it, and with no other."""

from __future__ import annotations

import datetime as dt
import ssl
import urllib.request
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cmp_bundle.checks.reload import Look, look_at
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.tls import leaf as leaves
from cmp_bundle.tls.authority import usage
from cmp_bundle.tls.hosts import host
from cmp_bundle.tls.names import Names, names_in
from cmp_bundle.tls.readable import oneself

from .made import DAY, NOW, a_leaf, an_authority, odd, the_authority
from .serving import handshake, serving


def test_what_it_is() -> None:
    authority = the_authority()
    made = a_leaf(authority, "pbx.example", "*.pbx.example", "192.0.2.7", "2001:db8::7")
    extensions = made.certificate.extensions
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["pbx.example", "*.pbx.example"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == [
        "192.0.2.7",
        "2001:db8::7",
    ]
    purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert extensions.get_extension_for_class(x509.KeyUsage).value == usage(digital_signature=True)
    bounds = extensions.get_extension_for_class(x509.BasicConstraints).value
    assert bounds == x509.BasicConstraints(ca=False, path_length=None)
    assert isinstance(made.key, ec.EllipticCurvePrivateKey)
    assert made.key.curve.name == "secp256r1"
    assert made.certificate.serial_number > 2**64
    assert authority.anchor.signed(made.certificate)
    assert made.ours


def test_how_long_it_lasts() -> None:
    """Apple's limit is counted from its beginning, and clocks behind ours take it too."""
    made = a_leaf(the_authority(), "pbx.example").certificate
    assert made.not_valid_before_utc == NOW - DAY
    assert made.not_valid_after_utc - made.not_valid_before_utc == dt.timedelta(days=397)


def test_it_ends_with_its_authority_and_begins_no_sooner() -> None:
    authority = the_authority()
    late = authority.anchor.not_after - 100 * DAY
    assert a_leaf(authority, "pbx.example", now=late).not_after == authority.anchor.not_after
    early = authority.anchor.certificate.not_valid_before_utc
    made = a_leaf(authority, "pbx.example", now=early)
    assert made.certificate.not_valid_before_utc == early


def test_no_two_alike() -> None:
    one, two = (a_leaf(the_authority(), "pbx.example") for _ in range(2))
    assert one.key.public_key() != two.key.public_key()
    assert one.certificate.serial_number != two.certificate.serial_number


def test_nobody_is_no_host() -> None:
    with pytest.raises(CmpBundleError, match="needs a host"):
        leaves.issue(the_authority(), (), NOW)


@pytest.mark.parametrize("name", ["bank.com", "*.bank.com", "example.org", "notexample"])
def test_out_of_bounds(name: str) -> None:
    """One such name would spoil the whole certificate for browsers, so it is not made."""
    with pytest.raises(CmpBundleError, match="cannot sign for") as caught:
        leaves.issue(the_authority(), (host("pbx.example"), host(name)), NOW)
    assert f"--allow {name.removeprefix('*.')}" in str(caught.value.hint)


def test_the_key_is_shown_nowhere() -> None:
    assert "PrivateKey" not in repr(a_leaf(the_authority(), "pbx.example"))


def test_a_long_name_is_only_cut_where_nobody_looks() -> None:
    name = f"{'a' * 60}.{'b' * 60}.example"
    made = a_leaf(the_authority(), name)
    shown = made.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    assert len(shown) == 64
    handshake(made.pem, the_authority().anchor.pem, name)


# Through a real handshake ------------------------------------------------------------------------

LABEL = st.from_regex(r"[a-z0-9]([a-z0-9_-]{0,10}[a-z0-9])?", fullmatch=True).filter(
    lambda label: not label.startswith("xn--")
)
NAME = st.lists(LABEL, min_size=1, max_size=4).map(lambda labels: ".".join([*labels, "example"]))
ADDRESS = st.one_of(
    st.ip_addresses(v=4, network="192.0.2.0/24"), st.ip_addresses(v=6, network="2001:db8::/32")
).map(str)
UNICODE = st.sampled_from(["bücher.example", "例え.example", "*.bücher.example"])
# OpenSSL, unlike browsers, matches no wildcard before a name with an underscore.
WILDCARD = NAME.filter(lambda name: "_" not in name).map("*.".__add__)
ANY = st.one_of(NAME, WILDCARD, ADDRESS, UNICODE)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(ANY, min_size=1, max_size=4, unique=True), ANY)
@example(["*.a.example"], "*.b.a.example")
@example(["*.a.example"], "a.example")
def test_it_is_good_for_whom_it_is_for(names: list[str], other: str) -> None:
    """OpenSSL accepts each host asked for, and another exactly where ``covers`` says so."""
    authority = the_authority()
    made = a_leaf(authority, *names)
    for text in names:
        handshake(made.pem, authority.anchor.pem, _asked(text))
    asked = _asked(other)
    try:
        handshake(made.pem, authority.anchor.pem, asked)
        accepted = True
    except ssl.SSLCertVerificationError as error:
        assert "mismatch" in str(error)
        accepted = False
    assert accepted == made.covers(host(asked)), (names, asked)


def _asked(text: str) -> str:
    """A host that somebody could ask for: a wildcard's stands for any label."""
    return host(text).text.replace("*", "w1ld")


def test_another_authority_is_refused(tmp_path: Path) -> None:
    """So the handshakes above can fail."""
    other = an_authority(tmp_path, "pbx.example")
    made = a_leaf(the_authority(), "pbx.example")
    for ca in (other.anchor.pem, None):
        with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
            handshake(made.pem, ca, "pbx.example")


def test_expired_is_refused(tmp_path: Path) -> None:
    then = NOW - 800 * DAY
    authority = an_authority(tmp_path, "pbx.example", now=then)
    handshake(a_leaf(authority, "pbx.example").pem, authority.anchor.pem, "pbx.example")
    old = a_leaf(authority, "pbx.example", now=then)
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate has expired"):
        handshake(old.pem, authority.anchor.pem, "pbx.example")


def test_over_a_socket(tmp_path: Path) -> None:
    authority = an_authority(tmp_path)
    path = tmp_path / "leaf.pem"
    path.write_bytes(a_leaf(authority, "localhost", "127.0.0.1").pem)
    assert look_at(str(path), str(path), oneself(), NOW) == Look()
    context = ssl.create_default_context(cadata=authority.anchor.pem.decode())
    with serving(path) as port:
        for name in ("localhost", "127.0.0.1"):
            opener = urllib.request.build_opener(
                urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
            )
            with opener.open(f"https://{name}:{port}/") as answer:
                assert b"here" in answer.read()


# Read again --------------------------------------------------------------------------------------


def test_read_is_what_was_written(tmp_path: Path) -> None:
    made = a_leaf(the_authority(), "pbx.example", "192.0.2.7")
    path = tmp_path / "leaf.pem"
    path.write_bytes(made.pem)
    again = leaves.read(path)
    assert again.certificate == made.certificate
    assert again.pem == made.pem
    assert again.hosts == (host("pbx.example"), host("192.0.2.7"))
    assert names_in(path) == Names(("pbx.example",), ("192.0.2.7",))


def test_what_is_no_leaf(tmp_path: Path) -> None:
    path = tmp_path / "leaf.pem"
    path.write_bytes(odd("a.example")[0] + odd("a.example")[1])
    with pytest.raises(CmpBundleError, match="do not belong together"):
        leaves.read(path)
    key, certificate = odd("a.example")
    path.write_bytes(key + certificate)
    assert not leaves.read(path).ours


def test_names_of_one_without_any(tmp_path: Path) -> None:
    """As Asterisk's own ast_tls_cert makes them."""
    path = tmp_path / "asterisk.pem"
    path.write_bytes(b"".join(odd()))
    assert "no subjectAltName" in str(names_in(path))
    assert names_in(tmp_path / "none.pem").problem == "this file does not exist"
