"""A private key in a published file, whoever's it is and however it is written."""

from __future__ import annotations

import base64
import gzip
import json
import random

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from cmp_bundle.bundle.leaks import check
from cmp_bundle.errors import CmpBundleError

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
LOCKED = BestAvailableEncryption(b"a password")


def _written(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey,
    how: Encoding,
    form: PrivateFormat,
    lock: KeySerializationEncryption | None = None,
) -> bytes:
    return key.private_bytes(how, form, lock or NoEncryption())


PKCS8, OLD, SSH = PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL, PrivateFormat.OpenSSH
PEM, DER = Encoding.PEM, Encoding.DER
JWK = {"kty": "EC", "crv": "P-256", "x": "a" * 43, "y": "b" * 43, "d": "c" * 43}
BODY = base64.b64encode(random.Random(1).randbytes(400)).decode()

KEYS: dict[str, bytes] = {
    "PKCS#8, RSA": _written(RSA, PEM, PKCS8),
    "PKCS#8, EC": _written(EC, PEM, PKCS8),
    "PKCS#8, Ed25519": _written(ED, PEM, PKCS8),
    "PKCS#8 with a password": _written(EC, PEM, PKCS8, LOCKED),
    "PKCS#1": _written(RSA, PEM, OLD),
    "PKCS#1 with a password": _written(RSA, PEM, OLD, LOCKED),
    "SEC 1": _written(EC, PEM, OLD),
    "OpenSSH": _written(ED, PEM, SSH),
    "DER of PKCS#8, RSA": _written(RSA, DER, PKCS8),
    "DER of PKCS#8, EC": _written(EC, DER, PKCS8),
    "DER of PKCS#8, Ed25519": _written(ED, DER, PKCS8),
    "DER of PKCS#8 with a password": _written(RSA, DER, PKCS8, LOCKED),
    "DER of PKCS#1": _written(RSA, DER, OLD),
    "DER of SEC 1": _written(EC, DER, OLD),
    "PKCS#12": pkcs12.serialize_key_and_certificates(b"x", RSA, None, None, LOCKED),
    "PGP": f"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 1\n\n{BODY}\n".encode(),
    "SSH.com": f"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nComment: me\n{BODY}\n".encode(),
    "PuTTY": (
        "PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\nComment: me\r\n"
        f"Public-Lines: 1\r\n{BODY[:60]}\r\nPrivate-Lines: 1\r\n{BODY[:48]}\r\n"
    ).encode(),
    "JWK": json.dumps(JWK).encode(),
    "JWK in a program": b"var k={d:'" + b"c" * 43 + b"',kty:'OKP',crv:'Ed25519'}",
    "JWK of one secret": json.dumps({"k": "c" * 43, "kty": "oct"}).encode(),
    "JWK in a set": json.dumps({"keys": [{"kty": "RSA", "n": "a", "d": "d" * 300}]}).encode(),
    "age": b"AGE-SECRET-KEY-1" + b"Q" * 58,
}  # fmt: skip


@pytest.mark.parametrize("name", KEYS)
def test_a_private_key_is_found(name: str) -> None:
    key = KEYS[name]
    forms = {
        "as it is": key,
        "within": b"var x = 1;\n" + key + b"\nvar y;",
        "gzip": gzip.compress(key),
        "base64": b'"' + base64.b64encode(key) + b'"',
        "base64, wrapped": base64.encodebytes(key),
    }
    if key.isascii():
        forms["JSON"] = json.dumps({"key": key.decode()}).encode()
        forms["UTF-16"] = key.decode().encode("utf-16")
        forms["lines of a program"] = "\n".join(
            f"'{line}\\n' +" for line in key.decode().splitlines()
        ).encode()
    for how, data in forms.items():
        with pytest.raises(CmpBundleError) as caught:
            check({"fine.js": b"fine", "x": data}, [], [])
        assert caught.value.file == "x", how
        assert caught.value.message.startswith("holds a private key"), how


def test_what_is_no_private_key() -> None:
    """Public halves, and what programs that read keys hold of them."""
    public = {"kty": "EC", "crv": "P-256", "x": "a" * 43, "y": "b" * 43}
    for data in (
        json.dumps({"keys": [public], "d": "e" * 43}).encode(),
        b"if (text.startsWith('-----BEGIN PRIVATE KEY-----')) return text.slice(27);",
        b"h='-----BEGIN RSA PRIVATE KEY-----',f='-----END RSA PRIVATE KEY-----';function b64(x){}",
        b"-----BEGIN PUBLIC KEY-----\n" + BODY.encode(),
        b"-----BEGIN CERTIFICATE-----\n" + BODY.encode(),
        b"PuTTY-User-Key-File-3 is what PuTTY writes; 'AGE-SECRET-KEY-1' is age's",
    ):
        check({"x": data}, [], [])
    noise = random.Random(2)
    check({f"{n}": noise.randbytes(40_000) for n in range(20)}, [], [])


def test_that_everybody_has_it_is_no_excuse() -> None:
    """Else one example in a phone's code would let all others pass."""
    with pytest.raises(CmpBundleError, match="holds a private key"):
        check({"x": KEYS["PKCS#8, EC"]}, [], [b"an example: " + KEYS["PKCS#8, EC"]])
