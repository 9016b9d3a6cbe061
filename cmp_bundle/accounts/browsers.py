"""Which options make an endpoint one for browsers: ``webrtc``, or each of those that it stands for.

After ``sip_endpoint_apply_handler`` of res_pjsip/pjsip_configuration.c, which sets the others where
``webrtc`` is on, whatever stands beside it (seen on 16 and 22). What an answer or an offer lacks without
each was seen there too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cmp_bundle.accounts.remedy import remedy
from cmp_bundle.asterisk.values import is_true
from cmp_bundle.findings import finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp_bundle.findings import Finding
    from cmp_bundle.places import Place, Row

#: What browsers do without, if it is missing, and the finding of that.
_NEEDED: Final = {
    "ice_support": ("S116", "its calls have no ICE, which browsers insist on"),
    "rtcp_mux": ("S115", "it offers calls without rtcp-mux, and browsers refuse them"),
    "bundle": ("V106", "each picture of a conference asks for a connection of its own"),
}


def is_for_browsers(options: Mapping[str, str]) -> bool:
    """Of the options of an endpoint by their names in small letters, as they are written or in force."""
    return is_true(options.get("webrtc", "")) or _is_encrypted(options)


def missing(options: Mapping[str, str]) -> dict[str, str]:
    """What an endpoint that is set up by hand lacks: the option, as ``rtcp_mux=yes``, by the code of its
    finding. None of it where ``webrtc`` is on.
    """
    if is_true(options.get("webrtc", "")):
        return {}
    found = {
        code: f"{name}=yes"
        for name, (code, _) in _NEEDED.items()
        if not is_true(options.get(name, ""))
    }
    if "V106" not in found:
        found.pop("S115", None)  # bundle has it in itself
    if not _has_certificate(options):
        found["S114"] = "dtls_auto_generate_cert=yes"
    return found


def by_hand(
    name: str, lacking: Mapping[str, str], where: Place | Row | None, seen: Mapping[str, str]
) -> list[Finding]:
    """What is to be said of the endpoint ``name``, which lacks what ``missing`` gave; ``seen`` are the
    server's words by codes, if it was asked.
    """
    why = dict(_NEEDED.values()) | {
        "S114": "its calls have no DTLS fingerprint, without which browsers refuse them"
    }
    return [
        finding(
            code,
            f"the endpoint {name} is set up for browsers by hand and lacks {option}: {why[code]}",
            where,
            f"webrtc stands for all of these options: {remedy('endpoint', name, where, {'webrtc': 'yes'})}",
            name,
            seen=seen.get(code, ""),
        )
        for code, option in lacking.items()
    ]


def _is_encrypted(options: Mapping[str, str]) -> bool:
    return options.get("media_encryption", "").lower() == "dtls"


def _has_certificate(options: Mapping[str, str]) -> bool:
    """Without one Asterisk answers with an empty fingerprint (seen on 16 and 22)."""
    return is_true(options.get("dtls_auto_generate_cert", "")) or bool(
        options.get("dtls_cert_file", "")
    )
