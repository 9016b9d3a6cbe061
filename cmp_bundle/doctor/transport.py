"""Transports that endpoints name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.checks.endpoints import pinned
from cmp_bundle.doctor.check import Check
from cmp_bundle.doctor.together import together
from cmp_bundle.findings import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.doctor.evidence import Phone, Written
    from cmp_bundle.findings import Finding


def transports(phones: tuple[Phone, ...]) -> Iterator[Finding]:
    for phone in phones:
        if phone.protocol is not None:
            name = phone.option("transport")
            seen = f"pjsip show transport {name}: " + (
                f"protocol: {phone.protocol}"
                if phone.protocol
                else f"Unable to find object {name}."
            )
            yield from pinned(
                phone.id,
                name,
                phone.protocol,
                phone.place_of("transport"),
                seen if phone.asked else "",
            )


def local_networks(written: Written) -> Iterator[Finding]:
    """An address for the outside that those inside are given as well. Transports of other protocols are
    other phones' business.
    """
    for (kind, name), one in written.objects.items():
        address = one.options.get("external_media_address", "")
        if kind != "transport" or one.options.get("protocol", "").lower() not in ("ws", "wss"):
            continue
        if address and not one.options.get("local_net"):
            yield finding(
                "M119",
                f"the transport {name} names {address} for media, and no local_net: phones in the local"
                " network are given that address as well",
                one.places.get("external_media_address", one.place),
                f"write local_net=192.168.0.0/16, or what your network is, into [{name}], and restart"
                " Asterisk at a quiet hour",
                seen=f"external_media_address={address}",
            )


CHECKS = (
    Check(("S105", "S106"), ("phones",), lambda phones: together(transports(phones))),
    Check(("M119",), ("written",), local_networks),
)
