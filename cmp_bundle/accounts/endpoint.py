"""What Asterisk makes of an endpoint and its auths, whatever they were read from.

Files, wizards and databases all come down to options in an order (main/sorcery.c): names are
compared without case, the last of a name wins, ids are compared with case. After
res_pjsip/pjsip_configuration.c and res_pjsip/config_auth.c.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from cmp_bundle.accounts import caller_id
from cmp_bundle.asterisk.configuration import folded
from cmp_bundle.asterisk.lines import BLANKS
from cmp_bundle.asterisk.values import integer, is_true

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cmp_bundle.accounts.model import Place, Row
    from cmp_bundle.accounts.problems import Wrong

#: Hexadecimal digits of an MD5.
DIGEST = 32

#: The realm of Asterisk's challenges where nothing says otherwise (res_pjsip/config_global.c).
REALM = "asterisk"

_UINT_MAX = (1 << 32) - 1


class Option(NamedTuple):
    """``name = value``, and where it stands."""

    name: str
    value: str
    where: Place | Row


@dataclass(frozen=True)
class Auth:
    """``type=auth``: with what an endpoint has to authenticate.

    ``ha1`` counts where there is one, else ``password``; ``realm`` is empty where the server's
    default counts. ``secret`` is the option whose value has to change for another password.
    ``unusable`` tells why Asterisk does not load it, or why a browser phone cannot answer it.
    """

    id: str
    username: str = ""
    password: str = field(default="", repr=False)
    ha1: str = field(default="", repr=False)
    realm: str = ""
    secret: Option | None = field(default=None, repr=False)
    unusable: str = ""
    both: bool = False


@dataclass(frozen=True)
class Endpoint:
    """``type=endpoint``, as far as a browser phone is concerned. ``auths`` are names."""

    id: str
    where: Place | Row
    webrtc: bool = False
    display_name: str = ""
    transport: str = ""
    video_streams: int = 1
    auths: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """What a source holds, by id.

    ``transports`` maps names to protocols in small letters; it is None where the source has
    none to tell of. ``realm`` is that of challenges, empty where the source does not tell.
    ``wrongs`` are what makes Asterisk load less than there is.
    """

    endpoints: Mapping[str, Endpoint]
    auths: Mapping[str, Auth]
    transports: Mapping[str, str] | None = None
    realm: str = ""
    wrongs: tuple[Wrong, ...] = ()


def last(options: Iterable[Option], name: str) -> Option | None:
    """The option of that name that counts."""
    found = None
    for option in options:
        if folded(option.name) == name:
            found = option
    return found


def value(options: Iterable[Option], name: str, default: str = "") -> str:
    """Its value."""
    found = last(options, name)
    return default if found is None else found.value


def endpoint(name: str, options: tuple[Option, ...], where: Place | Row) -> Endpoint:
    """The endpoint that these options make."""
    streams = integer(value(options, "max_video_streams"), 0, _UINT_MAX)
    return Endpoint(
        id=name,
        where=where,
        webrtc=is_true(value(options, "webrtc")),
        display_name=caller_id.name(value(options, "callerid")),
        transport=value(options, "transport"),
        video_streams=1 if streams is None else streams,
        auths=names(value(options, "auth")),
    )


def auth(name: str, options: tuple[Option, ...]) -> Auth:
    """The auth that these options make.

    Asterisk 16 takes ``md5_cred`` only for ``auth_type=md5``; since 22 it counts whatever the
    type is, and ``password_digest`` is another way to write it.
    """
    kind = folded(value(options, "auth_type", "userpass"))
    username = value(options, "username")
    plain = last(options, "password")
    digest, digest_option, broken = _md5(options)
    algorithms = names(value(options, "supported_algorithms_uas"))
    unusable = ""
    if not username:
        unusable = "it has no username, so Asterisk does not load it"
    elif kind == "google_oauth":
        unusable = "it is for Google's OAuth, which no browser phone can answer"
    elif kind not in ("userpass", "md5", "digest"):
        unusable = f"Asterisk knows no auth_type={kind!r}, and does not load it"
    elif broken:
        unusable = f"its {broken} is no digest of {DIGEST} signs, so Asterisk does not load it"
    elif algorithms and "md5" not in map(folded, algorithms):
        unusable = "it asks for other digests than MD5, the only one that browser phones know"
    elif not digest and not (plain and plain.value):
        unusable = "it has no password"
    return Auth(
        id=name,
        username=username,
        password="" if digest or plain is None else plain.value,
        ha1=digest,
        realm=value(options, "realm"),
        secret=digest_option if digest else plain,
        unusable=unusable,
        both=bool(digest and plain and plain.value),
    )


def digest(auth: Auth, realm: str) -> str:
    """HA1 of an auth: of the password's own bytes, be they UTF-8 or not."""
    said = f"{auth.username}:{realm}:{auth.password}".encode("utf-8", "surrogateescape")
    return auth.ha1 or hashlib.md5(said, usedforsecurity=False).hexdigest()


def names(text: str) -> tuple[str, ...]:
    """A list like that of ``auth``: names between commas."""
    return tuple(name for part in text.split(",") if (name := part.strip(BLANKS)))


def _md5(options: Iterable[Option]) -> tuple[str, Option | None, str]:
    """The MD5 digest that counts and its option; the name of an option that makes no sense."""
    digest, found = "", None
    for option in options:
        if folded(option.name) not in ("md5_cred", "password_digest"):
            continue
        for one in names(option.value):
            algorithm, colon, text = one.partition(":")
            algorithm, text = (algorithm.strip(BLANKS), text) if colon else ("md5", one)
            if folded(algorithm) != "md5":
                continue
            digest, found = text.strip(BLANKS), option
            if len(digest) != DIGEST:
                return "", None, option.name
    return digest, found, ""
