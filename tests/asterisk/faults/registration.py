"""R: endpoints, auths and aors."""

from __future__ import annotations

from .fault import Fault, Server

_OURS = "cmp-bundle/pjsip.conf"


def _unknown_option(server: Server) -> None:
    server.replace(_OURS, "[alice](cmp-phone)\n", "[alice](cmp-phone)\naor = alice\n")


def _no_max_contacts(server: Server) -> None:
    server.replace(_OURS, "[alice](cmp-aor)\n", "[alice](cmp-aor)\nmax_contacts = 0\n")


def _no_auth(server: Server) -> None:
    server.replace(_OURS, "auth = alice\n", "")


def _ghost_auth(server: Server) -> None:
    server.replace(_OURS, "auth = alice\n", "auth = ghost\n")


FAULTS = [
    Fault("R102", _unknown_option, ("'aor'", "alice")),
    Fault("R110", _no_max_contacts, ("alice", "max_contacts")),
    Fault("R109", _no_auth, ("alice", "anybody")),
    Fault("R108", _ghost_auth, ("alice", "'ghost'")),
]
