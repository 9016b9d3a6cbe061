"""Asterisk's web server: whether it is on, has room, and serves the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from cmp_bundle.asterisk.answers.core import Version
from cmp_bundle.asterisk.configuration import same_name
from cmp_bundle.asterisk.reloads import HTTP
from cmp_bundle.doctor.check import Check, Unknown
from cmp_bundle.doctor.evidence import Live, Machine, Missing, Written
from cmp_bundle.doctor.reach import Reached
from cmp_bundle.doctor.sessions import in_use, is_full
from cmp_bundle.doctor.way import Part
from cmp_bundle.findings import finding
from cmp_bundle.places import Place
from cmp_bundle.server.lost_lines import lost_lines
from cmp_bundle.shell import word
from cmp_bundle.tls.readable import Why

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.asterisk.http_conf import Redirect
    from cmp_bundle.doctor.evidence import Log, Phone
    from cmp_bundle.findings import Finding

_OK, _FOUND, _NOT_FOUND = 200, 302, 404
_STATIC: Final = "/static/"

#: As of these, an unfinished handshake gives its place back (asterisk/asterisk#1559), and a WebSocket
#: that came to nothing (#2020). The last of each stands for all later ones.
_HANDSHAKES_END = (Version(20, 17), Version(22, 7), Version(23, 1))
_SOCKETS_END = (Version(20, 21), Version(22, 11), Version(23, 5))
#: Of sessionlimit, from where on the room is told of, and connections that were left and not closed.
_MUCH: Final = 0.8
_MANY_LEFT: Final = 10


def enabled(written: Written, outside: Reached | Missing) -> Iterator[Finding]:
    """The plain server where a proxy needs it. What browsers themselves need is HTTPS: T101."""
    configured, server = written.configured, written.configured.server
    proxied = configured.our_http.plain or (isinstance(outside, Reached) and outside.tls)
    if not proxied or server.address is not None or server.tls_address:
        return
    line = server.origins.get("enabled") or server.origins.get("address")
    yield finding(
        "H101",
        "Asterisk's web server is off"
        + ("" if not server.enabled else ": it has no address to listen on")
        + ", and a proxy in front has nobody to pass on to",
        line.place if line else Place(str(configured.path("http.conf"))),
        f"write enabled = yes and bindaddr = 127.0.0.1 into [general] of http.conf; then {HTTP}",
        seen=f"{line.name} = {line.value}" if line else "",
    )


def lines(written: Written) -> Iterator[Finding]:
    for one in written.configured.server.problems:
        yield finding(
            "H105",
            one.message,
            one.place,
            f"correct the line, or take it out; then {HTTP}",
        )


def prefix(written: Written, page: Redirect | None) -> Iterator[Finding]:
    """A redirect's destination is taken as it stands: with a prefix, files are behind it alone."""
    server = written.configured.server
    if page is None or not server.prefix:
        return
    path = urlsplit(page.destination)
    if not path.netloc and path.path.startswith(_STATIC):
        yield finding(
            "H103",
            f"the redirect {page.target} leads to {path.path}, and by prefix = {server.prefix[1:]} all"
            f" files are below {server.prefix}{_STATIC}",
            page.origin,
            "cmp-bundle deploy, which writes it anew; or take the prefix out of http.conf",
            seen=f"Prefix: {server.prefix}",
        )


def page(
    written: Written,
    inside: Reached | Missing,
    outside: Reached | Missing,
    live: Live | Missing,
) -> Iterator[Finding | Unknown]:
    """From the redirect to the file that it leads to."""
    reached = inside if isinstance(inside, Reached) else outside
    if isinstance(reached, Missing):
        yield from (Unknown(c, reached.reason, reached.broken) for c in ("H103", "H104", "H109"))
        return
    server = written.configured.server
    redirect = server.redirect(reached.page)
    if redirect is None:
        return
    wrong = [*prefix(written, redirect)]
    path = urlsplit(redirect.destination).path
    is_file = path.startswith(f"{server.prefix}{_STATIC}")
    loaded = isinstance(live, Missing) or _has(live, redirect)
    if not wrong and is_file and not server.static_enabled:
        wrong.append(_static_off(written, redirect))
    if not wrong and not loaded:
        wrong.append(_not_loaded(written, redirect, reached))
    if not wrong and is_file and written.page is not None:
        wrong += _file(written, redirect, path)
    if wrong:
        yield from wrong
    elif reached.stopped in (Part.NAME, Part.TLS):
        yield from (Unknown(c, reached.trouble, reached.stopped) for c in ("H103", "H104", "H109"))
    elif isinstance(inside, Reached):
        yield from _answers(inside, redirect)


def _has(live: Live, redirect: Redirect) -> bool:
    """Whether the running server knows it; an empty list may be that of one that tells of none."""
    return any(
        same_name(target, redirect.target) and destination == redirect.destination
        for target, destination in live.http.redirects
    )


def _static_off(written: Written, redirect: Redirect) -> Finding:
    line = written.configured.server.origins.get("static_enabled")
    return finding(
        "H104",
        f"Asterisk serves no files, so the page that {redirect.target} leads to is not found:"
        " enablestatic is not yes",
        line.place if line else redirect.origin,
        f"write enablestatic = yes into [general] of http.conf; then {HTTP}",
        seen=f"{line.name} = {line.value}" if line else "enablestatic is in no line",
    )


def _not_loaded(written: Written, redirect: Redirect, reached: Reached) -> Finding:
    status = (
        f"{reached.base}{reached.page} answers {reached.answer.status}" if reached.answer else ""
    )
    file = written.configured.path("http.conf")
    return finding(
        "H104",
        f"http.conf has the redirect {redirect.target} to {redirect.destination}, and the running Asterisk"
        " has not read it",
        redirect.origin,
        f"have it read again: touch {file}; {HTTP}",
        seen=status,
    )


def _file(written: Written, redirect: Redirect, path: str) -> Iterator[Finding]:
    """The page's file as Asterisk's user finds it."""
    found = written.page
    if found is None or found.unread is None:
        return
    user = written.configured.installation.user.value
    if found.unread.why is Why.CLOSED:
        folder = found.unread.reason == "a folder"
        yield finding(
            "H109",
            f"Asterisk runs as {user}, who may not {'enter this folder' if folder else 'read this file'}:"
            f" the page that {redirect.target} leads to",
            Place(str(found.unread.path)),
            f"chmod o+r{'x' if folder else ''} {word(found.unread.path)}",
            seen=f"{found.file}: Permission denied",
        )
    elif found.unread.why is Why.MISSING:
        yield finding(
            "H104",
            f"{redirect.target} leads to {path}, and there is no such file: {found.file}",
            redirect.origin,
            _put(redirect, written),
            seen=f"{found.file}: No such file or directory",
        )


def _put(redirect: Redirect, written: Written) -> str:
    """What puts the page there. A deploy leaves a line alone that somebody else wrote."""
    if redirect.origin.file == written.configured.inside("http.conf"):
        return "put it there: cmp-bundle build; then cmp-bundle deploy"
    return (
        "take that line out; then cmp-bundle build; then cmp-bundle deploy; or put the file there"
    )


def _answers(inside: Reached, redirect: Redirect) -> Iterator[Finding]:
    """What a browser gets, where nothing else is known against it."""
    answer = inside.landing or inside.answer
    if answer is None:
        yield finding(
            "page-failed",
            f"{inside.base}{inside.page} does not answer",
            redirect.origin,
            seen=inside.page_trouble,
        )
    elif answer.status not in (_OK, _FOUND):
        yield finding(
            "page-failed",
            f"{inside.base}{inside.page} leads to {redirect.destination}, which answers {answer.status}",
            redirect.origin,
            seen=f"HTTP {answer.status}",
        )


def room(
    written: Written,
    machine: Machine | Missing,
    live: Live | Missing,
    phones: tuple[Phone, ...] | Missing,
) -> Iterator[Finding | Unknown]:
    """``sessionlimit`` counts every page that is loaded and every phone that is open."""
    server = written.configured.server
    limit, used = server.session_limit, in_use(server, machine)
    line = server.origins.get("session_limit")
    number = len(phones) if not isinstance(phones, Missing) else 0
    place = line.place if line else Place(str(written.configured.path("http.conf")))
    hint = (
        f"write sessionlimit = {max(2 * limit, 2 * number + 50)} into [general] of http.conf, then {HTTP};"
        " cmp-bundle provision does it"
    )
    much = used is not None and used >= _MUCH * limit
    if is_full(server, machine):
        words = f"Asterisk turns everybody away: all of its {limit} connections are taken"
    elif much:
        words = f"{used} of the {limit} connections that Asterisk takes at once are taken"
    else:
        words = f"Asterisk takes {limit} connections at once, and {number} phones may come, each with one"
    if much or number > limit:
        taken = "" if used is None else f", {used} connections are open"
        yield finding("H106", words, place, hint, seen=f"sessionlimit is {limit}{taken}")
    if isinstance(machine, Missing) or isinstance(live, Missing) or used is None:
        reason = "the connections at its port cannot be seen from here"
        yield from (Unknown(code, reason) for code in ("H107", "H108"))
        return
    yield from _lost(written, machine, live, used)


def _lost(written: Written, machine: Machine, live: Live, used: int) -> Iterator[Finding]:
    server = written.configured.server
    here = [machine.connections[p] for p in machine.listeners if p in machine.connections]
    left = sum(one.left for one in here)
    phones = sum(one.contacts for one in live.listed)
    if left >= _MANY_LEFT and _before(live.version, _SOCKETS_END):
        yield finding(
            "H108",
            f"{left} connections were left by the other side, and Asterisk has not closed them: each keeps"
            f" one of its {server.session_limit} places",
            hint="asterisk -rx 'core restart gracefully' frees them; 20.21, 22.11 and 23.5 mend it",
            seen=f"{left} sockets in CLOSE-WAIT",
        )
    elif (
        used >= _MUCH * server.session_limit
        and used - left > 2 * phones + 10
        and _before(live.version, _HANDSHAKES_END)
    ):
        yield finding(
            "H107",
            f"{used} connections are open and only {phones} phones are registered: in this version, one"
            " that never ends its TLS handshake keeps its place",
            hint="see whose they are: ss -tn 'sport = :8089'; shut them out in the firewall. 20.17, 22.7"
            " and 23.1 mend it",
            seen=f"{used} connections, sessionlimit is {server.session_limit}",
        )


def _before(version: Version | None, mended: tuple[Version, ...]) -> bool:
    """By the number; a distribution may carry what mends it under an old one."""
    if version is None:
        return False
    same = [one for one in mended if one.major == version.major]
    return version < same[0] if same else version < mended[-1]


def plain(outside: Reached | Missing, inside: Reached | Missing) -> Iterator[Finding]:
    """A page over http: no browser gives it a microphone, but on the machine itself."""
    if (
        isinstance(outside, Reached)
        and outside.base.startswith("http:")
        and not _is_here(outside.host)
    ):
        yield finding(
            "H110",
            f"{outside.base} is plain HTTP, and there no browser gives a page a microphone",
            hint="let people open it by https, at port 8089; [site] url says which address links have",
        )
    for one in (outside, inside):
        location = one.answer.location if isinstance(one, Reached) and one.answer else None
        target = urlsplit(location or "")
        if (
            isinstance(one, Reached)
            and target.scheme == "http"
            and not _is_here(target.hostname or "")
        ):
            yield finding(
                "H110",
                f"{one.base}{one.page} leads to plain HTTP, {location}, and there no browser gives a page a"
                " microphone",
                hint="let the redirect of http.conf lead to a path alone (/static/…), or to https://",
                seen=f"Location: {location}",
            )
            return


def _is_here(name: str) -> bool:
    return name in ("localhost", "::1") or name.startswith("127.") or name.endswith(".localhost")


def caching(written: Written, inside: Reached | Missing) -> Iterator[Unknown]:
    """Pages of ours have their content in the names of their files, and a new address each."""
    reached = inside.page if isinstance(inside, Reached) else ""
    redirect = written.configured.server.redirect(reached) if reached else None
    if redirect is not None and "?v=" not in redirect.destination:
        yield Unknown(
            "H111",
            f"{redirect.target} leads to {redirect.destination}, whose address stays when it changes; which"
            " page a browser has kept shows there: load it anew (Ctrl+F5)",
        )


def no_upgrade(log: Log) -> Iterator[Finding]:
    """Requests to /ws of somebody who wants no WebSocket: each is a line of the log, and nothing else."""
    line = log.last("did not request WebSocket")
    if line:
        yield finding(
            "H114",
            "somebody asks for the WebSocket's address as for a page, such as a monitor, and each time Asterisk"
            " warns in its log",
            hint="let the monitor look at the page; or ask for an upgrade with the sub-protocol sip",
            seen=f"{log.path}: {line}",
        )


CHECKS = (
    Check(("H101",), ("written",), enabled, also=("outside",)),
    # No faults, but odd answers of a server that is well.
    Check(("H102", "H112"), ("live",), lambda _live: ()),
    Check(("H114",), ("log",), no_upgrade),
    Check(("H103", "H104", "H109"), ("written",), page, also=("inside", "outside", "live")),
    Check(("H105",), ("written",), lines),
    Check((), ("written",), lambda written: lost_lines(written.configured)),
    Check(("H106", "H107", "H108"), ("written",), room, also=("machine", "live", "phones")),
    Check(("H110",), (), plain, also=("outside", "inside")),
    Check(("H111",), ("written",), caching, also=("inside",)),
    Check(
        ("H113",),
        ("live",),
        lambda _live: [
            Unknown(
                "H113",
                "whether Asterisk ended in a reload shows in what started it again: journalctl -u asterisk",
            )
        ],
    ),
)
