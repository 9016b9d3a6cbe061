"""The last look for secrets at a bundle that was built before."""

from __future__ import annotations

from dataclasses import astuple
from typing import TYPE_CHECKING

from cmp_bundle.bundle import leaks, manifest
from cmp_bundle.bundle.build import known as known_with
from cmp_bundle.bundle.client import client
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.phone.builtin import BUILTIN
from cmp_bundle.phone.cache import Cache
from cmp_bundle.phone.fetch import fetch
from cmp_bundle.phone.pin import UPSTREAM
from cmp_bundle.phone.source import parse
from cmp_bundle.report import Silent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cmp_bundle.bundle.leaks import Secret
    from cmp_bundle.bundle.manifest import Bundle, PhoneOrigin


def scan(bundle: Bundle, secrets: Iterable[Secret]) -> None:
    """Raises CmpBundleError naming the file that holds a secret, and whose."""
    leaks.check(manifest.published(bundle), secrets, known(bundle.manifest.phone))


def known(origin: PhoneOrigin) -> list[bytes]:
    """What everybody can fetch anywhere, as far as it is on this machine.

    Without it a password that stands in the phone's own code is told as well, which is no loss.
    """
    client_code = [part.encode() for part in astuple(client())]
    if origin.source != BUILTIN and origin.tree != UPSTREAM.tree:
        return client_code
    source = BUILTIN if origin.source == BUILTIN else "upstream"
    try:
        phone = fetch(parse(source), Cache.of_user(), Silent(), offline=True)
    except CmpBundleError:
        return client_code
    return known_with(phone, client())
