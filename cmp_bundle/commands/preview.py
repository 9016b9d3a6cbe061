"""What ``serve`` shows and who may use it: read again with every edit."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from cmp_bundle.accounts import generate, keyring
from cmp_bundle.accounts.link import link
from cmp_bundle.accounts.model import Account
from cmp_bundle.accounts.profile import content
from cmp_bundle.accounts.source_name import PJSIP, WIZARD, is_database
from cmp_bundle.bundle import sealed
from cmp_bundle.bundle.build import BundledAccounts
from cmp_bundle.commands import loaded_accounts, server
from cmp_bundle.devserver.pages import AccountLink
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.phone.source import ArchiveFile, FolderSource, Repository, local_path, parse
from cmp_bundle.settings.load import FILE_NAME
from cmp_bundle.settings.model import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from cmp_bundle.commands.context import Context
    from cmp_bundle.commands.loaded_accounts import LoadedAccounts
    from cmp_bundle.findings import Finding
    from cmp_bundle.practice.account import PracticeAccount
    from cmp_bundle.practice.pbx import PracticePbx
    from cmp_bundle.report import Reporter
    from cmp_bundle.settings import Settings

#: What the practice PBX answers with an echo, as the book's extension does.
ECHO = "246"


class Preview:
    """The settings and accounts of one run of ``serve``, as they are at each build.

    Links and sealed profiles are made with a key of this run's own, which is on no disk: who
    sees them has nothing of the real ones, and nothing once the run is over. With ``practice``, or
    where [serve] names a PBX, phones connect to this server, whatever the settings say. Raises CmpBundleError where what there is at the start cannot be used.
    """

    def __init__(self, context: Context, *, practice: bool) -> None:
        self._context = replace(context, reporter=_SayingOnce(context.reporter))
        self._behind = practice or bool(context.settings.serve.pbx)
        self._key = keyring.fresh()
        self._demo = _demo() if practice else None
        self._practice: PracticePbx | None = None
        self._watched: frozenset[Path] = frozenset()
        self._loaded: LoadedAccounts
        self.certs = context.home / "certs"
        self.read()

    def read(self) -> Context:
        """Read settings and accounts again. Raises CmpBundleError; then those before still count."""
        again = replace(self._context, loaded=self._context.reload())
        # Noted first: what is wrong there is to be fixed there.
        self._watched = frozenset(_named(again))
        loaded = loaded_accounts.load(again, trying=self._key)
        self._watched |= frozenset(_sources(again, loaded))
        if again.settings.serve != self._context.settings.serve:
            again.reporter.warn("changes in [serve] take effect at the next start")
        self._loaded = loaded
        self._settings = again.settings
        return again

    def here(self, settings: Settings) -> Settings:
        """``settings`` for a page that this server shows."""
        if not self._behind:
            return settings
        account = settings.account
        if self._demo and not account.dial:
            account = replace(account, dial=ECHO)
        return replace(settings, server=ServerSettings(), account=account)

    def bundled(self) -> BundledAccounts:
        """Who gets a phone: those of the file of accounts, else the demo account."""
        loaded = self._loaded
        demo = self._alone()
        if demo:
            return BundledAccounts(plain=content(demo))
        if not self._behind:
            return loaded.bundled
        here = [replace(a, host="", port=0, path="") for a in loaded.accounts]
        return replace(loaded.bundled, profiles=sealed.profiles(here, loaded.keyring))

    def watched(self) -> frozenset[Path]:
        """Every file and folder on this machine that an edit would count in."""
        return self._watched

    def links(self, base: str) -> tuple[AccountLink, ...]:
        """Everybody's way into the phone at ``base``. An untouched phone knows no links."""
        redirect = self._settings.site.redirect
        demo = self._alone()
        if demo:
            return (AccountLink(demo.id, f"{base}{redirect}", f"password: {demo.password}"),)
        if self._settings.build.pristine:
            return ()
        return tuple(
            AccountLink(
                a.id, link(base, redirect, self._loaded.keyring.token(a.id)), a.display_name
            )
            for a in self._loaded.accounts
        )

    def practice_pbx(self) -> PracticePbx:
        """The practice PBX for everybody. Raises CmpBundleError where its extra is missing."""
        # It brings audio and video with it, and takes half a second to import.
        from cmp_bundle.practice.pbx import PracticePbx  # noqa: PLC0415

        self._practice = PracticePbx(self._practising())
        return self._practice

    def settle(self) -> None:
        """Let the practice PBX know who there is now. To be called in its loop."""
        if self._practice is not None:
            self._practice.admit(self._practising())

    async def aclose(self) -> None:
        if self._practice is not None:
            await self._practice.aclose()

    def _alone(self) -> Account | None:
        """The demo account, where there is nobody else."""
        if self._demo is None or self._loaded.accounts:
            return None
        return replace(self._demo, dial=self._settings.account.dial or ECHO)

    def _practising(self) -> list[PracticeAccount]:
        from cmp_bundle.practice import account as practice  # noqa: PLC0415 - as above

        demo = self._alone()
        return [
            practice.PracticeAccount(
                a.id,
                a.auth_name,
                a.password or None,
                a.ha1 or None,
                a.display_name,
                a.realm or practice.REALM,
            )
            for a in ([demo] if demo else self._loaded.accounts)
            if a.password or a.ha1
        ]


def _demo() -> Account:
    return Account("demo", display_name="Demo", password=generate.password())


def _named(context: Context) -> Iterator[Path]:
    """What the settings name, and they themselves."""
    settings = context.settings
    yield context.loaded.file or Path.cwd() / FILE_NAME
    yield settings.accounts.file
    yield settings.accounts.file.with_suffix(".csv")
    # What is compiled from client/, the built-in phone among it.
    yield Path(str(files("cmp_bundle"))) / "client"
    yield from _phone(context)


def _phone(context: Context) -> Iterator[Path]:
    """Where the phone lies, if that is on this machine."""
    phone = context.settings.phone
    base = context.loaded.base("phone.source")
    try:
        request = parse(
            phone.source, revision=phone.revision or None, pin=phone.pin or None, base=base
        )
    except CmpBundleError:
        # The build tells what is wrong. What is not there may come back.
        missing = local_path(phone.source, base)
        if missing is not None:
            yield missing.absolute()
        return
    match request.source:
        case FolderSource(path) | ArchiveFile(path):
            yield path.absolute()
        case Repository(git_directory):
            # Grows with each commit and each change of branch.
            yield git_directory.absolute() / "logs/HEAD"


def _sources(context: Context, loaded: LoadedAccounts) -> Iterator[Path]:
    """The files that accounts have their passwords in. Databases tell nobody of a change."""
    for source in {a.source for a in loaded.accounts if a.source}:
        if is_database(source):
            continue
        if source in (PJSIP, WIZARD):
            found = server.look(context)
            if found is not None:
                yield found.etc_folder / source
        else:
            yield (loaded.file.path.parent / source).absolute()


class _SayingOnce:
    """A Reporter that says nothing twice: what is read with every edit would repeat itself."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._texts: set[str] = set()

    def note(self, text: str) -> None:
        if self._fresh(text):
            self._reporter.note(text)

    def warn(self, text: str) -> None:
        if self._fresh(text):
            self._reporter.warn(text)

    def found(self, finding: Finding) -> None:
        if self._fresh(str(finding)):
            self._reporter.found(finding)

    def detail(self, text: str) -> None:
        self._reporter.detail(text)

    def progress(
        self, what: str, total: int | None
    ) -> AbstractContextManager[Callable[[int], None]]:
        return self._reporter.progress(what, total)

    def _fresh(self, text: str) -> bool:
        fresh = text not in self._texts
        self._texts.add(text)
        return fresh
