"""K: the version itself. A newer one cannot be had for a test, so these are what the packages are."""

from __future__ import annotations

from .fault import Fault, Server

#: What a version has as it comes from its distribution, whatever is configured: errors and warnings.
ERRORS = {"22": set[str](), "16": {"S108"}}
WARNINGS = {"22": set[str](), "16": {"K101", "K102"}}


def _nothing(server: Server) -> None:
    """So it comes with the package."""


def _status(server: Server) -> None:
    """As it is without our line. Nobody asks for that page here."""
    server.replace("cmp-bundle/http.conf", "enable_status = no\n", "")


FAULTS = [
    Fault("K101", _nothing, ("Asterisk 16", "2023-10-09"), versions=("16",), never=("22",)),
    Fault("K102", _status, ("ends this Asterisk", "/phoneprov", "<cmp-bundle>", "Debian"),
          versions=("16",), never=("22",)),
    Fault("K104", _nothing, ("asterisk#1946", "22.10.1"), never=("16",)),
]  # fmt: skip
