"""A certificate and its key that somebody names: two files, or a lineage of certbot's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cmp_bundle.checks import certificate_change
from cmp_bundle.checks.reload import look_at_contents
from cmp_bundle.commands.authority import now
from cmp_bundle.errors import CmpBundleError, reason, refuse_first
from cmp_bundle.shell import word
from cmp_bundle.sizes import some
from cmp_bundle.tls import leaf, pem
from cmp_bundle.tls.hosts import host
from cmp_bundle.tls.rights import as_owner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.commands.context import Context
    from cmp_bundle.findings import Finding
    from cmp_bundle.tls.hosts import Host
    from cmp_bundle.tls.leaf import Leaf

#: Where certbot has the certificates that are in use, each in a folder of its own.
LIVE = Path("/etc/letsencrypt/live")

#: What certbot tells its hooks: the folder of the certificate that it has just renewed.
RENEWED = "RENEWED_LINEAGE"

#: More names than these help nobody.
_MOST_NAMED = 10


def named(
    certificate: Path | None, key: Path | None, certbot: str | None
) -> tuple[Path, Path] | None:
    """The two files: named themselves, or by their lineage; None where nothing names them. Raises
    CmpBundleError.
    """
    if certbot is not None:
        if certificate or key:
            raise CmpBundleError(
                "options-conflict",
                "--certbot names the certificate and its key already",
                hint="leave out --cert and --key",
            )
        return lineage(certbot)
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise CmpBundleError(
            "options-conflict",
            "--cert and --key belong together",
            hint="add the other one; both may be the same file",
        )
    return certificate, key


def renewed() -> tuple[Path, Path] | None:
    """Those that certbot has just renewed and tells a hook of; None where this is no hook of its."""
    told = os.environ.get(RENEWED)
    return lineage(f"{told}/") if told else None


def lineage(name: str) -> tuple[Path, Path]:
    """Certificate with chain, and key, of the lineage that certbot calls ``name``; a name with a
    slash is its folder. Raises CmpBundleError where there is none.
    """
    folder = Path(name).absolute() if "/" in name else LIVE / name
    try:
        folder.stat()
    except FileNotFoundError:
        raise CmpBundleError(
            "no-file", "certbot has no such certificate", file=folder, hint=_there(folder.parent)
        ) from None
    except OSError as error:
        raise CmpBundleError(
            "unreadable",
            f"cannot be read: {reason(error)}",
            file=folder,
            hint="certbot's folders are root's: run this with sudo",
        ) from error
    return folder / "fullchain.pem", folder / "privkey.pem"


def _there(live: Path) -> str:
    try:
        names = sorted(path.name for path in live.iterdir() if path.is_dir())
    except OSError:
        names = []
    if not names:
        return "see what there is: certbot certificates"
    return f"there is: {some(list(map(word, names)), _MOST_NAMED)}"


def worth_a_word(given: Leaf, path: Path) -> Iterator[Finding]:
    """What is no hindrance, and yet may not be meant."""
    for one in (
        certificate_change.incomplete(given, path),
        certificate_change.ends_soon(given, path, now()),
    ):
        if one is not None:
            yield one


def site_host(context: Context) -> Host | None:
    """The host of the address where people open the phone, as far as the settings tell."""
    named = urlsplit(context.settings.site.url).hostname
    return host(named) if named else None


def read(files: tuple[Path, Path]) -> Leaf:
    """What a certificate's file, chain included, and a key's hold; both may be the same file.

    Root reads each with the rights of whoever else owns a folder or link on the way to it. Raises
    CmpBundleError where browsers would not accept it, or Asterisk not load it.
    """
    found: dict[Path, bytes] = {}
    for path in dict.fromkeys(files):
        with as_owner(path):
            found[path] = pem.content(path)
    contents = found[files[0]], found[files[1]]
    refuse_first(look_at_contents(contents, files, now()).first)
    return leaf.parsed(contents, files)
