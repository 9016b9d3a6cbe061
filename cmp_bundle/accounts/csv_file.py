"""accounts.csv: what a spreadsheet keeps, a first line with the names of the columns above it.

    id,display name,password,extension,dial
    alice,Alice,,101,246

The columns are the fields of accounts.toml; in ``ice`` stand URLs with blanks between them, or
JSON where there are credentials. Changes leave every other byte as it is.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cmp_bundle.accounts.csv_records import CsvError, Record, delimiter, quoted, records
from cmp_bundle.accounts.edits import Parsed, make_sure, newline_of, replaced, text_of, values
from cmp_bundle.accounts.fields import FIELDS, AccountFields, account, refuse_wrong, unknown
from cmp_bundle.errors import CmpBundleError, refuse
from cmp_bundle.findings import Finding, finding
from cmp_bundle.places import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.accounts.edits import Change, Edits

_YES = ("yes", "true", "on", "1")
_NO = ("no", "false", "off", "0")


@dataclass(frozen=True)
class _Sheet:
    """A text cut up: what is between fields, the columns by name, and the rows below."""

    text: str
    between: str
    columns: tuple[str, ...]
    head: Record | None
    rows: tuple[Record, ...]


def parse(data: bytes, file: str) -> Parsed:
    """What the file called ``file`` holds. Raises CmpBundleError with all that is wrong."""
    sheet = _sheet(data, file)
    findings: list[Finding] = []
    accounts = []
    for row in sheet.rows:
        written = _written(sheet, row, file, findings)
        parsed = account(written, findings) if written else None
        if parsed:
            accounts.append(parsed)
    refuse_wrong(accounts, findings)
    return Parsed(tuple(accounts))


def edited(data: bytes, edits: Edits, file: str) -> bytes:
    """The file with accounts added at its end, removed, or changed; the rest byte for byte.

    Raises CmpBundleError where ``data`` is not right, or cannot be changed without touching more.
    """
    before = parse(data, file)
    sheet = _sheet(data, file)
    rows = dict(zip((a.id for a in before.accounts), sheet.rows, strict=True))
    newline = newline_of(sheet.text)
    needed = [name for added in edits.add for name in values(added)]
    needed += [n for change in edits.change.values() for n, value in change.items() if value]
    columns = list(sheet.columns)
    columns += [name for name in dict.fromkeys(["id", *needed]) if name not in columns]
    spans = [(rows[name].start, rows[name].next, "") for name in edits.remove]
    for name, change in edits.change.items():
        spans += _changes(sheet, rows[name], columns, change)
    new_columns = columns[len(sheet.columns) :]
    text = sheet.text
    if sheet.head is None:
        text += sheet.between.join(new_columns) + newline
    elif new_columns:
        end = sheet.head.end
        spans.append((end, end, sheet.between + sheet.between.join(new_columns)))
    changed = replaced(text, spans)
    if edits.add and not changed.endswith(("\n", "\r")):
        changed += newline
    for added in edits.add:
        cells = {name: _written_as(value) for name, value in values(added).items()}
        row = [quoted(cells.get(name, ""), sheet.between) for name in columns]
        changed += sheet.between.join(row).rstrip(sheet.between) + newline
    after = changed.encode()
    make_sure(parse(after, file), before, edits, file)
    return after


def _sheet(data: bytes, file: str) -> _Sheet:
    text = text_of(data, file, "save it from the spreadsheet as CSV UTF-8")
    between = delimiter(text)
    try:
        rows = records(text, between)
    except CsvError as error:
        raise CmpBundleError("csv-layout", str(error), file=file, line=error.line) from None
    if not rows:
        return _Sheet(text, between, (), None, ())
    head = rows.pop(0)
    columns = tuple(_column(cell.value) for cell in head.cells)
    if "id" not in columns:
        # What stands there instead may be somebody's password: it is not repeated.
        raise CmpBundleError(
            "csv-layout",
            "the first line must name the columns, and id must be one of them",
            file=file,
            line=head.line,
            hint=f"possible columns: {', '.join(FIELDS)}",
        )
    place = Place(file, head.line)
    findings = [
        finding("account-field", unknown(name, FIELDS, is_heading=True), place)
        for name in columns
        if name not in FIELDS
    ]
    twice = {name for name in columns if columns.count(name) > 1 and name in FIELDS}
    findings += [
        finding("csv-layout", f"two columns are named {name}", place) for name in sorted(twice)
    ]
    refuse(findings)
    return _Sheet(text, between, columns, head, tuple(rows))


def _column(name: str) -> str:
    """``display_name`` for Display Name, as people write it over a column."""
    return re.sub(r"[\s_-]+", "_", name.strip().lower())


def _written(
    sheet: _Sheet, row: Record, file: str, findings: list[Finding]
) -> AccountFields | None:
    place = Place(file, row.line)
    if any(cell.value for cell in row.cells[len(sheet.columns) :]):
        findings.append(
            finding(
                "csv-layout", "this line has more fields than the first line has columns", place
            )
        )
        return None
    values = {}
    for name, cell in zip(sheet.columns, row.cells, strict=False):
        if cell.value:
            values[name] = _value(name, cell.value)
    return AccountFields(values, place, {})


def _value(name: str, text: str) -> Any:
    """What ``text`` says; the text itself where it makes no sense for the field."""
    kind = FIELDS[name].kind
    if kind is bool and text.lower() in _YES + _NO:
        return text.lower() in _YES
    if kind is int and re.fullmatch(r"[0-9]{1,9}", text):
        return int(text)
    if kind is list:
        return _list(text)
    return text


def _list(text: str) -> Any:
    if not text.startswith("["):
        return text.split()
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _written_as(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        if value and all(isinstance(url, str) for url in value):
            return " ".join(value)
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def _changes(
    sheet: _Sheet, row: Record, columns: list[str], change: Change
) -> Iterator[tuple[int, int, str]]:
    beyond = {}
    for name, value in change.items():
        if name not in columns:
            continue
        at = columns.index(name)
        if at < len(row.cells):
            cell = row.cells[at]
            yield cell.start, cell.end, quoted(value or "", sheet.between)
        elif value:
            beyond[at] = quoted(value, sheet.between)
    if beyond:
        cells = [beyond.get(at, "") for at in range(len(row.cells), max(beyond) + 1)]
        yield row.end, row.end, sheet.between + sheet.between.join(cells)
