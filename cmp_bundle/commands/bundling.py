"""The use cases of phones and bundles: fetch a phone, build a bundle of it, list its fixes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cmp_bundle.accounts.profile import exposed
from cmp_bundle.bundle import client as clients
from cmp_bundle.bundle import dist
from cmp_bundle.bundle.build import BundledAccounts
from cmp_bundle.bundle.build import build as built
from cmp_bundle.bundle.fixes import chosen
from cmp_bundle.checks.static_names import served_badly
from cmp_bundle.commands import loaded_accounts
from cmp_bundle.commands.bundle_checks import PUBLIC
from cmp_bundle.commands.fetched import phone
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk
from cmp_bundle.shell import word

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cmp_bundle.bundle.build import Built, Live
    from cmp_bundle.bundle.manifest import Manifest, Visit
    from cmp_bundle.commands.context import Context
    from cmp_bundle.findings import Finding
    from cmp_bundle.phone.model import Phone
    from cmp_bundle.settings import Settings


@dataclass(frozen=True)
class Fetched:
    """A phone: what it was asked for as, its commit where it has one, the id of its git tree, and
    the size of each file in bytes. ``pinned`` is whether anything else would have been refused.
    """

    source: str
    revision: str | None
    tree: str
    pinned: bool
    files: Mapping[str, int]


def fetch(context: Context, *, offline: bool = False, refresh: bool = False) -> Fetched:
    """Fetch the phone into the cache and check it. Raises CmpBundleError."""
    found = phone(context, offline=offline, refresh=refresh)
    pinned = context.settings.phone.pin == found.tree or found.source in ("upstream", "builtin")
    sizes = {path: len(file.data) for path, file in found.files.items()}
    return Fetched(found.source, found.revision, found.tree, pinned, sizes)


@dataclass(frozen=True)
class BuiltBundle:
    """``out`` is where it was written, ``changed`` whether it is another one than before.

    ``before`` is what a visit of the phone as it came would cost; ``exposed`` says what everybody
    who opens the page can read.
    """

    out: Path
    changed: bool
    manifest: Manifest
    before: Visit
    warnings: tuple[Finding, ...]
    exposed: tuple[str, ...]


def build(
    context: Context, *, offline: bool = False, plain: str | None = None, public: bool = False
) -> BuiltBundle:
    """Make the bundle in the folder of the settings. Raises CmpBundleError.

    ``plain`` is an account that is put into the page with its password, where everybody can read
    it: ``public`` says that this is meant.
    """
    settings = context.settings
    _check_plain(settings, plain, public=public)
    fixes_left_out(context)
    everybody = None
    if not settings.build.pristine:
        everybody = loaded_accounts.load(context, complete=True, plain=plain)
    result = checked(
        phone(context, offline=offline),
        settings,
        everybody.bundled if everybody else BundledAccounts(),
    )
    fresh = dist.write(result.bundle, settings.build.out, Disk())
    about = result.bundle.manifest
    public_parts: list[str] = []
    if everybody and everybody.bundled.plain is not None:
        public_parts = exposed(everybody.bundled.plain, everybody.accounts)
        public_parts = public_parts or [f"the account {about.plain}"]
    return BuiltBundle(
        settings.build.out, fresh, about, result.before, result.warnings, tuple(public_parts)
    )


def checked(
    phone: Phone, settings: Settings, accounts: BundledAccounts, live: Live | None = None
) -> Built:
    """A build, with what is to be said of the names of its files."""
    result = built(phone, settings, clients.client(), accounts, live)
    return replace(result, warnings=(*result.warnings, *served_badly(result)))


@dataclass(frozen=True)
class ListedFix:
    """What is fixed in upstream's phone and why; ``instead`` says what a user can do where nothing
    is done about it. ``left_out`` is whether a build leaves it out.
    """

    id: str
    name: str
    reason: str
    instead: str
    left_out: bool


@dataclass(frozen=True)
class Fixes:
    fixes: tuple[ListedFix, ...]


def list_fixes(context: Context) -> Fixes:
    """What is fixed in upstream's phone. Raises CmpBundleError for a fix that there is not."""
    without = fixes_left_out(context)
    return Fixes(
        tuple(
            ListedFix(f.id, f.name, f.reason, f.instead, f.id in without) for f in clients.fixes()
        )
    )


def fixes_left_out(context: Context) -> tuple[str, ...]:
    """The fixes that the settings leave out. Raises CmpBundleError with the place of a wrong one."""
    try:
        return chosen(context.settings.build.without)
    except CmpBundleError as error:
        origin = context.loaded.origins["build.without"]
        if origin.kind != "file":
            raise
        raise CmpBundleError(
            error.code, error.message, hint=error.hint, file=origin.name, line=origin.line
        ) from None


def _check_plain(settings: Settings, plain: str | None, *, public: bool) -> None:
    if plain is None:
        if public:
            raise CmpBundleError(
                "options-conflict",
                f"{PUBLIC} needs --plain USER",
                hint="add --plain USER, or leave it out",
            )
        return
    if not public:
        raise CmpBundleError(
            "plain-account",
            f"with --plain {plain}, everybody who opens the page can read the account, its password"
            " or HA1, and the credentials of its TURN servers, which other accounts may share",
            hint=f"give {plain} a link instead: cmp-bundle link {word(plain)}; or confirm: {PUBLIC}",
        )
    if settings.build.pristine:
        raise CmpBundleError(
            "options-conflict",
            "--plain and --pristine cannot be combined: a pristine phone holds no account",
            hint="leave out one of them",
        )
