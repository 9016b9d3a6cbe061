"""Where phones and what they name stand: in a file, in a row, or nobody knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from cmp_bundle.asterisk.answers.pjsip import ListedEndpoint
from cmp_bundle.asterisk.control import Control
from cmp_bundle.doctor.evidence import Phone
from cmp_bundle.doctor.phones import phones
from cmp_bundle.places import Place, Row

from .files import in_files
from .living import live

ENDPOINT = "webrtc : yes\n auth : alice\n aors : alice\n transport : tls"
ANSWERS = {
    "pjsip show endpoint alice": ENDPOINT,
    "pjsip show auth alice": "username : alice",
    "pjsip show aor alice": "max_contacts : 5",
}
TABLES = ("ps_endpoints", "ps_auths", "ps_aors")
SORCERY = (
    "[res_pjsip]\nendpoint=realtime,ps_endpoints\nauth=realtime,ps_auths\naor=realtime,ps_aors\n"
)
EXTCONFIG = "[settings]\n" + "".join(f"{table} => odbc,pbx,{table}\n" for table in TABLES)
KINDS = {"endpoint": "ps_endpoints", "auth": "ps_auths", "aor": "ps_aors"}


class Told(Control):
    """Says what a running Asterisk was recorded to say."""

    def __init__(self) -> None:
        pass

    def ask(self, line: str) -> str | None:
        table = ANSWERS.get(line)
        return table and f" ParameterName : ParameterValue\n ====\n {table}\n"


def alice(folder: Path, **files: str) -> Phone:
    written = in_files(
        folder, {f"{name.removesuffix('_conf')}.conf": text for name, text in files.items()}
    )
    running = live(listed=(ListedEndpoint("alice", whole=True, contacts=0),))
    found = phones(written, running, Told(), ())
    assert isinstance(found, tuple)
    return found[0]


def test_rows(tmp_path: Path) -> None:
    phone = alice(tmp_path, sorcery_conf=SORCERY, extconfig_conf=EXTCONFIG)
    assert phone.homes == {
        (kind, "alice"): Row("[pbx] of res_odbc.conf", table, "alice")
        for kind, table in KINDS.items()
    }
    assert phone.place == phone.place_of("transport") == phone.homes["endpoint", "alice"]


@pytest.mark.parametrize(
    "text",
    [
        "[alice]\ntype=wizard\ntransport=tls\naccepts_registrations=yes\n",
        "[alice]\ntype=wizard\nendpoint/webrtc=yes\naccepts_auth=yes\naccepts_registrations=yes\n",
    ],
)
def test_what_a_wizard_made_is_no_row(text: str, tmp_path: Path) -> None:
    phone = alice(tmp_path, sorcery_conf=SORCERY, extconfig_conf=EXTCONFIG, pjsip_wizard_conf=text)
    assert ("endpoint", "alice") not in phone.homes
    assert ("aor", "alice") not in phone.homes


def test_files(tmp_path: Path) -> None:
    text = "[alice]\ntype=endpoint\nwebrtc=yes\ntransport=tls\n[alice]\ntype=aor\n"
    phone = alice(tmp_path, pjsip_conf=text)
    file = "/etc/asterisk/pjsip.conf"
    assert phone.homes == {("endpoint", "alice"): Place(file, 1), ("aor", "alice"): Place(file, 5)}
    assert phone.place_of("transport") == Place(file, 4)
