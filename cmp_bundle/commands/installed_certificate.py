"""The use cases of another certificate for Asterisk's HTTPS: put in its place, and seen to be shown."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.changes.described import changed_paths, reloads
from cmp_bundle.changes.state import FileState
from cmp_bundle.checks import certificate_change
from cmp_bundle.commands import given_certificate, server
from cmp_bundle.commands.authority import folder_of, none_yet, now
from cmp_bundle.commands.context import with_notes
from cmp_bundle.commands.result import ServerChanges
from cmp_bundle.errors import CmpBundleError, refuse_first
from cmp_bundle.provision.certificate import to_install
from cmp_bundle.provision.refusals import before_install
from cmp_bundle.provision.survey import CERTIFICATE, survey_https
from cmp_bundle.tls import leaf
from cmp_bundle.tls.authority import authority_in
from cmp_bundle.tls.facts import called, facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cmp_bundle.changes.plan import Plan
    from cmp_bundle.commands.context import Context
    from cmp_bundle.provision.survey import FoundHttps
    from cmp_bundle.tls.authority import Authority
    from cmp_bundle.tls.leaf import Leaf

#: The share of its lifetime after which a certificate of our authority is renewed.
OLD = 1 - certificate_change.LEAST


@dataclass(frozen=True, kw_only=True)
class InstalledCertificate(ServerChanges):
    """The certificate that ``file`` on the server holds by now, with its key: the hosts that it is
    for (``names``), its end (ISO 8601), who signed it, its SHA-256 as certificate viewers show it.
    ``url`` is where the live server shows it; None where none is running.
    """

    file: Path
    names: tuple[str, ...]
    not_after: str
    signed_by: str
    sha256: str
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class RenewedCertificate(InstalledCertificate):
    """``due`` is the moment (ISO 8601) from which on the one that was there is renewed."""

    due: str


@with_notes
def install_certificate(
    context: Context, pair: tuple[Path, Path], *, dry_run: bool = False
) -> InstalledCertificate:
    """Give Asterisk's HTTPS, which ``provision`` has set up, another certificate.

    ``pair`` are the files of a certificate with its chain, and of its key, PEM. Raises
    CmpBundleError where they are not good for it, or Asterisk does not show the new certificate;
    the server is then as it was.
    """
    given = given_certificate.read(pair)

    def choose(found: FoundHttps) -> Leaf:
        for one in given_certificate.worth_a_word(given, pair[0]):
            context.reporter.found(one)
        _for_whom(context, given, pair[0], found)
        return given

    return _exchanged(context, choose, dry_run=dry_run)


@with_notes
def renew_certificate(
    context: Context,
    *,
    if_older: dt.timedelta | float = OLD,
    folder: Path | None = None,
    dry_run: bool = False,
) -> RenewedCertificate:
    """Make a new certificate for the hosts of the one that Asterisk has, and install it.

    ``if_older`` is the age from which on that is done, or the share of its lifetime, from 0 to 1.
    Only the authority in ``folder`` that signed it renews a certificate. Raises CmpBundleError; the
    server is then as it was.
    """
    due = now()

    def choose(found: FoundHttps) -> Leaf:
        nonlocal due
        authority = authority_in(folder_of(context, folder), now())
        if authority is None:
            raise none_yet(folder_of(context, folder))
        old = _signed_here(found, authority)
        due = _due(old, if_older)
        if now() < due:
            return old
        new = leaf.issue(authority, old.hosts, now())
        if new.not_after > old.not_after or new.not_after < authority.anchor.not_after:
            return new
        context.reporter.warn(
            f"a new certificate would end on {new.not_after:%Y-%m-%d} as well, with its authority;"
            " to make a new authority: cmp-bundle certs ca --new"
        )
        return old

    done = _exchanged(context, choose, dry_run=dry_run)
    return RenewedCertificate(**vars(done), due=due.isoformat())


def _exchanged(
    context: Context, choose: Callable[[FoundHttps], Leaf], *, dry_run: bool
) -> InstalledCertificate:
    """What ``choose`` finds right for the server as it was found is put there, and seen to be shown."""
    where = server.installation(context)
    at = server.server(context, where)

    def plan() -> tuple[FoundHttps, Leaf, Plan]:
        found = survey_https(where)
        before_install(found)
        new, there = choose(found), leaf_there(found)
        shown = not where.running or at.shown(_listener(found), found.server.prefix) == new.der
        same = there is not None and there.pem == new.pem
        return found, new, to_install(_data(found) if same else new.pem, found, shown=shown)

    if dry_run:
        found, new, planned = plan()
        return _result(found, new, planned, dry_run=True)
    engine = server.engine(context, at)
    with engine.alone():
        # What was cut off before may have changed what is read here.
        found, new, planned = plan()
        url = engine.carry_out(
            planned, lambda: at.shows(new.der, _listener(found), found.server.prefix)
        )
    return _result(found, new, planned, url=url)


def _result(
    found: FoundHttps, new: Leaf, planned: Plan, url: str | None = None, *, dry_run: bool = False
) -> InstalledCertificate:
    about = facts(new.certificate)
    return InstalledCertificate(
        changed=bool(planned),
        changes=changed_paths(planned.steps),
        reloads=reloads(planned.steps),
        dry_run=dry_run,
        file=found.our_folder / CERTIFICATE,
        names=(*about.names.dns, *about.names.addresses),
        not_after=about.end.isoformat(),
        signed_by=about.signed_by,
        sha256=about.fingerprint,
        url=url,
    )


def _listener(found: FoundHttps) -> str:
    """Of HTTPS, which is on: Asterisk tells none that has no plain HTTP beside it."""
    return str(found.server.tls_address)


def leaf_there(found: FoundHttps) -> Leaf | None:
    """The one that the server has of ours; None where it is none that anybody could use."""
    try:
        return _read(found)
    except CmpBundleError:
        return None


def _read(found: FoundHttps) -> Leaf:
    path = found.our_folder / CERTIFICATE
    if found.certificate is None:
        raise CmpBundleError("no-file", "is gone", file=path, hint="cmp-bundle provision")
    return leaf.parsed((_data(found), _data(found)), (path, path))


def _data(found: FoundHttps) -> bytes:
    return found.certificate.data if isinstance(found.certificate, FileState) else b""


def _for_whom(context: Context, given: Leaf, path: Path, found: FoundHttps) -> None:
    """Raises CmpBundleError where people would be warned of another server's certificate."""
    if host := given_certificate.site_host(context):
        refuse_first(certificate_change.other_names(given, path, (host,)))
        return
    there = leaf_there(found)
    if there is None:
        return
    # After one of our authority comes one for the name that people are to use.
    if not there.ours:
        refuse_first(certificate_change.other_names(given, path, there.hosts))
    if fewer := certificate_change.fewer_names(given, path, there.hosts):
        context.reporter.found(fewer)


def _signed_here(found: FoundHttps, authority: Authority) -> Leaf:
    """The one that the server has. Raises CmpBundleError where another authority signed it.

    What lies in Asterisk's folder is Asterisk's word: whoever has that user could ask for a
    certificate of any name there, if a signature of this authority did not say that it was given
    before.
    """
    there = _read(found)
    if authority.anchor.signed(there.certificate):
        return there
    raise CmpBundleError(
        "certificate-foreign",
        f"{called(there.certificate.issuer)} signed this certificate, and not the authority here, so"
        " it is renewed elsewhere",
        file=found.our_folder / CERTIFICATE,
        hint="when there is a new one: cmp-bundle certs install --cert FILE --key FILE; or make one"
        " here: cmp-bundle certs issue HOST",
    )


def _due(there: Leaf, if_older: dt.timedelta | float) -> dt.datetime:
    begin = there.certificate.not_valid_before_utc
    age = if_older if isinstance(if_older, dt.timedelta) else (there.not_after - begin) * if_older
    return begin + age
