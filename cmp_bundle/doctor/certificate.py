"""The certificate: what Asterisk would load, what it shows, and what a browser makes of that."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from cmp_bundle.asterisk.reloads import HTTP
from cmp_bundle.checks.certificate_change import share_left
from cmp_bundle.checks.certificate_pair import a_new_one
from cmp_bundle.doctor.check import Check, Unknown
from cmp_bundle.doctor.evidence import Missing, Written
from cmp_bundle.doctor.proxy import is_proxied
from cmp_bundle.doctor.reach import Reached
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.findings import Level, finding
from cmp_bundle.places import Place
from cmp_bundle.shell import word
from cmp_bundle.sizes import some
from cmp_bundle.tls.facts import called, is_signed_by
from cmp_bundle.tls.hosts import Host, host
from cmp_bundle.tls.names import names_of
from cmp_bundle.tls.pem import DAMAGED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.findings import Finding

#: Of its lifetime, what is left of a certificate that nobody has renewed. Those who renew do so at a
#: third, certbot with twelve hours in between and more; public ones live for 6 to 90 days.
_LATE: Final = 0.3
#: No certificate that lives for years has to be renewed earlier.
_EARLY: Final = dt.timedelta(days=30)

#: OpenSSL's numbers (x509_vfy.h): a certificate that nobody but itself vouches for, alone or with its
#: authority's; one whose authority is not known.
_SELF_SIGNED: Final = (18, 19)
_NO_ISSUER: Final = (20, 21)

_FULL_CHAIN = "let tlscertfile of http.conf name the file with the whole chain: fullchain.pem"


def certificates(reached: Reached | Missing) -> tuple[x509.Certificate, ...]:
    """Those that a server sent, its own first; none where they are damaged."""
    if isinstance(reached, Missing) or reached.tls is None:
        return ()
    try:
        return tuple(map(x509.load_der_x509_certificate, reached.tls.chain))
    except DAMAGED:
        return ()


def is_another(reached: Reached | Missing, written: Written | Missing) -> bool:
    """Whether a server shows another certificate than the one in Asterisk's file: a proxy's."""
    shown = certificates(reached)
    return bool(
        shown
        and isinstance(written, Written)
        and written.configured.pair.chain
        and shown[0] != written.configured.pair.chain[0]
    )


def pair(
    written: Written, outside: Reached | Missing, inside: Reached | Missing
) -> Iterator[Finding]:
    """What Asterisk would load now. What browsers have against it counts for nothing where they see
    another one: that of a proxy, which asks nobody for Asterisk's.
    """
    found = written.configured.pair
    if found.hindrance is not None:
        hindrance = _as_asterisk(found.hindrance, written)
        if isinstance(outside, Missing) and written.configured.server.address is not None:
            more = "; if a proxy in front has the certificate that browsers see: --url https://HOST"
            hindrance = replace(hindrance, hint=f"{hindrance.hint or ''}{more}".removeprefix("; "))
        yield _in_front(hindrance, outside) if _works(outside, inside) else hindrance
    elif found.unwelcome is not None and not (
        is_another(outside, written) and isinstance(outside, Reached) and outside.stopped is None
    ):
        yield _as_asterisk(found.unwelcome, written)


def _as_asterisk(found: Finding, written: Written) -> Finding:
    """With the file as Asterisk sees it."""
    if found.file is None:
        return found
    return replace(found, place=Place(_inside(found.file, written), found.line))


def _inside(path: object, written: Written) -> str:
    """A path of this machine as Asterisk sees it."""
    root = str(written.configured.installation.root).rstrip("/")
    return str(path).removeprefix(root)


def _works(outside: Reached | Missing, inside: Reached | Missing) -> bool:
    """Whether phones get in by a proxy, whatever Asterisk's own HTTPS does."""
    return isinstance(outside, Reached) and outside.stopped is None and is_proxied(outside, inside)


def _in_front(hindrance: Finding, outside: Reached | Missing) -> Finding:
    base = outside.base if isinstance(outside, Reached) else ""
    text = (
        f"{hindrance.message}; browsers get the certificate of the proxy at {base}, so this is in their way"
        " only if the proxy comes to Asterisk by HTTPS"
    )
    return replace(hindrance, level=Level.WARNING, message=text)


def dates_and_names(
    outside: Reached, written: Written | Missing, now: dt.datetime
) -> Iterator[Finding]:
    """What the public address shows, where that is not the file, of which ``pair`` tells as much."""
    shown = certificates(outside)
    if not shown:
        return
    leaf = shown[0]
    told = _unwelcome(written) if not is_another(outside, written) else ""
    place = _place(leaf, written)
    if "T111" not in told and not leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc:
        early = now < leaf.not_valid_before_utc
        moment = leaf.not_valid_before_utc if early else leaf.not_valid_after_utc
        yield finding(
            "T111",
            f"the certificate that {outside.host} shows "
            + (
                f"is not valid before {moment:%Y-%m-%d %H:%M} UTC"
                if early
                else f"expired on {moment:%Y-%m-%d}"
            ),
            place,
            "look at this machine's clock: date -u" if early else "renew it where it came from",
            seen=outside.tls.distrust if outside.tls else "",
        )
    names = names_of(leaf)
    if "T110" in told or _covers(leaf, outside.host):
        return
    yield finding(
        "T110",
        f"the certificate is not for {outside.host}: "
        + (f"its names: {names.problem}" if names.problem else f"it is for {names}"),
        place,
        "let people open the phone at a name that it is for, or have one made for this:"
        f" {a_new_one(outside.host)}",
        seen=outside.tls.distrust if outside.tls else "",
    )


def _unwelcome(written: Written | Missing) -> str:
    found = written.configured.pair.unwelcome if isinstance(written, Written) else None
    return found.code if found else ""


def _place(leaf: x509.Certificate, written: Written | Missing) -> Place | None:
    """The file that it is from, if it is from Asterisk's."""
    found = written.configured.pair if isinstance(written, Written) else None
    if found is None or found.file is None or not found.chain or found.chain[0] != leaf:
        return None
    return Place(_inside(found.file, written)) if isinstance(written, Written) else None


def _covers(leaf: x509.Certificate, name: str) -> bool:
    names = names_of(leaf)
    try:
        asked = host(name)
    except CmpBundleError:
        return True
    return any(Host(text.lower()).covers(asked) for text in (*names.dns, *names.addresses))


def trust(
    written: Written | Missing, outside: Reached | Missing, inside: Reached | Missing
) -> Iterator[Finding | Unknown]:
    """Whether this machine, which believes the public authorities and our own, believes it too.

    A server whose public address is not known may stand behind a proxy that shows another.
    """
    known = isinstance(outside, Reached) and outside.tls is not None
    reached = outside if known else inside
    shown = certificates(reached)
    if isinstance(reached, Missing) or reached.tls is None or not shown:
        if isinstance(outside, Missing):
            reason = outside.reason
            yield from (Unknown(code, reason, outside.broken) for code in ("T109", "T112"))
        return
    code, leaf = reached.tls.code, shown[0]
    if code not in (*_SELF_SIGNED, *_NO_ISSUER):
        return
    signed = any(is_signed_by(leaf, one) for one in shown[1:])
    its_issuer = called(leaf.issuer)
    if code in _NO_ISSUER and not signed and leaf.issuer != leaf.subject and _public(leaf):
        sent = "the server's alone" if len(shown) == 1 else f"{len(shown)} others"
        yield finding(
            "T112",
            f"the certificate of {its_issuer}, which signed the server's, is missing: {reached.base}"
            f" sends {sent}",
            _place(leaf, written),
            _FULL_CHAIN,
            seen=reached.tls.distrust,
        )
    elif not known:
        yield Unknown(
            "T109", f"{_own_word(leaf)}; whether browsers see it: --url https://HOST:8089"
        )
    else:
        yield finding(
            "T109",
            f"{reached.base} shows a certificate that browsers warn of, unless a device was told to trust it:"
            f" {_own_word(leaf)}",
            _place(leaf, written),
            "tell devices to trust its authority; or take one of a public authority: cmp-bundle provision"
            f" --cert FILE --key FILE; or of cmp-bundle's own: {a_new_one(reached.host)}",
            seen=reached.tls.distrust,
        )


def _own_word(leaf: x509.Certificate) -> str:
    if leaf.issuer == leaf.subject:
        return "nobody but itself vouches for it"
    return f"this machine does not know {called(leaf.issuer)}, who vouches for the certificate"


def _public(certificate: x509.Certificate) -> bool:
    """Whether it tells where its issuer's certificate can be had, as those of public authorities do."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    except (x509.ExtensionNotFound, *DAMAGED):
        return False
    return any(one.access_method == AuthorityInformationAccessOID.CA_ISSUERS for one in found.value)


def renewed(inside: Reached, written: Written) -> Iterator[Finding]:
    """Whether the running server shows what is in its file."""
    found, shown = written.configured.pair, certificates(inside)
    if found.hindrance is not None or not is_another(inside, written):
        return
    if inside.websocket is None or inside.websocket.status is None:
        return  # whoever answers there is no Asterisk
    file = written.configured.path("http.conf")
    yield finding(
        "T113",
        f"Asterisk still shows a certificate that ends on {shown[0].not_valid_after_utc:%Y-%m-%d}, and not"
        f" the one in its file, which ends on {found.chain[0].not_valid_after_utc:%Y-%m-%d}",
        Place(_inside(found.file, written)),
        f"have it read again: touch {file}; {HTTP}",
        seen=f"serial number {shown[0].serial_number:x}",
    )


def ends_soon(
    now: dt.datetime,
    written: Written | Missing,
    outside: Reached | Missing,
    inside: Reached | Missing,
) -> Iterator[Finding]:
    shown = certificates(outside) or certificates(inside)
    if not shown and isinstance(written, Written):
        shown = written.configured.pair.chain
    if not shown:
        return
    leaf = shown[0]
    left = leaf.not_valid_after_utc - now
    if left <= dt.timedelta() or left >= _EARLY or share_left(leaf, now) >= _LATE:
        return
    lifetime = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    yield finding(
        "T114",
        f"the certificate ends on {leaf.not_valid_after_utc:%Y-%m-%d}: {left.days} of its {lifetime.days} days"
        f" are left, which is {share_left(leaf, now):.0%}, and nobody has renewed it",
        _place(leaf, written),
        "look why: certbot renew --dry-run, systemctl list-timers, and whether Asterisk gets the renewed"
        " one: cmp-bundle certs hook",
    )


def of_trunks(written: Written) -> Iterator[Finding]:
    """A provider that wants a certificate of its clients refuses one that is for servers alone."""
    used = {
        one.options.get("transport", "")
        for (kind, _), one in written.objects.items()
        if kind == "registration"
    }
    for name, certificate in written.trunk_certificates.items():
        purposes = _purposes(certificate)
        if name not in used or not purposes or ExtendedKeyUsageOID.CLIENT_AUTH in purposes:
            continue
        transport = written.objects["transport", name]
        yield finding(
            "T115",
            f"the certificate of {name}, which Asterisk registers at a provider by, is for servers alone:"
            " its extendedKeyUsage lacks clientAuth; if the provider asks for it, the trunk fails",
            transport.places.get("cert_file", transport.place),
            "take one for the trunk that has clientAuth; public authorities give none any more",
            name,
        )


def _purposes(certificate: x509.Certificate) -> tuple[x509.ObjectIdentifier, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except (x509.ExtensionNotFound, *DAMAGED):
        return ()
    return tuple(found.value)


def in_a_transport(written: Written) -> Iterator[Finding]:
    """A certificate where Asterisk looks at none: that of a WebSocket is http.conf's."""
    for (kind, name), one in written.objects.items():
        if kind == "transport" and one.options.get("protocol") in ("ws", "wss"):
            for option in ("cert_file", "priv_key_file", "ca_list_file"):
                if option in one.places:
                    yield finding(
                        "T117",
                        f"{option} of {name} does nothing: the certificate of WebSockets is that of"
                        " http.conf",
                        one.places[option],
                        "take the line out; tlscertfile and tlsprivatekey of http.conf name the real one",
                        name,
                    )
                    break


def open_keys(written: Written) -> Iterator[Finding]:
    if written.open_keys:
        names = some([_inside(path, written) for path in written.open_keys])
        user = written.configured.installation.user.value
        yield finding(
            "T119",
            f"everybody on this machine can read the key of HTTPS: {names}",
            Place(_inside(written.open_keys[0], written)),
            f"chmod 640 {word(written.open_keys[0])}, and let it belong to {user}",
        )


CHECKS = (
    Check(
        ("T103", "T104", "T105", "T106", "T107", "T116", "T118", "T120", "T110", "T111"),
        ("written",),
        pair,
        also=("outside", "inside"),
    ),
    Check((), ("outside",), dates_and_names, also=("written", "now")),
    Check(("T109", "T112"), (), trust, also=("written", "outside", "inside")),
    Check(("T113",), ("inside", "written"), renewed),
    Check(("T114",), ("now",), ends_soon, also=("written", "outside", "inside")),
    Check(("T115",), ("written",), of_trunks),
    Check(("T117",), ("written",), in_a_transport),
    Check(("T119",), ("written",), open_keys),
)
