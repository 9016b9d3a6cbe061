"""Accounts against what Asterisk has: what will not work, and what may surprise.

The codes and the words of findings are stable: scripts look for them.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.accounts import endpoint_account
from cmp_bundle.accounts.endpoint import digest
from cmp_bundle.accounts.model import ha1
from cmp_bundle.accounts.problems import Wrong

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.accounts.endpoint import Endpoint, Endpoints
    from cmp_bundle.accounts.model import Account, Place, Row


class Level(enum.Enum):
    """Whether a phone with this account works."""

    PROBLEM = "problem"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """Something about the account ``id``, and where it is to be fixed."""

    level: Level
    code: str
    id: str
    message: str
    where: Place | Row | None = None
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.level.value} {self.code}: {Wrong(self.message, self.where, self.hint)}"


def findings(account: Account, found: Endpoints, *, complete: bool = True) -> Iterator[Finding]:
    """What is to be said of ``account``, whose password is known, where Asterisk has ``found``.

    ``complete`` is whether an endpoint that is not in ``found`` is nowhere: Asterisk may have
    more in a database.
    """
    endpoint = found.endpoints.get(account.id)
    if endpoint is None:
        if complete:
            text = f"Asterisk has no endpoint {account.id!r}"
            yield Finding(Level.PROBLEM, "no-endpoint", account.id, text, account.place)
        else:
            text = f"Asterisk's files have no endpoint {account.id!r}; its database may"
            yield Finding(Level.NOTE, "not-in-files", account.id, text, account.place)
        return
    if not endpoint.webrtc:
        text = f"the endpoint {account.id!r} is not for browsers"
        hint = "write webrtc=yes"
        yield Finding(Level.PROBLEM, "no-webrtc", account.id, text, endpoint.where, hint)
    for code, warning in endpoint_account.warnings(endpoint, found):
        level = Level.PROBLEM if code == "pinned-transport" else Level.NOTE
        yield Finding(level, code, account.id, warning.message, warning.where, warning.hint)
    yield from _authentication(account, endpoint, found)


def _authentication(account: Account, endpoint: Endpoint, found: Endpoints) -> Iterator[Finding]:
    if not (account.password or account.ha1):
        text = f"{account.id} has no password yet"
        yield Finding(Level.NOTE, "no-password", account.id, text, account.place)
    auth = endpoint_account.usable(endpoint, found)
    if isinstance(auth, Wrong):
        yield Finding(Level.PROBLEM, "no-auth", account.id, auth.message, auth.where, auth.hint)
        return
    where = auth.secret.where if auth.secret else endpoint.where
    if account.user != auth.username:
        text = f"{account.id} authenticates as {account.user!r}, Asterisk expects {auth.username!r}"
        yield Finding(Level.PROBLEM, "auth-name", account.id, text, where)
        return
    realm = auth.realm or found.realm
    if account.ha1 and realm and account.realm != realm:
        text = (
            f"the ha1 of {account.id} is for the realm {account.realm!r}, Asterisk's is {realm!r}"
        )
        yield Finding(Level.PROBLEM, "realm", account.id, text, where)
        return
    if not (account.password or account.ha1):
        return
    realm = realm or account.realm
    own = account.ha1 or ha1(account.user, realm, account.password)
    if own != digest(auth, realm):
        text = f"the password of {account.id} is not the one that Asterisk has"
        yield Finding(Level.PROBLEM, "password", account.id, text, where)
