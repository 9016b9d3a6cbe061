"""What the operator wants a server to be given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cmp_bundle.accounts.model import Account
    from cmp_bundle.provision.firewall import Firewall
    from cmp_bundle.provision.rows import Tables
    from cmp_bundle.settings.model import ProvisionSettings


@dataclass(frozen=True)
class Listener:
    """HTTPS at ``address`` (0.0.0.0:8089). ``pem`` is a certificate with its chain and key that is
    to be put there, ``shown`` that certificate alone (DER); None where the one that is there stays,
    empty where one is still to be made.
    """

    address: str
    pem: bytes | None = field(default=None, repr=False)
    shown: bytes | None = None

    @property
    def to_be_made(self) -> bool:
        return self.pem == b""


@dataclass(frozen=True)
class Wanted:
    """``everyone`` are all accounts that there are: those in our file that are not among them go.

    ``chosen`` are the ids of those that shall have an endpoint, None for all. ``update`` is whether
    what is in our own file is written anew, ``listener`` what HTTPS shall be, None for as it is,
    ``proxied`` whether a proxy on this machine has the certificate instead, so that plain HTTP is
    enough, ``restart`` whether Asterisk may be restarted, ``firewall`` what is to be opened for phones.
    ``accounts_file`` is where the accounts stand, ``loaded`` are ids of which Asterisk has an endpoint
    that is in none of its files. ``candidates`` are this machine's address and the public one that leads to it, if any. ``tables`` are
    those that endpoints go into, None for a file.
    """

    everyone: tuple[Account, ...]
    settings: ProvisionSettings
    chosen: frozenset[str] | None = None
    update: bool = False
    listener: Listener | None = None
    proxied: bool = False
    restart: bool = False
    firewall: Firewall | None = None
    candidates: tuple[str, str] | None = None
    tables: Tables | None = None
    accounts_file: str = ""
    loaded: frozenset[str] = frozenset()

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Those that get an endpoint where they have none: they have a password, and no source."""
        return tuple(
            account
            for account in self.everyone
            if (self.chosen is None or account.id in self.chosen)
            and not account.source
            and (account.password or account.ha1)
        )
