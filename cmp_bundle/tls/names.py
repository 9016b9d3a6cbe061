"""Whom a certificate is for, as browsers see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.tls import readable
from cmp_bundle.tls.pem import MOST, certificates_in, certificates_of

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.asterisk.installation import Installation


@dataclass(frozen=True)
class Names:
    """``dns`` and ``addresses`` in the order of the certificate; ``problem`` where there are none, and
    ``hint`` what to do about it, where that is known.
    """

    dns: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    problem: str | None = None
    hint: str | None = None

    def __str__(self) -> str:
        return self.problem or ", ".join(map(printable, (*self.dns, *self.addresses)))


def printable(text: str) -> str:
    """What a certificate says, for a terminal: a stranger's may hold what moves its cursor."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def names_in(path: Path) -> Names:
    """The names in the first certificate of a PEM file; the one that a server shows."""
    try:
        return names_of(certificates_in(path)[0])
    except CmpBundleError as error:
        return Names(problem=error.message)


def names_served(installation: Installation, path: str) -> Names:
    """The same for the file that http.conf calls ``path``, as Asterisk's user can read it.

    Whoever writes http.conf may name any file there, and a pipe.
    """
    within = f"/{path.lstrip('/')}"
    here = installation.path(within)
    reader = readable.of(installation)
    data = readable.contents(within, reader, MOST)
    try:
        if isinstance(data, readable.Unread):
            raise readable.refusal(here, data, reader, "")
        return names_of(certificates_of(data, here)[0])
    except CmpBundleError as error:
        return Names(problem=f"not known: {error.message}", hint=error.hint)


def names_of(certificate: x509.Certificate) -> Names:
    """The names that browsers look at: subjectAltName alone.

    A certificate without one, as Asterisk's own ``ast_tls_cert`` makes them, is good for no name.
    """
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return Names(problem="none that browsers look at: it has no subjectAltName")
    names = extension.value.get_values_for_type(x509.DNSName)
    addresses = [str(a) for a in extension.value.get_values_for_type(x509.IPAddress)]
    if not names and not addresses:
        return Names(problem="none that browsers look at: neither a name nor an address")
    return Names(tuple(names), tuple(addresses))
