"""Contacts and identifies, as recorded of Asterisk 22.10 and 16.28."""

from __future__ import annotations

import pytest

from cmp_bundle.asterisk.answers.pjsip import Contact, Identify, contacts, identifies

_HEAD = """
      Aor:  <Aor..............................................>  <MaxContact>
    Contact:  <Aor/ContactUri............................> <Hash....> <Status> <RTT(ms)..>
==========================================================================================

      Aor:  alice                                                5
"""
_REST = """

 ParameterName        : ParameterValue
 =========================================================================================
 authenticate_qualify : false
 contact              : sip:x4001@10.1.2.1:4001;transport=ws;x-ast-orig-host=abc.invalid:0
 max_contacts         : 5
"""


@pytest.mark.parametrize(
    "lines",
    [
        # 22
        "    Contact:  alice/sip:alice@127.16.158.1:60257;transport 41c64f3d36 NonQual        -nan\n"
        "    Contact:  alice/sip:alice@127.172.189.247:47317;transp f0071206a7 Unavail        -nan\n",
        # 16
        "    Contact:  alice/sip:alice@127.16.158.1:60257;transport 41c64f3d36 NonQual         nan\n"
        "    Contact:  alice/sip:alice@127.172.189.247:47317;transp f0071206a7 Unavail         nan\n",
    ],
    ids=["22", "16"],
)
def test_contacts(lines: str) -> None:
    found = contacts(_HEAD + lines + _REST, "alice")
    assert found == (
        Contact("sip:alice@127.16.158.1:60257;transport", "NonQual"),
        Contact("sip:alice@127.172.189.247:47317;transp", "Unavail"),
    )
    assert [one.gone for one in found] == [False, True]


def test_no_contacts() -> None:
    assert contacts(_HEAD + _REST, "alice") == ()
    assert contacts("Unable to find object alice.\n", "alice") == ()


def test_identifies() -> None:
    text = """
 Identify:  <Identify/Endpoint...........................................................>
      Match:  <criteria...........................>
==========================================================================================

 Identify:  of-trunk/trunk
      Match: 192.0.2.0/24
      Match: 2001:db8::1/128
      Match: X-From: office

 Identify:  other/desk
      Match: 0.0.0.0/0


Objects found: 2
"""
    assert identifies(text) == (
        Identify("of-trunk", "trunk", ("192.0.2.0/24", "2001:db8::1/128", "X-From: office")),
        Identify("other", "desk", ("0.0.0.0/0",)),
    )
    assert identifies("No objects found.\n") == ()
