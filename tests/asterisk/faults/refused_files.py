"""Files of which Asterisk reads nothing, whatever they are about."""

from __future__ import annotations

from collections.abc import Callable

from .fault import Fault, Server

_MISSING = "#include phones.d/*.conf"


def _includes(
    name: str, line: str = _MISSING, *, restart: bool = False
) -> Callable[[Server], None]:
    def make(server: Server) -> None:
        server.append(name, line)
        if restart:
            server.restart()

    return make


def _of(name: str) -> tuple[str, ...]:
    return (f"reads nothing of {name}", "phones.d/*.conf, which is not there")


FAULTS = [
    Fault(
        "conf-refused",
        _includes("pjsip.conf", "#include phones.conf"),
        ("reads nothing of pjsip.conf", "phones.conf, which is not there", "listed as a #include"),
        versions=("22", "16"),
        name="pjsip",
    ),
    Fault(
        "conf-refused",
        _includes("pjsip.conf", restart=True),
        _of("pjsip.conf"),
        name="pjsip-restart",
    ),
    *(
        Fault("conf-refused", _includes(f"{name}.conf"), _of(f"{name}.conf"), name=name)
        for name in ("http", "extensions", "rtp")
    ),
    Fault(
        "conf-refused", _includes("http.conf", restart=True), _of("http.conf"), name="http-restart"
    ),
    Fault(
        "conf-refused",
        _includes("extensions.conf", restart=True),
        _of("extensions.conf"),
        name="extensions-restart",
    ),
]
