"""Whether the server as a whole runs as its files say, and with what it needs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cmp_bundle.asterisk.configuration import folded
from cmp_bundle.asterisk.reloads import DIALPLAN, LOGGER, RESTART, RTP
from cmp_bundle.asterisk.values import integer, listening_address
from cmp_bundle.doctor.check import Check, Unknown
from cmp_bundle.doctor.evidence import Missing
from cmp_bundle.doctor.loaded_dialplan import not_loaded
from cmp_bundle.doctor.service import hidden
from cmp_bundle.findings import finding
from cmp_bundle.sizes import count, some

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cmp_bundle.asterisk.configuration import Variable
    from cmp_bundle.doctor.evidence import Live, Log, Machine, Phone, PjsipObject, Written
    from cmp_bundle.findings import Finding


#: Open files that Asterisk needs without any phone, and one phone in a call with pictures at the most.
_ALONE: Final = 100
_FOR_A_PHONE: Final = 10

#: Modules without which no browser phone works, whatever else does.
_NEEDED: Final = (
    "chan_pjsip", "res_http_websocket", "res_pjsip", "res_pjsip_authenticator_digest",
    "res_pjsip_endpoint_identifier_user", "res_pjsip_registrar", "res_pjsip_sdp_rtp",
    "res_pjsip_session", "res_pjsip_transport_websocket", "res_rtp_asterisk", "res_srtp",
)  # fmt: skip

#: Transports that are asked for, see ``live``.
_MOST_TRANSPORTS: Final = 20

_SIP: Final = 5060
_SIPS: Final = 5061
_RTP: Final = {"rtpstart": (5000, "first"), "rtpend": (31000, "last")}


def changed(
    written: Written, live: Live, phones: tuple[Phone, ...] | Missing, log: Log | Missing
) -> Iterator[Finding]:
    """What stands in a file and is not in force. Objects of phones are the registration's, http.conf is
    the web server's.
    """
    yield from _transports(written, live, log)
    yield from _ports(written, live)
    yield from _left_out(written, live)
    yield from _dialplan(written, live, () if isinstance(phones, Missing) else phones)


def _transports(written: Written, live: Live, log: Log | Missing) -> Iterator[Finding]:
    if not live.runs("res_pjsip"):
        return
    for (kind, name), one in written.objects.items():
        if kind != "transport":
            continue
        loaded = live.transports.get(name)
        if loaded is None and len(live.transports) < _MOST_TRANSPORTS:
            said = "" if isinstance(log, Missing) else _against(name, log)
            yield finding(
                "O101",
                f"the transport {name} stands in the file, but Asterisk does not have it",
                one.place,
                f"see what it has against it when it starts: {RESTART}, and its log",
                name,
                seen=said or f"pjsip show transports: no {name}",
            )
        elif loaded:
            yield from _otherwise(name, one, loaded)


def _against(name: str, log: Log) -> str:
    """The reason, where it was told; else that there is one."""
    told = re.escape(name)
    return log.last(rf"Transport: {told}: ") or log.last(rf"'{told}'")


def _otherwise(name: str, one: PjsipObject, loaded: Mapping[str, str]) -> Iterator[Finding]:
    for option in ("protocol", "bind", "external_media_address", "external_signaling_address"):
        said, has = one.options.get(option), loaded.get(option)
        if said is None or has is None or _same(option, said, has):
            continue
        yield finding(
            "O101",
            f"the transport {name} has {option}={said} in the file, but runs with"
            f" {has or 'none'}: a reload does not change it",
            one.places.get(option, one.place),
            f"start Asterisk anew: {RESTART}",
            name,
            seen=f"pjsip show transport {name}: {option}: {has}",
        )
        return


def _same(option: str, said: str, has: str) -> bool:
    if option == "bind":
        ours, theirs = (listening_address(text) for text in (said, has))
        if ours is None or theirs is None:
            return True  # what it makes of a name is not known here
        # Without a port it takes SIP's own, which is another one over TLS.
        usual = (_SIP, _SIPS) if not ours.port or not theirs.port else ()
        return ours.host == theirs.host and (
            ours.port == theirs.port or (ours.port or theirs.port) in usual
        )
    if option == "protocol":
        return said.lower() == has.lower()
    # A name is looked up when it is loaded.
    return said == has or not re.fullmatch(r"[\d.]+", said)


def _ports(written: Written, live: Live) -> Iterator[Finding]:
    """The ports for media. An odd first one and an even last one are one port off in what it tells."""
    if live.rtp is None or not written.files["rtp.conf"].categories:
        return
    for option, (usual, attribute) in _RTP.items():
        variable = written.files["rtp.conf"].last("general", option)
        said = integer(variable.value, 1, 65535) if variable else usual
        has = getattr(live.rtp, attribute)
        if variable is None or said is None or abs(said - has) <= 1:
            continue
        yield finding(
            "O101",
            f"rtp.conf has {option}={said}, but Asterisk has not read it and uses {has}",
            variable.place,
            RTP,
            seen=f"rtp show settings: Port start: {live.rtp.first}, Port end: {live.rtp.last}",
        )
        return


def _left_out(written: Written, live: Live) -> Iterator[Finding]:
    """Modules that run now, and will not after the next start."""
    for name, line in _noloads(written).items():
        if name in _NEEDED and live.runs(name):
            yield finding(
                "O101",
                f"modules.conf leaves {name}.so out, which runs by now: after the next start of Asterisk"
                " no phone will work",
                line.place,
                "take the line out",
                seen=f"module show: {name}.so Running",
            )


def _dialplan(written: Written, live: Live, phones: tuple[Phone, ...]) -> Iterator[Finding]:
    own = {phone.option("context", "default") for phone in phones}
    for context, shown in live.contexts.items():
        found = not_loaded(written.files["extensions.conf"], context, shown)
        if found is None or (shown is None and context not in own):
            continue
        yield finding(
            "O101",
            f"{found.what} of the context {context} in extensions.conf is not what Asterisk has",
            found.place,
            DIALPLAN,
            context,
            seen=f"dialplan show {context}: {found.seen}",
        )


def _noloads(written: Written) -> dict[str, Variable]:
    """By the module's name without .so, in small letters."""
    lines = written.files["modules.conf"].browse("modules")
    return {
        folded(line.value.strip()).removesuffix(".so"): line
        for line in lines
        if folded(line.name) == "noload"
    }


def refused(machine: Machine) -> Iterator[Finding | Unknown]:
    if machine.refused is None:
        yield Unknown("O102", "SELinux is at work, and ausearch cannot be asked: be root")
    elif machine.refused:
        line = machine.refused[-1]
        yield finding(
            "O102",
            "SELinux keeps Asterisk from what it asked for just now",
            hint="give the files their labels: restorecon -Rv, on the folder of the file; see all:"
            " ausearch -m avc -c asterisk -ts recent",
            seen=line,
        )


def shut_off(machine: Machine, written: Written) -> Iterator[Finding]:
    """What Asterisk needs, and its service cannot see."""
    server = written.configured.server
    static = f"{written.configured.installation.data.value}/static-http"
    needed = {
        "the certificate of HTTPS": server.certificate if server.tls_address else "",
        "the key of HTTPS": server.key if server.tls_address else "",
        "the folder of its pages": static if server.static_enabled else "",
    }
    for what, path in needed.items():
        by = hidden(machine.service, path or "")
        if by:
            yield finding(
                "O103",
                f"the service of systemd hides {path} from Asterisk, which is {what}",
                hint=f"put it elsewhere, below /etc/asterisk for one; or change {by.partition('=')[0]}:"
                " systemctl edit asterisk, then systemctl restart asterisk",
                seen=f"systemctl show asterisk: {by}",
            )
            return


def handles(live: Live, phones: tuple[Phone, ...]) -> Iterator[Finding | Unknown]:
    files, needed = live.process.files, _ALONE + _FOR_A_PHONE * len(phones)
    if files is None:
        yield Unknown("O104", "Asterisk does not tell how many files it may open")
    elif files < needed:
        yield finding(
            "O104",
            f"Asterisk may have {files} files open, which is too few for calls of"
            f" {count(len(phones), 'phone')} at once: they need about {needed}",
            hint=f"write maxfiles = {max(20000, 2 * needed)} into [options] of asterisk.conf, and start it"
            f" anew: {RESTART}",
            seen=f"core show settings: Maximum open file handles: {files}",
        )


def no_log(live: Live) -> Iterator[Finding]:
    kept = [one for one in live.log_channels if one.kind in ("File", "Syslog") and one.enabled]
    if not any({"WARNING", "ERROR"} <= one.levels for one in kept):
        names = [f"{one.name} ({', '.join(sorted(one.levels))})" for one in kept]
        yield finding(
            "O105",
            "no log file of Asterisk's takes both its warnings and its errors"
            if names
            else "Asterisk writes no log file: what it has against something shows on its console alone",
            hint="write messages.log => notice,warning,error into [logfiles] of logger.conf; then"
            f" {LOGGER}",
            seen=f"logger show channels: {some(names) or 'no file'}",
        )


def modules(live: Live, written: Written) -> Iterator[Finding]:
    """Left out are those whose absence is not found elsewhere, as what they do."""
    out = _noloads(written)
    missing = [name for name in _NEEDED if not live.runs(name) and name in out]
    # Where chan_sip has the phones, that is meant so; W103 tells of it.
    if missing and not live.runs("chan_sip"):
        first = out[missing[0]]
        yield finding(
            "O106",
            f"modules.conf leaves out what browser phones need: {some(missing)}",
            first.place,
            f"take the noload {'line' if len(missing) == 1 else 'lines'} out, and start Asterisk anew:"
            f" {RESTART}",
            seen=f"module show like {missing[0]}: Not Running",
        )
    if live.runs("chan_sip") and live.runs("res_pjsip") and (taken := _same_port(written, live)):
        yield finding(
            "O106",
            f"chan_sip has the port of PJSIP's transport {taken.id}, which was not loaded for that",
            taken.place,
            f"give one of them another port: bind of [{taken.id}], or udpbindaddr of sip.conf; or, if no phone"
            " needs chan_sip, write noload = chan_sip.so into [modules] of modules.conf. Then start Asterisk"
            f" anew: {RESTART}",
            seen="module show like chan_sip: Running",
        )


def _same_port(written: Written, live: Live) -> PjsipObject | None:
    """A transport of PJSIP that is not there and would have the port of sip.conf."""
    bind = written.files["sip.conf"].last("general", "udpbindaddr") or written.files[
        "sip.conf"
    ].last("general", "bindaddr")
    sip = listening_address(bind.value if bind else "0.0.0.0")  # noqa: S104 - its default
    for (kind, name), one in written.objects.items():
        if kind == "transport" and name not in live.transports:
            ours = listening_address(one.options.get("bind", ""))
            udp = one.options.get("protocol", "udp").lower() == "udp"
            if udp and ours and sip and (ours.port or _SIP) == (sip.port or _SIP):
                return one
    return None


CHECKS = (
    Check(("O101",), ("written", "live"), changed, also=("phones", "log")),
    Check(("O102",), ("machine",), refused),
    Check(("O103",), ("machine", "written"), shut_off),
    Check(("O104",), ("live", "phones"), handles),
    Check(("O105",), ("live",), no_log),
    Check(("O106",), ("live", "written"), modules),
    # No fault, but what whoever writes scripts has to know.
    Check(("O107",), ("live",), lambda _live: ()),
)
