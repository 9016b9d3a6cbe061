"""Servers in values: what is written, what runs, and how far one gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.answers.core import Process, Version
from cmp_bundle.asterisk.answers.http import HttpStatus
from cmp_bundle.asterisk.conf_files import ConfFolder, Overlaid
from cmp_bundle.asterisk.http_conf import http_server
from cmp_bundle.asterisk.includes import OurHttp
from cmp_bundle.checks.live import HttpAnswer
from cmp_bundle.checks.reload import Look
from cmp_bundle.checks.websocket import Handshake
from cmp_bundle.doctor.evidence import Live, Machine, Page, PjsipObject, Written
from cmp_bundle.doctor.reach import Failed, Reached, Tls
from cmp_bundle.doctor.sockets import Connections, Program
from cmp_bundle.doctor.way import Part

GENERAL = "[general]\ntlsenable = yes\ntlsbindaddr = 0.0.0.0:8089\ntlscertfile = /pem\n"
PUBLIC = "https://pbx.example:8089"


def written(
    text: str = GENERAL,
    *,
    pair: Look | None = None,
    objects: dict[tuple[str, str], PjsipObject] | None = None,
    page: Page | None = None,
    plain: str | None = None,
    **more: Any,
) -> Written:
    """Of an http.conf."""
    files = Overlaid(ConfFolder(Path("/nonexistent")), {"/nonexistent/http.conf": text.encode()})
    configured: Any = SimpleNamespace(
        ours={},
        server=http_server(reader.read("http.conf", files)),
        our_http=OurHttp(plain=plain),
        pair=pair or Look(),
        path=lambda name: Path("/etc/asterisk", name),
        installation=SimpleNamespace(user=SimpleNamespace(value="asterisk"), root=Path("/srv/pbx")),
    )
    nothing: Any = None
    return Written(
        configured=configured,
        files={},
        objects=objects or {},
        endpoints=nothing,
        realtime=nothing,
        page=page,
        **more,
    )


_NEW = Version(22, 10, 1)


def live(version: Version | None = _NEW, http: HttpStatus | None = None) -> Live:
    return Live(
        version=version,
        version_text=f"Asterisk {version}",
        process=Process(),
        modules={},
        http=http or HttpStatus(),
        rtp=None,
        settings={},
        listed=(),
        options={},
        contexts={},
    )


def machine(**known: Any) -> Machine:
    """One that Asterisk listens on."""
    found = Machine("pbx", name_resolves=True, firewall=None)
    values = {"listeners": {8089: Program("asterisk", 12)}} | known
    return replace(found, **values)


def crowded(used: int, left: int = 0) -> Machine:
    return machine(connections={8089: Connections(open=used, left=left)})


def reached(
    base: str = PUBLIC,
    *addresses: str,
    chain: Sequence[bytes] = (b"its own",),
    socket: int | None = 101,
    page: HttpAnswer | None = None,
    distrust: tuple[str, int] = ("", 0),
    **more: Any,
) -> Reached:
    """All the way."""
    found = addresses or ("198.51.100.7",)
    answer = page or HttpAnswer(302, "/static/phone/index.html", b"", "Asterisk/22.10.1")
    handshake = Handshake(base, "/ws", socket, "sip" if socket == 101 else None)
    made = Reached(
        base,
        "/ws",
        "/cmp2k",
        addresses=found,
        connected=found[0],
        tls=Tls("TLSv1.3", "TLS_AES_256_GCM_SHA384", tuple(chain), *distrust)
        if base.startswith("https")
        else None,
        answer=answer,
        websocket=handshake,
        stopped=None if socket == 101 else Part.WEBSOCKET,
    )
    return replace(made, **more)


def lost(base: str = PUBLIC, *addresses: str, refused: bool = True) -> Reached:
    """To no port of any address."""
    failed = tuple(
        Failed(one, "Connection refused" if refused else "no answer within 10 s", refused)
        for one in addresses
    )
    trouble = f"port: {'; '.join(map(str, failed))}"
    return Reached(
        base, "/ws", "/cmp2k", addresses, failed=failed, stopped=Part.NAME, trouble=trouble
    )


def without_tls(base: str = PUBLIC, trouble: str = "EOF occurred") -> Reached:
    found = reached(base)
    return replace(found, tls=None, answer=None, websocket=None, stopped=Part.TLS, trouble=trouble)
