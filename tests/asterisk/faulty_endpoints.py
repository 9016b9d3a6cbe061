"""Endpoints that are wrong in one way each, all in one pjsip.conf, and what is to be said of each."""

from __future__ import annotations

from dataclasses import dataclass

from tests.testbed import config

PASSWORD = "wonder1and"

_AUTH = "type=auth\nauth_type=userpass\nusername={name}\npassword={password}\n"
_DIGEST = _AUTH.replace("userpass", "digest") + "supported_algorithms_uas="


@dataclass(frozen=True)
class Faulty:
    """``endpoint`` is what it has beside ``auth`` and ``aors``; empty ones are left out.

    ``codes`` are the findings, ``works`` is whether it registers and whether it calls.
    ``since`` is the first version of Asterisk that can be so.
    """

    name: str
    codes: tuple[str, ...]
    works: tuple[bool, bool]
    endpoint: str = ""
    template: str = "webrtc"
    auth: str = _AUTH
    aor: str = "type=aor\nmax_contacts=5\n"
    password: str = PASSWORD
    since: int = 16

    def sections(self) -> str:
        auth = self.auth.format(name=self.name, password=PASSWORD)
        parts = [f"[{self.name}]({self.template})\n"]
        if "auth=" not in self.endpoint and auth:
            parts.append(f"auth={self.name}\n")
        if "aors=" not in self.endpoint and self.aor:
            parts.append(f"aors={self.name}\n")
        parts.append(f"{self.endpoint}\n")
        parts += [f"[{self.name}]\n{text}\n" for text in (auth, self.aor) if text]
        return "".join(parts)


NOT_IN = (False, False)
NO_CALL = (True, False)
CALLS_ONLY = (False, True)
WORKS = (True, True)

FAULTY = [
    Faulty("good", (), WORKS),
    Faulty("book", (), WORKS, "context=book"),
    Faulty("single", (), WORKS, aor="type=aor\nmax_contacts=1\nremove_existing=yes\n"),
    Faulty("static", (), WORKS, aor="type=aor\nmax_contacts=1\ncontact=sip:desk@127.0.0.1:9\n"),
    Faulty("messages", (), WORKS, aor="type=aor\nmax_contacts=1\nmailboxes=1@x\nqualify_frequency=1\n"),
    Faulty("elsewhere", (), WORKS, auth=_AUTH + "realm=elsewhere\n"),
    Faulty("wrong", ("registration-refused",), NOT_IN, password="gr1ffin"),
    Faulty("othername", ("registration-refused",), NOT_IN, auth=_AUTH.replace("={name}", "=other")),
    Faulty("typo", ("registration-refused",), NOT_IN, "aor=typo"),
    Faulty("nocert", ("registration-refused",), NOT_IN, "dtls_cert_file=/missing.crt"),
    Faulty("denied", ("registration-refused",), NOT_IN, "deny=0.0.0.0/0"),
    Faulty("ghost", ("R108",), NOT_IN, "auth=nothing", auth=""),
    Faulty("open", ("R109",), WORKS, auth=""),
    Faulty("nomax", ("registration-forbidden",), CALLS_ONLY, aor="type=aor\n"),
    Faulty("noaors", ("registration-forbidden",), CALLS_ONLY, aor=""),
    Faulty("noaor", ("R111",), CALLS_ONLY, "aors=noaor", aor=""),
    Faulty("otheraor", ("R111",), CALLS_ONLY, "aors=good"),
    Faulty("nowebrtc", ("call-incompatible",), NO_CALL, template="plain"),
    Faulty("nocodec", ("call-incompatible",), NO_CALL, "disallow=all\nallow=g729"),
    Faulty("notransport", ("S105",), NO_CALL, "transport=transport-nope"),
    Faulty("nocontext", ("S107",), NO_CALL, "context=nosuch"),
    Faulty("noextension", ("S107",), NO_CALL, "context=empty"),
    Faulty("ended", ("call-ended",), WORKS, "context=ended"),
    Faulty("busy", ("call-refused",), NO_CALL, "context=busy"),
    Faulty("reliable", ("call-refused",), NO_CALL, "100rel=required"),
    Faulty("rings", ("call-unanswered",), NO_CALL, "context=rings"),
    Faulty("timers", ("session-timer",), NO_CALL, "timers_min_se=200\ntimers_sess_expires=400", since=22),
    Faulty("sha", ("R114",), NOT_IN, auth=_DIGEST + "SHA-256\n", since=22),
    Faulty("shafirst", (), WORKS, auth=_DIGEST + "SHA-256,MD5\n", since=22),
    Faulty("md5first", ("R114",), NOT_IN, auth=_DIGEST + "MD5,SHA-256\n", since=22),
]  # fmt: skip

EXTENSIONS = """
[book]
exten => 246,1,Answer()
 same => n,StreamEcho(4)

[ended]
exten => 246,1,Answer()
 same => n,NoSuchApplication()

[busy]
exten => 246,1,Busy(5)

[rings]
exten => 246,1,Ringing()
 same => n,Wait(120)

[empty]
exten => 1,1,Answer()
"""


def pjsip_conf(version: int) -> str:
    plain = "[plain](!)\ntype=endpoint\ncontext=phones\ndisallow=all\nallow=opus,ulaw,vp8\n\n"
    there = (one.sections() for one in FAULTY if one.since <= version)
    return config.pjsip_conf({}) + plain + "".join(there)
