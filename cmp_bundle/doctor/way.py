"""The way from a browser to a call, in parts, and which part a finding is about."""

from __future__ import annotations

import enum


class Part(enum.Enum):
    """In the order of the way; the last three are about the server as a whole. A code begins with the
    letter of its part.
    """

    NAME = "N"
    TLS = "T"
    WEB_SERVER = "H"
    WEBSOCKET = "W"
    REGISTRATION = "R"
    SESSION = "S"
    MEDIA = "M"
    PICTURES = "V"
    OPERATION = "O"
    SECURITY = "X"
    VERSION = "K"

    @property
    def number(self) -> int:
        return list(Part).index(self)

    @property
    def is_on_the_way(self) -> bool:
        return self.number < Part.OPERATION.number

    @property
    def title(self) -> str:
        return _TITLES[self]


_TITLES = {
    Part.NAME: "name and network",
    Part.TLS: "certificate and TLS",
    Part.WEB_SERVER: "web server",
    Part.WEBSOCKET: "WebSocket",
    Part.REGISTRATION: "registration",
    Part.SESSION: "call",
    Part.MEDIA: "sound",
    Part.PICTURES: "pictures",
    Part.OPERATION: "operation",
    Part.SECURITY: "security",
    Part.VERSION: "version",
}

#: What a test met whose cause is not known: these are words, and each belongs to a part as well.
SYMPTOMS = {
    "name-unknown": Part.NAME,
    "port-silent": Part.NAME,
    "port-refused": Part.NAME,
    "tls-failed": Part.TLS,
    "page-failed": Part.WEB_SERVER,
    "websocket-closed": Part.WEBSOCKET,
    "line-failed": Part.WEBSOCKET,
    "registration-refused": Part.REGISTRATION,
    "registration-forbidden": Part.REGISTRATION,
    "registration-failed": Part.REGISTRATION,
    "call-incompatible": Part.SESSION,
    "call-refused": Part.SESSION,
    "call-unanswered": Part.SESSION,
    "call-slow": Part.SESSION,
    "call-ended": Part.SESSION,
    "session-timer": Part.SESSION,
}

#: Causes of another part that are met as one of these.
CAUSES_ELSEWHERE = {"websocket-closed": ("N107", "N110"), "line-failed": ("M103",)}
#: Causes that have words for a code, since other commands met them before.
_WORDS = {"line-lost": Part.NAME, "duplicate-object": Part.REGISTRATION}


#: What each file is about, and what follows where Asterisk reads nothing of it.
_FILES = {
    "http.conf": Part.TLS,
    "modules.conf": Part.WEBSOCKET,
    "sip.conf": Part.WEBSOCKET,
    "pjsip.conf": Part.REGISTRATION,
    "pjsip_wizard.conf": Part.REGISTRATION,
    "sorcery.conf": Part.REGISTRATION,
    "extconfig.conf": Part.REGISTRATION,
    "extensions.conf": Part.SESSION,
    "rtp.conf": Part.MEDIA,
    "confbridge.conf": Part.PICTURES,
}
CONSEQUENCES = {
    "http.conf": ("T101", "T108", "H101", "H104", "N108"),
    "pjsip.conf": ("R101", "R104", "R106", "S101", "O101"),
    "pjsip_wizard.conf": ("R101", "R104", "S101"),
    "extensions.conf": ("S107", "S110", "O101"),
    "rtp.conf": ("O101",),
}


def part_of(code: str, subject: str = "") -> Part:
    """Of a code of either kind; what belongs to no part is about operation. ``subject`` is the file of
    what is about one.
    """
    if code in ("conf-refused", "conf-cut"):
        return _FILES.get(subject, Part.OPERATION)
    if code in SYMPTOMS:
        return SYMPTOMS[code]
    if code in _WORDS:
        return _WORDS[code]
    letters = {part.value: part for part in Part}
    return letters.get(code[:1], Part.OPERATION) if code[1:].isdigit() else Part.OPERATION
