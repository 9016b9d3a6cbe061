"""The use cases of links: show one, renew it, show all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.accounts import keyring as keyrings
from cmp_bundle.accounts.link import link as link_to
from cmp_bundle.accounts.link import qr_as_svg
from cmp_bundle.commands import loaded_accounts, server
from cmp_bundle.commands.account_files import named, read
from cmp_bundle.commands.address import base
from cmp_bundle.commands.context import with_notes
from cmp_bundle.commands.republish import Republished, here, republish
from cmp_bundle.files import Disk, FileOwnership, owned

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.commands.context import Context


@dataclass(frozen=True, kw_only=True)
class UserLink(Republished):
    """``link`` opens the phone of ``user``; ``svg`` is the file with its QR code, if any.

    What was changed is that of a renewal; a link that is only shown changes nothing.
    """

    user: str
    link: str
    renewed: bool
    svg: Path | None


@with_notes
def link(context: Context, user: str, *, renew: bool = False, svg: Path | None = None) -> UserLink:
    """The link that opens a user's phone. Raises CmpBundleError."""
    address = base(context)
    done = _renewed(context, user) if renew else Republished(changed=False)
    file = read(context)
    account = named(file.accounts, user, file)
    ring = loaded_accounts.link_key(context)
    url = link_to(address, context.settings.site.redirect, ring.token(account.id))
    if svg is not None:
        # It holds the link: nobody else is to read it.
        Disk().write(owned.resolved(svg), qr_as_svg(url), FileOwnership(-1, -1, 0o600))
    return UserLink(**vars(done), user=user, link=url, renewed=renew, svg=svg)


def _renewed(context: Context, user: str) -> Republished:
    at = here(context)
    work = server.engine(context, at)
    with work.alone(), work.transaction("link --renew") as changes:
        # What was cut off before may have changed what is read here.
        file = read(context)
        named(file.accounts, user, file)
        after = loaded_accounts.link_key(context).renewed(user)
        changes.do([keyrings.change(after, context.settings.links.key)])
        return republish(context, loaded_accounts.load(context), at, changes)


@dataclass(frozen=True)
class ListedLink:
    id: str
    display_name: str
    link: str


@dataclass(frozen=True)
class Links:
    """Everybody's link, in the order of the file of accounts."""

    file: Path
    links: tuple[ListedLink, ...]


def links(context: Context) -> Links:
    """The links of all users. Raises CmpBundleError."""
    file = read(context)
    if not file.accounts:
        return Links(file.path, ())
    address, ring = base(context), loaded_accounts.link_key(context)
    redirect = context.settings.site.redirect
    return Links(
        file.path,
        tuple(
            ListedLink(a.id, a.display_name, link_to(address, redirect, ring.token(a.id)))
            for a in file.accounts
        ),
    )
