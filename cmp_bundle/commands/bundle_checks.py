"""Whether a bundle may be published: no password in its page, no secret, no accounts of yesterday."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag

from cmp_bundle.accounts.profile import content, lets_in_like, unseal
from cmp_bundle.bundle.sealed import file_name
from cmp_bundle.commands import loaded_accounts
from cmp_bundle.commands.account_files import read
from cmp_bundle.commands.secret_scan import scan
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.sizes import count, some

if TYPE_CHECKING:
    from cmp_bundle.bundle.manifest import Bundle
    from cmp_bundle.commands.context import Context
    from cmp_bundle.commands.loaded_accounts import LoadedAccounts

#: The one way around the last look for secrets, for the account of --plain.
PUBLIC = "--i-know-this-is-public"


def refuse_plain(bundle: Bundle, *, public: bool) -> None:
    """Raises CmpBundleError where the page shows somebody's password, and that is not meant."""
    plain = bundle.manifest.plain
    if plain and not public:
        raise CmpBundleError(
            "plain-account",
            f"everybody who opens the page can read the password or HA1 of {plain}, and the"
            " credentials of its TURN servers, if it has any",
            hint=f"build it again without --plain; or confirm: {PUBLIC}",
        )


def refuse_outdated(context: Context, bundle: Bundle) -> LoadedAccounts | None:
    """The accounts here, None where there are none.

    Raises CmpBundleError where somebody's secret would get out, or somebody's phone back or dead.
    """
    if not read(context).accounts:
        scan(bundle, ())
        return None
    everybody = loaded_accounts.load(context, plain=bundle.manifest.plain or None)
    scan(bundle, everybody.bundled.secrets)
    now = everybody.bundled.profiles
    over = [name for name in bundle.profiles if name not in now]
    if over:
        raise CmpBundleError(
            "bundle-outdated",
            f"the bundle holds {count(len(over), 'profile')} of accounts that were removed, or got a"
            " new link, after the build",
            hint="cmp-bundle build, then deploy again",
        )
    stale = _stale(bundle, everybody)
    if stale:
        raise CmpBundleError(
            "bundle-outdated",
            f"the bundle holds old passwords of {some(stale)}: their phones would not work",
            hint="cmp-bundle build, then deploy again",
        )
    if now != bundle.profiles:
        context.reporter.warn(
            "the accounts were changed after the bundle was built; the next build includes the"
            " changes"
        )
    return everybody


def _stale(bundle: Bundle, everybody: LoadedAccounts) -> list[str]:
    """The accounts whose phones the bundle would fill in with a password that is not theirs now."""
    stale = []
    for account in everybody.accounts:
        token = everybody.keyring.token(account.id)
        name = file_name(token.name)
        profile = bundle.profiles.get(name)
        if profile is None or profile == everybody.bundled.profiles.get(name):
            continue
        try:
            before = unseal(profile, token)
        except (InvalidTag, ValueError):
            before = {}
        if not lets_in_like(before, content(account)):
            stale.append(account.id)
    return stale
