"""The verdict on a chain is the one that a client in a real handshake comes to."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509 import load_pem_x509_certificates

from cmp_bundle.doctor.trust import distrust
from tests.unit.tls.made import DAY, NOW, a_leaf, odd, the_authority
from tests.unit.tls.serving import serving_context

NAME = "pbx.example"


def met(pem: bytes, name: str, authorities: list[bytes]) -> tuple[str, int]:
    """What a client says to a server that has ``pem``: key and certificates."""
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(pem)
        file.flush()
        server_context = serving_context(Path(file.name))
    context = ssl.create_default_context()
    for one in authorities:
        context.load_verify_locations(cadata=one.decode())
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(to_client, to_server, server_hostname=name)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as error:
            return error.verify_message, error.verify_code
    return "", 0


def chain(pem: bytes) -> list[bytes]:
    der = serialization.Encoding.DER
    return [one.public_bytes(der) for one in load_pem_x509_certificates(pem)]


def of_ours(name: str = NAME) -> bytes:
    leaf = a_leaf(the_authority(), name)
    return leaf.pem


def signed(key: Any = None, **times: Any) -> bytes:
    return b"".join(odd(NAME, signer=the_authority(), key=key, **times))


SERVERS: dict[str, tuple[Callable[[], bytes], str, bool, int]] = {
    "good": (of_ours, NAME, True, 0),
    "an address": (lambda: of_ours("192.0.2.7"), "192.0.2.7", True, 0),
    "RSA": (lambda: signed(rsa.generate_private_key(65537, 2048)), NAME, True, 0),
    "Ed25519": (lambda: signed(ed25519.Ed25519PrivateKey.generate()), NAME, True, 0),
    "P-384": (lambda: signed(ec.generate_private_key(ec.SECP384R1())), NAME, True, 0),
    "nobody's": (of_ours, NAME, False, 20),
    "self-signed": (lambda: b"".join(odd(NAME)), NAME, True, 18),
    "another name": (of_ours, "other.example", True, 62),
    "another address": (lambda: of_ours("192.0.2.7"), "192.0.2.8", True, 64),
    "expired": (lambda: signed(begin=NOW - 9 * DAY, end=NOW - DAY), NAME, True, 10),
    "not yet": (lambda: signed(begin=NOW + DAY, end=NOW + 9 * DAY), NAME, True, 9),
}


@pytest.mark.parametrize("case", SERVERS)
def test_as_in_a_handshake(case: str) -> None:
    make, name, known, code = SERVERS[case]
    pem = make()
    authorities = [the_authority().anchor.pem] if known else []
    found = distrust(chain(pem), name, authorities)
    assert found == met(pem, name, authorities)
    assert found[1] == code


def test_a_long_chain() -> None:
    """In as many records as it takes."""
    certificates = chain(of_ours())
    many = certificates + chain(b"".join(odd(NAME)))[-1:] * 60
    assert sum(map(len, many)) > 1 << 14
    assert distrust(many, NAME, [the_authority().anchor.pem]) == ("", 0)


@pytest.mark.parametrize("certificates", [[], [b""], [b"junk"], [b"\x30\x03\x02\x01\x01"]])
def test_no_chain(certificates: list[bytes]) -> None:
    """What is no certificate is not judged, and not trusted."""
    word, code = distrust(certificates, NAME, [])
    assert word
    assert code == -1


def test_authorities_that_are_none() -> None:
    assert distrust(chain(of_ours()), NAME, [b"junk", b"\xff"])[1] == 20
