"""What OpenSSL has against a certificate chain, without a server.

Where a client does not trust a server and says so, Asterisk writes three errors into its log. So the chain
is taken from a connection that trusts everybody, and shown here to a client that does not: TLS 1.2 has the
server's certificates in the clear, and a client judges them before it asks for a proof of their key (RFC
5246 section 7.4.2). What plays the server is two messages.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The types of TLS's records and messages that are needed here (RFC 5246 sections 6.2.1 and 7.4).
_HANDSHAKE: Final = 22
_SERVER_HELLO: Final = 2
_CERTIFICATE: Final = 11
_TLS12: Final = b"\x03\x03"
#: The most that one record holds.
_LONGEST: Final = 1 << 14
#: A cipher suite for each kind of key: ECDHE with ECDSA and with RSA (RFC 5289).
_SUITES: Final = (b"\xc0\x2b", b"\xc0\x2f")
#: Secure renegotiation (RFC 5746), without which OpenSSL says no more.
_EXTENSIONS: Final = b"\xff\x01\x00\x01\x00"


def trusted(authorities: Sequence[bytes]) -> ssl.SSLContext:
    """For a client that trusts this machine's authorities, and ``authorities`` (PEM)."""
    context = ssl.create_default_context()
    for pem in authorities:
        with suppress(ssl.SSLError, ValueError):
            context.load_verify_locations(cadata=pem.decode("ascii", "ignore"))
    return context


def distrust(chain: Sequence[bytes], host: str, authorities: Sequence[bytes]) -> tuple[str, int]:
    """OpenSSL's word against ``chain`` (DER, the server's own first) for ``host``, and its number
    (X509_V_ERR_…); empty and 0 where it has none. -1 stands for what is no judgement on the chain.

    This machine's authorities count, and ``authorities`` (PEM).
    """
    context = trusted(authorities)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    found = "", -1
    for suite in _SUITES:
        found = _judged(context, host, _hello(suite) + _certificates(chain))
        if "WRONG_CERTIFICATE_TYPE" not in found[0]:
            break
    return found


def _judged(context: ssl.SSLContext, host: str, answer: bytes) -> tuple[str, int]:
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        client = context.wrap_bio(received, sent, server_hostname=host)
        with suppress(ssl.SSLWantReadError):
            client.do_handshake()
        received.write(_records(answer))
        client.do_handshake()
    except ssl.SSLCertVerificationError as error:
        return error.verify_message, error.verify_code
    except ssl.SSLWantReadError:
        return "", 0  # it goes on, and waits for the proof
    except (ssl.SSLError, ValueError) as error:
        return str(error), -1
    return "", 0


def _hello(suite: bytes) -> bytes:
    body = _TLS12 + bytes(32) + b"\x00" + suite + b"\x00" + _sized(_EXTENSIONS, 2)
    return bytes([_SERVER_HELLO]) + _sized(body, 3)


def _certificates(chain: Sequence[bytes]) -> bytes:
    listed = b"".join(_sized(one, 3) for one in chain)
    return bytes([_CERTIFICATE]) + _sized(_sized(listed, 3), 3)


def _records(messages: bytes) -> bytes:
    pieces = (messages[at : at + _LONGEST] for at in range(0, len(messages), _LONGEST))
    return b"".join(bytes([_HANDSHAKE]) + _TLS12 + _sized(piece, 2) for piece in pieces)


def _sized(data: bytes, octets: int) -> bytes:
    return len(data).to_bytes(octets, "big") + data
