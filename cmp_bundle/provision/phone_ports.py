"""Which ports phones need, and which of them no firewall is opened for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp_bundle.asterisk.http_conf import TLS_PORT
from cmp_bundle.findings import finding
from cmp_bundle.places import Place
from cmp_bundle.provision.firewall import Ports
from cmp_bundle.provision.proxy import HTTPS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.asterisk.configuration import Variable
    from cmp_bundle.findings import Finding
    from cmp_bundle.provision.survey import Found

#: What Debian's packages set, and what is written where rtp.conf sets none.
RTP_PORTS = (10000, 20000)

#: What Asterisk takes where rtp.conf does not say, or the first is not before the last.
_RTP_DEFAULT = (5000, 31000)

#: What Asterisk takes lies between these: ``MINIMUM_RTP_PORT`` of res/res_rtp_asterisk.c.
_LOWEST, _HIGHEST = 1024, 65535


def phone_ports(found: Found, listener: str | None, *, proxied: bool = False) -> Ports:
    """What a firewall has to let in: HTTPS at ``listener``, a proxy's where it is ``proxied``, and what
    rtp.conf says, or will say.
    """
    first, last = (_line(found, name) for name in ("rtpstart", "rtpend"))
    if found.without_ours("rtp.conf").missing or first or last:
        udp = (
            _within(_number(first, _RTP_DEFAULT[0])),
            _within(_number(last, _RTP_DEFAULT[1])),
        )
        udp = udp if udp[0] < udp[1] else _RTP_DEFAULT
    else:
        udp = RTP_PORTS
    return Ports.needed(HTTPS if proxied else _port(listener), udp)


def not_to_be_opened(
    found: Found, listener: str | None, *, proxied: bool = False
) -> Iterator[Finding]:
    """What belongs to the system's own services. Asterisk's user may write the files that say which
    ports it listens on, and the firewall is root's.
    """
    first = _line(found, "rtpstart")
    if first and _number(first, _LOWEST) < _LOWEST:
        text = f"rtpstart is {first.value}, and no firewall is opened below {_LOWEST} for sound"
        hint = f"rtpstart={RTP_PORTS[0]} and rtpend={RTP_PORTS[1]}, or leave out --firewall"
        yield finding("firewall-ports", text, first.place, hint)
    port = _port(listener)
    if not proxied and port < _LOWEST and port != HTTPS:
        line = found.server.origins.get("tls_address")
        place = line.place if line else Place(str(found.path("http.conf")))
        text = f"HTTPS is on port {port}, and no firewall is opened for one below {_LOWEST} but {HTTPS}"
        hint = f"tlsbindaddr=0.0.0.0:{TLS_PORT}, or leave out --firewall"
        yield finding("firewall-ports", text, place, hint)


def _line(found: Found, name: str) -> Variable | None:
    return found.without_ours("rtp.conf").last("general", name)


def _number(line: Variable | None, default: int) -> int:
    """As atoi(3) reads it, which is what Asterisk does here."""
    if line is None:
        return default
    number = re.match(r"\s*([+-]?[0-9]{1,9})", line.value, re.ASCII)
    return int(number[1]) if number else 0


def _within(port: int) -> int:
    return min(max(port, _LOWEST), _HIGHEST)


def _port(listener: str | None) -> int:
    return int(listener.rpartition(":")[2]) if listener else TLS_PORT
