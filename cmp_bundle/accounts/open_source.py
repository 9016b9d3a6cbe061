"""From an account's ``source`` to what is behind it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cmp_bundle.accounts import source_name
from cmp_bundle.accounts.conf_source import ConfSource
from cmp_bundle.asterisk.conf_files import ConfFolder
from cmp_bundle.asterisk.sorcery import PJSIP_CONF, conf_files
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cmp_bundle.accounts.database import Database
    from cmp_bundle.accounts.endpoint import Endpoints
    from cmp_bundle.accounts.source import AccountSource

#: What a phone that registers takes.
_KINDS = ("endpoint", "auth", "aor", "transport")


@dataclass(frozen=True)
class Sources:
    """Opens sources by name, each once, and reads each once.

    ``folder`` is where relative paths start, ``asterisk`` the configuration of the Asterisk
    there is, if any, ``database_password`` what its databases ask for, and ``realm`` what the
    operator says that its challenges say. ``provisioned`` are the URLs of databases in which the
    endpoints of accounts with passwords of their own are.
    """

    folder: Path
    asterisk: ConfFolder | None = None
    database_password: str = field(default="", repr=False)
    realm: str = ""
    provisioned: tuple[str, ...] = ()
    _opened: dict[str, AccountSource] = field(default_factory=dict, init=False, repr=False)
    _read: dict[str, Endpoints | CmpBundleError] = field(
        default_factory=dict, init=False, repr=False
    )

    def source(self, name: str) -> AccountSource:
        """Raises CmpBundleError where it cannot even be looked for."""
        # Thousands of accounts have the same, which knows where its files are once it has looked.
        if name not in self._opened:
            self._opened[name] = self._open(name)
        return self._opened[name]

    def _open(self, name: str) -> AccountSource:
        if source_name.is_database(name):
            opened = database(name, self.database_password)
            from cmp_bundle.accounts.database_source import DatabaseSource  # noqa: PLC0415

            return DatabaseSource(opened, self.default_realm())
        if "/" in name:
            path = (self.folder / name).absolute()
            return ConfSource(name, ConfFolder(path.parent), path.name)
        if self.asterisk is None:
            raise CmpBundleError(
                "no-asterisk",
                f"accounts come from {name}, but no Asterisk was found on this machine",
                hint="name its folder: [asterisk] etc_dir, or --asterisk-etc-dir",
            )
        return ConfSource(name, self.asterisk, name)

    def endpoints(self, name: str) -> Endpoints:
        """What the source of that name holds. Raises CmpBundleError."""
        if name not in self._read:
            try:
                self._read[name] = self.source(name).endpoints()
            except CmpBundleError as error:
                self._read[name] = error
        found = self._read[name]
        if isinstance(found, CmpBundleError):
            raise found
        return found

    def of_asterisk(self, *, all_of_it: bool = False) -> dict[str, Endpoints]:
        """What Asterisk's own files hold, by their names, as far as they are there and can be read:
        those that sorcery.conf leads to, each with all auths, aors and transports of the others.

        With ``all_of_it`` raises CmpBundleError where one may not be read.
        """
        if self.asterisk is None:
            return {}
        names = (*conf_files(self.asterisk), source_name.WIZARD)
        found = self._readable(names, all_of_it=all_of_it)
        if all(conf_files(self.asterisk, kind) == (PJSIP_CONF,) for kind in _KINDS):
            return found
        return {name: self._completed(name, one) for name, one in found.items()}

    def _completed(self, name: str, one: Endpoints) -> Endpoints:
        """With what other files have for it. A wizard makes auths and aors of its own."""
        assert self.asterisk is not None  # noqa: S101 - there are files
        auths, aors, transports = (
            tuple(self._readable(conf_files(self.asterisk, kind)).values()) for kind in _KINDS[1:]
        )
        own = (one,) if name == source_name.WIZARD else ()
        return replace(
            one,
            auths={n: a for f in (*auths, *own) for n, a in f.auths.items()},
            aors={n: a for f in (*aors, *own) for n, a in (f.aors or {}).items()},
            transports={n: t for f in transports for n, t in (f.transports or {}).items()},
        )

    def uncounted(self) -> frozenset[str]:
        """The endpoints in pjsip.conf, where sorcery.conf says that they come from elsewhere."""
        if self.asterisk is None or PJSIP_CONF in conf_files(self.asterisk):
            return frozenset()
        found = self._readable((PJSIP_CONF,))
        return frozenset(n for one in found.values() for n in one.endpoints)

    def _readable(self, names: Iterable[str], *, all_of_it: bool = False) -> dict[str, Endpoints]:
        found = {}
        for name in names:
            try:
                found[name] = self.endpoints(name)
            except CmpBundleError as error:
                if all_of_it and error.code == "unreadable":
                    raise
        return found

    def with_copies(self) -> dict[str, Endpoints]:
        """What holds copies of passwords that accounts have of their own, by the names: Asterisk's
        files, and the databases that were provisioned. Raises CmpBundleError where one cannot be read.
        """
        files = self.of_asterisk(all_of_it=True)
        return files | {name: self.endpoints(name) for name in self.provisioned}

    def default_realm(self) -> str:
        """The realm of challenges where an auth does not say; empty if unknown."""
        realms = (found.realm for found in self.of_asterisk().values() if found.realm)
        return self.realm or next(realms, "")


def database(url: str, password: str) -> Database:
    """The database at ``url``, which is not connected to yet.

    Raises CmpBundleError where what it takes is not installed.
    """
    try:
        # SQLAlchemy takes a quarter of a second to import.
        from cmp_bundle.accounts.database import Database  # noqa: PLC0415
    except ImportError as error:
        raise CmpBundleError(
            "database-driver",
            f"databases need extra packages, which are not installed: {error.name or error}",
            hint="pip install 'cmp-bundle[database]'",
        ) from None
    return Database(url, password)
