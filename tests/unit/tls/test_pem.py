"""Certificates and keys out of files that hold anything at all."""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cmp_bundle.checks.reload import look_at
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.tls.anchor import anchor_in
from cmp_bundle.tls.facts import facts
from cmp_bundle.tls.names import Names, names_in
from cmp_bundle.tls.pem import certificates_in, is_there, key_in
from cmp_bundle.tls.readable import oneself

from .made import NOW, a_leaf, odd, private, the_authority


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], Path]:
    def make(data: bytes) -> Path:
        path = tmp_path / "some.pem"
        path.write_bytes(data)
        return path

    return make


File = Callable[[bytes], Path]


def pem(der: bytes, label: str = "CERTIFICATE") -> bytes:
    body = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{body}-----END {label}-----\n".encode()


def test_the_order_of_the_file_is_kept(file: File) -> None:
    first, second = odd("a.example")[1], odd("b.example")[1]
    key = odd("c.example")[0]
    path = file(b"some words\n" + first + key + second)
    assert [names.dns for names in map(_names, certificates_in(path))] == [
        ("a.example",),
        ("b.example",),
    ]
    assert private(key_in(path)) == key


def _names(certificate: x509.Certificate) -> Names:
    return facts(certificate).names


@pytest.mark.parametrize("odd_form", ["crlf", "bom", "no last newline", "spaces"])
def test_however_an_editor_saved_it(odd_form: str, file: File) -> None:
    key, certificate = odd("a.example")
    data = key + certificate
    path = file(
        {
            "crlf": data.replace(b"\n", b"\r\n"),
            "bom": b"\xef\xbb\xbf" + data,
            "no last newline": data.rstrip(),
            "spaces": b"\n\n   \n" + data + b"\n\n",
        }[odd_form]
    )
    assert len(certificates_in(path)) == 1
    assert private(key_in(path)) == key


@pytest.mark.parametrize("form", ["PKCS8", "TraditionalOpenSSL"])
def test_keys_as_openssl_has_written_them_over_the_years(form: str, file: File) -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    written = key.private_bytes(
        serialization.Encoding.PEM,
        getattr(serialization.PrivateFormat, form),
        serialization.NoEncryption(),
    )
    assert private(key_in(file(written))) == private(key)


def test_an_encrypted_key(file: File) -> None:
    path = file(private(ec.generate_private_key(ec.SECP256R1()), b"secret"))
    with pytest.raises(CmpBundleError, match="passphrase") as caught:
        key_in(path)
    assert "openssl pkey" in str(caught.value.hint)


def test_an_encrypted_key_of_the_old_kind(file: File) -> None:
    written = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.BestAvailableEncryption(b"secret"),
    )
    assert b"DEK-Info" in written
    with pytest.raises(CmpBundleError, match="passphrase"):
        key_in(file(written))


#: What certificates_in says, what key_in says.
REFUSED = {
    "empty": (b"", "is empty", "is empty"),
    "binary": (bytes(range(256)), "no certificate in PEM", "no private key"),
    "der": (
        x509.load_pem_x509_certificate(odd("a.example")[1]).public_bytes(serialization.Encoding.DER),
        "it is a certificate in DER",
        "no private key",
    ),
    "a request": (pem(b"\x30\x00", "CERTIFICATE REQUEST"), "no certificate in PEM", "no private key"),
    "nothing inside": (pem(b"") + pem(b"", "PRIVATE KEY"), "in it is damaged", "is damaged"),
    "no key at all": (pem(b"x") + pem(b"x", "PRIVATE KEY"), "in it is damaged", "is damaged"),
    "cut off": (odd("a.example")[1][:200], "damaged or incomplete", "no private key"),
    "of ssh": (pem(b"openssh-key-v1\0", "OPENSSH PRIVATE KEY"), "no certificate", "is damaged"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_none(what: str, file: File) -> None:
    data, of_certificate, of_key = REFUSED[what]
    path = file(data)
    with pytest.raises(CmpBundleError, match=of_certificate) as caught:
        certificates_in(path)
    assert caught.value.file == str(path)
    with pytest.raises(CmpBundleError, match=of_key):
        key_in(path)
    assert names_in(path).problem is not None


def test_a_key_of_a_curve_that_is_not_known(file: File) -> None:
    """As openssl ecparam makes them: SM2."""
    known = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    p256 = bytes.fromhex("06082a8648ce3d030107")
    assert p256 in known
    with pytest.raises(CmpBundleError, match="of an unknown kind"):
        key_in(file(pem(known.replace(p256, bytes.fromhex("06082a811ccf5501822d")), "PRIVATE KEY")))


def test_one_extension_twice(file: File) -> None:
    """OpenSSL refuses it, and so would every browser; the library has an error of its own."""
    key, certificate = odd("a.example", "b.example")
    der = x509.load_pem_x509_certificate(certificate).public_bytes(serialization.Encoding.DER)
    purpose, names = bytes.fromhex("0603551d25"), bytes.fromhex("0603551d11")
    assert purpose in der
    path = file(pem(der.replace(purpose, names)) + key)
    with pytest.raises(CmpBundleError, match="damaged"):
        certificates_in(path)


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    for path, said in (
        (tmp_path / "none.pem", "this file does not exist"),
        (tmp_path, "is a folder"),
        (Path("/dev/zero"), "is a pipe or a device"),
        (tmp_path / ("a" * 300), "file name too long"),
    ):
        with pytest.raises(CmpBundleError, match=said) as caught:
            certificates_in(path)
        assert caught.value.file == str(path)
    assert not is_there(tmp_path / "none")
    assert not is_there(Path(__file__) / "below-a-file")
    assert is_there(tmp_path)


def test_without_rights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        # Root may look everywhere but at a person's own FUSE mount: the system's answer is given.
        def refused(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "stat", refused)
        monkeypatch.setattr(os, "open", refused)
    else:
        (tmp_path / "shut").mkdir(mode=0)
    path = tmp_path / "shut/key.pem"
    for ask in (is_there, certificates_in, key_in):
        with pytest.raises(CmpBundleError, match="permission denied") as caught:
            ask(path)
        assert "sudo" in str(caught.value.hint)


def test_many_beginnings_and_no_end(file: File) -> None:
    """A search that looked for an end from each of them would take minutes."""
    begin = b"-----BEGIN PRIVATE KEY-----"
    for data in (begin * 30_000, (begin + b"-") * 30_000, begin + b"-" * 500_000):
        with pytest.raises(CmpBundleError, match="no private key"):
            key_in(file(data))


LEAF = a_leaf(the_authority(), "pbx.example", "192.0.2.7")
DER = LEAF.certificate.public_bytes(serialization.Encoding.DER)
ANCHOR = the_authority().anchor.certificate.public_bytes(serialization.Encoding.DER)
KEY = LEAF.key.private_bytes(
    serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)


def test_a_name_that_is_no_text(file: File) -> None:
    """The library has an error of another kind for it."""
    name, bits = bytes.fromhex("0603550403 0c"), bytes.fromhex("0603550403 03")
    assert name in DER
    with pytest.raises(CmpBundleError, match="damaged, or of an unknown kind"):
        certificates_in(file(pem(DER.replace(name, bits))))


@st.composite
def damaged(draw: st.DrawFn, der: bytes) -> bytes:
    """A few bytes changed, taken out, or doubled."""
    data = bytearray(der)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data) - 1))
        match draw(st.sampled_from(["set", "cut", "twice"])):
            case "set":
                data[at] = draw(st.integers(0, 255))
            case "cut":
                del data[at : at + draw(st.integers(1, 4))]
            case "twice":
                data[at:at] = data[at : at + 4]
    return bytes(data)


@pytest.mark.slow
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(damaged(DER), damaged(ANCHOR), damaged(KEY))
def test_damage_is_a_sentence(
    tmp_path: Path, certificate: bytes, anchor: bytes, key: bytes
) -> None:
    """Whatever was changed, nobody meets a traceback."""
    path = tmp_path / "leaf.pem"
    path.write_bytes(pem(certificate) + pem(key, "PRIVATE KEY"))
    whole = tmp_path / "key.pem"
    whole.write_bytes(pem(KEY, "PRIVATE KEY"))
    (tmp_path / "ca.pem").write_bytes(pem(anchor))
    for ask in (
        lambda: [facts(c) for c in certificates_in(path)],
        lambda: key_in(path),
        lambda: look_at(str(path), str(whole), oneself(), NOW),
        lambda: look_at(str(path), str(path), oneself(), NOW),
        lambda: str(names_in(path)),
        lambda: _anchor(tmp_path),
    ):
        try:
            ask()
        except CmpBundleError as error:
            assert error.file is not None


def _anchor(folder: Path) -> None:
    found = anchor_in(folder)
    if found is not None:
        _ = found.name, found.fingerprint, found.bounds
        assert found.signed(LEAF.certificate) in (True, False)


def test_a_good_file_is_not_touched(file: File) -> None:
    """Reading is all that is done: neither bytes nor mode are another afterwards."""
    path = file(LEAF.pem)
    path.chmod(0o440)
    assert certificates_in(path)[0] == LEAF.certificate
    assert path.read_bytes() == LEAF.pem
    assert stat.S_IMODE(path.stat().st_mode) == 0o440


def test_a_serial_number_that_browsers_take(file: File) -> None:
    """The library warns of one below 1; it would be read by whoever runs a command."""
    number = LEAF.certificate.serial_number
    serial = number.to_bytes(number.bit_length() // 8 + 1, "big")
    assert DER.count(serial) == 1
    path = file(pem(DER.replace(serial, b"\x80" + serial[1:])))
    assert str(names_in(path)) == "pbx.example, 192.0.2.7"
