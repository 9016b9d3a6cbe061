"""The accounts' part of a bundle."""

from __future__ import annotations

from cmp_bundle.accounts.keyring import Keyring
from cmp_bundle.accounts.model import Account, IceServer
from cmp_bundle.accounts.profile import unseal
from cmp_bundle.bundle.build import BundledAccounts, build
from cmp_bundle.bundle.client import Client
from cmp_bundle.bundle.manifest import published
from cmp_bundle.bundle.sealed import profiles, secrets
from cmp_bundle.settings.model import Settings

from .phones import phone

RING = Keyring(bytes(range(32)), {"bob": 4})
TURN = (IceServer("stun:s"), IceServer("turn:t", "me", "turned"))
PEOPLE = [
    Account(
        "alice",
        "Alice in Wonderland",
        ha1="a" * 32,
        realm="asterisk",
        extension="101",
        dial="246",
    ),
    Account("bob", password="bobs-own-word", ice=TURN),
]


def test_each_profile_opens_with_its_own_link_alone() -> None:
    sealed = profiles(PEOPLE, RING)
    assert set(sealed) == {f"{RING.token(a.id).name}.bin" for a in PEOPLE}
    opened = unseal(sealed[f"{RING.token('bob').name}.bin"], RING.token("bob"))
    assert opened["password"] == "bobs-own-word"
    assert f"{RING.renewed('bob').token('bob').name}.bin" not in sealed


def test_a_profile_says_what_call_dials_as_pages_of_all_releases_read_it() -> None:
    opened = unseal(profiles(PEOPLE, RING)[f"{RING.token('alice').name}.bin"], RING.token("alice"))
    assert opened["extension"] == "246"
    assert "dial" not in opened


def test_every_secret_is_named() -> None:
    found = {s.what: s.value for s in secrets(PEOPLE, RING)}
    assert found == {
        "the key of all links": RING.key,
        "the HA1 of alice": "a" * 32,
        "the link of alice": RING.token("alice").text,
        "the password of bob": "bobs-own-word",
        "the credential of turn:t": "turned",
        "the link of bob": RING.token("bob").text,
    }


def test_an_account_costs_at_most_400_bytes() -> None:
    many = [
        Account(f"user{n:04}", f"Person Number {n}", ha1=f"{n:032x}", realm="asterisk",
                extension="101", dial="246", host="pbx.example.com", register=True)
        for n in range(1000)
    ]  # fmt: skip

    def size(people: BundledAccounts) -> int:
        built = build(phone(), Settings(), Client("l", "o()", ".o{}"), people)
        return sum(map(len, published(built.bundle).values()))

    more = size(BundledAccounts(profiles(many, RING))) - size(BundledAccounts())
    assert more <= 400 * len(many)
