"""Our pjsip.conf as text, and what Asterisk reads of it."""

from __future__ import annotations

import re
import string
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.accounts import fields, from_pjsip
from cmp_bundle.accounts.endpoint import Endpoints
from cmp_bundle.accounts.model import Account
from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.conf_files import ConfFolder, Overlaid
from cmp_bundle.provision.pjsip import Phones, PjsipFile, by_hand, head, objects

from .servers import ALICE, BOB

PHONES = Phones("cmp-phones", ("ulaw", "opus", "vp8"), remove_unavailable=True)

#: What an account file lets through, made so that nearly all of it is: nothing is thrown away.
IDS = st.text(st.sampled_from(string.ascii_letters + string.digits + "-_.!~*'+=?$"), min_size=1)
_PRINTABLE = st.characters(categories=("L", "M", "N", "P", "S"))
TEXTS = st.builds("{}{}{}".format, _PRINTABLE, st.text(_PRINTABLE | st.just(" ")), _PRINTABLE)
NAMES = TEXTS.map(lambda text: re.sub(r'[":\\]', "x", text))


def read(text: bytes) -> Endpoints:
    nowhere = ConfFolder(Path("/nowhere"))
    files = Overlaid(nowhere, {f"{nowhere.etc}/pjsip.conf": text})
    return from_pjsip.found(reader.read("pjsip.conf", files))


@given(IDS, TEXTS, NAMES, TEXTS)
def test_asterisk_reads_what_the_account_says(
    name: str, password: str, auth_name: str, display_name: str
) -> None:
    values = {"id": name, "display_name": display_name, "auth_name": auth_name}
    for field, value in (values | {"password": password}).items():
        validate = fields.FIELDS[field].validate
        assert validate is None or validate(value) is None
    account = Account(name, display_name, auth_name, password)
    other = replace(BOB, id=f"{name}2")
    file = PjsipFile(head(PHONES), ((name, objects(account)), (other.id, objects(other))))
    for text in (bytes(file), by_hand(account, PHONES).encode()):
        found = read(text)
        assert found.findings == ()
        assert found.endpoints[name].webrtc
        assert found.endpoints[name].auths == (name,)
        assert found.auths[name].username == auth_name
        assert found.auths[name].password == password
        shown = found.endpoints[name].display_name
        assert set(shown) <= set(display_name) | set(name)


@given(IDS)
def test_a_file_is_taken_apart_as_it_was_put_together(name: str) -> None:
    first, second = Account(f"{name}1", password="x"), Account(f"{name}2", password="y")
    file = PjsipFile(head(PHONES), tuple((a.id, objects(a)) for a in (first, second)))
    assert PjsipFile.parsed(bytes(file)) == file


DOOR = "[door]\ntype = endpoint\n; of the admin's\n\n"


@pytest.mark.parametrize("ends", ["\n", "\r\n", " ; reception\n"])
@pytest.mark.parametrize("where", [0, 1, 2])
def test_what_somebody_adds_stays(ends: str, where: int) -> None:
    """Whatever comes and goes around it, and however the lines of ours end by now."""
    own = [objects(ALICE), objects(BOB)]
    text = head(PHONES) + "".join((*own[:where], DOOR, *own[where:])).replace("\n", ends)
    file = PjsipFile.parsed(text.encode())
    assert bytes(file).decode() == text
    assert list(file.objects) == ["alice", "bob"]
    door = DOOR.replace("\n", ends)
    for stay in ({}, {"alice": objects(ALICE)}, {"bob": objects(BOB)}):
        kept = bytes(file.with_objects("", stay)).decode()
        assert kept.count(door) == 1
        assert kept.replace(door, "") == "".join(stay.values())
    carol = Account("carol", password="x")
    more = bytes(file.with_objects(file.head, file.objects | {"carol": objects(carol)})).decode()
    assert more == text + objects(carol)


@given(st.binary())
def test_whatever_stands_there_stays(data: bytes) -> None:
    assert bytes(PjsipFile.parsed(data)) == data


def test_by_hand() -> None:
    text = by_hand(ALICE, PHONES)
    assert "(" not in text.replace('"Alice" <101>', ""), "no templates"
    assert text.count("\ntype = ") == 3
    assert "webrtc = yes" in text
    assert "auth_type = md5" in by_hand(BOB, PHONES)
    assert "auth_type = userpass" not in by_hand(BOB, PHONES)
