"""X: what strangers can have."""

from __future__ import annotations

import shutil

from .fault import Fault, Server

_NO_AUTH = """
[lobby]
type=endpoint
context=cmp-phones
allow=alaw
aors=lobby
[lobby]
type=aor
max_contacts=1
"""
_KNOWN = """
[desk]
type=endpoint
context=cmp-phones
allow=alaw
auth=desk
aors=desk
[desk]
type=auth
username=desk
password=spiderwrench
[desk]
type=aor
max_contacts=1
"""
_ANONYMOUS = """
[anonymous]
type=endpoint
context=strangers
allow=alaw
"""
_OUT = """
[strangers]
include => outward
[outward]
exten => _X.,1,Dial(PJSIP/${EXTEN}@provider,60)
"""
_PAGE = """\
[general](+)
enablestatic = yes
redirect = /cmp2k /static/phone/index.html
"""
_CONFIG = """\
[core]
\trepositoryformatversion = 0
[remote "origin"]
\turl = {url}
"""


def _no_auth(server: Server) -> None:
    server.append("pjsip.conf", _NO_AUTH)


def _known(server: Server) -> None:
    server.append("pjsip.conf", _KNOWN)


def _own_name(server: Server) -> None:
    server.append("pjsip.conf", _KNOWN.replace("spiderwrench", "Desk"))


def _anonymous(server: Server) -> None:
    server.append("extensions.conf", _OUT)
    server.append("pjsip.conf", _ANONYMOUS)


def put_repository(server: Server, url: str) -> None:
    """A clone where the page is, as the book makes one."""
    folder = server.pbx.static / "phone"
    (folder / ".git").mkdir(parents=True)
    server.at_the_end(lambda: shutil.rmtree(folder))
    (folder / "index.html").write_text("<!doctype html><title>phone</title>")
    (folder / ".git/HEAD").write_text("ref: refs/heads/master\n")
    (folder / ".git/config").write_text(_CONFIG.format(url=url))
    server.append("http.conf", _PAGE)


def _history(server: Server) -> None:
    put_repository(server, "https://robot:sesame@git.example/phone.git")


def _management(server: Server) -> None:
    (server.etc / "manager.conf").write_text("[general]\nenabled=yes\nwebenabled=yes\n")
    server.append("http.conf", "[general](+)\nenabled=yes\nbindaddr=0.0.0.0")
    server.restart()


def _nothing(server: Server) -> None:
    """So it comes with the package."""


FAULTS = [
    Fault("X101", _no_auth, ("lobby",)),
    Fault("X102", _known, ("desk", "everybody knows"), name="book"),
    Fault("X102", _own_name, ("desk", "own name"), name="name"),
    Fault("X103", _anonymous, ("anonymous", "strangers", "_X.", "${EXTEN}@provider")),
    Fault("X104", _nothing, ("/ari", "/phoneprov")),
    Fault("X105", _history, ("/static/phone/.git", "ref: refs/heads/master"), name="git"),
    Fault("X105", _management, ("AMI", "0.0.0.0:8088"), name="ami"),
]
