"""What Asterisk makes of an endpoint and its auths, whatever they were read from.

Files, wizards and databases all come down to options in an order (main/sorcery.c): names are
compared without case, the last of a name wins, ids are compared with case. After
res_pjsip/pjsip_configuration.c and res_pjsip/config_auth.c.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from cmp_bundle.accounts import browsers, caller_id
from cmp_bundle.accounts.model import ha1
from cmp_bundle.asterisk.configuration import folded
from cmp_bundle.asterisk.lines import BLANKS
from cmp_bundle.asterisk.values import integer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cmp_bundle.asterisk.configuration import Variable
    from cmp_bundle.findings import Finding
    from cmp_bundle.places import Place, Row

#: The digests that Asterisk knows, and how many hexadecimal digits they have.
DIGESTS = {"md5": 32, "sha-256": 64, "sha-512-256": 64}

#: The realm of Asterisk's challenges where nothing says otherwise (res_pjsip/config_global.c).
REALM = "asterisk"

_UINT_MAX = (1 << 32) - 1


class Option(NamedTuple):
    """``name = value``, and where it stands."""

    name: str
    value: str
    where: Place | Row


#: What has a name and a value.
Named = TypeVar("Named", bound="Option | Variable")


@dataclass(frozen=True)
class Auth:
    """``type=auth``: with what an endpoint has to authenticate.

    ``ha1`` counts where there is one, else ``password``; ``realm`` is empty where the server's
    default counts. ``secret`` is the option whose value has to change for another password.
    ``unusable`` tells why Asterisk does not load it, or why a browser phone cannot answer it;
    ``loaded`` is which of the two. ``both`` is whether it has a password beside the digest,
    ``older`` what Asterisk 16 makes of it where that is something else.
    """

    id: str
    username: str = ""
    password: str = field(default="", repr=False)
    ha1: str = field(default="", repr=False)
    realm: str = ""
    secret: Option | None = field(default=None, repr=False)
    unusable: str = ""
    loaded: bool = True
    both: bool = False
    older: str = ""


@dataclass(frozen=True)
class Endpoint:
    """``type=endpoint``, as far as a browser phone is concerned. ``auths`` and ``aors`` are names.

    ``webrtc`` is whether it is for browsers, by that option or by hand; ``missing`` what it then lacks,
    by codes (browsers.py). ``trunk`` is whether it leads to another server, and is nobody's phone.
    """

    id: str
    where: Place | Row
    webrtc: bool = False
    display_name: str = ""
    transport: str = ""
    video_streams: int = 1
    auths: tuple[str, ...] = ()
    context: str = "default"
    aors: tuple[str, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict)
    trunk: bool = False


@dataclass(frozen=True)
class Aor:
    """``type=aor``: how many phones may register, which is none where nothing is said."""

    id: str
    where: Place | Row
    max_contacts: int = 0


@dataclass(frozen=True)
class Endpoints:
    """What a source holds, by id.

    ``transports`` maps names to protocols in small letters; it is None where the source has
    none to tell of, as ``aors`` is. ``realm`` is that of challenges, empty where the source does
    not tell. ``findings`` are what makes Asterisk load less than there is.
    """

    endpoints: Mapping[str, Endpoint]
    auths: Mapping[str, Auth]
    transports: Mapping[str, str] | None = None
    realm: str = ""
    findings: tuple[Finding, ...] = ()
    aors: Mapping[str, Aor] | None = None


def last(options: Iterable[Named], name: str) -> Named | None:
    """The option of that name that counts."""
    found = None
    for option in options:
        if folded(option.name) == name:
            found = option
    return found


def value(options: Iterable[Option | Variable], name: str, default: str = "") -> str:
    """Its value."""
    found = last(options, name)
    return default if found is None else found.value


def endpoint(name: str, options: tuple[Option, ...], where: Place | Row) -> Endpoint:
    """The endpoint that these options make."""
    last_ones = {folded(option.name): option.value for option in options}
    streams = integer(last_ones.get("max_video_streams", ""), 0, _UINT_MAX)
    webrtc = browsers.is_for_browsers(last_ones)
    return Endpoint(
        id=name,
        where=where,
        webrtc=webrtc,
        display_name=caller_id.name(last_ones.get("callerid", "")),
        transport=last_ones.get("transport", ""),
        video_streams=1 if streams is None else streams,
        auths=names(last_ones.get("auth", "")),
        context=last_ones.get("context", "default"),
        aors=names(last_ones.get("aors", "")),
        missing=browsers.missing(last_ones) if webrtc else {},
    )


def aor(name: str, options: tuple[Option, ...], where: Place | Row) -> Aor:
    """The aor that these options make."""
    most = integer(value(options, "max_contacts"), 0, _UINT_MAX)
    return Aor(name, where, most or 0)


def auth(name: str, options: tuple[Option, ...]) -> Auth:
    """The auth that these options make.

    Asterisk 16 takes ``md5_cred`` only for ``auth_type=md5``; since 22 it counts whatever the
    type is, and ``password_digest`` is another way to write it.
    """
    plain = last(options, "password")
    password = plain.value if plain else ""
    digests, broken = _digests(options)
    digest, digest_option = digests.get("md5", ("", None))
    refused = f"its {broken} is not a digest" if broken else _refused(options, digests, password)
    return Auth(
        id=name,
        username=value(options, "username"),
        password="" if digest else password,
        ha1=digest,
        realm=value(options, "realm"),
        secret=digest_option if digest else plain,
        unusable=f"{refused}, so Asterisk does not load it" if refused else _unanswerable(options),
        loaded=not refused,
        both=bool(digest and password),
        older=_older(_kind(options), has_digest=bool(digest), has_password=bool(password)),
    )


def _kind(options: Iterable[Option]) -> str:
    return folded(value(options, "auth_type", "userpass"))


def _refused(options: tuple[Option, ...], digests: Mapping[str, object], password: str) -> str:
    """Why Asterisk does not load these options (``auth_apply`` of res_pjsip/config_auth.c)."""
    if not value(options, "username"):
        return "it has no username"
    kind = _kind(options)
    if kind == "google_oauth":
        return ""
    if kind not in ("userpass", "md5", "digest"):
        return f"its auth_type={kind!r} is unknown"
    # For calls that come in, then for those that go out: each needs something to be answered by.
    for name in ("supported_algorithms_uas", "supported_algorithms_uac"):
        for algorithm in _algorithms(options, name):
            if algorithm not in DIGESTS:
                return f"its {name} names the unknown {algorithm!r}"
            if not password and algorithm not in digests:
                return f"it has no digest for {algorithm}" if digests else "it has no password"
    return ""


def _unanswerable(options: tuple[Option, ...]) -> str:
    """Why no browser phone can answer what Asterisk loads."""
    if _kind(options) == "google_oauth":
        return "it is for Google's OAuth, which browser phones do not support"
    if "md5" not in _algorithms(options, "supported_algorithms_uas"):
        return "it does not allow MD5, the only digest that browser phones support"
    return ""


def _older(kind: str, *, has_digest: bool, has_password: bool) -> str:
    """What Asterisk 16 makes of an auth, where that is not what 22 makes of it."""
    if kind == "md5":
        return "" if has_digest else "does not load it, as it holds no digest"
    if not has_digest:
        return ""
    if has_password:
        return "takes the password"
    return "knows its digest for auth_type=md5 alone, and takes an empty password"


def digest(auth: Auth, realm: str) -> str:
    """HA1 of an auth: of the password's own bytes, be they UTF-8 or not."""
    return auth.ha1 or ha1(auth.username, realm, auth.password)


def names(text: str) -> tuple[str, ...]:
    """A list like that of ``auth``: names between commas."""
    return tuple(name for part in text.split(",") if (name := part.strip(BLANKS)))


def _algorithms(options: Iterable[Option], name: str) -> tuple[str, ...]:
    """The digests that an auth is for, in small letters."""
    return tuple(map(folded, names(value(options, name)))) or ("md5",)


def _digests(options: Iterable[Option]) -> tuple[dict[str, tuple[str, Option]], str]:
    """Each digest and its option by algorithm; the name of an option that makes no sense."""
    found = {}
    for option in options:
        if folded(option.name) not in ("md5_cred", "password_digest"):
            continue
        for entry in names(option.value):
            algorithm, colon, text = entry.partition(":")
            algorithm, text = (algorithm.strip(BLANKS), text) if colon else ("md5", entry)
            algorithm, text = folded(algorithm), text.strip(BLANKS)
            if len(text) != DIGESTS.get(algorithm):
                return {}, option.name
            found[algorithm] = (text, option)
    return found, ""
