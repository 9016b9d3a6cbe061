"""accounts.csv: what spreadsheets write, what is wrong with it, edits in place."""

from __future__ import annotations

import contextlib
import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.accounts import csv_file
from cmp_bundle.accounts.csv_records import CsvError, delimiter, quoted, records
from cmp_bundle.accounts.edits import Edits, placeless
from cmp_bundle.accounts.model import Account, IceServer
from cmp_bundle.errors import CmpBundleError, FindingsError
from cmp_bundle.places import Place
from tests.unit.accounts import drawn

FILE = "accounts.csv"

EXAMPLE = '''\
id,Display Name,password,extension,dial,register,port,ice
alice,"Alice, the ""boss""",wonder1and,101,246,yes,,stun:a.example.com stun:b.example.com

bob,Bob,,,,off,8443,"[{""url"": ""turn:t"", ""username"": ""u"", ""credential"": ""c""}]"
'''


def parsed(text: str) -> tuple[Account, ...]:
    return csv_file.parse(text.encode(), FILE).accounts


def edited(text: str, edits: Edits) -> str:
    return csv_file.edited(text.encode(), edits, FILE).decode()


def test_what_it_says() -> None:
    alice, bob = parsed(EXAMPLE)
    assert placeless(alice) == Account(
        "alice",
        display_name='Alice, the "boss"',
        password="wonder1and",
        extension="101",
        dial="246",
        register=True,
        ice=(IceServer("stun:a.example.com"), IceServer("stun:b.example.com")),
    )
    assert placeless(bob) == Account(
        "bob",
        display_name="Bob",
        register=False,
        port=8443,
        ice=(IceServer("turn:t", "u", "c"),),
    )
    assert (alice.place, bob.place) == (Place(FILE, 2), Place(FILE, 4))


@pytest.mark.parametrize("between", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_what_different_spreadsheets_write(between: str, newline: str, bom: str) -> None:
    lines = [["id", "password"], ["a", 'x,";y'], ["b", ""]]
    text = newline.join(between.join(quoted(cell, between) for cell in line) for line in lines)
    found = parsed(bom + text)
    assert [(a.id, a.password) for a in found] == [("a", 'x,";y'), ("b", "")]
    after = edited(bom + text, Edits(add=(Account("c"),), change={"b": {"password": "p"}}))
    assert after.startswith(bom + "id")
    if newline != "\r":
        assert after.endswith(f"b{between}p{newline}c{newline}")


@pytest.mark.slow
@drawn.FEW
@given(drawn.some_accounts(), st.sampled_from([b"", b"\n", b"id;password\r\n", b"password\tid"]))
def test_what_is_added_is_read_again(accounts: tuple[Account, ...], before: bytes) -> None:
    data = csv_file.edited(before, Edits(add=accounts), FILE)
    assert [placeless(a) for a in csv_file.parse(data, FILE).accounts] == list(accounts)


_CELLS = st.text(st.sampled_from('ab",;\t \r\né'), max_size=6)


@given(st.lists(st.lists(_CELLS, min_size=2, max_size=4), max_size=4), st.sampled_from(",;\t"))
def test_records_are_those_of_pythons_reader(rows: list[list[str]], between: str) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=between, lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerows(rows)
    text = out.getvalue()
    assert [[cell.value for cell in r.cells] for r in records(text, between)] == rows
    for record in records(text, between):
        assert text[record.start : record.end].count('"') % 2 == 0
        assert record.line == len(text[: record.start].replace("\r\n", "\n").replace("\r", "\n")
                                  .split("\n"))  # fmt: skip


@given(_CELLS, st.sampled_from(",;\t"))
def test_a_quoted_field_is_one_field(text: str, between: str) -> None:
    (record,) = records(f"x{between}{quoted(text, between)}{between}y", between)
    assert [cell.value for cell in record.cells] == ["x", text, "y"]


def test_the_delimiter_is_what_the_first_line_has_most_of() -> None:
    assert delimiter("\ufeffid;a,b;c\nx,y,z,w") == ";"
    assert delimiter("id") == ","


@drawn.FEW
@given(st.data())
def test_an_edit_leaves_all_else_alone(data: st.DataObject) -> None:
    names = data.draw(st.lists(drawn.IDS, unique=True, min_size=1, max_size=4))
    between, newline = (
        data.draw(st.sampled_from(",;\t")),
        data.draw(st.sampled_from(["\n", "\r\n"])),
    )
    always = data.draw(st.booleans())

    def cell(text: str) -> str:
        written = quoted(text, between)
        return f'"{text.replace(chr(34), chr(34) * 2)}"' if always or not written else written

    passwords = [data.draw(st.one_of(drawn.PASSWORDS, drawn.HOSTILE)) for _ in names]
    rows = [f"  {cell(n)}{between}{cell(p)}" if not always else f"{cell(n)}{between}{cell(p)}"
            for n, p in zip(names, passwords, strict=True)]  # fmt: skip
    head = between.join(("ID", "Password", "display-name"))
    text = newline.join((head, *rows))
    number = data.draw(st.integers(0, len(names) - 1))
    new = data.draw(st.one_of(drawn.PASSWORDS, drawn.HOSTILE))

    after = edited(text, Edits(change={names[number]: {"password": new}}))
    lines = [head, *rows]
    first = rows[number][: len(rows[number]) - len(cell(passwords[number]))]
    lines[number + 1] = first + quoted(new, between)
    assert after == newline.join(lines)

    removed = edited(text, Edits(remove=frozenset({names[number]})))
    left = [row for at, row in enumerate(rows) if at != number]
    assert removed.rstrip("\r\n") == newline.join((head, *left))

    named = edited(text, Edits(change={names[number]: {"display_name": "N"}}))
    lines = [head, *rows]
    lines[number + 1] += f"{between}N"
    assert named == newline.join(lines)


def test_a_new_column_stands_behind_the_others() -> None:
    text = "id,password\na,x\n"
    assert edited(text, Edits(change={"a": {"display_name": "A"}})) == (
        "id,password,display_name\na,x,A\n"
    )


def test_all_wrong_lines_are_told() -> None:
    text = (
        "id,password,port,register,ice\n"
        "a b,secret-of-a,,,\n"
        ",secret-of-nobody,,,\n"
        "c,,x,,\n"
        "d,,,perhaps,\n"
        "e,,,,nothing\n"
        "f,,,,,secret-of-f\n"
        '"g","multi\nline",,,\n'
        "h,,,,\nh,,,,\n"
    )
    with pytest.raises(FindingsError) as caught:
        parsed(text)
    message = str(caught.value)
    assert len(caught.value.findings) == 8
    for part in (
        "accounts.csv:2: the id 'a b'",
        "accounts.csv:3: this account has no id",
        "accounts.csv:4: port must be a whole number",
        "accounts.csv:5: register must be true or false",
        "accounts.csv:6: a server in ice must look like",
        "accounts.csv:7: this line has more fields than the first line has columns",
        "accounts.csv:8: password must be text on one line",
        "accounts.csv:11: the id 'h' is already used at accounts.csv:10",
    ):
        assert part in message, part
    assert "secret-of" not in message


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("alice,secret-of-a\n", 1, "the first line must name the columns"),
        ("\n\nname,secret-of-a\n", 3, "the first line must name the columns"),
        ('id,password\na,"secret-of-a\n', 2, "a quote is never closed"),
        ('id,password\na,"secret-of-a"x\n', 2, "there is text after a closing quote"),
        ("id,pasword\n", 1, "unknown field 'pasword' in an account; did you mean password?"),
        ("id,password,Password\n", 1, "two columns are named password"),
    ],
)
def test_what_is_no_file_of_accounts(text: str, line: int, message: str) -> None:
    with pytest.raises(CmpBundleError) as caught:
        parsed(text)
    assert message in caught.value.message
    assert (caught.value.file, caught.value.line) == (FILE, line)
    assert "secret-of" not in f"{caught.value}{caught.value.hint}"


def test_another_encoding_says_how_to_save_it() -> None:
    with pytest.raises(CmpBundleError) as caught:
        csv_file.parse("id,display name\na,Zoë\n".encode("latin-1"), FILE)
    assert (caught.value.line, caught.value.hint) == (
        2,
        "save it from the spreadsheet as CSV UTF-8",
    )


@given(st.text(st.sampled_from('id,;\t"\r\n a'), max_size=40))
def test_anything_at_all_comes_to_an_end(text: str) -> None:
    with contextlib.suppress(CsvError):
        records(text, ",")
    with contextlib.suppress(CmpBundleError):
        parsed(text)
