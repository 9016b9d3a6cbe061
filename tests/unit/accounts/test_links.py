"""The key, links and sealed profiles: docs/links.json, and what must hold for all of them."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.accounts import keyring, link, profile
from cmp_bundle.accounts.keyring import Keyring
from cmp_bundle.accounts.model import Account, IceServer
from cmp_bundle.accounts.token import Token, token
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk
from tests.unit.accounts import drawn

VECTORS = json.loads((Path(__file__).parents[3] / "docs/links.json").read_text())

KEYS = st.binary(min_size=32, max_size=32)
TOKENS = st.binary(min_size=16, max_size=16).map(Token)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["account"])
def test_the_vectors_that_the_documents_give(vector: dict[str, Any]) -> None:
    opening_token = token(bytes.fromhex(vector["key"]), vector["account"], vector["number"])
    assert (opening_token.text, opening_token.name) == (vector["token"], vector["name"])
    sealed = profile.seal(vector["profile"], opening_token)
    assert sealed.hex() == vector["sealed"]
    assert profile.unseal(sealed, opening_token) == vector["profile"]


@drawn.FEW
@given(drawn.accounts(), TOKENS, TOKENS)
def test_a_profile_opens_with_its_own_token_alone(
    account: Account, opening: Token, other: Token
) -> None:
    reported = profile.content(account)
    sealed = profile.seal(reported, opening)
    assert profile.unseal(sealed, opening) == reported
    assert sealed == profile.seal(reported, opening)
    assert len(sealed) % 64 == 29
    if other != opening:
        with pytest.raises(InvalidTag):
            profile.unseal(sealed, other)


@given(TOKENS, st.data())
def test_a_profile_that_was_changed_does_not_open(opening: Token, data: st.DataObject) -> None:
    sealed = bytearray(profile.seal({"id": "a", "password": "x"}, opening))
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(InvalidTag):
        profile.unseal(bytes(sealed), opening)


@given(st.text(max_size=200), TOKENS)
def test_the_length_tells_little(text: str, opening: Token) -> None:
    try:
        sealed = profile.seal({"id": text}, opening)
    except UnicodeEncodeError:
        pytest.fail("every text can be sealed")
    assert (len(sealed) - 29) % 64 == 0
    assert profile.unseal(sealed, opening) == {"id": text}


def test_two_profiles_never_share_a_nonce() -> None:
    opening = Token(b"x" * 16)
    nonces = {profile.seal({"id": str(n)}, opening)[1:13] for n in range(500)}
    assert len(nonces) == 500


@given(KEYS, drawn.IDS, drawn.IDS, st.integers(1, 9), st.integers(1, 9))
def test_a_token_is_one_link_of_one_account(
    key: bytes, one: str, other: str, first: int, second: int
) -> None:
    same = (one, first) == (other, second)
    assert (token(key, one, first) == token(key, other, second)) == same


@given(TOKENS)
def test_neither_name_nor_text_nor_picture_gives_the_token_away(opening: Token) -> None:
    assert len(opening.text) == 22
    assert base64.urlsafe_b64decode(opening.text + "==") == opening.value
    assert len(opening.name) == 32
    assert opening.value.hex() not in opening.name
    assert opening.text not in repr(opening)
    assert len(opening.key) == 32


def test_what_a_page_is_told() -> None:
    account = Account(
        "alice",
        display_name="Alice",
        auth_name="al",
        ha1="0" * 32,
        realm="asterisk",
        register=False,
        host="pbx",
        port=8443,
        ice=(IceServer("stun:x"), IceServer("turn:y", "u", "c")),
        source="pjsip.conf",
    )
    assert profile.content(account) == {
        "id": "alice",
        "displayName": "Alice",
        "name": "al",
        "ha1": "0" * 32,
        "realm": "asterisk",
        "register": False,
        "server": {"host": "pbx", "port": 8443},
        "ice": [{"url": "stun:x"}, {"url": "turn:y", "username": "u", "credential": "c"}],
    }
    assert profile.content(Account("a", ice=())) == {"id": "a", "ice": []}


def test_links_and_their_pictures() -> None:
    url = link.link("https://pbx:8089/", "/cmp2k", Token(bytes(16)))
    assert url == f"https://pbx:8089/cmp2k#{'A' * 22}"
    assert "█" in link.qr_for_terminal(url) or "▀" in link.qr_for_terminal(url)
    assert link.qr_as_svg(url).startswith(b"<?xml")
    assert b"A" * 22 not in link.qr_as_svg(url)
    assert link.qr_as_data_url(url).startswith("data:image/svg+xml")


# The key


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "cmp-bundle.key"
    ring, is_new = keyring.load_or_make(path, Disk())
    assert is_new
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keyring.load_or_make(path, Disk()) == (ring, False)
    assert keyring.load(tmp_path / "nothing") is None
    assert keyring.fresh().key != keyring.fresh().key


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o644, 0o660])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "cmp-bundle.key"
    keyring.load_or_make(path, Disk())
    path.chmod(bits)
    with pytest.raises(CmpBundleError) as caught:
        keyring.load(path)
    assert caught.value.hint == (
        f"chmod 600 {path}; if somebody may have read it: cmp-bundle key rotate"
    )


def test_a_renewed_link_is_another_and_stays_so(tmp_path: Path) -> None:
    path = tmp_path / "cmp-bundle.key"
    first = keyring.fresh()
    again = first.renewed("alice").renewed("alice").renewed("bob")
    assert again.token("alice") == token(first.key, "alice", 3)
    assert again.token("carol") == first.token("carol")
    assert len({k.token("alice").text for k in (first, first.renewed("alice"), again)}) == 3
    keyring.save(again, path, Disk())
    assert keyring.load(path) == again
    # A backup is the file itself.
    assert keyring.parse(path.read_bytes(), path) == again


@given(KEYS, st.dictionaries(st.text(max_size=9), st.integers(1, 99), max_size=4))
def test_a_keyring_comes_back_as_it_was(key: bytes, numbers: dict[str, int]) -> None:
    keyring_before = Keyring(key, numbers)
    assert keyring.parse(keyring_before.to_json(), Path("k")) == keyring_before
    assert base64.b64encode(key).decode() not in repr(keyring_before)


_GOOD = json.loads(Keyring(bytes(32)).to_json())


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b"null",
        json.dumps(_GOOD | {"format": 0}).encode(),
        json.dumps(_GOOD | {"format": "2"}).encode(),
        json.dumps(_GOOD | {"key": "AAAA"}).encode(),
        json.dumps(_GOOD | {"key": "!" * 44}).encode(),
        json.dumps(_GOOD | {"key": 5}).encode(),
        json.dumps(_GOOD | {"links": []}).encode(),
        json.dumps(_GOOD | {"links": {"a": 0}}).encode(),
        json.dumps(_GOOD | {"links": {"a": "2"}}).encode(),
        json.dumps(_GOOD | {"links": {"a": True}}).encode(),
        b"[" * 100_000,
    ],
)
def test_what_is_no_key(document: bytes) -> None:
    with pytest.raises(CmpBundleError) as caught:
        keyring.parse(document, Path("cmp-bundle.key"))
    assert caught.value.message == "is not a link key of cmp-bundle"
    assert "key restore" in str(caught.value.hint)


@pytest.mark.slow
@given(
    KEYS,
    st.dictionaries(drawn.IDS, st.integers(1, 9)),
    st.dictionaries(drawn.IDS, st.integers(1, 9)),
)
def test_no_link_becomes_an_older_one(key: bytes, one: dict[str, int], two: dict[str, int]) -> None:
    merged = Keyring(key, one).not_before(Keyring(key, two))
    assert merged.numbers == {n: max(one.get(n, 1), two.get(n, 1)) for n in {*one, *two}}
    other = Keyring(bytes(b ^ 1 for b in key), two)
    assert Keyring(key, one).not_before(other) == Keyring(key, one)


def test_what_a_profile_gives_away_in_words() -> None:
    alice = Account("alice", password="x", ice=(IceServer("stun:s"), IceServer("turn:t", "u", "c")))
    bob = Account("bob", ha1="0" * 32, ice=alice.ice)
    reported = profile.exposed(profile.content(alice), (alice, bob))
    assert reported == ["the password of alice", "the credential of turn:t, which 2 accounts have"]
    assert profile.exposed(profile.content(bob), (bob,)) == [
        "the HA1 of bob, which is as good as its password",
        "the credential of turn:t",
    ]
    assert profile.exposed(profile.content(Account("a")), ()) == []
