"""What Asterisk listens with: HTTPS and plain HTTP, the WebSocket's sub-protocol, the ports for media."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cmp_bundle.asterisk import includes
from cmp_bundle.asterisk.http_conf import http_server
from cmp_bundle.asterisk.includes import Https
from cmp_bundle.provision import certificate
from cmp_bundle.provision.phone_ports import RTP_PORTS
from cmp_bundle.provision.survey import CERTIFICATE
from cmp_bundle.server import lines
from cmp_bundle.server.refusals import before_reload

if TYPE_CHECKING:
    from cmp_bundle.asterisk.includes import OurHttp
    from cmp_bundle.changes.plan import Steps
    from cmp_bundle.provision.survey import Found
    from cmp_bundle.provision.wanted import Wanted

#: Where rtp.conf says at which other address one of its own is reached.
_CANDIDATES = "ice_host_candidates"

#: Where a proxy on the same machine asks Asterisk.
FOR_A_PROXY = "127.0.0.1:8088"

#: Connections beside those of the phones: pages that are opened, and phones that come back before
#: the server has noticed that they were gone.
_MORE_SESSIONS = 50


def rtp(steps: Steps, wanted: Wanted, found: Found) -> None:
    """A range of ports where none is set, and the public address where one leads here."""
    theirs = found.without_ours("rtp.conf")
    ranged = any(theirs.last("general", name) for name in ("rtpstart", "rtpend"))
    own = wanted.candidates
    mapped = own is None or theirs.last(_CANDIDATES, own[0]) is not None
    if theirs.missing or (ranged and mapped):
        lines.exclude(steps, found, "rtp.conf")
        return
    data = includes.render(
        "rtp.conf",
        ports=None if ranged else RTP_PORTS,
        general_exists=theirs.category("general") is not None,
        candidates=None if mapped else own,
        candidates_exist=theirs.category(_CANDIDATES) is not None,
    )
    lines.include(steps, found, "rtp.conf", data)


def websocket(steps: Steps, found: Found) -> None:
    """Where chan_sip has the WebSocket's sub-protocol sip, PJSIP gets it. Asterisk is restarted for
    that, and then reads everything anew.

    PJSIP's module was refused when Asterisk started. Loaded later it lets phones in, and yet none
    can be rung: the name of its transport is then taken, by what it left behind (seen on 16).
    """
    name, section = "modules.conf", "modules"
    if found.abilities.chan_sip_users:
        name, section = "sip.conf", "general"
    if found.abilities.taken_by_chan_sip or name in found.ours:
        data = includes.render(name, section_exists=found.has_category(name, section))
        lines.include(steps, found, name, data)
    if found.abilities.taken_by_chan_sip:
        lines.restart(steps)


def https(steps: Steps, wanted: Wanted, found: Found) -> tuple[str | None, OurHttp]:
    """The certificate, the listener, and as many connections as there are phones.

    Returns the ``address:port`` of HTTPS, None where it is off, and what our http.conf then says.
    """
    ours = found.our_http
    listener, renewed = wanted.listener, False
    if listener is not None:
        path = found.inside(CERTIFICATE)
        ours = replace(ours, https=Https(path, path, listener.address))
        if listener.pem is not None:
            renewed = certificate.put(steps, found, listener.pem)
    if wanted.proxied and found.server.address is None:
        ours = replace(ours, plain=FOR_A_PROXY)
    needed = 2 * len(wanted.everyone) + _MORE_SESSIONS
    if found.server.session_limit < needed:
        ours = replace(ours, session_limit=needed)
    ours = replace(ours, no_status=_no_status(ours, found))
    lines.write_http(steps, found, ours)
    if renewed:
        certificate.read_again(steps, found)
    if lines.HTTP in steps.reloads and listener is None:
        before_reload(found)
    if listener is not None:
        return listener.address, ours
    return str(found.server.tls_address) if found.server.tls_address else None, ours


def _no_status(ours: OurHttp, found: Found) -> bool:
    """Whether our http.conf turns the page /httpstatus off: where HTTPS is alone, one request for that page
    ends some versions of Asterisk (ASTERISK-30379), and later ones have it off by themselves.

    So it is off beside each HTTPS of ours, and beside somebody else's where the version may be one of
    those. What somebody else says about the page stays, unless it may end Asterisk.
    """
    secure = ours.https is not None or found.server.tls_address is not None
    if not secure or ours.plain is not None or found.server.address is not None:
        return False
    theirs = http_server(found.without_ours("http.conf")).status_enabled
    if theirs is not None:
        return theirs and found.abilities.ends_by_status
    return ours.https is not None or ours.no_status or found.abilities.ends_by_status
