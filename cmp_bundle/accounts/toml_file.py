"""accounts.toml: read whole, and changed so that every other byte stays.

    [defaults]              # for those that do not say themselves
    host = "pbx.example.com"
    dial = "246"

    [[account]]
    id = "alice"
    password = "…"          # left out: generated
    extension = "101"

What else an account may say is in fields.py.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from cmp_bundle.accounts.edits import (
    Parsed,
    make_sure,
    newline_of,
    replaced,
    text_of,
    unclear,
    values,
)
from cmp_bundle.accounts.fields import (
    FIELDS,
    RENAMED,
    AccountFields,
    account,
    checked,
    refuse_wrong,
    unknown,
)
from cmp_bundle.accounts.model import Account
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.findings import Finding, finding
from cmp_bundle.places import Place
from cmp_bundle.settings.template import literal
from cmp_bundle.settings.toml_places import tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp_bundle.accounts.edits import Change, Edits
    from cmp_bundle.settings.toml_places import Table

_SHARED = {name: field for name, field in FIELDS.items() if field.shared}


def parse(data: bytes, file: str) -> Parsed:
    """What the file called ``file`` holds. Raises CmpBundleError with all that is wrong."""
    text = text_of(data, file)
    document = _document(text, file)
    layout = tables(text)
    findings: list[Finding] = []
    _look_at_top(document, layout, file, findings)
    rows = document.get("account", [])
    accounts = []
    for row, account_tables in zip(rows, _rows(layout), strict=False):
        parsed = account(_written(row, account_tables, file), findings)
        if parsed:
            accounts.append(parsed)
    defaults = _defaults(document, layout, file, findings)
    refuse_wrong(accounts, findings)
    return Parsed(tuple(accounts), defaults)


def edited(data: bytes, edits: Edits, file: str) -> bytes:
    """The file with accounts added at its end, removed, or changed; the rest byte for byte.

    Raises CmpBundleError where ``data`` is not right, or cannot be changed without touching more.
    """
    before = parse(data, file)
    text = text_of(data, file)
    newline = newline_of(text)
    rows = dict(zip((a.id for a in before.accounts), _rows(tables(text)), strict=True))
    spans = [_removal(text, rows[name]) for name in edits.remove]
    for name, change in edits.change.items():
        spans += _changes(text, rows[name], change, newline, file)
    changed = replaced(text, spans)
    for account_to_add in edits.add:
        changed += _gap(changed, newline) + rendered(account_to_add, newline)
    after = changed.encode()
    make_sure(parse(after, file), before, edits, file)
    return after


def rendered(added: Account, newline: str = "\n") -> str:
    """An account as it is added to a file."""
    lines = ["[[account]]"]
    lines += [f"{name} = {_literal(value)}" for name, value in values(added).items()]
    return newline.join((*lines, ""))


def _literal(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {literal(v)}" for name, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return literal(value)


def _document(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        # tomllib says "… (at line 3, column 7)"; it quotes no more than one character.
        message, _, place = str(error).partition(" (at ")
        found = re.match(r"line (\d+)", place)
        line = int(found[1]) if found else len(text.splitlines())
        raise CmpBundleError(
            "not-toml", f"is not TOML: {message[:1].lower()}{message[1:]}", file=file, line=line
        ) from None
    except (ValueError, RecursionError):
        # Numbers of thousands of digits, and arrays nested as deeply.
        raise CmpBundleError(
            "not-toml", "has a number or a nesting that is too large", file=file
        ) from None


def _look_at_top(
    document: dict[str, Any], layout: list[Table], file: str, findings: list[Finding]
) -> None:
    for name, content in document.items():
        where = Place(file, _line(layout, name))
        if name not in ("account", "defaults"):
            findings.append(
                finding(
                    "account-field",
                    unknown(name, ("account", "defaults"), "an accounts file"),
                    where,
                )
            )
        elif name == "account" and (
            not isinstance(content, list) or len(content) != len(_rows(layout))
        ):
            findings.append(
                finding(
                    "accounts-layout",
                    "accounts are tables: write [[account]] on a separate line",
                    where,
                )
            )
            document[name] = []
        elif name == "defaults" and not isinstance(content, dict):
            findings.append(
                finding(
                    "accounts-layout",
                    "defaults are a table: write [defaults] on a separate line",
                    where,
                )
            )
            document[name] = {}


def _line(layout: list[Table], name: str) -> int | None:
    lines = [table.line for table in layout if table.path[:1] == (name,)]
    lines += [pair.line for pair in layout[0].pairs if pair.path[:1] == (name,)]
    return min(lines, default=None)


def _rows(layout: list[Table]) -> list[list[Table]]:
    """The tables of each account: its own, then those below it."""
    rows: list[list[Table]] = []
    for table in layout:
        if table.path == ("account",) and table.array:
            rows.append([table])
        elif table.path[:1] == ("account",) and rows:
            rows[-1].append(table)
    return rows


def _written(row: Mapping[str, Any], account_tables: list[Table], file: str) -> AccountFields:
    places: dict[str, Place] = {}
    for table in account_tables[1:]:
        places.setdefault(table.path[1], Place(file, table.line))
    for pair in account_tables[0].pairs:
        places.setdefault(pair.path[0], Place(file, pair.line))
    return AccountFields(row, Place(file, account_tables[0].line), places)


def _defaults(
    document: dict[str, Any], layout: list[Table], file: str, findings: list[Finding]
) -> Account:
    content = document.get("defaults", {})
    place = Place(file, _line(layout, "defaults"))
    places: dict[str, Place] = {}
    for table in layout:
        for pair in table.pairs:
            path = table.path + pair.path
            if path[:1] == ("defaults",) and len(path) > 1:
                places.setdefault(path[1], Place(file, pair.line))
    per_account = {
        name: value for name, value in content.items() if name in FIELDS and name not in _SHARED
    }
    for name in per_account:
        text = f"{name} cannot be a default: every account needs a different one"
        hint = RENAMED if name == "extension" else ""
        findings.append(finding("account-field", text, places.get(name, place), hint))
    rest = {name: value for name, value in content.items() if name not in per_account}
    return Account("", **checked(AccountFields(rest, place, places), _SHARED, findings))


def _removal(text: str, account_tables: list[Table]) -> tuple[int, int, str]:
    """From the header to the last pair, with the blank lines below: they parted it from the next.

    Comments above the header stay: whoever wrote them may have meant more than this account.
    """
    end = account_tables[-1].last
    while end < len(text):
        line_end = text.find("\n", end) + 1 or len(text)
        if text[end:line_end].strip():
            break
        end = line_end
    return account_tables[0].start, end, ""


def _changes(
    text: str, account_tables: list[Table], change: Change, newline: str, file: str
) -> Iterator[tuple[int, int, str]]:
    pairs = {pair.path: pair for pair in account_tables[0].pairs}
    anchor = pairs.get(("id",))
    if anchor is None:
        raise unclear(file)
    added = ""
    for name, value in change.items():
        pair = pairs.get((name,))
        if pair is not None and value is None:
            yield pair.start, pair.end, ""
        elif pair is not None:
            yield pair.value_start, pair.value_end, literal(value)
        elif value is not None:
            added += f"{anchor.indent}{name} = {literal(value)}{newline}"
    if added:
        before = "" if text[: anchor.end].endswith("\n") else newline
        yield anchor.end, anchor.end, before + added


def _gap(text: str, newline: str) -> str:
    """What parts an account that is added from what stands before it."""
    if not text.removeprefix("\ufeff").strip():
        return ""
    if not text.endswith("\n"):
        return newline * 2
    return "" if text.endswith(("\n\n", "\n\r\n")) else newline
