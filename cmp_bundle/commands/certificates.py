"""The use cases of certificates: make one, show those there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.commands.authority import (
    AuthorityFacts,
    anchor_of,
    facts_of,
    folder_of,
    now,
    tell_if_fresh,
    trusted,
)
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk
from cmp_bundle.tls import leaf, store
from cmp_bundle.tls.anchor import CERTIFICATE, anchor_in
from cmp_bundle.tls.authority import KEY, ensure
from cmp_bundle.tls.facts import facts
from cmp_bundle.tls.hosts import file_of
from cmp_bundle.tls.hosts import hosts as parsed
from cmp_bundle.tls.pem import certificates_in

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cryptography import x509

    from cmp_bundle.commands.context import Context
    from cmp_bundle.findings import Finding


@dataclass(frozen=True)
class CertificateFacts:
    """The hosts of a certificate (``names``; ``problem`` says why browsers accept it for none),
    its validity (ISO 8601), who signed it, and its SHA-256 as certificate viewers show it.
    """

    names: tuple[str, ...]
    problem: str | None
    authority: bool
    not_before: str
    not_after: str
    days_left: int
    signed_by: str
    sha256: str


@dataclass(frozen=True)
class Issued:
    """``file`` holds a certificate for ``hosts`` and its key; ``trusted_by`` says which trust stores
    hold the ``authority`` that signed it.
    """

    file: Path
    hosts: tuple[str, ...]
    names: tuple[str, ...]
    not_after: str
    sha256: str
    authority: AuthorityFacts
    trusted_by: tuple[str, ...]


def issue_certificate(
    context: Context,
    hosts: Sequence[str],
    *,
    out: Path | None = None,
    force: bool = False,
    folder: Path | None = None,
) -> Issued:
    """Make a certificate for ``hosts``, names and addresses. Raises CmpBundleError.

    The local authority in ``folder`` signs it, and is made where there is none.
    """
    wanted, disk = parsed(hosts), Disk()
    folder = folder_of(context, folder)
    authority = ensure(folder, wanted, now(), disk)
    tell_if_fresh(context, authority)
    issued = leaf.issue(authority, wanted, now())
    path = out or folder / file_of(str(wanted[0]))
    store.save(issued, path, disk, force=force)
    about = _facts(issued.certificate)
    return Issued(
        path,
        tuple(map(str, wanted)),
        about.names,
        about.not_after,
        about.sha256,
        facts_of(authority.anchor, fresh=authority.fresh),
        trusted(authority.anchor).trusted_by,
    )


@dataclass(frozen=True, kw_only=True)
class ShownCertificate(CertificateFacts):
    """The first certificate of ``file``. ``trusted_by`` is None (not known) if another authority than
    the one here signed it; ``trust_problems`` say why some stores could not be asked.
    """

    file: Path
    trusted_by: tuple[str, ...] | None = None
    trust_problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Certificates:
    """``authority`` is the file of the one that might have signed them, None where there is none;
    ``unreadable`` are the files that hold no certificate that can be read.
    """

    folder: Path
    authority: Path | None
    certificates: tuple[ShownCertificate, ...]
    unreadable: tuple[Finding, ...]


def show_certificates(
    context: Context, file: Path | None = None, folder: Path | None = None
) -> Certificates:
    """One certificate in PEM, or all in the folder, the authority first. Raises CmpBundleError."""
    folder = folder_of(context, folder)
    anchor = anchor_in(folder)
    believers = trusted(anchor) if anchor else None
    readable, unreadable = [], []
    for path in [file] if file else [anchor_of(folder).path, *_leaves(folder)]:
        try:
            certificate = certificates_in(path)[0]
        except CmpBundleError as error:
            if file is not None:
                raise
            unreadable.append(error.finding)
            continue
        about = vars(_facts(certificate))
        if believers is not None and anchor is not None and anchor.signed(certificate):
            about |= {"trusted_by": believers.trusted_by, "trust_problems": believers.problems}
        readable.append(ShownCertificate(**about, file=path))
    return Certificates(folder, anchor.path if anchor else None, tuple(readable), tuple(unreadable))


def _leaves(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("[!.]*.pem") if p.name not in (CERTIFICATE, KEY))


def _facts(certificate: x509.Certificate) -> CertificateFacts:
    about = facts(certificate)
    return CertificateFacts(
        (*about.names.dns, *about.names.addresses),
        about.names.problem,
        about.authority,
        about.begin.isoformat(),
        about.end.isoformat(),
        (about.end - now()).days,
        about.signed_by,
        about.fingerprint,
    )
