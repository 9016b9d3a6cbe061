"""Asterisk's own files as a source of accounts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cmp_bundle.accounts import from_pjsip, from_wizard, source_name
from cmp_bundle.accounts.conf_passwords import ConfPasswords
from cmp_bundle.accounts.endpoint import Endpoints
from cmp_bundle.asterisk.closed_files import refuse_closed
from cmp_bundle.asterisk.configuration import REFUSED, UNKNOWN
from cmp_bundle.asterisk.reader import read
from cmp_bundle.errors import CmpBundleError, FindingsError
from cmp_bundle.findings import finding
from cmp_bundle.places import Place, Row

if TYPE_CHECKING:
    from cmp_bundle.asterisk.conf_files import ConfFolder
    from cmp_bundle.asterisk.configuration import Configuration

_EMPTY = Endpoints({}, {}, {})


@dataclass(frozen=True)
class ConfSource:
    """``file`` (pjsip.conf, pjsip_wizard.conf) of Asterisk's ``files``.

    ``name`` is as an account names it.
    """

    name: str
    files: ConfFolder
    file: str
    #: Thousands of places are in few files.
    _reals: dict[str, Path] = field(default_factory=dict, init=False, repr=False, compare=False)

    def endpoints(self) -> Endpoints:
        return self._endpoints(self._read(self.file))

    def on_disk(self, where: Place | Row) -> Place | Row:
        if isinstance(where, Row):
            return where
        return Place(str(self._real(where.file)), where.line)

    def passwords(self) -> ConfPasswords:
        configuration = self._read(self.file)
        found = self._endpoints(configuration)
        return ConfPasswords(self.file, self.files, configuration, found, self._real)

    def _endpoints(self, configuration: Configuration) -> Endpoints:
        if not source_name.is_wizard(self.file):
            return from_pjsip.found(configuration)
        if not configuration.categories:
            return _EMPTY
        beside = read(source_name.PJSIP, self.files)
        base = from_pjsip.found(beside) if not (beside.missing or beside.refused) else _EMPTY
        return from_wizard.found(configuration, base)

    def _read(self, name: str) -> Configuration:
        """Raises CmpBundleError where Asterisk itself would have nothing of it."""
        found = read(name, self.files)
        refuse_closed(found, self.files)
        real = self._real(name if name.startswith("/") else f"{self.files.etc}/{name}")
        if found.missing:
            text = "is a folder" if real.is_dir() else "does not exist"
            raise CmpBundleError("no-file", text, file=real)
        if found.refused:
            stopped = [p for p in found.problems if p.code in (REFUSED, UNKNOWN)]
            problem = (stopped or list(found.problems))[-1]
            place = self.on_disk(problem.place) if problem.place else None
            raise FindingsError([finding("conf-refused", problem.message, place)], "")
        return found

    def _real(self, file: str) -> Path:
        if file not in self._reals:
            try:
                self._reals[file] = self.files.real(file)
            except OSError:
                self._reals[file] = Path(file)
        return self._reals[file]
