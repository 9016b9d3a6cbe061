"""One value of a pjsip.conf or pjsip_wizard.conf changed, and not a byte beside it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from cmp_bundle.accounts.endpoint import names
from cmp_bundle.asterisk.conf_files import Absence, Overlaid
from cmp_bundle.asterisk.configuration import folded
from cmp_bundle.asterisk.reader import read
from cmp_bundle.findings import Finding, finding
from cmp_bundle.places import Place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cmp_bundle.accounts.endpoint import Option
    from cmp_bundle.asterisk.conf_files import Files
    from cmp_bundle.asterisk.configuration import Category, Configuration

#: A line with a value: what stands before it, the value, and blanks and a comment behind it.
_LINE = re.compile(rb"([^=;]*=>?[ \t]*)((?:[^;\\]|\\.)*?)([ \t]*(?:;.*)?[\r\n]*)", re.DOTALL)

_BY_HAND = "change it with an editor"


def edited(
    configuration: Configuration, files: Files, wanted: Sequence[tuple[Option, str]]
) -> dict[str, bytes] | list[Finding]:
    """The files that change (paths as Asterisk sees them) where each option gets its new value.

    The options that cannot change without something else changing as well, if there are any.
    """
    users = _users(configuration)
    changed: dict[str, list[bytes]] = {}
    findings = []
    for option, value in wanted:
        problem = _put(option, value, changed, files, users)
        if problem:
            findings.append(problem)
    if findings:
        return findings
    result = {file: b"".join(lines) for file, lines in changed.items()}
    after = read(configuration.name, Overlaid(files, result))
    values: dict[object, str] = {option.where: value for option, value in wanted}
    before = tuple(_with(category, values) for category in configuration.categories)
    return result if before == after.categories else _unlike(before, after, wanted)


def _put(
    option: Option,
    value: str,
    changed: dict[str, list[bytes]],
    files: Files,
    users: Mapping[object, list[str]],
) -> Finding | None:
    place = option.where
    if not isinstance(place, Place) or place.line is None:
        return finding(
            "password-uneditable", "the file and line of this value are unknown", place, _BY_HAND
        )
    sharing = users.get(place, [])
    if len(sharing) > 1:
        text = f"[{'], ['.join(sharing)}] share this line"
        return finding("password-shared", text, place, "give each a separate password")
    if place.file not in changed:
        data = files.content(place.file)
        if isinstance(data, Absence):
            return finding("unreadable", f"the file {data.value}", place)
        changed[place.file] = re.split(rb"(?<=\n)", data)
    lines = changed[place.file]
    found = _LINE.fullmatch(lines[place.line - 1])
    if found is None:
        return finding(
            "password-uneditable",
            "cmp-bundle cannot find the value in this line",
            place,
            _BY_HAND,
        )
    lines[place.line - 1] = found[1] + value.encode() + found[3]
    return None


def _unlike(
    before: Sequence[Category], after: Configuration, wanted: Sequence[tuple[Option, str]]
) -> list[Finding]:
    """The options because of which the files would not read as they should."""
    variables = {v for category in after.categories for v in category.variables}
    as_wanted = {v for category in before for v in category.variables} & variables
    places = {v.place for v in as_wanted}
    text = "this value comes from more than one line"
    return [
        finding("password-uneditable", text, option.where, _BY_HAND)
        for option, _ in wanted
        if option.where not in places
    ] or [finding("password-uneditable", text, wanted[0][0].where, _BY_HAND)]


def _users(configuration: Configuration) -> dict[object, list[str]]:
    """By line, the categories that have it: all that inherit it, or include its file."""
    users: dict[object, list[str]] = {}
    for category in configuration.categories:
        if not category.template:
            for variable in category.variables:
                users.setdefault(variable.place, []).append(category.name)
    return users


def _with(category: Category, values: Mapping[object, str]) -> Category:
    """The category with these lines' new values; a template changes along with its heir."""
    variables = tuple(
        replace(v, value=values[v.place]) if v.place in values else v for v in category.variables
    )
    return replace(category, variables=variables)


def mentions(configuration: Configuration) -> dict[str, list[Category]]:
    """By auth, the categories that name it, for what comes in or for what goes out."""
    found: dict[str, list[Category]] = {}
    for category in configuration.categories:
        if category.template:
            continue
        for variable in category.variables:
            if folded(variable.name).endswith("auth"):
                for name in names(variable.value):
                    found.setdefault(name, []).append(category)
    return found
