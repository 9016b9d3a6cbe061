"""Asterisk's own files as a source of accounts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cmp_bundle.accounts import conf_edit, from_pjsip, from_wizard, new_secret, source_name
from cmp_bundle.accounts.endpoint import Endpoints, Option
from cmp_bundle.accounts.password_change import PasswordChange, edit
from cmp_bundle.accounts.source import account, placed
from cmp_bundle.asterisk.configuration import REFUSED, UNKNOWN
from cmp_bundle.asterisk.reader import read
from cmp_bundle.errors import AS_ANOTHER_USER, CmpBundleError, FindingsError, refuse
from cmp_bundle.findings import Finding, finding
from cmp_bundle.places import Place, Row

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp_bundle.accounts.model import Account
    from cmp_bundle.asterisk.conf_files import ConfFolder
    from cmp_bundle.asterisk.configuration import Category, Configuration
    from cmp_bundle.changes.step import Change

_EMPTY = Endpoints({}, {}, {})


@dataclass(frozen=True)
class ConfSource:
    """``file`` (pjsip.conf, pjsip_wizard.conf) of Asterisk's ``files``; ``name`` is as said."""

    name: str
    files: ConfFolder
    file: str
    #: Thousands of places are in few files.
    _reals: dict[str, Path] = field(default_factory=dict, init=False, repr=False, compare=False)

    def found(self) -> Endpoints:
        return self._found(self._read(self.file))

    def on_disk(self, where: Place | Row) -> Place | Row:
        if isinstance(where, Row):
            return where
        return Place(str(self._real(where.file)), where.line)

    def renew(self, wanted: Mapping[str, str]) -> PasswordChange:
        configuration = self._read(self.file)
        found = self._found(configuration)
        users = self._users(configuration)
        changes: list[tuple[Option, str]] = []
        findings: list[Finding] = []
        accounts: list[Account] = []
        for name, password in wanted.items():
            before = account(self, found, name)
            if isinstance(before, Finding):
                findings.append(before)
                continue
            endpoint = found.endpoints[name]
            others = [
                category.name
                for auth in endpoint.auths
                for category in users.get(auth, [])
                if Place(category.file, category.line) != endpoint.where
            ]
            change = new_secret.change(endpoint, found, others, password)
            if isinstance(change, Finding):
                findings.append(placed(self, change))
                continue
            where = change[0].where
            if isinstance(where, Place) and where.file not in configuration.files:
                text = f"the auth of {name} stands in another file"
                hint = f"have it as an account from {source_name.PJSIP}, or change it by hand"
                findings.append(placed(self, finding("password-elsewhere", text, where, hint)))
                continue
            if isinstance(where, Place) and not self._is_inside(where.file):
                text = f"the password of {name} stands outside of Asterisk's configuration folder"
                findings.append(
                    placed(self, finding("password-elsewhere", text, where, "change it by hand"))
                )
                continue
            changes.append(change)
            accounts.append(new_secret.after(before, change[1]))
        edited = conf_edit.edited(configuration, self.files, changes)
        if isinstance(edited, list):
            findings += [placed(self, wrong) for wrong in edited]
            edited = {}
        refuse(findings, "nothing was changed")
        steps = tuple(self._edit(file, data) for file, data in edited.items())
        return PasswordChange(tuple(accounts), steps, tuple(step.path for step in steps))

    def _is_inside(self, file: str) -> bool:
        """Whether a file lies in Asterisk's own folder: nowhere else is anything changed."""
        return self._real(file).is_relative_to(self._real(self.files.etc))

    def _users(self, configuration: Configuration) -> dict[str, list[Category]]:
        """By auth, the categories that name it, in the file beside as well."""
        wizard = source_name.is_wizard(self.file)
        beside = read(source_name.PJSIP if wizard else source_name.WIZARD, self.files)
        users = conf_edit.mentions(configuration)
        for auth, categories in conf_edit.mentions(beside).items():
            users[auth] = [*users.get(auth, []), *categories]
        return users

    def _edit(self, file: str, after: bytes) -> Change:
        before = self.files.content(file)
        held = before if isinstance(before, bytes) else b""
        return edit(self._real(file), self.files.boundary, held, after)

    def _found(self, configuration: Configuration) -> Endpoints:
        if not source_name.is_wizard(self.file):
            return from_pjsip.found(configuration)
        beside = read(source_name.PJSIP, self.files)
        base = from_pjsip.found(beside) if not (beside.missing or beside.refused) else _EMPTY
        return from_wizard.found(configuration, base)

    def _read(self, name: str) -> Configuration:
        """Raises CmpBundleError where Asterisk itself would have nothing of it."""
        found = read(name, self.files)
        real = self._real(name if name.startswith("/") else f"{self.files.etc}/{name}")
        if found.missing:
            text = "is a folder" if real.is_dir() else "there is no such file"
            raise CmpBundleError("no-file", text, file=real)
        unreadable = [p for p in found.unknowns if "cannot be read" in p.message]
        if unreadable:
            raise self._stopped("unreadable", unreadable[0], AS_ANOTHER_USER)
        if found.refused:
            stopped = [p for p in found.problems if p.code in (REFUSED, UNKNOWN)]
            problem = (stopped or list(found.problems))[-1]
            raise self._stopped("conf-refused", problem)
        return found

    def _stopped(self, code: str, found: Finding, hint: str | None = None) -> FindingsError:
        place = self.on_disk(found.place) if found.place else None
        return FindingsError([finding(code, found.message, place, hint)], "")

    def _real(self, file: str) -> Path:
        if file not in self._reals:
            try:
                self._reals[file] = self.files.real(file)
            except OSError:
                self._reals[file] = Path(file)
        return self._reals[file]
