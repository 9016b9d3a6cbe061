"""One file to paste into a forum: what was found and what it was found by, without anybody's secret."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from cmp_bundle.doctor.evidence import Evidence, Live, Machine, Missing, Phone, Written
from cmp_bundle.doctor.reach import Reached

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.asterisk.answers.http import HttpStatus
    from cmp_bundle.asterisk.answers.media import Rtp

#: Options of an endpoint or aor that tell of a person or a secret, and nothing of a fault.
_PERSONAL = re.compile(r"callerid|mailbox|from_|set_var|password|secret|cred|accountcode|voicemail")

_SHORT = 5

#: What may be an address: of IPv4, or of IPv6 with at least two colons.
_ADDRESS = re.compile(
    r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?!\w|\.\d)"
    r"|(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])"
)


def report(evidence: Evidence, told: str, *, addresses: bool = True) -> str:
    """``told`` is what the doctor says as text. Without ``addresses``, each address and name of this
    server becomes a word that stands for it.
    """
    text = "\n".join((told, "", *_facts(evidence))) + "\n"
    for secret in sorted(_secrets(evidence), key=len, reverse=True):
        # A short one may be a part of many words.
        whole = rf"(?<!\w){re.escape(secret)}(?!\w)" if len(secret) < _SHORT else re.escape(secret)
        text = re.sub(whole, "(secret)", text)
    return text if addresses else _without_addresses(text, evidence)


def _facts(evidence: Evidence) -> Iterator[str]:
    yield "## What it was found by"
    yield f"time: {evidence.now:%Y-%m-%d %H:%M} UTC"
    live, written = evidence.live, evidence.written
    if isinstance(live, Live):
        yield f"version: {live.version_text}"
        yield f"up: {live.process.up} s, last reload {live.process.reloaded} s ago"
        yield f"http show status: {_http(live.http)}"
        if live.rtp is not None:
            yield f"rtp show settings: {_rtp(live.rtp)}"
        yield f"modules that do not run: {' '.join(n for n, runs in live.modules.items() if not runs)}"
        yield f"endpoints: {len(live.listed)}, contacts: {sum(one.contacts for one in live.listed)}"
    else:
        yield f"Asterisk: {live.reason}"
    if isinstance(written, Written):
        server = written.configured.server
        yield f"http.conf: plain {server.address}, HTTPS {server.tls_address}, prefix {server.prefix!r}"
        yield f"files: {' '.join(written.configured.http.files)}"
    else:
        yield f"files: {written.reason}"
    for name in ("inside", "outside"):
        yield f"{name}: {_way(getattr(evidence, name))}"
    if isinstance(evidence.machine, Machine):
        firewall = evidence.machine.firewall
        yield f"firewall: {firewall.kind if firewall else 'none at work'}"
    if not isinstance(evidence.phones, Missing):
        for phone in evidence.phones[:5]:
            yield from _phone(phone)


def _http(status: HttpStatus) -> str:
    """A server of HTTPS alone tells of no listener."""
    redirects = (f"{target} => {destination}" for target, destination in status.redirects)
    told = {
        "plain": (status.plain or "",),
        "HTTPS": (status.secure or "",),
        "prefix": (status.prefix,),
        "answers at": status.paths,
        "redirects": tuple(redirects),
        "restricts": status.restrictions,
    }
    return "; ".join(f"{name} {', '.join(filter(None, of)) or '-'}" for name, of in told.items())


def _rtp(settings: Rtp) -> str:
    ice = "on" if settings.ice else "off"
    return f"ports {settings.first} to {settings.last}; ICE {ice}; STUN {settings.stun or '-'}"


def _way(reached: Reached | Missing) -> str:
    if isinstance(reached, Missing):
        return reached.reason
    if reached.stopped is not None:
        return f"{reached.base}: {reached.stopped.title}: {reached.trouble}"
    tls = f", {reached.tls.version}, {len(reached.tls.chain)} certificates" if reached.tls else ""
    return f"{reached.base}{tls}, {reached.websocket}"


def _phone(phone: Phone) -> Iterator[str]:
    yield f"### endpoint {phone.id}"
    options = phone.loaded
    if options is None and phone.written is not None:
        options = phone.written.options
    if options is None:
        yield "Asterisk has none, and it stands in no file"
        return
    yield "\n".join(f"{n} = {v}" for n, v in options.items() if v and not _PERSONAL.search(n))
    for name, aor in phone.aors.items():
        yield f"aor {name}: {'none' if aor is None else {n: v for n, v in aor.items() if v and not _PERSONAL.search(n)}}"


def _secrets(evidence: Evidence) -> set[str]:
    found: set[str] = set()
    if not isinstance(evidence.phones, Missing):
        for phone in evidence.phones:
            if phone.account is not None:
                found |= {phone.account.password, phone.account.ha1}
            for auth in phone.auths.values():
                found |= {
                    (auth or {}).get(n, "") for n in ("password", "md5_cred", "password_digest")
                }
    if isinstance(evidence.written, Written):
        for auth_object in evidence.written.endpoints.auths.values():
            found |= {auth_object.password, auth_object.ha1}
    return found - {""}


def _without_addresses(text: str, evidence: Evidence) -> str:
    words: dict[str, str] = {}

    def word(found: re.Match[str]) -> str:
        # A colon may follow that is the sentence's own.
        shown = found[0].removesuffix(":")
        try:
            address = ipaddress.ip_address(shown)
        except ValueError:
            return found[0]
        if address.is_loopback or address.is_unspecified:
            return found[0]
        kind = "private" if address.is_private else "public"
        return (
            words.setdefault(shown, f"({kind} address {len(words) + 1})") + found[0][len(shown) :]
        )

    text = _ADDRESS.sub(word, text)
    names = {
        reached.host
        for reached in (evidence.outside, evidence.inside)
        if isinstance(reached, Reached)
    }
    if isinstance(evidence.machine, Machine):
        names.add(evidence.machine.name)
    for number, name in enumerate(sorted(names - {"", "localhost"}, key=len, reverse=True), 1):
        if not _ADDRESS.fullmatch(name):
            text = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", f"(name {number})", text)
    return text
