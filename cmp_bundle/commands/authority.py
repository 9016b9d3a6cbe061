"""The local authority: where it lies, who trusts it, and the use cases about it alone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.errors import CmpBundleError, file_exists
from cmp_bundle.files import Disk
from cmp_bundle.tls import trust
from cmp_bundle.tls.anchor import anchor_in
from cmp_bundle.tls.authority import KEY, renew
from cmp_bundle.tls.bounds import PRIVATE, PRIVATE_NETWORKS
from cmp_bundle.tls.desktop_user import desktop_user
from cmp_bundle.tls.facts import called
from cmp_bundle.tls.hosts import hosts as parsed
from cmp_bundle.tls.ours import to_be_trusted
from cmp_bundle.tls.pem import is_there
from cmp_bundle.tls.rights import as_owner
from cmp_bundle.tls.store import not_through_a_link

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cmp_bundle.commands.context import Context
    from cmp_bundle.tls.anchor import Anchor
    from cmp_bundle.tls.authority import Authority
    from cmp_bundle.tls.hosts import Host


#: How each kind of device comes to trust it.
DEVICES = "https://github.com/cmp-bundle/cmp-bundle/blob/main/docs/devices.md"


@dataclass(frozen=True)
class AuthorityFacts:
    """``name`` is the name that browsers show, ``vouches_for`` its limits in words. ``domains``,
    ``hosts`` and ``networks`` are these limits: a domain and every name below it, a name alone,
    addresses; None is no limit. ``sha256`` is its fingerprint; ``fresh`` is whether it is new.
    """

    file: Path
    name: str
    not_before: str
    not_after: str
    signed_by: str
    sha256: str
    vouches_for: str
    domains: tuple[str, ...] | None
    hosts: tuple[str, ...]
    networks: tuple[str, ...] | None
    fresh: bool = False


@dataclass(frozen=True)
class Trusted:
    """The trust stores that hold an authority, and why some could not be asked."""

    trusted_by: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class ShownAuthority(AuthorityFacts):
    """The authority, who trusts it, and where its certificate was ``exported`` to; ``pem`` is that
    certificate where it was asked for.
    """

    trusted_by: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    exported: Path | None = None
    pem: str | None = None


def show_authority(
    context: Context,
    folder: Path | None = None,
    *,
    allow: Sequence[str] = (),
    new: bool = False,
) -> ShownAuthority:
    """The authority in ``folder``; a ``new`` one is made first, or one where there is none and it
    has to ``allow`` hosts. Raises CmpBundleError.
    """
    folder = folder_of(context, folder)
    if new or (allow and anchor_in(folder) is None):
        anchor = _new(context, folder, allow)
    else:
        anchor = anchor_of(folder)
        _all_allowed(anchor, allow)
    return ShownAuthority(**vars(facts_of(anchor)), **vars(trusted(anchor)))


def export_authority(
    context: Context, to: Path | None, folder: Path | None = None, *, force: bool = False
) -> ShownAuthority:
    """Write the authority's certificate, without its key, into a file; None gives it back alone."""
    anchor = anchor_of(folder_of(context, folder))
    if to is None:
        return ShownAuthority(**vars(facts_of(anchor)), pem=anchor.pem.decode())
    path = to.absolute()
    if path.name == KEY:
        raise CmpBundleError("file-reserved", "is the name of the authority's key", file=path)
    with as_owner(path.parent):
        not_through_a_link(path, "--export")
        if is_there(path) and not force:
            raise file_exists(path)
        Disk().write(path, anchor.pem)
    return ShownAuthority(**vars(facts_of(anchor)), exported=path)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def folder_of(context: Context, named: Path | None) -> Path:
    """Where certificates are: as named, else beside the settings."""
    return context.home / "certs" if named is None else named


def anchor_of(folder: Path) -> Anchor:
    """Raises CmpBundleError where there is none."""
    anchor = anchor_in(folder)
    if anchor is None:
        raise none_yet(folder)
    return anchor


def none_yet(folder: Path) -> CmpBundleError:
    return CmpBundleError(
        "no-authority",
        "there is no certificate authority here yet",
        file=folder,
        hint="make one: cmp-bundle certs issue HOST",
    )


def tell_if_fresh(context: Context, authority: Authority) -> None:
    if not authority.fresh:
        return
    path = authority.anchor.path
    context.reporter.note(f"made a local certificate authority: {path}")
    context.reporter.warn(
        f"browsers that trust this authority believe whatever {path.with_name(KEY)} signs: leave it"
        " here, and give it to nobody"
    )


def trusted(anchor: Anchor) -> Trusted:
    """Who trusts it on this machine."""
    stores, problems = [], []
    for each in trust.stores(desktop_user()):
        try:
            if each.trusts(anchor):
                stores.append(f"{each.name} ({each.path})")
        except CmpBundleError as error:
            problems.append(f"not known: {error.message}")
    return Trusted(tuple(stores), tuple(dict.fromkeys(problems)))


def facts_of(anchor: Anchor, *, fresh: bool = False) -> AuthorityFacts:
    limits = anchor.bounds
    return AuthorityFacts(
        file=anchor.path,
        name=anchor.name,
        not_before=anchor.certificate.not_valid_before_utc.isoformat(),
        not_after=anchor.not_after.isoformat(),
        signed_by=called(anchor.certificate.issuer),
        sha256=anchor.fingerprint,
        vouches_for=str(limits),
        domains=None if limits.domains is None else tuple(limits.domains),
        hosts=tuple(limits.alone),
        networks=None if limits.networks is None else tuple(map(str, limits.networks)),
        fresh=fresh,
    )


def _new(context: Context, folder: Path, allow: Sequence[str]) -> Anchor:
    before = anchor_in(folder)
    believers = trusted(before) if before else Trusted()
    if believers.trusted_by:
        raise CmpBundleError(
            "authority-trusted",
            f"the authority here is still trusted by {', '.join(believers.trusted_by)}",
            file=folder,
            hint="first: cmp-bundle certs untrust",
        )
    for problem in believers.problems:
        context.reporter.warn(f"whether browsers trust the old authority is {problem}")
    kept = _kept(context, folder, before)
    authority = renew(folder, parsed(allow) if allow else (), now(), Disk(), kept)
    tell_if_fresh(context, authority)
    lost = [str(h) for h in kept if not authority.anchor.bounds.allow(h)]
    if lost:
        context.reporter.warn(
            f"the old authority could sign for {', '.join(lost)}, the new one cannot: no authority"
            " can have both a name without a dot and a name below it"
        )
    return authority.anchor


def _kept(context: Context, folder: Path, before: Anchor | None) -> tuple[Host, ...]:
    """What the one before was asked for, beside what each is for; nobody wants to lose that."""
    if before is None:
        return ()
    bounds = before.bounds
    wanted = [
        *(n for n in (*(bounds.domains or ()), *bounds.alone) if n not in PRIVATE),
        *(str(n.network_address) for n in bounds.networks or () if n not in PRIVATE_NETWORKS),
    ]
    if not wanted:
        return ()
    try:
        made_here = to_be_trusted(folder, desktop_user()) is not None
    except CmpBundleError:
        made_here = False
    if not made_here:
        context.reporter.note(
            f"the old authority was not made here, so the new one does not take over its limits: {bounds}"
        )
        return ()
    return parsed(wanted)


def _all_allowed(anchor: Anchor, allow: Sequence[str]) -> None:
    missing = [h for h in (parsed(allow) if allow else ()) if not anchor.bounds.allow(h)]
    if missing:
        raise CmpBundleError(
            "authority-limits",
            f"the authority here cannot sign for {', '.join(map(str, missing))}",
            file=anchor.path,
            hint="an authority cannot be changed; to make a new one, add --new",
        )
