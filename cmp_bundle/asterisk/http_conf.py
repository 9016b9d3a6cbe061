"""What http.conf makes of Asterisk's web server.

After ``__ast_http_load``, ``add_redirect`` (main/http.c) and ``ast_tls_read_conf``
(main/tcptls.c) as they are in Asterisk 16 and 22, for a server that starts with this file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cmp_bundle.asterisk.configuration import IGNORED, Variable, folded, same_name
from cmp_bundle.asterisk.lines import decoded, encoded
from cmp_bundle.asterisk.values import (
    Address,
    integer,
    is_true,
    listening_address,
    numeric_address,
)
from cmp_bundle.findings import Finding, finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp_bundle.asterisk.configuration import Configuration
    from cmp_bundle.places import Place

PORT = 8088
TLS_PORT = 8089
SESSION_LIMIT = 100
#: Beside the working folder of the server's process, for what that is worth.
CERTIFICATE = "asterisk.pem"

#: The prefix is kept in 80 bytes, of which its slash and the NUL take two; the server's name in
#: 128 (MAX_PREFIX, MAX_SERVER_NAME_LENGTH).
_PREFIX_BYTES = 78
_SERVER_NAME_BYTES = 127
_INT_MAX = (1 << 31) - 1

#: The options of [general], small letters, and what they set here; None for those that matter to
#: nobody here. The CA options that Asterisk's TLS servers otherwise know are unknown to this one.
_OPTIONS = {
    "enabled": "enabled",
    "bindaddr": "address",
    "bindport": "port",
    "tlsenable": "tls_enabled",
    "sslenable": "tls_enabled",
    "tlsbindaddr": "tls_address",
    "sslbindaddr": "tls_address",
    "tlscertfile": "certificate",
    "sslcert": "certificate",
    "tlscert": "certificate",
    "tlsprivatekey": "key",
    "sslprivatekey": "key",
    "prefix": "prefix",
    "enablestatic": "static_enabled",
    "enable_static": "static_enabled",
    "enable_status": "status_enabled",
    "sessionlimit": "session_limit",
    "servername": "server_name",
    "redirect": "redirects",
    "session_inactivity": None,
    "session_keep_alive": None,
    "tlscipher": "cipher",
    "sslcipher": "cipher",
    "tlsservercipherorder": None,
    "tlsdisablev1": None,
    "tlsdisablev11": None,
    "tlsdisablev12": None,
}

#: Where a value that makes no sense does not leave what an earlier line said.
_RESET_BY_NONSENSE = ("address", "port", "session_limit")

_HIGHEST_PORT = 65535


@dataclass(frozen=True)
class Redirect:
    """``redirect = target destination``: a request for exactly ``target`` gets a 302."""

    target: str
    destination: str
    origin: Place


@dataclass(frozen=True)
class Restriction:
    """``[path]`` with ``type = restriction``: who may ask for what begins with ``path``.

    ``rules`` are its permit, deny and acl lines. Obeyed since Asterisk 20.19, 22.9 and 23.3.
    """

    path: str
    rules: tuple[Variable, ...]
    origin: Place


@dataclass(frozen=True)
class HttpServer:
    """Asterisk's web server as configured.

    ``address`` is where it listens for plain http, ``tls_address`` for https; None where it does
    not. That may be so although ``enabled`` or ``tls_enabled`` is true: without a ``bindaddr`` it
    listens nowhere, and https then needs an address of its own. ``certificate`` and ``key`` are
    paths as Asterisk sees them, ``cipher`` is OpenSSL's list, empty for Asterisk's own. ``prefix``
    is empty or begins with a slash. ``status_enabled`` is None where the file does not say: on
    before 2026, off since. ``server_name`` is None for "Asterisk" and its version. ``redirects``
    are in the order in which they are tried.

    ``origins`` has the variable that decided, under the name of the attribute, and ``bindport``
    under ``port``; nothing where Asterisk's default stands. ``problems`` are the lines that
    Asterisk complains about.
    """

    enabled: bool = False
    address: Address | None = None
    tls_enabled: bool = False
    tls_address: Address | None = None
    certificate: str = CERTIFICATE
    key: str = CERTIFICATE
    cipher: str = ""
    prefix: str = ""
    static_enabled: bool = False
    status_enabled: bool | None = None
    session_limit: int = SESSION_LIMIT
    server_name: str | None = None
    redirects: tuple[Redirect, ...] = ()
    restrictions: tuple[Restriction, ...] = ()
    origins: Mapping[str, Variable] = field(default_factory=dict)
    problems: tuple[Finding, ...] = ()

    def redirect(self, target: str) -> Redirect | None:
        """The one that a request for ``target``, in any case, gets: the last written."""
        return next((r for r in self.redirects if same_name(r.target, target)), None)


def http_server(configuration: Configuration) -> HttpServer:
    """The server that a configuration of http.conf makes; off where it could not be loaded."""
    origins: dict[str, Variable] = {}
    redirects: list[Redirect] = []
    problems: list[Finding] = []
    for variable in configuration.browse("general"):
        attribute = _OPTIONS.get(folded(variable.name), "")
        wrong = _complaint(attribute, variable)
        if wrong is not None:
            problems.append(finding(IGNORED, wrong, variable.place))
        elif attribute == "redirects":
            target, _, destination = variable.value.partition(" ")
            redirects.insert(0, Redirect(target, destination, variable.place))
        if attribute and (wrong is None or attribute in _RESET_BY_NONSENSE):
            origins[attribute] = variable

    def value_of(attribute: str) -> str | None:
        return origins[attribute].value if attribute in origins else None

    enabled = is_true(value_of("enabled") or "")
    tls_enabled = is_true(value_of("tls_enabled") or "")
    address = _address(value_of("address"), value_of("port")) if enabled else None
    certificate = CERTIFICATE if (path := value_of("certificate")) is None else path
    prefix = _shortened(value_of("prefix") or "", _PREFIX_BYTES)
    status = value_of("status_enabled")
    name = value_of("server_name")
    return HttpServer(
        enabled=enabled,
        address=address,
        tls_enabled=tls_enabled,
        tls_address=_tls_address(value_of("tls_address"), address) if tls_enabled else None,
        certificate=certificate,
        key=value_of("key") or certificate,
        cipher=value_of("cipher") or "",
        prefix=f"/{prefix}" if prefix else "",
        static_enabled=is_true(value_of("static_enabled") or ""),
        status_enabled=None if status is None else is_true(status),
        session_limit=integer(value_of("session_limit") or "", 1, _INT_MAX) or SESSION_LIMIT,
        server_name=None if name is None else _shortened(name, _SERVER_NAME_BYTES),
        # Longest targets first, and among those of one length the last written.
        redirects=tuple(sorted(redirects, key=lambda r: -len(encoded(r.target)))),
        restrictions=_restrictions(configuration),
        origins=origins,
        problems=tuple(problems),
    )


def _complaint(attribute: str | None, variable: Variable) -> str | None:
    """What Asterisk has against a line; None if nothing."""
    value = variable.value
    if attribute == "":
        return f"http.conf has no option {variable.name}; the line does nothing"
    complaints = {
        "redirects": (" " in value, "not a redirect, because it has no destination"),
        "tls_address": (numeric_address(value), "not a numeric address, so the line does nothing"),
        "address": (listening_address(value), "not an address to listen on"),
        "port": (integer(value, 0, _HIGHEST_PORT) is not None, f"not a port, so {PORT} is used"),
        "session_limit": (
            integer(value, 1, _INT_MAX),
            f"not a number of connections, so {SESSION_LIMIT} is used",
        ),
    }
    fine, complaint = complaints.get(attribute or "", (True, ""))
    return None if fine else f"{variable.name} = {value}: {complaint}"


def _address(bindaddr: str | None, bindport: str | None) -> Address | None:
    found = None if bindaddr is None else listening_address(bindaddr)
    if found is None or found.port:
        return found
    return Address(found.host, integer(bindport or "", 0, _HIGHEST_PORT) or PORT)


def _tls_address(tlsbindaddr: str | None, plain: Address | None) -> Address | None:
    """Its own, else the plain one's host, which there may not be."""
    if tlsbindaddr is not None:
        address = numeric_address(tlsbindaddr)
        return None if address is None else Address(address.host, address.port or TLS_PORT)
    return None if plain is None else Address(plain.host, TLS_PORT)


def _restrictions(configuration: Configuration) -> tuple[Restriction, ...]:
    found = []
    for category in configuration.categories:
        if category.template or same_name(category.name, "general"):
            continue
        kind = next((v.value for v in category.variables if same_name(v.name, "type")), "")
        if same_name(kind, "restriction"):
            rules = (v for v in category.variables if folded(v.name) in ("permit", "deny", "acl"))
            found.append(Restriction(category.name, tuple(rules), category.place))
    return tuple(found)


def _shortened(value: str, size: int) -> str:
    return decoded(encoded(value)[:size])
