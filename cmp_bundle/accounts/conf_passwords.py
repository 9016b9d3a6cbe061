"""Passwords in Asterisk's own files, changed where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from cmp_bundle.accounts import conf_edit, source_name
from cmp_bundle.accounts.file_change import edit
from cmp_bundle.asterisk.generated import says_generated
from cmp_bundle.asterisk.includes import FOLDER
from cmp_bundle.asterisk.reader import read
from cmp_bundle.findings import finding
from cmp_bundle.places import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cmp_bundle.accounts.endpoint import Endpoint, Endpoints, Option
    from cmp_bundle.asterisk.conf_files import ConfFolder
    from cmp_bundle.asterisk.configuration import Category, Configuration
    from cmp_bundle.changes.step import Change
    from cmp_bundle.findings import Finding


@dataclass(frozen=True)
class ConfPasswords:
    """The PasswordEditor of ``file`` among ``files``, which reads as ``configuration``.

    ``real`` gives the path on this machine of one that Asterisk sees.
    """

    file: str
    files: ConfFolder
    configuration: Configuration
    endpoints: Endpoints
    real: Callable[[str], Path]

    @cached_property
    def users(self) -> dict[str, list[Category]]:
        """By auth, the categories that name it, in the file beside as well."""
        wizard = source_name.is_wizard(self.file)
        beside = read(source_name.PJSIP if wizard else source_name.WIZARD, self.files)
        users = conf_edit.mentions(self.configuration)
        for auth, categories in conf_edit.mentions(beside).items():
            users[auth] = [*users.get(auth, []), *categories]
        return users

    def sharing(self, endpoint: Endpoint) -> list[str]:
        return [
            category.name
            for auth in endpoint.auths
            for category in self.users.get(auth, [])
            if category.place != endpoint.where
        ]

    def refusal(self, option: Option, account: str) -> Finding | None:
        where = option.where
        if not isinstance(where, Place):
            return None
        if where.file not in self.configuration.files:
            text = f"the auth of {account} is in another file"
            hint = f"use {source_name.PJSIP} as the source of this account, or edit the file"
            return finding("password-elsewhere", text, where, hint)
        if not self.real(where.file).is_relative_to(self.real(self.files.etc)):
            # Nowhere else is anything changed.
            text = f"the password of {account} is outside of Asterisk's configuration folder"
            return finding("password-elsewhere", text, where, "edit the file")
        return self._generated(where, account)

    def _generated(self, where: Place, account: str) -> Finding | None:
        """Whether a program writes the file of ``where``, which would bring the old password back."""
        if where.file.startswith(f"{self.files.etc}/{FOLDER}/"):
            return None
        content = self.files.content(where.file)
        words = says_generated(content) if isinstance(content, bytes) else ""
        if not words:
            return None
        text = (
            f"the password of {account} is in a file that a program writes, so a new one would be lost:"
            f" {words}"
        )
        hint = "change it in that program; then: cmp-bundle build && cmp-bundle deploy"
        return finding("password-generated", text, where, hint)

    def steps(self, wanted: Sequence[tuple[Option, str]]) -> Sequence[Change] | list[Finding]:
        edited = conf_edit.edited(self.configuration, self.files, wanted)
        if isinstance(edited, list):
            return edited
        return tuple(self._edit(file, data) for file, data in edited.items())

    def _edit(self, file: str, after: bytes) -> Change:
        before = self.files.content(file)
        content = before if isinstance(before, bytes) else b""
        return edit(self.real(file), self.files.boundary, content, after)
