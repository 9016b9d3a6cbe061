"""Which certificate Asterisk's HTTPS gets where it has none: a given one, or one of our authority's."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cmp_bundle.checks.reload import look_at_contents
from cmp_bundle.commands.authority import folder_of, now, tell_if_fresh
from cmp_bundle.errors import refuse_first
from cmp_bundle.files import Disk, owned
from cmp_bundle.files.rights import unreadable
from cmp_bundle.provision.wanted import Listener
from cmp_bundle.tls import leaf, machine
from cmp_bundle.tls.authority import authority_in, ensure
from cmp_bundle.tls.hosts import host as parsed

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.commands.context import Context
    from cmp_bundle.provision.survey import Found
    from cmp_bundle.tls.hosts import Host

#: More than any chain of certificates with its key.
_MOST = 1 << 20

#: What stands in a dry run for a certificate that is not made in one.
_NOT_MADE = b"a certificate and its key"


def listener(
    context: Context,
    found: Found,
    pair: tuple[Path, Path] | None,
    *,
    proxied: bool,
    dry_run: bool,
) -> Listener | None:
    """What HTTPS shall be, None for as it is. ``pair`` is a certificate and its key to be used.

    Where HTTPS is off and there is no ``pair``, the authority makes a certificate, unless Asterisk
    is ``proxied``: then the proxy has one. Raises
    CmpBundleError where a given one is not good for browsers.
    """
    ours = found.our_http.https
    is_new = ours is None and found.server.tls_address is None
    if ours is None and pair is None and (proxied or not is_new):
        return None
    if ours is not None:
        address = ours.address
    elif found.server.tls_address is not None:
        address = str(found.server.tls_address)
    else:
        address = context.settings.provision.https_address or _address(context)
    if pair is not None:
        return Listener(address, _given(*pair))
    if found.certificate is not None:
        return Listener(address)
    return Listener(address, _NOT_MADE if dry_run else _issued(context))


def _given(certificate: Path, key: Path) -> bytes:
    """Both in one file: the key, then the certificate and its chain."""
    chain, private = _content(certificate), _content(key)
    refuse_first(look_at_contents((chain, private), (certificate, key), now()).first)
    return chain if certificate == key else private.rstrip(b"\n") + b"\n" + chain


def _content(path: Path) -> bytes:
    try:
        return owned.content(path, _MOST)
    except OSError as error:
        raise unreadable(path, error) from error


def _issued(context: Context) -> bytes:
    folder = folder_of(context, None)
    hosts = tuple(dict.fromkeys(_hosts(context)))
    disk = Disk()
    before = authority_in(folder, now())
    authority = before or ensure(folder, hosts, now(), disk)
    tell_if_fresh(context, authority)
    bounds = authority.anchor.bounds
    allowed = tuple(host for host in hosts if bounds.allow(host))
    left_out = [str(host) for host in hosts if host not in allowed]
    if left_out:
        context.reporter.note(
            f"the certificate is not for {', '.join(left_out)}: the authority here cannot sign for"
            f" that; {leaf.wider(*(h for h in hosts if h not in allowed))}"
        )
    return leaf.issue(authority, allowed, now()).pem


def _hosts(context: Context) -> list[Host]:
    """What people may call this server: the name in the settings, the machine's, its addresses."""
    named = urlsplit(context.settings.site.url).hostname
    texts = ([named] if named else []) + list(machine.to_serve(everywhere=True))
    return [parsed(text) for text in texts]


def _address(context: Context) -> str:
    """Everywhere; with IPv6 where the server's name has such an address."""
    named = urlsplit(context.settings.site.url).hostname
    return "[::]:8089" if machine.has_ipv6(named) else "0.0.0.0:8089"
