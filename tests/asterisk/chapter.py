"""Chapter 20 of "Asterisk: The Definitive Guide", typed in as it is printed, with its mistakes.

Its endpoints are rows of a realtime database, as the chapters before it set it up. Paths below
/etc/asterisk, /home/asterisk and /var/lib/asterisk are those of the test bed's Asterisk.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import sqlalchemy as sa

from tests.asterisk import realtime_pbx
from tests.testbed import realtime

if TYPE_CHECKING:
    from pathlib import Path

    from tests.testbed.databases import Realtime
    from tests.testbed.server import Asterisk

#: What the chapter has people choose.
PASSWORDS = {"WS_PHONE_A": "spiderwrench", "WS_PHONE_B": "arachnoratchet"}

_PHONE = "https://github.com/asterisk/cyber_mega_phone_2k"

_PJSIP = """\
[transport-udp]
type=transport
protocol=udp
bind=0.0.0.0
[transport-tls]
type=transport
protocol=tls
bind=0.0.0.0
cert_file={certs}/self-signed.crt
priv_key_file={certs}/self-signed.key
"""

#: The first row names a transport that there is none of, the second one that no browser comes by.
_ROWS = (
    "INSERT into ps_aors (id, max_contacts) values ('WS_PHONE_A', 5), ('WS_PHONE_B', 5)",
    "INSERT into ps_auths (id, auth_type, password, username) values"
    " ('WS_PHONE_A','userpass','spiderwrench','WS_PHONE_A'),"
    " ('WS_PHONE_B','userpass','arachnoratchet','WS_PHONE_B')",
    "INSERT INTO ps_endpoints"
    " (id,aors,auth,context,transport,dtls_auto_generate_cert,webrtc,disallow,allow) VALUES"
    " ('WS_PHONE_A','WS_PHONE_A','WS_PHONE_A','sets','transporttls','yes','yes','all',"
    "'vp8,opus,ulaw'),"
    " ('WS_PHONE_B','WS_PHONE_B','WS_PHONE_B','sets','transport-tls','yes','yes','all',"
    "'vp8,opus,ulaw')",
)

_HTTP = """\
[general]
enabled=yes
bindaddr=0.0.0.0
bindport=8088
tlsenable=yes
tlsbindaddr=0.0.0.0:8089
tlscertfile={certs}/{name}.crt
tlsprivatekey={certs}/{name}.key
"""

#: Behind what the chapters before it have in the file: their phones' context comes last.
_EXTENSIONS = """\
[general]

[globals]

[sets]
exten => 100,1,Answer()
  same => n,Playback(hello-world)
  same => n,Hangup()
exten => 110,1,Dial(PJSIP/WS_PHONE_A)
exten => 111,1,Dial(PJSIP/WS_PHONE_B)
exten => 246,1,Noop()
  same => n,Answer()
  same => n,Wait(0.5)
  same => n,StreamEcho(4)
  same => n,Hangup()
"""


def type_in(pbx: Asterisk, held: Realtime) -> None:
    """All that comes before the first start, on ``pbx`` as its packages left it."""
    realtime.fill(held.engine(), {})
    with held.engine().begin() as connection:
        for statement in _ROWS:
            connection.execute(sa.text(statement))
    realtime_pbx.point(pbx, "odbc-mariadb", held)
    certs = pbx.base / "home/certs"
    certs.mkdir(parents=True)
    _self_signed(certs)
    write(pbx, "pjsip.conf", _PJSIP.format(certs=_inside(pbx, certs)))
    write(pbx, "http.conf", http_conf(pbx, "self-signed"))
    write(pbx, "extensions.conf", _EXTENSIONS)
    _give(pbx, certs.parent)


def clone(pbx: Asterisk) -> None:
    """The phone, where the book's Asterisk has its files and Debian's has not; then http.conf anew, with
    the names of another certificate.
    """
    site = pbx.base / "lib/static-http/cyber_mega_phone_2k"
    (site / ".git").mkdir(parents=True)
    (site / "index.html").write_text("<!doctype html><title>Cyber Mega Phone 2K</title>\n")
    (site / ".git/HEAD").write_text("ref: refs/heads/master\n")
    (site / ".git/config").write_text(f'[remote "origin"]\n\turl = {_PHONE}\n')
    _give(pbx, site.parent)
    more = "enablestatic=yes\nredirect=/cmp2k /static/cyber_mega_phone_2k/index.html\n"
    write(pbx, "http.conf", http_conf(pbx, "asterisk") + more)
    pbx.rx("module reload http")


def http_conf(pbx: Asterisk, name: str) -> str:
    return _HTTP.format(certs=_inside(pbx, pbx.base / "home/certs"), name=name)


def write(pbx: Asterisk, name: str, text: str) -> None:
    path = pbx.etc / name
    path.write_text(text)
    path.chmod(0o640)
    os.chown(path, *pbx.user())


def _self_signed(folder: Path) -> None:
    """As chapter 4 makes it: it has a common name, and no subjectAltName."""
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "365",
         "-subj", "/CN=pbx.example.com", "-out", str(folder / "self-signed.crt"),
         "-keyout", str(folder / "self-signed.key"),
         "-config", "/dev/null"],
        check=True, capture_output=True,
    )  # fmt: skip


def _inside(pbx: Asterisk, path: Path) -> str:
    return f"{pbx.inside}/{path.relative_to(pbx.base)}"


def _give(pbx: Asterisk, folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        os.chown(path, *pbx.user())
