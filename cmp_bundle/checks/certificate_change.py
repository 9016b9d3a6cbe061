"""A certificate that is to be put in another's place: what is worth a word before it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.findings import finding
from cmp_bundle.places import Place
from cmp_bundle.tls.facts import called, is_signed_by

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from pathlib import Path

    from cryptography import x509

    from cmp_bundle.findings import Finding
    from cmp_bundle.tls.hosts import Host
    from cmp_bundle.tls.leaf import Leaf

#: What is left of its lifetime when a certificate should have been renewed. A share, since
#: lifetimes go down to six days.
LEAST = 1 / 3


def incomplete(leaf: Leaf, path: Path) -> Finding | None:
    """Whether a browser may find no way from it, as it came from ``path``, to an authority.

    What is known here is the file alone. Public authorities sign no server's certificate with
    their own, and our own authority signs with nothing else.
    """
    shown = (leaf.certificate, *leaf.chain)
    for one, signer in zip(shown, leaf.chain, strict=False):
        if not is_signed_by(one, signer):
            text = (
                f"{called(one.subject)} is not signed by {called(signer.subject)}, which follows it"
            )
            hint = "each certificate must be followed by the one that signed it: take fullchain.pem"
            return finding("T112", text, Place(str(path)), hint)
    signer_name = leaf.certificate.issuer
    if leaf.chain or leaf.ours or signer_name == leaf.certificate.subject:
        return None
    text = (
        f"the certificate of {called(signer_name)}, which signed it, is missing, so Firefox, Android"
        " and others may refuse it"
    )
    hint = "take the file with the whole chain: fullchain.pem"
    return finding("T112", text, Place(str(path)), hint)


def ends_soon(leaf: Leaf, path: Path, now: dt.datetime) -> Finding | None:
    """Whether it should have been renewed already."""
    if share_left(leaf.certificate, now) >= LEAST:
        return None
    text = (
        f"the certificate ends on {leaf.not_after:%Y-%m-%d}: less than a third of its time is left"
    )
    hint = "look whether this is the file of the last renewal"
    return finding("T114", text, Place(str(path)), hint)


def share_left(certificate: x509.Certificate, now: dt.datetime) -> float:
    """Of its lifetime, from 0 to 1."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return max(0.0, min(1.0, (end - now) / (end - begin))) if end > begin else 0.0


def fewer_names(leaf: Leaf, path: Path, hosts: Sequence[Host]) -> Finding | None:
    """Whether browsers will warn at one of ``hosts``."""
    missing = [str(host) for host in hosts if not leaf.covers(host)]
    if not missing:
        return None
    text = f"the certificate is not for {', '.join(missing)}: browsers warn there"
    hint = f"it is for {leaf.names}; see that people open the phone at one of these"
    return finding("certificate-fewer-names", text, Place(str(path)), hint)


def other_names(leaf: Leaf, path: Path, hosts: Sequence[Host]) -> Finding | None:
    """Whether it is for none of ``hosts``."""
    if any(leaf.covers(host) for host in hosts):
        return None
    text = f"the certificate is for {leaf.names}, and not for {', '.join(map(str, hosts))}"
    hint = (
        "look whether it is the right file, and [site] url the right address; to take another name"
        " all the same: cmp-bundle provision --cert FILE --key FILE"
    )
    return finding("certificate-other-names", text, Place(str(path)), hint)
