"""T: the certificate, its key, and the listener that shows them."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import shutil
import socket
import threading
from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID as Aia
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cmp_bundle.tls.authority import authority_in
from tests.unit.tls.made import DAY, NOW, odd, private

from .fault import Fault, Server

_HTTP = "cmp-bundle/http.conf"
_PEM = "cmp-bundle/https.pem"

#: The address of the tests' own network, which is as good as a public one here.
PUBLIC = "https://192.0.2.1:8089"
_OUTSIDE = {"url": PUBLIC}
_ADDRESS = x509.IPAddress(ipaddress.ip_address("192.0.2.1"))


def put(server: Server, *pem: bytes, read: bool = True) -> None:
    """In place of our certificate and its key, whose owner and mode stay."""
    (server.etc / _PEM).write_bytes(b"".join(pem))
    if read:
        server.reload(_PEM)


def pair(*names: str, **what: object) -> Callable[[Server], None]:
    """A pair as ``odd`` makes it, loaded."""
    return lambda server: put(server, *odd(*names, **what))  # type: ignore[arg-type]


def trusted(*names: str, **what: object) -> Callable[[Server], None]:
    """The same, signed by the operator's own authority."""

    def make(server: Server) -> None:
        authority = authority_in(server.work / "certs", NOW)
        assert authority is not None
        put(server, *odd(*names, signer=authority, **what))  # type: ignore[arg-type]

    return make


def _off(server: Server) -> None:
    server.replace(_HTTP, "tlsenable = yes", "tlsenable = no")


def _not_loaded(server: Server) -> None:
    _off(server)
    text = (server.etc / _HTTP).read_text()
    (server.etc / _HTTP).write_text(text.replace("tlsenable = no", "tlsenable = yes"))
    server.at_the_end(lambda: server.reload(_HTTP))


def _still_dead(server: Server) -> None:
    """Broken, loaded, and mended without another reload."""
    good = (server.etc / _PEM).read_bytes()
    put(server, b"nothing")
    put(server, good, read=False)
    server.at_the_end(lambda: server.reload(_PEM))


def _gone(server: Server) -> None:
    (server.etc / _PEM).unlink()
    server.reload(_PEM)


def _left_to_root(server: Server) -> None:
    os.chown(server.etc / _PEM, 0, 0)
    (server.etc / _PEM).chmod(0o600)
    server.reload(_PEM)


def _shut_away(server: Server) -> None:
    """As certbot has them."""
    folder = server.pbx.base / "live"
    folder.mkdir(mode=0o700)
    path = folder / "https.pem"
    path.write_bytes((server.etc / _PEM).read_bytes())
    server.at_the_end(lambda: shutil.rmtree(folder))
    where = f"{server.pbx.inside}/live/https.pem"
    server.append("http.conf", f"[general](+)\ntlscertfile={where}\ntlsprivatekey={where}")


def _of_another(server: Server) -> None:
    put(server, odd("localhost")[0], odd("localhost")[1])


def _too_short(server: Server) -> None:
    put(server, *odd("localhost", key=rsa.generate_private_key(65537, 1024)))


def _passphrase(server: Server) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    put(server, private(key, b"secret"), odd("localhost", key=key)[1])


def _turn_away(listener: socket.socket) -> None:
    with listener, contextlib.suppress(OSError):
        while True:
            listener.accept()[0].close()


def _port_taken(server: Server, *lines: str) -> None:
    """Mended by a restart alone: a reload after one that failed ends any thread of Asterisk's, the one
    that carries it out included (tcptls.c keeps the thread that listened as ``master``; seen on 22).
    """
    server.restarted = True
    taken = socket.create_server(("0.0.0.0", 0))
    server.at_the_end(lambda: taken.shutdown(socket.SHUT_RDWR))
    threading.Thread(target=_turn_away, args=(taken,), daemon=True).start()
    port = taken.getsockname()[1]
    text = "\n".join(("[general](+)", f"tlsbindaddr=0.0.0.0:{port}", *lines))
    server.append("http.conf", text)


def _port_taken_with_plain(server: Server) -> None:
    _port_taken(server, "enabled=yes", "bindaddr=127.0.0.1")


def _leaf_alone(server: Server) -> None:
    """As an authority's that tells where its own certificate is: there is one between."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer = ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "R99")])
    where = x509.UniformResourceIdentifier("http://r99.example/")
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pbx.example")]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + 89 * DAY)
        .add_extension(x509.SubjectAlternativeName([_ADDRESS]), critical=False)
        .add_extension(
            x509.AuthorityInformationAccess([x509.AccessDescription(Aia.CA_ISSUERS, where)]),
            critical=False,
        )
        .sign(signer, hashes.SHA256())
    )
    put(server, private(key), made.public_bytes(serialization.Encoding.PEM))


def _not_reloaded(server: Server) -> None:
    put(server, *odd("localhost", end=NOW + 90 * DAY), read=False)


def _bad_cipher(server: Server) -> None:
    server.append("http.conf", "[general](+)\ntlscipher=NO-SUCH-CIPHER")


def _certificate_of_wss(server: Server) -> None:
    where = f"{server.pbx.inside}/etc/{_PEM}"
    lines = f"[transport-wss]\ntype=transport\nprotocol=wss\nbind=0.0.0.0\ncert_file={where}"
    server.append("pjsip.conf", lines)


def _of_a_trunk(server: Server) -> None:
    """Its transport's certificate is for servers alone."""
    where = f"{server.pbx.inside}/etc/{_PEM}"
    server.append(
        "pjsip.conf",
        "[transport-tls]\ntype=transport\nprotocol=tls\nbind=127.0.0.1:5061\n"
        f"cert_file={where}\npriv_key_file={where}\n"
        "[provider]\ntype=registration\ntransport=transport-tls\n"
        "server_uri=sip:127.0.0.1:9\nclient_uri=sip:me@127.0.0.1\nmax_retries=0",
    )


def _readable_by_all(server: Server) -> None:
    (server.etc / _PEM).chmod(0o644)


FAULTS = [
    Fault("T101", _off, ("HTTPS is not enabled",)),
    Fault("T101", _not_loaded, ("has not read",), name="not-loaded"),
    Fault("T102", _still_dead, ("still", "refused"), versions=("22", "16")),
    Fault("T103", _gone, ("is not there",)),
    Fault("T104", _left_to_root, ("cannot read this file",)),
    Fault("T105", _of_another, ("does not belong",)),
    Fault("T106", _too_short, ("1024 bits",)),
    Fault("T107", _passphrase, ("passphrase",)),
    Fault("T108", _port_taken_with_plain, ("another program has that port", "(null)")),
    Fault("T108", _port_taken, ("another program", "python"), name="https-alone"),
    Fault("T109", pair("192.0.2.1"), ("nobody but itself", "self-signed"), options=_OUTSIDE),
    Fault("T110", pair(), ("no subjectAltName",)),
    Fault(
        "T110", trusted("pbx.example"), ("192.0.2.1", "pbx.example"), options=_OUTSIDE, name="other"
    ),
    Fault(
        "T111",
        trusted("192.0.2.1", begin=NOW - 9 * DAY, end=NOW - DAY),
        ("expired",),
        options=_OUTSIDE,
    ),
    Fault("T111", pair("x.example", begin=NOW + DAY, end=NOW + 9 * DAY), ("before",), name="early"),
    Fault("T112", _leaf_alone, ("R99", "missing"), options=_OUTSIDE),
    Fault("T113", _not_reloaded, ("still shows",), versions=("22", "16")),
    Fault("T114", pair("localhost", begin=NOW - 80 * DAY, end=NOW + 10 * DAY), ("11%",)),
    Fault("T115", _of_a_trunk, ("transport-tls", "clientAuth")),
    Fault("T116", _bad_cipher, ("tlscipher",)),
    Fault("T117", _certificate_of_wss, ("transport-wss", "cert_file")),
    Fault("T118", _shut_away, ("may not enter",)),
    Fault("T119", _readable_by_all, ("everybody",)),
    Fault("T120", pair("localhost", purpose=ExtendedKeyUsageOID.CLIENT_AUTH), ("serverAuth",)),
    Fault(
        "T120",
        pair("localhost", key=ec.generate_private_key(ec.SECP521R1())),
        ("not all browsers",),
        name="P-521",
    ),
]
