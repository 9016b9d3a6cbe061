"""Every setting: its section, name, type, default, what it means and what it must look like.

This is the only list of them. The file, the environment, ``cmp-bundle config``, the commented
file that ``init`` writes and the reference in the docs are all made from it.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints
from urllib.parse import urlsplit

from cmp_bundle import extension
from cmp_bundle.hostname import in_ascii
from cmp_bundle.settings import database_url
from cmp_bundle.settings.doctor_skips import Skip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DIST = Path("dist")
_ACCOUNTS = Path("accounts.toml")
_ROOT = Path("/")
_KEYRING = Path("cmp-bundle.key")


def _key(
    default: Any,
    help: str,  # noqa: A002 - click's word
    validate: Callable[[Any], str | None] | None = None,
) -> Any:
    """A setting; ``validate`` gives what is wrong with a value, or None."""
    return field(default=default, metadata={"help": help, "validate": validate})


def _site_name(name: str) -> str | None:
    # Asterisk refuses paths whose first character is special, and the name of the releases'
    # folder is this one behind a dot.
    if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", name) and ".." not in name:
        return None
    return "must be a plain folder name: letters, digits, _ . -, not beginning with a dot"


def _redirect(path: str) -> str | None:
    # http.conf splits the line at spaces; a query is cut off before Asterisk compares.
    if not re.fullmatch(r"/[A-Za-z0-9_.~/-]{1,200}", path):
        return "must be a path such as /cmp2k: it begins with a slash, has no spaces, ? or #"
    if re.match(r"/(static|ws|ari|httpstatus|phoneprov|metrics|media)(/|$)", path, re.IGNORECASE):
        return "must not be one of Asterisk's own paths"
    return None


def _host(host: str) -> str | None:
    named = re.fullmatch(r"[A-Za-z0-9._-]+", host) and _is_name(host)
    bare = host[1:-1] if re.fullmatch(r"\[.*\]", host) else host
    if not host or named or _is_ipv6(bare):
        return None
    return "must be a host name or an address, without a port; the port has a setting of its own"


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text


def _port(port: int) -> str | None:
    return None if 0 <= port <= 65535 else "must be a port: 1 to 65535, or 0 for the page's port"  # noqa: PLR2004


def _listening_port(port: int) -> str | None:
    return None if 0 <= port <= 65535 else "must be a port: 0 to 65535"  # noqa: PLR2004


def _is_name(host: str) -> bool:
    """Whether it can be looked up at all; a name such as a..b cannot."""
    try:
        labels = in_ascii(host).removesuffix(".").split(".")
    except ValueError:
        return False
    return all(0 < len(label) <= 63 for label in labels)  # noqa: PLR2004 - the DNS's


def names_a_place(url: str) -> bool:
    """Whether it has a host, a port that is one if any, and no account."""
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and _is_name(parts.hostname or "")
        return named and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        return False


def _socket_url(text: str) -> str | None:
    ok = not text or (re.fullmatch(r"wss?://[^\s/?#]+(/[^\s?#]*)?", text) and names_a_place(text))
    return None if ok else "must look like wss://pbx.example.com:8089/ws"


def _path(path: str) -> str | None:
    return None if not path or re.fullmatch(r"/[^\s?#]*", path) else "must be a path such as /ws"


def _keep(count: int) -> str | None:
    return None if count >= 1 else "must be at least 1: the release in use is one of them"


def _pin(pin: str) -> str | None:
    ok = not pin or re.fullmatch(r"[0-9a-f]{40}", pin)
    return None if ok else "must be the id of a git tree: 40 hexadecimal digits, lower case"


def _extension(text: str) -> str | None:
    ok = not text or re.fullmatch(r"[A-Za-z0-9*#+_.-]+", text)
    return None if ok else "must be an extension such as 246"


def _own_extension(text: str) -> str | None:
    return extension.problem(text) if text else None


def _public_address(text: str) -> str | None:
    try:
        ok = not text or ipaddress.ip_address(text).version == 4  # noqa: PLR2004
    except ValueError:
        ok = False
    return None if ok else "must be an IPv4 address such as 203.0.113.7"


def _listener(text: str) -> str | None:
    # Asterisk would make something of 8089 and of port 99999, and not what was meant.
    host, _, port = text.rpartition(":")
    try:
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
        number = int(port)
    except ValueError:
        address, number = None, 0
    written = f"[{address}]" if ":" in str(address) else str(address)
    if not text or (text == f"{written}:{number}" and 0 < number <= 65535):  # noqa: PLR2004
        return None
    return "must be a numeric address with a port: 0.0.0.0:8089, [::]:8089 or 192.0.2.7:443"


def _context(text: str) -> str | None:
    if text in ("general", "globals"):
        return "must not be general or globals, which are no contexts"
    ok = re.fullmatch(r"[A-Za-z0-9_.-]{1,79}", text)
    return None if ok else "must be the name of a context in extensions.conf"


def _database(url: str) -> str | None:
    return database_url.problem(url) if url else None


def _realm(text: str) -> str | None:
    ok = text.isprintable() and not set('":\\') & set(text)
    return None if ok else 'must not hold ", : or \\'


def _url(text: str) -> str | None:
    ok = not text or (re.fullmatch(r"https://[^\s/?#]+", text) and names_a_place(text))
    return None if ok else "must look like https://pbx.example.com:8089"


@dataclass(frozen=True)
class PhoneSettings:
    """Which phone is bundled."""

    source: str = _key(
        "upstream",
        "where the phone comes from: upstream, builtin, a folder, an archive, or a git repository",
    )
    revision: str = _key("", "the commit, tag or branch to take from a git repository")
    pin: str = _key("", "the id of the git tree that must arrive; upstream has its own", _pin)


@dataclass(frozen=True)
class ServerSettings:
    """The PBX that the phone connects to. The default is the server that the page came from."""

    host: str = _key("", "the host name or address of the PBX", _host)
    port: int = _key(0, "the port of its WebSocket; 0 is the port of the page", _port)
    path: str = _key("", "the path of its WebSocket, normally /ws", _path)


@dataclass(frozen=True)
class AccountSettings:
    """The defaults in the account form. Everybody who can open the page can read them."""

    id: str = _key("", "the account: the name of its PJSIP endpoint")
    name: str = _key("", "the name it authenticates with, if that differs from the id")
    register: bool = _key(
        default=True, help="whether the phone registers, so that it can receive calls"
    )
    dial: str = _key("", "the extension that the Call button dials")


@dataclass(frozen=True)
class AccountsSettings:
    """Who gets a phone of their own."""

    file: Path = _key(_ACCOUNTS, "the account file, TOML or CSV; it is optional")
    realm: str = _key(
        "", "the realm of Asterisk's challenges, if cmp-bundle cannot find it", _realm
    )
    database_password_file: str = _key(
        "", "the file with the password of the databases that accounts come from"
    )


@dataclass(frozen=True)
class SiteSettings:
    """Where on Asterisk's web server the phone appears."""

    name: str = _key("cyber_mega_phone_2k", "its folder under static-http", _site_name)
    redirect: str = _key("/cmp2k", "the short path that leads to it", _redirect)
    url: str = _key(
        "", "the address where people open it; by default from Asterisk's certificate", _url
    )


@dataclass(frozen=True)
class BuildSettings:
    """How the bundle is made."""

    out: Path = _key(_DIST, "the folder that the bundle is written to")
    pack: bool = _key(default=True, help="join, minify and gzip the files")
    pristine: bool = _key(default=False, help="leave the phone as it comes: no settings, no fixes")
    without: tuple[str, ...] = _key((), 'fixes of upstream\'s phone to leave out: ["D13"]')


@dataclass(frozen=True)
class AsteriskSettings:
    """The Asterisk that it is deployed to. Empty values are detected."""

    root: Path = _key(_ROOT, "the root of Asterisk's system; not / if mounted or chrooted")
    etc_dir: str = _key("", "Asterisk's configuration folder, inside root: /etc/asterisk")
    data_dir: str = _key("", "Asterisk's data folder, inside root; it holds static-http")
    user: str = _key("", "the user that Asterisk runs as")
    command: tuple[str, ...] = _key(
        (), 'the command that runs asterisk, without -rx: ["docker", "exec", "pbx", "asterisk"]'
    )
    url: str = _key("", "the address where a deploy checks Asterisk's web server", _url)
    custom_files: tuple[str, ...] = _key(
        (), 'files in etc_dir that you keep for your own lines: ["http_custom.conf"]'
    )


@dataclass(frozen=True)
class ProvisionSettings:
    """What a server is given to be ready for browser phones."""

    context: str = _key(
        "cmp-phones", "the dialplan context of the phones; it is made if there is none", _context
    )
    echo: str = _key("246", "the extension that sends back sound and pictures", _own_extension)
    conference: str = _key("249", "the extension of a conference with pictures", _own_extension)
    https_address: str = _key(
        "", "the address and port for HTTPS where it is off: 0.0.0.0:8089, [::]:8089", _listener
    )
    public_address: str = _key(
        "",
        "the server's public address, if a router in front of it passes everything on",
        _public_address,
    )
    database: str = _key(
        "",
        "the database that Asterisk has its endpoints in, without a password:"
        " mysql://USER@HOST/NAME, postgresql://…, sqlite:////path",
        _database,
    )


@dataclass(frozen=True)
class LinksSettings:
    """The links that open each account's phone."""

    key: Path = _key(
        _KEYRING, "the link key, which all links are made from; back it up, and keep it secret"
    )


@dataclass(frozen=True)
class ServeSettings:
    """The dev server, for trying the phone on this machine."""

    host: str = _key("localhost", "the address to listen on; 0.0.0.0 for everybody", _host)
    port: int = _key(8443, "the port to listen on; 0 for any that is free", _listening_port)
    pbx: str = _key("", "the PBX that phones are connected to: wss://pbx:8089/ws", _socket_url)
    pbx_ca: str = _key("", "the CA certificate that signed the PBX's certificate")


@dataclass(frozen=True)
class DeploySettings:
    """What a deploy keeps on the server."""

    keep: int = _key(3, "how many releases to keep, including the one in use", _keep)


@dataclass(frozen=True)
class DoctorSettings:
    """What the doctor looks for."""

    skip: tuple[Skip, ...] = _key(
        (),
        "findings to leave out, each with a reason and until when:"
        ' [{code = "H106", why = "…", until = 2027-03-01}]',
    )


@dataclass(frozen=True)
class Settings:
    """All settings. One attribute a section, in the order in which people meet them."""

    phone: PhoneSettings = PhoneSettings()
    server: ServerSettings = ServerSettings()
    account: AccountSettings = AccountSettings()
    accounts: AccountsSettings = AccountsSettings()
    site: SiteSettings = SiteSettings()
    build: BuildSettings = BuildSettings()
    asterisk: AsteriskSettings = AsteriskSettings()
    provision: ProvisionSettings = ProvisionSettings()
    links: LinksSettings = LinksSettings()
    serve: ServeSettings = ServeSettings()
    deploy: DeploySettings = DeploySettings()
    doctor: DoctorSettings = DoctorSettings()


@dataclass(frozen=True)
class Key:
    """One setting's description. ``kind`` is str, int, bool, Path, tuple (of str) or Skip (a tuple
    of these).
    """

    section: str
    name: str
    kind: type
    default: Any
    help: str
    validate: Callable[[Any], str | None] | None

    @property
    def dotted(self) -> str:
        return f"{self.section}.{self.name}"

    @property
    def flag(self) -> str:
        """The name of its flag, without dashes before it, for commands that take one."""
        # Alone, --root, --user or --file would leave open whose.
        ambiguous = self.section == "asterisk" or self.dotted == "accounts.file"
        prefix = f"{self.section}-" if ambiguous else ""
        return prefix + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"CMP_BUNDLE_{self.section}_{self.name}".upper()


@cache
def sections() -> dict[str, tuple[str, tuple[Key, ...]]]:
    """Every section's one-line description and keys, in order."""
    hints = get_type_hints(Settings)
    return {
        f.name: (
            (hints[f.name].__doc__ or "").split("\n", 1)[0],
            tuple(_keys(f.name, hints[f.name])),
        )
        for f in fields(Settings)
    }


def _keys(section: str, cls: type) -> Iterator[Key]:
    hints = get_type_hints(cls)
    for f in fields(cls):
        kind = hints[f.name]
        if kind not in (str, int, bool, Path):
            kind = Skip if Skip in get_args(kind) else tuple
        yield Key(section, f.name, kind, f.default, f.metadata["help"], f.metadata["validate"])


#: Every key by its dotted name.
KEYS = {key.dotted: key for _, keys in sections().values() for key in keys}
