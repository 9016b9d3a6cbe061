"""Where people open the phone: what stands before the redirect in every link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.closed_files import closed_file
from cmp_bundle.asterisk.http_conf import http_server
from cmp_bundle.commands import server
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.tls.names import names_served

if TYPE_CHECKING:
    from cmp_bundle.commands.context import Context

_HINT = 'set the address where people open it: url = "https://pbx.example.com:8089" under [site]'
_HTTPS = 443
_HERE = ("localhost", "127.0.0.1", "::1")


def base(context: Context) -> str:
    """``https://pbx.example.com:8089``, as the settings say, else after Asterisk's certificate.

    Raises CmpBundleError where neither tells.
    """
    if context.settings.site.url:
        return context.settings.site.url
    where = server.look(context)
    if where is None:
        raise CmpBundleError(
            "address-unknown",
            "the address of the phone is not known: no Asterisk was found here",
            hint=_HINT,
        )
    read = reader.read("http.conf", where.files)
    closed = closed_file(read, where.files)
    if closed is not None:
        raise CmpBundleError(
            "address-unknown",
            f"the address of the phone is not known: {closed.message}",
            file=closed.file,
            hint=f"{closed.hint}; or {_HINT}",
        )
    http = http_server(read)
    if http.tls_address is None:
        raise CmpBundleError(
            "address-unknown",
            "the address of the phone is not known: HTTPS is off",
            file=where.configuration("http.conf"),
            hint=_HINT,
        )
    certificate = where.path(http.certificate)
    found = names_served(where, http.certificate)
    names = [n for n in (*found.dns, *found.addresses) if "*" not in n]
    if not names:
        raise CmpBundleError(
            "address-unknown",
            f"the address of the phone is not known: the certificate's names are {found}",
            file=certificate,
            hint=f"{found.hint}; or {_HINT}" if found.hint else _HINT,
        )
    outside = [n for n in names if n not in _HERE]
    if not outside:
        context.reporter.warn(
            f"{certificate} is only for {names[0]}, so links work only on this machine; {_HINT}"
        )
    host = (outside or names)[0]
    port = http.tls_address.port
    literal = f"[{host}]" if ":" in host else host
    return f"https://{literal}" if port == _HTTPS else f"https://{literal}:{port}"
