"""What another certificate in the place of ours would change. Nothing is looked at or changed here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cmp_bundle.changes.plan import Plan, Steps
from cmp_bundle.changes.state import FileState
from cmp_bundle.provision.survey import CERTIFICATE
from cmp_bundle.server import lines

if TYPE_CHECKING:
    from cmp_bundle.provision.survey import FoundHttps


def to_install(pem: bytes, found: FoundHttps, *, shown: bool) -> Plan:
    """``pem`` is a certificate with its chain and key; ``shown`` is whether Asterisk shows it already."""
    steps = Steps()
    if put(steps, found, pem) or not shown:
        read_again(steps, found)
    return Plan("change of certificate", tuple(steps.steps))


def put(steps: Steps, found: FoundHttps, pem: bytes) -> bool:
    """``pem`` in our file; whether that is new."""
    before = len(steps)
    lines.our_folder(steps, found)
    after = FileState(pem, found.secret_owner)
    steps.add(found.our_folder / CERTIFICATE, found.certificate, after)
    return len(steps) > before


def read_again(steps: Steps, found: FoundHttps) -> None:
    """Have Asterisk load the certificate, unless it is to reload http.conf anyway.

    Once it has refused one, so that HTTPS is dead, it loads none until http.conf, or a file that it
    includes, has another time than before (seen on 16 and 22).
    """
    if lines.HTTP in steps.reloads:
        return
    ours = found.ours.get("http.conf")
    if ours is not None:
        steps.add(found.our_folder / "http.conf", ours, replace(ours, mtime=found.next_time))
    lines.reload(steps, "http.conf")
