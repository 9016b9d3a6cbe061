"""accounts.toml: what it says, what is wrong with it, and edits that leave all else alone."""

from __future__ import annotations

import contextlib
import json
import tomllib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cmp_bundle.accounts import toml_file
from cmp_bundle.accounts.edits import Edits, Parsed, make_sure, placeless
from cmp_bundle.accounts.model import Account, IceServer
from cmp_bundle.errors import CmpBundleError, FindingsError
from cmp_bundle.places import Place
from cmp_bundle.settings import toml_places
from tests.unit.accounts import drawn
from tests.unit.accounts.drawn import Document

FILE = "accounts.toml"

EXAMPLE = """\
# Who has a phone here.
[defaults]
host = "pbx.example.com"
port = 8089
dial = "247"

[[account]]
id = "alice"            # the boss
password = "wonder1and"
extension = "101"
dial = "246"

# Bob came later.
[[account]]
id = 'bob'
ha1 = "0123456789abcdef0123456789abcdef"
realm = "asterisk"
register = false
ice = [
  "stun:stun.example.com", # one
  { url = "turn:turn.example.com", username = "u", credential = "c" },
]
"""


def parsed(text: str) -> tuple[Account, ...]:
    return toml_file.parse(text.encode(), FILE).accounts


def wrong(text: str) -> FindingsError:
    with pytest.raises(FindingsError) as caught:
        toml_file.parse(text.encode(), FILE)
    return caught.value


def test_what_it_says() -> None:
    book = toml_file.parse(EXAMPLE.encode(), FILE)
    alice, bob = book.accounts
    assert (alice.id, alice.password, alice.extension) == ("alice", "wonder1and", "101")
    assert (alice.place, alice.secret) == (Place(FILE, 7), Place(FILE, 9))
    assert bob.ice == (
        IceServer("stun:stun.example.com"),
        IceServer("turn:turn.example.com", "u", "c"),
    )
    assert (bob.register, bob.secret) == (False, Place(FILE, 16))
    assert (book.under(alice).host, book.under(alice).port) == ("pbx.example.com", 8089)
    assert (book.under(alice).dial, book.under(bob).dial) == ("246", "247")
    assert book.under(bob).extension == ""


def test_tables_below_an_account() -> None:
    (one,) = parsed(
        '[[account]]\nid = "a"\n\n[[account.ice]]\nurl = "stun:x"\n[[account.ice]]\nurl = "stun:y"\n'
    )
    assert one.ice == (IceServer("stun:x"), IceServer("stun:y"))
    text = '[[account]]\nid = "a"\n[[account.ice]]\nurl = "nothing"\n'
    assert wrong(text).findings[0].place == Place(FILE, 3)


@pytest.mark.slow
@drawn.FEW
@given(drawn.some_accounts())
def test_what_is_added_is_read_again(accounts: tuple[Account, ...]) -> None:
    data = toml_file.edited(b"", Edits(add=accounts), FILE)
    assert [placeless(a) for a in toml_file.parse(data, FILE).accounts] == list(accounts)
    assert b"\n\n\n" not in data


@drawn.FEW
@given(drawn.documents())
def test_every_way_to_write_is_read(document: Document) -> None:
    found = parsed(document.text())
    written = [{line.field: line.value for line in block.lines} for block in document.blocks]
    values = [
        {k: v for k, v in vars(a).items() if v and k not in ("place", "secret")} for a in found
    ]
    assert values == written
    lines = document.text().split("\n")
    for account in found:
        assert isinstance(account.place, Place)
        assert isinstance(account.secret, Place)
        assert account.place.line is not None
        assert account.secret.line is not None
        assert "account" in lines[account.place.line - 1]
        assert "password" in lines[account.secret.line - 1]


@pytest.mark.slow
@drawn.FEW
@given(drawn.documents(), st.data())
def test_a_changed_value_changes_nothing_else(document: Document, data: st.DataObject) -> None:
    block = data.draw(st.sampled_from(document.blocks))
    password = data.draw(st.one_of(drawn.PASSWORDS, drawn.HOSTILE))
    after = toml_file.edited(
        document.text().encode(), Edits(change={block.id: {"password": password}}), FILE
    )
    written = json.dumps(password, ensure_ascii=False)
    lines = [
        replace(line, literal=written) if line.field == "password" else line for line in block.lines
    ]
    blocks = [replace(b, lines=lines) if b is block else b for b in document.blocks]
    assert after.decode() == replace(document, blocks=blocks).text()


@pytest.mark.slow
@drawn.FEW
@given(drawn.documents(), st.data())
def test_a_removed_field_takes_its_line_along(document: Document, data: st.DataObject) -> None:
    block = data.draw(st.sampled_from(document.blocks))
    after = toml_file.edited(
        document.text().encode(), Edits(change={block.id: {"password": None}}), FILE
    )
    # What stands above the pair, a comment perhaps, stays.
    lines = [line.gone() if line.field == "password" else line for line in block.lines]
    blocks = [replace(b, lines=lines) if b is block else b for b in document.blocks]
    assert after.decode() == replace(document, blocks=blocks).text()


@pytest.mark.slow
@drawn.FEW
@given(drawn.documents(), st.data())
def test_a_removed_account_leaves_the_others(document: Document, data: st.DataObject) -> None:
    block = data.draw(st.sampled_from(document.blocks))
    after = toml_file.edited(
        document.text().encode(), Edits(remove=frozenset({block.id})), FILE
    ).decode()
    kept = [replace(b, header="", lines=[], blank="") if b is block else b for b in document.blocks]
    expected = replace(document, blocks=kept).text()
    # The next account's first comment may begin with the blank lines that went along.
    assert after == expected or after.replace(document.newline, "") == expected.replace(
        document.newline, ""
    )


@pytest.mark.slow
@drawn.FEW
@given(drawn.documents(), drawn.accounts(name="zz.new"))
def test_an_added_account_stands_at_the_end(document: Document, fresh: Account) -> None:
    assume(all(block.id != fresh.id for block in document.blocks))
    text = document.text()
    after = toml_file.edited(text.encode(), Edits(add=(fresh,)), FILE).decode()
    assert after.startswith(text)
    added = after[len(text) :]
    assert added.strip() == toml_file.rendered(fresh, document.newline).strip()
    assert "\n" not in added.replace("\r\n", "") or document.newline == "\n"


def test_a_file_without_a_last_newline() -> None:
    text = '[[account]]\nid = "a"'
    after = toml_file.edited(text.encode(), Edits(change={"a": {"password": "x"}}), FILE)
    assert after == b'[[account]]\nid = "a"\npassword = "x"\n'
    after = toml_file.edited(text.encode(), Edits(add=(Account("b"),)), FILE)
    assert after == b'[[account]]\nid = "a"\n\n[[account]]\nid = "b"\n'
    after = toml_file.edited(b'[[account]]\r\nid = "a"', Edits(add=(Account("b"),)), FILE)
    assert after == b'[[account]]\r\nid = "a"\r\n\r\n[[account]]\r\nid = "b"\r\n'


def test_all_wrong_rows_are_told_in_order() -> None:
    error = wrong(
        '[[account]]\nid = "a b"\n'
        '[[account]]\nid = "c"\npasword = "x"\nport = "80"\n'
        '[[account]]\nid = "d"\nha1 = "12"\n'
        '[[account]]\npassword = "secret-of-nobody"\n'
        '[[account]]\nid = "C"\n[[account]]\nid = "e"\n[[account]]\nid = "e"\n'
        '[defaults]\npassword = "x"\nextention = "1"\nextension = "246"\n'
        "[other]\n"
    )
    message = str(error)
    assert "no account is used" in message
    for part in (
        "accounts.toml:2: the id 'a b' must not contain a space: a SIP address cannot contain it unescaped"
        "; write 'a.b'",
        "accounts.toml:5: unknown field 'pasword' in an account; did you mean password?",
        "accounts.toml:6: port must be a whole number",
        "accounts.toml:9: ha1 must be 32 hexadecimal digits",
        'accounts.toml:10: this account has no id; write id = "…"',
        "accounts.toml:16: the id 'e' is already used at accounts.toml:14",
        "accounts.toml:19: password cannot be a default: every account needs a different one",
        "accounts.toml:20: unknown field in an account; possible fields: dial,",
        "accounts.toml:21: extension cannot be a default: every account needs a different one; until"
        " now, extension was what the Call button dials: that is called dial now",
        "accounts.toml:22: unknown field in an accounts file; possible fields: account, defaults",
    ):
        assert part in message
    lines = [w.place.line for w in error.findings if isinstance(w.place, Place)]
    assert lines == sorted(lines, key=lambda n: n or 0)
    assert "secret-of-nobody" not in message


def test_two_that_differ_by_case_alone() -> None:
    message = str(wrong('[[account]]\nid = "al"\n[[account]]\nid = "AL"\n'))
    assert "'AL' differs from 'al' at accounts.toml:1 only by case" in message


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("[[account]]\nid = 'a", 2, "is not TOML"),
        ("[[account]]\nid = \n", 2, "is not TOML"),
        ("account = 1\n", 1, "accounts are tables"),
        ("[account]\nid = 'a'\n", 1, "accounts are tables"),
        ("account = [{ id = 'a' }]\n", 1, "accounts are tables"),
        ("defaults = 1\n", 1, "defaults are a table"),
    ],
)
def test_what_is_no_file_of_accounts(text: str, line: int, message: str) -> None:
    with pytest.raises(CmpBundleError) as caught:
        toml_file.parse(text.encode(), FILE)
    assert message in caught.value.message
    assert (caught.value.file, caught.value.line) == (FILE, line)


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(CmpBundleError) as caught:
        toml_file.parse(b"# fine\n# \xff\n", FILE)
    assert (caught.value.message, caught.value.line) == ("is not UTF-8 text", 2)


def test_depth_is_no_bug() -> None:
    with pytest.raises(CmpBundleError):
        toml_file.parse(b"x = " + b"[" * 100_000, FILE)


def test_what_cannot_be_changed_alone_is_left_alone() -> None:
    # The id stands in a way that leaves no line to put another field below.
    text = '[[account]]\nid = "a"\npassword = "x"\n[account.more]\n'
    with pytest.raises(CmpBundleError):
        toml_file.edited(text.encode(), Edits(change={"a": {"password": "y"}}), FILE)


@given(st.text(max_size=200))
def test_anything_at_all_comes_to_an_end(text: str) -> None:
    toml_places.tables(text)
    with contextlib.suppress(CmpBundleError):
        toml_file.parse(text.encode("utf-8", "surrogatepass"), FILE)


_PIECES = [
    "[a]", "[[b]]", ' [ c . "d" ]  # [e]', "f = 1", "g.h = 'x'", 'i = """\n[j]\nk = 1\n"""',
    "l = [\n1, # ]\n'[', 2]", "m = { n = '}', o = [1] }", "# p = 1", "", "'q r' = 2024-01-01",
    '"s\\u0041" = "\\"]"', "t = '''\n'' [[u]]'''", "\tv\t=\ttrue\t", "[[b]]\nw = 1",
]  # fmt: skip


@given(st.lists(st.sampled_from(_PIECES), max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_places_are_those_of_what_tomllib_reads(pieces: list[str], newline: str) -> None:
    text = newline.join(pieces)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        # A key or a table that is there twice.
        return
    places = toml_places.tables(text)
    found = {table.path[0] for table in places if table.path}
    found |= {pair.path[0] for pair in places[0].pairs}
    assert found == set(document)
    lines = text.split("\n")
    for table in places:
        for pair in table.pairs:
            value = text[pair.value_start : pair.value_end]
            values = tomllib.loads(f"x = {value}")["x"]
            assert table.array or _at(document, (*table.path, *pair.path)) == values
            assert lines[pair.line - 1].startswith(text[pair.start :].split("\n", 1)[0])


def _at(document: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        document = document[-1] if isinstance(document, list) else document
        document = document[part]
    return document


def test_an_edit_that_would_say_something_else_is_not_made() -> None:
    before, edits = Parsed((Account("a"),)), Edits(change={"a": {"password": "x"}})
    make_sure(Parsed((Account("a", password="x"),)), before, edits, FILE)
    others = (), (Account("a"),), (Account("a", password="y"),), (Account("b", password="x"),)
    for accounts in others:
        with pytest.raises(
            CmpBundleError, match="cannot be changed without changing other parts of the file"
        ):
            make_sure(Parsed(accounts), before, edits, FILE)
