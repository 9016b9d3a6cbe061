"""What a reload of http.conf would meet: certificate and key as Asterisk's user finds them.

A pair that cannot be loaded ends HTTPS for everybody, at any reload, and a pipe in its place stops
Asterisk's reloads for good (seen on 16 and 22). So what Asterisk would do is done here before:
the three calls of ``__ssl_setup`` (main/tcptls.c), which are Python's own, and one handshake.
"""

from __future__ import annotations

import os
import ssl
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from posixpath import join
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from cmp_bundle.checks.certificate_pair import a_new_one, apart, too_short, unwelcome
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.findings import Finding, finding
from cmp_bundle.places import Place
from cmp_bundle.tls import readable
from cmp_bundle.tls.pem import certificates_of, key_of
from cmp_bundle.tls.readable import Unread, refusal

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography import x509

    from cmp_bundle.asterisk.http_conf import HttpServer
    from cmp_bundle.tls.readable import ReadingUser

#: More than any chain of certificates.
_MOST = 1 << 20

_BRING_IT_BACK = (
    "bring it back, or let tlscertfile and tlsprivatekey of http.conf name the right one; or take a new"
    f" one: {a_new_one()}"
)

#: What OpenSSL calls its reasons.
_WORDS = {
    "EE_KEY_TOO_SMALL": "its key is too short",
    "CA_KEY_TOO_SMALL": "the key of an authority in it is too short",
    "CA_MD_TOO_WEAK": "a signature in it is made with a hash that is broken",
    "NO_SHARED_CIPHER": "no browser takes a key of its kind",
    "NO_SUITABLE_SIGNATURE_ALGORITHM": "no browser takes a key of its kind",
}

#: OpenSSL's, as Debian and Red Hat set it up. Without their openssl.cnf, OpenSSL 1.1.1 has 1.
_LEVEL = 2


@dataclass(frozen=True)
class Look:
    """``hindrance`` stands against a reload: HTTPS would end with it.

    ``unwelcome`` is what browsers have against a certificate that Asterisk would load. ``chain`` are the
    certificates that it would show, from ``file`` on this machine, its own first; empty where they could
    not be read. ``key`` is the file of their key.
    """

    hindrance: Finding | None = None
    unwelcome: Finding | None = None
    chain: tuple[x509.Certificate, ...] = field(default=(), compare=False)
    file: Path | None = field(default=None, compare=False)
    key: Path | None = field(default=None, compare=False)

    @property
    def first(self) -> Finding | None:
        """What stands against browsers being served, whatever it is."""
        return self.hindrance or self.unwelcome


def look(
    server: HttpServer,
    reader: ReadingUser,
    now: dt.datetime,
    *,
    folder: str | None = None,
    served: bytes | None = None,
) -> Look:
    """At what http.conf makes Asterisk, which is ``reader``, load; at nothing where HTTPS is off.

    ``folder`` is Asterisk's "Running directory" (``core show settings``), if it tells: from there
    names without a leading slash start. ``served`` is the certificate (DER) that it shows at the
    moment: whatever OpenSSL it has, to that one its strength is enough.
    """
    if server.tls_address is None:
        return Look()
    for attribute in ("certificate", "key"):
        path = getattr(server, attribute)
        if not path or not (path.startswith("/") or (folder or "").startswith("/")):
            return Look(_no_whole_path(server, attribute))
    certificate, key = (join(folder or "/", path) for path in (server.certificate, server.key))
    if server.cipher:
        try:
            _context().set_ciphers(server.cipher)
        except ssl.SSLError:
            line = server.origins["cipher"]
            return Look(
                finding(
                    "T116",
                    f"{line.name}: OpenSSL knows no cipher of this list, so HTTPS would end with"
                    " Asterisk's next reload",
                    line.place,
                    "take the line out: Asterisk's own list is a good one",
                )
            )
    return look_at(certificate, key, reader, now, served=served, cipher=server.cipher)


def look_at(
    certificate: str,
    key: str,
    reader: ReadingUser,
    now: dt.datetime,
    *,
    served: bytes | None = None,
    cipher: str = "",
) -> Look:
    """At two files, which may be one, by whole paths as ``reader`` sees them.

    Errors name them as this machine does.
    """
    read: dict[str, bytes] = {}
    for path in dict.fromkeys((certificate, key)):
        data = readable.contents(path, reader, _MOST)
        if isinstance(data, Unread):
            return Look(refusal(_here(path, reader), data, reader, _BRING_IT_BACK).finding)
        read[path] = data
    files = (_here(certificate, reader), _here(key, reader))
    return look_at_contents(
        (read[certificate], read[key]), files, now, served=served, cipher=cipher
    )


def look_at_contents(
    contents: tuple[bytes, bytes],
    files: tuple[Path, Path],
    now: dt.datetime,
    *,
    served: bytes | None = None,
    cipher: str = "",
) -> Look:
    """At a certificate and its key, PEM, that were read from ``files``."""
    first, second = files
    refused = _refused(*contents, cipher)
    try:
        chain = certificates_of(contents[0], first)
        private = key_of(contents[1], second)
    except CmpBundleError as error:
        # What OpenSSL takes, and the library here does not know, is no hindrance.
        return Look(error.finding) if refused else Look(unwelcome=error.finding)
    if refused and served == chain[0].public_bytes(Encoding.DER):
        refused = _refused(*contents, cipher, level=0)
    known = Look(chain=chain, file=first, key=second)
    if not refused:
        return replace(known, unwelcome=unwelcome(chain[0], first, private, second, now))
    return replace(
        known,
        hindrance=apart(private, second, chain, first)
        or too_short(private, second)
        or finding(
            "T102",
            f"OpenSSL cannot use it: {_WORDS.get(refused, refused)}",
            Place(str(first)),
            "have a certificate made for a key of P-256, or RSA with 2048 bits or more, signed"
            " with SHA-256",
        ),
    )


def would_end_https(found: Look) -> Finding | None:
    """Why a reload, whoever asks for it, would end HTTPS."""
    if found.hindrance is None:
        return None
    consequence = "so Asterisk's next reload would end HTTPS for everybody, and nothing was changed"
    return replace(found.hindrance, message=f"{found.hindrance.message}; {consequence}")


def _here(path: str, reader: ReadingUser) -> Path:
    return reader.root / path.lstrip("/")


def _no_whole_path(server: HttpServer, attribute: str) -> Finding:
    """OpenSSL looks below the folder that Asterisk was started in."""
    line = server.origins.get(attribute) or server.origins.get("certificate")
    name = "tlscertfile" if line is None else line.name
    if line is None:
        line = server.origins["tls_enabled"]
        message = "HTTPS is on, and no tlscertfile says with which certificate"
    elif not line.value:
        message = f"{name} is empty, so there is no certificate for HTTPS"
    else:
        message = f"{name} = {line.value}: nobody can say where that is without its whole path"
    return finding(
        "T103",
        message,
        line.place,
        f"write it so that it begins with a slash: {name} = /etc/asterisk/keys/asterisk.pem",
    )


def _refused(certificate: bytes, key: bytes, cipher: str, level: int = _LEVEL) -> str | None:
    """Why OpenSSL would not load these, or could not use them; None where it does."""
    context = _context(level)
    with ExitStack() as stack:
        # In memory: no key is written to a disk for it.
        first, second = (stack.enter_context(_in_memory(data)) for data in (certificate, key))
        try:
            # A key with a pass phrase: there is nobody to type it.
            context.load_cert_chain(first, second, password=lambda: b"")
            if cipher:
                context.set_ciphers(cipher)
            _shake_hands(context)
        except (ssl.SSLError, ValueError) as error:
            return getattr(error, "reason", None) or str(error)
    return None


def _context(level: int = _LEVEL) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(f"DEFAULT:@SECLEVEL={level}")
    return context


@contextmanager
def _in_memory(data: bytes) -> Iterator[str]:
    file = os.memfd_create("pem")
    try:
        with open(file, "wb", closefd=False) as out:
            out.write(data)
        yield f"/proc/self/fd/{file}"
    finally:
        os.close(file)


def _shake_hands(context: ssl.SSLContext) -> None:
    """With a client that takes all that browsers take. Raises ssl.SSLError."""
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asking.check_hostname = False
    asking.verify_mode = ssl.CERT_NONE
    asking.set_ciphers("DEFAULT:@SECLEVEL=0")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        asking.wrap_bio(to_client, to_server),
        context.wrap_bio(to_server, to_client, server_side=True),
    ]
    while sides:
        for side in list(sides):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
                sides.remove(side)
