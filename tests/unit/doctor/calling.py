"""Phones, calls and dialplans in values: healthy ones, which a test changes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cmp_bundle.accounts.endpoint import Endpoints
from cmp_bundle.accounts.model import Account
from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.answers.dialplan import Dialplan
from cmp_bundle.asterisk.conf_files import ConfFolder, Overlaid
from cmp_bundle.checks.call import Proof
from cmp_bundle.checks.offer import Candidate
from cmp_bundle.doctor.evidence import Calls, Phone, PjsipObject, Written
from cmp_bundle.places import Place

#: Of ``pjsip show endpoint`` (22.10.1), as far as checks look at it.
OPTIONS: Mapping[str, str] = {
    "allow": "(opus|ulaw|vp8)",
    "aors": "alice",
    "auth": "alice",
    "bundle": "true",
    "callerid": '"alice" <101>',
    "context": "phones",
    "dtls_auto_generate_cert": "Yes",
    "dtls_cert_file": "",
    "dtmf_mode": "rfc4733",
    "ice_support": "true",
    "max_video_streams": "15",
    "media_encryption": "dtls",
    "rtcp_mux": "true",
    "rtp_timeout": "0",
    "rtp_timeout_hold": "0",
    "transport": "",
    "use_avpf": "true",
    "webrtc": "yes",
}


def phone(name: str = "alice", *, most: str = "5", **options: Any) -> Phone:
    """One that is loaded. What is no option is a field of it: protocol, account."""
    fields: dict[str, Any] = {
        key: options.pop(key) for key in ("protocol", "account", "loaded") if key in options
    }
    place = Place("/etc/asterisk/pjsip.conf", 7)
    written = PjsipObject("endpoint", name, {"type": "endpoint"}, place)
    given: dict[str, Any] = {
        "loaded": {**OPTIONS, **options},
        "aors": {name: {"max_contacts": most}},
        "account": Account(name, password="x"),
        **fields,
    }
    return Phone(name, written, asked=True, **given)


def plan(context: str = "phones", **extensions: str) -> dict[str, Dialplan | None]:
    """A context with ``e246="Answer() StreamEcho(4)"``."""
    steps = {name.removeprefix("e"): tuple(text.split(" ")) for name, text in extensions.items()}
    lines = {
        name: tuple(f"extensions.conf:{n}" for n in range(len(s))) for name, s in steps.items()
    }
    return {context: Dialplan(context, steps, (), lines)}


def calls(*addresses: str, name: str = "alice", seconds: float = 0.2, **known: Any) -> Calls:
    """One test call that was answered, with these candidates."""
    candidates = tuple(Candidate(one, 10000, "host") for one in addresses)
    proof = Proof(name, registered=True, answered=True, candidates=candidates, seconds=seconds)
    return Calls("https://127.0.0.1:8089", (proof,), {name: "246"}, **known)


def written(**files: str) -> Written:
    """Of ``rtp="[general]…"`` for rtp.conf, and so on."""
    contents = {f"/nonexistent/{name}.conf": text.encode() for name, text in files.items()}
    folder = Overlaid(ConfFolder(Path("/nonexistent")), contents)
    nothing: Any = None
    return Written(
        configured=nothing,
        files={f"{name}.conf": reader.read(f"{name}.conf", folder) for name in files},
        objects={},
        endpoints=Endpoints({}, {}),
        realtime=nothing,
    )
