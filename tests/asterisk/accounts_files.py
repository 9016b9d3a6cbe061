"""A pjsip.conf, a pjsip_wizard.conf and what they include, out of a seed."""

from __future__ import annotations

import hashlib
import random

INCLUDED = "agree/pjsip_more.conf"

_SIGNS = "abcXYZ019.!#$%&'()*+,-/:<=>?@[]^_`{|}~\\\" éß"


def files(seed: str, tag: str, *, digests: bool) -> tuple[dict[str, bytes], list[str], list[str]]:
    """The files by name; the ids in pjsip.conf, those in pjsip_wizard.conf, real or not.

    ``tag`` begins every id: Asterisk keeps what it has of a kind when it refuses a new file, so
    nothing of one case may be taken for something of another. ``digests`` as in accounts_rows.py.
    """
    return _Maker(seed, tag, digests=digests).files()


class _Maker:
    def __init__(self, seed: str, tag: str, *, digests: bool) -> None:
        self._random = random.Random(seed)
        self._tag = tag
        self._digests = digests
        self._newline = self._random.choice(("\n", "\n", "\r\n"))

    def files(self) -> tuple[dict[str, bytes], list[str], list[str]]:
        names = [f"{self._tag}{self._choice(('p', 'Q.', 'r-', 's_'))}{n}" for n in range(8)]
        main, more = self._phones(names[:5]), self._phones(names[5:])
        head = [
            self._choice(self._globals()),
            "[transport-wss]\ntype=transport\nprotocol=wss\nbind=127.0.0.1\n",
            f"[{self._tag}udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1\n",
            self._templates(),
        ]
        include = self._choice(
            (f"#include {INCLUDED}\n", f'#tryinclude "{INCLUDED}"\n', "#tryinclude nothing.conf\n")
        )
        text = "\n".join((*head, main, include, *self._rare(names)))
        wizards = [f"{self._tag}w{n}" for n in range(6)]
        held = {
            "pjsip.conf": text,
            INCLUDED: more,
            "pjsip_wizard.conf": self._wizards(wizards),
        }
        data = {
            name: each.replace("\n", self._newline).encode("utf-8", "surrogateescape")
            for name, each in held.items()
        }
        return data, names, wizards

    def _choice(self, choices: tuple[str, ...]) -> str:
        return self._random.choice(choices)

    def _often(self, chance: float) -> bool:
        return self._random.random() < chance

    def _globals(self) -> tuple[str, ...]:
        return (
            "[global]\ntype=global\nuser_agent=x\n",
            "[global]\ntype=global\ndefault_realm=pbx.example.com\n",
            "[global]\ntype=global\ndefault_realm=a b ; c\n",
            "; nothing\n",
        )

    def _templates(self) -> str:
        return (
            f"[{self._tag}web](!)\ntype=endpoint\nwebrtc=yes\ncontext=phones\ndisallow=all\n"
            f"allow=opus,ulaw,vp8\nmax_video_streams={self._choice(('4', '8'))}\n\n"
            f"[{self._tag}desk](!)\ntype=endpoint\ncontext=phones\nallow=ulaw\n\n"
            f"[{self._tag}named](!)\ncallerid={self._caller()}\n\n"
            f"[{self._tag}auth](!)\ntype=auth\nauth_type=userpass\npassword={self._password()}\n\n"
        )

    def _phones(self, names: list[str]) -> str:
        return "\n".join(self._phone(name) for name in names)

    def _phone(self, name: str) -> str:
        bases = [f"{self._tag}{self._choice(('web', 'web', 'web', 'desk'))}"]
        if self._often(0.3):
            bases.append(f"{self._tag}named")
        auth = name if self._often(0.6) else f"{name}-auth"
        lines = [f"{self._case('auth')}{self._equals()}{auth}", f"aors={name}"]
        lines += [line for line in self._lines(name) if self._often(0.15)]
        head = f"[{name}]({','.join(bases)})" if self._often(0.9) else f"[{name}]"
        if head.endswith("]"):
            lines = ["type=endpoint", "webrtc=yes", "context=phones", *lines]
        return "\n".join(
            (
                head,
                *lines,
                "",
                *self._auth(auth, name),
                f"[{name}]",
                "type=aor",
                "max_contacts=5",
                "",
            )
        )

    def _lines(self, name: str) -> list[str]:
        return (
            [
                f"callerid={self._caller()}",
                f"callerid = {name.title()} <{name}> ; a comment",
                f"webrtc={self._choice(('yes', 'no', 'on', '1', 'YES', 'true', 'false'))}",
                f"WebRTC = {self._choice(('yes', 'no'))}",
                f"transport={self._choice(('transport-wss', f'{self._tag}udp', 'not-there', ''))}",
                f"max_video_streams={self._choice(('0', '1', '4', '0x8', '010'))}",
                f"auth={name}-auth",
                f"auth = {name} , {name}-auth",
                ";-- a comment",
                "webrtc=no",
                "--;",
                "; auth=none",
                "type=auth",
            ]
            if self._often(0.9)
            else []
        )

    def _auth(self, auth: str, name: str) -> list[str]:
        user = self._choice((name, name, name, "someone else", "ü"))
        lines = [f"username{self._equals()}{user}"]
        kinds = ("plain", "plain", "plain", "base", "digest", "twice", "odd")
        # Added to is the first of that name, be it the endpoint.
        kind = self._choice(kinds if auth == name else (*kinds, "added"))
        if kind == "base":
            return [f"[{auth}]({self._tag}auth)", *lines, ""]
        lines = [f"{self._case('type')}=auth", *lines]
        if kind == "digest":
            lines += ["auth_type=md5", f"md5_cred={self._digest()}"]
            if self._often(0.3):
                lines.append("realm=pbx.example.com")
        elif kind == "added":
            return [f"[{auth}]", *lines, f"[{auth}](+)", f"password={self._password()}", ""]
        elif kind == "twice":
            lines += [f"password={self._password()}", f"Password => {self._password()}"]
        elif kind == "odd":
            lines += self._odd()
        else:
            lines.append(f"password{self._equals()}{self._password()}")
        return [f"[{auth}]", *lines, ""]

    def _odd(self) -> list[str]:
        choices = [
            ["password="],
            [],
            ["password=x", "realm=a b"],
            ["password=x ;-- y --; z"],
            ["password=x", "auth_type=strange"],
            ["password=x", "auth_type=UserPass"],
            ["password=\udce9\udcff"],
            ["password=before", "password += after"],
        ]
        if self._digests:
            choices += [
                [f"password_digest=MD5:{self._digest()}"],
                [f"md5_cred={self._digest()}", "password=x"],
                [f"md5_cred={self._digest()}0", "password=x"],
                ["password=x", "supported_algorithms_uas=SHA-256"],
                [f"password_digest=MD5:{self._digest()}", "supported_algorithms_uas=MD5,SHA-256"],
                ["password=x", "supported_algorithms_uas=MD5,nonsense"],
            ]
        return self._random.choice(choices)

    def _rare(self, names: list[str]) -> list[str]:
        """What makes Asterisk refuse more than one object, or the whole file."""
        name = names[0]
        choices = {
            0.05: f"[{name}]\ntype=endpoint\nwebrtc=yes\n",
            0.06: f"[{name}]\ntype=auth\nusername=x\npassword=y\n",
            0.04: f"[{name}](nowhere)\n",
            0.08: f"[{name}](+)\n",
        }
        return [text for chance, text in choices.items() if self._often(chance)]

    def _wizards(self, names: list[str]) -> str:
        blocks = [
            f"[{self._tag}base](!)\ntype=wizard\naccepts_registrations=yes\naccepts_auth=yes\n"
            "endpoint/webrtc=yes\nendpoint/context=phones\nendpoint/allow=opus,ulaw,vp8\n"
            "endpoint/max_video_streams=4\n"
        ]
        for name in names:
            lines = [
                f"inbound_auth/username={self._choice((name, name, 'other'))}",
                f"inbound_auth/password{self._equals()}{self._password()}",
                *(line for line in self._wizard_lines(name) if self._often(0.2)),
            ]
            blocks.append("\n".join((f"[{name}]({self._tag}base)", *lines, "")))
        if self._often(0.2):
            how = self._choice(("password=again", "password=again\ninbound_auth/auth_type=strange"))
            again = f"inbound_auth/username=again\ninbound_auth/{how}\n"
            blocks.append(f"[{names[0]}]({self._tag}base)\n{again}")
        return "\n".join(blocks)

    def _wizard_lines(self, name: str) -> list[str]:
        return [
            f"endpoint/callerid={self._caller()}",
            f"transport={self._choice(('transport-wss', ''))}",
            f"endpoint/transport={self._tag}udp",
            f"endpoint/webrtc={self._choice(('no', 'on', '1'))}",
            f"accepts_auth={self._choice(('no', 'yes', 'on'))}",
            f"endpoint/auth={name}-none",
            "Endpoint/webrtc=no",
            "inbound_auth/realm=pbx.example.com",
            "inbound_auth/username=",
            "inbound_auth/auth_type=md5\ninbound_auth/md5_cred=" + self._digest(),
            "type=wizard",
        ]

    def _caller(self) -> str:
        return self._choice(
            ('"Alice" <1>', "Alice <1>", "Alice", "246", "", '"Zoë" <1>', '"a \\" b" <2>', "x" * 90)
        )

    def _password(self) -> str:
        text = "".join(self._random.choice(_SIGNS) for _ in range(self._random.randint(1, 30)))
        # What stands between quotes or blanks, and what begins with the arrow, is not all kept.
        return text.replace(";", "\\;") + self._choice(("", "", " ", " ; comment", "\\;end"))

    def _equals(self) -> str:
        return self._choice(("=", " = ", " => ", "=>", "= "))

    def _case(self, name: str) -> str:
        return self._choice((name, name, name.title(), name.upper()))

    def _digest(self) -> str:
        return hashlib.md5(str(self._random.random()).encode()).hexdigest()
