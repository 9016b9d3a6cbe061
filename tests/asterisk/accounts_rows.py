"""Rows of realtime tables out of a seed: thousands of plain accounts, and every oddity."""

from __future__ import annotations

import hashlib
import random
import string
from typing import Any

Rows = dict[str, list[dict[str, Any]]]

_PLAIN = string.ascii_letters + string.digits
#: What a person may put into a password: all that is printable, and some that is not ASCII.
_ODD = _PLAIN + "!\"#$%&'()*+,-./:<=>?@[\\]_`{|}~ éüß€Я漢"
#: What the drivers for ODBC and PostgreSQL take apart.
_TAKEN_APART = ("a;b", "a^3Bb", ";x", "x;", " ; ", "^", "^3", "^3b", "^2B^5Ez", "a; b ", "^C3^A9")

_NAMES = (
    '"Alice" <{id}>',
    "Alice <{id}>",
    "Alice",
    "{id}",
    "<{id}>",
    '"Zoë ✆" <1>',
    "",
    " ",
    '"',
    '"a\\"b" <2>',
    '"Comma, Name" <3>',
    "246",
    "555-0100",
    '"555" <555>',
    "(555) 0100",
    "  spaces   <4>",
    "x" * 40,
    "ü" * 40,
)


def rows(seed: str, count: int, *, digests: bool) -> Rows:
    """``count`` endpoints, their auths and aors.

    ``digests`` is whether this Asterisk knows ``password_digest`` and its kin. Asterisk 16 does
    not, and takes a digest for auth_type=md5 alone, which then needs one; the import warns there.
    """
    return _Maker(seed, digests=digests).rows(count)


class _Maker:
    def __init__(self, seed: str, *, digests: bool) -> None:
        self._random = random.Random(seed)
        self._digests = digests
        self._none = "" if digests else "0" * 32

    def rows(self, count: int) -> Rows:
        endpoints, auths, aors = [], [], []
        for number in range(count):
            name = self._id(number)
            odd = self._random.random() < 0.3
            endpoint: dict[str, Any] = {
                "id": name,
                "aors": f"phone{number:05}",
                "auth": f"auth{number:05}",
                "context": "phones",
                "disallow": "all",
                "allow": "opus,ulaw,vp8",
                "webrtc": "yes",
                "max_video_streams": 4,
                "callerid": f'"Phone {number}" <{number}>',
            }
            auth: dict[str, Any] = {
                "id": f"auth{number:05}",
                "auth_type": "userpass",
                "username": name[:40],
                "password": self._password(_PLAIN),
            }
            if odd:
                self._oddly(endpoint, number)
                self._odd_auth(auth)
            endpoints.append(endpoint)
            if not odd or self._random.random() < 0.9:
                auths.append(auth)
            aors.append({"id": f"phone{number:05}", "max_contacts": 5})
        return {"ps_endpoints": endpoints, "ps_auths": auths, "ps_aors": aors}

    def _id(self, number: int) -> str:
        kinds = ("phone{}", "phone{}", "phone{}", "Alice.{}", "a-b_{}!~*'", "+1555{}")
        rare = ("a b {}", "é{}", "x/{}", "a;{}", "p&{}", "({})", "a,{}")
        kind = self._random.choice(rare if self._random.random() < 0.02 else kinds)
        return kind.format(f"{number:05}")

    def _password(self, letters: str) -> str:
        return "".join(self._random.choice(letters) for _ in range(self._random.randint(1, 40)))

    def _oddly(self, endpoint: dict[str, Any], number: int) -> None:
        choice = self._random.choice
        own, other = f"auth{number:05}", f"auth{choice(range(number + 1)):05}"
        field: str = choice(("webrtc", "callerid", "callerid", "auth", "transport", "streams"))
        if field == "webrtc":
            endpoint["webrtc"] = choice(("no", "on", "1", "0", "off", "true", None))
        elif field == "callerid":
            endpoint["callerid"] = choice(_NAMES).format(id=number) or None
        elif field == "auth":
            endpoint["auth"] = choice(
                (None, "", " ", "nothing", other, own.upper(), f"{own},{other}", f" {other} ,{own}")
            )
        elif field == "transport":
            endpoint["transport"] = choice(("transport-wss", "transport-tls", ""))
        else:
            endpoint["max_video_streams"] = choice((0, 1, 8, None))

    def _odd_auth(self, auth: dict[str, Any]) -> None:
        choice = self._random.choice
        kind = choice(
            ("password", "password", "apart", "digest", "no user", "realm", "type", "new")
        )
        if kind == "password":
            auth["password"] = self._password(_ODD)
        elif kind == "apart":
            auth["password"] = choice(_TAKEN_APART)
        elif kind == "digest":
            auth["auth_type"] = choice(("md5", "userpass")) if self._digests else "md5"
            auth["md5_cred"] = choice((self._digest(), self._digest().upper(), "abc", self._none))
            auth["password"] = choice((None, "", auth["password"]))
        elif kind == "no user":
            auth["username"] = choice((None, "", " ", "other name", "ü"))
        elif kind == "realm":
            auth["realm"] = choice(("pbx.example.com", "a b", "", "asterisk"))
        elif kind == "type":
            auth["auth_type"] = choice((None, "md5")) if self._digests else None
        elif self._digests:
            self._new(auth)

    def _new(self, auth: dict[str, Any]) -> None:
        choice = self._random.choice
        auth["password"] = choice((None, auth["password"]))
        auth["password_digest"] = choice(
            (
                f"MD5:{self._digest()}",
                f"md5:{self._digest()},SHA-256:{self._digest() * 2}",
                f"SHA-256:{self._digest() * 2}",
                f"MD5:{self._digest()}0",
                None,
            )
        )
        auth["supported_algorithms_uas"] = choice(("MD5", "SHA-256,MD5", "SHA-256", "", None))

    def _digest(self) -> str:
        return hashlib.md5(str(self._random.random()).encode()).hexdigest()
