"""``cmp-bundle/pjsip.conf``: templates that a person can read, and three objects for each account.

Text in, text out. Each account's endpoint, aor and auth stand together, so that those of one come
and go without a byte of the others changing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from cmp_bundle.asterisk import includes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp_bundle.accounts.model import Account

#: The templates of which each account's objects are made.
TEMPLATES = ("cmp-phone", "cmp-aor", "cmp-auth")

#: The first line of an object, with its name and the template that it is made of.
_HEADER = re.compile(r"^\[([^]\n]+)\][ \t]*(?:\(([^)\n]*)\))?.*$", re.MULTILINE)

#: Bytes of the name of a caller: Asterisk keeps 80, the last of which is a NUL.
_LONGEST_NAME = 79


@dataclass(frozen=True)
class Phones:
    """What all endpoints have in common: the dialplan ``context``, their ``codecs`` in order, and
    whether this Asterisk knows ``remove_unavailable``.
    """

    context: str
    codecs: tuple[str, ...]
    remove_unavailable: bool


def forms(phones: Phones) -> Iterator[Phones]:
    """``phones`` for Asterisks of all abilities: what is there may have been made for another one, or
    where none could be asked.
    """
    first, second, *others = phones.codecs
    for codecs in (phones.codecs, (second, first, *others)):
        for known in (True, False):
            yield replace(phones, codecs=codecs, remove_unavailable=known)


@dataclass(frozen=True)
class PjsipFile:
    """The file: its ``head`` with the templates, then its ``parts`` in their order, each with the id
    of the account whose objects it is; an empty id is for what somebody else added.
    """

    head: str = ""
    parts: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parsed(cls, data: bytes) -> PjsipFile:
        """Of what stands there, whoever changed it since."""
        text = data.decode("utf-8", "surrogateescape")
        headers = [one for one in _HEADER.finditer(text) if not _is_template(one)]
        ends = [*(one.start() for one in headers), len(text)]
        parts: list[tuple[str, str]] = []
        for header, (start, end) in zip(headers, pairwise(ends), strict=True):
            name = header[1] if header[2] in TEMPLATES else ""
            if parts and name == parts[-1][0] and header[2] != TEMPLATES[0]:
                parts[-1] = (name, parts[-1][1] + text[start:end])
            else:
                parts.append((name, text[start:end]))
        return cls(text[: ends[0]], tuple(parts))

    @property
    def objects(self) -> dict[str, str]:
        """Those of each account, by its id."""
        return {name: text for name, text in self.parts if name}

    @property
    def foreign_line(self) -> int | None:
        """The number of the first line that somebody else added."""
        before = self.head
        for name, text in self.parts:
            if not name:
                return before.count("\n") + 1
            before += text
        return None

    def with_objects(self, head: str, objects: Mapping[str, str]) -> PjsipFile:
        """With these for accounts, and all that somebody else added."""
        stay = [(n, objects.get(n, text)) for n, text in self.parts if not n or n in objects]
        new = [(n, text) for n, text in objects.items() if n not in self.objects]
        return PjsipFile(head, (*stay, *new))

    def __bool__(self) -> bool:
        """Whether there is anything to be read in it: templates alone are nothing."""
        return bool(self.parts)

    def __bytes__(self) -> bytes:
        text = "".join((self.head, *(text for _, text in self.parts)))
        return text.encode("utf-8", "surrogateescape")


def _is_template(header: re.Match[str]) -> bool:
    return header[1] in TEMPLATES and header[2] == "!"


def head(phones: Phones) -> str:
    """The templates."""
    return includes.render("pjsip.conf", phones=phones).decode()


def objects(account: Account) -> str:
    """Endpoint, aor and auth of an account with a password or an HA1."""
    lines: list[str] = []
    for template, options in _own(account).items():
        lines.append(f"[{account.id}]({template})")
        lines += [f"{name} = {escaped(value)}" for name, value in options.items()]
    return "\n".join((*lines, "", ""))


def _own(account: Account) -> dict[str, dict[str, str]]:
    """What each of its objects has beside what is in its template, by that."""
    auth = {"username": account.user}
    if account.ha1:
        auth |= {"auth_type": "md5", "realm": account.realm, "md5_cred": account.ha1}
    else:
        auth |= {"password": account.password}
    phone = {"aors": account.id, "auth": account.id, "callerid": caller_id(account)}
    return dict(zip(TEMPLATES, (phone, dict[str, str](), auth), strict=True))


def options(account: Account, phones: Phones) -> tuple[Mapping[str, str], ...]:
    """All options of its endpoint, aor and auth, in this order, as Asterisk comes to hold them."""
    templates = dict(_sections(head(phones)))
    return tuple(templates[name] | own for name, own in _own(account).items())


def caller_id(account: Account) -> str:
    """``"Alice" <101>``: who is calling, and how to call back."""
    name = re.sub(r'["\\<>]', "", account.display_name or account.id).strip()
    name = name.encode()[:_LONGEST_NAME].decode(errors="ignore")
    return f'"{name}" <{account.extension or account.id}>'


def escaped(value: str) -> str:
    """A value as it has to stand in a file: a semicolon would begin a comment."""
    return value.replace(";", "\\;")


def by_hand(account: Account, phones: Phones) -> str:
    """The same three objects without templates, to be pasted into a pjsip.conf kept by hand."""
    lines: list[str] = []
    for values in options(account, phones):
        written = (f"{name} = {escaped(value)}" for name, value in values.items())
        lines += [f"[{account.id}]", *written, ""]
    return "\n".join(lines)


def _sections(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The options of each template, of a text that we wrote."""
    for section in re.findall(r"^\[.*(?:\n(?!\[).*)*", text, flags=re.MULTILINE):
        header, *lines = section.splitlines()
        pairs = (line.partition(" = ") for line in lines if not line.startswith(";"))
        yield (
            header[1:].removesuffix("](!)"),
            {name: value for name, equals, value in pairs if equals},
        )
