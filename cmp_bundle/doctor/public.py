"""What shows at the public address alone: the server's own answers are looked at on the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cmp_bundle.doctor.check import Check, Unknown
from cmp_bundle.doctor.evidence import Missing
from cmp_bundle.doctor.proxy import may_be_elsewhere
from cmp_bundle.doctor.reach import Reached
from cmp_bundle.doctor.way import Part
from cmp_bundle.findings import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.doctor.evidence import Written
    from cmp_bundle.findings import Finding

_NOT_FOUND: Final = 404
_FINE: Final = (200, 301, 302, 303, 307, 308)


def socket(
    outside: Reached, inside: Reached | Missing, written: Written | Missing
) -> Iterator[Finding]:
    """Where phones are not let in, although the server lets them in, or cannot be seen from here."""
    if outside.stopped not in (Part.WEB_SERVER, Part.WEBSOCKET):
        return
    if isinstance(inside, Reached) and inside.stopped is not None:
        return
    if may_be_elsewhere(outside, inside, written):
        return
    yield finding(
        "websocket-closed",
        f"{outside.base}{outside.path}, where phones connect to, {outside.trouble}",
        hint="see whether it is Asterisk that answers there; on its machine, cmp-bundle doctor tells more. If"
        " a proxy has the WebSocket at another path, say so: [server] path in cmp-bundle.toml",
        seen=outside.trouble,
    )


def page(
    outside: Reached, inside: Reached | Missing, written: Written | Missing
) -> Iterator[Finding | Unknown]:
    """What a browser is shown, where neither the server's files nor its own answer can be seen."""
    if isinstance(inside, Reached) or not isinstance(written, Missing):
        return
    if outside.stopped in (Part.NAME, Part.TLS):
        return
    where = f"{outside.base}{outside.page}"
    answer = outside.landing or outside.answer
    if answer is None:
        text, seen = f"{where} does not answer", outside.page_trouble
    elif _is_a_ring(outside):
        text, seen = f"{where} leads to itself again and again", f"HTTP {answer.status}"
    elif answer.status in _FINE:
        return
    else:
        text, seen = f"{where} answers {answer.status}", f"HTTP {answer.status}"
        if answer.status == _NOT_FOUND and not outside.page_named:
            yield Unknown(
                "H104", f"{text}: where people open the phone, --url https://HOST/PATH tells"
            )
            return
    yield finding(
        "page-failed",
        text,
        hint="on Asterisk's machine, cmp-bundle doctor tells more; cmp-bundle deploy puts the page there",
        seen=seen,
    )


def _is_a_ring(outside: Reached) -> bool:
    if outside.answer is None or outside.landing is None:
        return False
    return outside.landing.location is not None and (
        outside.landing.location == outside.answer.location
    )


CHECKS = (
    Check((), ("outside",), socket, also=("inside", "written")),
    Check((), ("outside",), page, also=("inside", "written")),
)
