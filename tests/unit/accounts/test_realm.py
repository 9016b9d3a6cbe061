"""Which realm an account will be asked in, and that nothing is guessed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cmp_bundle.accounts.endpoint import Auth, Endpoint, Endpoints
from cmp_bundle.accounts.model import Account, ha1
from cmp_bundle.accounts.realm import digested
from cmp_bundle.places import Place

HERE = Place("pjsip.conf", 1)
ALICE = Account("alice", password="wonder1and")
AUTH = Auth("a", username="alice", password="another")


def found(auth: Auth = AUTH, realm: str = "asterisk", name: str = "alice") -> Endpoints:
    return Endpoints({name: Endpoint(name, HERE, auths=("a",))}, {"a": auth}, {}, realm)


@pytest.mark.parametrize(
    ("account", "sources", "default", "realm"),
    [
        (ALICE, [], "", None),
        (ALICE, [], "said", "said"),
        (ALICE, [found()], "", "asterisk"),
        (ALICE, [found()], "said", "asterisk"),
        (ALICE, [found(replace(AUTH, realm="own"))], "said", "own"),
        (replace(ALICE, realm="row"), [found()], "said", "row"),
        (ALICE, [found(name="bob"), found(realm="second")], "", "second"),
        # Another account's auth, or none that a phone could use: not hers to tell.
        (ALICE, [found(replace(AUTH, username="bob"))], "", None),
        (ALICE, [found(replace(AUTH, unusable="it has no password"))], "", None),
        (replace(ALICE, auth_name="al"), [found(replace(AUTH, username="al"))], "", "asterisk"),
    ],
)
def test_the_realm(
    account: Account, sources: list[Endpoints], default: str, realm: str | None
) -> None:
    (result,) = digested([account], sources, default)
    if realm is None:
        assert result == account
    else:
        assert (result.password, result.realm) == ("", realm)
        assert result.ha1 == ha1(account.user, realm, "wonder1and")


def test_there_has_to_be_a_password() -> None:
    kept = Account("zoe", ha1="0" * 32, realm="there")
    assert digested([kept, Account("nobody")], [found()], "said") == (kept, Account("nobody"))
