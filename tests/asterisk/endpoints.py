"""An endpoint with its auths as a real Asterisk has it, and as ours is read."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from cmp_bundle.accounts.endpoint import REALM, Endpoints, digest
from cmp_bundle.accounts.model import Account
from tests.testbed.ami import Ami, AmiError


@dataclass(frozen=True)
class Told:
    """What either says; all bytes, as they go over the line.

    ``auths`` are the digests (HA1) of the auths that can be used, behind auth and user name: no
    failing test shows a password.
    """

    webrtc: bool
    name: bytes
    transport: bytes
    video_streams: int
    auths: tuple[tuple[bytes, bytes, str], ...]


def asked(ami: Ami, name: str, realm: str = REALM) -> Told | None:
    """What Asterisk has of the endpoint; None where it has none. ``realm`` is its default one."""
    try:
        events = ami.events("PJSIPShowEndpoint", Endpoint=name)
    except AmiError as error:
        assert "Unable to retrieve endpoint" in str(error), error
        return None
    endpoint = next(e for e in events if e[b"Event"] == b"EndpointDetail")
    return Told(
        webrtc=endpoint[b"Webrtc"] in (b"true", b"yes"),
        name=_name(endpoint[b"Callerid"]),
        transport=endpoint[b"Transport"],
        video_streams=int(endpoint[b"MaxVideoStreams"]),
        auths=tuple(_auth(e, realm) for e in events if _is_usable(e)),
    )


def _is_usable(event: dict[bytes, bytes]) -> bool:
    """Whether this is an auth that a browser phone can answer, and that holds anything."""
    algorithms = event.get(b"SupportedAlgorithmsUas", b"MD5").upper().split(b",")
    held = event.get(b"Password") or event.get(b"Md5Cred")
    return event[b"Event"] == b"AuthDetail" and b"MD5" in algorithms and bool(held)


def _name(caller: bytes) -> bytes:
    """The name in Asterisk's notation: ``"name" <number>``, ``name``, or ``number``."""
    quoted = re.fullmatch(rb'"(.*)" <[^>]*>', caller)
    if quoted:
        return re.sub(rb"\\(.)", rb"\1", quoted[1])
    return b"" if caller == b"<unknown>" or re.fullmatch(rb"[0-9*#+]+", caller) else caller


def _auth(event: dict[bytes, bytes], default: str) -> tuple[bytes, bytes, str]:
    user, realm = event[b"Username"], event[b"Realm"] or default.encode()
    held = event.get(b"Md5Cred", b"").decode()
    own = hashlib.md5(b":".join((user, realm, event[b"Password"]))).hexdigest()
    return event[b"ObjectName"], user, held or own


def read(found: Endpoints, name: str) -> Told | None:
    """The same of what was read."""
    endpoint = found.endpoints.get(name)
    if endpoint is None:
        return None
    auths = [found.auths[each] for each in endpoint.auths if each in found.auths]
    return Told(
        webrtc=endpoint.webrtc,
        name=_raw(endpoint.display_name),
        transport=_raw(endpoint.transport),
        video_streams=endpoint.video_streams,
        auths=tuple(
            (_raw(auth.id), _raw(auth.username), digest(auth, auth.realm or found.realm or REALM))
            for auth in auths
            if not auth.unusable
        ),
    )


def offered(account: Account) -> tuple[bytes, str]:
    """User name and digest of an account that is offered."""
    said = f"{account.user}:{account.realm or REALM}:{account.password}".encode()
    return _raw(account.user), account.ha1 or hashlib.md5(said).hexdigest()


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def default_realm(ami: Ami) -> str:
    """The realm of Asterisk's challenges where an auth names none."""
    lines = ami.command("pjsip show settings")
    return next(
        line.partition(b":")[2].strip().decode() for line in lines if b"default_realm" in line
    )
