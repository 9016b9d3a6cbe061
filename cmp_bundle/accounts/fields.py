"""The fields of an account in a file, and what each must look like. TOML and CSV share them."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cmp_bundle import extension
from cmp_bundle.accounts import sip_id, source_name
from cmp_bundle.accounts.model import Account, IceServer
from cmp_bundle.errors import refuse
from cmp_bundle.findings import Finding, finding
from cmp_bundle.places import Place
from cmp_bundle.settings.model import KEYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_ICE_URL = re.compile(r"(?:stuns?|turns?):[^\s?]+(?:\?transport=(?:udp|tcp))?", re.IGNORECASE)
#: What may be written of a server in ice.
_OF_ICE = ("url", "username", "credential")
_HA1 = re.compile(r"[0-9A-Fa-f]{32}")

#: What refused accounts mean for the others.
ALL_OR_NONE = "no account is used until all are correct"

#: For files that were written before there was ``dial``.
RENAMED = "until now, extension was what the Call button dials: that is called dial now"

_WORDS = {str: "text", int: "a whole number", bool: "true or false", list: "a list"}


@dataclass(frozen=True)
class Field:
    """One field: its type, what is wrong with a value of it, and whether nobody may see it.

    ``shared`` fields may stand in [defaults] as well, for all accounts that do not say.
    """

    kind: type[Any]
    validate: Callable[[Any], str | None] | None = None
    secret: bool = False
    shared: bool = False


def _line(text: str) -> str | None:
    if not text.isprintable():
        return "must be text on one line, without control characters"
    return None


def _name(text: str) -> str | None:
    # They stand between quotes in SIP's headers and between colons in HA1.
    if _line(text) or text != text.strip() or set('":\\') & set(text):
        return 'must not hold ", : or \\, nor begin or end with a blank'
    return None


def _password(text: str) -> str | None:
    if _line(text) or text != text.strip():
        return "must be text on one line, and must not begin or end with a blank: Asterisk drops it"
    return None


def _ha1(text: str) -> str | None:
    return None if _HA1.fullmatch(text) else "must be 32 hexadecimal digits"


def _word(text: str) -> str | None:
    return None if text.isprintable() and " " not in text else "must be one word, such as 246"


FIELDS = {
    "id": Field(str, sip_id.problem),
    "display_name": Field(str, _line),
    "auth_name": Field(str, _name),
    "password": Field(str, _password, secret=True),
    "ha1": Field(str, _ha1, secret=True),
    "realm": Field(str, _name),
    "extension": Field(str, extension.problem),
    "dial": Field(str, _word, shared=True),
    "register": Field(bool, shared=True),
    "host": Field(str, KEYS["server.host"].validate, shared=True),
    "port": Field(int, KEYS["server.port"].validate, shared=True),
    "path": Field(str, KEYS["server.path"].validate, shared=True),
    "ice": Field(list, shared=True),
    "source": Field(str, source_name.problem),
}

#: Those that an account with a source has there.
AT_THE_SOURCE = ("auth_name", "password", "ha1", "realm")


@dataclass(frozen=True)
class AccountFields:
    """An account as it stands in a file: values by field, and the place of the row and of each."""

    values: Mapping[str, Any]
    place: Place
    places: Mapping[str, Place]

    def where(self, name: str) -> Place:
        return self.places.get(name, self.place)


def account(row: AccountFields, findings: list[Finding]) -> Account | None:
    """The account in ``row``; what is wrong with it goes to ``findings``, and then there is none.

    Empty text is the same as none. No message holds the value of a secret field.
    """
    before = len(findings)
    values = checked(row, FIELDS, findings)
    if "id" not in values and not any(w.place == row.where("id") for w in findings[before:]):
        findings.append(
            finding("account-value", "this account has no id", row.place, 'write id = "…"')
        )
    if "source" in values:
        findings.extend(
            finding(
                "account-conflict",
                f"{name} comes from this account's source",
                row.where(name),
                f"remove {name}, or remove source",
            )
            for name in AT_THE_SOURCE
            if name in values
        )
    if "password" in values and "ha1" in values:
        text = "an account can have a password or a ha1, not both"
        findings.append(finding("account-conflict", text, row.where("ha1"), "remove one of them"))
    if "ha1" in values and "realm" not in values:
        text = "a ha1 needs the realm that it was computed for"
        findings.append(
            finding(
                "account-conflict", text, row.where("ha1"), 'write realm = "…", often "asterisk"'
            )
        )
    if len(findings) > before:
        return None
    secret = next((row.where(n) for n in ("password", "ha1") if n in values), None)
    return Account(**values, place=row.place, secret=secret)


def checked(
    row: AccountFields, known: Mapping[str, Field], findings: list[Finding]
) -> dict[str, Any]:
    """The values of ``row`` that are there and right, for an Account."""
    values: dict[str, Any] = {}
    value: Any
    for name, value in row.values.items():
        field, where = known.get(name), row.where(name)
        if field is None:
            findings.append(finding("account-field", unknown(name, known), where))
            continue
        if not isinstance(value, field.kind) or (field.kind is int and isinstance(value, bool)):
            findings.append(finding("account-value", f"{name} must be {_WORDS[field.kind]}", where))
            continue
        if value == "":
            continue
        if name == "ice":
            values[name] = _ice(value, where, findings)
            continue
        problem = field.validate(value) if field.validate else None
        if problem is None:
            values[name] = value
        elif name == "id":
            hint = f"write {sip_id.instead(value)!r}" if sip_id.is_printable(value) else ""
            findings.append(finding("account-value", problem, where, hint))
        else:
            findings.append(finding("account-value", f"{name} {problem}", where))
    return values


def duplicates(accounts: Iterable[Account]) -> list[Finding]:
    """Ids and extensions that come again, and those that parts of Asterisk take for the same.

    PJSIP compares endpoints with case, but hints, device states and MySQL's tables do not.
    """
    findings = []
    ids: dict[str, Account] = {}
    extensions: dict[str, Account] = {}
    for account in accounts:
        other = ids.setdefault(account.id.casefold(), account)
        if other is not account:
            findings.append(_same_id(account, other))
        if not account.extension:
            continue
        other = extensions.setdefault(extension.compared(account.extension), account)
        if other is not account:
            findings.append(_same_extension(account, other))
    return findings


def _same_id(account: Account, other: Account) -> Finding:
    if other.id == account.id:
        text = f"the id {account.id!r} is already used at {other.place}"
    else:
        text = (
            f"the id {account.id!r} differs from {other.id!r} at {other.place} only by case,"
            " and parts of Asterisk ignore case"
        )
    return finding("account-duplicate", text, account.place, "remove or rename one")


def _same_extension(account: Account, other: Account) -> Finding:
    if other.extension == account.extension:
        text = f"the extension {account.extension!r} is already used at {other.place}"
    else:
        text = (
            f"the extension {account.extension!r} is the same to Asterisk as"
            f" {other.extension!r} at {other.place}"
        )
    hint = f"give each account one of its own; {RENAMED}"
    return finding("account-duplicate", text, account.place, hint)


def refuse_wrong(accounts: Iterable[Account], findings: list[Finding]) -> None:
    """Raise CmpBundleError with all ``findings`` of a file and its duplicates, in order."""
    wrong = [*findings, *duplicates(accounts)]
    wrong.sort(key=lambda w: w.place.line or 0 if isinstance(w.place, Place) else 0)
    refuse(wrong, ALL_OR_NONE)


def unknown(
    name: str, known: Iterable[str], of: str = "an account", *, is_heading: bool = False
) -> str:
    """The message about an unknown field.

    A name that is like none, and no heading of a column, may be a password on a line of its own:
    it is not repeated.
    """
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1)
    shown_name = f" {name!r}" if close or is_heading else ""
    help_text = f"did you mean {close[0]}?" if close else f"possible fields: {', '.join(names)}"
    return f"unknown field{shown_name} in {of}; {help_text}"


def _ice(value: list[Any], where: Place, findings: list[Finding]) -> tuple[IceServer, ...]:
    servers = []
    for server in value:
        parts = {"url": server} if isinstance(server, str) else server
        problem = _ice_problem(parts, where)
        if problem:
            findings.append(problem)
        else:
            servers.append(IceServer(**parts))
    return tuple(servers)


def _ice_problem(parts: Any, where: Place) -> Finding | None:
    is_server = isinstance(parts, dict) and "url" in parts
    if not is_server or not all(isinstance(part, str) for part in parts.values()):
        text = "ice must be a list of URLs, or of { url, username, credential }"
        return finding("account-value", text, where)
    for name in parts:
        if name not in _OF_ICE:
            return finding("account-field", unknown(name, _OF_ICE, "a server in ice"), where)
    if not _ICE_URL.fullmatch(parts["url"]):
        text = "a server in ice must look like stun:stun.example.com:3478 or turn:…"
        return finding("account-value", text, where)
    is_turn = parts["url"].lower().startswith("turn")
    if is_turn and not (parts.get("username") and parts.get("credential")):
        text = "a TURN server in ice needs a username and a credential"
        hint = 'write { url = "turn:…", username = "…", credential = "…" }'
        return finding("account-value", text, where, hint)
    return None
